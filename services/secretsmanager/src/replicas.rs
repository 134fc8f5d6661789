//! Copies of a secret in other Regions, each encrypted under a key of its Region, and kept in step with the primary.

use haneul_kit::{Cx, Region, Result};
use haneul_secretsmanager_wire::shapes as s;

use crate::error;
use crate::model::{Replica, SecretName, SecretRecord};
use crate::secrets::{Found, Secrets};
use crate::store::Values;

impl Secrets {
    /// Makes every replica as the primary is; what fails is noted and tried again with the next change.
    pub(crate) async fn sync(&self, cx: &Cx, name: &SecretName) -> Result<()> {
        let Some(primary) = self.state.secret(name).await? else { return Ok(()) };
        for replica in &primary.replicas {
            let done = self.sync_one(cx, name, &primary, replica, false).await;
            let failure = done.err().map(|error| error.message().to_owned());
            if failure == replica.failure {
                continue;
            }
            self.state
                .change(name, |record| {
                    for one in record.replicas.iter_mut().filter(|one| one.region == replica.region) {
                        one.failure.clone_from(&failure);
                    }
                    Ok(((), Values::default()))
                })
                .await?;
        }
        Ok(())
    }

    async fn sync_one(
        &self,
        cx: &Cx,
        name: &SecretName,
        primary: &SecretRecord,
        replica: &Replica,
        overwrite: bool,
    ) -> Result<()> {
        let Ok(region) = replica.region.parse::<Region>() else { return Ok(()) };
        let there = name.in_region(region);
        let before = self.state.secret(&there).await?.filter(|before| {
            before.suffix == primary.suffix && before.primary_region == primary.primary_region
        });
        let mut record = SecretRecord {
            kms_key_id: replica.kms_key_id.clone(),
            replicas: Vec::new(),
            rotation: None,
            rotating: None,
            policy: before.as_ref().and_then(|before| before.policy.clone()),
            accessed_ms: before.as_ref().and_then(|before| before.accessed_ms),
            ..primary.clone()
        };
        record.versions.retain(|_, version| !version.stages.is_empty() && version.has_value);
        let mut values = Values::default();
        for (id, version) in &mut record.versions {
            version.kms_key_id.clone_from(&replica.kms_key_id);
            if before.as_ref().is_some_and(|before| {
                before.versions.get(id).is_some_and(|old| old.kms_key_id == version.kms_key_id)
            }) {
                continue;
            }
            let Some(sealed) = self.state.value(name, id).await? else { continue };
            let (arn, arn_there) = (name.arn(&primary.suffix), there.arn(&primary.suffix));
            let value = self.decrypt(cx, name.region, (arn.as_str(), id), &sealed).await?;
            let key = replica.kms_key_id.as_deref();
            values
                .put
                .push((id.clone(), self.encrypt(cx, region, key, (arn_there.as_str(), id), &value).await?));
        }
        if let Some(before) = &before {
            values.gone =
                before.versions.keys().filter(|id| !record.versions.contains_key(*id)).cloned().collect();
        }
        self.state.put_replica(&there, &record, &values, overwrite).await
    }

    /// Adds replicas to a secret and fills them.
    pub(crate) async fn replicate(
        &self,
        cx: &Cx,
        found: &Found,
        regions: Vec<s::ReplicaRegionType>,
        overwrite: bool,
    ) -> Result<Vec<s::ReplicationStatusType>> {
        let mut added = Vec::new();
        for wanted in regions {
            let text = wanted.region.unwrap_or_default();
            let region: Region =
                text.parse().map_err(|_| error::parameter(format!("Invalid replica region {text}.")))?;
            if region == found.name.region {
                return Err(error::parameter(
                    "Invalid replica region. The primary region cannot be a replica region.",
                ));
            }
            if found.record.replicas.iter().any(|one| one.region == text) {
                return Err(error::parameter(format!("Secret is already replicated to region {text}.")));
            }
            added.push(Replica { region: text, kms_key_id: wanted.kms_key_id, failure: None });
        }
        let new = &added;
        self.state
            .change(&found.name, |record| {
                record.primary_region = Some(found.name.region.as_str().to_owned());
                record.replicas.extend(new.iter().cloned());
                Ok(((), Values::default()))
            })
            .await?;
        let Some(primary) = self.state.secret(&found.name).await? else { return Err(error::not_found()) };
        for replica in &added {
            let done = self.sync_one(cx, &found.name, &primary, replica, overwrite).await;
            let failure = done.err().map(|error| match error.code() {
                "ResourceExistsException" => format!(
                    "Replication failed: Secret name {} already exists in region {}.",
                    found.name.name, replica.region
                ),
                _ => error.message().to_owned(),
            });
            if failure.is_none() {
                continue;
            }
            self.state
                .change(&found.name, |record| {
                    for one in record.replicas.iter_mut().filter(|one| one.region == replica.region) {
                        one.failure.clone_from(&failure);
                    }
                    Ok(((), Values::default()))
                })
                .await?;
        }
        Ok(self.state.secret(&found.name).await?.map(|record| statuses(&record)).unwrap_or_default())
    }
}

pub(crate) fn statuses(record: &SecretRecord) -> Vec<s::ReplicationStatusType> {
    let status = |replica: &Replica| s::ReplicationStatusType {
        region: Some(replica.region.clone()),
        kms_key_id: Some(replica.kms_key_id.clone().unwrap_or_else(|| "alias/aws/secretsmanager".into())),
        status: Some(if replica.failure.is_none() { "InSync" } else { "Failed" }.into()),
        status_message: Some(replica.failure.clone().unwrap_or_else(|| "Replication succeeded".into())),
        last_accessed_date: None,
    };
    record.replicas.iter().map(status).collect()
}
