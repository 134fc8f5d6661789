use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use haneul_kit::metrics::{Metric, Unit};
use haneul_kit::{ApiError, BoxFuture, Caller, Cx, Instant, Reconciler, Region, Result, Signal, cx};

use crate::S3;
use crate::bucket::Bucket;
use crate::checksum::Algorithm;
use crate::conditions::WriteConditions;
use crate::content::cipher::DataKey;
use crate::content::receive::{Expectation, is_one_zone};
use crate::encryption::{CustomerKey, Encryption};
use crate::model::encryption::{DefaultAlgorithm, Scheme, Sealed};
use crate::model::replication::{Copying, Replicated, ReplicationRule, What};
use crate::model::{Body, ObjectRecord, Ownership};
use crate::range::Span;
use crate::roles;
use crate::store::objects::{Deletion, NewObject};
use crate::store::replication::CopyingRow;
use crate::store::watch::{By, Change, Watch};

/// Source: S3 User Guide, "Metrics and dimensions": Amazon S3 Replication metrics in CloudWatch.
const LATENCY: Metric = Metric::new("AWS/S3", "ReplicationLatency", Unit::Seconds);
const FAILED: Metric = Metric::new("AWS/S3", "OperationsFailedReplication", Unit::Count);

const CONCURRENT_MAX: usize = 4;
const BATCH: usize = 64;

/// A copy that failed on our side is tried again after this, doubled each time, for a day.
const RETRY_MIN_MS: i64 = 1000;
const RETRY_MAX_MS: i64 = 15 * 60 * 1000;
const GIVEN_UP_AFTER_MS: i64 = 24 * 3600 * 1000;

/// Copies versions to the buckets that rules name, as the role of the source.
pub(super) struct Replicating {
    s3: Arc<S3>,
}

/// What came of a copying.
enum Outcome {
    Copied,
    /// There is nothing to copy any more.
    Moot,
}

impl Replicating {
    pub(super) fn new(s3: Arc<S3>) -> Replicating {
        Replicating { s3 }
    }

    async fn one(&self, row: CopyingRow, mut copying: Copying, now: Instant) -> Result<()> {
        let records = &self.s3.records;
        let source = match self.s3.bucket_anywhere(&copying.bucket, &None).await {
            Ok(source) if source.id() == copying.bucket_id => source,
            Ok(_) => return records.settle_copying(&row, None).await,
            Err(error) if error.code() == "NoSuchBucket" => return records.settle_copying(&row, None).await,
            Err(error) => return Err(error),
        };
        let rule = source.record.features.replication.iter().flat_map(|replication| &replication.rules);
        let Some(rule) = rule.into_iter().find(|rule| rule.id == copying.rule).cloned() else {
            return self.end(&row, &copying, &source, None, Some("ReplicationConfigurationNotFound")).await;
        };
        match self.copy(&source, &rule, &copying, now).await {
            Ok(Outcome::Copied) => self.end(&row, &copying, &source, Some(&rule), None).await,
            Ok(Outcome::Moot) => records.settle_copying(&row, None).await,
            Err(error) if error.is_retryable() && now.millis() - copying.requested_ms < GIVEN_UP_AFTER_MS => {
                tracing::warn!(%error, bucket = copying.bucket, "a replication failed and is tried again");
                let wait_ms = (RETRY_MIN_MS << copying.failures.min(20)).min(RETRY_MAX_MS);
                copying.failures += 1;
                let again = ((now.millis() + wait_ms).max(0) as u64, self.s3.platform.env.rng.u64());
                records.settle_copying(&row, Some((&again, &copying))).await
            }
            Err(error) => {
                tracing::info!(%error, bucket = copying.bucket, "an object could not be replicated");
                self.end(&row, &copying, &source, Some(&rule), Some(reason(&error))).await
            }
        }
    }

