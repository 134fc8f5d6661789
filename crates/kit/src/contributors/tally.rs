use std::borrow::Cow;
use std::collections::BTreeMap;

use haneul_base::Instant;
use haneul_store::{Batch, Record, Store, StoreError, Tx};
use serde::{Deserialize, Serialize};

use super::TALLIES;
use super::sketch::Sketch;

/// Contributors of a minute that are kept by name: ten times what a report can show. Up to twice as many are held while counting.
pub const CONTRIBUTORS_MAX: usize = 1_000;

/// Stands between the parts of a contributor's key.
pub const SEPARATOR: char = '\0';

/// Bytes of a contributor's key, divided among its parts; what is longer is cut.
const KEY_BYTES_MAX: usize = 1024;

/// What a rule counted in one minute, or in several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Observations.
    pub count: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    /// The largest contributors; all of them, as long as there are not too many.
    pub top: BTreeMap<String, Share>,
    /// The others, once some were left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rest: Option<Sketch>,
}

impl Record for Tally {}

/// What one contributor came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "(f64, f64)", into = "(f64, f64)")]
pub struct Share {
    pub sum: f64,
    /// The largest observation.
    pub max: f64,
}

impl From<(f64, f64)> for Share {
    fn from((sum, max): (f64, f64)) -> Share {
        Share { sum, max }
    }
}

impl From<Share> for (f64, f64) {
    fn from(share: Share) -> (f64, f64) {
        (share.sum, share.max)
    }
}

/// A contributor's key of its parts.
pub fn key<'a>(parts: &[Cow<'a, str>]) -> String {
    let max = KEY_BYTES_MAX / parts.len().max(1);
    let mut key = String::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            key.push(SEPARATOR);
        }
        let mut end = part.len().min(max);
        while !part.is_char_boundary(end) {
            end -= 1;
        }
        let part = &part[..end];
        if part.contains(SEPARATOR) {
            key.extend(part.chars().map(|c| if c == SEPARATOR { char::REPLACEMENT_CHARACTER } else { c }));
        } else {
            key.push_str(part);
        }
    }
    key
}

/// Records are JSON, which has no infinity.
fn plus(a: f64, b: f64) -> f64 {
    (a + b).clamp(f64::MIN, f64::MAX)
}

impl Tally {
    /// Adds an observation; what is no finite number is none.
    pub fn add(&mut self, key: &str, value: f64) {
        if !value.is_finite() {
            return;
        }
        let (min, max) = if self.count == 0.0 { (value, value) } else { (self.min, self.max) };
        (self.min, self.max) = (min.min(value), max.max(value));
        self.count += 1.0;
        self.sum = plus(self.sum, value);
        match self.top.get_mut(key) {
            Some(share) => {
                share.sum = plus(share.sum, value);
                share.max = share.max.max(value);
            }
            None => {
                self.top.insert(key.to_owned(), Share { sum: value, max: value });
                if self.top.len() >= 2 * CONTRIBUTORS_MAX {
                    self.trim(CONTRIBUTORS_MAX);
                }
            }
        }
    }

    /// Adds what another one counted, and holds up to twice `max` contributors by name.
    pub fn merge(&mut self, other: &Tally, max: usize) {
        if other.count == 0.0 {
            return;
        }
        let (low, high) = if self.count == 0.0 { (other.min, other.max) } else { (self.min, self.max) };
        (self.min, self.max) = (low.min(other.min), high.max(other.max));
        self.count += other.count;
        self.sum = plus(self.sum, other.sum);
        for (key, share) in &other.top {
            match self.top.get_mut(key) {
                Some(mine) => {
                    mine.sum = plus(mine.sum, share.sum);
                    mine.max = mine.max.max(share.max);
                }
                None => drop(self.top.insert(key.clone(), *share)),
            }
        }
        if let Some(rest) = &other.rest {
            self.rest.get_or_insert_default().merge(rest);
        }
        if self.top.len() >= 2 * max {
            self.trim(max);
        }
    }

    /// Keeps the `max` largest contributors by name.
    pub fn trim(&mut self, max: usize) {
        if self.top.len() <= max {
            return;
        }
        let mut all: Vec<(String, Share)> = std::mem::take(&mut self.top).into_iter().collect();
        all.select_nth_unstable_by(max, |a, b| b.1.sum.total_cmp(&a.1.sum));
        let rest = self.rest.get_or_insert_default();
        all.drain(max..).for_each(|(key, _)| rest.add(&key));
        self.top = all.into_iter().collect();
    }

    /// As it is kept: not so long that it would be no record, whatever the keys are.
    fn trimmed(&self) -> Cow<'_, Tally> {
        if self.top.len() <= CONTRIBUTORS_MAX {
            return Cow::Borrowed(self);
        }
        let mut tally = self.clone();
        tally.trim(CONTRIBUTORS_MAX);
        Cow::Owned(tally)
    }

    /// Bytes of the keys that are kept.
    pub fn key_bytes(&self) -> usize {
        self.top.keys().map(String::len).sum()
    }

    /// How many different contributors there were: exact as long as none was left out.
    pub fn unique(&self) -> f64 {
        match &self.rest {
            None => self.top.len() as f64,
            Some(rest) => {
                let mut all = rest.clone();
                self.top.keys().for_each(|key| all.add(key));
                all.estimate().round().max(self.top.len() as f64)
            }
        }
    }

    /// Of a minute: with all of a contributor's observations as one.
    pub fn per_contributor(mut self) -> Tally {
        for share in self.top.values_mut() {
            share.max = share.sum;
        }
        self.count = self.unique();
        self.max = self.top.values().map(|share| share.sum).fold(f64::MIN, f64::max);
        self.min = self.top.values().map(|share| share.sum).fold(f64::MAX, f64::min);
        self
    }
}

