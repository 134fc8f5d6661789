use haneul_kit::{Access, ApiError, Cx, Handle, Instant, Result};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;
use haneul_shape::Empty;

use super::page;
use crate::access::Ask;
use crate::error;
use crate::kms::{Forms, Kms, check_enabled, check_not_pending_deletion};
use crate::live::LiveKey;
use crate::model::{KeyRecord, MaterialRecord, MaterialState, Rotation, RotationType};
use crate::render::expiration_model;
use crate::spec::Spec;
use crate::store::{DAY_MS, rotate};

const PERIOD_DAYS_DEFAULT: i32 = 365;
const LIMIT_DEFAULT: usize = 100;

/// Quota of RotateKeyOnDemand for one key.
const ON_DEMAND_MAX: u32 = 25;

impl Handle<op::EnableKeyRotation> for Kms {
    async fn access(&self, cx: &Cx, input: &s::EnableKeyRotationRequest) -> Result<Vec<Access>> {
        let days = input.rotation_period_in_days.unwrap_or(PERIOD_DAYS_DEFAULT);
        let access = self.ask(cx, Ask::own("kms:EnableKeyRotation", &input.key_id)).await?;
        Ok(vec![access.key("kms:RotationPeriodInDays", days.to_string())])
    }

    async fn call(&self, cx: &Cx, input: s::EnableKeyRotationRequest) -> Result<Empty> {
        let key = self.rotatable(cx, &input.key_id, "EnableKeyRotation").await?;
        check_enabled(cx, &key)?;
        let now_ms = cx.now().millis();
        self.state
            .change_key(&key.name, |record| {
                let before = record.rotation.as_ref().map(|rotation| rotation.period_days);
                let period_days = input.rotation_period_in_days.or(before).unwrap_or(PERIOD_DAYS_DEFAULT);
                if before != Some(period_days) {
                    record.rotation =
                        Some(Rotation { period_days, next_ms: now_ms + i64::from(period_days) * DAY_MS });
                }
                Ok(())
            })
            .await?;
        self.due.wake();
        Ok(Empty)
    }
}

impl Handle<op::DisableKeyRotation> for Kms {
    async fn access(&self, cx: &Cx, input: &s::DisableKeyRotationRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, Ask::own("kms:DisableKeyRotation", &input.key_id)).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DisableKeyRotationRequest) -> Result<Empty> {
        let key = self.rotatable(cx, &input.key_id, "DisableKeyRotation").await?;
        check_enabled(cx, &key)?;
        self.state
            .change_key(&key.name, |record| {
                record.rotation = None;
                Ok(())
            })
            .await?;
        Ok(Empty)
    }
}

impl Handle<op::GetKeyRotationStatus> for Kms {
    async fn access(&self, cx: &Cx, input: &s::GetKeyRotationStatusRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, Ask::own("kms:GetKeyRotationStatus", &input.key_id).across()).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetKeyRotationStatusRequest,
    ) -> Result<s::GetKeyRotationStatusResponse> {
        let key = self.key(cx, &input.key_id, Forms::Key).await?;
        let record = &key.record;
        // Asymmetric and HMAC keys, and imported key material, do not rotate; AWS says so without an error here.
        let rotation = record.rotation.as_ref();
        let shown = rotation.filter(|_| record.rotates());
        Ok(s::GetKeyRotationStatusResponse {
            key_rotation_enabled: Some(rotation.is_some() && record.deletion.is_none()),
            key_id: Some(key.name.arn().to_string()),
            rotation_period_in_days: rotation.map(|rotation| rotation.period_days),
            next_rotation_date: shown.map(|rotation| Instant::from_millis(rotation.next_ms)),
            on_demand_rotation_start_date: None,
        })
    }
}

impl Handle<op::RotateKeyOnDemand> for Kms {
    async fn access(&self, cx: &Cx, input: &s::RotateKeyOnDemandRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, Ask::own("kms:RotateKeyOnDemand", &input.key_id)).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::RotateKeyOnDemandRequest,
    ) -> Result<s::RotateKeyOnDemandResponse> {
        let key = self.symmetric(cx, &input.key_id, "RotateKeyOnDemand").await?;
        check_enabled(cx, &key)?;
        not_a_replica(&key)?;
        if key.record.imported {
            self.check_replicas_have_pending(cx, &key).await?;
        }
        let fresh = self.state.fresh_material(&key.name, &key.record, cx.now()).await?;
        let fresh = &fresh;
        self.state
            .change_key(&key.name, |record| {
                if record.on_demand_rotations >= ON_DEMAND_MAX {
                    return Err(error::limit(format!(
                        "The maximum number of {ON_DEMAND_MAX} on-demand rotations of the key is reached."
                    )));
                }
                record.on_demand_rotations += 1;
                match fresh {
                    Some(fresh) => rotate(record, fresh.clone(), RotationType::OnDemand, cx.now().millis()),
                    None => rotate_imported(record, &key, cx.now().millis())?,
                }
                Ok(())
            })
            .await?;
        if key.record.imported {
            self.rotate_replicas(cx, &key).await?;
        }
        Ok(s::RotateKeyOnDemandResponse { key_id: Some(key.name.arn().to_string()) })
    }
}

