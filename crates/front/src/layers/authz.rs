use std::sync::Arc;

use haneul_kit::directory::{NamedPolicy, PrincipalPolicies};
use haneul_kit::{Access, ApiError, Cx, Platform, Principal, Standing, policy_principal};
use haneul_policy::{Attached, Context, Inputs, Level, Principal as PolicyPrincipal, Request, decide};

use super::context::{self, Facts};
use super::denial::{self, Speaker};
use super::organization;
use crate::decisions::{Decided, Decisions};

/// Asks the evaluator for every access that a call needs; all must be allowed. What was asked is remembered.
///
/// # Errors
/// The denial of the first that is not, as the service words it.
pub async fn check(
    platform: &Platform,
    decisions: &Decisions,
    cx: &Cx,
    accesses: Vec<Access>,
    speaker: &Speaker<'_>,
) -> Result<(), ApiError> {
    if accesses.is_empty() {
        return Ok(());
    }
    let accesses: Vec<Access> = accesses.into_iter().flat_map(Access::into_all).collect();
    let directory = platform.directory();
    for access in &accesses {
        directory.note_access(cx.caller(), access.action, cx.region().as_str(), cx.now());
    }
    let policies = directory.policies(cx.caller()).await?;
    let standing = platform.standing(cx.account()).await?;
    let mut decided = Decided { cx: cx.clone(), policies, standing, owners: Vec::new(), accesses };
    let result = ask(platform, &mut decided, speaker).await;
    decisions.keep(decided, result.is_ok());
    result
}

async fn ask(platform: &Platform, decided: &mut Decided, speaker: &Speaker<'_>) -> Result<(), ApiError> {
    if decided.accesses.iter().all(|access| is_roots_own(decided, access)) {
        return Ok(());
    }
    for at in 0..decided.accesses.len() {
        if let Some(owner) = owner(platform, decided, at).await? {
            decided.owners.push((at, owner));
        }
    }
    let case = Case::of(decided);
    for at in 0..decided.accesses.len() {
        let access = &decided.accesses[at];
        case.with(at, |request, inputs| {
            let owner = decided.owner(at);
            if organization::is_out_of_reach(decided.cx.account(), access.resource_account, owner) {
                return Err(denial::of_closed_account(speaker, request));
            }
            let decision = decide(request, inputs);
            if decision.is_allowed() {
                return Ok(());
            }
            let same_organization = organization::are_together(decided.standing.as_deref(), owner);
            Err(denial::error(speaker, platform, &decided.cx, access, request, &decision, same_organization))
        })?;
    }
    Ok(())
}

/// Where the account that owns a resource stands, when that is not the caller's own.
async fn owner(platform: &Platform, decided: &Decided, at: usize) -> Result<Option<Arc<Standing>>, ApiError> {
    let account = decided.accesses[at].resource_account;
    match account.filter(|account| *account != decided.cx.account()) {
        Some(account) => platform.standing(account).await,
        None => Ok(None),
    }
}

/// The root user may do all in its own account, unless its organization or the resource's policy says no: where there is
/// neither, nothing has to be evaluated.
fn is_roots_own(decided: &Decided, access: &Access) -> bool {
    let (cx, policies, standing) = (&decided.cx, &decided.policies, decided.standing.as_deref());
    matches!(cx.caller().principal, Principal::Root)
        && organization::scps(cx.caller(), standing).is_empty()
        && organization::rcps(cx.caller(), access.action, standing).is_empty()
        && policies.session.is_none()
        && policies.delegation.is_none()
        && policies.boundary.is_none()
        && access.resource_policy.is_none()
        && access.resource_mode == haneul_policy::ResourceMode::Union
        && access.federated.is_none()
        && access.resource_account.is_none_or(|account| account == cx.account())
}

/// A call's policies in the evaluator's form.
pub(crate) struct Case<'a> {
    decided: &'a Decided,
    principal: PolicyPrincipal,
    identity: Vec<Attached<'a>>,
    boundary: Option<Attached<'a>>,
    session: Option<Vec<Attached<'a>>>,
    delegation: Option<Attached<'a>>,
    scps: Vec<Vec<Attached<'a>>>,
}

impl<'a> Case<'a> {
    pub(crate) fn of(decided: &'a Decided) -> Case<'a> {
        let policies: &PrincipalPolicies = &decided.policies;
        Case {
            decided,
            principal: policy_principal(decided.cx.caller()),
            identity: attached(&policies.identity),
            boundary: policies.boundary.as_ref().map(one),
            session: policies.session.as_deref().map(attached),
            delegation: policies.delegation.as_ref().map(one),
            scps: levels(organization::scps(decided.cx.caller(), decided.standing.as_deref())),
        }
    }

    /// Hands over what decides on the access at this position.
    pub(crate) fn with<R>(&self, at: usize, run: impl FnOnce(&Request<'_>, &Inputs<'_>) -> R) -> R {
        let Decided { cx, policies, standing, accesses, .. } = self.decided;
        let (access, owner) = (&accesses[at], self.decided.owner(at));
        let principal = context::principal_of(cx, access, &self.principal);
        let standing = standing.as_deref();
        let facts = Facts { cx, principal: &principal, policies, access, standing, owner };
        let context = Context::of(&facts);
        let resource_account = access.resource_account.map(|account| account.to_string());
        let request = Request {
            principal: &principal,
            action: access.action,
            resource: &access.resource,
            resource_account: resource_account.as_deref(),
            context: &context,
        };
        let resource: Vec<Attached<'_>> = access
            .resource_policy
            .iter()
            .map(|policy| Attached { name: "resource policy", arn: None, policy })
            .collect();
        let rcps = levels(organization::rcps(cx.caller(), access.action, owner));
        let rcps: Vec<Level<'_>> = rcps.iter().map(Vec::as_slice).collect();
        let mut inputs = Inputs {
            resource: &resource,
            resource_mode: access.resource_mode,
            rcps: &rcps,
            ..Inputs::default()
        };
        if access.federated.is_some() {
            // Who an identity provider vouches for is nobody's principal yet.
            return run(&request, &inputs);
        }
        let scps: Vec<Level<'_>> = self.scps.iter().map(Vec::as_slice).collect();
        inputs.identity = &self.identity;
        inputs.boundary = self.boundary;
        inputs.session = self.session.as_deref();
        inputs.delegation = self.delegation;
        inputs.scps = &scps;
        run(&request, &inputs)
    }
}

fn levels(levels: &[Vec<NamedPolicy>]) -> Vec<Vec<Attached<'_>>> {
    levels.iter().map(|level| attached(level)).collect()
}

fn attached(policies: &[NamedPolicy]) -> Vec<Attached<'_>> {
    policies.iter().map(one).collect()
}

fn one(named: &NamedPolicy) -> Attached<'_> {
    let arn = named.name.starts_with("arn:").then_some(named.name.as_str());
    Attached { name: &named.name, arn, policy: &named.policy }
}
