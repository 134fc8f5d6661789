use std::io::Read;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use haneul_kit::{ApiError, BoxFuture, ByteStream, Caller, Instant, Reconciler, Region, Result, Signal};
use haneul_s3_wire::{operations as op, shapes as s};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::S3;
use crate::batch::{self, Item};
use crate::calls::Source;
use crate::checksum::md5_hex;
use crate::control::jobs::{PRINCIPAL, arn};
use crate::model::job::{JobOperation, JobRecord, JobStatus};
use crate::roles;
use crate::store::jobs::JobRow;

/// Objects that are worked on between two notes of progress, and at once.
const CHUNK: usize = 100;
const CONCURRENT_MAX: usize = 8;

/// Longest list that is read, in bytes: it is in memory while its job runs.
const MANIFEST_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A job fails when of so many tasks more than half have failed (S3 User Guide, "Job status").
const JUDGED_AFTER: u64 = 1000;

/// Runs batch jobs, the ones of the highest priority first, each as its role.
pub(super) struct Batch {
    s3: Arc<S3>,
}

impl Batch {
    pub(super) fn new(s3: Arc<S3>) -> Batch {
        Batch { s3 }
    }

    async fn run(&self, row: &JobRow, job: JobRecord) -> Result<()> {
        match self.advance(row, &job).await {
            Err(error) if error.is_retryable() => Err(error),
            Err(error) => {
                let (code, words) = (error.code().to_owned(), error.message().to_owned());
                self.end(row, JobStatus::Failed, Some((code, words))).await
            }
            Ok(()) => Ok(()),
        }
    }

    async fn advance(&self, row: &JobRow, job: &JobRecord) -> Result<()> {
        let source = Source { owner: row.0, region: row.1, arn: arn(row) };
        let caller = roles::assume_as(&self.s3, PRINCIPAL, &source, &job.role, "s3-batch-operations").await?;
        let items = self.items(&caller, row.1, job).await?;
        let records = &self.s3.records;
        if job.status == JobStatus::Preparing {
            let total = items.len() as u64;
            let set = |job: &mut JobRecord| {
                if job.status == JobStatus::Preparing {
                    job.total = Some(total);
                    job.status =
                        if job.confirmation_required { JobStatus::Suspended } else { JobStatus::Active };
                }
                Ok(())
            };
            records.change_job(row, set, None).await?;
            return Ok(());
        }
        let mut done = job.succeeded + job.failed;
        while (done as usize) < items.len() {
            let chunk = &items[done as usize..items.len().min(done as usize + CHUNK)];
            let mut tasks = Vec::with_capacity(chunk.len());
            for item in chunk {
                tasks.push(self.task(&caller, row.1, &job.operation, item));
            }
            let results: Vec<Result<()>> = stream::iter(tasks).buffered(CONCURRENT_MAX).collect().await;
            let failed = results.iter().filter(|result| result.is_err()).count() as u64;
            let failed_only = job.report.as_ref().is_some_and(|report| report.failed_only);
            let report: String = chunk
                .iter()
                .zip(&results)
                .filter(|(_, result)| result.is_err() || !failed_only)
                .map(|(item, result)| batch::report_row(item, result.as_ref().err()))
                .collect();
            let before = done;
            let set = |job: &mut JobRecord| {
                if job.succeeded + job.failed == before {
                    job.failed += failed;
                    job.succeeded += results.len() as u64 - failed;
                }
                Ok(())
            };
            let now = records.change_job(row, set, job.report.is_some().then_some(report.as_str())).await?;
            if now.status != JobStatus::Active {
                return Ok(());
            }
            done = now.succeeded + now.failed;
            if done >= JUDGED_AFTER && now.failed * 2 > done {
                let reason =
                    ("FailureThresholdExceeded".to_owned(), "More than half of the tasks failed".to_owned());
                self.report(&caller, row, job).await?;
                return self.end(row, JobStatus::Failed, Some(reason)).await;
            }
        }
        self.report(&caller, row, job).await?;
        self.end(row, JobStatus::Complete, None).await
    }

    async fn end(&self, row: &JobRow, status: JobStatus, failure: Option<(String, String)>) -> Result<()> {
        let now_ms = self.s3.platform.env.now().millis();
        let set = |job: &mut JobRecord| {
            if !job.status.has_ended() {
                (job.status, job.failure, job.ended_ms) = (status, failure.clone(), Some(now_ms));
            }
            Ok(())
        };
        self.s3.records.change_job(row, set, None).await.map(drop)
    }

