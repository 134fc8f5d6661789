//! Pages of a shard.

use haneul_kit::{ApiError, Result};
use haneul_store::{Range, Reads, Store};

use super::Shard;
use crate::error;
use crate::keys::Opener;
use crate::model::{ROWS, StreamRecord};
use crate::row::{Entry, ROW_BYTES, Row, unpack};

/// A record as it is read.
pub(crate) struct Found {
    pub(crate) place: u64,
    pub(crate) arrived_ms: i64,
    pub(crate) entry: Entry,
    pub(crate) sealed: bool,
}

#[derive(Default)]
pub(crate) struct Page {
    pub(crate) records: Vec<Found>,
    pub(crate) bytes: usize,
    /// Where the next page begins.
    pub(crate) next: u64,
    /// How old what comes next is, where it was there already.
    pub(crate) behind_ms: i64,
    /// Whether everything that was there when the page was read is on it or before it.
    pub(crate) at_tip: bool,
}

/// What a page may have.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) records: usize,
    /// The first record may be larger.
    pub(crate) bytes: usize,
}

/// Bytes of rows that are read at once.
const READ_BYTES: usize = 16 * 1024 * 1024;

/// The records from `place` on.
pub(crate) async fn page(
    store: &Store,
    shard: &Shard,
    stream: &StreamRecord,
    place: u64,
    now_ms: i64,
    bounds: Bounds,
    opener: &mut Opener<'_>,
) -> Result<Page> {
    // Whatever is before this place is in the store by now.
    let visible = shard.tail(store).await?.lock().visible();
    let mut page = Page { next: place, at_tip: true, ..Page::default() };
    if place >= visible {
        return Ok(page);
    }
    let trimmed_before_ms = stream.trimmed_before_ms(now_ms);
    let row_bytes_max = ROW_BYTES.max(stream.record_kib_ever as usize * 1024) + 1024;
    let step_max = (READ_BYTES / row_bytes_max).max(1);
    let mut found = row_from(store, shard, place).await?;
    if found.as_ref().is_some_and(|(_, row)| row.last_arrived_ms() < trimmed_before_ms) {
        // Rows past their retention are not gone through one by one: there may be any number of them.
        page.next = place_at(store, shard, trimmed_before_ms).await?.max(place);
        found = row_from(store, shard, page.next).await?;
    }
    let mut rows: Vec<_> = found.into_iter().collect();
    let (mut step, mut read, mut from) = (1, 1, page.next);
    loop {
        let is_last = rows.len() < step;
        for (first, row) in rows {
            from = first + row.count();
            if !page.add(first, row, trimmed_before_ms, bounds, opener).await? {
                page.behind_ms = (now_ms - page.behind_ms).max(0);
                return Ok(page);
            }
        }
        if is_last {
            // Places that were given out and not written are passed over.
            page.next = page.next.max(visible);
            page.behind_ms = 0;
            return Ok(page);
        }
        // As many as it took so far: a small page does not read much more than it has.
        step = read.min(step_max);
        read += step;
        rows = rows_from(store, shard, from, step).await?;
    }
}

impl Page {
    /// Adds the records of a row. False when the page is full; `behind_ms` then is when the next record arrived.
    async fn add(
        &mut self,
        first: u64,
        row: Row,
        trimmed_before_ms: i64,
        bounds: Bounds,
        opener: &mut Opener<'_>,
    ) -> Result<bool> {
        let mut begin = first;
        for parcel in row.parcels {
            let end = begin + u64::from(parcel.count);
            if end <= self.next || parcel.arrived_ms < trimmed_before_ms {
                self.next = self.next.max(end);
                begin = end;
                continue;
            }
            if self.records.len() >= bounds.records || self.bytes >= bounds.bytes {
                self.at_tip = false;
                self.behind_ms = parcel.arrived_ms;
                return Ok(false);
            }
            let (count, arrived_ms, sealed) = (parcel.count, parcel.arrived_ms, parcel.seal.is_some());
            let body = opener.open(parcel).await?;
            let entries = unpack(count, body).ok_or_else(|| ApiError::internal("a damaged parcel"))?;
            for (place, entry) in (begin..).zip(entries) {
                if place < self.next {
                    continue;
                }
                let size = entry.size();
                let full = self.records.len() >= bounds.records || self.bytes + size > bounds.bytes;
                if full && !self.records.is_empty() {
                    self.at_tip = false;
                    self.behind_ms = arrived_ms;
                    return Ok(false);
                }
                self.bytes += size;
                self.next = place + 1;
                self.records.push(Found { place, arrived_ms, entry, sealed });
            }
            begin = end;
        }
        Ok(true)
    }
}

/// The row with the record at `place`, or the next one.
async fn row_from(store: &Store, shard: &Shard, place: u64) -> Result<Option<(u64, Row)>> {
    match row_at(store, shard, place).await? {
        Some((first, row)) if first + row.count() > place => Ok(Some((first, row))),
        _ => Ok(rows_from(store, shard, place, 1).await?.pop()),
    }
}

/// Rows that begin at `place` or after.
async fn rows_from(store: &Store, shard: &Shard, place: u64, limit: usize) -> Result<Vec<(u64, Row)>> {
    let key = (shard.stream_no, shard.index);
    let range = Range::prefix(key).from(&(key.0, key.1, place));
    let rows = store.scan(&ROWS, range, limit).await.map_err(error::store)?;
    Ok(rows.into_iter().map(|((_, _, first), row)| (first, row)).collect())
}

/// The last row that begins at `place` or before.
async fn row_at(store: &Store, shard: &Shard, place: u64) -> Result<Option<(u64, Row)>> {
    let key = (shard.stream_no, shard.index);
    let before = (key.0, key.1, place.saturating_add(1));
    let range = Range::prefix(key).before(&before).rev();
    let found = store.scan(&ROWS, range, 1).await.map_err(error::store)?;
    Ok(found.into_iter().next().map(|((_, _, first), row)| (first, row)))
}

/// The place of the first record that arrived at `at_ms` or later.
pub(crate) async fn place_at(store: &Store, shard: &Shard, at_ms: i64) -> Result<u64> {
    let (mut high, last_ms) = {
        let tail = shard.tail(store).await?.lock();
        (tail.visible(), tail.last_ms())
    };
    if at_ms > last_ms {
        return Ok(high);
    }
    let range = Range::prefix((shard.stream_no, shard.index));
    let first = store.scan_keys(&ROWS, range, 1).await.map_err(error::store)?;
    let Some((_, _, mut low)) = first.into_iter().next() else { return Ok(high) };
    // Times do not fall within a shard, so what is looked for can be halved. Everything before `low` is earlier, and
    // everything from `high` on is not.
    while low < high {
        let middle = low + (high - low) / 2;
        let Some((first, row)) = row_at(store, shard, middle).await? else {
            low = middle + 1;
            continue;
        };
        if row.last_arrived_ms() < at_ms {
            low = (first + row.count()).max(middle + 1);
        } else if row.first_arrived_ms() >= at_ms {
            high = first.max(low);
            if first <= low {
                return Ok(low);
            }
        } else {
            let earlier = row.parcels.iter().take_while(|parcel| parcel.arrived_ms < at_ms);
            return Ok(first + earlier.map(|parcel| u64::from(parcel.count)).sum::<u64>());
        }
    }
    Ok(high)
}
