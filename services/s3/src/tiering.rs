//! Intelligent-Tiering: where an object of that class is, by when it was last read. Pure but for [`Accesses`], which keeps the
//! reads in memory until [`crate::tasks`] has written them down; a crash loses those of the last moments.
//!
//! Source: S3 User Guide, "How S3 Intelligent-Tiering works".

use std::collections::HashMap;

use haneul_kit::Instant;
use parking_lot::Mutex;

use crate::lifecycle::{DAY_S, due_s};
use crate::model::tiering::{AccessTier, Tiered, TieringConfiguration};
use crate::model::{Body, ObjectRecord};

pub(crate) const CLASS: &str = "INTELLIGENT_TIERING";

/// Smaller objects stay in the frequent access tier, in bytes.
const BYTES_MIN: u64 = 128 * 1024;

/// Days without access until an object goes to a tier by itself.
const BY_ITSELF: [(AccessTier, u32); 2] = [(AccessTier::Infrequent, 30), (AccessTier::ArchiveInstant, 90)];

/// Reads that may wait to be written down: what is beyond is not noted.
const WAITING_MAX: usize = 100_000;

/// Whether an object moves between tiers.
pub(crate) fn is_watched(body: &Body) -> bool {
    body.size >= BYTES_MIN && body.storage_class.as_deref() == Some(CLASS)
}

pub(crate) fn standing(record: &ObjectRecord, body: &Body) -> Tiered {
    body.tiered.unwrap_or(Tiered { accessed_s: record.modified_s, tier: AccessTier::Frequent })
}

/// When an object that is accessed at `now_s` has to be looked at.
pub(crate) fn first_due_s(now_s: i64) -> i64 {
    due_s(now_s, BY_ITSELF[0].1)
}

/// Where an object belongs, and when to look at it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) standing: Tiered,
    pub(crate) next_s: Option<i64>,
}

/// What is to be made of an object at `now_s`; `None` when it is not watched.
pub(crate) fn judge(
    configurations: &[TieringConfiguration],
    key: &str,
    record: &ObjectRecord,
    now_s: i64,
) -> Option<Verdict> {
    let body = record.body.as_ref().filter(|body| is_watched(body))?;
    let mut standing = standing(record, body);
    if standing.tier.is_archive()
        && let Some(restore) = body.restore
    {
        let ready_s = crate::archive::seconds(restore.ready_ms);
        if ready_s > now_s {
            return Some(Verdict { standing, next_s: Some(ready_s) });
        }
        standing = Tiered { accessed_s: ready_s, tier: AccessTier::Frequent };
    }
    let about = configurations.iter().filter(|one| {
        one.enabled && one.filter.as_ref().is_none_or(|filter| filter.is_about(key, &body.tags))
    });
    let steps = BY_ITSELF.into_iter().chain(about.flat_map(|one| one.tierings.iter().copied()));
    let mut next_s: Option<i64> = None;
    let steps: Vec<(AccessTier, i64)> =
        steps.map(|(tier, days)| (tier, due_s(standing.accessed_s, days))).collect();
    for (tier, at_s) in &steps {
        if *at_s <= now_s {
            standing.tier = standing.tier.max(*tier);
        }
    }
    for (tier, at_s) in steps {
        if at_s > now_s && tier > standing.tier {
            next_s = Some(next_s.map_or(at_s, |next| next.min(at_s)));
        }
    }
    Some(Verdict { standing, next_s })
}

/// Names a version that was read: bucket, key, the version's number.
pub(crate) type Accessed = (String, String, u64);

/// Reads of objects that are to be noted with them.
#[derive(Default)]
pub(crate) struct Accesses(Mutex<HashMap<Accessed, i64>>);

impl Accesses {
    /// Notes a read, unless it would change nothing: accesses are told to the day. Says whether it is to be written down.
    pub(crate) fn note(
        &self,
        bucket: &str,
        key: &str,
        record: (u64, i64),
        body: &Body,
        now: Instant,
    ) -> bool {
        if !is_watched(body) {
            return false;
        }
        let (seq, modified_s) = record;
        let standing = body.tiered.unwrap_or(Tiered { accessed_s: modified_s, tier: AccessTier::Frequent });
        if standing.tier == AccessTier::Frequent && now.secs() - standing.accessed_s < DAY_S {
            return false;
        }
        let mut waiting = self.0.lock();
        if waiting.len() >= WAITING_MAX {
            return false;
        }
        waiting.insert((bucket.to_owned(), key.to_owned(), seq), now.secs());
        true
    }