    /// Reads the list, as the role may.
    async fn items(&self, caller: &Caller, region: Region, job: &JobRecord) -> Result<Vec<Item>> {
        let named = job.manifest.arn.split_once(":s3:::").and_then(|(_, path)| path.split_once('/'));
        let (bucket, key) =
            named.ok_or_else(|| ApiError::new("InvalidManifest", "The manifest's ARN names no object"))?;
        let (bytes, etag) = self.read(caller, region, bucket, key, job.manifest.version.clone()).await?;
        if etag != job.manifest.etag {
            return Err(ApiError::new(
                "InvalidManifest",
                "The manifest's ETag is not the one that the job names",
            ));
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if !job.manifest.inventory {
            return batch::items(&text, &job.manifest.fields);
        }
        let malformed = || ApiError::new("InvalidManifest", "The inventory's manifest is malformed");
        let manifest: serde_json::Value = serde_json::from_str(&text).map_err(|_| malformed())?;
        let schema = manifest["fileSchema"].as_str().ok_or_else(malformed)?;
        let fields: Vec<String> = schema.split(',').map(|name| name.trim().to_owned()).collect();
        let holder = manifest["destinationBucket"].as_str().and_then(|arn| arn.split_once(":s3:::"));
        let (_, holder) = holder.ok_or_else(malformed)?;
        let mut items = Vec::new();
        for file in manifest["files"].as_array().ok_or_else(malformed)? {
            let key = file["key"].as_str().ok_or_else(malformed)?;
            let (bytes, _) = self.read(caller, region, holder, key, None).await?;
            let mut text = String::new();
            let mut unpacked = flate2::read::GzDecoder::new(&bytes[..]).take(MANIFEST_BYTES_MAX as u64);
            unpacked.read_to_string(&mut text).map_err(|_| malformed())?;
            items.extend(batch::items(&text, &fields)?);
        }
        Ok(items)
    }

    async fn read(
        &self,
        caller: &Caller,
        region: Region,
        bucket: &str,
        key: &str,
        version_id: Option<String>,
    ) -> Result<(Vec<u8>, String)> {
        let input =
            s::GetObjectRequest { bucket: bucket.into(), key: key.into(), version_id, ..Default::default() };
        let bus = &self.s3.platform.bus;
        let output = bus.call::<op::GetObject>(caller.clone(), region, None, input).await?;
        let etag = output.e_tag.unwrap_or_default().trim_matches('"').to_owned();
        let too_large = |_| ApiError::new("InvalidManifest", "The manifest is too large");
        Ok((output.body.collect(MANIFEST_BYTES_MAX).await.map_err(too_large)?, etag))
    }

    /// The operation on one object, through all layers.
    async fn task(
        &self,
        caller: &Caller,
        region: Region,
        operation: &JobOperation,
        item: &Item,
    ) -> Result<()> {
        let bus = &self.s3.platform.bus;
        let caller = caller.clone();
        let (bucket, key, version_id) = (item.bucket.clone(), item.key.clone(), item.version.clone());
        match operation.clone() {
            JobOperation::Copy {
                bucket: to,
                prefix,
                class,
                acl,
                tags,
                replace_metadata,
                metadata,
                content_type,
            } => {
                let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
                let mut copy_source = format!("{bucket}/{}", encode(&key));
                if let Some(version) = &version_id {
                    copy_source.push_str(&format!("?versionId={version}"));
                }
                let tagging = tags.map(|tags| {
                    let pairs = tags.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value)));
                    pairs.collect::<Vec<_>>().join("&")
                });
                let input = s::CopyObjectRequest {
                    bucket: to,
                    key: format!("{}{key}", prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default()),
                    copy_source,
                    storage_class: class,
                    acl,
                    tagging_directive: tagging.is_some().then(|| "REPLACE".to_owned()),
                    tagging,
                    metadata_directive: replace_metadata.then(|| "REPLACE".to_owned()),
                    metadata: replace_metadata.then(|| metadata.into_iter().collect()),
                    content_type: content_type.filter(|_| replace_metadata),
                    ..Default::default()
                };
                bus.call::<op::CopyObject>(caller, region, None, input).await.map(drop)
            }
            JobOperation::Tag(tags) => {
                let tag_set = tags.into_iter().map(|(key, value)| s::Tag { key, value }).collect();
                let tagging = s::Tagging { tag_set };
                let input =
                    s::PutObjectTaggingRequest { bucket, key, version_id, tagging, ..Default::default() };
                bus.call::<op::PutObjectTagging>(caller, region, None, input).await.map(drop)
            }
            JobOperation::Untag => {
                let input = s::DeleteObjectTaggingRequest { bucket, key, version_id, ..Default::default() };
                bus.call::<op::DeleteObjectTagging>(caller, region, None, input).await.map(drop)
            }
            JobOperation::Acl(canned) => {
                let acl = Some(canned);
                let input = s::PutObjectAclRequest { bucket, key, version_id, acl, ..Default::default() };
                bus.call::<op::PutObjectAcl>(caller, region, None, input).await.map(drop)
            }
            JobOperation::LegalHold(status) => {
                let legal_hold = Some(s::ObjectLockLegalHold { status: Some(status) });
                let input = s::PutObjectLegalHoldRequest {
                    bucket,
                    key,
                    version_id,
                    legal_hold,
                    ..Default::default()
                };
                bus.call::<op::PutObjectLegalHold>(caller, region, None, input).await.map(drop)
            }
            JobOperation::Retention { mode, until_s, bypass } => {
                let retention = s::ObjectLockRetention {
                    mode,
                    retain_until_date: until_s.map(Instant::from_secs),
                    ..Default::default()
                };
                let input = s::PutObjectRetentionRequest {
                    bucket,
                    key,
                    version_id,
                    retention: Some(retention),
                    bypass_governance_retention: bypass.then_some(true),
                    ..Default::default()
                };
                bus.call::<op::PutObjectRetention>(caller, region, None, input).await.map(drop)
            }
            JobOperation::Restore { days, tier } => {
                let restore = s::RestoreRequest {
                    days,
                    glacier_job_parameters: Some(s::GlacierJobParameters { tier }),
                    ..Default::default()
                };
                let input = s::RestoreObjectRequest {
                    bucket,
                    key,
                    version_id,
                    restore_request: Some(restore),
                    ..Default::default()
                };
                bus.call::<op::RestoreObject>(caller, region, None, input).await.map(drop)
            }
        }
    }

    async fn report(&self, caller: &Caller, row: &JobRow, job: &JobRecord) -> Result<()> {
        let Some(report) = &job.report else { return Ok(()) };
        let pieces = self.s3.records.job_report(&row.2, 1_000_000).await?;
        let text = pieces.concat();
        let prefix = report.prefix.as_deref().filter(|prefix| !prefix.is_empty());
        let folder =
            format!("{}job-{}", prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default(), row.2);
        let md5 = md5_hex(text.as_bytes());
        let key = format!("{folder}/results/{md5}.csv");
        let now = self.s3.platform.env.now();
        let manifest = json!({
            "Format": "Report_CSV_20180820",
            "ReportCreationDate": now.iso8601_millis(),
            "Results": [{
                "TaskExecutionStatus": if report.failed_only { "failed" } else { "succeeded" },
                "Bucket": report.bucket,
                "MD5Checksum": md5,
                "Key": key,
            }],
            "ReportSchema": batch::REPORT_SCHEMA,
        });
        for (key, text) in [(key, text), (format!("{folder}/manifest.json"), manifest.to_string())] {
            let body = ByteStream::from_bytes(text);
            let input =
                s::PutObjectRequest { bucket: report.bucket.clone(), key, body, ..Default::default() };
            self.s3.platform.bus.call::<op::PutObject>(caller.clone(), row.1, None, input).await?;
        }
        Ok(())
    }
}

impl Reconciler for Batch {
    fn name(&self) -> &'static str {
        "s3 batch operations"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            loop {
                let mut jobs = Vec::new();
                for row in self.s3.records.running_jobs().await? {
                    if let Some(job) = self.s3.records.job(&row).await? {
                        jobs.push((row, job));
                    }
                }
                jobs.sort_by_key(|(_, job)| std::cmp::Reverse(job.priority));
                let Some((row, job)) = jobs.into_iter().next() else { return Ok(None) };
                self.run(&row, job).await?;
            }
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.batch
    }
}
