use std::sync::Arc;

use haneul_kit::{Platform, Result, Service, Signal};
use haneul_kms_wire as wire;
use wire::operations as op;

use crate::kms::Kms;
use crate::last_used::LastUsed;
use crate::live::Cache;
use crate::metrics::Expiries;
use crate::store::State;
use crate::tasks::Due;

/// The dispatch table.
pub async fn service(platform: &Platform) -> Result<Service> {
    platform.tagged.add("kms", crate::resources::KINDS, crate::resources::list);
    let state = Arc::new(State::new(platform.store.clone(), platform.seal.clone(), platform.env.clone()));
    let last_used = Arc::new(LastUsed::new(state.clone()));
    let due = Signal::default();
    let kms = Arc::new(Kms {
        platform: platform.clone(),
        state: state.clone(),
        cache: Cache::new(&platform.store),
        last_used: last_used.clone(),
        due: due.clone(),
    });
    platform.metrics.register(Arc::new(Expiries::new(platform.store.clone())));
    platform.meter.holds("kms", &kms, crate::held::held);
    Ok(Service::of(&wire::SERVICE, kms)
        .op::<op::CancelKeyDeletion>()
        .op::<op::CreateAlias>()
        .op::<op::CreateGrant>()
        .op::<op::CreateKey>()
        .op::<op::Decapsulate>()
        .op::<op::Decrypt>()
        .op::<op::DeleteAlias>()
        .op::<op::DeleteImportedKeyMaterial>()
        .op::<op::DeriveSharedSecret>()
        .op::<op::DescribeKey>()
        .op::<op::DisableKey>()
        .op::<op::DisableKeyRotation>()
        .op::<op::EnableKey>()
        .op::<op::EnableKeyRotation>()
        .op::<op::Encapsulate>()
        .op::<op::Encrypt>()
        .op::<op::GenerateDataKey>()
        .op::<op::GenerateDataKeyPair>()
        .op::<op::GenerateDataKeyPairWithoutPlaintext>()
        .op::<op::GenerateDataKeyWithoutPlaintext>()
        .op::<op::GenerateMac>()
        .op::<op::GenerateRandom>()
        .op::<op::GetKeyLastUsage>()
        .op::<op::GetKeyPolicy>()
        .op::<op::GetKeyRotationStatus>()
        .op::<op::GetParametersForImport>()
        .op::<op::GetPublicKey>()
        .op::<op::ImportKeyMaterial>()
        .op::<op::ListAliases>()
        .op::<op::ListGrants>()
        .op::<op::ListKeyPolicies>()
        .op::<op::ListKeyRotations>()
        .op::<op::ListKeys>()
        .op::<op::ListResourceTags>()
        .op::<op::ListRetirableGrants>()
        .op::<op::PutKeyPolicy>()
        .op::<op::ReEncrypt>()
        .op::<op::ReplicateKey>()
        .op::<op::RetireGrant>()
        .op::<op::RevokeGrant>()
        .op::<op::RotateKeyOnDemand>()
        .op::<op::ScheduleKeyDeletion>()
        .op::<op::Sign>()
        .op::<op::TagResource>()
        .op::<op::UntagResource>()
        .op::<op::UpdateAlias>()
        .op::<op::UpdateKeyDescription>()
        .op::<op::UpdatePrimaryRegion>()
        .op::<op::Verify>()
        .op::<op::VerifyMac>()
        .reconciler(Arc::new(Due::new(state, due)))
        .reconciler(last_used)
        .build())
}
