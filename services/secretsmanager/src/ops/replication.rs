use haneul_kit::{Access, Cx, Handle, Result};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use crate::error;
use crate::replicas::statuses;
use crate::secrets::Secrets;
use crate::store::Values;

impl Handle<op::ReplicateSecretToRegions> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::ReplicateSecretToRegionsRequest) -> Result<Vec<Access>> {
        let access = self.ask(cx, "secretsmanager:ReplicateSecretToRegions", &input.secret_id).await?;
        let regions = input.add_replica_regions.iter().filter_map(|one| one.region.clone()).collect();
        let force = input.force_overwrite_replica_secret.unwrap_or(false);
        Ok(vec![
            access
                .keys("secretsmanager:AddReplicaRegions", regions)
                .key("secretsmanager:ForceOverwriteReplicaSecret", force.to_string()),
        ])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ReplicateSecretToRegionsRequest,
    ) -> Result<s::ReplicateSecretToRegionsResponse> {
        let found = self.primary(cx, &input.secret_id).await?;
        let overwrite = input.force_overwrite_replica_secret.unwrap_or(false);
        let status = self.replicate(cx, &found, input.add_replica_regions, overwrite).await?;
        Ok(s::ReplicateSecretToRegionsResponse {
            arn: Some(found.arn.to_string()),
            replication_status: Some(status),
        })
    }
}

impl Handle<op::RemoveRegionsFromReplication> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::RemoveRegionsFromReplicationRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "secretsmanager:RemoveRegionsFromReplication", &input.secret_id).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::RemoveRegionsFromReplicationRequest,
    ) -> Result<s::RemoveRegionsFromReplicationResponse> {
        let found = self.primary(cx, &input.secret_id).await?;
        for region in &input.remove_replica_regions {
            let replica = found.record.replicas.iter().find(|one| one.region == *region);
            let Some(replica) = replica else {
                return Err(error::parameter(format!("Secret is not replicated to region {region}.")));
            };
            // A copy that never came about is somebody else's secret.
            if let (None, Ok(region)) = (&replica.failure, region.parse()) {
                let there = found.name.in_region(region);
                let record = self.state.secret(&there).await?;
                if record.is_some_and(|record| record.suffix == found.record.suffix) {
                    self.state.remove(&there).await?;
                }
            }
        }
        let record = self
            .state
            .change(&found.name, |record| {
                record.replicas.retain(|one| !input.remove_replica_regions.contains(&one.region));
                if record.replicas.is_empty() {
                    record.primary_region = None;
                }
                Ok((record.clone(), Values::default()))
            })
            .await?;
        Ok(s::RemoveRegionsFromReplicationResponse {
            arn: Some(found.arn.to_string()),
            replication_status: Some(statuses(&record)),
        })
    }
}

impl Handle<op::StopReplicationToReplica> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::StopReplicationToReplicaRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "secretsmanager:StopReplicationToReplica", &input.secret_id).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::StopReplicationToReplicaRequest,
    ) -> Result<s::StopReplicationToReplicaResponse> {
        let found = self.live(cx, &input.secret_id).await?;
        let primary =
            found.record.primary_region.as_ref().filter(|_| found.record.is_replica_in(found.name.region));
        let Some(Ok(primary)) = primary.map(|region| region.parse()) else {
            return Err(error::request("The secret is not a replica."));
        };
        self.state
            .change(&found.name, |record| {
                record.primary_region = None;
                Ok(((), Values::default()))
            })
            .await?;
        let there = found.name.in_region(primary);
        if self.state.secret(&there).await?.is_some() {
            self.state
                .change(&there, |record| {
                    record.replicas.retain(|one| one.region != found.name.region.as_str());
                    Ok(((), Values::default()))
                })
                .await?;
        }
        Ok(s::StopReplicationToReplicaResponse { arn: Some(found.arn.to_string()) })
    }
}
