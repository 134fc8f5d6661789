use haneul_base::{AccountId, Region};
use haneul_store::{Reads, Record, Store, StoreError, Table};
use serde::{Deserialize, Serialize};

use crate::counters::Taken;
use crate::usage::{DAY_MS, HOUR_MS, Held, Place, UsageType, Used};

/// The hour, account, Region, service, operation with its usage type (`PutObject Requests-Tier1`), resource.
pub type RowKey = (i64, AccountId, Region, String, String, String);

/// What was used of one thing in one hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub amount: u64,
    /// What `amount` is a number of: `Requests`, `Bytes`, `Byte-Hours`.
    pub unit: String,
    /// The resource's tags when it was first used in the hour.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
}

impl Record for Row {}

pub static ROWS: Table<RowKey, Row> = Table::new("meter.usage");

/// Rows that are written in one transaction.
const WRITES: usize = 1000;

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
                for Used { place, kind, amount } in part_ref {
                    let key = key(place, *kind);
                    let row = match tx.get(&ROWS, &key).await? {
                        Some(row) => Row { amount: row.amount.saturating_add(*amount), ..row },
                        None => Row { amount: *amount, unit: kind.unit.to_owned(), tags: tags(place) },
                    };
                    tx.put(&ROWS, &key, &row)?;
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

/// The hour until which it is written down what is held.
static HELD_UNTIL: Table<String, Until> = Table::new("meter.held_until");

/// The one row of it.
const HELD: &str = "held";

#[derive(Serialize, Deserialize)]
struct Until {
    hour_ms: i64,
}

impl Record for Until {}

/// Hours that were not looked at (the cloud was down) for which what is held now is written. Their rows are not yet those of
/// days, so that writing them again after a crash counts nothing twice.
const MISSED_MAX: i64 = 31 * 24;

/// The hours since it was last written what is held, as the first of each day and how many they are; `None` at the first
/// time, from which it counts.
///
/// # Errors
/// When the store fails.
pub async fn held_since(store: &Store, now_ms: i64) -> Result<Vec<(i64, u64)>, StoreError> {
    let until_ms = now_ms.div_euclid(HOUR_MS) * HOUR_MS;
    let Some(Until { hour_ms }) = store.get(&HELD_UNTIL, HELD).await? else {
        store.put(&HELD_UNTIL, HELD, &Until { hour_ms: until_ms }).await?;
        return Ok(Vec::new());
    };
    let (mut spans, mut from_ms) = (Vec::new(), hour_ms.max(until_ms - MISSED_MAX * HOUR_MS));
    while from_ms < until_ms {
        let to_ms = until_ms.min((from_ms.div_euclid(DAY_MS) + 1) * DAY_MS);
        spans.push((from_ms, ((to_ms - from_ms) / HOUR_MS) as u64));
        from_ms = to_ms;
    }
    Ok(spans)
}

/// Writes what was held in the hours of [`held_since`]. Done again after a crash it writes the same rows.
///
/// # Errors
/// When the store fails.
pub async fn hold(
    store: &Store,
    spans: &[(i64, u64)],
    held: &[Held],
    tags: impl Fn(&str) -> Vec<(String, String)> + Sync,
) -> Result<(), StoreError> {
    for (from_ms, hours) in spans {
        for held in held.chunks(WRITES) {
            let tags = &tags;
            store
                .transact(|tx| async move {
                    for one in held {
                        let amount = one.amount.saturating_mul(*hours);
                        let row = Row { amount, unit: one.kind.unit.to_owned(), tags: tags(&one.resource) };
                        let key = (
                            *from_ms,
                            one.account,
                            one.region,
                            one.service,
                            format!("{} {}", one.operation, one.kind.name),
                            one.resource.as_str(),
                        );
                        let key = (key.0, key.1, key.2, key.3, key.4.as_str(), key.5);
                        tx.put(&ROWS, &key, &row)?;
                    }
                    Ok::<_, StoreError>(())
                })
                .await?;
        }
    }
    match spans.last() {
        Some((from_ms, hours)) => {
            let hour_ms = from_ms + *hours as i64 * HOUR_MS;
            store.put(&HELD_UNTIL, HELD, &Until { hour_ms }).await
        }
        None => Ok(()),
    }
}

fn key(place: &Place, kind: UsageType) -> RowKey {
    let Place { hour_ms, account, region, service, operation, resource } = place;
    (
        *hour_ms,
        *account,
        *region,
        service.to_string(),
        format!("{operation} {}", kind.name),
        resource.to_string(),
    )
}

#[cfg(test)]
mod tests {
    use haneul_base::Instant;

    use super::*;
    use crate::{Call, Counters, Filter, Span, read::read};

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
            all.iter().map(|used| (used.key.0 / 3_600_000, used.key.4.as_str(), used.row.amount)).collect();
        assert_eq!(
            shown,
            [
                (0, "PutObject DataTransfer-In-Bytes", 70),
                (0, "PutObject Requests-Tier1", 7),
                (1, "PutObject DataTransfer-In-Bytes", 50),
                (1, "PutObject Requests-Tier1", 5),
            ]
        );
        assert_eq!(all[0].span, Span::Hour);
        assert_eq!(all[0].row.tags, [("team".to_owned(), "a".to_owned())]);
        let later = Filter { from_ms: 3_600_000, ..Filter::default() };
        assert_eq!(read(&store, &later, 100).await.unwrap().len(), 2);
        let other = Filter { service: Some("sqs".into()), ..Filter::default() };
        assert!(read(&store, &other, 100).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_is_held_is_written_for_each_hour_once() {
        let store = Store::memory();
        let held = |amount: u64| Held {
            account: AccountId::DEFAULT,
            region: Region::US_EAST_1,
            service: "s3",
            operation: "StandardStorage",
            resource: "arn:aws:s3:::b".to_owned(),
            kind: UsageType::new("TimedStorage-ByteHrs", "Byte-Hours"),
            amount,
        };
        let hour = |n: i64| n * HOUR_MS;
        let no_tags = |_: &str| Vec::new();
        assert!(held_since(&store, hour(20) + 7).await.unwrap().is_empty(), "the first start");
        assert!(held_since(&store, hour(20) + 9).await.unwrap().is_empty());
        let spans = held_since(&store, hour(21) + 1).await.unwrap();
        assert_eq!(spans, [(hour(20), 1)]);
        for _ in 0..2 {
            hold(&store, &spans, &[held(5)], no_tags).await.unwrap();
        }
        // Down until the next day but one: each day has its own.
        let spans = held_since(&store, hour(50)).await.unwrap();
        assert_eq!(spans, [(hour(21), 3), (hour(24), 24), (hour(48), 2)]);
        hold(&store, &spans, &[held(7)], no_tags).await.unwrap();
        assert!(held_since(&store, hour(50)).await.unwrap().is_empty());
        let all = read(&store, &Filter::default(), 100).await.unwrap();
        let shown: Vec<_> = all.iter().map(|used| (used.key.0 / HOUR_MS, used.row.amount)).collect();
        assert_eq!(shown, [(20, 5), (21, 21), (24, 168), (48, 14)]);
        assert_eq!(
            (all[0].key.4.as_str(), all[0].row.unit.as_str()),
            ("StandardStorage TimedStorage-ByteHrs", "Byte-Hours")
        );
        let spans = held_since(&store, hour(100_000)).await.unwrap();
        assert_eq!(spans.iter().map(|(_, hours)| hours).sum::<u64>(), MISSED_MAX as u64);
    }
}