    /// One that could not be written down; it may have been read again meanwhile.
    pub(crate) fn give_back(&self, accessed: Accessed, at_s: i64) {
        let mut waiting = self.0.lock();
        if waiting.len() < WAITING_MAX {
            let kept = waiting.entry(accessed).or_insert(at_s);
            *kept = at_s.max(*kept);
        }
    }

    pub(crate) fn take(&self) -> HashMap<Accessed, i64> {
        std::mem::take(&mut self.0.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::object::Restore;

    fn record(size: u64, tiered: Option<Tiered>) -> ObjectRecord {
        let body = Body { size, tiered, storage_class: Some(CLASS.into()), ..Body::default() };
        ObjectRecord {
            seq: 1,
            version_id: None,
            older: false,
            modified_s: 0,
            noncurrent_since_s: None,
            owner: None,
            body: Some(body),
            replication: None,
            annotations: 0,
        }
    }

    #[test]
    fn down_by_itself_and_further_where_it_is_configured() {
        let judged = |configurations: &[TieringConfiguration], record: &ObjectRecord, day: i64| {
            judge(configurations, "k", record, day * DAY_S)
                .map(|verdict| (verdict.standing.tier, verdict.next_s.map(|next| next / DAY_S)))
        };
        let fresh = record(BYTES_MIN, None);
        use AccessTier::*;
        for (day, expected) in [
            (0, (Frequent, Some(30))),
            (29, (Frequent, Some(30))),
            (30, (Infrequent, Some(90))),
            (90, (ArchiveInstant, None)),
            (5000, (ArchiveInstant, None)),
        ] {
            assert_eq!(judged(&[], &fresh, day), Some(expected), "{day}");
        }
        let deep = TieringConfiguration {
            id: "a".into(),
            enabled: true,
            filter: None,
            tierings: vec![(Archive, 90), (DeepArchive, 180)],
        };
        let all = [deep.clone()];
        for (day, expected) in
            [(89, (Infrequent, Some(90))), (90, (Archive, Some(180))), (180, (DeepArchive, None))]
        {
            assert_eq!(judged(&all, &fresh, day), Some(expected), "{day}");
        }
        let off = [TieringConfiguration { enabled: false, ..deep }];
        assert_eq!(judged(&off, &fresh, 400), Some((ArchiveInstant, None)));
        assert_eq!(judged(&all, &record(BYTES_MIN - 1, None), 400), None);
        let tier = |tier| Some(Tiered { accessed_s: 0, tier });
        assert_eq!(judged(&[], &record(BYTES_MIN, tier(Archive)), 100), Some((Archive, None)));
        let mut restored = record(BYTES_MIN, tier(DeepArchive));
        let restore = Restore { ready_ms: 500 * DAY_S * 1000, expires_ms: i64::MAX, told: false };
        restored.body.as_mut().unwrap().restore = Some(restore);
        assert_eq!(judged(&all, &restored, 499), Some((DeepArchive, Some(500))));
        assert_eq!(judged(&all, &restored, 500), Some((Frequent, Some(530))));
    }

    #[test]
    fn accesses_are_noted_once_a_day() {
        let accesses = Accesses::default();
        let fresh = record(BYTES_MIN, None).body.unwrap();
        let at = Instant::from_secs;
        assert!(!accesses.note("b", "k", (1, 0), &fresh, at(DAY_S - 1)));
        assert!(accesses.note("b", "k", (1, 0), &fresh, at(DAY_S)));
        assert_eq!(accesses.take().len(), 1);
        let low = Body { tiered: Some(Tiered { accessed_s: 0, tier: AccessTier::Infrequent }), ..fresh };
        assert!(accesses.note("b", "k", (1, 0), &low, at(1)));
        assert!(!accesses.note("b", "k", (1, 0), &Body { size: 5, ..low }, at(DAY_S)));
    }
}
