//! What is persisted. An account's record outlives its membership, because its e-mail address stays taken.

use std::collections::{BTreeMap, BTreeSet};

use haneul_kit::{AccountId, Instant};
use haneul_store::{Record, RecordError, Table};
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

pub(crate) type Tags = Vec<(String, String)>;

/// What policies attach to: the root, a unit or an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    /// Ids of policies of all types, in the order in which they were attached.
    #[serde(default)]
    pub attached: Vec<String>,
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Organization {
    /// The number of the management account.
    pub management: u64,
    pub all_features: bool,
    pub created: Millis,
    /// `r-…`
    pub root: String,
    pub root_node: Node,
    #[serde(default)]
    pub enabled_types: BTreeSet<String>,
    /// Trusted access: since when, by service principal.
    #[serde(default)]
    pub services: BTreeMap<String, Millis>,
    #[serde(default)]
    pub resource_policy: Option<ResourcePolicy>,
    /// When accounts were closed, for the quota.
    #[serde(default)]
    pub closures: Vec<Millis>,
    /// The handshake of EnableAllFeatures that is under way.
    #[serde(default)]
    pub migration: Option<String>,
}

impl Organization {
    pub(crate) fn management(&self) -> AccountId {
        AccountId::new(self.management).unwrap_or_default()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResourcePolicy {
    /// `rp-…`
    pub id: String,
    pub content: String,
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unit {
    pub name: String,
    /// Of the root or of a unit.
    pub parent: String,
    pub node: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Active,
    PendingClosure,
    Suspended,
    /// For good: the days in which it could have been opened again are over.
    Closed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub name: String,
    pub email: String,
    pub status: Status,
    /// Whether an organization created it; else it was there and was invited, or is the management account.
    pub made_here: bool,
    /// When it was closed.
    #[serde(default)]
    pub closed: Option<Millis>,
    #[serde(default)]
    pub seat: Option<Seat>,
}

/// An account's place in an organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seat {
    pub organization: String,
    pub parent: String,
    pub node: Node,
    pub created: bool,
    pub joined: Millis,
    /// Delegated administration: since when, by service principal.
    #[serde(default)]
    pub delegations: BTreeMap<String, Millis>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub name: String,
    pub description: String,
    /// As on the wire: `SERVICE_CONTROL_POLICY`.
    pub kind: String,
    pub content: String,
    pub updated: Millis,
    #[serde(default)]
    pub tags: Tags,
}

/// A CreateAccount request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Creation {
    pub account: u64,
    pub name: String,
    pub email: String,
    pub role: String,
    pub tags: Tags,
    pub requested: Millis,
    #[serde(default)]
    pub completed: Option<Millis>,
    /// AWS's reason.
    #[serde(default)]
    pub failure: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Action {
    Invite,
    EnableAllFeatures,
    ApproveAllFeatures,
    /// That the sender pays for the recipient's organization.
    TransferResponsibility,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HandshakeState {
    Requested,
    Open,
    Canceled,
    Accepted,
    Declined,
    Expired,
}

impl HandshakeState {
    pub(crate) fn is_pending(self) -> bool {
        matches!(self, HandshakeState::Requested | HandshakeState::Open)
    }
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Party {
    Account(u64),
    Email(String),
    /// The organization itself: its management account is on both sides.
    Organization,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Handshake {
    pub organization: String,
    pub management: u64,
    pub management_email: String,
    pub management_name: String,
    pub all_features: bool,
    pub action: Action,
    pub party: Party,
    pub state: HandshakeState,
    pub requested: Millis,
    pub expires: Millis,
    /// When it came into its last state.
    #[serde(default)]
    pub ended: Option<Millis>,
    #[serde(default)]
    pub parent: Option<String>,
    #[serde(default)]
    pub notes: Option<String>,
    /// For the account, once it has joined.
    #[serde(default)]
    pub tags: Tags,
    /// What is agreed on, of a handshake that transfers responsibility.
    #[serde(default)]
    pub transfer: Option<TransferTerms>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TransferTerms {
    /// `rt-…`
    pub id: String,
    pub start: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TransferStatus {
    Requested,
    Declined,
    Canceled,
    Expired,
    Accepted,
    Withdrawn,
}

/// That one management account pays for the organization of another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transfer {
    pub name: String,
    /// Whose bill it is; who was asked, until somebody accepts.
    pub source: Party,
    /// The source's organization, once it has accepted.
    #[serde(default)]
    pub source_organization: Option<String>,
    /// Who pays, and of which organization.
    pub target: u64,
    pub target_email: String,
    pub target_organization: String,
    pub handshake: String,
    pub status: TransferStatus,
    /// The first instant of a month.
    pub start: Millis,
    /// The last instant of a month.
    #[serde(default)]
    pub end: Option<Millis>,
    /// By organization: each has tags of its own on what both see.
    #[serde(default)]
    pub tags: BTreeMap<String, Tags>,
}

impl Record for Organization {}
impl Record for Unit {}
impl Record for Account {}
impl Record for Policy {}
impl Record for Creation {}
impl Record for Handshake {}

impl Record for Transfer {
    const VERSION: u32 = 2;

    /// Of version 1: tags were the target's alone, in a list.
    fn migrate(version: u32, bytes: &[u8]) -> Result<Self, RecordError> {
        if version != 1 {
            return Err(RecordError(format!("nothing migrates schema version {version}")));
        }
        let mut old: serde_json::Value = serde_json::from_slice(bytes).map_err(RecordError::of)?;
        let tags = old.as_object_mut().and_then(|old| old.remove("tags")).unwrap_or_default();
        let mut transfer: Transfer = serde_json::from_value(old).map_err(RecordError::of)?;
        let tags: Option<Tags> = serde_json::from_value(tags).map_err(RecordError::of)?;
        if let Some(tags) = tags.filter(|tags| !tags.is_empty()) {
            transfer.tags.insert(transfer.target_organization.clone(), tags);
        }
        Ok(transfer)
    }
}

/// By `o-…`.
pub(crate) static ORGANIZATIONS: Table<String, Organization> = Table::new("organizations.organizations");
/// Every account that was ever in an organization.
pub(crate) static ACCOUNTS: Table<AccountId, Account> = Table::new("organizations.accounts");
/// The accounts of an organization.
pub(crate) static MEMBERS: Table<(String, AccountId), ()> = Table::new("organizations.members");
/// Which account has an e-mail address, in lower case; a CreateAccount under way has it too.
pub(crate) static EMAILS: Table<String, u64> = Table::new("organizations.emails");
/// Organization and unit.
pub(crate) static UNITS: Table<(String, String), Unit> = Table::new("organizations.units");
/// Organization and policy.
pub(crate) static POLICIES: Table<(String, String), Policy> = Table::new("organizations.policies");
/// Organization, policy and what it is attached to.
pub(crate) static ATTACHMENTS: Table<(String, String, String), ()> = Table::new("organizations.attachments");
/// Organization and request.
pub(crate) static CREATIONS: Table<(String, String), Creation> = Table::new("organizations.creations");
/// By `h-…`.
pub(crate) static HANDSHAKES: Table<String, Handshake> = Table::new("organizations.handshakes");
/// By `rt-…`.
pub(crate) static TRANSFERS: Table<String, Transfer> = Table::new("organizations.transfers");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_of_the_first_version() {
        let stored = |tags: &str| {
            format!(
                r#"{{"name":"n","source":{{"Account":222222222222}},"target":111111111111,"target_email":"a@b",
                "target_organization":"o-a","handshake":"h-a","status":"Accepted","start":1,"tags":{tags}}}"#
            )
        };
        let read = |tags: &str| Transfer::migrate(1, stored(tags).as_bytes());
        assert!(read("[]").unwrap().tags.is_empty());
        let tagged = read(r#"[["team","sky"]]"#).unwrap();
        assert_eq!(tagged.tags["o-a"], [("team".to_owned(), "sky".to_owned())]);
        assert!(Transfer::migrate(3, stored("[]").as_bytes()).is_err());
    }
}
