use haneul_kit::{Access, Cx, Handle, Result};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use super::create_secret::{check_token, token};
use crate::error;
use crate::model::{Rotating, Rotation, VersionRecord};
use crate::schedule::Schedule;
use crate::secrets::Secrets;
use crate::store::Values;
use crate::versions::{self, PENDING};

impl Handle<op::RotateSecret> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::RotateSecretRequest) -> Result<Vec<Access>> {
        let mut access = self.ask(cx, "secretsmanager:RotateSecret", &input.secret_id).await?;
        if let Some(function) = &input.rotation_lambda_arn {
            access = access.key("secretsmanager:RotationLambdaARN", function.as_str());
        }
        let now = input.rotate_immediately.unwrap_or(true);
        Ok(vec![access.key("secretsmanager:RotateImmediately", now.to_string())])
    }

    async fn call(&self, cx: &Cx, input: s::RotateSecretRequest) -> Result<s::RotateSecretResponse> {
        if input.external_secret_rotation_metadata.is_some()
            || input.external_secret_rotation_role_arn.is_some()
        {
            return Err(error::request("Managed external secrets are not supported."));
        }
        check_token(cx.http().is_some(), input.client_request_token.as_deref())?;
        let found = self.primary(cx, &input.secret_id).await?;
        let function = input.rotation_lambda_arn.clone().filter(|arn| !arn.is_empty());
        let function = function.or_else(|| found.record.rotation.as_ref().map(|r| r.lambda_arn.clone()));
        let Some(function) = function else {
            return Err(error::request("No Lambda rotation function ARN is associated with this secret."));
        };
        let rotation = rotation(cx, function, input.rotation_rules, found.record.rotation.as_ref())?;
        if found.record.rotating.is_some() {
            return Err(error::request(
                "A previous rotation isn't complete. That rotation will be reattempted.",
            ));
        }
        if found.record.with_stage(versions::CURRENT).is_none() {
            return Err(error::request("You can't rotate a secret that has no value."));
        }
        let token = token(self, input.client_request_token);
        let place = (found.name.account, found.name.region);
        let arn = found.arn.as_str();
        self.call_rotation_function(place, &rotation.lambda_arn, (arn, &token), None).await?;
        let now_ms = cx.now().millis();
        let test = input.rotate_immediately == Some(false);
        self.state
            .change(&found.name, |record| {
                if record.versions.contains_key(&token) {
                    return Err(error::version_exists(&token, found.arn.as_str()));
                }
                record.rotation = Some(rotation.clone());
                begin(record, &token, now_ms, test)?;
                Ok(((), Values::default()))
            })
            .await?;
        self.due.wake();
        Ok(s::RotateSecretResponse {
            arn: Some(found.arn.to_string()),
            name: Some(found.name.name),
            version_id: (!test).then_some(token),
        })
    }
}

impl Handle<op::CancelRotateSecret> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::CancelRotateSecretRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "secretsmanager:CancelRotateSecret", &input.secret_id).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CancelRotateSecretRequest,
    ) -> Result<s::CancelRotateSecretResponse> {
        let found = self.primary(cx, &input.secret_id).await?;
        let pending = self
            .state
            .change(&found.name, |record| {
                let Some(rotation) = &mut record.rotation else {
                    return Err(error::request(
                        "You tried to cancel rotation of a secret that is not being rotated.",
                    ));
                };
                rotation.enabled = false;
                rotation.next_ms = None;
                let pending = record.rotating.take().map(|rotating| rotating.version_id);
                Ok((pending, Values::default()))
            })
            .await?;
        Ok(s::CancelRotateSecretResponse {
            arn: Some(found.arn.to_string()),
            name: Some(found.name.name),
            version_id: pending,
        })
    }
}

/// Begins a rotation: an empty version that waits for its value.
pub(crate) fn begin(
    record: &mut crate::model::SecretRecord,
    version_id: &str,
    now_ms: i64,
    test: bool,
) -> Result<()> {
    let version = VersionRecord { created_ms: now_ms, ..Default::default() };
    versions::add(record, version_id, version, &[PENDING.to_owned()])?;
    record.rotating =
        Some(Rotating { version_id: version_id.to_owned(), step: 0, attempts: 0, retry_ms: now_ms, test });
    Ok(())
}

fn rotation(
    cx: &Cx,
    lambda_arn: String,
    rules: Option<s::RotationRulesType>,
    before: Option<&Rotation>,
) -> Result<Rotation> {
    let Some(rules) = rules else {
        return match before {
            Some(before) => {
                let next_ms = schedule(before)?.and_then(|schedule| schedule.next(cx.now()));
                Ok(Rotation { enabled: true, lambda_arn, next_ms, ..before.clone() })
            }
            None => Ok(Rotation {
                enabled: true,
                lambda_arn,
                after_days: None,
                duration: None,
                schedule: None,
                next_ms: None,
            }),
        };
    };
    if rules.automatically_after_days.is_some() && rules.schedule_expression.is_some() {
        return Err(error::parameter(
            "You can't specify both AutomaticallyAfterDays and ScheduleExpression in RotationRules.",
        ));
    }
    if let Some(duration) = &rules.duration {
        let hours = duration.strip_suffix('h').and_then(|hours| hours.parse::<u32>().ok());
        if !hours.is_some_and(|hours| (1..=24).contains(&hours)) {
            return Err(error::parameter("Invalid Duration: a number of hours such as 3h is expected."));
        }
    }
    let rotation = Rotation {
        enabled: true,
        lambda_arn,
        after_days: rules.automatically_after_days,
        duration: rules.duration,
        schedule: rules.schedule_expression,
        next_ms: None,
    };
    let next_ms = schedule(&rotation)?.and_then(|schedule| schedule.next(cx.now()));
    Ok(Rotation { next_ms, ..rotation })
}

/// The schedule of a rotation, if it has one.
pub(crate) fn schedule(rotation: &Rotation) -> Result<Option<Schedule>> {
    match (&rotation.schedule, rotation.after_days) {
        (Some(expression), _) => Schedule::parse(expression).map(Some),
        (None, Some(days)) => Schedule::days(days).map(Some),
        (None, None) => Ok(None),
    }
}
