//! Batch jobs: made, shown, listed, changed. [`operation`] is what one does; [`crate::tasks`] does it.

mod operation;

use std::borrow::Cow;

use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result};
use haneul_s3_wire::shapes::Tag;
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;

use super::{Listing, PAGE_MAX, account, limit};
use crate::model::job::{JobManifest, JobRecord, JobReport, JobStatus};
use crate::store::jobs::{JobRow, no_such_job};
use crate::tagging::{self, TagMap};
use crate::{S3, error};

const DESCRIPTION_LENGTH_MAX: usize = 256;
const REPORT_FORMAT: &str = "Report_CSV_20180820";

/// S3 Control API Reference, `JobStatus`.
const STATUSES: &[&str] = &[
    "Active",
    "Cancelled",
    "Cancelling",
    "Complete",
    "Completing",
    "Failed",
    "Failing",
    "New",
    "Paused",
    "Pausing",
    "Preparing",
    "Ready",
    "Suspended",
];

pub(crate) const PRINCIPAL: &str = "batchoperations.s3.amazonaws.com";

pub(crate) fn arn(row: &JobRow) -> String {
    let (account, region, id) = row;
    format!("arn:{}:s3:{region}:{account}:job/{id}", region.partition())
}

fn row(cx: &Cx, id: &str) -> JobRow {
    (cx.account(), cx.region(), id.to_owned())
}

impl S3 {
    async fn own_job(&self, cx: &Cx, id: &str) -> Result<JobRecord> {
        self.records.job(&row(cx, id)).await?.ok_or_else(no_such_job)
    }

    /// A permission on a job, with what it is.
    async fn job_access(&self, cx: &Cx, account_id: &str, id: &str, action: &'static str) -> Result<Access> {
        account(cx, account_id)?;
        let mut access = Access::to(action).owned_by(cx.account());
        access.resource = Cow::Owned(arn(&row(cx, id)));
        let Some(job) = self.records.job(&row(cx, id)).await? else { return Ok(access) };
        access = access
            .key("s3:ExistingJobPriority", job.priority.to_string())
            .key("s3:ExistingJobOperation", job.operation.name());
        Ok(access.resource_tags(job.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))))
    }
}