/// Counts of several rules and minutes that wait to be written.
#[derive(Debug, Default)]
pub struct Tallies {
    counted: BTreeMap<(u64, i64), Tally>,
    bytes: usize,
}

const MINUTE_MS: i64 = 60_000;

/// Beyond so much, they should be written before more comes: a fraction of what one transaction takes.
const BYTES_MAX: usize = 4 * 1024 * 1024;
const TALLIES_MAX: usize = 10_000;

/// What a contributor's share takes, and a tally without contributors.
const OVERHEAD: usize = 64;

impl Tallies {
    pub fn add(&mut self, rule: u64, at: Instant, key: &str, value: f64) {
        let minute = at.millis().div_euclid(MINUTE_MS) * MINUTE_MS;
        let tally = self.counted.entry((rule, minute)).or_insert_with(|| {
            self.bytes += OVERHEAD;
            Tally::default()
        });
        let before = tally.top.len();
        tally.add(key, value);
        if tally.top.len() > before {
            self.bytes += OVERHEAD + key.len();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.counted.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.bytes > BYTES_MAX || self.counted.len() >= TALLIES_MAX
    }

    /// Adds what others counted.
    pub fn append(&mut self, others: Tallies) {
        for (at, tally) in others.counted {
            let mine = self.counted.entry(at).or_default();
            mine.merge(&tally, CONTRIBUTORS_MAX);
            // An upper bound: what both know counts twice.
            self.bytes += OVERHEAD * (tally.top.len() + 1) + tally.key_bytes();
        }
    }

    /// Writes them; `nonce` is a number that no other writing has.
    ///
    /// # Errors
    /// When there is too much for one transaction.
    pub fn write(&self, tx: &Tx, nonce: u64) -> Result<(), StoreError> {
        for ((rule, minute), tally) in &self.counted {
            tx.put(&TALLIES, &(*rule, *minute, nonce), &tally.trimmed())?;
        }
        Ok(())
    }

    /// The same, by itself and however much it is: in several steps, if need be.
    ///
    /// # Errors
    /// When the store takes nothing; the first of the steps may be done.
    pub async fn save(&self, store: &Store, nonce: u64) -> Result<(), StoreError> {
        let (mut batch, mut bytes) = (Batch::default(), 0);
        for ((rule, minute), tally) in &self.counted {
            batch.put(&TALLIES, &(*rule, *minute, nonce), &tally.trimmed())?;
            bytes += tally.key_bytes() + OVERHEAD * (tally.top.len() + 1);
            if bytes >= BYTES_MAX {
                bytes = 0;
                store.write(std::mem::take(&mut batch)).await?;
            }
        }
        store.write(batch).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_extremes_are_exact_and_the_largest_stay() {
        let mut tally = Tally::default();
        for i in 0..10_000u32 {
            tally.add(&format!("small{i}"), 1.0);
            tally.add("big", 5.0);
        }
        tally.add("none", f64::NAN);
        tally.trim(CONTRIBUTORS_MAX);
        assert_eq!((tally.count, tally.sum, tally.min, tally.max), (20_000.0, 60_000.0, 1.0, 5.0));
        assert_eq!(tally.top["big"], Share { sum: 50_000.0, max: 5.0 });
        assert_eq!(tally.top.len(), CONTRIBUTORS_MAX);
        assert!((tally.unique() / 10_001.0 - 1.0).abs() < 0.06, "{}", tally.unique());
        let mut text = Vec::new();
        tally.encode(&mut text).unwrap();
        assert_eq!(Tally::decode(&text).unwrap(), tally);
    }

    #[test]
    fn merging_is_counting_at_once() {
        let (mut all, mut parts) = (Tally::default(), [Tally::default(), Tally::default(), Tally::default()]);
        for i in 0..900usize {
            let (key, value) = (format!("k{}", i * i % 70), i as f64 - 300.0);
            all.add(&key, value);
            parts[i % 3].add(&key, value);
        }
        let mut merged = Tally::default();
        parts.iter().for_each(|part| merged.merge(part, CONTRIBUTORS_MAX));
        merged.merge(&Tally::default(), CONTRIBUTORS_MAX);
        assert_eq!(merged, all);
        assert_eq!(all.unique(), all.top.len() as f64);
    }

    #[test]
    fn keys_are_bounded_and_cannot_run_into_each_other() {
        assert_eq!(key(&["a".into(), "b".into()]), "a\0b");
        assert_eq!(key(&["a\0b".into()]), "a\u{fffd}b");
        assert_eq!(key(&["é".repeat(5_000).into(), "x".into()]).len(), 512 + 2);
        let mut tally = Tally::default();
        (0..3).for_each(|_| tally.add("x", f64::MAX));
        assert_eq!(tally.sum, f64::MAX);
    }

    #[test]
    fn much_is_written_before_more_comes() {
        let mut tallies = Tallies::default();
        let long = "x".repeat(1000);
        let mut count = 0;
        while !tallies.is_full() {
            tallies.add(1, Instant::from_millis(61_000), &format!("{long}{count}"), 1.0);
            tallies.add(2, Instant::from_millis(count * 60_000), "x", 1.0);
            count += 1;
        }
        assert!((1_000..20_000).contains(&count), "{count}");
        assert!(tallies.counted.contains_key(&(1, 60_000)));
    }
}
