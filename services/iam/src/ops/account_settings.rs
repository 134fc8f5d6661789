use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::global_endpoint_token_version as token;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::error;
use crate::iam::Iam;

impl Handle<op::SetSecurityTokenServicePreferences> for Iam {
    async fn access(&self, cx: &Cx, _: &s::SetSecurityTokenServicePreferencesRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:SetSecurityTokenServicePreferences")
    }

    async fn call(&self, cx: &Cx, input: s::SetSecurityTokenServicePreferencesRequest) -> Result<Empty> {
        let is_v2 = input.global_endpoint_token_version == token::V2_TOKEN;
        self.state
            .change_account(cx.account(), |account| {
                account.global_token_v2 = is_v2;
                Ok(())
            })
            .await?;
        Ok(Empty)
    }
}

impl Handle<op::EnableOutboundWebIdentityFederation> for Iam {
    async fn access(&self, cx: &Cx, _: &Empty) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:EnableOutboundWebIdentityFederation")
    }

    async fn call(&self, cx: &Cx, _: Empty) -> Result<s::EnableOutboundWebIdentityFederationResponse> {
        let id = self.platform.env.rng.uuid();
        let issuer = self.state.enable_outbound(cx.account(), (&id, &issuer(cx, &id))).await?;
        Ok(s::EnableOutboundWebIdentityFederationResponse { issuer_identifier: Some(issuer) })
    }
}

impl Handle<op::DisableOutboundWebIdentityFederation> for Iam {
    async fn access(&self, cx: &Cx, _: &Empty) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:DisableOutboundWebIdentityFederation")
    }

    async fn call(&self, cx: &Cx, _: Empty) -> Result<Empty> {
        self.state
            .change_account(cx.account(), |account| {
                let outbound = account.outbound.as_mut().filter(|outbound| outbound.enabled);
                outbound.ok_or_else(error::outbound_disabled)?.enabled = false;
                Ok(())
            })
            .await?;
        Ok(Empty)
    }
}

impl Handle<op::GetOutboundWebIdentityFederationInfo> for Iam {
    async fn access(&self, cx: &Cx, _: &Empty) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:GetOutboundWebIdentityFederationInfo")
    }

    async fn call(&self, cx: &Cx, _: Empty) -> Result<s::GetOutboundWebIdentityFederationInfoResponse> {
        let outbound = self.state.account(cx.account()).await?.outbound;
        let outbound = outbound.filter(|outbound| outbound.enabled).ok_or_else(error::outbound_disabled)?;
        Ok(s::GetOutboundWebIdentityFederationInfoResponse {
            issuer_identifier: Some(outbound.issuer),
            jwt_vending_enabled: Some(true),
        })
    }
}

/// Where relying parties will find the keys: by AWS's own name for who reaches us by AWS's names, else under the address
/// that the client used, because nobody else's name leads here.
fn issuer(cx: &Cx, id: &str) -> String {
    let host = cx.http().and_then(|http| http.host()).unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    match name.is_empty() || name.ends_with(".amazonaws.com") {
        true => format!("https://{id}.tokens.sts.global.api.aws"),
        false => format!("{}/_haneul/tokens/{id}", cx.endpoint()),
    }
}
