//! What a change of an object leaves behind in its own commit: the events that somebody wants to hear of, and when the
//! key has to be looked at by lifecycle rules.
//!
//! Because they are committed together, a change without what follows from it cannot be, whenever we crash.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use haneul_env::Rng;
use haneul_kit::Instant;
use haneul_store::{StoreError, Tx};

use super::aging;
use super::tables::{ANNOTATED, CHANGES, COPYING, EVENTS};
use crate::bucket::Bucket;
use crate::model::event::{Detail, EventRecord, Origin};
use crate::model::metadata::{Annotated, ChangeKind, ChangeRecord, ObjectFacts};
use crate::model::replication::{Copying, Replicated, ReplicationRule, What};
use crate::model::{ObjectRecord, Versioning};
use crate::tasks::Tasks;
use crate::{notification, replication};

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
    /// We copy it from another bucket.
    Replication,
}

/// A change of what is written of an object, not of its bytes.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    TagsPut,
    TagsDeleted,
    AclPut,
    AnnotationPut,
    AnnotationDeleted,
    /// Another key wraps the object's.
    Encryption,
    Transition {
        class: String,
    },
    RestoreBegun,
    RestoreCompleted {
        expires_s: Option<i64>,
        class: String,
    },
    RestoreExpired,
    Tier {
        tier: String,
    },
}

impl Change {
    /// Whether the journal of S3 Metadata tells of it: what its columns show.
    fn is_journalled(&self) -> bool {
        matches!(self, Change::TagsPut | Change::TagsDeleted | Change::Transition { .. } | Change::Encryption)
    }
}

/// Follows the changes of one request to one bucket. It is dropped after their commit, and then wakes whoever goes on.
pub(crate) struct Watch<'a>(Option<Watching<'a>>);

pub(crate) struct Watching<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) by: By,
    pub(crate) origin: Origin,
    pub(crate) now: Instant,
    pub(crate) rng: &'a Rng,
    pub(crate) tasks: &'a Tasks,
    /// Of what a replica is made: the id of the source's version.
    pub(crate) replica_of: Option<String>,
    /// Whether there are events, and copies, to go on with.
    pub(crate) noted: AtomicBool,
    pub(crate) copies: AtomicBool,
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        if self.noted.load(Ordering::Acquire) {
            self.tasks.events.wake();
        }
        if self.copies.load(Ordering::Acquire) {
            self.tasks.replication.wake();
        }
    }
}

impl<'a> Watch<'a> {
    /// Tells of something beside a change.
    pub(crate) fn tell(
        &self,
        tx: &Tx,
        name: &'static str,
        key: &str,
        record: &ObjectRecord,
        detail: &Detail,
    ) -> Result<(), StoreError> {
        match &self.0 {
            Some(watching) => watching.note(tx, name, key, record, Some(detail.clone())),
            None => Ok(()),
        }
    }

