use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use haneul_base::Instant;
use haneul_store::{Range, Reads, Record, Store, StoreError, Table};
use serde::{Deserialize, Serialize};

use crate::rows::{ROWS, Row, RowKey};
use crate::usage::DAY_MS;

/// What was used of one thing in a day or a month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    pub unit: String,
    /// One for each set of tags that the resource had meanwhile.
    pub parts: Vec<Part>,
}

/// What was used while a resource had these tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub amount: u64,
    #[serde(default)]
    pub tags: Vec<(String, String)>,
}

impl Record for Sum {}

/// Keyed like the rows of hours, by the beginnings of days and of months.
pub static DAYS: Table<RowKey, Sum> = Table::new("meter.usage_by_day");
pub static MONTHS: Table<RowKey, Sum> = Table::new("meter.usage_by_month");

/// How long what was used can be told hour by hour, and then day by day. A bill is made within the first; the same month of
/// the year before is within the second.
const HOURS_KEPT_MS: i64 = 40 * DAY_MS;
const DAYS_KEPT_MS: i64 = 400 * DAY_MS;

/// Rows that one transaction takes away.
const MOVED: usize = 1000;

/// Sets of tags that are told apart in one row. Whoever changes a resource's tags more often has the rest counted under the last.
const PARTS_MAX: usize = 100;

/// Makes rows of hours that are older than 40 days one of each day, and those older than 400 days one of each month. What is
/// added and what is taken away are one transaction, so that a crash loses and doubles nothing.
///
/// # Errors
/// When the store fails; what was done stays done.
pub async fn compact(store: &Store, now_ms: i64) -> Result<(), StoreError> {
    while fold(store, &ROWS, (&DAYS, day_of), day_of(now_ms - HOURS_KEPT_MS), MOVED).await? {}
    while fold(store, &DAYS, (&MONTHS, month_of), month_of(now_ms - DAYS_KEPT_MS), MOVED).await? {}
    Ok(())
}

/// Where the span begins that a time is in.
type Beginning = fn(i64) -> i64;

/// Moves up to `most` rows that begin before that time; whether there may be more.
async fn fold<V: Record + Into<Sum>>(
    store: &Store,
    from: &Table<RowKey, V>,
    (into, beginning): (&Table<RowKey, Sum>, Beginning),
    before_ms: i64,
    most: usize,
) -> Result<bool, StoreError> {
    let moved = store
        .transact(|tx| async move {
            let page = tx.scan(from, before(before_ms), most).await?;
            let (moved, mut sums) = (page.len(), BTreeMap::<RowKey, Sum>::new());
            for (key, row) in page {
                tx.delete(from, &key)?;
                let key = (beginning(key.0), key.1, key.2, key.3, key.4, key.5);
                let sum = match sums.entry(key) {
                    Entry::Occupied(sum) => sum.into_mut(),
                    Entry::Vacant(place) => {
                        let known = tx.get(into, place.key()).await?;
                        place.insert(known.unwrap_or_default())
                    }
                };
                sum.add(row.into());
            }
            for (key, sum) in &sums {
                tx.put(into, key, sum)?;
            }
            Ok::<_, StoreError>(moved)
        })
        .await?;
    Ok(moved == most)
}

fn before(ms: i64) -> Range<RowKey> {
    Range::all().before(&crate::read::first(ms))
}

fn day_of(ms: i64) -> i64 {
    ms.div_euclid(DAY_MS) * DAY_MS
}

/// The beginning of the month (UTC).
fn month_of(ms: i64) -> i64 {
    let text = Instant::from_millis(ms).iso8601();
    let first = text.get(..7).and_then(|month| Instant::parse_iso8601(&format!("{month}-01T00:00:00Z")));
    first.map_or_else(|| day_of(ms), Instant::millis)
}

impl Sum {
    fn add(&mut self, other: Sum) {
        for part in other.parts {
            let known = self.parts.iter().position(|known| known.tags == part.tags);
            let full = self.parts.len() >= PARTS_MAX;
            match known.or(full.then_some(PARTS_MAX - 1)) {
                Some(at) => self.parts[at].amount = self.parts[at].amount.saturating_add(part.amount),
                None => self.parts.push(part),
            }
        }
        self.unit = other.unit;
    }

    /// The rows that it stands for.
    pub(crate) fn rows(self) -> impl Iterator<Item = Row> {
        let unit = self.unit;
        self.parts.into_iter().map(move |part| Row {
            amount: part.amount,
            unit: unit.clone(),
            tags: part.tags,
        })
    }
}

