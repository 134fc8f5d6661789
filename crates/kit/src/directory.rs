use std::sync::Arc;

use haneul_base::{AccountId, Arn, Instant};
use haneul_bus::Caller;
use haneul_policy::Policy;

use crate::{BoxFuture, Result};

/// Who exists and what they may do: IAM's data as the front door and STS see it. The IAM service implements it.
///
/// It is on the path of every request: answers come from memory that is dropped when IAM's tables change.
pub trait Directory: Send + Sync + 'static {
    /// The access key with this id, active or not. Not for temporary keys (`ASIA…`): those live in their session token.
    fn access_key<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Arc<AccessKey>>>>;

    /// Every policy that bounds what `caller` may do, compiled. Empty for root, services and the anonymous.
    fn policies<'a>(&'a self, caller: &'a Caller) -> BoxFuture<'a, Result<Arc<PrincipalPolicies>>>;

    fn role<'a>(&'a self, account: AccountId, name: &'a str) -> BoxFuture<'a, Result<Option<Arc<Role>>>>;

    /// A managed policy by its ARN, in its default version; AWS's own too.
    fn managed_policy<'a>(&'a self, arn: &'a Arn) -> BoxFuture<'a, Result<Option<Arc<Policy>>>>;

    /// Notes that a key or role was used, for GetAccessKeyLastUsed and RoleLastUsed. Must not block.
    fn note_use(&self, caller: &Caller, service: &'static str, region: &'static str, at: Instant);
}

/// A long-lived access key.
#[derive(Clone, Debug)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
    pub active: bool,
    /// A user or the root user of an account.
    pub caller: Caller,
}

/// What bounds a principal, ready for the evaluator.
#[derive(Clone, Debug, Default)]
pub struct PrincipalPolicies {
    /// Inline and attached policies of the user, its groups or the role, each with its ARN or name for the explanation.
    pub identity: Vec<NamedPolicy>,
    pub boundary: Option<NamedPolicy>,
    /// Session policies; `None` when the session was made without any, which is not the same as with none that allow.
    pub session: Option<Vec<NamedPolicy>>,
    /// Service control policies, one list for each level from the root down to the account.
    pub scp_levels: Vec<Vec<NamedPolicy>>,
    /// `aws:PrincipalTag/…`: the tags of the user or role, overlaid by the session's.
    pub tags: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct NamedPolicy {
    /// The ARN of a managed policy, or the name of an inline one.
    pub name: String,
    pub policy: Arc<Policy>,
}

/// A role, as AssumeRole needs it.
#[derive(Clone, Debug)]
pub struct Role {
    pub account: AccountId,
    pub path: String,
    pub name: String,
    /// `AROA…`
    pub id: String,
    pub trust_policy: Arc<Policy>,
    pub max_session_duration_secs: u32,
    pub tags: Vec<(String, String)>,
}

impl Role {
    pub fn arn(&self) -> Arn {
        Arn::global("iam", self.account, format_args!("role{}{}", self.path, self.name))
    }
}
