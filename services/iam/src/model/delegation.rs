//! What partners ask accounts for. Source: IAM User Guide, "Understanding the Request Lifecycle".

use std::time::Duration;

use haneul_iam_wire::values::state_type as wire;
use haneul_kit::{AccountId, Arn, Instant};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

use super::Millis;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long a request stays in the state that it has.
const UNASSIGNED_FOR: Duration = DAY;
const ANY_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long an expired request can still be looked at.
const EXPIRED_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DelegationState {
    Unassigned,
    Assigned,
    PendingApproval,
    Accepted,
    Finalized,
    Rejected,
    /// Never kept: the clock says it.
    Expired,
}

impl DelegationState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            DelegationState::Unassigned => wire::UNASSIGNED,
            DelegationState::Assigned => wire::ASSIGNED,
            DelegationState::PendingApproval => wire::PENDING_APPROVAL,
            DelegationState::Accepted => wire::ACCEPTED,
            DelegationState::Finalized => wire::FINALIZED,
            DelegationState::Rejected => wire::REJECTED,
            DelegationState::Expired => wire::EXPIRED,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DelegationRequest {
    pub id: String,
    /// The partner's account.
    pub requestor: u64,
    pub requestor_name: String,
    pub workflow_id: String,
    #[serde(default)]
    pub owner_account: Option<u64>,
    /// The ARN of who took it.
    #[serde(default)]
    pub owner: Option<String>,
    /// The ARN of who accepted it.
    #[serde(default)]
    pub approver: Option<String>,
    /// Who accepted it, sealed: whose permissions the credentials will have.
    #[serde(default)]
    pub approved_as: Option<String>,
    pub description: String,
    #[serde(default)]
    pub message: Option<String>,
    pub template: String,
    #[serde(default)]
    pub parameters: Vec<DelegationParameter>,
    /// The template with the parameters in it.
    pub policy: String,
    /// ARNs of the boundaries that it demands of roles.
    #[serde(default)]
    pub boundaries: Vec<String>,
    #[serde(default)]
    pub redirect_url: Option<String>,
    pub channel: String,
    pub session_secs: i32,
    #[serde(default)]
    pub only_send_by_owner: bool,
    pub state: DelegationState,
    pub created: Millis,
    /// When it came into its state.
    pub changed: Millis,
    #[serde(default)]
    pub notes: Option<String>,
    #[serde(default)]
    pub rejection: Option<String>,
    /// How often it changed: numbers the notices.
    #[serde(default)]
    pub changes: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DelegationParameter {
    pub name: String,
    pub values: Vec<String>,
    pub kind: String,
}

impl DelegationRequest {
    pub(crate) fn expires(&self) -> Instant {
        let stays = if self.state == DelegationState::Unassigned { UNASSIGNED_FOR } else { ANY_FOR };
        Instant::from(self.changed) + stays
    }

    pub(crate) fn state(&self, now: Instant) -> DelegationState {
        if now < self.expires() { self.state } else { DelegationState::Expired }
    }

    /// When nobody can look at it any more.
    pub(crate) fn gone(&self) -> Instant {
        self.expires() + EXPIRED_KEPT
    }

    pub(crate) fn requestor(&self) -> AccountId {
        AccountId::new(self.requestor).unwrap_or_default()
    }

    pub(crate) fn owner_account(&self) -> Option<AccountId> {
        self.owner_account.and_then(AccountId::new)
    }

    /// As `account` names it, as long as nobody owns it.
    pub(crate) fn arn(&self, account: AccountId) -> Arn {
        delegation_arn(self.owner_account().unwrap_or(account), &self.id)
    }
}

pub(crate) fn delegation_arn(account: AccountId, id: &str) -> Arn {
    Arn::global("iam", account, format_args!("delegation-request/{id}"))
}

/// News of a request on its way to the partner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub partner: u64,
    /// The ARN of a queue.
    pub channel: String,
    pub source: String,
    pub body: String,
    pub made: Millis,
    pub due: Millis,
    #[serde(default)]
    pub attempts: u32,
}

/// A boundary that a partner registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartnerPolicy {
    /// `ANPA…`
    pub id: String,
    pub document: String,
    pub created: Millis,
}

impl Record for DelegationRequest {}
impl Record for Notice {}
impl Record for PartnerPolicy {}

pub(crate) static DELEGATIONS: Table<String, DelegationRequest> = Table::new("iam.delegations");
/// The id of a request by the partner's account and workflow id.
pub(crate) static DELEGATION_WORKFLOWS: Table<(AccountId, String), String> =
    Table::new("iam.delegation-workflows");
/// Requests that somebody of an account owns, by account and id.
pub(crate) static DELEGATION_OWNERS: Table<(AccountId, String), ()> = Table::new("iam.delegation-owners");
/// By the request's id and its number.
pub(crate) static DELEGATION_NOTICES: Table<(String, u32), Notice> = Table::new("iam.delegation-notices");
/// By ARN.
pub(crate) static PARTNER_POLICIES: Table<String, PartnerPolicy> = Table::new("iam.partner-policies");
