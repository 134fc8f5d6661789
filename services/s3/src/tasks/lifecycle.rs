use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use super::BATCH;
use crate::S3;
use crate::bucket::Bucket;
use crate::conditions::WriteConditions;
use crate::lifecycle::{self, DAY_S, Place, Verdict, judge};
use crate::model::ObjectRecord;
use crate::model::configuration::LifecycleRecord;
use crate::model::object::Restore;
use crate::model::tiering::Tiered;
use crate::store::aging::{DueRow, Scan, due_row};
use crate::store::listing::Query;
use crate::store::objects::Deletion;
use crate::store::uploads::UploadAt;
use crate::store::watch::{By, Change};
use crate::{archive, tiering};

/// What could not be carried out in a bucket is tried again after so many seconds; the others go on.
const RETRY_S: i64 = 3600;

/// Due keys that are looked at together.
const DUE_BATCH: usize = 256;

/// Carries out the buckets' rules at every midnight of the cloud's clock, at a start, and when rules change.
///
/// A day costs what falls due on it: writes note in an index when their key has to be looked at again. Uploads that are
/// given up are found by a walk over those under way, once a day; what a restore wakes for is in the index.
pub(super) struct Lifecycle {
    s3: Arc<S3>,
    /// The day of the last walk over the buckets.
    walked: AtomicI64,
}

impl Lifecycle {
    pub(super) fn new(s3: Arc<S3>) -> Lifecycle {
        Lifecycle { s3, walked: AtomicI64::new(i64::MIN) }
    }

    /// Gives up old uploads, once a day. New rules have this done by their scan. Gives whether it went well in all buckets.
    async fn buckets(&self, now: Instant) -> Result<bool> {
        let (walked, today) = (self.walked.load(Ordering::Acquire), now.secs().div_euclid(DAY_S));
        if walked == today {
            return Ok(true);
        }
        let mut well = true;
        // After a start, buckets are looked for whose rules are of before the index.
        let begun = walked != i64::MIN;
        let mut after: Option<String> = None;
        loop {
            let buckets = self.s3.records.all_buckets(after.as_deref(), BATCH).await?;
            for (name, record) in &buckets {
                let Some(lifecycle) = &record.lifecycle else { continue };
                if !begun && !lifecycle.indexed {
                    self.s3.records.begin_scan(name).await?;
                }
                if let Err(error) = self.uploads(name, record.id, lifecycle, now).await {
                    tracing::warn!(%error, bucket = name, "uploads could not be given up");
                    well = false;
                }
            }
            after = buckets.last().map(|(name, _)| name.clone());
            if buckets.len() < BATCH {
                if well {
                    self.walked.store(today, Ordering::Release);
                }
                return Ok(well);
            }
        }
    }

    async fn uploads(&self, name: &str, id: u64, lifecycle: &LifecycleRecord, now: Instant) -> Result<()> {
        if !lifecycle.rules.iter().any(|rule| rule.enabled && rule.abort_incomplete_days.is_some()) {
            return Ok(());
        }
        let mut marker: (Option<String>, Option<String>) = (None, None);
        let query = Query { bucket: id, prefix: "", delimiter: "", limit: BATCH };
        loop {
            let (page, next_upload) =
                self.s3.records.list_uploads(query, marker.0.as_deref(), marker.1.as_deref()).await?;
            for (key, upload_id, upload) in &page.items {
                let began_s = upload.initiated_ms.div_euclid(1000);
                if lifecycle::abort(lifecycle, key, began_s).is_none_or(|(due_s, _)| due_s > now.secs()) {
                    continue;
                }
                let at = UploadAt { bucket: id, bucket_name: name, key, upload_id };
                match self.s3.records.abort_upload(at).await {
                    Ok(freed) => self.s3.content.free(freed).await,
                    // Completed or aborted meanwhile.
                    Err(error) if error.code() == "NoSuchUpload" => {}
                    Err(error) => return Err(error),
                }
            }
            match page.next {
                Some(next) => marker = (Some(next), next_upload),
                None => return Ok(()),
            }
        }
    }

