//! What is persisted. Users, groups and roles hold all that is theirs (policies, tags, memberships), because AWS's
//! quotas keep that small and because then one read tells everything about a principal.

use std::collections::BTreeMap;

use haneul_kit::{AccountId, Arn, Instant};
use haneul_store::{Record, RecordError, Table};
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

mod credentials;
mod delegation;
mod providers;
mod reports;

pub(crate) use credentials::*;
pub(crate) use delegation::*;
pub(crate) use providers::*;
pub(crate) use reports::*;

/// Account, and the name in lower case: names are unique without regard to case.
pub(crate) type Key = (AccountId, String);

/// Kept as milliseconds since the epoch, of whole seconds: IAM's dates have no fractions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Millis(i64);

impl From<Instant> for Millis {
    fn from(at: Instant) -> Millis {
        Millis(at.secs() * 1000)
    }
}

impl From<Millis> for Instant {
    fn from(at: Millis) -> Instant {
        Instant::from_millis(at.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    User,
    Group,
    Role,
}

impl Kind {
    /// As in ARNs and in messages.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Group => "group",
            Kind::Role => "role",
        }
    }

    /// At the start of a sentence, and in the names of quotas.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
            Kind::Role => "Role",
        }
    }
}

/// What users, groups and roles have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entity {
    pub path: String,
    pub name: String,
    /// `AIDA…`, `AGPA…`, `AROA…`
    pub id: String,
    pub created: Millis,
    /// ARNs of managed policies, in the order in which they were attached.
    #[serde(default)]
    pub attached: Vec<String>,
    /// Inline policies: document by name.
    #[serde(default)]
    pub inline: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    pub entity: Entity,
    #[serde(default)]
    pub boundary: Option<String>,
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// Names of groups in lower case, in the order of joining.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Ids, oldest first.
    #[serde(default)]
    pub access_keys: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub entity: Entity,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Role {
    pub entity: Entity,
    #[serde(default)]
    pub boundary: Option<String>,
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    #[serde(default)]
    pub description: Option<String>,
    pub max_session_secs: u32,
    pub trust: Trust,
    /// Names in lower case.
    #[serde(default)]
    pub instance_profiles: Vec<String>,
    /// What AcquireRole made it from.
    #[serde(default)]
    pub template: Option<SourceTemplate>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SourceTemplate {
    pub arn: String,
    pub minor: i32,
    /// What was put in, by parameter.
    #[serde(default)]
    pub values: BTreeMap<String, Vec<String>>,
}

/// A trust policy. AWS notes the unique ids of the users and roles that it names, so that who comes later by the same
/// name is not trusted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trust {
    pub document: String,
    /// The unique id of each user and role at the time of writing, by ARN.
    #[serde(default)]
    pub pinned: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ManagedPolicy {
    pub path: String,
    pub name: String,
    /// `ANPA…`
    pub id: String,
    #[serde(default)]
    pub description: Option<String>,
    pub created: Millis,
    pub updated: Millis,
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// Oldest first; one of them is the default.
    pub versions: Vec<PolicyVersion>,
    pub default_version: u32,
    /// The number of the newest version ever: numbers are not used again.
    pub last_version: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    pub number: u32,
    pub document: String,
    pub created: Millis,
}

impl ManagedPolicy {
    pub(crate) fn arn(&self, account: AccountId) -> Arn {
        Arn::global("iam", account, format_args!("policy{}{}", self.path, self.name))
    }

    /// `id` is `v1`.
    pub(crate) fn version(&self, id: &str) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| id.strip_prefix('v') == Some(&version.number.to_string()))
    }

    pub(crate) fn default(&self) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| version.number == self.default_version)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccessKey {
    pub account: u64,
    /// The user's name in lower case; `None` for the root user.
    pub user: Option<String>,
    pub secret: Secret,
    pub active: bool,
    pub created: Millis,
}

