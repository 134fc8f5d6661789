use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use crate::error;
use crate::model::Deletion;
use crate::secrets::Secrets;
use crate::store::Values;

const WINDOW_DAYS_DEFAULT: i64 = 30;
const WINDOW_DAYS: std::ops::RangeInclusive<i64> = 7..=30;
const DAY_MS: i64 = 86_400_000;

impl Handle<op::DeleteSecret> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::DeleteSecretRequest) -> Result<Vec<Access>> {
        let access = self.ask(cx, "secretsmanager:DeleteSecret", &input.secret_id).await?;
        let force = input.force_delete_without_recovery.unwrap_or(false);
        let access = access.key("secretsmanager:ForceDeleteWithoutRecovery", force.to_string());
        Ok(vec![match input.recovery_window_in_days {
            Some(days) => access.key("secretsmanager:RecoveryWindowInDays", days.to_string()),
            None => access,
        }])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteSecretRequest) -> Result<s::DeleteSecretResponse> {
        let force = input.force_delete_without_recovery.unwrap_or(false);
        if force && input.recovery_window_in_days.is_some() {
            return Err(error::parameter(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            ));
        }
        let days = input.recovery_window_in_days.unwrap_or(WINDOW_DAYS_DEFAULT);
        if !WINDOW_DAYS.contains(&days) {
            return Err(error::parameter(
                "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
            ));
        }
        let now_ms = cx.now().millis();
        let Some(found) = self.find(cx, &input.secret_id).await? else {
            // Forced, what is not there is deleted already.
            if force && !input.secret_id.starts_with("arn:") {
                return Ok(s::DeleteSecretResponse {
                    arn: Some(self.guess(cx, &input.secret_id).replace("??????", "000000")),
                    name: Some(input.secret_id),
                    deletion_date: Some(cx.now()),
                });
            }
            return Err(error::not_found());
        };
        if !force && found.record.deletion.is_some() {
            return Err(error::deleted());
        }
        if found.record.is_replica_in(found.name.region) {
            return Err(error::replica());
        }
        if !found.record.replicas.is_empty() {
            let regions: Vec<&str> = found.record.replicas.iter().map(|one| one.region.as_str()).collect();
            return Err(error::request(format!(
                "You can't delete secret {} that still has replica regions [{}]",
                found.name.name,
                regions.join(", ")
            )));
        }
        let ends_ms = if force { now_ms } else { now_ms + days * DAY_MS };
        if force {
            self.state.remove(&found.name).await?;
        } else {
            self.state
                .change(&found.name, |record| {
                    record.deletion = Some(Deletion { deleted_ms: now_ms, ends_ms });
                    Ok(((), Values::default()))
                })
                .await?;
            self.due.wake();
        }
        Ok(s::DeleteSecretResponse {
            arn: Some(found.arn.to_string()),
            name: Some(found.name.name),
            deletion_date: Some(Instant::from_millis(ends_ms)),
        })
    }
}

impl Handle<op::RestoreSecret> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::RestoreSecretRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "secretsmanager:RestoreSecret", &input.secret_id).await?])
    }

    async fn call(&self, cx: &Cx, input: s::RestoreSecretRequest) -> Result<s::RestoreSecretResponse> {
        let found = self.get(cx, &input.secret_id).await?;
        self.state
            .change(&found.name, |record| {
                record.deletion = None;
                Ok(((), Values::default()))
            })
            .await?;
        Ok(s::RestoreSecretResponse { arn: Some(found.arn.to_string()), name: Some(found.name.name) })
    }
}
