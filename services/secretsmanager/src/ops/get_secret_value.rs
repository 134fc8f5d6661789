use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use crate::error;
use crate::secrets::{Found, Secrets};
use crate::store::Values;
use crate::versions::CURRENT;

const DAY_MS: i64 = 86_400_000;

impl Handle<op::GetSecretValue> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::GetSecretValueRequest) -> Result<Vec<Access>> {
        let mut access = self.ask(cx, "secretsmanager:GetSecretValue", &input.secret_id).await?;
        if let Some(id) = &input.version_id {
            access = access.key("secretsmanager:VersionId", id.as_str());
        }
        let stage = input.version_stage.as_deref().or(input.version_id.is_none().then_some(CURRENT));
        Ok(vec![match stage {
            Some(stage) => access.key("secretsmanager:VersionStage", stage),
            None => access,
        }])
    }

    async fn call(&self, cx: &Cx, input: s::GetSecretValueRequest) -> Result<s::GetSecretValueResponse> {
        let found = self.live(cx, &input.secret_id).await?;
        let (id, stage) = (input.version_id.as_deref(), input.version_stage.as_deref());
        let read = self.read(cx, &found, id, stage).await?;
        Ok(s::GetSecretValueResponse {
            arn: read.arn,
            name: read.name,
            version_id: read.version_id,
            secret_binary: read.secret_binary,
            secret_string: read.secret_string,
            version_stages: read.version_stages,
            created_date: read.created_date,
        })
    }
}

impl Secrets {
    /// Opens a version by id or label.
    pub(super) async fn read(
        &self,
        cx: &Cx,
        found: &Found,
        id: Option<&str>,
        stage: Option<&str>,
    ) -> Result<s::SecretValueEntry> {
        let record = &found.record;
        let id = match (id, stage) {
            (Some(id), stage) => {
                let version = record.versions.get(id);
                let version = version.ok_or_else(|| error::value_not_found(&format!("VersionId: {id}")))?;
                if stage.is_some_and(|stage| !version.stages.iter().any(|one| one == stage)) {
                    return Err(error::request(
                        "You provided a VersionStage that is not associated to the provided VersionId.",
                    ));
                }
                id.to_owned()
            }
            (None, stage) => {
                let stage = stage.unwrap_or(CURRENT);
                let missing = || error::value_not_found(&format!("staging label: {stage}"));
                record.with_stage(stage).ok_or_else(missing)?.clone()
            }
        };
        let version = &record.versions[&id];
        let missing = || error::value_not_found(&format!("VersionId: {id}"));
        let sealed = self.state.value(&found.name, &id).await?.ok_or_else(missing)?;
        let value = self.decrypt(cx, found.name.region, (found.arn.as_str(), &id), &sealed).await?;
        self.note_access(cx, found, &id).await?;
        let (text, binary) = match value.binary {
            true => (None, Some(value.bytes.into())),
            false => (Some(String::from_utf8(value.bytes).map_err(haneul_kit::ApiError::internal)?), None),
        };
        Ok(s::SecretValueEntry {
            arn: Some(found.arn.to_string()),
            name: Some(found.name.name.clone()),
            created_date: Some(Instant::from_millis(version.created_ms)),
            version_stages: Some(version.stages.clone()),
            version_id: Some(id),
            secret_binary: binary,
            secret_string: text,
        })
    }

    /// LastAccessedDate is a day, so one write a day is enough.
    async fn note_access(&self, cx: &Cx, found: &Found, id: &str) -> Result<()> {
        let day_ms = cx.now().millis().div_euclid(DAY_MS) * DAY_MS;
        let known = found.record.versions.get(id).and_then(|version| version.accessed_ms);
        if found.record.accessed_ms == Some(day_ms) && known == Some(day_ms) {
            return Ok(());
        }
        self.state
            .change(&found.name, |record| {
                record.accessed_ms = Some(day_ms);
                if let Some(version) = record.versions.get_mut(id) {
                    version.accessed_ms = Some(day_ms);
                }
                Ok(((), Values::default()))
            })
            .await
    }
}