    /// Notes what came of it with the source's version, and tells of it.
    async fn end(
        &self,
        row: &CopyingRow,
        copying: &Copying,
        source: &Bucket,
        rule: Option<&ReplicationRule>,
        failed: Option<&'static str>,
    ) -> Result<()> {
        let records = &self.s3.records;
        if let Some(rule) = rule.filter(|rule| rule.metrics.is_some()) {
            self.measure(source, rule, copying, failed.is_some());
        }
        if copying.what == What::Tags && failed.is_none() {
            return records.settle_copying(row, None).await;
        }
        let (key, version) = (copying.key.as_str(), copying.version.as_str());
        let record = records.replicated(row, source.id(), key, version, failed.is_some()).await?;
        let now = self.s3.platform.env.now();
        let threshold = rule.and_then(|rule| rule.within_minutes).map(|minutes| i64::from(minutes) * 60_000);
        let late = threshold.is_some_and(|threshold| now.millis() - copying.requested_ms > threshold);
        let name = match failed {
            Some(_) => "Replication:OperationFailedReplication",
            None if late => "Replication:OperationReplicatedAfterThreshold",
            None => return Ok(()),
        };
        let Some(record) = record else { return Ok(()) };
        let detail = crate::model::event::Detail::Replication {
            rule: copying.rule.clone(),
            destination: rule
                .map(|rule| crate::bucket::arn_of(source.region, &rule.bucket))
                .unwrap_or_default(),
            operation: match copying.what {
                What::Object => "OBJECT_PUT",
                What::DeleteMarker => "OBJECT_DELETE_MARKER",
                What::Tags => "OBJECT_TAGGING",
            }
            .to_owned(),
            reason: failed.map(str::to_owned),
            requested_ms: copying.requested_ms,
        };
        let watch = self.s3.watch_own(source, By::Replication, now);
        records.tell(&watch, name, key, &record, detail).await
    }

    /// Tells CloudWatch what came of it, where the rule asks for metrics.
    fn measure(&self, source: &Bucket, rule: &ReplicationRule, copying: &Copying, failed: bool) {
        let (metrics, now) = (&self.s3.platform.metrics, self.s3.platform.env.now());
        let dimensions = [
            ("SourceBucket", source.name.as_str()),
            ("DestinationBucket", rule.bucket.as_str()),
            ("RuleId", rule.id.as_str()),
        ];
        let record = |metric, value| {
            metrics.record(metric, source.owner, source.region, now, &dimensions, value);
        };
        record(FAILED, if failed { 1.0 } else { 0.0 });
        if !failed {
            record(LATENCY, (now.millis() - copying.requested_ms).max(0) as f64 / 1000.0);
        }
    }

