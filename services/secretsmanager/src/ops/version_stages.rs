use haneul_kit::{Access, Cx, Handle, Result};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use crate::error;
use crate::secrets::Secrets;
use crate::store::Values;
use crate::versions::{self, CURRENT};

impl Handle<op::UpdateSecretVersionStage> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::UpdateSecretVersionStageRequest) -> Result<Vec<Access>> {
        let access = self.ask(cx, "secretsmanager:UpdateSecretVersionStage", &input.secret_id).await?;
        Ok(vec![access.key("secretsmanager:VersionStage", input.version_stage.as_str())])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateSecretVersionStageRequest,
    ) -> Result<s::UpdateSecretVersionStageResponse> {
        let found = self.primary(cx, &input.secret_id).await?;
        let stage = &input.version_stage;
        let now_ms = cx.now().millis();
        self.state
            .change(&found.name, |record| {
                for id in input.remove_from_version_id.iter().chain(&input.move_to_version_id) {
                    if !record.versions.contains_key(id) {
                        return Err(error::version_not_found(id));
                    }
                }
                let holder = record.with_stage(stage).cloned();
                match (&holder, &input.remove_from_version_id) {
                    (Some(holder), None) if input.move_to_version_id.as_ref() != Some(holder) => {
                        return Err(error::parameter(format!(
                            "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently \
                             attached to version {holder}, so you must explicitly reference that version in \
                             RemoveFromVersionId."
                        )));
                    }
                    (holder, Some(from)) if holder.as_ref() != Some(from) => {
                        return Err(error::parameter(format!(
                            "Staging label {stage} is not currently attached to version {from}."
                        )));
                    }
                    _ => {}
                }
                match &input.move_to_version_id {
                    Some(to) => versions::attach(record, stage, to),
                    None if stage == CURRENT => {
                        return Err(error::parameter(
                            "You can only move staging label AWSCURRENT to a different secret version. It can't be \
                             completely removed.",
                        ));
                    }
                    None => versions::detach(record, stage),
                }
                record.changed_ms = now_ms;
                Ok(((), Values::default()))
            })
            .await?;
        self.sync(cx, &found.name).await?;
        Ok(s::UpdateSecretVersionStageResponse {
            arn: Some(found.arn.to_string()),
            name: Some(found.name.name),
        })
    }
}
