//! Rows kept in memory as they were last committed, so that a read costs little more where the tree is large.
//!
//! A tree of ten million rows is a dozen searches deep, each in memory that no processor has in its caches; a row kept
//! here is a look into a hash table and one into the row. What is written is kept as well as what is read: most of what
//! is read was written a short while ago.
//!
//! Rows of a table may be in groups: those whose keys begin with the same bytes, as many as was said of the table; for
//! items of DynamoDB those of one partition. A small group is kept as one [`page`] that has all of its rows, so that a scan
//! of some of them, and a read of one that is not there, is a look into that. A page begins as what a search of the tree
//! found, and each commit puts in and takes out what it writes and deletes. It is searched for when someone scans the
//! group, misses two rows of it, or has written two. Where there is no page, rows are kept by themselves. Commits put both
//! right, so neither is ever older than what is visible.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;

use super::page::{self, Row};
use super::ring::{Kind, Rings};
use crate::engine::{KeyRange, Pair, Version, Write};
use crate::range::is_successor;

pub(super) struct Rows {
    rings: Rings,
    grouped: [OnceLock<Grouped>; GROUPED_MAX],
    /// Groups that a row was missed of, and that one was written to (mostly after it was missed: that is not twice): their
    /// hashes, each in the place that it says.
    missed: Box<[AtomicU32]>,
    written: Box<[AtomicU32]>,
}

/// A table in groups.
struct Grouped {
    /// What the table's keys begin with.
    table: Bytes,
    /// What the keys of a group have in common, the table's name included.
    len: usize,
}

/// What a view sees of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Row(Bytes),
    /// There is none.
    Absent,
    Unknown,
}

/// What a view sees of a range.
pub(super) enum Scanned<'r> {
    Rows(Vec<Pair>),
    /// It is in this group, whose page is to be made.
    Unread(&'r [u8]),
    Unknown,
}

/// What there is of a group after a commit.
enum Page {
    /// A page, with what was written.
    Has,
    Unread,
    /// It is too large for one.
    Never,
}

/// Larger ones are left to the tree: what a search costs is little beside them.
const ROW_BYTES_MAX: usize = 4096;

/// The same of groups, with all that a page holds. Its rows are looked at one after the other.
pub(super) const PAGE_BYTES_MAX: usize = 16 * 1024;

const GROUPED_MAX: usize = 4;
const MARKS: usize = 1 << 14;

// What the first byte of a group's entry says: rows follow, or there are too many for a page.
const PAGE: u8 = 0;
const MANY: u8 = 1;

impl Rows {
    /// `bytes` is what they may take, but for a twentieth.
    pub(super) fn new(bytes: u64, seed: u64) -> Rows {
        let marks = || (0..MARKS).map(|_| AtomicU32::new(0)).collect();
        let rings = Rings::new(bytes, seed);
        Rows { rings, grouped: Default::default(), missed: marks(), written: marks() }
    }

    /// From now on, keys that begin with `table` are in groups by their first `len` bytes. Not while anything is committed.
    pub(super) fn group(&self, table: Bytes, len: usize) {
        let free = self.grouped.iter().find(|of| of.get().is_none_or(|of| of.table == table));
        let of =
            free.expect("no more than a few tables are in groups").get_or_init(|| Grouped { table, len });
        assert_eq!(of.len, len, "the groups of a table stay what they are");
    }

