//! What is persisted, by account and Region.

use std::collections::BTreeMap;

use haneul_kit::{AccountId, Instant, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

/// Kept as milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Millis(i64);

impl From<Instant> for Millis {
    fn from(at: Instant) -> Millis {
        Millis(at.millis())
    }
}

impl From<Millis> for Instant {
    fn from(at: Millis) -> Instant {
        Instant::from_millis(at.0)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Analyzer {
    /// `o-…` when its zone of trust is the organization.
    #[serde(default)]
    pub organization: Option<String>,
    pub created: Millis,
    /// For an analyzer of unused access.
    #[serde(default)]
    pub unused: Option<UnusedRule>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub rules: BTreeMap<String, ArchiveRule>,
    /// The resource that was looked at last.
    #[serde(default)]
    pub last: Option<(String, Millis)>,
    /// When everything was looked at.
    #[serde(default)]
    pub scanned: Option<Millis>,
}

/// What counts as unused, and whose is not looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UnusedRule {
    pub age_days: u32,
    #[serde(default)]
    pub exclusions: Vec<Exclusion>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Exclusion {
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Sets of tags; a principal with all of one set is left out.
    #[serde(default)]
    pub tags: Vec<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ArchiveRule {
    pub filter: BTreeMap<String, Criterion>,
    pub created: Millis,
    pub updated: Millis,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Criterion {
    #[serde(default)]
    pub eq: Option<Vec<String>>,
    #[serde(default)]
    pub neq: Option<Vec<String>>,
    #[serde(default)]
    pub contains: Option<Vec<String>>,
    #[serde(default)]
    pub exists: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Active,
    Archived,
    Resolved,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Status::Active => "ACTIVE",
            Status::Archived => "ARCHIVED",
            Status::Resolved => "RESOLVED",
        }
    }
}

/// Somebody outside who is let in: what analysis finds, before it has an id and a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Access {
    /// Kind and value of the principal.
    pub principal: (String, String),
    pub actions: Vec<String>,
    /// Key and values, joined.
    pub condition: BTreeMap<String, String>,
    pub public: bool,
    /// `POLICY` or `BUCKET_ACL`; of unused access, what is not used.
    pub source: String,
    /// Instead of all of the above: access that nobody used.
    #[serde(default)]
    pub unused: Option<Unused>,
}

/// What was not used, and when it last was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Unused {
    Role {
        last: Option<Millis>,
    },
    AccessKey {
        id: String,
        last: Option<Millis>,
    },
    Password {
        last: Option<Millis>,
    },
    /// A service; or, when the service was used, those of its actions that were not.
    Permission {
        service: String,
        last: Option<Millis>,
        actions: Vec<(String, Millis)>,
    },
}

impl Unused {
    pub(crate) const KINDS: [&str; 4] =
        ["UnusedIAMRole", "UnusedIAMUserAccessKey", "UnusedIAMUserPassword", "UnusedPermission"];

    /// The type of the finding.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Unused::Role { .. } => "UnusedIAMRole",
            Unused::AccessKey { .. } => "UnusedIAMUserAccessKey",
            Unused::Password { .. } => "UnusedIAMUserPassword",
            Unused::Permission { .. } => "UnusedPermission",
        }
    }

    pub(crate) fn into_access(self) -> Access {
        let source = match &self {
            Unused::AccessKey { id, .. } => format!("{} {id}", self.kind()),
            Unused::Permission { service, .. } => format!("{} {service}", self.kind()),
            _ => self.kind().to_owned(),
        };
        Access {
            principal: Default::default(),
            actions: Vec::new(),
            condition: BTreeMap::new(),
            public: false,
            source,
            unused: Some(self),
        }
    }
}

