use std::sync::Arc;

use haneul_kit::directory::{NamedPolicy, PrincipalPolicies};
use haneul_kit::{Access, ApiError, Cx, Platform, Principal, Standing};
use haneul_policy::{Attached, Context, Inputs, Level, Request, decide};

use super::context::{self, Facts};
use super::denial::{self, Speaker};
use super::organization;

/// Asks the evaluator for every access that a call needs; all must be allowed.
///
/// # Errors
/// The denial of the first that is not, as the service words it.
pub async fn check(
    platform: &Platform,
    cx: &Cx,
    accesses: &[Access],
    speaker: &Speaker<'_>,
) -> Result<(), ApiError> {
    if accesses.is_empty() {
        return Ok(());
    }
    let directory = platform.directory();
    for access in accesses {
        directory.note_access(cx.caller(), access.action, cx.region().as_str(), cx.now());
    }
    let policies = directory.policies(cx.caller()).await?;
    let standing = platform.standing(cx.account()).await?;
    if accesses.iter().all(|access| is_roots_own(cx, &policies, standing.as_deref(), access)) {
        return Ok(());
    }
    let principal = context::principal(cx.caller());
    let own = Own::of(&policies);
    let scps = levels(organization::scps(cx.caller(), standing.as_deref()));
    let scps: Vec<Level<'_>> = scps.iter().map(Vec::as_slice).collect();
    for access in accesses {
        let facts = Facts { cx, principal: &principal, policies: &policies, access };
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
        let owner = owner(platform, cx, standing.as_ref(), access).await?;
        if organization::is_out_of_reach(cx.account(), access.resource_account, owner.as_deref()) {
            return Err(denial::of_closed_account(speaker, &request));
        }
        let rcps = levels(organization::rcps(cx.caller(), access.action, owner.as_deref()));
        let rcps: Vec<Level<'_>> = rcps.iter().map(Vec::as_slice).collect();
        let inputs = Inputs {
            identity: &own.identity,
            resource: &resource,
            resource_mode: access.resource_mode,
            boundary: own.boundary,
            session: own.session.as_deref(),
            scps: &scps,
            rcps: &rcps,
            ..Inputs::default()
        };
        let decision = decide(&request, &inputs);
        if !decision.is_allowed() {
            return Err(denial::error(speaker, platform, cx, &request, &decision));
        }
    }
    Ok(())
}

/// Where the account that owns the resource stands: mostly the caller's own.
async fn owner(
    platform: &Platform,
    cx: &Cx,
    own: Option<&Arc<Standing>>,
    access: &Access,
) -> Result<Option<Arc<Standing>>, ApiError> {
    match access.resource_account.filter(|account| *account != cx.account()) {
        Some(account) => platform.standing(account).await,
        None => Ok(own.cloned()),
    }
}

/// The root user may do all in its own account, unless its organization or the resource's policy says no: where there is
/// neither, nothing has to be evaluated.
fn is_roots_own(cx: &Cx, policies: &PrincipalPolicies, standing: Option<&Standing>, access: &Access) -> bool {
    matches!(cx.caller().principal, Principal::Root)
        && organization::scps(cx.caller(), standing).is_empty()
        && organization::rcps(cx.caller(), access.action, standing).is_empty()
        && policies.session.is_none()
        && policies.boundary.is_none()
        && access.resource_policy.is_none()
        && access.resource_mode == haneul_policy::ResourceMode::Union
        && access.resource_account.is_none_or(|account| account == cx.account())
}

/// A principal's policies in the evaluator's form.
struct Own<'a> {
    identity: Vec<Attached<'a>>,
    boundary: Option<Attached<'a>>,
    session: Option<Vec<Attached<'a>>>,
}

impl<'a> Own<'a> {
    fn of(policies: &'a PrincipalPolicies) -> Own<'a> {
        Own {
            identity: attached(&policies.identity),
            boundary: policies.boundary.as_ref().map(one),
            session: policies.session.as_deref().map(attached),
        }
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