    /// Lays new rules over the keys that are there: each gets its row in the index.
    async fn scan(&self, name: &str, mut scan: Scan, now: Instant) -> Result<()> {
        let Some(bucket) = self.bucket(name).await? else {
            return self.s3.records.go_on_scanning(name, &scan, None, &[]).await;
        };
        if let Some(lifecycle) = bucket.record.lifecycle.as_ref().filter(|_| scan.after.is_none()) {
            self.uploads(name, bucket.id(), lifecycle, now).await?;
        }
        loop {
            let keys = self.s3.records.keys_after(bucket.id(), scan.after.as_deref(), BATCH).await?;
            let mut rows = Vec::new();
            for (key, record) in &keys {
                let verdict = match &bucket.record.lifecycle {
                    Some(lifecycle) => judge(lifecycle, key, record, Place::Current, now.secs()),
                    None => Verdict::default(),
                };
                let tiered = tiering::judge(&bucket.record.features.tiering, key, record, now.secs());
                // Older versions are looked at one by one when the row is.
                let at_once = verdict.expires || verdict.class.is_some() || record.older || tiered.is_some();
                let due_s = if at_once { Some(now.secs()) } else { verdict.next_s };
                rows.extend(due_s.map(|due_s| due_row(due_s, name, key)));
            }
            let more = keys.len() == BATCH;
            let next = match keys.last() {
                Some((last, _)) if more => Some(Scan { after: Some(last.clone()), ..scan.clone() }),
                _ => scan.again.then(|| Scan { from_s: now.secs() + DAY_S, ..Scan::default() }),
            };
            self.s3.records.go_on_scanning(name, &scan, next.as_ref(), &rows).await?;
            let Some(next) = next.filter(|_| more) else {
                return Ok(());
            };
            scan = next;
        }
    }

    async fn bucket(&self, name: &str) -> Result<Option<Arc<Bucket>>> {
        match self.s3.bucket_anywhere(name, &None).await {
            Ok(bucket) => Ok(Some(bucket)),
            Err(error) if error.code() == "NoSuchBucket" => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn due(&self, rows: Vec<DueRow>, now: Instant) -> Result<()> {
        let mut by_bucket: HashMap<&str, Vec<&str>> = HashMap::new();
        for (_, bucket, key) in &rows {
            let keys = by_bucket.entry(bucket).or_default();
            // Several rows of one key may have fallen due.
            if !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
        let mut next = Vec::new();
        for (name, keys) in by_bucket {
            if let Err(error) = self.due_of(name, &keys, now, &mut next).await {
                tracing::warn!(%error, bucket = name, "lifecycle rules could not be carried out");
                next.extend(keys.iter().map(|key| due_row(now.secs() + RETRY_S, name, key)));
            }
        }
        self.s3.records.settle_due(&rows, &next).await
    }

    async fn due_of(&self, name: &str, keys: &[&str], now: Instant, next: &mut Vec<DueRow>) -> Result<()> {
        let Some(bucket) = self.bucket(name).await? else { return Ok(()) };
        let lifecycle = bucket.record.lifecycle.as_ref();
        let mut run = Run { s3: &self.s3, bucket: &bucket, lifecycle, now, next: Vec::new() };
        let done = run.keys(keys).await;
        // What was done of it stays done.
        next.extend(run.next);
        done
    }
}

impl Reconciler for Lifecycle {
    fn name(&self) -> &'static str {
        "s3 lifecycle"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let now = self.s3.platform.env.now();
            let mut well = self.buckets(now).await?;
            for (name, scan) in self.s3.records.scans().await? {
                if scan.from_s > now.secs() {
                    continue;
                }
                if let Err(error) = self.scan(&name, scan, now).await {
                    tracing::warn!(%error, bucket = name, "new lifecycle rules could not be laid over the keys");
                    well = false;
                }
            }
            loop {
                let rows = self.s3.records.due(now.secs(), DUE_BATCH).await?;
                if rows.is_empty() {
                    break;
                }
                self.due(rows, now).await?;
            }
            // Rules act at midnights, and so does what a write has noted since; restores wake us when they begin.
            let midnight_s = (now.secs().div_euclid(DAY_S) + 1) * DAY_S;
            let first_s = self.s3.records.first_due_s().await?.map(|first_s| first_s.max(now.secs() + 1));
            let retry_s = (!well).then_some(now.secs() + RETRY_S);
            let next_s = [first_s, retry_s].into_iter().flatten().fold(midnight_s, i64::min);
            Ok(Some(Instant::from_secs(next_s)))
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.lifecycle
    }
}

/// One bucket and what its rules say, at one moment.
struct Run<'a> {
    s3: &'a S3,
    bucket: &'a Bucket,
    lifecycle: Option<&'a LifecycleRecord>,
    now: Instant,
    next: Vec<DueRow>,
}

/// What is to be deleted: a version by its name, or the current one, as it was when it was judged.
struct Doomed {
    key: String,
    version: Option<String>,
    if_match: Option<String>,
}

impl Run<'_> {
    async fn keys(&mut self, keys: &[&str]) -> Result<()> {
        let mut doomed = Vec::new();
        for key in keys {
            self.key(key, &mut doomed).await?;
            if doomed.len() >= BATCH {
                self.delete(std::mem::take(&mut doomed)).await?;
            }
        }
        self.delete(doomed).await
    }

