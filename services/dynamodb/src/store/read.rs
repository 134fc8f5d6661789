//! Pages of items and index entries.

use std::sync::Arc;

use haneul_kit::Result;
use haneul_store::{Range, Reads, Snapshot};

use super::Db;
use crate::error;
use crate::model::{ITEMS, RawKey, RawPrefix, StoredItem};
use crate::table::TableInfo;
use crate::value::Attrs;

/// Bytes that one page may have before what is filtered out is gone.
pub(crate) const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Entries that are read at once.
const CHUNK: usize = 64;
const CHUNK_MAX: usize = 1024;

/// Where to read: from `start` up to and without `end`, or backwards from the end.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) start: Vec<u8>,
    pub(crate) end: Vec<u8>,
    pub(crate) reverse: bool,
}

/// Entries in their order, with the size of each.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<(Attrs, usize)>,
    /// There may be more: the page ended because of the limit or its size.
    pub(crate) more: bool,
}

impl Span {
    /// All keys that begin with `prefix`.
    pub(crate) fn prefix(prefix: Vec<u8>) -> Span {
        let end = successor(&prefix);
        Span { start: prefix, end, reverse: false }
    }

    /// Behind `key`, in the direction of reading.
    pub(crate) fn after(mut self, key: &[u8]) -> Span {
        if self.reverse {
            if key < &self.end[..] {
                self.end = key.to_vec();
            }
        } else {
            let mut next = key.to_vec();
            next.push(0);
            if next > self.start {
                self.start = next;
            }
        }
        self
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        key >= &self.start[..] && key < &self.end[..]
    }

    fn range(&self) -> Range<RawKey> {
        let range = Range::prefix(RawPrefix(&[])).from(&self.start[..]).before(&self.end[..]);
        if self.reverse { range.rev() } else { range }
    }
}

/// The first bytes after all that begin with `prefix`.
pub(crate) fn successor(prefix: &[u8]) -> Vec<u8> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.pop() {
        if last < u8::MAX {
            next.push(last + 1);
            return next;
        }
    }
    // Nothing is after all bytes of ones; no space has such a number.
    vec![u8::MAX; prefix.len() + 1]
}

impl Db {
    pub(crate) async fn get(&self, table: &TableInfo, at: &[u8]) -> Result<Option<Attrs>> {
        let stored = self.store.get(&ITEMS, at).await.map_err(error::store)?;
        opened(table, at, stored)
    }

    pub(crate) async fn snapshot(&self) -> Result<Snapshot> {
        self.store.snapshot().await.map_err(error::store)
    }
}

pub(crate) async fn get(snapshot: &Snapshot, table: &TableInfo, at: &[u8]) -> Result<Option<Attrs>> {
    let stored = snapshot.get(&ITEMS, at).await.map_err(error::store)?;
    opened(table, at, stored)
}

fn opened(table: &TableInfo, at: &[u8], stored: Option<StoredItem>) -> Result<Option<Attrs>> {
    let item = stored.map(|stored| table.keeping().item(at, stored)).transpose()?;
    Ok(item.map(Arc::unwrap_or_clone))
}

/// Up to `limit` entries, or as many as a page holds.
pub(crate) async fn page(snapshot: &Snapshot, table: &TableInfo, span: Span, limit: usize) -> Result<Page> {
    let (mut page, keeping) = (Page::default(), table.keeping());
    let (mut bytes, mut span, mut chunk) = (0, span, CHUNK);
    while span.start < span.end {
        let wanted = chunk.min(limit - page.entries.len());
        let found = snapshot.scan(&ITEMS, span.range(), wanted).await.map_err(error::store)?;
        let (count, last) = (found.len(), found.last().map(|(key, _)| key.0.clone()));
        for (at, stored) in found {
            let size = stored.bytes();
            bytes += size;
            if bytes > PAGE_BYTES_MAX && !page.entries.is_empty() {
                page.more = true;
                return Ok(page);
            }
            let item = keeping.item(&at.0, stored)?;
            page.entries.push((Arc::unwrap_or_clone(item), size));
        }
        if page.entries.len() >= limit {
            page.more = true;
            return Ok(page);
        }
        match last {
            Some(last) if count == wanted => span = span.after(&last),
            _ => break,
        }
        chunk = (chunk * 2).min(CHUNK_MAX);
    }
    Ok(page)
}