impl AccessKey {
    pub(crate) fn account(&self) -> AccountId {
        AccountId::new(self.account).unwrap_or_default()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InstanceProfile {
    pub path: String,
    pub name: String,
    /// `AIPA…`
    pub id: String,
    pub created: Millis,
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// The role's name in lower case.
    #[serde(default)]
    pub role: Option<String>,
}

impl InstanceProfile {
    pub(crate) fn arn(&self, account: AccountId) -> Arn {
        Arn::global("iam", account, format_args!("instance-profile{}{}", self.path, self.name))
    }
}

/// Of an account as a whole; how many of each there are, so that quotas are checked without counting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    #[serde(default)]
    pub created: Option<Millis>,
    #[serde(default)]
    pub alias: Option<String>,
    /// Access keys of the root user that were made by CreateAccessKey.
    #[serde(default)]
    pub root_access_keys: Vec<String>,
    #[serde(default)]
    pub users: u32,
    #[serde(default)]
    pub groups: u32,
    #[serde(default)]
    pub roles: u32,
    #[serde(default)]
    pub policies: u32,
    #[serde(default)]
    pub instance_profiles: u32,
    #[serde(default)]
    pub password_policy: Option<PasswordPolicy>,
    /// SetSecurityTokenServicePreferences: 2 for tokens that are good in every Region.
    #[serde(default)]
    pub global_token_v2: bool,
    #[serde(default)]
    pub outbound: Option<OutboundFederation>,
    /// Of the organization that the account manages.
    #[serde(default)]
    pub root_credentials_management: bool,
    #[serde(default)]
    pub root_sessions: bool,
    #[serde(default)]
    pub credential_report: Option<CredentialReport>,
}

/// When and where something was last used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastUse {
    pub at: Millis,
    pub service: String,
    pub region: String,
}

/// How a policy is tied to an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Usage {
    Permissions,
    Boundary,
}

/// Which entities use a policy: account, policy ARN, [`tie`], the entity's name in lower case.
pub(crate) type AttachmentKey = (AccountId, String, u8, String);

/// The third component of an [`AttachmentKey`]: groups, users, roles, in the order of ListEntitiesForPolicy.
pub(crate) fn tie(usage: Usage, kind: Kind) -> u8 {
    let kind = match kind {
        Kind::Group => 0,
        Kind::User => 1,
        Kind::Role => 2,
    };
    kind | u8::from(usage == Usage::Boundary) << 4
}

impl Record for User {}
impl Record for Group {}
impl Record for Role {}
impl Record for ManagedPolicy {}
impl Record for AccessKey {
    const VERSION: u32 = 2;

    /// Version 1 had the secret as it is.
    fn migrate(_: u32, bytes: &[u8]) -> Result<AccessKey, RecordError> {
        #[derive(Deserialize)]
        struct V1 {
            account: u64,
            user: Option<String>,
            secret: String,
            active: bool,
            created: Millis,
        }
        let V1 { account, user, secret, active, created } =
            serde_json::from_slice(bytes).map_err(RecordError::of)?;
        Ok(AccessKey { account, user, secret: Secret::Plain(secret), active, created })
    }
}
impl Record for InstanceProfile {}
impl Record for Account {}
impl Record for LastUse {}

pub(crate) static USERS: Table<Key, User> = Table::new("iam.users");
pub(crate) static GROUPS: Table<Key, Group> = Table::new("iam.groups");
pub(crate) static ROLES: Table<Key, Role> = Table::new("iam.roles");
pub(crate) static POLICIES: Table<Key, ManagedPolicy> = Table::new("iam.policies");
pub(crate) static INSTANCE_PROFILES: Table<Key, InstanceProfile> = Table::new("iam.instance-profiles");
/// By access key id.
pub(crate) static ACCESS_KEYS: Table<String, AccessKey> = Table::new("iam.access-keys");
pub(crate) static ACCOUNTS: Table<AccountId, Account> = Table::new("iam.accounts");
/// Which account has an alias: unique in the whole cloud.
pub(crate) static ALIASES: Table<String, u64> = Table::new("iam.aliases");
/// Issuers of web identity tokens by their ids, with their accounts.
pub(crate) static OUTBOUND_ISSUERS: Table<String, u64> = Table::new("iam.outbound-issuers");
/// Users of a group: account, group, user; both names in lower case.
pub(crate) static MEMBERS: Table<(AccountId, String, String), ()> = Table::new("iam.members");
pub(crate) static ATTACHMENTS: Table<AttachmentKey, ()> = Table::new("iam.attachments");
/// Account, the principal's unique id (the account's number for its root user), the action.
pub(crate) type AccessedKey = (AccountId, String, String);
/// When who last tried what, allowed or not.
pub(crate) static ACCESSES: Table<AccessedKey, LastUse> = Table::new("iam.accesses");
/// By access key id, or by role id. Apart from the records, so that a use invalidates no cache.
pub(crate) static LAST_USES: Table<String, LastUse> = Table::new("iam.last-uses");