    async fn key(&mut self, key: &str, doomed: &mut Vec<Doomed>) -> Result<()> {
        let id = self.bucket.id();
        let Some(current) = self.s3.records.find(id, key, None).await? else { return Ok(()) };
        self.version(key, &current, Place::Current, doomed).await?;
        if !current.older {
            return Ok(());
        }
        let (mut place, mut below) = (0, None);
        loop {
            let versions = self.s3.records.older_versions(id, key, below, BATCH).await?;
            for record in &versions {
                place += 1;
                self.version(key, record, Place::Noncurrent(place), doomed).await?;
            }
            match versions.last() {
                Some(last) if versions.len() == BATCH => below = Some(last.seq),
                _ => return Ok(()),
            }
        }
    }

    async fn version(
        &mut self,
        key: &str,
        record: &ObjectRecord,
        place: Place,
        doomed: &mut Vec<Doomed>,
    ) -> Result<()> {
        let verdict = match self.lifecycle {
            Some(lifecycle) => judge(lifecycle, key, record, place, self.now.secs()),
            None => Verdict::default(),
        };
        if verdict.expires {
            // It may have been overwritten since it was read, unless its id names it.
            let by_name = place != Place::Current || record.is_delete_marker();
            doomed.push(Doomed {
                key: key.to_owned(),
                version: by_name.then(|| record.version_name().to_owned()),
                if_match: record.etag().filter(|_| !by_name).map(str::to_owned),
            });
            return Ok(());
        }
        if let Some(due_s) = verdict.next_s {
            self.next.push(due_row(due_s, &self.bucket.name, key));
        }
        match verdict.class {
            Some(class) => self.transition(key, record, class).await,
            None => {
                self.restore(key, record).await?;
                self.tier(key, record).await
            }
        }
    }

    /// Tells that a restored copy is there, and that it is gone.
    async fn restore(&mut self, key: &str, record: &ObjectRecord) -> Result<()> {
        let Some(body) = record.body.as_ref().filter(|body| archive::is_archive(body.storage_class())) else {
            return Ok(());
        };
        let Some(restore) = body.restore else { return Ok(()) };
        let (ready_s, expires_s) = (archive::seconds(restore.ready_ms), archive::seconds(restore.expires_ms));
        if ready_s > self.now.secs() {
            self.next.push(due_row(ready_s, &self.bucket.name, key));
            return Ok(());
        }
        let (now_s, seq) = (self.now.secs(), record.seq);
        let mut changes = Vec::new();
        if !restore.told {
            let told = Restore { told: true, ..restore };
            changes.push((
                Some(told),
                Change::RestoreCompleted {
                    expires_s: Some(expires_s),
                    class: body.storage_class().to_owned(),
                },
            ));
        }
        if expires_s <= now_s {
            changes.push((None, Change::RestoreExpired));
        } else {
            self.next.push(due_row(expires_s, &self.bucket.name, key));
        }
        for (after, what) in changes {
            let set = |record: &mut ObjectRecord| {
                // A longer one may have been asked for meanwhile, or another version have come.
                let same =
                    |kept: Restore| kept.expires_ms == restore.expires_ms && !(kept.told && after.is_some());
                let body = record.body.as_mut().filter(|_| record.seq == seq);
                let Some(body) = body.filter(|body| body.restore.is_some_and(same)) else { return Ok(false) };
                body.restore = after;
                Ok(true)
            };
            self.change(key, record, set, &what).await?;
        }
        Ok(())
    }

