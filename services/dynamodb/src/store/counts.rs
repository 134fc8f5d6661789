//! How many items a table has, and how many bytes. AWS brings these figures up to date about every six hours; here they
//! are counted when asked for, as long as that is quick, and in the background for tables that are large.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{Env, Instant, Result};
use haneul_store::{Range, Reads, Store, TableVersion};
use parking_lot::Mutex;

use super::Db;
use crate::engine::keys;
use crate::error;
use crate::model::{ITEMS, RawKey, RawPrefix, SIZES};
use crate::table::TableInfo;
use crate::table::describe::Counts;

/// Entries that are counted while the client waits.
const AT_ONCE_MAX: i64 = 5_000;

const PAGE: usize = 250;

/// Between two pages of a count in the background, which take less than half a millisecond each: a fiftieth of a processor,
/// so that nobody notices, and less than a quarter of an hour for ten million items.
const PAUSE: Duration = Duration::from_millis(20);

/// How old the figures of a large table may be.
const AGE_MS: i64 = 6 * 60 * 60 * 1000;

pub(super) struct Cache {
    version: TableVersion,
    known: Mutex<HashMap<u64, Known>>,
}

#[derive(Clone, Copy)]
struct Known {
    version: u64,
    at: Instant,
    items: i64,
    bytes: i64,
    /// A count of a large table, or one that is under way.
    large: bool,
}

impl Cache {
    pub(super) fn new(store: &Store) -> Cache {
        Cache { version: store.table_version(&ITEMS), known: Mutex::default() }
    }
}

impl Db {
    pub(crate) async fn counts(&self, info: &Arc<TableInfo>) -> Result<Counts> {
        self.counts_within(info, AGE_MS).await
    }

    /// The same, of large tables no newer than a day.
    pub(crate) async fn counts_of_a_day(&self, info: &Arc<TableInfo>) -> Result<Counts> {
        self.counts_within(info, 4 * AGE_MS).await
    }

    async fn counts_within(&self, info: &Arc<TableInfo>, age_ms: i64) -> Result<Counts> {
        let spaces = info.record.indexes.iter().map(|index| index.space).chain([info.record.space]);
        let mut of_space = Vec::new();
        for space in spaces {
            let (items, bytes) = self.count(space, age_ms).await?;
            of_space.push((space, items, bytes));
        }
        Ok(Counts { of_space })
    }

    async fn count(&self, space: u64, age_ms: i64) -> Result<(i64, i64)> {
        let (cache, now) = (&self.shared.counts, self.env.now());
        let version = cache.version.get();
        let known = cache.known.lock().get(&space).copied();
        if let Some(known) = known
            && (known.version == version || known.large && now.millis() - known.at.millis() < age_ms)
        {
            return Ok((known.items, known.bytes));
        }
        let counted = count_up_to(&self.store, space, AT_ONCE_MAX, None).await?;
        let (items, bytes, whole) = counted;
        let before = known.filter(|_| !whole).map(|known| (known.items, known.bytes));
        let (items, bytes) = before.unwrap_or((items, bytes));
        cache.known.lock().insert(space, Known { version, at: now, items, bytes, large: !whole });
        if !whole {
            let db = self.clone();
            self.env.spawn("dynamodb count", async move {
                let counted = count_up_to(&db.store, space, i64::MAX, Some(&db.env)).await;
                let Ok((items, bytes, _)) = counted else { return };
                let known = Known { version, at: now, items, bytes, large: true };
                db.shared.counts.known.lock().insert(space, known);
            });
        }
        Ok((items, bytes))
    }
}

/// Items, bytes, and whether that was all. The bytes are those of TableSizeBytes: what AWS adds to each item where it
/// bills the storage, 100 bytes, is not in them. Each page is as of its own moment: what changes meanwhile is counted or not,
/// and no old state is held for so long.
async fn count_up_to(store: &Store, space: u64, max: i64, pausing: Option<&Env>) -> Result<(i64, i64, bool)> {
    let (mut items, mut bytes) = (0, 0);
    let prefix = keys::of_space(space);
    let mut after: Option<RawKey> = None;
    loop {
        let mut range = Range::prefix(RawPrefix(&prefix));
        if let Some(after) = &after {
            range = range.after(after);
        }
        let page = store.scan(&SIZES, range, PAGE).await.map_err(error::store)?;
        let count = page.len();
        items += count as i64;
        bytes += page.iter().map(|(_, size)| size.0 as i64).sum::<i64>();
        match page.into_iter().last() {
            Some((last, _)) if count == PAGE && items < max => {
                after = Some(last);
                if let Some(env) = pausing {
                    env.clock.sleep(PAUSE).await;
                }
            }
            _ => return Ok((items, bytes, count < PAGE)),
        }
    }
}