impl Handle<op::CreateJob> for S3 {
    async fn access(&self, cx: &Cx, input: &s::CreateJobRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        let mut create = Access::to("s3:CreateJob").key("s3:RequestJobPriority", input.priority.to_string());
        if let Ok(operation) = operation::from_wire(&input.operation) {
            create = create.key("s3:RequestJobOperation", operation.name());
        }
        let tags = input.tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        let mut needed = vec![create.request_tags(tags)];
        if let Ok(role) = Arn::parse(&input.role_arn) {
            needed.push(Access::on("iam:PassRole", &role).key("iam:PassedToService", PRINCIPAL));
        }
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: s::CreateJobRequest) -> Result<s::CreateJobResult> {
        check_priority(input.priority)?;
        if input.description.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_LENGTH_MAX) {
            return Err(bad("The description of a job has at most 256 characters"));
        }
        if Arn::parse(&input.role_arn).map_or(true, |arn| arn.service() != "iam") {
            return Err(bad("RoleArn must be the ARN of a role"));
        }
        match (input.manifest.is_some(), input.manifest_generator.is_some()) {
            (true, true) => return Err(bad("A job has either a manifest or a manifest generator")),
            (false, true) => return Err(error::not_implemented("A manifest that the job makes")),
            _ => {}
        }
        let manifest = input.manifest.ok_or_else(|| bad("A manifest is needed"))?;
        let inventory = match manifest.spec.format.as_str() {
            "S3BatchOperations_CSV_20180820" => false,
            "S3InventoryReport_CSV_20161130" => true,
            _ => return Err(bad("The format of the manifest is not supported")),
        };
        let fields = manifest.spec.fields.unwrap_or_default();
        if !inventory && !["Bucket", "Key"].iter().all(|name| fields.iter().any(|field| field == name)) {
            return Err(bad("The fields of the manifest must have Bucket and Key"));
        }
        let report = match input.report {
            report if !report.enabled => None,
            report => {
                let bucket = report.bucket.as_deref().and_then(|arn| arn.split_once(":s3:::"));
                let (_, bucket) = bucket.ok_or_else(|| bad("A report needs the ARN of a bucket"))?;
                if report.format.as_deref() != Some(REPORT_FORMAT) {
                    return Err(bad("A report needs the format Report_CSV_20180820"));
                }
                if !matches!(report.report_scope.as_deref(), Some("AllTasks" | "FailedTasksOnly")) {
                    return Err(bad("A report needs the scope AllTasks or FailedTasksOnly"));
                }
                let failed_only = report.report_scope.as_deref() == Some("FailedTasksOnly");
                Some(JobReport { bucket: bucket.to_owned(), prefix: report.prefix, failed_only })
            }
        };
        let tags = input.tags.into_iter().flatten().map(|tag| Tag { key: tag.key, value: tag.value });
        let job = JobRecord {
            created_ms: cx.now().millis(),
            priority: input.priority,
            role: input.role_arn,
            description: input.description,
            confirmation_required: input.confirmation_required != Some(false),
            token: input.client_request_token,
            status: JobStatus::Preparing,
            status_reason: None,
            operation: operation::from_wire(&input.operation)?,
            manifest: JobManifest {
                inventory,
                fields,
                arn: manifest.location.object_arn,
                version: manifest.location.object_version_id,
                etag: manifest.location.e_tag.trim_matches('"').to_owned(),
            },
            report,
            total: None,
            succeeded: 0,
            failed: 0,
            failure: None,
            ended_ms: None,
            tags: tagging::by_arn(tags.collect())?,
        };
        let mut after = None;
        loop {
            let page = self.records.jobs(cx.account(), cx.region(), after.as_deref(), PAGE_MAX).await?;
            if let Some((id, earlier)) = page.iter().find(|(_, earlier)| earlier.token == job.token) {
                if !is_same(earlier, &job) {
                    let message = "The client request token was used for another job.";
                    return Err(error::new("IdempotencyException", 400, message));
                }
                return Ok(s::CreateJobResult { job_id: Some(id.clone()) });
            }
            if page.len() < PAGE_MAX {
                break;
            }
            after = page.last().map(|(id, _)| id.clone());
        }
        let id = self.platform.env.rng.uuid();
        self.records.create_job(&row(cx, &id), &job).await?;
        self.tasks.batch.wake();
        Ok(s::CreateJobResult { job_id: Some(id) })
    }
}

/// Whether the same job is asked for again, whatever became of it meanwhile.
fn is_same(earlier: &JobRecord, asked: &JobRecord) -> bool {
    earlier.role == asked.role
        && earlier.description == asked.description
        && earlier.confirmation_required == asked.confirmation_required
        && earlier.operation == asked.operation
        && earlier.manifest == asked.manifest
        && earlier.report == asked.report
}

fn check_priority(priority: i32) -> Result<()> {
    if priority < 0 { Err(bad("Priority must be between 0 and 2147483647")) } else { Ok(()) }
}

fn bad(message: &str) -> haneul_kit::ApiError {
    error::new("InvalidRequest", 400, message)
}

