//! Keys and values in a bounded piece of memory: what is not read for long makes room for what comes.
//!
//! Each shard is a ring of segments that entries are appended to. When the ring is full its oldest segment is taken away;
//! the entries in it that were read since they came stay (a second chance, as in CLOCK), the others are forgotten. Nothing
//! is allocated for an entry by itself, and nothing is in it but its key, its value and 16 bytes.

use std::ops::Range;

use hashbrown::HashTable;
use parking_lot::{Mutex, MutexGuard};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::engine::Version;

/// Entries of both kinds, by their keys: the same bytes may be a key of each.
pub(super) struct Rings {
    shards: Box<[Mutex<Shard>]>,
    /// Of the hash: who chooses keys does not know which of them share a place.
    seed: u64,
}

#[derive(Default)]
pub(super) struct Shard {
    places: HashTable<Place>,
    segments: Vec<Vec<u8>>,
    /// Segments that there may be.
    segments_max: usize,
    /// The one that is appended to.
    head: usize,
    /// The newest commit that concerns a key of this shard, by kind.
    pub(super) newest: [Version; 2],
    /// Reads there have been.
    pub(super) reads: u64,
}

/// Where an entry lies in its shard: `at` is its address in units of [`ALIGN`], times two, and one more when it was read
/// since it was put there.
#[derive(Clone, Copy)]
struct Place {
    hash: u32,
    at: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Takes as little as alignment allows.
    Row = 0,
    /// Grows: takes up to a quarter more than it needs.
    Page = 1,
}

/// What comes before the key and the value of an entry.
#[derive(Clone, Copy)]
struct Head {
    /// Its lowest bit is the [`Kind`].
    hash: u32,
    key_len: u16,
    value_len: u16,
    /// Views from this version on see the entry as it is here.
    version: Version,
}

const SHARDS: usize = 64;
const SEGMENT: usize = 128 * 1024;
const ALIGN: usize = 8;
const HEAD: usize = 16;

impl Rings {
    /// `bytes` is what the segments may take; the places of entries of 200 bytes are a twentieth more.
    pub(super) fn new(bytes: u64, seed: u64) -> Rings {
        // A place has 31 bits for an address, and two segments are what a ring needs.
        let segments_max = (bytes / (SHARDS * SEGMENT) as u64).clamp(2, (1 << 31) / (SEGMENT / ALIGN) as u64);
        let shard = || Mutex::new(Shard { segments_max: segments_max as usize, ..Shard::default() });
        Rings { shards: (0..SHARDS).map(|_| shard()).collect(), seed }
    }

    /// The shard of a key, and the key's hash there.
    pub(super) fn shard(&self, kind: Kind, key: &[u8]) -> (MutexGuard<'_, Shard>, u32) {
        let hash = self.hash(key);
        (self.shards[(hash >> 32) as usize % SHARDS].lock(), hash as u32 & !1 | kind as u32)
    }

    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        xxh3_64_with_seed(key, self.seed)
    }

    pub(super) fn reads(&self) -> u64 {
        self.shards.iter().map(|shard| shard.lock().reads).sum()
    }
}

impl Shard {
    /// The value, and the version from which on views see it.
    pub(super) fn get(&mut self, hash: u32, key: &[u8]) -> Option<(Version, &[u8])> {
        let segments = &self.segments;
        let place = self.places.find_mut(spread(hash), |place| place.is(hash, key, segments))?;
        place.at |= 1;
        let (segment, offset) = place.address();
        let entry = &segments[segment][offset..];
        let head = Head::read(entry);
        Some((head.version, &entry[head.value()]))
    }

    /// The same, to change it where it is.
    pub(super) fn get_mut(&mut self, hash: u32, key: &[u8]) -> Option<(Version, &mut [u8])> {
        let segments = &self.segments;
        let place = self.places.find(spread(hash), |place| place.is(hash, key, segments))?;
        let (segment, offset) = place.address();
        let entry = &mut self.segments[segment][offset..];
        let head = Head::read(entry);
        Some((head.version, &mut entry[head.value()]))
    }

    pub(super) fn has(&self, hash: u32, key: &[u8]) -> bool {
        self.places.find(spread(hash), |place| place.is(hash, key, &self.segments)).is_some()
    }

    pub(super) fn put(&mut self, hash: u32, key: &[u8], value: &[u8], version: Version) {
        let head = Head { hash, key_len: key.len() as u16, value_len: value.len() as u16, version };
        let segments = &self.segments;
        if let Ok(place) = self.places.find_entry(spread(hash), |place| place.is(hash, key, segments)) {
            let (segment, offset) = place.get().address();
            let row = &mut self.segments[segment][offset..];
            if head.room() == Head::read(row).room() {
                row[..HEAD].copy_from_slice(&head.bytes());
                let start = HEAD + key.len();
                row[start..start + value.len()].copy_from_slice(value);
                return;
            }
            place.remove();
        }
        let at = self.append(head, key, value);
        self.places.insert_unique(spread(hash), Place { hash, at }, |place| spread(place.hash));
    }