    /// Moves an object between the tiers of Intelligent-Tiering.
    async fn tier(&mut self, key: &str, record: &ObjectRecord) -> Result<()> {
        let configurations = &self.bucket.record.features.tiering;
        let Some(verdict) = tiering::judge(configurations, key, record, self.now.secs()) else {
            return Ok(());
        };
        if let Some(due_s) = verdict.next_s {
            self.next.push(due_row(due_s, &self.bucket.name, key));
        }
        let Some(body) = &record.body else { return Ok(()) };
        let (before, after) = (tiering::standing(record, body), verdict.standing);
        if before == after {
            return Ok(());
        }
        let (seq, restore) = (record.seq, body.restore);
        let set = |record: &mut ObjectRecord| {
            // It may have been read since, or begun to be restored.
            let same = record.body.as_ref().is_some_and(|body| {
                record.seq == seq && body.restore == restore && tiering::standing(record, body) == before
            });
            let Some(body) = record.body.as_mut().filter(|_| same) else { return Ok(false) };
            body.tiered = Some(after);
            if before.tier.is_archive() && !after.tier.is_archive() {
                body.restore = None;
            }
            Ok(true)
        };
        match after.tier.archive_status() {
            Some(tier) => self.change(key, record, set, &Change::Tier { tier: tier.to_owned() }).await,
            None if before.tier.is_archive() => {
                let class = tiering::CLASS.to_owned();
                // It is back for good.
                self.change(key, record, set, &Change::RestoreCompleted { expires_s: None, class }).await
            }
            None => {
                let version = Some(record.version_name());
                self.s3.records.change_object(self.bucket.id(), key, version, set, None).await.map(drop)
            }
        }
    }

    async fn change(
        &self,
        key: &str,
        record: &ObjectRecord,
        set: impl Fn(&mut ObjectRecord) -> Result<bool> + Sync,
        what: &Change,
    ) -> Result<()> {
        let watch = self.s3.watch_own(self.bucket, By::Lifecycle, self.now);
        let version = Some(record.version_name());
        let changed =
            self.s3.records.change_object(self.bucket.id(), key, version, set, Some((&watch, what)));
        changed.await.map(drop)
    }

    async fn transition(&mut self, key: &str, record: &ObjectRecord, class: &str) -> Result<()> {
        let (seq, now_s) = (record.seq, self.now.secs());
        let tiered = (class == tiering::CLASS).then(|| Tiered { accessed_s: now_s, ..Tiered::default() });
        if tiered.is_some() {
            self.next.push(due_row(tiering::first_due_s(now_s), &self.bucket.name, key));
        }
        let set = |record: &mut ObjectRecord| {
            // It may have been overwritten since it was read.
            let Some(body) = record.body.as_mut().filter(|_| record.seq == seq) else { return Ok(false) };
            body.storage_class = Some(class.to_owned());
            body.class_since_s = Some(now_s);
            body.tiered = tiered;
            body.restore = None;
            Ok(true)
        };
        self.change(key, record, set, &Change::Transition { class: class.to_owned() }).await
    }

    /// Deletes, and has what could not be deleted looked at again tomorrow: it was overwritten, or it is locked.
    async fn delete(&mut self, doomed: Vec<Doomed>) -> Result<()> {
        let env = &self.s3.platform.env;
        for doomed in doomed.chunks(BATCH) {
            let deletions: Vec<_> = doomed
                .iter()
                .map(|one| Deletion {
                    key: &one.key,
                    version: one.version.as_deref(),
                    conditions: WriteConditions { if_match: one.if_match.clone(), if_none_match: None },
                    random: env.rng.bytes(),
                    bypass_governance: false,
                })
                .collect();
            let (id, name) = (self.bucket.id(), &self.bucket.name);
            let watch = self.s3.watch_own(self.bucket, By::Lifecycle, self.now);
            let deleted = self.s3.records.delete_objects(id, name, &deletions, self.now, &watch).await;
            let (results, freed) = match deleted {
                Err(error) if error.code() == "NoSuchBucket" => return Ok(()),
                deleted => deleted?,
            };
            self.s3.content.free(freed).await;
            let tomorrow_s = lifecycle::due_s(self.now.secs(), 1);
            for (one, result) in doomed.iter().zip(results) {
                if result.is_err() {
                    self.next.push(due_row(tomorrow_s, name, &one.key));
                }
            }
        }
        Ok(())
    }
}