impl Handle<op::DescribeJob> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DescribeJobRequest) -> Result<Vec<Access>> {
        Ok(vec![self.job_access(cx, &input.account_id, &input.job_id, "s3:DescribeJob").await?])
    }

    async fn call(&self, cx: &Cx, input: s::DescribeJobRequest) -> Result<s::DescribeJobResult> {
        let job = self.own_job(cx, &input.job_id).await?;
        let failures = job.failure.clone().map(|(code, reason)| {
            vec![s::JobFailure { failure_code: Some(code), failure_reason: Some(reason) }]
        });
        let shown = s::JobDescriptor {
            job_arn: Some(arn(&row(cx, &input.job_id))),
            progress_summary: Some(progress(&job)),
            status: Some(job.status.as_str().to_owned()),
            suspended_cause: (job.status == JobStatus::Suspended).then(|| "AwaitingConfirmation".to_owned()),
            operation: Some(operation::to_wire(&job.operation)),
            manifest: Some(s::JobManifest {
                spec: s::JobManifestSpec {
                    format: if job.manifest.inventory {
                        "S3InventoryReport_CSV_20161130"
                    } else {
                        "S3BatchOperations_CSV_20180820"
                    }
                    .to_owned(),
                    fields: (!job.manifest.fields.is_empty()).then_some(job.manifest.fields),
                },
                location: s::JobManifestLocation {
                    object_arn: job.manifest.arn,
                    object_version_id: job.manifest.version,
                    e_tag: job.manifest.etag,
                },
            }),
            report: Some(match job.report {
                None => s::JobReport { enabled: false, ..Default::default() },
                Some(report) => s::JobReport {
                    enabled: true,
                    bucket: Some(crate::bucket::arn_of(cx.region(), &report.bucket)),
                    prefix: report.prefix,
                    format: Some(REPORT_FORMAT.to_owned()),
                    report_scope: Some(
                        if report.failed_only { "FailedTasksOnly" } else { "AllTasks" }.to_owned(),
                    ),
                    ..Default::default()
                },
            }),
            job_id: Some(input.job_id),
            confirmation_required: Some(job.confirmation_required),
            description: job.description,
            priority: Some(job.priority),
            status_update_reason: job.status_reason,
            failure_reasons: failures,
            creation_time: Some(Instant::from_millis(job.created_ms)),
            termination_date: job.ended_ms.map(Instant::from_millis),
            role_arn: Some(job.role),
            ..Default::default()
        };
        Ok(s::DescribeJobResult { job: Some(shown) })
    }
}

fn progress(job: &JobRecord) -> s::JobProgressSummary {
    s::JobProgressSummary {
        total_number_of_tasks: Some(job.total.unwrap_or_default() as i64),
        number_of_tasks_succeeded: Some(job.succeeded as i64),
        number_of_tasks_failed: Some(job.failed as i64),
        timers: None,
    }
}

impl Handle<op::ListJobs> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListJobsRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![Access::to("s3:ListJobs")])
    }

    async fn call(&self, cx: &Cx, input: s::ListJobsRequest) -> Result<s::ListJobsResult> {
        let limit = limit(input.max_results)?;
        let wanted = input.job_statuses.unwrap_or_default();
        if wanted.iter().any(|status| !STATUSES.contains(&status.as_str())) {
            return Err(bad("The job status is not valid"));
        }
        let listing = Listing::of(cx, "jobs", &wanted.join(" "));
        let (mut after, mut found) = (self.position(&listing, input.next_token)?, Vec::new());
        loop {
            let page = self.records.jobs(cx.account(), cx.region(), after.as_deref(), PAGE_MAX).await?;
            let more = page.len() == PAGE_MAX;
            after = page.last().map(|(id, _)| id.clone());
            let about =
                |job: &JobRecord| wanted.is_empty() || wanted.iter().any(|one| one == job.status.as_str());
            found.extend(page.into_iter().filter(|(_, job)| about(job)));
            if found.len() > limit || !more {
                break;
            }
        }
        let page = self.cut(&listing, found, limit, |(id, _)| id.clone());
        let jobs = page.items.into_iter().map(|(id, job)| s::JobListDescriptor {
            job_id: Some(id),
            operation: Some(job.operation.name().to_owned()),
            priority: Some(job.priority),
            status: Some(job.status.as_str().to_owned()),
            creation_time: Some(Instant::from_millis(job.created_ms)),
            termination_date: job.ended_ms.map(Instant::from_millis),
            progress_summary: Some(progress(&job)),
            description: job.description,
        });
        Ok(s::ListJobsResult { jobs: Some(jobs.collect()), next_token: page.next })
    }
}

