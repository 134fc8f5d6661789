//! What a change of an object leaves behind in its own commit: the events that somebody wants to hear of, and when the
//! key has to be looked at by lifecycle rules.
//!
//! Because they are committed together, a change without what follows from it cannot be, whenever we crash.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use haneul_env::Rng;
use haneul_kit::{Instant, Signal};
use haneul_store::{StoreError, Tx};

use super::aging;
use super::tables::EVENTS;
use crate::bucket::Bucket;
use crate::model::event::{Detail, EventRecord, Origin};
use crate::model::{ObjectRecord, Versioning};
use crate::notification;

/// Why a change is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Put,
    Post,
    Copy,
    CompleteMultipartUpload,
    /// Any other request.
    Request,
    Lifecycle,
}

/// A change of what is written of an object, not of its bytes.
#[derive(Clone, Debug)]
#[allow(dead_code)] // Some are made by operations that are still to come.
pub(crate) enum Change {
    TagsPut,
    TagsDeleted,
    AclPut,
    Transition { class: String },
    RestoreBegun,
    RestoreCompleted { expires_s: i64, class: String },
    RestoreExpired,
    Tier { tier: String },
}

/// Follows the changes of one request to one bucket. It is dropped after their commit, and then wakes whoever goes on.
pub(crate) struct Watch<'a>(Option<Watching<'a>>);

pub(crate) struct Watching<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) by: By,
    pub(crate) origin: Origin,
    pub(crate) now: Instant,
    pub(crate) rng: &'a Rng,
    pub(crate) wakes: &'a Signal,
    pub(crate) noted: AtomicBool,
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        if self.noted.load(Ordering::Acquire) {
            self.wakes.wake();
        }
    }
}

impl<'a> Watch<'a> {
    pub(crate) fn new(watching: Watching<'a>) -> Watch<'a> {
        let record = &watching.bucket.record;
        let wanted = record.lifecycle.is_some() || notification::wanted(&record.features);
        Watch(wanted.then_some(watching))
    }

    /// A new current version with bytes.
    pub(crate) fn created(&self, tx: &Tx, key: &str, record: &ObjectRecord) -> Result<(), StoreError> {
        let Some(watching) = &self.0 else { return Ok(()) };
        let name = match watching.by {
            By::Post => "ObjectCreated:Post",
            By::Copy => "ObjectCreated:Copy",
            By::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            By::Put | By::Request | By::Lifecycle => "ObjectCreated:Put",
        };
        watching.age(tx, key, record, record.older)?;
        watching.note(tx, name, key, record, None)
    }

    /// A version is gone for good.
    pub(crate) fn removed(&self, tx: &Tx, key: &str, record: &ObjectRecord) -> Result<(), StoreError> {
        let Some(watching) = &self.0 else { return Ok(()) };
        let name = match watching.by {
            By::Lifecycle => "LifecycleExpiration:Delete",
            _ => "ObjectRemoved:Delete",
        };
        if let Some(lifecycle) = &watching.bucket.record.lifecycle {
            aging::note_removal(tx, lifecycle, (&watching.bucket.name, key), watching.now.secs())?;
        }
        watching.note(tx, name, key, record, None)
    }

    /// A delete marker is the current version now.
    pub(crate) fn marked(&self, tx: &Tx, key: &str, marker: &ObjectRecord) -> Result<(), StoreError> {
        let Some(watching) = &self.0 else { return Ok(()) };
        let name = match watching.by {
            By::Lifecycle => "LifecycleExpiration:DeleteMarkerCreated",
            _ => "ObjectRemoved:DeleteMarkerCreated",
        };
        watching.age(tx, key, marker, true)?;
        watching.note(tx, name, key, marker, None)
    }

    pub(crate) fn changed(
        &self,
        tx: &Tx,
        key: &str,
        record: &ObjectRecord,
        change: &Change,
    ) -> Result<(), StoreError> {
        let Some(watching) = &self.0 else { return Ok(()) };
        if matches!(change, Change::TagsPut | Change::TagsDeleted) {
            watching.age(tx, key, record, false)?;
        }
        let (name, detail) = match change.clone() {
            Change::TagsPut => ("ObjectTagging:Put", None),
            Change::TagsDeleted => ("ObjectTagging:Delete", None),
            Change::AclPut => ("ObjectAcl:Put", None),
            Change::Transition { class } => ("LifecycleTransition", Some(Detail::Transition { class })),
            Change::RestoreBegun => ("ObjectRestore:Post", None),
            Change::RestoreCompleted { expires_s, class } => {
                ("ObjectRestore:Completed", Some(Detail::Restored { expires_s, class }))
            }
            Change::RestoreExpired => ("ObjectRestore:Delete", None),
            Change::Tier { tier } => ("IntelligentTiering", Some(Detail::Tier { tier })),
        };
        watching.note(tx, name, key, record, detail)
    }
}

impl Watching<'_> {
    fn age(&self, tx: &Tx, key: &str, record: &ObjectRecord, demoted: bool) -> Result<(), StoreError> {
        match &self.bucket.record.lifecycle {
            Some(lifecycle) => {
                aging::note(tx, lifecycle, (&self.bucket.name, key), record, demoted, self.now.secs())
            }
            None => Ok(()),
        }
    }

    fn note(
        &self,
        tx: &Tx,
        name: &'static str,
        key: &str,
        record: &ObjectRecord,
        detail: Option<Detail>,
    ) -> Result<(), StoreError> {
        let bucket = self.bucket;
        let features = &bucket.record.features;
        let mut targets = notification::targets(features, name, key).peekable();
        if targets.peek().is_none() {
            return Ok(());
        }
        let sequencer = next_sequencer(self.now);
        let is_versioned = bucket.record.versioning != Versioning::Off;
        for (configuration, target) in targets {
            let event = EventRecord {
                name: name.to_owned(),
                at_ms: self.now.millis(),
                bucket: bucket.name.clone(),
                owner: bucket.owner.number(),
                region: bucket.region.as_str().to_owned(),
                key: key.to_owned(),
                version_id: is_versioned.then(|| record.version_name().to_owned()),
                size: record.body.as_ref().map(|body| body.size),
                etag: record.etag().map(str::to_owned),
                sequencer: sequencer.clone(),
                origin: self.origin.clone(),
                configuration: configuration.map(str::to_owned),
                target: target.clone(),
                detail: detail.clone(),
                failures: 0,
            };
            tx.put(&EVENTS, &(self.now.millis().max(0) as u64, self.rng.u64()), &event)?;
        }
        self.noted.store(true, Ordering::Release);
        Ok(())
    }
}

/// Rises with every event of this run and, with the clock, over runs: of two changes of a key, the later one reads what
/// the earlier one committed, so it asks later.
fn next_sequencer(now: Instant) -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let floor = (now.millis().max(0) as u64) << 16;
    let before = LAST.fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(floor.max(last + 1)));
    format!("{:016X}", floor.max(before.unwrap_or_default() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequencers_rise_within_a_moment_and_over_time() {
        let made: Vec<_> = [5_000, 5_000, 5_000, 4_000, 6_000_000]
            .into_iter()
            .map(|ms| next_sequencer(Instant::from_millis(ms)))
            .collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]), "{made:?}");
    }
}