impl Access {
    /// The type of the finding.
    pub(crate) fn kind(&self) -> &'static str {
        self.unused.as_ref().map_or("ExternalAccess", Unused::kind)
    }

    /// What makes two the same finding.
    pub(crate) fn key(&self) -> (&(String, String), &BTreeMap<String, String>, &str) {
        (&self.principal, &self.condition, &self.source)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub resource: String,
    /// `AWS::S3::Bucket`
    pub kind: String,
    pub owner: u64,
    pub access: Access,
    pub created: Millis,
    pub analyzed: Millis,
    pub updated: Millis,
    pub status: Status,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Resource {
    pub kind: String,
    pub owner: u64,
    pub created: Millis,
    pub analyzed: Millis,
    pub updated: Millis,
    pub accesses: Vec<Access>,
    /// `ACCESS_DENIED` or `INTERNAL_ERROR`, when it could not be read.
    #[serde(default)]
    pub error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Preview {
    pub created: Millis,
    /// By resource ARN: the kind, and the policies that it would have.
    pub resources: BTreeMap<String, (String, Vec<String>)>,
    pub findings: Vec<PreviewFinding>,
    /// `INVALID_CONFIGURATION`
    #[serde(default)]
    pub failure: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PreviewFinding {
    pub id: String,
    pub resource: String,
    pub kind: String,
    pub access: Access,
    /// `NEW`, `CHANGED` or `UNCHANGED`
    pub change: String,
    #[serde(default)]
    pub existing: Option<(String, Status)>,
}

/// A request for a policy from what a principal did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Generation {
    /// The ARN of a user or role.
    pub principal: String,
    pub started: Millis,
    #[serde(default)]
    pub completed: Option<Millis>,
    pub status: JobStatus,
    /// Code and message.
    #[serde(default)]
    pub error: Option<(String, String)>,
    #[serde(default)]
    pub token: Option<String>,
    #[serde(default)]
    pub trails: Vec<Trail>,
    #[serde(default)]
    pub since: Option<Millis>,
    #[serde(default)]
    pub until: Option<Millis>,
    #[serde(default)]
    pub uses: Vec<Use>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trail {
    pub arn: String,
    pub regions: Vec<String>,
    pub all_regions: bool,
}

/// An action that was allowed, and on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Use {
    pub action: String,
    pub resource: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum JobStatus {
    InProgress,
    Succeeded,
    Failed,
    Canceled,
}

impl JobStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            JobStatus::InProgress => "IN_PROGRESS",
            JobStatus::Succeeded => "SUCCEEDED",
            JobStatus::Failed => "FAILED",
            JobStatus::Canceled => "CANCELED",
        }
    }
}

/// What to do about a finding of unused permissions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recommendation {
    pub started: Millis,
    pub completed: Millis,
    /// The ARN of a user or role.
    pub resource: String,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// `CREATE_POLICY` or `DETACH_POLICY`
    pub action: String,
    #[serde(default)]
    pub policy: Option<String>,
    /// The ARN of the policy that is there, or its name when it is inline.
    pub existing: String,
    #[serde(default)]
    pub updated: Option<Millis>,
}

impl Record for Generation {}
impl Record for Recommendation {}
impl Record for Analyzer {}
impl Record for Finding {}
impl Record for Resource {}
impl Record for Preview {}

pub(crate) type AnalyzerKey = (AccountId, Region, String);
/// Analyzer, and the finding's id, the resource's ARN or the preview's id.
pub(crate) type PartKey = (AccountId, Region, String, String);

/// Account, Region and the job's id.
pub(crate) type GenerationKey = (AccountId, Region, String);

pub(crate) static GENERATIONS: Table<GenerationKey, Generation> = Table::new("accessanalyzer.generations");
pub(crate) static ANALYZERS: Table<AnalyzerKey, Analyzer> = Table::new("accessanalyzer.analyzers");
pub(crate) static FINDINGS: Table<PartKey, Finding> = Table::new("accessanalyzer.findings");
pub(crate) static RESOURCES: Table<PartKey, Resource> = Table::new("accessanalyzer.resources");
/// By analyzer and the finding's id.
pub(crate) static RECOMMENDATIONS: Table<PartKey, Recommendation> =
    Table::new("accessanalyzer.recommendations");
pub(crate) static PREVIEWS: Table<PartKey, Preview> = Table::new("accessanalyzer.previews");
