//! How much a stream takes a second that is put into. Source: Developer Guide, "Amazon Data Firehose quota".

use std::collections::HashMap;

use haneul_kit::{Bucket, Region};
use parking_lot::Mutex;

/// Bytes, records and requests a second: in the largest Regions, and in the others.
const LARGE: [i64; 3] = [5 * 1024 * 1024, 500_000, 2000];
const OTHER: [i64; 3] = [1024 * 1024, 100_000, 1000];
const LARGE_REGIONS: [&str; 3] = ["us-east-1", "us-west-2", "eu-west-1"];

/// What streams may still take, by their ids: bytes, records and requests.
#[derive(Default)]
pub(crate) struct Limits(Mutex<HashMap<u64, [Bucket; 3]>>);

impl Limits {
    /// Which records of a request may pass, by their sizes.
    pub(crate) fn admit(
        &self,
        id: u64,
        region: Region,
        now_ms: i64,
        sizes: impl Iterator<Item = usize>,
    ) -> Vec<bool> {
        let mut all = self.0.lock();
        let [bytes, records, requests] = all.entry(id).or_insert_with(|| {
            let per_sec = if LARGE_REGIONS.contains(&region.as_str()) { LARGE } else { OTHER };
            per_sec.map(Bucket::new)
        });
        let may = requests.has(1, now_ms);
        if may {
            requests.take(1);
        }
        let mut admit = |size: i64| {
            let may = may && records.has(1, now_ms) && bytes.has(size, now_ms);
            if may {
                records.take(1);
                bytes.take(size);
            }
            may
        };
        sizes.map(|size| admit(size as i64)).collect()
    }

    /// The stream is gone.
    pub(crate) fn forget(&self, id: u64) {
        self.0.lock().remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_takes_what_it_says() {
        let limits = Limits::default();
        let admit = |now_ms, sizes: &[usize]| {
            limits.admit(1, Region::US_EAST_1, now_ms, sizes.iter().copied()).into_iter().collect::<Vec<_>>()
        };
        const MIB: usize = 1024 * 1024;
        assert_eq!(admit(0, &[4 * MIB, 2 * MIB, MIB, 1]), [true, false, true, false]);
        // Another stream has its own.
        assert_eq!(limits.admit(2, Region::US_EAST_1, 0, [MIB].into_iter()), [true]);
        assert_eq!(admit(200, &[MIB, 1]), [true, false]);
        assert_eq!(admit(100, &[1]), [false]);
        assert_eq!(admit(60_000, &[5 * MIB, 1]), [true, false]);
        let requests = (0..2001).filter(|_| admit(70_000, &[1]) == [true]).count();
        assert_eq!(requests, 2000);
        assert_eq!(admit(70_001, &[1]), [true]);
    }
}
