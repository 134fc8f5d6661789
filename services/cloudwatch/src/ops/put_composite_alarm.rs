use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;
use serde_json::json;

use super::alarm_parts::{Settings, access_to_put, owner};
use crate::CloudWatch;
use crate::alarms::rule::{ALARMS_MAX, Rule, by_arn};
use crate::error;
use crate::model::{AlarmKind, CompositeAlarm};

impl Handle<op::PutCompositeAlarm> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::PutCompositeAlarmInput) -> Result<Vec<Access>> {
        let actions = [&input.ok_actions, &input.alarm_actions, &input.insufficient_data_actions];
        let access = self.with_tags(cx, "cloudwatch:PutCompositeAlarm", &input.alarm_name).await?;
        Ok(access_to_put(cx, access, &input.alarm_name, actions, input.tags.as_deref()))
    }

    async fn call(&self, cx: &Cx, input: s::PutCompositeAlarmInput) -> Result<Empty> {
        if input.action_configuration.is_some() {
            return Err(error::not_offered("Propagating an alarm's tags to its notifications"));
        }
        let rule = Rule::parse(&input.alarm_rule).map_err(|reason| {
            error::validation(format!("AlarmRule contains invalid expression: {reason}"))
        })?;
        let named = rule.alarms();
        if named.len() > ALARMS_MAX {
            return Err(error::validation(format!("AlarmRule must not name more than {ALARMS_MAX} alarms.")));
        }
        let name = input.alarm_name;
        if named.contains(&name.as_str()) {
            return Err(error::validation("AlarmRule must not name the alarm itself."));
        }
        let mut missing = Vec::new();
        let suppressor = input.actions_suppressor.as_deref().map(|text| by_arn(text).unwrap_or(text));
        for child in named.into_iter().chain(suppressor) {
            if self.alarm(owner(cx), child).await?.is_none() {
                missing.push(child.to_owned());
            }
        }
        if !missing.is_empty() {
            return Err(error::validation(format!(
                "Could not save the composite alarm as alarms [{}] in the alarm rule do not exist",
                missing.join(", ")
            )));
        }
        let (wait_s, extension_s) =
            (input.actions_suppressor_wait_period, input.actions_suppressor_extension_period);
        if suppressor.is_some() != wait_s.is_some() || suppressor.is_some() != extension_s.is_some() {
            return Err(error::validation(
                "ActionsSuppressor, ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod must be specified together.",
            ));
        }
        if wait_s.is_some_and(|wait| wait < 0) || extension_s.is_some_and(|extension| extension < 0) {
            return Err(error::validation("The periods of an actions suppressor must not be negative."));
        }
        let settings = Settings {
            description: input.alarm_description,
            actions_enabled: input.actions_enabled.unwrap_or(true),
            ok_actions: input.ok_actions.unwrap_or_default(),
            alarm_actions: input.alarm_actions.unwrap_or_default(),
            insufficient_data_actions: input.insufficient_data_actions.unwrap_or_default(),
            tags: input.tags.unwrap_or_default(),
        };
        settings.check()?;
        let shown = json!({ "alarmRule": input.alarm_rule });
        let composite = CompositeAlarm {
            rule: input.alarm_rule,
            held: None,
            suppressor: input.actions_suppressor,
            wait_s,
            extension_s,
        };
        self.put_settings(cx, &name, settings, AlarmKind::Composite(composite), shown).await?;
        Ok(Empty {})
    }
}
