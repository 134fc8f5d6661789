use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use super::BATCH;
use crate::S3;
use crate::bucket::Bucket;
use crate::conditions::WriteConditions;
use crate::lifecycle::{self, DAY_S};
use crate::model::configuration::{Expiration, LifecycleRule};
use crate::model::object::NULL;
use crate::model::{BucketRecord, ObjectRecord};
use crate::store::listing::Query;
use crate::store::objects::Deletion;
use crate::store::uploads::UploadAt;
use crate::store::watch::{By, Change};

/// Carries out the buckets' rules at every midnight of the cloud's clock, at a start, and when rules change.
///
/// It walks every key of a bucket that has rules: what that costs is said in the README.
pub(super) struct Lifecycle {
    s3: Arc<S3>,
}

/// One bucket and what its enabled rules say, at one moment.
struct Run<'a> {
    s3: &'a S3,
    name: &'a str,
    record: &'a BucketRecord,
    bucket: Arc<Bucket>,
    rules: Vec<&'a LifecycleRule>,
    now: Instant,
}

/// What a rule deletes.
#[derive(Clone, Copy)]
enum Doomed<'a> {
    /// As a DELETE without a version does: in a versioned bucket a marker takes its place.
    Current,
    Version(&'a str),
}

impl Lifecycle {
    pub(super) fn new(s3: Arc<S3>) -> Lifecycle {
        Lifecycle { s3 }
    }
}

impl Reconciler for Lifecycle {
    fn name(&self) -> &'static str {
        "s3 lifecycle"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let now = self.s3.platform.env.now();
            let mut after: Option<String> = None;
            let mut any = false;
            loop {
                let buckets = self.s3.records.all_buckets(after.as_deref(), BATCH).await?;
                for (name, record) in &buckets {
                    let rules = record.lifecycle.iter().flat_map(|lifecycle| &lifecycle.rules);
                    let rules: Vec<_> = rules.filter(|rule| rule.enabled).collect();
                    if !rules.is_empty() {
                        any = true;
                        let bucket = match self.s3.bucket_anywhere(name, &None).await {
                            Ok(bucket) => bucket,
                            Err(error) if error.code() == "NoSuchBucket" => continue,
                            Err(error) => return Err(error),
                        };
                        Run { s3: &self.s3, name, record, bucket, rules, now }.bucket().await?;
                    }
                }
                after = buckets.last().map(|(name, _)| name.clone());
                if buckets.len() < BATCH {
                    break;
                }
            }
            // Without rules nothing falls due; new ones wake us.
            let midnight_s = (now.secs().div_euclid(DAY_S) + 1) * DAY_S;
            Ok(any.then(|| Instant::from_secs(midnight_s)))
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.lifecycle
    }
}

