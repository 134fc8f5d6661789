//! Rows kept in memory as they were last committed, so that a read of one costs little more where the tree is large.
//!
//! A tree of ten million rows is a dozen searches deep, each in memory that no processor has in its caches; a row kept
//! here is a look into a hash table and one into the row. What is written is kept as well as what is read: most of what
//! is read was written a short while ago.
//!
//! Each shard is a ring of segments that rows are appended to. When the ring is full its oldest segment is taken away;
//! the rows in it that were read since they came stay (a second chance, as in CLOCK), the others are forgotten. Nothing
//! is allocated for a row by itself, and nothing is in it but its key, its value and 16 bytes.

use bytes::Bytes;
use hashbrown::HashTable;
use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::engine::{Version, Write};

pub(super) struct Rows {
    shards: Box<[Mutex<Shard>]>,
    /// Of the hash: who chooses keys does not know which of them share a place.
    seed: u64,
}

#[derive(Default)]
struct Shard {
    places: HashTable<Place>,
    segments: Vec<Vec<u8>>,
    /// Segments that there may be.
    segments_max: usize,
    /// The one that is appended to.
    head: usize,
    /// The newest commit that has written a key of this shard.
    newest: Version,
    reads: u64,
}

/// Where a row lies in its shard: `at` is its address in units of [`ALIGN`], times two, and one more when it was read
/// since it was put there.
#[derive(Clone, Copy)]
struct Place {
    hash: u32,
    at: u32,
}

/// What comes before the key and the value of a row.
#[derive(Clone, Copy)]
struct Head {
    hash: u32,
    key: u16,
    value: u16,
    /// Views from this version on see the row as it is here.
    version: Version,
}

const SHARDS: usize = 64;
const SEGMENT: usize = 32 * 1024;
const ALIGN: usize = 8;
const HEAD: usize = 16;

/// Larger ones are left to the tree: what a search costs is little beside them.
const ROW_BYTES_MAX: usize = 4096;

impl Rows {
    /// `bytes` is what the segments may take; the places of rows of 200 bytes are a twentieth more.
    pub(super) fn new(bytes: u64, seed: u64) -> Rows {
        // A place has 31 bits for an address, and two segments are what a ring needs.
        let segments_max = (bytes / (SHARDS * SEGMENT) as u64).clamp(2, (1 << 31) / (SEGMENT / ALIGN) as u64);
        let shard = || Mutex::new(Shard { segments_max: segments_max as usize, ..Shard::default() });
        Rows { shards: (0..SHARDS).map(|_| shard()).collect(), seed }
    }

    /// The row as a view of `version` sees it, if it is known.
    pub(super) fn get(&self, key: &[u8], version: Version) -> Option<Bytes> {
        let (shard, hash) = self.shard(key);
        let mut shard = shard.lock();
        shard.reads += 1;
        shard.get(hash, key, version)
    }

    /// Keeps what a view of `version` found in the tree.
    pub(super) fn found(&self, key: &[u8], value: &[u8], version: Version) {
        if key.len() + value.len() > ROW_BYTES_MAX {
            return;
        }
        let (shard, hash) = self.shard(key);
        let mut shard = shard.lock();
        // A newer commit may have written this key, and the row been forgotten since.
        if shard.newest <= version && shard.place(hash, key).is_none() {
            shard.put(hash, key, value, version);
        }
    }

    /// Takes over what is committed. Before it becomes visible: then whoever sees the commit finds no older row.
    pub(super) fn commit(&self, version: Version, writes: &[Write]) {
        for Write { key, value } in writes {
            let (shard, hash) = self.shard(key);
            let mut shard = shard.lock();
            shard.newest = version;
            match value {
                Some(value) if key.len() + value.len() <= ROW_BYTES_MAX => {
                    shard.put(hash, key, value, version);
                }
                _ => shard.forget(hash, key),
            }
        }
    }

    /// Reads there have been.
    pub(super) fn reads(&self) -> u64 {
        self.shards.iter().map(|shard| shard.lock().reads).sum()
    }

    fn shard(&self, key: &[u8]) -> (&Mutex<Shard>, u32) {
        let hash = xxh3_64_with_seed(key, self.seed);
        (&self.shards[(hash >> 32) as usize % SHARDS], hash as u32)
    }
}

impl Shard {
    fn get(&mut self, hash: u32, key: &[u8], version: Version) -> Option<Bytes> {
        let segments = &self.segments;
        let place = self.places.find_mut(spread(hash), |place| place.is(hash, key, segments))?;
        let (segment, offset) = place.address();
        let row = &segments[segment][offset..];
        let head = Head::read(row);
        if head.version > version {
            return None;
        }
        place.at |= 1;
        let start = HEAD + usize::from(head.key);
        Some(Bytes::copy_from_slice(&row[start..start + usize::from(head.value)]))
    }

