use haneul_kit::{Access, Cx, Handle, Instant, Result, paging};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;
use haneul_shape::value::Map;

use crate::error;
use crate::model::{Rotation, SecretName, SecretRecord, VersionRecord};
use crate::replicas::statuses;
use crate::secrets::Secrets;

const VERSIONS_DEFAULT: i32 = 100;

impl Handle<op::DescribeSecret> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::DescribeSecretRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "secretsmanager:DescribeSecret", &input.secret_id).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DescribeSecretRequest) -> Result<s::DescribeSecretResponse> {
        let found = self.get(cx, &input.secret_id).await?;
        let entry = entry(&found.name, &found.record);
        let is_primary = found.record.primary_region.as_deref() == Some(found.name.region.as_str());
        Ok(s::DescribeSecretResponse {
            arn: entry.arn,
            name: entry.name,
            description: entry.description,
            kms_key_id: entry.kms_key_id,
            rotation_enabled: found.record.rotation.as_ref().map(|rotation| rotation.enabled),
            rotation_lambda_arn: entry.rotation_lambda_arn,
            rotation_rules: entry.rotation_rules,
            last_rotated_date: entry.last_rotated_date,
            last_changed_date: entry.last_changed_date,
            last_accessed_date: entry.last_accessed_date,
            deleted_date: entry.deleted_date,
            next_rotation_date: entry.next_rotation_date,
            tags: entry.tags,
            version_ids_to_stages: entry.secret_versions_to_stages,
            created_date: entry.created_date,
            primary_region: entry.primary_region,
            replication_status: is_primary.then(|| statuses(&found.record)).filter(|all| !all.is_empty()),
            ..Default::default()
        })
    }
}

impl Handle<op::ListSecretVersionIds> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::ListSecretVersionIdsRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "secretsmanager:ListSecretVersionIds", &input.secret_id).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListSecretVersionIdsRequest,
    ) -> Result<s::ListSecretVersionIdsResponse> {
        let found = self.get(cx, &input.secret_id).await?;
        let deprecated = input.include_deprecated.unwrap_or(false);
        let purpose = format!("secretsmanager.versions {} {deprecated}", found.arn);
        let seal = &self.platform.seal;
        let after: Option<(i64, String)> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let mut versions: Vec<(String, VersionRecord)> = found.record.versions.clone().into_iter().collect();
        let place = |(id, version): &(String, VersionRecord)| (-version.created_ms, id.clone());
        versions.retain(|one| {
            (deprecated || !one.1.stages.is_empty()) && after.as_ref().is_none_or(|after| place(one) > *after)
        });
        versions.sort_by_key(place);
        let limit = input.max_results.unwrap_or(VERSIONS_DEFAULT) as usize;
        let page = paging::cut(versions, limit, seal, &purpose, place);
        let show = |(id, version): (String, VersionRecord)| s::SecretVersionsListEntry {
            version_id: Some(id),
            version_stages: Some(version.stages).filter(|stages| !stages.is_empty()),
            last_accessed_date: version.accessed_ms.map(Instant::from_millis),
            created_date: Some(Instant::from_millis(version.created_ms)),
            kms_key_ids: Some(vec![version.kms_key_id.unwrap_or_else(|| "DefaultEncryptionKey".into())]),
        };
        Ok(s::ListSecretVersionIdsResponse {
            versions: Some(page.items.into_iter().map(show).collect()),
            next_token: page.next,
            arn: Some(found.arn.to_string()),
            name: Some(found.name.name),
        })
    }
}

/// A secret as listings show it.
pub(super) fn entry(name: &SecretName, record: &SecretRecord) -> s::SecretListEntry {
    let stages: Map<Vec<String>> = record
        .versions
        .iter()
        .filter(|(_, version)| !version.stages.is_empty())
        .map(|(id, version)| (id.clone(), version.stages.clone()))
        .collect();
    let tag =
        |(key, value): (&String, &String)| s::Tag { key: Some(key.clone()), value: Some(value.clone()) };
    let rotation = record.rotation.as_ref();
    s::SecretListEntry {
        arn: Some(name.arn(&record.suffix).to_string()),
        name: Some(name.name.clone()),
        description: record.description.clone().filter(|text| !text.is_empty()),
        kms_key_id: record.kms_key_id.clone(),
        rotation_enabled: rotation.filter(|rotation| rotation.enabled).map(|_| true),
        rotation_lambda_arn: rotation.map(|rotation| rotation.lambda_arn.clone()),
        rotation_rules: rotation.map(rules),
        last_rotated_date: record.rotated_ms.map(Instant::from_millis),
        last_changed_date: Some(Instant::from_millis(record.changed_ms)),
        last_accessed_date: record.accessed_ms.map(Instant::from_millis),
        deleted_date: record.deletion.as_ref().map(|deletion| Instant::from_millis(deletion.deleted_ms)),
        next_rotation_date: rotation.filter(|r| r.enabled).and_then(|r| r.next_ms).map(Instant::from_millis),
        tags: Some(record.tags.iter().map(tag).collect::<Vec<_>>()).filter(|tags| !tags.is_empty()),
        secret_versions_to_stages: (!stages.is_empty()).then_some(stages),
        created_date: Some(Instant::from_millis(record.created_ms)),
        primary_region: record.primary_region.clone(),
        ..Default::default()
    }
}

fn rules(rotation: &Rotation) -> s::RotationRulesType {
    s::RotationRulesType {
        automatically_after_days: rotation.after_days,
        duration: rotation.duration.clone(),
        schedule_expression: rotation.schedule.clone(),
    }
}
