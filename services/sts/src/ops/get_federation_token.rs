use haneul_kit::{Access, Arn, Caller, Cx, Handle, Principal, Result, Session};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use super::get_session_token::{ROOT_SECS_MAX, needs_long_lived};
use crate::session::{Limits, borrowed, expiry};
use crate::sts::{Sts, credentials};

/// Twelve hours; of the root user at most one.
const SECS_DEFAULT: i32 = 43_200;

impl Handle<op::GetFederationToken> for Sts {
    async fn access(&self, cx: &Cx, input: &s::GetFederationTokenRequest) -> Result<Vec<Access>> {
        needs_long_lived(cx, "GetFederationToken")?;
        let arn = Arn::global("sts", cx.account(), format_args!("federated-user/{}", input.name));
        let access = Access::on("sts:GetFederationToken", &arn).request_tags(borrowed(input.tags.as_ref()));
        if input.tags.as_ref().is_none_or(Vec::is_empty) {
            return Ok(vec![access]);
        }
        let tagging = Access { action: "sts:TagSession", ..access.clone() };
        Ok(vec![access, tagging])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetFederationTokenRequest,
    ) -> Result<s::GetFederationTokenResponse> {
        needs_long_lived(cx, "GetFederationToken")?;
        let account = cx.account();
        let limits =
            Limits::of_request(&self.platform, account, input.policy, input.policy_arns, input.tags).await?;
        let packed_policy_size = limits.packed_size()?;
        let issuer = cx.caller().principal.clone();
        let mut secs = input.duration_seconds.unwrap_or(SECS_DEFAULT);
        if issuer == Principal::Root {
            secs = secs.min(ROOT_SECS_MAX);
        }
        let session = Session {
            issued_at: cx.now(),
            expires_at: expiry(cx.now(), secs),
            policy: limits.policy,
            policy_arns: limits.policy_arns,
            tags: limits.tags,
            issuer: Some(Box::new(issuer)),
            default_regions_only: self.is_version_one(cx, account).await?,
            ..Session::default()
        };
        let principal = Principal::FederatedUser { name: input.name };
        let caller = Caller { account, principal, access_key_id: None, session: Some(session) };
        let user = s::FederatedUser { federated_user_id: caller.user_id(), arn: caller.arn() };
        let made = self.issue(caller, input.minimum_session_token_size);
        let size = made.session_token.len() as i32;
        Ok(s::GetFederationTokenResponse {
            credentials: Some(credentials(made)),
            federated_user: Some(user),
            packed_policy_size,
            session_token_utilization: None,
            session_token_size: Some(size),
        })
    }
}