    fn place(&self, hash: u32, key: &[u8]) -> Option<Place> {
        self.places.find(spread(hash), |place| place.is(hash, key, &self.segments)).copied()
    }

    fn put(&mut self, hash: u32, key: &[u8], value: &[u8], version: Version) {
        let head = Head { hash, key: key.len() as u16, value: value.len() as u16, version };
        let segments = &self.segments;
        if let Ok(place) = self.places.find_entry(spread(hash), |place| place.is(hash, key, segments)) {
            let (segment, offset) = place.get().address();
            let row = &mut self.segments[segment][offset..];
            if Head::read(row).value == head.value {
                row[..HEAD].copy_from_slice(&head.bytes());
                let start = HEAD + key.len();
                row[start..start + value.len()].copy_from_slice(value);
                return;
            }
            place.remove();
        }
        let at = self.append(&[&head.bytes(), key, value]);
        self.places.insert_unique(spread(hash), Place { hash, at }, |place| spread(place.hash));
    }

    fn forget(&mut self, hash: u32, key: &[u8]) {
        let segments = &self.segments;
        if let Ok(place) = self.places.find_entry(spread(hash), |place| place.is(hash, key, segments)) {
            place.remove();
        }
    }

    /// Puts a row at the end, making room where there is none. Returns what its place says.
    fn append(&mut self, parts: &[&[u8]]) -> u32 {
        let size = parts.iter().map(|part| part.len()).sum::<usize>().next_multiple_of(ALIGN);
        while self.segments.get(self.head).is_none_or(|segment| segment.len() + size > SEGMENT) {
            self.advance();
        }
        let segment = &mut self.segments[self.head];
        let offset = segment.len();
        for part in parts {
            segment.extend_from_slice(part);
        }
        segment.resize(offset + size, 0);
        unread_at(self.head, offset)
    }

    /// Goes on to the next segment: a new one, or the oldest with what was read of it.
    fn advance(&mut self) {
        if self.segments.len() < self.segments_max {
            self.head = self.segments.len();
            self.segments.push(Vec::with_capacity(SEGMENT));
            return;
        }
        self.head = (self.head + 1) % self.segments.len();
        let old = std::mem::replace(&mut self.segments[self.head], Vec::with_capacity(SEGMENT));
        let mut offset = 0;
        while offset < old.len() {
            let head = Head::read(&old[offset..]);
            let size = (HEAD + usize::from(head.key) + usize::from(head.value)).next_multiple_of(ALIGN);
            self.second_chance(head.hash, offset, &old[offset..offset + size]);
            offset += size;
        }
    }

    /// Keeps a row of the segment that goes, if it was read and the half of its successor has room.
    fn second_chance(&mut self, hash: u32, offset: usize, row: &[u8]) {
        let at = unread_at(self.head, offset);
        let same = |place: &Place| place.hash == hash && place.at & !1 == at;
        // Not there when it was written again, or deleted.
        let Ok(mut place) = self.places.find_entry(spread(hash), same) else { return };
        let segment = &mut self.segments[self.head];
        if place.get().at & 1 == 1 && segment.len() + row.len() <= SEGMENT / 2 {
            place.get_mut().at = unread_at(self.head, segment.len());
            segment.extend_from_slice(row);
        } else {
            place.remove();
        }
    }
}

/// The table wants 64 bits, of which it uses the highest seven and the lowest.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// What a place says of an address that was not read yet.
fn unread_at(segment: usize, offset: usize) -> u32 {
    (((segment * SEGMENT + offset) / ALIGN) as u32) << 1
}

impl Place {
    fn address(self) -> (usize, usize) {
        let bytes = (self.at >> 1) as usize * ALIGN;
        (bytes / SEGMENT, bytes % SEGMENT)
    }

    fn is(self, hash: u32, key: &[u8], segments: &[Vec<u8>]) -> bool {
        if self.hash != hash {
            return false;
        }
        let (segment, offset) = self.address();
        let row = &segments[segment][offset..];
        usize::from(Head::read(row).key) == key.len() && row[HEAD..HEAD + key.len()] == *key
    }
}

impl Head {
    fn bytes(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(&self.hash.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.key.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.value.to_le_bytes());
        bytes[8..].copy_from_slice(&self.version.to_le_bytes());
        bytes
    }

