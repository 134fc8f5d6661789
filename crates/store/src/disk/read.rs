//! What a view sees: from memory if it is there, else from the tree. And how it comes to be there.

use bytes::Bytes;
use parking_lot::Mutex;

use super::Shared;
use super::rows::{PAGE_BYTES_MAX, Scanned};
use super::tree::Walk;
use crate::StoreError;
use crate::engine::{KeyRange, Pair, Version};
use crate::range::successor;

impl Shared {
    /// The row as of a version that is held.
    pub(super) fn get_from_tree(&self, key: &[u8], version: Version) -> Result<Option<Bytes>, StoreError> {
        let found = self.tree.get(key, version)?;
        if let Some(value) = &found {
            self.rows.found(key, value, version);
        } else if let Some((group, _)) = self.rows.split(key)
            && self.rows.missed(group)
        {
            self.group_from_tree(group, version)?;
        }
        Ok(found)
    }

    /// Up to `limit` rows of a range, as of a version that is held. `walk` is what the last scan of the tree as of that
    /// version left, or nothing.
    ///
    /// A page of a large range goes on where the last one ended, and does not search for it. Else it would pass over all rows
    /// in the memtable that were written since and are not for it to see, up to the first that is: as many as there are, if
    /// there is none, and for each page again.
    pub(super) fn scan(
        &self,
        range: &KeyRange,
        limit: usize,
        version: Version,
        walk: &Mutex<Option<Walk>>,
    ) -> Result<Vec<Pair>, StoreError> {
        match self.rows.scan(range, limit, version) {
            Scanned::Rows(pairs) => return Ok(pairs),
            Scanned::Unread(group) => {
                if let Some(mut all) = self.group_from_tree(group, version)? {
                    all.retain(|(key, _)| range.start <= *key && *key < range.end);
                    if range.reverse {
                        all.reverse();
                    }
                    all.truncate(limit);
                    return Ok(all);
                }
            }
            Scanned::Unknown => {}
        }
        if range.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let left = walk.lock().take().filter(|walk| walk.left == *range);
        let mut at = left.unwrap_or_else(|| self.tree.walk(range, version));
        let found = self.tree.advance(&mut at, limit)?;
        if found.len() == limit {
            *walk.lock() = Some(at);
        }
        Ok(found)
    }

    /// All rows of a group, which are kept from then on; `None` when they are too many for that.
    pub(super) fn group_from_tree(
        &self,
        group: &[u8],
        version: Version,
    ) -> Result<Option<Vec<Pair>>, StoreError> {
        let start = Bytes::copy_from_slice(group);
        let range = KeyRange { end: successor(group).into(), start, reverse: false };
        let all = self.tree.scan_whole(&range, PAGE_BYTES_MAX, version)?;
        match &all {
            Some(all) => self.rows.found_group(group, all, version),
            None => self.rows.is_large(group),
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use haneul_env::Env;

    use super::*;
    use crate::disk::{DiskEngine, DiskOptions};
    use crate::engine::{Engine, Write};

    #[test]
    fn pages_go_on_where_the_last_one_ended() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, _) = DiskEngine::open(&Env::real(), dir.path(), DiskOptions::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let key = |number: u32| Bytes::from(format!("{number:03}"));
        let write = |numbers: std::ops::Range<u32>, value: &'static str| {
            let write = |number| Write { key: key(number), value: Some(value.into()) };
            runtime.block_on(engine.write(numbers.map(write).collect())).unwrap();
        };
        write(0..100, "old");
        let hold = engine.shared.hold();
        let walk = Mutex::default();
        let scan = |range: &KeyRange, limit: usize| {
            let found = engine.shared.scan(range, limit, hold.version(), &walk).unwrap();
            assert!(found.iter().all(|(_, value)| value == "old"));
            found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        for reverse in [false, true] {
            let whole = KeyRange { start: key(0), end: key(100), reverse };
            let (mut left, mut all) = (whole.clone(), Vec::new());
            for page in 0..10 {
                let found = scan(&left, 10);
                left.pass(&found[9]);
                all.extend(found);
                assert_eq!(walk.lock().as_ref().map(|walk| &walk.left), Some(&left));
                write(0..150, "new");
                // The same state, though not from where it was.
                if page % 3 == 0 {
                    assert_eq!(scan(&whole, 10), all[..10]);
                }
            }
            if reverse {
                all.reverse();
            }
            assert!(all.into_iter().eq((0..100).map(key)));
            assert!(scan(&left, 10).is_empty());
        }
        // What goes on is what was left, whatever it leads to.
        let whole = KeyRange { start: key(0), end: key(100), reverse: false };
        let mut elsewhere = engine.shared.tree.walk(&whole, hold.version());
        elsewhere.left.pass(&key(49));
        let left = elsewhere.left.clone();
        *walk.lock() = Some(elsewhere);
        assert_eq!([scan(&left, 1), scan(&left, 1)], [[key(0)], [key(50)]]);
    }
}