    pub(super) fn forget(&mut self, hash: u32, key: &[u8]) {
        let segments = &self.segments;
        if let Ok(place) = self.places.find_entry(spread(hash), |place| place.is(hash, key, segments)) {
            place.remove();
        }
    }

    /// Puts an entry at the end, making room where there is none. Returns what its place says.
    fn append(&mut self, head: Head, key: &[u8], value: &[u8]) -> u32 {
        let size = head.room();
        while self.segments.get(self.head).is_none_or(|segment| segment.len() + size > SEGMENT) {
            self.advance();
        }
        let segment = &mut self.segments[self.head];
        let offset = segment.len();
        segment.extend_from_slice(&head.bytes());
        segment.extend_from_slice(key);
        segment.extend_from_slice(value);
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
            let size = head.room();
            self.second_chance(head.hash, offset, &old[offset..offset + size]);
            offset += size;
        }
    }

    /// Keeps an entry of the segment that goes, if it was read and the half of its successor has room.
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
        usize::from(Head::read(row).key_len) == key.len() && row[HEAD..HEAD + key.len()] == *key
    }
}

impl Head {
    fn room(self) -> usize {
        let bytes = self.value().end;
        let step = match self.hash & 1 == Kind::Page as u32 {
            true => (bytes.next_power_of_two() / 8).max(ALIGN),
            false => ALIGN,
        };
        bytes.next_multiple_of(step)
    }

    fn value(self) -> Range<usize> {
        let start = HEAD + usize::from(self.key_len);
        start..start + usize::from(self.value_len)
    }

    fn bytes(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(&self.hash.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.key_len.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.value_len.to_le_bytes());
        bytes[8..].copy_from_slice(&self.version.to_le_bytes());
        bytes
    }

    fn read(row: &[u8]) -> Head {
        let (head, _) = row.split_first_chunk::<HEAD>().expect("an entry has a head");
        let [a, b, c, d, e, f, g, h, version @ ..] = *head;
        Head {
            hash: u32::from_le_bytes([a, b, c, d]),
            key_len: u16::from_le_bytes([e, f]),
            value_len: u16::from_le_bytes([g, h]),
            version: u64::from_le_bytes(version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(rings: &Rings, kind: Kind, key: &str, value: &str) {
        let (mut shard, hash) = rings.shard(kind, key.as_bytes());
        shard.put(hash, key.as_bytes(), value.as_bytes(), 1)
    }

    fn get(rings: &Rings, kind: Kind, key: &str) -> Option<String> {
        let (mut shard, hash) = rings.shard(kind, key.as_bytes());
        shard.get(hash, key.as_bytes()).map(|(_, value)| String::from_utf8(value.to_vec()).unwrap())
    }

    fn held(rings: &Rings) -> usize {
        rings.shards.iter().map(|shard| shard.lock().segments.iter().map(Vec::len).sum::<usize>()).sum()
    }

    #[test]
    fn memory_stays_within_its_bound_and_what_is_read_stays_longest() {
        let bytes = SHARDS * 4 * SEGMENT;
        let rings = Rings::new(bytes as u64, 7);
        let value = "v".repeat(500);
        let hot: Vec<String> = (0..500).map(|number| format!("hot {number}")).collect();
        for number in 0..200_000 {
            let kind = if number % 3 == 0 { Kind::Page } else { Kind::Row };
            put(&rings, kind, &format!("key {number}"), &value);
            let hot = &hot[number % hot.len()];
            if get(&rings, kind, hot).is_none() {
                put(&rings, kind, hot, hot);
            }
        }
        assert!(held(&rings) <= bytes && held(&rings) > bytes / 2, "{}", held(&rings));
        let kept = hot.iter().filter(|key| get(&rings, Kind::Row, key).as_ref() == Some(key)).count();
        assert!(kept > 450, "{kept}");
        let old =
            (0..1000).filter(|number| get(&rings, Kind::Row, &format!("key {number}")).is_some()).count();
        assert_eq!(old, 0);
        // Each place leads to an entry of its own key, and none is left of what is gone.
        for shard in &rings.shards {
            let shard = shard.lock();
            for place in &shard.places {
                let (segment, offset) = place.address();
                assert_eq!(Head::read(&shard.segments[segment][offset..]).hash, place.hash);
            }
        }
    }

    #[test]
    fn what_grows_is_moved_only_when_its_room_is_full() {
        let rings = Rings::new(1 << 20, 7);
        let mut moved = 0;
        put(&rings, Kind::Row, "key", "a row");
        for len in 0..1000 {
            let before = held(&rings);
            put(&rings, Kind::Page, "key", &"v".repeat(len));
            moved += usize::from(held(&rings) > before);
            assert_eq!(get(&rings, Kind::Page, "key").map(|value| value.len()), Some(len));
        }
        assert!((15..25).contains(&moved), "{moved}");
        assert_eq!(get(&rings, Kind::Row, "key").as_deref(), Some("a row"));
        let (mut shard, hash) = rings.shard(Kind::Page, b"key");
        shard.forget(hash, b"key");
        assert!(!shard.has(hash, b"key"));
    }
}
