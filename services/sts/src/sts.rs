use std::sync::Arc;

use haneul_kit::session_token::{self, Credentials};
use haneul_kit::{AccountId, Arn, Caller, Cx, Platform, Principal, Result, Role, Session};
use haneul_sts_wire::shapes as s;

use crate::error;
use crate::oidc::issuer::Issuers;
use crate::store::State;

/// The state of the service: the keys of identity providers, for a while, and our own. Sessions are in their tokens.
pub struct Sts {
    pub(crate) platform: Platform,
    pub(crate) issuers: Issuers,
    pub(crate) state: State,
}

impl Sts {
    /// Credentials for `caller`, whose session says until when.
    pub(crate) fn issue(&self, caller: Caller, size_min: Option<i32>) -> Credentials {
        let size_min = usize::try_from(size_min.unwrap_or(0)).unwrap_or(0);
        session_token::issue_of_size(&self.platform.seal, &self.platform.env.rng, caller, size_min)
    }

    /// The role of that ARN, path and all.
    pub(crate) async fn role(&self, arn: &Arn) -> Result<Option<Arc<Role>>> {
        let Some(account) = arn.account_id() else { return Ok(None) };
        let name = arn.resource().rsplit('/').next().unwrap_or_default();
        let role = self.platform.directory().role(account, name).await?;
        Ok(role.filter(|role| role.arn() == *arn))
    }

    /// Credentials of a role, and whom they make of their holder.
    pub(crate) fn role_session(
        &self,
        role: &Role,
        session_name: String,
        session: Session,
        size_min: Option<i32>,
    ) -> (Credentials, s::AssumedRoleUser) {
        let principal = Principal::Role {
            path: role.path.clone(),
            name: role.name.clone(),
            id: role.id.clone(),
            session_name,
        };
        let caller = Caller { account: role.account, principal, access_key_id: None, session: Some(session) };
        let user = s::AssumedRoleUser { assumed_role_id: caller.user_id(), arn: caller.arn() };
        (self.issue(caller, size_min), user)
    }

    /// Whether sessions that this call makes are of version 1: the global endpoint's, unless the account wants the other
    /// (IAM's SetSecurityTokenServicePreferences). Source: IAM User Guide, "Manage AWS STS in an AWS Region".
    pub(crate) async fn is_version_one(&self, cx: &Cx, account: AccountId) -> Result<bool> {
        Ok(is_global_endpoint(cx) && !self.platform.directory().global_tokens_v2(account).await?)
    }

    /// Whether a second factor was shown, which must then be good. The code is used up by this, so it is asked once a
    /// call: when access is decided, which it takes part in.
    pub(crate) async fn check_mfa(&self, cx: &Cx, serial: Option<&str>, code: Option<&str>) -> Result<bool> {
        let (serial, code) = match (serial, code) {
            (None, None) => return Ok(false),
            (Some(serial), Some(code)) => (serial, code),
            _ => return Err(error::mfa_is_half()),
        };
        if !matches!(cx.caller().principal, Principal::User { .. } | Principal::Root) {
            return Err(error::mfa_device());
        }
        let good = self.platform.directory().verify_mfa(cx.caller(), serial, code).await?;
        if good { Ok(true) } else { Err(error::mfa_code()) }
    }
}

/// Whether a call came to the global endpoint, `sts.amazonaws.com`: by its name, which no Region is in.
pub(crate) fn is_global_endpoint(cx: &Cx) -> bool {
    let host = cx.http().and_then(|http| http.host()).unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    GLOBAL_ENDPOINTS.iter().any(|global| name.eq_ignore_ascii_case(global))
}

const GLOBAL_ENDPOINTS: [&str; 2] = ["sts.amazonaws.com", "sts.localhost"];

/// Reads the ARN of a role.
pub(crate) fn role_arn(text: &str) -> Result<Arn> {
    let arn = Arn::parse(text).map_err(|_| error::role_arn(text))?;
    let is_role = arn.service() == "iam" && arn.account_id().is_some() && arn.resource().starts_with("role/");
    if is_role { Ok(arn) } else { Err(error::role_arn(text)) }
}

/// As [`role_arn`], in the words of the operations for who comes with an assertion.
pub(crate) fn role_arn_of_request(text: &str) -> Result<Arn> {
    role_arn(text).map_err(|_| error::request_arn())
}

pub(crate) fn credentials(made: Credentials) -> s::Credentials {
    s::Credentials {
        access_key_id: made.access_key_id,
        secret_access_key: made.secret_access_key,
        session_token: made.session_token,
        expiration: made.expiration,
    }
}
