use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use haneul_kit::{ApiError, BoxFuture, Instant, Reconciler, Result, Signal};

use super::BATCH;
use super::delivering::For;
use crate::S3;
use crate::analysis::{csv, day_of, group, is_about, is_observed};
use crate::bucket::Bucket;
use crate::calls::PRINCIPAL;
use crate::lifecycle::DAY_S;
use crate::model::analysis::{AnalyticsConfiguration, Day, Export, Figures};
use crate::store::analysis::DAYS_KEPT;

/// A file that could not be delivered is tried again after so many seconds.
const RETRY_S: i64 = 3600;

/// Storage class analysis: writes down what was read, counts the objects at midnight, and delivers each day's file.
pub(super) struct Analyses {
    s3: Arc<S3>,
    /// When the buckets have to be looked at again.
    look_s: AtomicI64,
}

impl Analyses {
    pub(super) fn new(s3: Arc<S3>) -> Analyses {
        Analyses { s3, look_s: AtomicI64::new(0) }
    }

    /// Goes over all buckets for the day that ended last; says when to come again.
    async fn look(&self, now: Instant) -> Result<i64> {
        let today = day_of(now.secs());
        let midnight_s = (today as i64 + 1) * DAY_S;
        let Some(day) = today.checked_sub(1) else { return Ok(midnight_s) };
        let (mut live, mut is_done) = (HashSet::new(), true);
        let mut after: Option<String> = None;
        loop {
            let buckets = self.s3.records.all_buckets(after.as_deref(), BATCH).await?;
            for (name, record) in buckets.iter().filter(|(_, record)| !record.features.analytics.is_empty()) {
                live.extend(record.features.analytics.iter().map(|one| (record.id, one.id.clone())));
                match self.s3.bucket_anywhere(name, &None).await {
                    Ok(bucket) => is_done &= self.bucket(&bucket, day, now).await?,
                    Err(error) if error.code() == "NoSuchBucket" => {}
                    Err(error) => return Err(error),
                }
            }
            after = buckets.last().map(|(name, _)| name.clone());
            if buckets.len() < BATCH {
                break;
            }
        }
        self.forget(&live, today.saturating_sub(DAYS_KEPT)).await?;
        Ok(if is_done { midnight_s } else { midnight_s.min(now.secs() + RETRY_S) })
    }

    /// What nobody asks for any more.
    async fn forget(&self, live: &HashSet<(u64, String)>, first: u64) -> Result<()> {
        let mut after = None;
        while let Some(found) = self.s3.records.observed_after(after.as_ref()).await? {
            let first = live.contains(&found).then_some(first);
            self.s3.records.forget_days(found.0, &found.1, first).await?;
            after = Some(found);
        }
        Ok(())
    }

    /// Whether all that is to be delivered was.
    async fn bucket(&self, bucket: &Bucket, day: u64, now: Instant) -> Result<bool> {
        let records = &self.s3.records;
        let mut open = Vec::new();
        let begun = |one: &&AnalyticsConfiguration| day_of(one.since_s) <= day;
        for one in bucket.record.features.analytics.iter().filter(begun) {
            if !records.is_counted(&(bucket.id(), one.id.clone(), day)).await? {
                open.push((one, Day::default()));
            }
        }
        if !open.is_empty() {
            self.count(bucket, &mut open, now).await?;
        }
        for (one, held) in &open {
            records.count_day(&(bucket.id(), one.id.clone(), day), held).await?;
        }
        let mut is_done = true;
        for one in bucket.record.features.analytics.iter().filter(begun) {
            let Some(export) = &one.export else { continue };
            if records.delivered_day(bucket.id(), &one.id).await?.is_some_and(|last| last >= day) {
                continue;
            }
            match self.deliver(bucket, one, export).await {
                Ok(()) => records.set_delivered_day(bucket.id(), &one.id, day).await?,
                Err(error) => {
                    tracing::warn!(%error, bucket = bucket.name, id = one.id, "an analysis could not be delivered");
                    is_done = false;
                }
            }
        }
        Ok(is_done)
    }

    /// One walk over the current versions for all configurations.
    async fn count(
        &self,
        bucket: &Bucket,
        open: &mut [(&AnalyticsConfiguration, Day)],
        now: Instant,
    ) -> Result<()> {
        let mut after: Option<String> = None;
        loop {
            let keys = self.s3.records.keys_after(bucket.id(), after.as_deref(), BATCH).await?;
            for (key, record) in &keys {
                let Some(body) = record.body.as_ref().filter(|body| is_observed(body)) else { continue };
                // Their age on the day that is over.
                let group = group(record.modified_s, now.secs() - DAY_S);
                let figures = Figures { objects: 1, stored: body.size, ..Figures::default() };
                for (_, held) in open.iter_mut().filter(|(one, _)| is_about(one, key, body)) {
                    held.add(body.storage_class(), group, &figures);
                }
            }
            after = keys.last().map(|(key, _)| key.clone());
            if keys.len() < BATCH {
                return Ok(());
            }
        }
    }

    /// Through all layers, as the service: the destination's policy decides.
    async fn deliver(&self, source: &Bucket, one: &AnalyticsConfiguration, export: &Export) -> Result<()> {
        let target = self.s3.bucket_anywhere(&export.bucket, &export.account).await?;
        if target.region != source.region {
            return Err(ApiError::new("InvalidS3DestinationBucket", "The destination is in another Region"));
        }
        let days = self.s3.records.days(source.id(), &one.id, day_of(one.since_s)).await?;
        let puts = For { principal: PRINCIPAL, account: source.owner, arn: source.arn(), encryption: None };
        let (key, file) = (csv::key(export, &source.name, &one.id), csv::file(one, &days));
        puts.put(&self.s3, &target, key, file.into(), "text/csv").await
    }
}

impl Reconciler for Analyses {
    fn name(&self) -> &'static str {
        "s3 storage class analysis"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let now = self.s3.platform.env.now();
            for (row, counts) in self.s3.observed.take(now) {
                if let Err(error) = self.s3.records.add_to_day(&row, &counts).await {
                    tracing::warn!(%error, "reads could not be noted for storage class analysis");
                }
            }
            let mut look_s = self.look_s.load(Ordering::Acquire);
            if now.secs() >= look_s {
                look_s = self.look(now).await?;
                self.look_s.store(look_s, Ordering::Release);
            }
            let look = Instant::from_secs(look_s);
            Ok(Some(self.s3.observed.next().map_or(look, |next| next.min(look))))
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.observed.wakes
    }
}
