//! Hash keys: where on the ring of 128-bit numbers a record belongs, and which part of it a shard has.

use md5::{Digest, Md5};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number from 0 to 2^128 - 1, written in decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct HashKey(pub(crate) u128);

/// The part of the ring that a shard has, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HashRange {
    pub(crate) first: HashKey,
    pub(crate) last: HashKey,
}

impl HashKey {
    pub(crate) fn of(partition_key: &str) -> HashKey {
        HashKey(u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into()))
    }

    /// `None` beyond 2^128 - 1. The form was checked against the model.
    pub(crate) fn parse(text: &str) -> Option<HashKey> {
        text.parse().ok().map(HashKey)
    }
}

impl std::fmt::Display for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

// As text: JSON numbers beyond 64 bits do not survive every reader.
impl Serialize for HashKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for HashKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<HashKey, D::Error> {
        let text = String::deserialize(deserializer)?;
        HashKey::parse(&text).ok_or_else(|| serde::de::Error::custom("not a hash key"))
    }
}

impl HashRange {
    /// Where the second half begins.
    pub(crate) fn middle(&self) -> HashKey {
        HashKey(self.first.0 + (self.last.0 - self.first.0) / 2 + 1)
    }

    /// The ring in `count` parts of the same size; what does not divide is in the last.
    pub(crate) fn even(count: u32) -> Vec<HashRange> {
        let count = u128::from(count.max(1));
        if count == 1 {
            return vec![HashRange { first: HashKey(0), last: HashKey(u128::MAX) }];
        }
        // 2^128 / count, which has no type of its own.
        let width = u128::MAX / count + u128::from(u128::MAX % count == count - 1);
        let part = |i: u128| HashRange {
            first: HashKey(width * i),
            last: HashKey(if i + 1 == count { u128::MAX } else { width * (i + 1) - 1 }),
        };
        (0..count).map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_is_divided_without_gaps() {
        for count in [1, 2, 3, 4, 5, 7, 100, 4096, 9999] {
            let parts = HashRange::even(count);
            assert_eq!(parts.len() as u32, count);
            assert_eq!((parts[0].first.0, parts[parts.len() - 1].last.0), (0, u128::MAX));
            assert!(parts.windows(2).all(|pair| pair[0].last.0 + 1 == pair[1].first.0), "{count}");
        }
        // As AWS's documentation shows streams of one and two shards.
        assert_eq!(HashRange::even(2)[1].first.to_string(), "170141183460469231731687303715884105728");
        assert_eq!(HashRange::even(1)[0].last.to_string(), "340282366920938463463374607431768211455");
    }

    #[test]
    fn a_partition_key_is_hashed_by_md5() {
        assert_eq!(HashKey::of("a").0, 0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661);
        assert_eq!(HashKey::parse("340282366920938463463374607431768211456"), None);
        assert_eq!(HashRange::even(1)[0].middle(), HashRange::even(2)[1].first);
    }
}