    fn read(row: &[u8]) -> Head {
        let (head, _) = row.split_first_chunk::<HEAD>().expect("a row has a head");
        let [a, b, c, d, e, f, g, h, version @ ..] = *head;
        Head {
            hash: u32::from_le_bytes([a, b, c, d]),
            key: u16::from_le_bytes([e, f]),
            value: u16::from_le_bytes([g, h]),
            version: u64::from_le_bytes(version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(key: &str, value: Option<&str>) -> Write {
        let value = value.map(|value| Bytes::copy_from_slice(value.as_bytes()));
        Write { key: Bytes::copy_from_slice(key.as_bytes()), value }
    }

    fn get(rows: &Rows, key: &str, version: Version) -> Option<String> {
        rows.get(key.as_bytes(), version).map(|value| String::from_utf8(value.to_vec()).unwrap())
    }

    #[test]
    fn a_view_sees_no_row_that_is_newer_than_it() {
        let rows = Rows::new(1 << 20, 7);
        rows.commit(5, &[write("a", Some("five"))]);
        assert_eq!(get(&rows, "a", 4), None);
        assert_eq!(get(&rows, "a", 5), Some("five".to_owned()));
        // As long, and then longer.
        rows.commit(6, &[write("a", Some("six!"))]);
        assert_eq!(get(&rows, "a", 5), None);
        assert_eq!(get(&rows, "a", 6), Some("six!".to_owned()));
        rows.commit(7, &[write("a", Some("seventh"))]);
        assert_eq!(get(&rows, "a", 9), Some("seventh".to_owned()));
        rows.commit(8, &[write("a", None)]);
        assert_eq!(get(&rows, "a", 9), None);
    }

    #[test]
    fn what_an_old_view_found_is_not_kept_beside_a_newer_commit() {
        let rows = Rows::new(1 << 20, 7);
        rows.found(b"a", b"old", 3);
        assert_eq!(get(&rows, "a", 2), None);
        assert_eq!(get(&rows, "a", 3), Some("old".to_owned()));
        rows.commit(5, &[write("a", None)]);
        rows.found(b"a", b"old", 4);
        assert_eq!(get(&rows, "a", 9), None);
        rows.found(b"a", b"not replaced", 6);
        rows.found(b"a", b"by this", 6);
        assert_eq!(get(&rows, "a", 6), Some("not replaced".to_owned()));
    }

    #[test]
    fn what_is_too_large_is_forgotten_and_not_kept() {
        let rows = Rows::new(1 << 20, 7);
        rows.commit(1, &[write("a", Some("small"))]);
        rows.commit(2, &[write("a", Some(&"x".repeat(ROW_BYTES_MAX)))]);
        assert_eq!(get(&rows, "a", 2), None);
        rows.found(b"b", "x".repeat(ROW_BYTES_MAX).as_bytes(), 3);
        assert_eq!(get(&rows, "b", 3), None);
        rows.commit(4, &[write("a", Some(&"x".repeat(ROW_BYTES_MAX - 1)))]);
        assert_eq!(get(&rows, "a", 4).map(|value| value.len()), Some(ROW_BYTES_MAX - 1));
    }

    #[test]
    fn memory_stays_within_its_bound_and_what_is_read_stays_longest() {
        let bytes = 64 * 4 * SEGMENT;
        let rows = Rows::new(bytes as u64, 7);
        let value = "v".repeat(100);
        let hot: Vec<String> = (0..500).map(|number| format!("hot {number}")).collect();
        let mut version = 0;
        for number in 0..200_000 {
            version += 1;
            rows.commit(version, &[write(&format!("key {number}"), Some(&value))]);
            let hot = &hot[number % hot.len()];
            if get(&rows, hot, version).is_none() {
                rows.found(hot.as_bytes(), hot.as_bytes(), version);
            }
        }
        let held = |rows: &Rows| -> usize {
            rows.shards
                .iter()
                .flat_map(|shard| shard.lock().segments.iter().map(Vec::len).collect::<Vec<_>>())
                .sum()
        };
        assert!(held(&rows) <= bytes && held(&rows) > bytes / 2, "{}", held(&rows));
        let kept = hot.iter().filter(|key| get(&rows, key, version) == Some((*key).clone())).count();
        assert!(kept > 450, "{kept}");
        let old = (0..1000).filter(|number| get(&rows, &format!("key {number}"), version).is_some()).count();
        assert_eq!(old, 0);
        // Each place leads to a row of its own key, and none is left of what is gone.
        for shard in &rows.shards {
            let shard = shard.lock();
            for place in &shard.places {
                let (segment, offset) = place.address();
                assert_eq!(Head::read(&shard.segments[segment][offset..]).hash, place.hash);
            }
        }
    }
}