impl Handle<op::ListKeyRotations> for Kms {
    async fn access(&self, cx: &Cx, input: &s::ListKeyRotationsRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, Ask::own("kms:ListKeyRotations", &input.key_id)).await?])
    }

    async fn call(&self, cx: &Cx, input: s::ListKeyRotationsRequest) -> Result<s::ListKeyRotationsResponse> {
        let key = self.key(cx, &input.key_id, Forms::Key).await?;
        if key.record.spec() != Spec::Symmetric {
            return Err(unsupported(&key, "ListKeyRotations"));
        }
        let all = input.include_key_material.as_deref() == Some("ALL_KEY_MATERIAL");
        let materials = key.record.materials.iter().enumerate();
        let shown: Vec<(usize, MaterialRecord)> = materials
            .filter(|(_, material)| all || material.rotated.is_some())
            .map(|(at, material)| (at, material.clone()))
            .collect();
        let purpose = format!("kms.rotations {} {all}", key.name.arn());
        let limit = (input.limit, LIMIT_DEFAULT);
        let page = page(&self.state.seal, &purpose, limit, input.marker.as_ref(), shown, |(at, _)| *at)?;
        let entry = |(_, material): (usize, MaterialRecord)| entry(cx, &key, all, &material);
        Ok(s::ListKeyRotationsResponse {
            rotations: Some(page.items.into_iter().map(entry).collect()),
            truncated: Some(page.next.is_some()),
            next_marker: page.next,
        })
    }
}

impl Kms {
    /// A key whose automatic rotation can be set.
    async fn rotatable(&self, cx: &Cx, key_id: &str, operation: &str) -> Result<std::sync::Arc<LiveKey>> {
        let key = self.symmetric(cx, key_id, operation).await?;
        check_not_pending_deletion(key.record.state(cx.now()), &key.name.arn())?;
        if key.record.imported {
            return Err(error::unsupported(format!(
                "{} origin is EXTERNAL which is not valid for this operation.",
                key.name.arn()
            )));
        }
        not_a_replica(&key)?;
        Ok(key)
    }

    async fn symmetric(&self, cx: &Cx, key_id: &str, operation: &str) -> Result<std::sync::Arc<LiveKey>> {
        let key = self.own_key(cx, key_id, operation).await?;
        if key.record.spec() == Spec::Symmetric { Ok(key) } else { Err(unsupported(&key, operation)) }
    }

    /// Replicas of a key with imported material must have the new one before the primary begins to use it.
    async fn check_replicas_have_pending(&self, cx: &Cx, key: &LiveKey) -> Result<()> {
        let pending = key.record.materials.iter().find(|m| m.state == MaterialState::PendingRotation);
        let (Some(pending), Some(multi)) = (pending, &key.record.multi_region) else { return Ok(()) };
        for region in multi.replicas.iter().filter_map(|region| region.parse().ok()) {
            let Some(replica) = self.live(cx, &key.name.in_region(region)).await? else { continue };
            if !replica.record.materials.iter().any(|m| m.id == pending.id && m.is_there(cx.now())) {
                return Err(error::invalid_state(
                    &replica.name.arn(),
                    "has not the key material that its primary key is to rotate to",
                ));
            }
        }
        Ok(())
    }

    async fn rotate_replicas(&self, cx: &Cx, key: &LiveKey) -> Result<()> {
        let Some(multi) = &key.record.multi_region else { return Ok(()) };
        for region in multi.replicas.iter().filter_map(|region| region.parse().ok()) {
            let name = key.name.in_region(region);
            let rotate = |record: &mut KeyRecord| rotate_imported(record, key, cx.now().millis());
            self.state.change_key(&name, rotate).await?;
        }
        Ok(())
    }
}

/// Puts imported material that waits for it into use.
fn rotate_imported(record: &mut KeyRecord, key: &LiveKey, now_ms: i64) -> Result<()> {
    let waits = |material: &MaterialRecord| material.state == MaterialState::PendingRotation;
    let Some(at) = record.materials.iter().position(|m| waits(m) && m.sealed.is_some()) else {
        return Err(error::invalid_state(&key.name.arn(), "has no key material that is pending rotation"));
    };
    let fresh = record.materials.remove(at);
    let fresh = MaterialRecord { state: MaterialState::Current, ..fresh };
    rotate(record, fresh, RotationType::OnDemand, now_ms);
    Ok(())
}

fn not_a_replica(key: &LiveKey) -> Result<()> {
    match key.record.is_replica_in(key.name.region) {
        true => Err(error::unsupported(format!(
            "{} is a multi-Region replica key; rotation is a shared property that is set on the primary key.",
            key.name.arn()
        ))),
        false => Ok(()),
    }
}

fn unsupported(key: &LiveKey, operation: &str) -> ApiError {
    error::unsupported(format!(
        "{} key spec is {} which is not valid for {operation}.",
        key.name.arn(),
        key.record.spec
    ))
}

fn entry(cx: &Cx, key: &LiveKey, all: bool, material: &MaterialRecord) -> s::RotationsListEntry {
    let imported = key.record.imported;
    let there = material.is_there(cx.now());
    s::RotationsListEntry {
        key_id: Some(key.name.arn().to_string()),
        key_material_id: Some(material.id.clone()),
        key_material_description: material.description.clone().filter(|_| imported),
        import_state: imported.then(|| if there { "IMPORTED" } else { "PENDING_IMPORT" }.into()),
        key_material_state: (all || imported).then(|| {
            match material.state {
                MaterialState::Current => "CURRENT",
                MaterialState::NonCurrent => "NON_CURRENT",
                MaterialState::PendingRotation => "PENDING_ROTATION",
            }
            .into()
        }),
        expiration_model: (imported && there).then(|| expiration_model(material.valid_to_ms).into()),
        valid_to: material.valid_to_ms.map(Instant::from_millis),
        rotation_date: material.rotated.map(|(_, at_ms)| Instant::from_millis(at_ms)),
        rotation_type: material.rotated.map(|(kind, _)| {
            match kind {
                RotationType::Automatic => "AUTOMATIC",
                RotationType::OnDemand => "ON_DEMAND",
            }
            .into()
        }),
    }
}
