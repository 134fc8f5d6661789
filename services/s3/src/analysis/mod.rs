//! Storage class analysis: what is observed of the objects that a configuration is about, by their age.
//!
//! Reads and writes are counted in memory as they are answered and written down a minute later; a crash loses those of that
//! minute. At midnight the objects are counted, and the day is told in a file ([`crate::tasks`]).
//!
//! Reading order: this file (age groups, counting), [`advice`] (when STANDARD_IA would be cheaper), [`csv`] (the file).
//! Source: S3 User Guide, "Amazon S3 analytics – Storage Class Analysis".

pub(crate) mod advice;
pub(crate) mod csv;

use std::collections::HashMap;

use haneul_kit::{Instant, Signal};
use parking_lot::Mutex;

use crate::bucket::Bucket;
use crate::lifecycle::DAY_S;
use crate::model::analysis::{AnalyticsConfiguration, Figures};
use crate::model::{Body, ObjectRecord};

/// The age groups: the days since the upload from which an object is in one, and its name.
pub(crate) const GROUPS: [(i64, &str); 12] = [
    (0, "000-014"),
    (15, "015-029"),
    (30, "030-044"),
    (45, "045-059"),
    (60, "060-074"),
    (75, "075-089"),
    (90, "090-119"),
    (120, "120-149"),
    (150, "150-179"),
    (180, "180-364"),
    (365, "365-729"),
    (730, "730+"),
];

/// Smaller objects are not looked at, in bytes: STANDARD_IA is metered with that much.
const BYTES_MIN: u64 = 128 * 1024;

/// What was counted is written down after so many seconds.
pub(crate) const WRITTEN_AFTER_S: i64 = 60;

/// Counters that may wait; what is beyond is not counted.
const WAITING_MAX: usize = 50_000;

pub(crate) fn group(modified_s: i64, now_s: i64) -> usize {
    let days = (now_s - modified_s).div_euclid(DAY_S);
    GROUPS.iter().rposition(|(from, _)| days >= *from).unwrap_or_default()
}

pub(crate) fn is_observed(body: &Body) -> bool {
    body.size >= BYTES_MIN
}

pub(crate) fn is_about(one: &AnalyticsConfiguration, key: &str, body: &Body) -> bool {
    one.filter.as_ref().is_none_or(|filter| filter.is_about(key, &body.tags))
}

pub(crate) fn day_of(at_s: i64) -> u64 {
    at_s.div_euclid(DAY_S).max(0) as u64
}

/// Bucket, configuration, day.
pub(crate) type DayRow = (u64, String, u64);

/// Storage class, age group, and what there was of them.
pub(crate) type Count = (String, usize, Figures);

/// Reads and writes that are to be written down.
#[derive(Default)]
pub(crate) struct Observed {
    waiting: Mutex<Waiting>,
    pub(crate) wakes: Signal,
}

#[derive(Default)]
struct Waiting {
    since: Option<Instant>,
    counts: HashMap<(DayRow, String, usize), Figures>,
}

impl Observed {
    pub(crate) fn read(
        &self,
        bucket: &Bucket,
        key: &str,
        record: (&ObjectRecord, &Body),
        bytes: u64,
        now: Instant,
    ) {
        let (record, body) = record;
        let group = || group(record.modified_s, now.secs());
        self.note(bucket, key, body, group, Figures { retrieved: bytes, gets: 1, ..Figures::default() }, now);
    }

    pub(crate) fn written(&self, bucket: &Bucket, key: &str, body: &Body, now: Instant) {
        self.note(bucket, key, body, || 0, Figures { uploaded: body.size, ..Figures::default() }, now);
    }

    fn note(
        &self,
        bucket: &Bucket,
        key: &str,
        body: &Body,
        group: impl Fn() -> usize,
        figures: Figures,
        now: Instant,
    ) {
        let configurations = &bucket.record.features.analytics;
        if configurations.is_empty() || !is_observed(body) {
            return;
        }
        let (day, group) = (day_of(now.secs()), group());
        let mut waiting = self.waiting.lock();
        for one in configurations.iter().filter(|one| is_about(one, key, body)) {
            if waiting.counts.len() >= WAITING_MAX {
                break;
            }
            let row = (bucket.id(), one.id.clone(), day);
            waiting.counts.entry((row, body.storage_class().to_owned(), group)).or_default().add(&figures);
        }
        if waiting.since.is_none() && !waiting.counts.is_empty() {
            waiting.since = Some(now);
            self.wakes.wake();
        }
    }

    /// Takes what is to be written down by now, by day, class and age group.
    pub(crate) fn take(&self, now: Instant) -> Vec<(DayRow, Vec<Count>)> {
        let mut waiting = self.waiting.lock();
        if waiting.since.is_none_or(|since| !is_due(since, now)) {
            return Vec::new();
        }
        waiting.since = None;
        let mut by_day: HashMap<DayRow, Vec<_>> = HashMap::new();
        for ((row, class, group), figures) in waiting.counts.drain() {
            by_day.entry(row).or_default().push((class, group, figures));
        }
        by_day.into_iter().collect()
    }

    /// When there is something to write down.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.waiting.lock().since.map(|since| Instant::from_secs(since.secs() + WRITTEN_AFTER_S))
    }
}

/// What was counted on another day is written before that day is told of.
fn is_due(since: Instant, now: Instant) -> bool {
    now.secs() - since.secs() >= WRITTEN_AFTER_S || day_of(since.secs()) != day_of(now.secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        for (days, name) in [
            (0, "000-014"),
            (14, "000-014"),
            (15, "015-029"),
            (44, "030-044"),
            (119, "090-119"),
            (120, "120-149"),
            (364, "180-364"),
            (729, "365-729"),
            (730, "730+"),
            (90_000, "730+"),
        ] {
            assert_eq!(GROUPS[group(5, 5 + days * DAY_S)].1, name, "{days}");
        }
        assert_eq!(group(100, 0), 0, "a clock that went back");
    }
}
