use std::time::Duration;

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use crate::error;
use crate::model::{Algorithm, SigningKey};
use crate::outbound::claims::{self, Wanted};
use crate::outbound::keys::{self, Signer};
use crate::session::{borrowed, check_tags};
use crate::store::current;
use crate::sts::{Sts, is_global_endpoint};

const SECS_DEFAULT: i32 = 300;
/// Of the claims, in bytes. AWS has such a limit and does not say which.
const PAYLOAD_BYTES_MAX: usize = 8192;

impl Handle<op::GetWebIdentityToken> for Sts {
    async fn access(&self, _: &Cx, input: &s::GetWebIdentityTokenRequest) -> Result<Vec<Access>> {
        let access = Access::to("sts:GetWebIdentityToken")
            .key("sts:DurationSeconds", secs(input).to_string())
            .keys("sts:IdentityTokenAudience", input.audience.clone())
            .key("sts:SigningAlgorithm", input.signing_algorithm.as_str())
            .request_tags(borrowed(input.tags.as_ref()));
        if input.tags.as_ref().is_none_or(Vec::is_empty) {
            return Ok(vec![access]);
        }
        let tagging = Access::to("sts:TagGetWebIdentityToken").request_tags(borrowed(input.tags.as_ref()));
        Ok(vec![access, tagging])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetWebIdentityTokenRequest,
    ) -> Result<s::GetWebIdentityTokenResponse> {
        if is_global_endpoint(cx) {
            return Err(error::not_at_the_global_endpoint("GetWebIdentityToken"));
        }
        // The token would tell others nothing of what the delegate's session is limited to.
        if cx.caller().is_delegate() {
            return Err(error::not_authorized("sts:GetWebIdentityToken"));
        }
        let algorithm = Algorithm::named(&input.signing_algorithm);
        let algorithm = algorithm.ok_or_else(|| error::signing_algorithm(&input.signing_algorithm))?;
        let expires_at = cx.now() + Duration::from_secs(secs(&input).unsigned_abs().into());
        if cx.caller().session.as_ref().is_some_and(|session| session.expires_at < expires_at) {
            return Err(error::session_escalation());
        }
        let tags: Vec<(String, String)> =
            input.tags.into_iter().flatten().map(|tag| (tag.key, tag.value)).collect();
        check_tags(&tags)?;
        let issuer = self.platform.directory().outbound_issuer(cx.account()).await?;
        let issuer = issuer.ok_or_else(error::outbound_disabled)?;
        let standing = self.platform.standing(cx.account()).await?;
        let membership = standing.as_ref().and_then(|standing| standing.membership.as_ref());
        let principal = self.platform.directory().policies(cx.caller()).await?;
        let wanted = Wanted {
            issuer: &issuer,
            audiences: &input.audience,
            token_id: self.platform.env.rng.uuid(),
            expires_at,
            tags: &tags,
        };
        let claims = claims::of(cx, membership, &principal.tags, &wanted);
        if claims.to_string().len() > PAYLOAD_BYTES_MAX {
            return Err(error::payload_size());
        }
        let key = self.signing_key(&issuer, algorithm).await?;
        let token = Signer::open(&self.platform.seal, &key)?.token(&claims)?;
        Ok(s::GetWebIdentityTokenResponse { web_identity_token: Some(token), expiration: Some(expires_at) })
    }
}

fn secs(input: &s::GetWebIdentityTokenRequest) -> i32 {
    input.duration_seconds.unwrap_or(SECS_DEFAULT)
}

impl Sts {
    /// The key of an issuer that signs by `algorithm` now; made when there is none.
    async fn signing_key(&self, issuer: &str, algorithm: Algorithm) -> Result<SigningKey> {
        let now = self.platform.env.now();
        let all = self.state.signing_keys(issuer).await?;
        if let Some(key) = current(&all, algorithm, now) {
            return Ok(key.clone());
        }
        let new = keys::generate(&self.platform.env, &self.platform.seal, algorithm).await?;
        let all = self.state.add_signing_key(issuer, &new, now).await?;
        Ok(current(&all, algorithm, now).cloned().unwrap_or(new))
    }

    /// The keys whose tokens may be good, with one for each algorithm that signs now.
    pub(crate) async fn shown_keys(&self, issuer: &str) -> Result<Vec<SigningKey>> {
        for algorithm in Algorithm::ALL {
            self.signing_key(issuer, algorithm).await?;
        }
        let now = self.platform.env.now();
        let mut all = self.state.signing_keys(issuer).await?;
        all.retain(|key| keys::is_shown(key, now));
        Ok(all)
    }
}
