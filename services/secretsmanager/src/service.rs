use std::sync::Arc;

use haneul_kit::{Platform, Result, Service, Signal};
use haneul_secretsmanager_wire as wire;
use wire::operations as op;

use crate::Secrets;
use crate::metrics::Counts;
use crate::store::State;
use crate::tasks::Due;

/// The dispatch table.
pub async fn service(platform: &Platform) -> Result<Service> {
    platform.tagged.add("secretsmanager", crate::resources::KINDS, crate::resources::list);
    let state = State { store: platform.store.clone() };
    let secrets = Arc::new(Secrets { platform: platform.clone(), state, due: Signal::default() });
    platform.metrics.register(Arc::new(Counts::new(platform.store.clone())));
    platform.meter.holds("secretsmanager", &secrets, crate::held::held);
    Ok(Service::of(&wire::SERVICE, secrets.clone())
        .op::<op::BatchGetSecretValue>()
        .op::<op::CancelRotateSecret>()
        .op::<op::CreateSecret>()
        .op::<op::DeleteResourcePolicy>()
        .op::<op::DeleteSecret>()
        .op::<op::DescribeSecret>()
        .op::<op::GetRandomPassword>()
        .op::<op::GetResourcePolicy>()
        .op::<op::GetSecretValue>()
        .op::<op::ListResourcePolicies>()
        .op::<op::ListSecretVersionIds>()
        .op::<op::ListSecrets>()
        .op::<op::PutResourcePolicy>()
        .op::<op::PutSecretValue>()
        .op::<op::RemoveRegionsFromReplication>()
        .op::<op::ReplicateSecretToRegions>()
        .op::<op::RestoreSecret>()
        .op::<op::RotateSecret>()
        .op::<op::StopReplicationToReplica>()
        .op::<op::TagResource>()
        .op::<op::UntagResource>()
        .op::<op::UpdateSecret>()
        .op::<op::UpdateSecretVersionStage>()
        .op::<op::ValidateResourcePolicy>()
        .reconciler(Arc::new(Due::new(secrets)))
        .build())
}
