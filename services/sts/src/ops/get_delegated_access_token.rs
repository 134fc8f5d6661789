use haneul_kit::session_token::{self, TokenError};
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use crate::error;
use crate::session::Limits;
use crate::sts::{Sts, credentials};

impl Handle<op::GetDelegatedAccessToken> for Sts {
    async fn access(&self, _: &Cx, _: &s::GetDelegatedAccessTokenRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("sts:GetDelegatedAccessToken")])
    }

    /// The token is of IAM's SendDelegationToken and has all in it: whose permissions, how far, for whom, until when.
    async fn call(
        &self,
        cx: &Cx,
        input: s::GetDelegatedAccessTokenRequest,
    ) -> Result<s::GetDelegatedAccessTokenResponse> {
        let opened = session_token::open_trade_in(&self.platform.seal, &input.trade_in_token, cx.now());
        let caller = opened.map_err(|problem| match problem {
            TokenError::Expired => error::trade_in_expired(),
            TokenError::Invalid => error::trade_in_invalid(),
        })?;
        let delegation = caller.session.as_ref().and_then(|session| session.delegation.as_ref());
        let delegation = delegation.ok_or_else(error::trade_in_invalid)?;
        // It is good in the hands of the partner only, so that it may travel over queues. Who acts for the partner for a
        // while is not the partner.
        if delegation.account != cx.account() || cx.caller().is_delegate() {
            return Err(error::trade_in_invalid());
        }
        let limits = Limits { policy: Some(delegation.policy.clone()), ..Limits::default() };
        let packed_policy_size = limits.packed_size()?;
        let assumed = match caller.role_arn() {
            Some(role) => role.to_string(),
            None => caller.arn(),
        };
        // As it was sent, `aws:TokenIssueTime` and all: whoever revokes older sessions means all that come of it.
        let made = self.issue(caller, None);
        Ok(s::GetDelegatedAccessTokenResponse {
            credentials: Some(credentials(made)),
            packed_policy_size,
            assumed_principal: Some(assumed),
        })
    }
}