    /// What a key shares with its group, and what it goes on with.
    pub(super) fn split<'k>(&self, key: &'k [u8]) -> Option<(&'k [u8], &'k [u8])> {
        let of = self.grouped.iter().map_while(OnceLock::get).find(|of| key.starts_with(&of.table))?;
        key.split_at_checked(of.len)
    }

    /// The row as a view of `version` sees it.
    pub(super) fn get(&self, key: &[u8], version: Version) -> Found {
        if let Some((group, rest)) = self.split(key) {
            let (mut shard, hash) = self.rings.shard(Kind::Page, group);
            if let Some((since, [PAGE, page @ ..])) = shard.get(hash, group) {
                let found = match page::find(page, rest) {
                    Some(row) if row.version <= version => Found::Row(Bytes::copy_from_slice(row.value)),
                    None if since <= version => Found::Absent,
                    _ => Found::Unknown,
                };
                shard.reads += 1;
                return found;
            }
        }
        let (mut shard, hash) = self.rings.shard(Kind::Row, key);
        shard.reads += 1;
        match shard.get(hash, key) {
            Some((since, value)) if since <= version => Found::Row(Bytes::copy_from_slice(value)),
            _ => Found::Unknown,
        }
    }

    /// Up to `limit` rows of a range as a view of `version` sees them.
    pub(super) fn scan<'r>(&self, range: &'r KeyRange, limit: usize, version: Version) -> Scanned<'r> {
        let Some((group, start)) = self.split(&range.start) else { return Scanned::Unknown };
        let end = range.end.strip_prefix(group);
        if end.is_none() && !is_successor(&range.end, group) {
            return Scanned::Unknown;
        }
        let (mut shard, hash) = self.rings.shard(Kind::Page, group);
        let page = match shard.get(hash, group) {
            Some((since, [PAGE, page @ ..])) if since <= version => page,
            Some(_) => return Scanned::Unknown,
            None => return Scanned::Unread(group),
        };
        let rows = page::rows(page).skip_while(|row| row.rest < start);
        let rows = rows.take_while(|row| end.is_none_or(|end| row.rest < end));
        let mut rows: Vec<Row<'_>> = if range.reverse { rows.collect() } else { rows.take(limit).collect() };
        if range.reverse {
            rows.reverse();
            rows.truncate(limit);
        }
        if rows.iter().any(|row| row.version > version) {
            return Scanned::Unknown;
        }
        Scanned::Rows(pairs(group, &rows))
    }

    /// Keeps what a view of `version` found in the tree.
    pub(super) fn found(&self, key: &[u8], value: &[u8], version: Version) {
        if key.len() + value.len() > ROW_BYTES_MAX {
            return;
        }
        let (mut shard, hash) = self.rings.shard(Kind::Row, key);
        // A newer commit may have written this key, and the row been forgotten since.
        if shard.newest[Kind::Row as usize] <= version && !shard.has(hash, key) {
            shard.put(hash, key, value, version);
        }
    }

    /// Keeps all rows of a group, as a view of `version` found them in the tree.
    pub(super) fn found_group(&self, group: &[u8], pairs: &[Pair], version: Version) {
        let mut entry = vec![PAGE];
        for (key, value) in pairs {
            if value.len() > PAGE_BYTES_MAX {
                return self.is_large(group);
            }
            Row { version, rest: &key[group.len()..], value }.append(&mut entry);
        }
        if entry.len() > PAGE_BYTES_MAX {
            return self.is_large(group);
        }
        let (mut shard, hash) = self.rings.shard(Kind::Page, group);
        if shard.newest[Kind::Page as usize] <= version && !shard.has(hash, group) {
            shard.put(hash, group, &entry, version);
        }
    }

    /// Nobody needs to read this group for a page again soon.
    pub(super) fn is_large(&self, group: &[u8]) {
        let (mut shard, hash) = self.rings.shard(Kind::Page, group);
        if !shard.has(hash, group) {
            shard.put(hash, group, &[MANY], 0);
        }
    }

    /// Somebody missed a row that the tree does not have either. True when it is time to make a page of its group.
    pub(super) fn missed(&self, group: &[u8]) -> bool {
        self.is_second(&self.missed, group) && !self.has_entry(group)
    }

    /// Whether the group has a page, or is too large for one.
    pub(super) fn has_entry(&self, group: &[u8]) -> bool {
        let (shard, hash) = self.rings.shard(Kind::Page, group);
        shard.has(hash, group)
    }

    /// Each second time that this is asked of a group, if it was not long ago.
    fn is_second(&self, marks: &[AtomicU32], group: &[u8]) -> bool {
        let hash = self.rings.hash(group);
        let place = &marks[hash as usize % MARKS];
        let mark = (hash >> 32) as u32;
        let is_second = place.swap(mark, Ordering::Relaxed) == mark;
        if is_second {
            place.store(0, Ordering::Relaxed);
        }
        is_second
    }

    /// Takes over what is committed. Before it becomes visible: then whoever sees the commit finds no older row. Puts into
    /// `wanted` the groups of which a page is to be made, as several rows of them were written; those rows are not kept by
    /// themselves.
    pub(super) fn commit(&self, version: Version, mut writes: &[Write], wanted: &mut Vec<Bytes>) {
        while let Some(first) = writes.first() {
            let (mut count, mut are_kept) = (1, true);
            if let Some((group, _)) = self.split(&first.key) {
                count = writes.iter().take_while(|write| write.key.starts_with(group)).count();
                match self.commit_page(version, group, &writes[..count]) {
                    Page::Has => are_kept = false,
                    Page::Unread if count > 1 || self.is_second(&self.written, group) => {
                        are_kept = false;
                        wanted.push(first.key.slice(..group.len()));
                    }
                    Page::Unread | Page::Never => {}
                }
            }
            let (of_group, others) = writes.split_at(count);
            writes = others;
            for Write { key, value } in of_group {
                let (mut shard, hash) = self.rings.shard(Kind::Row, key);
                shard.newest[Kind::Row as usize] = version;
                match value {
                    Some(value) if are_kept && key.len() + value.len() <= ROW_BYTES_MAX => {
                        shard.put(hash, key, value, version);
                    }
                    _ => shard.forget(hash, key),
                }
            }
        }
    }

    fn commit_page(&self, version: Version, group: &[u8], writes: &[Write]) -> Page {
        let (mut shard, hash) = self.rings.shard(Kind::Page, group);
        shard.newest[Kind::Page as usize] = version;
        let (since, page) = match shard.get_mut(hash, group) {
            Some((since, [PAGE, page @ ..])) => (since, page),
            Some(_) => return Page::Never,
            None => return Page::Unread,
        };
        if let [Write { key, value: Some(value) }] = writes
            && page::replace(page, Row { version, rest: &key[group.len()..], value })
        {
            return Page::Has;
        }
        if !writes.is_sorted_by(|a, b| a.key < b.key) {
            shard.forget(hash, group);
            return Page::Unread;
        }
        let fits = |write: &Write| write.value.as_ref().is_none_or(|value| value.len() <= PAGE_BYTES_MAX);
        let mut entry = Vec::with_capacity(page.len() + 1024);
        entry.push(PAGE);
        let mut others = false;
        let are_in = writes.iter().all(fits) && {
            let changes = writes.iter().map(|write| (&write.key[group.len()..], write.value.as_deref()));
            others = page::change(page, changes, version, &mut entry);
            entry.len() <= PAGE_BYTES_MAX
        };
        if !are_in {
            shard.put(hash, group, &[MANY], 0);
            return Page::Never;
        }
        shard.put(hash, group, &entry, if others { version } else { since });
        Page::Has
    }

    /// Reads of single rows there have been.
    pub(super) fn reads(&self) -> u64 {
        self.rings.reads()
    }
}

