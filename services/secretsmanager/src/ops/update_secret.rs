use haneul_kit::{Access, Cx, Handle, Result};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use super::create_secret::{check_token, token, value};
use crate::error;
use crate::secrets::{Found, Secrets};
use crate::store::Values;
use crate::versions::CURRENT;

impl Handle<op::UpdateSecret> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::UpdateSecretRequest) -> Result<Vec<Access>> {
        let mut access = self.ask(cx, "secretsmanager:UpdateSecret", &input.secret_id).await?;
        if let Some(description) = &input.description {
            access = access.key("secretsmanager:Description", description.as_str());
        }
        if let Some(key) = &input.kms_key_id {
            access = access.key("secretsmanager:KmsKeyId", key.as_str());
        }
        Ok(vec![access])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateSecretRequest) -> Result<s::UpdateSecretResponse> {
        if input.r#type.is_some() {
            return Err(error::request("Managed external secrets are not supported."));
        }
        check_token(cx.http().is_some(), input.client_request_token.as_deref())?;
        let mut found = self.primary(cx, &input.secret_id).await?;
        let value = value(input.secret_string, input.secret_binary)?;
        if let Some(key) = &input.kms_key_id {
            let key = Some(key.clone()).filter(|key| !key.is_empty());
            if key != found.record.kms_key_id {
                found = self.change_key(cx, found, key).await?;
            }
        }
        if input.description.is_some() {
            let now_ms = cx.now().millis();
            self.state
                .change(&found.name, |record| {
                    record.description.clone_from(&input.description);
                    record.changed_ms = now_ms;
                    Ok(((), Values::default()))
                })
                .await?;
        }
        let mut version_id = None;
        match value {
            Some(value) => {
                let id = token(self, input.client_request_token);
                self.add_version(cx, &found, &id, &value, &[CURRENT.to_owned()]).await?;
                version_id = Some(id);
            }
            None => self.sync(cx, &found.name).await?,
        }
        Ok(s::UpdateSecretResponse {
            arn: Some(found.arn.to_string()),
            name: Some(found.name.name),
            version_id,
        })
    }
}

impl Secrets {
    /// Gives a secret another key and encrypts the versions with staging labels anew, where the caller may do that.
    async fn change_key(&self, cx: &Cx, found: Found, key: Option<String>) -> Result<Found> {
        if let Some(key) = &key {
            self.check_key(cx, cx.region(), key).await?;
        }
        let mut values = Values::default();
        for (id, version) in &found.record.versions {
            if version.stages.is_empty() {
                continue;
            }
            let Some(sealed) = self.state.value(&found.name, id).await? else { continue };
            let bound = (found.arn.as_str(), id.as_str());
            let value = match self.decrypt(cx, cx.region(), bound, &sealed).await {
                Ok(value) => value,
                // What cannot be opened stays under the old key.
                Err(refused) if refused.fault() == haneul_kit::Fault::Client => continue,
                Err(error) => return Err(error),
            };
            values
                .put
                .push((id.clone(), self.encrypt(cx, cx.region(), key.as_deref(), bound, &value).await?));
        }
        let now_ms = cx.now().millis();
        let record = self
            .state
            .change(&found.name, |record| {
                record.kms_key_id.clone_from(&key);
                record.changed_ms = now_ms;
                for (id, _) in &values.put {
                    if let Some(version) = record.versions.get_mut(id) {
                        version.kms_key_id.clone_from(&key);
                    }
                }
                Ok((record.clone(), values.clone()))
            })
            .await?;
        Ok(Found { record, ..found })
    }
}
