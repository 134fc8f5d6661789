use haneul_base::{AccountId, Region};
use haneul_store::{Range, Reads, Record, Store, StoreError, Table};
use serde::{Deserialize, Serialize};

use crate::counters::{Counts, Taken};
use crate::usage::{Place, request_type};

/// The hour, account, Region, service, operation with its usage type (`PutObject Requests-Tier1`), resource.
pub type RowKey = (i64, AccountId, Region, String, String, String);

/// What was used of one thing in one hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub amount: u64,
    /// `Requests` or `Bytes`.
    pub unit: String,
    /// The resource's tags when it was first used in the hour.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
}

impl Record for Row {}

pub static ROWS: Table<RowKey, Row> = Table::new("meter.usage");

/// Rows that are written in one transaction.
const WRITES: usize = 1000;

/// Which rows are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Inclusive.
    pub from_ms: i64,
    /// Exclusive.
    pub until_ms: Option<i64>,
    pub account: Option<AccountId>,
    pub service: Option<String>,
}

/// Adds counts to their rows; `tags` tells the tags of a resource. What could not be written is given back.
///
/// # Errors
/// With the counts that are still to be written.
pub async fn add(
    store: &Store,
    taken: Taken,
    tags: impl Fn(&Place) -> Vec<(String, String)> + Sync,
) -> Result<(), (StoreError, Taken)> {
    let mut rest = taken;
    while !rest.is_empty() {
        let part: Taken = rest.split_off(rest.len().saturating_sub(WRITES));
        let (part_ref, tags) = (&part, &tags);
        let written = store
            .transact(|tx| async move {
                for (place, counts) in part_ref {
                    for (usage_type, amount, unit) in amounts(place, counts) {
                        let key = key(place, usage_type);
                        let row = match tx.get(&ROWS, &key).await? {
                            Some(row) => Row { amount: row.amount.saturating_add(amount), ..row },
                            None => Row { amount, unit: unit.to_owned(), tags: tags(place) },
                        };
                        tx.put(&ROWS, &key, &row)?;
                    }
                }
                Ok::<_, StoreError>(())
            })
            .await;
        if let Err(error) = written {
            rest.extend(part);
            return Err((error, rest));
        }
    }
    Ok(())
}

/// Rows by hour, up to `limit`.
///
/// # Errors
/// When the store cannot be read.
pub async fn read(store: &Store, filter: &Filter, limit: usize) -> Result<Vec<(RowKey, Row)>, StoreError> {
    let mut found = Vec::new();
    let start = (filter.from_ms, AccountId::DEFAULT, Region::all().next().unwrap_or(Region::US_EAST_1));
    let mut range = Range::all().from(&(start.0, start.1, start.2, "", "", ""));
    if start.0 == 0 {
        range = Range::all();
    }
    loop {
        let page = store.scan(&ROWS, range, WRITES).await?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        range = Range::all().after(last);
        for (key, row) in page {
            if filter.until_ms.is_some_and(|until_ms| key.0 >= until_ms) {
                return Ok(found);
            }
            let wanted = key.0 >= filter.from_ms
                && filter.account.is_none_or(|account| account == key.1)
                && filter.service.as_ref().is_none_or(|service| *service == key.3);
            if wanted {
                found.push((key, row));
            }
            if found.len() >= limit {
                return Ok(found);
            }
        }
    }
}

fn amounts(place: &Place, counts: &Counts) -> impl Iterator<Item = (&'static str, u64, &'static str)> {
    let requests = request_type(&place.service, &place.operation, &place.resource);
    [
        (requests, counts.requests, "Requests"),
        ("Requests-Failed", counts.failed, "Requests"),
        ("DataTransfer-In-Bytes", counts.bytes_in, "Bytes"),
        ("DataTransfer-Out-Bytes", counts.bytes_out, "Bytes"),
    ]
    .into_iter()
    .filter(|(_, amount, _)| *amount > 0)
}

fn key(place: &Place, usage_type: &str) -> RowKey {
    let Place { hour_ms, account, region, service, operation, resource } = place;
    (
        *hour_ms,
        *account,
        *region,
        service.to_string(),
        format!("{operation} {usage_type}"),
        resource.to_string(),
    )
}

#[cfg(test)]
mod tests {
    use haneul_base::Instant;

    use super::*;
    use crate::{Call, Counters};

    #[tokio::test]
    async fn counts_add_up_in_their_hour() {
        let (store, counters) = (Store::memory(), Counters::default());
        for (n, hour) in [(3, 0), (4, 0), (5, 1)] {
            for _ in 0..n {
                counters.note(&Call {
                    account: AccountId::DEFAULT,
                    region: Region::US_EAST_1,
                    service: "s3",
                    operation: "PutObject",
                    resource: "arn:aws:s3:::b/k",
                    at: Instant::from_millis(hour * 3_600_000 + 5),
                    failed: false,
                    bytes_in: 10,
                    bytes_out: 0,
                });
            }
            let tagged = |place: &Place| {
                assert_eq!(&*place.resource, "arn:aws:s3:::b");
                vec![("team".to_owned(), "a".to_owned())]
            };
            add(&store, counters.take(), tagged).await.unwrap();
        }
        let all = read(&store, &Filter::default(), 100).await.unwrap();
        let shown: Vec<_> =
            all.iter().map(|(key, row)| (key.0 / 3_600_000, key.4.as_str(), row.amount)).collect();
        assert_eq!(
            shown,
            [
                (0, "PutObject DataTransfer-In-Bytes", 70),
                (0, "PutObject Requests-Tier1", 7),
                (1, "PutObject DataTransfer-In-Bytes", 50),
                (1, "PutObject Requests-Tier1", 5),
            ]
        );
        assert_eq!(all[0].1.tags, [("team".to_owned(), "a".to_owned())]);
        let later = Filter { from_ms: 3_600_000, ..Filter::default() };
        assert_eq!(read(&store, &later, 100).await.unwrap().len(), 2);
        let other = Filter { service: Some("sqs".into()), ..Filter::default() };
        assert!(read(&store, &other, 100).await.unwrap().is_empty());
    }
}
