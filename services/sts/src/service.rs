use std::sync::Arc;

use haneul_kit::{Platform, Result, Service};
use haneul_sts_wire as wire;
use wire::operations as op;

use crate::Sts;
use crate::oidc::issuer::Issuers;
use crate::store::State;

/// The dispatch table.
pub async fn service(platform: &Platform) -> Result<Service> {
    let sts = Arc::new(Sts {
        platform: platform.clone(),
        issuers: Issuers::new(platform.env.clone()),
        state: State { store: platform.store.clone() },
    });
    Ok(Service::of(&wire::SERVICE, sts.clone())
        .op::<op::GetCallerIdentity>()
        .op::<op::AssumeRole>()
        .op::<op::AssumeRoleWithSAML>()
        .op::<op::AssumeRoleWithWebIdentity>()
        .op::<op::AssumeRoot>()
        .op::<op::GetSessionToken>()
        .op::<op::GetFederationToken>()
        .op::<op::GetAccessKeyInfo>()
        .op::<op::GetDelegatedAccessToken>()
        .op::<op::DecodeAuthorizationMessage>()
        .op::<op::GetWebIdentityToken>()
        .extension(sts)
        .build())
}
