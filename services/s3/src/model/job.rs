use std::collections::BTreeMap;

use haneul_store::Record;
use serde::{Deserialize, Serialize};

/// A batch job: one operation on every object of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobRecord {
    pub(crate) created_ms: i64,
    pub(crate) priority: i32,
    pub(crate) role: String,
    pub(crate) description: Option<String>,
    pub(crate) confirmation_required: bool,
    /// By which the same CreateJob again is known.
    pub(crate) token: String,
    pub(crate) status: JobStatus,
    pub(crate) status_reason: Option<String>,
    pub(crate) operation: JobOperation,
    pub(crate) manifest: JobManifest,
    pub(crate) report: Option<JobReport>,
    /// Objects of the list, once it was read.
    pub(crate) total: Option<u64>,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    /// Code and words of what ended the job.
    pub(crate) failure: Option<(String, String)>,
    pub(crate) ended_ms: Option<i64>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for JobRecord {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum JobStatus {
    /// Its list is to be read.
    Preparing,
    /// Waits to be confirmed.
    Suspended,
    Active,
    Complete,
    Cancelled,
    Failed,
}

impl JobStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            JobStatus::Preparing => "Preparing",
            JobStatus::Suspended => "Suspended",
            JobStatus::Active => "Active",
            JobStatus::Complete => "Complete",
            JobStatus::Cancelled => "Cancelled",
            JobStatus::Failed => "Failed",
        }
    }

    pub(crate) fn has_ended(self) -> bool {
        matches!(self, JobStatus::Complete | JobStatus::Cancelled | JobStatus::Failed)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum JobOperation {
    Copy {
        bucket: String,
        prefix: Option<String>,
        class: Option<String>,
        acl: Option<String>,
        tags: Option<Vec<(String, String)>>,
        replace_metadata: bool,
        metadata: Vec<(String, String)>,
        content_type: Option<String>,
    },
    Tag(Vec<(String, String)>),
    Untag,
    Acl(String),
    LegalHold(String),
    Retention {
        mode: Option<String>,
        until_s: Option<i64>,
        bypass: bool,
    },
    Restore {
        days: Option<i32>,
        /// As RestoreObject names it.
        tier: String,
    },
}

impl JobOperation {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            JobOperation::Copy { .. } => "S3PutObjectCopy",
            JobOperation::Tag(_) => "S3PutObjectTagging",
            JobOperation::Untag => "S3DeleteObjectTagging",
            JobOperation::Acl(_) => "S3PutObjectAcl",
            JobOperation::LegalHold(_) => "S3PutObjectLegalHold",
            JobOperation::Retention { .. } => "S3PutObjectRetention",
            JobOperation::Restore { .. } => "S3InitiateRestoreObject",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobManifest {
    /// Of an inventory; else columns as `fields` says.
    pub(crate) inventory: bool,
    pub(crate) fields: Vec<String>,
    pub(crate) arn: String,
    pub(crate) version: Option<String>,
    pub(crate) etag: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobReport {
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
    pub(crate) failed_only: bool,
}
