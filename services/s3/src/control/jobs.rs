use std::borrow::Cow;

use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result};
use haneul_s3_wire::shapes::Tag;
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;

use super::account;
use crate::model::job::{JobManifest, JobOperation, JobRecord, JobReport, JobStatus};
use crate::store::jobs::{JobRow, no_such_job};
use crate::tagging::{self, TagMap};
use crate::{S3, error};

pub(crate) const PRINCIPAL: &str = "batchoperations.s3.amazonaws.com";
const PAGE_MAX: usize = 1000;

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
        if let Ok(operation) = operation(&input.operation) {
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
        if input.manifest_generator.is_some() {
            return Err(error::not_implemented("A manifest that the job makes"));
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
            operation: operation(&input.operation)?,
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
            tags: tagging::of_bucket(tags.collect())?,
        };
        if job.priority < 0 {
            return Err(bad("Priority must not be negative"));
        }
        let mut after = None;
        loop {
            let page = self.records.jobs(cx.account(), cx.region(), after.as_deref(), PAGE_MAX).await?;
            if let Some((id, _)) = page.iter().find(|(_, earlier)| earlier.token == job.token) {
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

fn bad(message: &str) -> haneul_kit::ApiError {
    error::new("InvalidRequest", 400, message)
}

fn pairs(tags: Vec<s::S3Tag>) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

fn operation(given: &s::JobOperation) -> Result<JobOperation> {
    let given = given.clone();
    let mut chosen = Vec::new();
    if let Some(copy) = given.s3_put_object_copy {
        let locked = copy.object_lock_mode.is_some() || copy.object_lock_legal_hold_status.is_some();
        if copy.sse_aws_kms_key_id.is_some()
            || copy.access_control_grants.is_some()
            || copy.modified_since_constraint.is_some()
            || copy.un_modified_since_constraint.is_some()
            || copy.redirect_location.is_some()
            || locked
        {
            return Err(error::not_implemented("A condition, lock, grant, redirect or key of a batch copy"));
        }
        let target = copy.target_resource.as_deref().and_then(|arn| arn.split_once(":s3:::"));
        let (_, bucket) = target.ok_or_else(|| bad("TargetResource must be the ARN of a bucket"))?;
        let metadata = copy.new_object_metadata.unwrap_or_default();
        chosen.push(JobOperation::Copy {
            bucket: bucket.to_owned(),
            prefix: copy.target_key_prefix.filter(|prefix| !prefix.is_empty()),
            class: copy.storage_class,
            acl: copy.canned_access_control_list,
            tags: copy.new_object_tagging.map(pairs),
            replace_metadata: copy.metadata_directive.as_deref() == Some("REPLACE"),
            content_type: metadata.content_type,
            metadata: metadata.user_metadata.into_iter().flatten().collect(),
        });
    }
    if let Some(tagging) = given.s3_put_object_tagging {
        chosen.push(JobOperation::Tag(pairs(tagging.tag_set.unwrap_or_default())));
    }
    if given.s3_delete_object_tagging.is_some() {
        chosen.push(JobOperation::Untag);
    }
    if let Some(acl) = given.s3_put_object_acl {
        let canned = acl.access_control_policy.and_then(|policy| policy.canned_access_control_list);
        chosen
            .push(JobOperation::Acl(canned.ok_or_else(|| error::not_implemented("A batch ACL of grants"))?));
    }
    if let Some(hold) = given.s3_put_object_legal_hold {
        chosen.push(JobOperation::LegalHold(hold.legal_hold.status));
    }
    if let Some(retention) = given.s3_put_object_retention {
        chosen.push(JobOperation::Retention {
            mode: retention.retention.mode,
            until_s: retention.retention.retain_until_date.map(Instant::secs),
            bypass: retention.bypass_governance_retention == Some(true),
        });
    }
    match (chosen.pop(), chosen.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err(error::not_implemented("This operation of a batch job")),
        _ => Err(bad("A job has exactly one operation")),
    }
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
            operation: Some(operation_to_wire(&job.operation)),
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
                    format: Some("Report_CSV_20180820".to_owned()),
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

fn operation_to_wire(operation: &JobOperation) -> s::JobOperation {
    let mut wire = s::JobOperation::default();
    let tags = |pairs: &[(String, String)]| {
        pairs.iter().map(|(key, value)| s::S3Tag { key: key.clone(), value: value.clone() }).collect()
    };
    match operation {
        JobOperation::Copy { bucket, prefix, class, acl, tags: given, .. } => {
            wire.s3_put_object_copy = Some(s::S3CopyObjectOperation {
                target_resource: Some(format!("arn:aws:s3:::{bucket}")),
                target_key_prefix: prefix.clone(),
                storage_class: class.clone(),
                canned_access_control_list: acl.clone(),
                new_object_tagging: given.as_deref().map(tags),
                ..Default::default()
            });
        }
        JobOperation::Tag(given) => {
            wire.s3_put_object_tagging = Some(s::S3SetObjectTaggingOperation { tag_set: Some(tags(given)) });
        }
        JobOperation::Untag => wire.s3_delete_object_tagging = Some(s::S3DeleteObjectTaggingOperation {}),
        JobOperation::Acl(canned) => {
            wire.s3_put_object_acl = Some(s::S3SetObjectAclOperation {
                access_control_policy: Some(s::S3AccessControlPolicy {
                    canned_access_control_list: Some(canned.clone()),
                    access_control_list: None,
                }),
            });
        }
        JobOperation::LegalHold(status) => {
            let legal_hold = s::S3ObjectLockLegalHold { status: status.clone() };
            wire.s3_put_object_legal_hold = Some(s::S3SetObjectLegalHoldOperation { legal_hold });
        }
        JobOperation::Retention { mode, until_s, bypass } => {
            wire.s3_put_object_retention = Some(s::S3SetObjectRetentionOperation {
                bypass_governance_retention: Some(*bypass),
                retention: s::S3Retention {
                    mode: mode.clone(),
                    retain_until_date: until_s.map(Instant::from_secs),
                    ..Default::default()
                },
            });
        }
    }
    wire
}

impl Handle<op::ListJobs> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListJobsRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![Access::to("s3:ListJobs")])
    }

    /// The token is the id of the last one.
    async fn call(&self, cx: &Cx, input: s::ListJobsRequest) -> Result<s::ListJobsResult> {
        let limit = input.max_results.map_or(PAGE_MAX, |max| max.clamp(1, PAGE_MAX as i32) as usize);
        let (mut after, mut found) = (input.next_token, Vec::new());
        let wanted = input.job_statuses.unwrap_or_default();
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
        let next_token = (found.len() > limit).then(|| found[limit - 1].0.clone());
        found.truncate(limit);
        let jobs = found.into_iter().map(|(id, job)| s::JobListDescriptor {
            job_id: Some(id),
            operation: Some(job.operation.name().to_owned()),
            priority: Some(job.priority),
            status: Some(job.status.as_str().to_owned()),
            creation_time: Some(Instant::from_millis(job.created_ms)),
            termination_date: job.ended_ms.map(Instant::from_millis),
            progress_summary: Some(progress(&job)),
            description: job.description,
        });
        Ok(s::ListJobsResult { jobs: Some(jobs.collect()), next_token })
    }
}

impl Handle<op::UpdateJobPriority> for S3 {
    async fn access(&self, cx: &Cx, input: &s::UpdateJobPriorityRequest) -> Result<Vec<Access>> {
        let access = self.job_access(cx, &input.account_id, &input.job_id, "s3:UpdateJobPriority").await?;
        Ok(vec![access.key("s3:RequestJobPriority", input.priority.to_string())])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateJobPriorityRequest) -> Result<s::UpdateJobPriorityResult> {
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
        let tags = tagging::of_bucket(tags.collect())?;
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