impl Handle<op::UpdateJobPriority> for S3 {
    async fn access(&self, cx: &Cx, input: &s::UpdateJobPriorityRequest) -> Result<Vec<Access>> {
        let access = self.job_access(cx, &input.account_id, &input.job_id, "s3:UpdateJobPriority").await?;
        Ok(vec![access.key("s3:RequestJobPriority", input.priority.to_string())])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateJobPriorityRequest) -> Result<s::UpdateJobPriorityResult> {
        check_priority(input.priority)?;
        let set = |job: &mut JobRecord| {
            if job.status.has_ended() {
                return Err(bad("The priority of a job that has ended cannot be changed"));
            }
            job.priority = input.priority;
            Ok(())
        };
        self.records.change_job(&row(cx, &input.job_id), set, None).await?;
        Ok(s::UpdateJobPriorityResult { job_id: input.job_id, priority: input.priority })
    }
}

impl Handle<op::UpdateJobStatus> for S3 {
    async fn access(&self, cx: &Cx, input: &s::UpdateJobStatusRequest) -> Result<Vec<Access>> {
        Ok(vec![self.job_access(cx, &input.account_id, &input.job_id, "s3:UpdateJobStatus").await?])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateJobStatusRequest) -> Result<s::UpdateJobStatusResult> {
        if !matches!(input.requested_job_status.as_str(), "Ready" | "Cancelled") {
            return Err(bad("The requested job status must be Ready or Cancelled"));
        }
        let now_ms = cx.now().millis();
        let set = |job: &mut JobRecord| {
            job.status = match (input.requested_job_status.as_str(), job.status) {
                ("Ready", JobStatus::Suspended) => JobStatus::Active,
                ("Cancelled", status) if !status.has_ended() => {
                    job.ended_ms = Some(now_ms);
                    JobStatus::Cancelled
                }
                (wanted, status) => {
                    let message = format!("A job that is {} cannot become {wanted}", status.as_str());
                    return Err(error::new("JobStatusException", 400, message));
                }
            };
            job.status_reason = input.status_update_reason.clone();
            Ok(())
        };
        let job = self.records.change_job(&row(cx, &input.job_id), set, None).await?;
        self.tasks.batch.wake();
        Ok(s::UpdateJobStatusResult {
            job_id: Some(input.job_id),
            status: Some(
                if job.status == JobStatus::Active { "Ready" } else { job.status.as_str() }.to_owned(),
            ),
            status_update_reason: job.status_reason,
        })
    }
}

impl Handle<op::GetJobTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetJobTaggingRequest) -> Result<Vec<Access>> {
        Ok(vec![self.job_access(cx, &input.account_id, &input.job_id, "s3:GetJobTagging").await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetJobTaggingRequest) -> Result<s::GetJobTaggingResult> {
        let tags = self.own_job(cx, &input.job_id).await?.tags;
        let tags = tags.into_iter().map(|(key, value)| s::S3Tag { key, value });
        Ok(s::GetJobTaggingResult { tags: Some(tags.collect()) })
    }
}

impl Handle<op::PutJobTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutJobTaggingRequest) -> Result<Vec<Access>> {
        let access = self.job_access(cx, &input.account_id, &input.job_id, "s3:PutJobTagging").await?;
        let tags = input.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        Ok(vec![access.request_tags(tags)])
    }

    async fn call(&self, cx: &Cx, input: s::PutJobTaggingRequest) -> Result<s::PutJobTaggingResult> {
        let tags = input.tags.into_iter().map(|tag| Tag { key: tag.key, value: tag.value });
        let tags = tagging::by_arn(tags.collect())?;
        let set = |job: &mut JobRecord| {
            job.tags = tags.clone();
            Ok(())
        };
        self.records.change_job(&row(cx, &input.job_id), set, None).await?;
        Ok(s::PutJobTaggingResult {})
    }
}

impl Handle<op::DeleteJobTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteJobTaggingRequest) -> Result<Vec<Access>> {
        Ok(vec![self.job_access(cx, &input.account_id, &input.job_id, "s3:DeleteJobTagging").await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteJobTaggingRequest) -> Result<s::DeleteJobTaggingResult> {
        let clear = |job: &mut JobRecord| {
            job.tags = TagMap::new();
            Ok(())
        };
        self.records.change_job(&row(cx, &input.job_id), clear, None).await?;
        Ok(s::DeleteJobTaggingResult {})
    }
}