    async fn copy(
        &self,
        source: &Bucket,
        rule: &ReplicationRule,
        copying: &Copying,
        now: Instant,
    ) -> Result<Outcome> {
        let s3 = &self.s3;
        let target = s3.bucket_anywhere(&rule.bucket, &None).await?;
        let (key, version) = (copying.key.as_str(), copying.version.as_str());
        let reading = s3.content.readers.begin();
        let (found, inline) = s3.records.read(source.id(), key, Some(version)).await?;
        let Some(record) = found else { return Ok(Outcome::Moot) };
        let Some(role) = source.record.features.replication.as_ref().map(|one| one.role.clone()) else {
            return Ok(Outcome::Moot);
        };
        let caller = roles::assume(s3, source, &role, "s3-replication").await?;
        self.authorize(&caller, source, &target, rule, copying, &record, now).await?;
        if copying.what == What::Tags {
            return self.tags(source, &target, key, version, &record, now).await;
        }
        if s3.records.replica(target.id(), key, version).await?.is_some() {
            // A crash came between the copy and its note.
            return Ok(Outcome::Copied);
        }
        let watch = s3.watch_replica(&target, now, version.to_owned());
        let Some(body) = &record.body else {
            let deletion = Deletion {
                key,
                version: None,
                bypass_governance: false,
                conditions: WriteConditions::default(),
                random: s3.platform.env.rng.bytes(),
            };
            let (_, freed) =
                s3.records.delete_objects(target.id(), &target.name, &[deletion], now, &watch).await?;
            s3.content.free(freed).await;
            return Ok(Outcome::Copied);
        };
        // The rule may have been changed since the version was written.
        if !rule.takes_encryption(body.sealed.as_ref()) {
            return Ok(Outcome::Moot);
        }
        let algorithm = body.checksum.as_ref().map_or(Algorithm::Crc64Nvme, |sum| sum.algorithm);
        let class = rule.class.clone().or_else(|| body.storage_class.clone());
        let one_zone = is_one_zone(class.as_deref());
        let expected = Expectation { one_zone, ..Expectation::internal(body.size, algorithm) };
        let (source_key, (new_key, sealed)) = match &body.sealed {
            Some(sealed) if matches!(sealed.scheme, Scheme::Kms(_)) => {
                self.kms_keys(&caller, source, &target, rule, key, sealed, now).await?
            }
            Some(sealed) => (Some(s3.open_own_key(sealed)?), s3.new_own_key()),
            None => (None, s3.new_own_key()),
        };
        let stream = s3.stream(body, inline, Span::whole(body.size), reading, source_key).await?;
        let received = s3.content.receive(stream, &expected, Some(new_key.piece(None))).await?;
        let copy = Body {
            data: received.data.clone(),
            // It is in one piece now; what tells of the parts stays.
            parts: 0,
            storage_class: class.filter(|class| class != "STANDARD"),
            sealed: Some(sealed),
            restore: None,
            tiered: None,
            class_since_s: Some(now.secs()),
            ..body.clone()
        };
        let enforced = target.ownership() == Ownership::BucketOwnerEnforced;
        let foreign = source.owner != target.owner && !rule.owner_override && !enforced;
        let new = NewObject {
            bucket: target.id(),
            bucket_name: &target.name,
            key,
            owner: foreign.then(|| source.owner.number()),
            body: &copy,
            inline: received.inline.as_ref(),
            annotations: &[],
            conditions: &WriteConditions::default(),
            now: Instant::from_secs(record.modified_s),
            modified: Instant::from_secs(record.modified_s),
            random: s3.platform.env.rng.bytes(),
            watch: &watch,
        };
        match s3.records.put_object(&new).await {
            Ok((_, freed)) => {
                s3.content.free(freed).await;
                Ok(Outcome::Copied)
            }
            Err(error) => {
                s3.content.discard(&received.data).await;
                Err(error)
            }
        }
    }

    /// The key of an object that KMS has, and one of KMS for its replica, both as the role may.
    #[allow(clippy::too_many_arguments)] // All of one copy.
    async fn kms_keys(
        &self,
        caller: &Caller,
        source: &Bucket,
        target: &Bucket,
        rule: &ReplicationRule,
        key: &str,
        sealed: &Sealed,
        now: Instant,
    ) -> Result<(Option<DataKey>, (DataKey, Sealed))> {
        let (s3, none) = (&self.s3, CustomerKey::default());
        let opened = s3.open_key(&self.cx(caller, source.region, now), Some(sealed), &none).await?;
        let dsse = matches!(&sealed.scheme, Scheme::Kms(scheme) if scheme.dsse);
        let wanted = Encryption {
            algorithm: Some(
                if dsse { DefaultAlgorithm::Dsse } else { DefaultAlgorithm::Kms }.as_str().to_owned(),
            ),
            kms_key: rule.replica_kms_key.clone(),
            // As the destination has it; two layers know no bucket keys.
            bucket_key: (!dsse).then_some(target.record.bucket_key),
            ..Encryption::default()
        };
        let new = s3.new_key(&self.cx(caller, target.region, now), target, key, &wanted).await?;
        Ok((opened, new))
    }

    /// As if the role called.
    fn cx(&self, caller: &Caller, region: Region, now: Instant) -> Cx {
        Cx::new(cx::Parts::within(self.s3.platform.env.rng.uuid(), caller.clone(), region, now))
    }

