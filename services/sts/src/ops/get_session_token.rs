use haneul_kit::{Access, Caller, Cx, Handle, Principal, Result, Session};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use crate::error;
use crate::session::expiry;
use crate::sts::{Sts, credentials};

/// Twelve hours; of the root user at most one.
const SECS_DEFAULT: i32 = 43_200;
pub(super) const ROOT_SECS_MAX: i32 = 3600;

impl Handle<op::GetSessionToken> for Sts {
    /// None: users may always get a session of their own.
    async fn access(&self, cx: &Cx, input: &s::GetSessionTokenRequest) -> Result<Vec<Access>> {
        needs_long_lived(cx, "GetSessionToken")?;
        self.check_mfa(cx, input.serial_number.as_deref(), input.token_code.as_deref()).await?;
        Ok(Vec::new())
    }

    async fn call(&self, cx: &Cx, input: s::GetSessionTokenRequest) -> Result<s::GetSessionTokenResponse> {
        needs_long_lived(cx, "GetSessionToken")?;
        let principal = cx.caller().principal.clone();
        let mut secs = input.duration_seconds.unwrap_or(SECS_DEFAULT);
        if principal == Principal::Root {
            secs = secs.min(ROOT_SECS_MAX);
        }
        let session = Session {
            issued_at: cx.now(),
            expires_at: expiry(cx.now(), secs),
            issuer: Some(Box::new(principal.clone())),
            // The code was found good when access was decided.
            mfa_at: input.serial_number.is_some().then(|| cx.now()),
            default_regions_only: self.is_version_one(cx, cx.account()).await?,
            ..Session::default()
        };
        let caller = Caller { account: cx.account(), principal, access_key_id: None, session: Some(session) };
        let made = self.issue(caller, input.minimum_session_token_size);
        let size = made.session_token.len() as i32;
        Ok(s::GetSessionTokenResponse {
            credentials: Some(credentials(made)),
            session_token_utilization: None,
            session_token_size: Some(size),
        })
    }
}

/// Refuses all but the long-lived credentials of a user or the root user.
pub(super) fn needs_long_lived(cx: &Cx, operation: &str) -> Result<()> {
    if cx.caller().session.is_some() {
        return Err(error::session_calls(operation));
    }
    match cx.caller().principal {
        Principal::User { .. } | Principal::Root => Ok(()),
        _ => Err(error::not_a_user(operation)),
    }
}
