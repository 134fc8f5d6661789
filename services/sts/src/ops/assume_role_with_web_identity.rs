use std::sync::Arc;

use haneul_kit::{Access, AccountId, Arn, Cx, Handle, OidcProvider, Result};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use super::federated::{Assumed, Holder, Wanted};
use crate::error;
use crate::oidc::{Claims, Token, TokenError};
use crate::sts::{Sts, credentials, role_arn_of_request};

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
const SECS_DEFAULT: i32 = 3600;

impl Handle<op::AssumeRoleWithWebIdentity> for Sts {
    async fn access(&self, cx: &Cx, input: &s::AssumeRoleWithWebIdentityRequest) -> Result<Vec<Access>> {
        let arn = role_arn_of_request(&input.role_arn)?;
        let (provider, claims) = self.web_identity(cx, &arn, input).await?;
        let role = self.role(&arn).await?;
        Ok(holder(&provider, &claims, &input.role_session_name).accesses(ACTION, &arn, role.as_ref()))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::AssumeRoleWithWebIdentityRequest,
    ) -> Result<s::AssumeRoleWithWebIdentityResponse> {
        let arn = role_arn_of_request(&input.role_arn)?;
        // Verified when access was decided; the issuer's keys are still there.
        let (provider, claims) = self.web_identity(cx, &arn, &input).await?;
        let role = self.role(&arn).await?.ok_or_else(|| error::not_authorized(ACTION))?;
        let wanted = Wanted {
            policy: input.policy,
            policy_arns: input.policy_arns,
            secs: input.duration_seconds.unwrap_or(SECS_DEFAULT),
            secs_max: None,
            size_min: input.minimum_session_token_size,
        };
        let holder = holder(&provider, &claims, &input.role_session_name);
        let Assumed { credentials: made, user, packed_policy_size } =
            self.assume_federated(cx, &role, holder, wanted).await?;
        let size = made.session_token.len() as i32;
        Ok(s::AssumeRoleWithWebIdentityResponse {
            credentials: Some(credentials(made)),
            subject_from_web_identity_token: Some(claims.subject),
            assumed_role_user: Some(user),
            packed_policy_size,
            provider: Some(provider.arn.to_string()),
            audience: Some(claims.audience),
            source_identity: claims.source_identity,
            session_token_utilization: None,
            session_token_size: Some(size),
        })
    }
}

impl Sts {
    /// The provider of the role's account that issued the token, and what the token then says.
    async fn web_identity(
        &self,
        cx: &Cx,
        role_arn: &Arn,
        input: &s::AssumeRoleWithWebIdentityRequest,
    ) -> Result<(Arc<OidcProvider>, Claims)> {
        if input.provider_id.is_some() {
            return Err(error::provider_id());
        }
        let token = Token::parse(&input.web_identity_token).map_err(error::web_identity)?;
        let no_issuer = || error::web_identity(TokenError::Invalid("Missing a required claim: iss"));
        let issuer = token.issuer().ok_or_else(no_issuer)?.to_owned();
        if self.is_own_issuer(&issuer).await? {
            return Err(error::own_issuer());
        }
        let account = role_arn.account_id().ok_or_else(error::request_arn)?;
        let provider = self.oidc_provider(account, &issuer).await?;
        let provider = provider.ok_or_else(|| error::no_oidc_provider(&issuer))?;
        let keys = self.issuers.keys(&provider, token.key_id.as_deref()).await.map_err(error::issuer_keys)?;
        let claims = token.verify(&keys, &issuer, &provider.client_ids, cx.now());
        Ok((provider, claims.map_err(error::web_identity)?))
    }

    /// Whether tokens of this issuer are made by GetWebIdentityToken, which AWS itself does not take.
    async fn is_own_issuer(&self, issuer: &str) -> Result<bool> {
        let Some((_, place)) = issuer.split_once("://") else { return Ok(false) };
        let last = place.rsplit('/').next().unwrap_or_default();
        let id = last.split('.').next().unwrap_or_default();
        let known = self.platform.directory().outbound_issuer_of(id).await?;
        Ok(known.is_some_and(|known| known == issuer))
    }

    /// A provider is known by its URL without the scheme. The token's issuer must be the URL as it was registered, but for
    /// a slash at its end.
    async fn oidc_provider(&self, account: AccountId, issuer: &str) -> Result<Option<Arc<OidcProvider>>> {
        let Some((_, place)) = issuer.split_once("://") else { return Ok(None) };
        let bare = place.trim_end_matches('/');
        for place in [bare.to_owned(), format!("{bare}/")] {
            let Ok(arn) = Arn::parse(&format!("arn:aws:iam::{account}:oidc-provider/{place}")) else {
                continue;
            };
            let found = self.platform.directory().oidc_provider(&arn).await?;
            let is_it = |provider: &Arc<OidcProvider>| {
                provider.url.trim_end_matches('/') == issuer.trim_end_matches('/')
            };
            if let Some(provider) = found.filter(is_it) {
                return Ok(Some(provider));
            }
        }
        Ok(None)
    }
}

/// IAM User Guide, "Available keys for AWS OIDC federation": all but `oaud` stay with the session.
fn holder(provider: &OidcProvider, claims: &Claims, session_name: &str) -> Holder {
    let issuer =
        provider.url.split_once("://").map_or(&*provider.url, |(_, place)| place).trim_end_matches('/');
    let mut kept = vec![
        (format!("{issuer}:aud"), vec![claims.audience.clone()]),
        (format!("{issuer}:sub"), vec![claims.subject.clone()]),
    ];
    if !claims.methods.is_empty() {
        kept.push((format!("{issuer}:amr"), claims.methods.clone()));
    }
    let mut keys = kept.clone();
    keys.push((format!("{issuer}:oaud"), claims.audiences.clone()));
    Holder {
        provider: provider.arn.to_string(),
        session_name: session_name.to_owned(),
        source_identity: claims.source_identity.clone(),
        tags: claims.tags.clone(),
        transitive_tag_keys: claims.transitive_tag_keys.clone(),
        keys,
        kept,
    }
}