    /// Gives the replica the tags that the source has now.
    async fn tags(
        &self,
        source: &Bucket,
        target: &Bucket,
        key: &str,
        version: &str,
        record: &ObjectRecord,
        now: Instant,
    ) -> Result<Outcome> {
        let records = &self.s3.records;
        let tags = record.body.as_ref().map(|body| body.tags.clone()).unwrap_or_default();
        // Either side may be the one that was copied from.
        let replica = match &record.replication {
            Some(Replicated::Replica { of }) => records.find(target.id(), key, Some(of)).await?,
            _ => records.replica(target.id(), key, version).await?,
        };
        let _ = source;
        let Some(replica) = replica else { return Ok(Outcome::Moot) };
        if replica.body.as_ref().is_none_or(|body| body.tags == tags) {
            return Ok(Outcome::Copied);
        }
        let set = |record: &mut ObjectRecord| {
            let Some(body) = record.body.as_mut().filter(|body| body.tags != tags) else { return Ok(false) };
            body.tags = tags.clone();
            Ok(true)
        };
        let watch: Watch<'_> = self.s3.watch_own(target, By::Replication, now);
        let what = if tags.is_empty() { Change::TagsDeleted } else { Change::TagsPut };
        let named = Some(replica.version_name());
        records.change_object(target.id(), key, named, set, Some((&watch, &what))).await?;
        Ok(Outcome::Copied)
    }

    /// What the role must be allowed: to read the source, and to write the destination, whose policy decides with.
    #[allow(clippy::too_many_arguments)] // All of one copy.
    async fn authorize(
        &self,
        caller: &Caller,
        source: &Bucket,
        target: &Bucket,
        rule: &ReplicationRule,
        copying: &Copying,
        record: &ObjectRecord,
        now: Instant,
    ) -> Result<()> {
        let key = copying.key.as_str();
        let (here, there) = (self.cx(caller, source.region, now), self.cx(caller, target.region, now));
        let reading = match copying.what {
            What::Tags => "s3:GetObjectVersionTagging",
            _ => "s3:GetObjectVersionForReplication",
        };
        let from = [
            source.access(&here, "s3:GetReplicationConfiguration"),
            source.object_access(&here, reading, key),
        ];
        self.s3.platform.authorize(&here, "s3", &from).await?;
        let mut to = Vec::new();
        match copying.what {
            What::Object => {
                to.push(target.object_access(&there, "s3:ReplicateObject", key));
                if record.body.as_ref().is_some_and(|body| !body.tags.is_empty()) {
                    to.push(target.object_access(&there, "s3:ReplicateTags", key));
                }
                if rule.owner_override {
                    to.push(target.object_access(&there, "s3:ObjectOwnerOverrideToBucketOwner", key));
                }
            }
            What::DeleteMarker => to.push(target.object_access(&there, "s3:ReplicateDelete", key)),
            What::Tags => to.push(target.object_access(&there, "s3:ReplicateTags", key)),
        }
        self.s3.platform.authorize(&there, "s3", &to).await
    }
}

/// Why a copy failed, by S3's names.
fn reason(error: &ApiError) -> &'static str {
    match error.code() {
        code if code.starts_with("KMS.") => "DstKmsKeyInvalidState",
        "NoSuchBucket" => "DstBucketNotFound",
        "AccessDenied" => "AssumeRoleNotPermittedOrDstPutObjNotPermitted",
        _ => "InternalError",
    }
}

impl Reconciler for Replicating {
    fn name(&self) -> &'static str {
        "s3 replication"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            loop {
                let now = self.s3.platform.env.now();
                let due = self.s3.records.copying_due(now, BATCH).await?;
                if due.is_empty() {
                    return self.s3.records.next_copying().await;
                }
                let copied = stream::iter(due.into_iter().map(|(row, copying)| self.one(row, copying, now)));
                let copied: Vec<Result<()>> = copied.buffer_unordered(CONCURRENT_MAX).collect().await;
                copied.into_iter().collect::<Result<()>>()?;
            }
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.replication
    }
}
