//! SetAlarmState, EnableAlarmActions, DisableAlarmActions, DeleteAlarms.

use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_cloudwatch_wire::values::error as code;
use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_shape::Empty;
use serde_json::json;

use super::access::on_alarm;
use super::alarm_parts::owner;
use crate::CloudWatch;
use crate::alarms::rule::{Rule, by_arn};
use crate::error;
use crate::model::{Alarm, AlarmKind, StateValue};
use crate::store::alarms::{Traces, found};

impl Handle<op::SetAlarmState> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::SetAlarmStateInput) -> Result<Vec<Access>> {
        Ok(vec![self.with_tags(cx, "cloudwatch:SetAlarmState", &input.alarm_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::SetAlarmStateInput) -> Result<Empty> {
        let value = StateValue::parse(&input.state_value)
            .ok_or_else(|| error::value_for(&input.state_value, "StateValue"))?;
        if input
            .state_reason_data
            .as_deref()
            .is_some_and(|data| serde_json::from_str::<serde_json::Value>(data).is_err())
        {
            return Err(ApiError::new(code::INVALID_FORMAT_FAULT, "StateReasonData was not valid JSON"));
        }
        let (name, now, owner) = (&input.alarm_name, cx.now(), owner(cx));
        let (reason, data) = (&input.state_reason, &input.state_reason_data);
        let muting = self.muting(owner).await?;
        let muted_by = muting.of(name, now).map(|(rule, _)| rule);
        let changed = self
            .change_alarm(owner, name, now, |alarm| {
                let before = alarm.enter(value, reason.clone(), data.clone(), now);
                if before.value == value {
                    return Ok(Some(Traces::default()));
                }
                let mut traces = Traces { history: vec![alarm.changed(name, &before)], actions: Vec::new() };
                alarm.act((owner, name), &before, now, muted_by, &mut traces);
                Ok(Some(traces))
            })
            .await?;
        found(changed)?;
        self.alarms_signal.wake();
        self.actions_signal.wake();
        Ok(Empty {})
    }
}

impl Handle<op::EnableAlarmActions> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::EnableAlarmActionsInput) -> Result<Vec<Access>> {
        self.on_alarms(cx, "cloudwatch:EnableAlarmActions", &input.alarm_names).await
    }

    async fn call(&self, cx: &Cx, input: s::EnableAlarmActionsInput) -> Result<Empty> {
        self.switch_actions(cx, &input.alarm_names, true).await
    }
}

impl Handle<op::DisableAlarmActions> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::DisableAlarmActionsInput) -> Result<Vec<Access>> {
        self.on_alarms(cx, "cloudwatch:DisableAlarmActions", &input.alarm_names).await
    }

    async fn call(&self, cx: &Cx, input: s::DisableAlarmActionsInput) -> Result<Empty> {
        self.switch_actions(cx, &input.alarm_names, false).await
    }
}

impl Handle<op::DeleteAlarms> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::DeleteAlarmsInput) -> Result<Vec<Access>> {
        self.on_alarms(cx, "cloudwatch:DeleteAlarms", &input.alarm_names).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAlarmsInput) -> Result<Empty> {
        let names = &input.alarm_names;
        self.delete_alarms(owner(cx), names, cx.now(), |all| {
            let composites =
                all.iter().filter(|(name, alarm)| names.contains(name) && alarm.is_composite()).count();
            if composites > 1 {
                return Err(error::validation("Only one composite alarm can be deleted with one operation."));
            }
            for (name, _) in all.iter().filter(|(name, _)| names.contains(name)) {
                let depends =
                    all.iter().any(|(other, alarm)| !names.contains(other) && depends_on(alarm, name));
                if depends {
                    return Err(error::validation(format!(
                        "Cannot delete {name} as there are composite alarm(s) depending on it."
                    )));
                }
            }
            Ok(())
        })
        .await?;
        Ok(Empty {})
    }
}

/// Whether an alarm is a composite that names another, in its rule or as its suppressor.
pub(crate) fn depends_on(alarm: &Alarm, name: &str) -> bool {
    let AlarmKind::Composite(composite) = &alarm.kind else { return false };
    let suppressed = composite.suppressor.as_deref().is_some_and(|text| by_arn(text).unwrap_or(text) == name);
    suppressed || Rule::parse(&composite.rule).is_ok_and(|rule| rule.alarms().contains(&name))
}

impl CloudWatch {
    async fn switch_actions(&self, cx: &Cx, names: &[String], enabled: bool) -> Result<Empty> {
        for name in names {
            self.change_alarm(owner(cx), name, cx.now(), |alarm| {
                if alarm.actions_enabled == enabled {
                    return Ok(None);
                }
                alarm.actions_enabled = enabled;
                alarm.configured_ms = cx.now().millis();
                let data = json!({ "version": "1.0", "type": "Update", "updatedAlarm": { "actionsEnabled": enabled } });
                let item = alarm.item(name, "ConfigurationUpdate", format!("Alarm \"{name}\" updated"), &data);
                Ok(Some(Traces { history: vec![item], actions: Vec::new() }))
            })
            .await?;
        }
        Ok(Empty {})
    }

    pub(crate) async fn on_alarms(
        &self,
        cx: &Cx,
        action: &'static str,
        names: &[String],
    ) -> Result<Vec<Access>> {
        let mut all = Vec::with_capacity(names.len());
        for name in names {
            all.push(self.with_tags(cx, action, name).await?);
        }
        Ok(all)
    }

    /// With the tags of the alarm, when it is there.
    pub(crate) async fn with_tags(&self, cx: &Cx, action: &'static str, name: &str) -> Result<Access> {
        let access = on_alarm(cx, action, name);
        Ok(match self.alarm(owner(cx), name).await? {
            Some(alarm) => {
                access.resource_tags(alarm.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
            }
            None => access,
        })
    }
}