/// The rows with their whole keys, in one piece of memory.
fn pairs(group: &[u8], rows: &[Row<'_>]) -> Vec<Pair> {
    let len = |row: &Row<'_>| group.len() + row.rest.len() + row.value.len();
    let mut all = Vec::with_capacity(rows.iter().map(len).sum());
    for row in rows {
        all.extend_from_slice(group);
        all.extend_from_slice(row.rest);
        all.extend_from_slice(row.value);
    }
    let (all, mut at) = (Bytes::from(all), 0);
    let mut next = |len: usize| {
        at += len;
        all.slice(at - len..at)
    };
    rows.iter().map(|row| (next(group.len() + row.rest.len()), next(row.value.len()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn write(key: &str, value: Option<&str>) -> Write {
        let value = value.map(|value| Bytes::copy_from_slice(value.as_bytes()));
        Write { key: Bytes::copy_from_slice(key.as_bytes()), value }
    }

    /// The groups whose pages are wanted.
    fn commit(rows: &Rows, version: Version, writes: &[Write]) -> Vec<Bytes> {
        let mut wanted = Vec::new();
        rows.commit(version, writes, &mut wanted);
        wanted
    }

    fn get(rows: &Rows, key: &str, version: Version) -> Option<String> {
        match rows.get(key.as_bytes(), version) {
            Found::Row(value) => Some(String::from_utf8(value.to_vec()).unwrap()),
            Found::Absent => Some("absent".to_owned()),
            Found::Unknown => None,
        }
    }

    #[test]
    fn a_view_sees_no_row_that_is_newer_than_it() {
        let rows = Rows::new(MIB, 7);
        commit(&rows, 5, &[write("a", Some("five"))]);
        assert_eq!(get(&rows, "a", 4), None);
        assert_eq!(get(&rows, "a", 5).as_deref(), Some("five"));
        // As long, and then longer.
        commit(&rows, 6, &[write("a", Some("six!"))]);
        assert_eq!(get(&rows, "a", 5), None);
        assert_eq!(get(&rows, "a", 6).as_deref(), Some("six!"));
        commit(&rows, 7, &[write("a", Some("seventh"))]);
        assert_eq!(get(&rows, "a", 9).as_deref(), Some("seventh"));
        commit(&rows, 8, &[write("a", None)]);
        assert_eq!(get(&rows, "a", 9), None);
    }

    #[test]
    fn what_an_old_view_found_is_not_kept_beside_a_newer_commit() {
        let rows = Rows::new(MIB, 7);
        rows.found(b"a", b"old", 3);
        assert_eq!(get(&rows, "a", 2), None);
        assert_eq!(get(&rows, "a", 3).as_deref(), Some("old"));
        commit(&rows, 5, &[write("a", None)]);
        rows.found(b"a", b"old", 4);
        assert_eq!(get(&rows, "a", 9), None);
        rows.found(b"a", b"not replaced", 6);
        rows.found(b"a", b"by this", 6);
        assert_eq!(get(&rows, "a", 6).as_deref(), Some("not replaced"));
    }

    #[test]
    fn what_is_too_large_is_forgotten_and_not_kept() {
        let rows = Rows::new(MIB, 7);
        commit(&rows, 1, &[write("a", Some("small"))]);
        commit(&rows, 2, &[write("a", Some(&"x".repeat(ROW_BYTES_MAX)))]);
        assert_eq!(get(&rows, "a", 2), None);
        rows.found(b"b", "x".repeat(ROW_BYTES_MAX).as_bytes(), 3);
        assert_eq!(get(&rows, "b", 3), None);
        commit(&rows, 4, &[write("a", Some(&"x".repeat(ROW_BYTES_MAX - 1)))]);
        assert_eq!(get(&rows, "a", 4).map(|value| value.len()), Some(ROW_BYTES_MAX - 1));
    }

    /// Tables `t` and `u` with groups of one more letter.
    fn grouped() -> Rows {
        let rows = Rows::new(MIB, 7);
        rows.group(Bytes::from_static(b"t/"), 3);
        rows.group(Bytes::from_static(b"u/"), 3);
        rows.group(Bytes::from_static(b"t/"), 3);
        rows
    }

    fn found(rows: &Rows, pairs: &[(&str, &str)], version: Version) {
        let pair =
            |(key, value): &(&str, &str)| (Bytes::from((*key).to_owned()), Bytes::from((*value).to_owned()));
        rows.found_group(b"t/a", &pairs.iter().map(pair).collect::<Vec<_>>(), version);
    }

    fn range(start: &str, end: &[u8]) -> KeyRange {
        KeyRange { start: start.to_owned().into(), end: Bytes::copy_from_slice(end), reverse: false }
    }

    /// Keys and values of the group, one after the other.
    fn scan(rows: &Rows, version: Version) -> Option<String> {
        match rows.scan(&range("t/a", b"t/b"), 100, version) {
            Scanned::Rows(pairs) => {
                let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
                Some(
                    pairs
                        .into_iter()
                        .map(|(key, value)| text(key) + &text(value))
                        .collect::<Vec<_>>()
                        .join(" "),
                )
            }
            Scanned::Unread(group) => {
                assert_eq!(group, b"t/a");
                Some("unread".to_owned())
            }
            Scanned::Unknown => None,
        }
    }

    #[test]
    fn a_page_follows_the_commits_and_old_views_do_not_see_it() {
        let rows = grouped();
        assert_eq!(scan(&rows, 4).as_deref(), Some("unread"));
        found(&rows, &[("t/a1", "x"), ("t/a3", "y")], 4);
        assert_eq!(scan(&rows, 3), None);
        commit(
            &rows,
            5,
            &[write("t/a0", Some("z")), write("t/a1", None), write("t/a2", Some("z")), write("u/a", None)],
        );
        assert_eq!(scan(&rows, 4), None);
        assert_eq!(scan(&rows, 5).as_deref(), Some("t/a0z t/a2z t/a3y"));
        assert_eq!(
            ["t/a1", "t/a2", "t/a3"].map(|key| get(&rows, key, 4)),
            [None, None, Some("y".to_owned())]
        );
        assert_eq!(get(&rows, "t/a1", 5).as_deref(), Some("absent"));
        // The same rows with other values: as long as the old ones, and not.
        for (version, value) in [(6, "6"), (7, "seven")] {
            commit(&rows, version, &[write("t/a3", Some(value)), write("t/b", Some("other"))]);
            assert_eq!(scan(&rows, version - 1), None);
            assert_eq!(scan(&rows, version), Some(format!("t/a0z t/a2z t/a3{value}")));
            assert_eq!(get(&rows, "t/a2", 5).as_deref(), Some("z"));
            assert_eq!(get(&rows, "t/a1", 5).as_deref(), Some("absent"));
        }
        // What came after the view may not be in what it found.
        found(&rows, &[("t/a0", "z")], 5);
        assert_eq!(scan(&rows, 7).as_deref(), Some("t/a0z t/a2z t/a3seven"));
        // In another order than that of their keys.
        let wanted = commit(&rows, 8, &[write("t/a5", Some("5")), write("t/a4", Some("4"))]);
        assert_eq!(wanted, ["t/a"]);
        assert_eq!(scan(&rows, 8).as_deref(), Some("unread"));
        found(&rows, &[("t/a4", "4"), ("t/a5", "5")], 7);
        assert_eq!(scan(&rows, 8).as_deref(), Some("unread"));
        assert_eq!(["t/a4", "t/a3"].map(|key| get(&rows, key, 8)), [None, None]);
        // What is written to a group without a page is kept by itself, the first time.
        assert_eq!([9, 10].map(|version| commit(&rows, version, &[write("t/a6", Some("6"))]).len()), [0, 1]);
        assert_eq!([11, 12].map(|version| commit(&rows, version, &[write("t/a7", Some("7"))]).len()), [0, 1]);
        assert_eq!(["t/a6", "t/a7"].map(|key| get(&rows, key, 12)), [None, None]);
        assert!(commit(&rows, 13, &[write("t/a7", Some("7"))]).is_empty());
        assert_eq!(get(&rows, "t/a7", 13).as_deref(), Some("7"));
    }

    #[test]
    fn a_page_is_asked_for_at_the_second_miss_and_not_when_it_is_large() {
        let rows = grouped();
        assert_eq!([1, 2, 3, 4].map(|_| rows.missed(b"t/a")), [false, true, false, true]);
        found(&rows, &[], 1);
        assert_eq!([1, 2].map(|_| rows.missed(b"t/a")), [false; 2]);
        assert_eq!(scan(&rows, 1).as_deref(), Some(""));
        let value = "x".repeat(1000);
        for number in 10..26 {
            commit(&rows, number, &[write(&format!("t/a{number}"), Some(&value))]);
            assert!(scan(&rows, number).is_some());
        }
        commit(&rows, 26, &[write("t/a26", Some(&value))]);
        assert_eq!(scan(&rows, 26), None);
        assert_eq!([1, 2].map(|_| rows.missed(b"t/a")), [false; 2]);
        assert_eq!(
            [("t/a26", 26), ("t/a25", 26)].map(|(key, at)| get(&rows, key, at).is_some()),
            [true, false]
        );
        rows.found_group(b"t/b", &[("t/b1".into(), "1".into())], 27);
        commit(&rows, 28, &[write("t/b2", Some(&"x".repeat(70_000)))]);
        assert_eq!(["t/b1", "t/b2"].map(|key| get(&rows, key, 28)), [None, None]);
    }

    #[test]
    fn a_row_that_is_missed_and_then_written_wants_no_page() {
        let rows = grouped();
        assert!(!rows.missed(b"t/a"));
        assert!(commit(&rows, 1, &[write("t/a1", Some("1"))]).is_empty());
        assert!(rows.missed(b"t/a"));
        assert_eq!(commit(&rows, 2, &[write("t/a2", Some("2"))]), ["t/a"]);
    }

    #[test]
    fn only_a_range_in_one_group_is_one_of_it() {
        let rows = grouped();
        let is_one =
            |start: &str, end: &[u8]| matches!(rows.scan(&range(start, end), 1, 1), Scanned::Unread(_));
        assert!(
            is_one("t/a", b"t/b")
                && is_one("t/a1", b"t/a2")
                && is_one("t/a1", b"t/b")
                && is_one("u/a", b"u/b")
        );
        assert!(!is_one("t/", b"t/b") && !is_one("t/a", b"t/b1") && !is_one("t/a", b"t0"));
        assert!(!is_one("s/a", b"s/b") && !is_one("", b""));
    }
}
