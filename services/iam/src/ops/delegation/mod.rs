//! Delegation requests: partners ask ([`create`]), somebody of an account takes, forwards, accepts, rejects and sends
//! ([`decide`]), and looks ([`look`]). Source of who may do what: IAM User Guide, "Managing Permissions for Delegation
//! Requests", and the pages of the operations.

mod create;
mod decide;
mod look;

use std::sync::{Arc, LazyLock};

use haneul_kit::{Access, Cx, Policy, Principal, Result};
use haneul_policy::Rules;

use crate::error;
use crate::iam::Iam;
use crate::model::DelegationRequest;

/// What nobody has to be given in a policy of their own; whom it is for, [`Iam::on_delegation`] decides.
static DEFAULT_PERMISSION: LazyLock<Arc<Policy>> = LazyLock::new(|| {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"iam:*","Resource":"*"}]}"#;
    Arc::new(Policy::parse(text, &Rules::RESOURCE).expect("it is a policy"))
});

/// Who has the permission for an operation by default.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Default {
    /// Whoever owns the request.
    Owner,
    /// As long as nobody owns it, whoever may come to; then the owner.
    Anybody,
    Nobody,
}

impl Iam {
    async fn on_delegation(
        &self,
        cx: &Cx,
        action: &'static str,
        id: &str,
        default: Default,
    ) -> Result<Vec<Access>> {
        Iam::gate(cx)?;
        let request = self.state.delegation(id, cx.now()).await?;
        Ok(vec![on_request(cx, action, &request, default)])
    }
}

fn on_request(cx: &Cx, action: &'static str, request: &DelegationRequest, default: Default) -> Access {
    let access = Access::on(action, &request.arn(cx.account()));
    let given = match &request.owner {
        _ if default == Default::Nobody => false,
        Some(owner) => is_self(cx, owner),
        None => default == Default::Anybody && request.owner_account().is_none_or(|of| of == cx.account()),
    };
    let access = access.with_policy(given.then(|| DEFAULT_PERMISSION.clone()));
    match &request.owner {
        Some(owner) => access.key("iam:DelegationRequestOwner", owner.as_str()),
        None => access,
    }
}

/// Somebody of another account may have taken the request since access was decided.
///
/// # Errors
/// That there is no such request.
fn must_be_ours(cx: &Cx, request: &DelegationRequest) -> Result<()> {
    match request.owner_account() {
        Some(owner) if owner != cx.account() => Err(error::no_such_delegation(&request.id)),
        _ => Ok(()),
    }
}

/// Whether the caller is the identity with this ARN, and not somebody who acts for it.
fn is_self(cx: &Cx, arn: &str) -> bool {
    let caller = cx.caller();
    let is_identity = !matches!(caller.principal, Principal::Service { .. } | Principal::Anonymous);
    is_identity && !caller.is_delegate() && caller.arn() == arn
}