impl Run<'_> {
    fn query(&self) -> Query<'_> {
        Query { bucket: self.record.id, prefix: "", delimiter: "", limit: BATCH }
    }

    async fn bucket(&self) -> Result<()> {
        self.uploads().await?;
        let mut marker: (Option<String>, Option<String>) = (None, None);
        // The key that noncurrent versions are being counted of, from the newest.
        let mut counted = (String::new(), 0);
        loop {
            let (page, next_version) =
                self.s3.records.list_versions(self.query(), marker.0.as_deref(), marker.1.as_deref()).await?;
            let mut deletions = Vec::new();
            for (key, record, is_current) in &page.items {
                if counted.0 != *key {
                    counted = (key.clone(), 0);
                }
                counted.1 += u32::from(!is_current);
                let doomed =
                    if *is_current { self.current(key, record) } else { self.older(key, record, counted.1) };
                match doomed {
                    Some(doomed) => deletions.push(self.deletion(key, record, doomed)),
                    None => self.transition(key, record, *is_current).await?,
                }
            }
            if !deletions.is_empty() {
                let watch = self.s3.watch_own(&self.bucket, By::Lifecycle, self.now);
                let deleted = self
                    .s3
                    .records
                    .delete_objects(self.record.id, self.name, &deletions, self.now, &watch)
                    .await;
                let (_, freed) = match deleted {
                    Err(error) if error.code() == "NoSuchBucket" => return Ok(()),
                    deleted => deleted?,
                };
                self.s3.content.free(freed).await;
            }
            match page.next {
                Some(next) => marker = (Some(next), next_version),
                None => return Ok(()),
            }
        }
    }

    fn deletion<'k>(&self, key: &'k str, record: &ObjectRecord, doomed: Doomed<'k>) -> Deletion<'k> {
        let (version, if_match) = match doomed {
            // It may have been overwritten since it was listed.
            Doomed::Current => (None, record.etag().map(str::to_owned)),
            Doomed::Version(version) => (Some(version), None),
        };
        Deletion {
            key,
            version,
            conditions: WriteConditions { if_match, if_none_match: None },
            random: self.s3.platform.env.rng.bytes(),
        }
    }

    /// A current version that is old enough, or a delete marker that has nothing under it.
    fn current<'k>(&self, key: &str, record: &'k ObjectRecord) -> Option<Doomed<'k>> {
        let now_s = self.now.secs();
        let is_doomed = match &record.body {
            Some(body) => self.rules.iter().any(|rule| {
                lifecycle::is_about(&rule.filter, key, body)
                    && lifecycle::expires_s(rule, record.modified_s).is_some_and(|due_s| due_s <= now_s)
            }),
            None if record.older => false,
            None => self.rules.iter().any(|rule| {
                let removed = match rule.expiration {
                    Some(Expiration::DeleteMarkers(removed)) => removed,
                    // An expiration by age takes old markers too.
                    Some(Expiration::Days(days)) => lifecycle::due_s(record.modified_s, days) <= now_s,
                    _ => false,
                };
                removed && rule.filter.tags.is_empty() && lifecycle::is_about_key(&rule.filter, key)
            }),
        };
        let doomed =
            if record.is_delete_marker() { Doomed::Version(record.version_name()) } else { Doomed::Current };
        is_doomed.then_some(doomed)
    }

    /// `place` counts the noncurrent versions of the key from the newest, from 1.
    fn older<'k>(&self, key: &str, record: &'k ObjectRecord, place: u32) -> Option<Doomed<'k>> {
        let since_s = record.noncurrent_since_s?;
        let is_doomed = self.rules.iter().any(|rule| {
            let about = match &record.body {
                Some(body) => lifecycle::is_about(&rule.filter, key, body),
                None => rule.filter.tags.is_empty() && lifecycle::is_about_key(&rule.filter, key),
            };
            about
                && rule.noncurrent_expiration.is_some_and(|action| {
                    action.keep.is_none_or(|keep| place > keep)
                        && lifecycle::due_s(since_s, action.days) <= self.now.secs()
                })
        });
        is_doomed.then(|| Doomed::Version(record.version_id.as_deref().unwrap_or(NULL)))
    }

    async fn transition(&self, key: &str, record: &ObjectRecord, is_current: bool) -> Result<()> {
        let Some(body) = &record.body else { return Ok(()) };
        let about = self.rules.iter().filter(|rule| lifecycle::is_about(&rule.filter, key, body));
        let class = about
            .filter_map(|rule| {
                let current = rule.transitions.iter().filter_map(|transition| {
                    let due_s = transition.days.map(|days| lifecycle::due_s(record.modified_s, days));
                    due_s
                        .or(transition.date_s)
                        .filter(|_| is_current)
                        .map(|due_s| (due_s, transition.class.as_str()))
                });
                let noncurrent = rule.noncurrent_transitions.iter().filter_map(|transition| {
                    let since_s = record.noncurrent_since_s.filter(|_| !is_current)?;
                    Some((lifecycle::due_s(since_s, transition.days), transition.class.as_str()))
                });
                lifecycle::class_by_now(current.chain(noncurrent), self.now.secs(), body, &rule.filter)
            })
            .next_back();
        let Some(class) = class else { return Ok(()) };
        let seq = record.seq;
        let set = |record: &mut ObjectRecord| {
            // It may have been overwritten since it was listed.
            if record.seq == seq
                && let Some(body) = &mut record.body
            {
                body.storage_class = Some(class.to_owned());
            }
            Ok(())
        };
        let watch = self.s3.watch_own(&self.bucket, By::Lifecycle, self.now);
        let what = Change::Transition { class: class.to_owned() };
        let watched = Some((&watch, &what));
        self.s3.records.change_object(self.record.id, key, Some(record.version_name()), set, watched).await?;
        Ok(())
    }

    async fn uploads(&self) -> Result<()> {
        if self.rules.iter().all(|rule| rule.abort_incomplete_days.is_none()) {
            return Ok(());
        }
        let mut marker: (Option<String>, Option<String>) = (None, None);
        loop {
            let (page, next_upload) =
                self.s3.records.list_uploads(self.query(), marker.0.as_deref(), marker.1.as_deref()).await?;
            for (key, upload_id, upload) in &page.items {
                let began_s = upload.initiated_ms.div_euclid(1000);
                let due_s = |rule: &&LifecycleRule| {
                    let days = rule.abort_incomplete_days?;
                    lifecycle::is_about_key(&rule.filter, key).then(|| lifecycle::due_s(began_s, days))
                };
                if !self.rules.iter().filter_map(due_s).any(|due_s| due_s <= self.now.secs()) {
                    continue;
                }
                let at = UploadAt { bucket: self.record.id, bucket_name: self.name, key, upload_id };
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
}