    /// Of what nobody is told: the files of tables.
    pub(crate) fn nobody() -> Watch<'static> {
        Watch(None)
    }

    pub(crate) fn new(watching: Watching<'a>) -> Watch<'a> {
        let record = &watching.bucket.record;
        let wanted = record.lifecycle.is_some()
            || notification::wanted(&record.features)
            || record.features.replication.is_some()
            || record.features.metadata.is_some()
            || watching.replica_of.is_some();
        Watch(wanted.then_some(watching))
    }

    /// Notes on a version that is about to be written where it will have to be copied.
    pub(crate) fn prepare(&self, key: &str, record: &mut ObjectRecord) {
        let Some(watching) = &self.0 else { return };
        if let Some(of) = &watching.replica_of {
            record.replication = Some(Replicated::Replica { of: of.clone() });
            return;
        }
        let rules = watching.rules(key, record).len() as u32;
        // What lifecycle rules mark deleted stays in the other buckets.
        if rules > 0 && !(record.is_delete_marker() && watching.by == By::Lifecycle) {
            record.replication = Some(Replicated::Pending { left: rules, failed: false });
        }
    }

    /// A new current version with bytes.
    pub(crate) fn created(&self, tx: &Tx, key: &str, record: &ObjectRecord) -> Result<(), StoreError> {
        let Some(watching) = &self.0 else { return Ok(()) };
        let name = match watching.by {
            By::Post => "ObjectCreated:Post",
            By::Copy => "ObjectCreated:Copy",
            By::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            By::Put | By::Request | By::Lifecycle | By::Replication => "ObjectCreated:Put",
        };
        watching.replicate(tx, key, record, What::Object)?;
        watching.age(tx, key, record, record.older)?;
        watching.journal(tx, ChangeKind::Create, key, record, true)?;
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
        watching.journal(tx, ChangeKind::Delete, key, record, false)?;
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
        watching.replicate(tx, key, marker, What::DeleteMarker)?;
        watching.journal(tx, ChangeKind::Delete, key, marker, true)?;
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
            if watching.by != By::Replication {
                watching.replicate_tags(tx, key, record)?;
            }
        }
        if change.is_journalled() {
            watching.journal(tx, ChangeKind::UpdateMetadata, key, record, true)?;
        }
        if matches!(change, Change::AnnotationPut | Change::AnnotationDeleted) {
            watching.annotated(tx)?;
        }
        let (name, detail) = match change.clone() {
            Change::TagsPut => ("ObjectTagging:Put", None),
            Change::TagsDeleted => ("ObjectTagging:Delete", None),
            Change::AclPut => ("ObjectAcl:Put", None),
            // There is no event of it.
            Change::Encryption => return Ok(()),
            Change::AnnotationPut => ("ObjectAnnotation:Put", None),
            Change::AnnotationDeleted => ("ObjectAnnotation:Delete", None),
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
    fn rules<'r>(&'r self, key: &str, record: &ObjectRecord) -> Vec<&'r ReplicationRule> {
        match &self.bucket.record.features.replication {
            Some(replication) => replication::rules_for(replication, key, record),
            None => Vec::new(),
        }
    }

    /// Has a version that was prepared for it copied.
    fn replicate(&self, tx: &Tx, key: &str, record: &ObjectRecord, what: What) -> Result<(), StoreError> {
        if !matches!(record.replication, Some(Replicated::Pending { .. })) {
            return Ok(());
        }
        for rule in self.rules(key, record) {
            self.copy(tx, key, record, what, rule)?;
        }
        Ok(())
    }

    /// New tags go to the replicas; back to the source, where its copy's rules say so.
    fn replicate_tags(&self, tx: &Tx, key: &str, record: &ObjectRecord) -> Result<(), StoreError> {
        let Some(replicated) = &record.replication else { return Ok(()) };
        let back = matches!(replicated, Replicated::Replica { .. });
        for rule in self.rules(key, record) {
            if !back || rule.replica_modifications == Some(true) {
                self.copy(tx, key, record, What::Tags, rule)?;
            }
        }
        Ok(())
    }

    fn copy(
        &self,
        tx: &Tx,
        key: &str,
        record: &ObjectRecord,
        what: What,
        rule: &ReplicationRule,
    ) -> Result<(), StoreError> {
        let copying = Copying {
            bucket: self.bucket.name.clone(),
            bucket_id: self.bucket.id(),
            key: key.to_owned(),
            version: record.version_name().to_owned(),
            what,
            rule: rule.id.clone(),
            requested_ms: self.now.millis(),
            failures: 0,
            missed: false,
        };
        tx.put(&COPYING, &(self.now.millis().max(0) as u64, self.rng.u64()), &copying)?;
        self.copies.store(true, Ordering::Release);
        Ok(())
    }

    fn age(&self, tx: &Tx, key: &str, record: &ObjectRecord, demoted: bool) -> Result<(), StoreError> {
        match &self.bucket.record.lifecycle {
            Some(lifecycle) => {
                aging::note(tx, lifecycle, (&self.bucket.name, key), record, demoted, self.now.secs())
            }
            None => Ok(()),
        }
    }

    /// Leaves a row behind for the journal of S3 Metadata, where the bucket has one.
    fn journal(
        &self,
        tx: &Tx,
        kind: ChangeKind,
        key: &str,
        record: &ObjectRecord,
        is_there: bool,
    ) -> Result<(), StoreError> {
        let bucket = &self.bucket.record;
        let Some(journal) = bucket.features.metadata.as_ref().filter(|journal| !journal.is_broken) else {
            return Ok(());
        };
        let is_versioned = bucket.versioning != Versioning::Off;
        let change = ChangeRecord {
            kind,
            key: key.to_owned(),
            at_ms: self.now.millis(),
            version: is_versioned.then(|| record.version_name().to_owned()),
            is_delete_marker: is_there && record.is_delete_marker(),
            // Of what is gone for good there is nothing to say.
            object: is_there.then(|| ObjectFacts::of(record)),
            origin: self.origin.clone(),
        };
        tx.put(&CHANGES, &(journal.feed, next_sequencer(self.now), self.rng.u64()), &change)
    }

    /// The table of annotations, where the bucket has one, has to be listed anew.
    fn annotated(&self, tx: &Tx) -> Result<(), StoreError> {
        let configuration = self.bucket.record.features.metadata.as_ref().filter(|one| !one.is_broken);
        let wanted =
            configuration.filter(|one| one.annotations.as_ref().is_some_and(|own| own.table.enabled));
        match wanted {
            Some(configuration) => tx.put(&ANNOTATED, &(configuration.feed, self.rng.u64()), &Annotated {}),
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
