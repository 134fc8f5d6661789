use haneul_kit::{Access, Cx, Handle, Result};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use super::create_secret::{check_token, token, value};
use crate::calls::Value;
use crate::error;
use crate::model::VersionRecord;
use crate::secrets::{Found, Secrets};
use crate::store::Values;
use crate::versions::{self, CURRENT};

impl Handle<op::PutSecretValue> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::PutSecretValueRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "secretsmanager:PutSecretValue", &input.secret_id).await?])
    }

    async fn call(&self, cx: &Cx, input: s::PutSecretValueRequest) -> Result<s::PutSecretValueResponse> {
        check_token(cx.http().is_some(), input.client_request_token.as_deref())?;
        let found = self.primary(cx, &input.secret_id).await?;
        let Some(value) = value(input.secret_string, input.secret_binary)? else {
            return Err(error::parameter("You must provide either SecretString or SecretBinary."));
        };
        let token = token(self, input.client_request_token);
        let stages = input.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
        let stages = self.add_version(cx, &found, &token, &value, &stages).await?;
        Ok(s::PutSecretValueResponse {
            arn: Some(found.arn.to_string()),
            name: Some(found.name.name),
            version_id: Some(token),
            version_stages: Some(stages),
        })
    }
}

impl Secrets {
    /// Adds a version with a value; its staging labels afterwards. The same version again is no error.
    pub(super) async fn add_version(
        &self,
        cx: &Cx,
        found: &Found,
        id: &str,
        value: &Value,
        stages: &[String],
    ) -> Result<Vec<String>> {
        if let Some(version) = found.record.versions.get(id).filter(|version| version.has_value) {
            return match self.has_value(cx, found, id, value).await? {
                true => Ok(version.stages.clone()),
                false => Err(error::version_exists(id, found.arn.as_str())),
            };
        }
        let key = found.record.kms_key_id.clone();
        let sealed = self.encrypt(cx, cx.region(), key.as_deref(), (found.arn.as_str(), id), value).await?;
        let now_ms = cx.now().millis();
        let after = self
            .state
            .change(&found.name, |record| {
                let begun = record.versions.get(id);
                if begun.is_some_and(|version| version.has_value) {
                    return Err(error::version_exists(id, found.arn.as_str()));
                }
                // A version that a rotation began keeps its label.
                let kept = begun.map(|version| version.stages.clone()).unwrap_or_default();
                for stage in &kept {
                    versions::detach(record, stage);
                }
                let version = VersionRecord {
                    created_ms: now_ms,
                    kms_key_id: key.clone(),
                    has_value: true,
                    ..Default::default()
                };
                let all: Vec<String> = kept.iter().chain(stages).cloned().collect();
                versions::add(record, id, version, &all)?;
                record.changed_ms = now_ms;
                let gone = versions::prune(record, now_ms)?;
                let values = Values { put: vec![(id.to_owned(), sealed.clone())], gone };
                Ok((record.versions[id].stages.clone(), values))
            })
            .await?;
        self.sync(cx, &found.name).await?;
        Ok(after)
    }
}
