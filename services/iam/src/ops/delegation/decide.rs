use std::time::Duration;

use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, ApiError, Cx, Delegation, Handle, Principal, Result, Session, session_token};
use haneul_shape::Empty;

use super::{Default, is_self, must_be_ours};
use crate::error;
use crate::iam::Iam;
use crate::model::{DelegationRequest, DelegationState as State};

/// The longest session that a root user can accept.
const ROOT_HOURS_MAX: i32 = 4;

impl Handle<op::AssociateDelegationRequest> for Iam {
    async fn access(&self, cx: &Cx, input: &s::AssociateDelegationRequestRequest) -> Result<Vec<Access>> {
        let id = &input.delegation_request_id;
        self.on_delegation(cx, "iam:AssociateDelegationRequest", id, Default::Anybody).await
    }

    async fn call(&self, cx: &Cx, input: s::AssociateDelegationRequestRequest) -> Result<Empty> {
        let take = |request: &mut DelegationRequest| {
            request.owner_account = Some(cx.account().number());
            request.owner = Some(cx.caller().arn());
            Ok(None)
        };
        self.step(cx, &input.delegation_request_id, &[State::Unassigned], State::Assigned, take).await
    }
}

impl Handle<op::UpdateDelegationRequest> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UpdateDelegationRequestRequest) -> Result<Vec<Access>> {
        let id = &input.delegation_request_id;
        self.on_delegation(cx, "iam:UpdateDelegationRequest", id, Default::Owner).await
    }

    async fn call(&self, cx: &Cx, input: s::UpdateDelegationRequestRequest) -> Result<Empty> {
        let notes = input.notes;
        let update = |request: &mut DelegationRequest| {
            if notes.is_some() {
                request.notes.clone_from(&notes);
            }
            Ok(None)
        };
        let from = [State::Assigned, State::PendingApproval];
        self.step(cx, &input.delegation_request_id, &from, State::PendingApproval, update).await
    }
}

impl Handle<op::AcceptDelegationRequest> for Iam {
    async fn access(&self, cx: &Cx, input: &s::AcceptDelegationRequestRequest) -> Result<Vec<Access>> {
        let id = &input.delegation_request_id;
        self.on_delegation(cx, "iam:AcceptDelegationRequest", id, Default::Nobody).await
    }

    async fn call(&self, cx: &Cx, input: s::AcceptDelegationRequestRequest) -> Result<Empty> {
        let caller = cx.caller();
        if caller.is_delegate() {
            return Err(error::delegate_approves());
        }
        let kept = session_token::keep_approver(&self.platform.seal, caller);
        let accept = |request: &mut DelegationRequest| {
            self.must_be_partner(request)?;
            if caller.principal == Principal::Root && request.session_secs > ROOT_HOURS_MAX * 3600 {
                return Err(error::root_approves_long(ROOT_HOURS_MAX));
            }
            request.approver = Some(caller.arn());
            request.approved_as = Some(kept.clone());
            Ok(None)
        };
        let from = [State::Assigned, State::PendingApproval];
        self.step(cx, &input.delegation_request_id, &from, State::Accepted, accept).await
    }
}

impl Handle<op::RejectDelegationRequest> for Iam {
    async fn access(&self, cx: &Cx, input: &s::RejectDelegationRequestRequest) -> Result<Vec<Access>> {
        let id = &input.delegation_request_id;
        self.on_delegation(cx, "iam:RejectDelegationRequest", id, Default::Owner).await
    }

    async fn call(&self, cx: &Cx, input: s::RejectDelegationRequestRequest) -> Result<Empty> {
        let notes = input.notes;
        let reject = |request: &mut DelegationRequest| {
            request.rejection.clone_from(&notes);
            request.approved_as = None;
            Ok(None)
        };
        let from = [State::Assigned, State::PendingApproval, State::Accepted];
        self.step(cx, &input.delegation_request_id, &from, State::Rejected, reject).await
    }
}

impl Handle<op::SendDelegationToken> for Iam {
    async fn access(&self, cx: &Cx, input: &s::SendDelegationTokenRequest) -> Result<Vec<Access>> {
        let id = &input.delegation_request_id;
        self.on_delegation(cx, "iam:SendDelegationToken", id, Default::Owner).await
    }

    async fn call(&self, cx: &Cx, input: s::SendDelegationTokenRequest) -> Result<Empty> {
        let send = |request: &mut DelegationRequest| {
            self.must_be_partner(request)?;
            if request.only_send_by_owner && !request.owner.as_deref().is_some_and(|of| is_self(cx, of)) {
                return Err(error::only_the_owner_sends());
            }
            let token = self.exchange_token(cx, request)?;
            // It is in the notice now, and needed nowhere else.
            request.approved_as = None;
            Ok(Some(token))
        };
        self.step(cx, &input.delegation_request_id, &[State::Accepted], State::Finalized, send).await
    }
}

impl Iam {
    async fn step(
        &self,
        cx: &Cx,
        id: &str,
        from: &[State],
        to: State,
        change: impl Fn(&mut DelegationRequest) -> Result<Option<String>> + Send + Sync,
    ) -> Result<Empty> {
        let change = |request: &mut DelegationRequest| {
            must_be_ours(cx, request)?;
            change(request)
        };
        self.state.move_delegation(id, from, to, cx.now(), change).await?;
        self.notices.signal.wake();
        Ok(Empty)
    }

    /// Whoever the operator has removed is given nothing more.
    fn must_be_partner(&self, request: &DelegationRequest) -> Result<()> {
        match self.catalog.partner(request.requestor()) {
            Some(_) => Ok(()),
            None => Err(error::partner_is_gone(&request.requestor_name)),
        }
    }

    /// What the partner trades in at STS: whoever accepted, limited by the policy, from now on.
    fn exchange_token(&self, cx: &Cx, request: &DelegationRequest) -> Result<String> {
        let kept = request.approved_as.as_deref();
        let approver = kept.and_then(|kept| session_token::kept_approver(&self.platform.seal, kept));
        let mut approver = approver.ok_or_else(|| {
            ApiError::internal("who accepted a delegation request was sealed by another key")
        })?;
        let session = approver.session.take().unwrap_or_default();
        // Who revokes the sessions of a role up to a time means those that were accepted by them too.
        let had_session = session != Session::default();
        let issued_at = if had_session { session.issued_at } else { cx.now() };
        let secs = Duration::from_secs(u64::try_from(request.session_secs).unwrap_or(0));
        approver.session = Some(Session {
            issued_at,
            expires_at: cx.now() + secs,
            delegation: Some(Delegation { account: request.requestor(), policy: request.policy.clone() }),
            ..session
        });
        Ok(session_token::trade_in(&self.platform.seal, &approver))
    }
}