impl From<Row> for Sum {
    fn from(row: Row) -> Sum {
        Sum { unit: row.unit, parts: vec![Part { amount: row.amount, tags: row.tags }] }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use haneul_base::{AccountId, Region};

    use super::*;
    use crate::read::{Filter, Span, read};
    use crate::usage::HOUR_MS;

    fn key(hour: i64, what: &str, resource: &str) -> RowKey {
        let (account, region) = (AccountId::DEFAULT, Region::US_EAST_1);
        (hour * HOUR_MS, account, region, "s3".into(), what.into(), resource.into())
    }

    /// What was used in all, by kind, resource and tags.
    async fn totals(store: &Store) -> HashMap<(String, String, Vec<(String, String)>), u64> {
        let mut all = HashMap::new();
        for used in read(store, &Filter::default(), usize::MAX).await.unwrap() {
            *all.entry((used.key.4, used.key.5, used.row.tags)).or_default() += used.row.amount;
        }
        all
    }

    /// 450 days of three hours each, of two resources; the tags of one change each week.
    async fn used(store: &Store) {
        for day in 0..450 {
            let (day_ref, store) = (&day, store);
            store
                .transact(|tx| async move {
                    for hour in [0, 7, 23] {
                        for (what, resource) in [("PutObject Requests-Tier1", "a"), ("Standard Bytes", "b")] {
                            let day = *day_ref;
                            let tags = match resource {
                                "a" => vec![("week".to_owned(), (day / 7).to_string())],
                                _ => Vec::new(),
                            };
                            let amount = (day * 24 + hour) as u64;
                            let row = Row { amount, unit: "Requests".into(), tags };
                            tx.put(&ROWS, &key(day * 24 + hour, what, resource), &row)?;
                        }
                    }
                    Ok::<_, StoreError>(())
                })
                .await
                .unwrap();
        }
    }

    #[tokio::test]
    async fn older_rows_become_fewer_and_no_total_changes() {
        let store = Store::memory();
        used(&store).await;
        let expected = totals(&store).await;
        let now_ms = 450 * DAY_MS;
        // Whenever it is interrupted, all is there once.
        while fold(&store, &ROWS, (&DAYS, day_of), day_of(now_ms - HOURS_KEPT_MS), 41).await.unwrap() {
            assert_eq!(totals(&store).await, expected);
        }
        compact(&store, now_ms).await.unwrap();
        assert_eq!(totals(&store).await, expected);
        let all = read(&store, &Filter::default(), usize::MAX).await.unwrap();
        let of = |span: Span| all.iter().filter(|used| used.span == span).count();
        assert_eq!(of(Span::Hour), 40 * 3 * 2);
        // Fifty days are older than 400, of which January is a whole month.
        assert_eq!(of(Span::Day), (450 - 40 - 31) * 2);
        assert_eq!(of(Span::Month), 1 + 5, "a row for each week's tags");
        assert!(all.is_sorted_by_key(|used| used.key.0));
        assert_eq!(all[0].row.unit, "Requests");

        // What comes late is added, and doing it again changes nothing.
        let late = Row { amount: 5, unit: "Requests".into(), tags: Vec::new() };
        store.put(&ROWS, &key(3, "Standard Bytes", "b"), &late).await.unwrap();
        let expected = totals(&store).await;
        for _ in 0..2 {
            compact(&store, now_ms).await.unwrap();
            assert_eq!(totals(&store).await, expected);
        }
        assert_eq!(read(&store, &Filter::default(), usize::MAX).await.unwrap().len(), all.len());
        let some = Filter { from_ms: 100 * DAY_MS, until_ms: Some(102 * DAY_MS), ..Filter::default() };
        assert_eq!(read(&store, &some, 3).await.unwrap().len(), 3);
        assert_eq!(read(&store, &some, 100).await.unwrap().len(), 4);
    }

    #[test]
    fn months_begin_on_their_first() {
        for (text, first) in [
            ("2026-02-28T23:59:59Z", "2026-02-01T00:00:00Z"),
            ("2024-02-29T12:00:00Z", "2024-02-01T00:00:00Z"),
            ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ] {
            let of = |text: &str| Instant::parse_iso8601(text).unwrap().millis();
            assert_eq!(month_of(of(text)), of(first), "{text}");
        }
    }

    #[test]
    fn tags_that_always_change_do_not_fill_a_row() {
        let mut sum = Sum::default();
        for n in 0..3 * PARTS_MAX {
            sum.add(Row { amount: 2, unit: "Bytes".into(), tags: vec![("n".into(), n.to_string())] }.into());
        }
        assert_eq!(sum.parts.len(), PARTS_MAX);
        assert_eq!(sum.parts.iter().map(|part| part.amount).sum::<u64>(), 6 * PARTS_MAX as u64);
    }
}
