//! What a view sees: from memory if it is there, else from the tree. And how it comes to be there.

use bytes::Bytes;

use super::Shared;
use super::rows::{PAGE_BYTES_MAX, Scanned};
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

    /// Up to `limit` rows of a range, as of a version that is held.
    pub(super) fn scan(
        &self,
        range: &KeyRange,
        limit: usize,
        version: Version,
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
        self.tree.scan(range, limit, version)
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
