//! What metric alarms and composite alarms have in common.

use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::metrics::Owner;
use haneul_kit::{Access, Cx, Result, Tags};
use serde_json::{Value, json};

use super::access::alarm_arn;
use super::tags::refused;
use crate::CloudWatch;
use crate::alarms::reason::INITIAL;
use crate::error;
use crate::model::{Alarm, AlarmKind, AlarmState, StateValue};
use crate::store::alarms::Traces;

pub(crate) fn owner(cx: &Cx) -> Owner {
    Owner { account: cx.account(), region: cx.region() }
}

pub(crate) struct Settings {
    pub(crate) description: Option<String>,
    pub(crate) actions_enabled: bool,
    pub(crate) ok_actions: Vec<String>,
    pub(crate) alarm_actions: Vec<String>,
    pub(crate) insufficient_data_actions: Vec<String>,
    pub(crate) tags: Vec<s::Tag>,
}

pub(crate) fn access_to_put(
    cx: &Cx,
    access: Access,
    name: &str,
    actions: [&Option<Vec<String>>; 3],
    tags: Option<&[s::Tag]>,
) -> Vec<Access> {
    let tags: Vec<(&str, &str)> =
        tags.unwrap_or_default().iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    let actions: Vec<String> = actions.into_iter().flatten().flatten().cloned().collect();
    let mut access = access.request_tags(tags.clone());
    if !actions.is_empty() {
        access = access.keys("cloudwatch:AlarmActions", actions);
    }
    let mut all = vec![access];
    if !tags.is_empty() {
        all.push(Access::on("cloudwatch:TagResource", &alarm_arn(cx, name)).request_tags(tags));
    }
    all
}

impl Settings {
    /// Actions must be ARNs of what AWS's alarms can act on.
    pub(crate) fn check(&self) -> Result<()> {
        for (list, parameter) in [
            (&self.ok_actions, "OKActions"),
            (&self.alarm_actions, "AlarmActions"),
            (&self.insufficient_data_actions, "InsufficientDataActions"),
        ] {
            let mut seen = std::collections::HashSet::new();
            for action in list {
                if !seen.insert(action) {
                    return Err(error::validation(format!("{parameter} has the action {action} twice.")));
                }
                let parts: Vec<&str> = action.splitn(6, ':').collect();
                let known =
                    ["sns", "lambda", "automate", "swf", "autoscaling", "ssm", "ssm-incidents", "aiops"];
                let good = parts.len() == 6
                    && parts[0] == "arn"
                    && known.contains(&parts[2])
                    && !parts[5].is_empty();
                if !good {
                    return Err(error::validation(format!("Invalid arn syntax: {action}")));
                }
            }
        }
        Ok(())
    }
}

impl CloudWatch {
    /// Makes an alarm, or gives it another configuration: its state stays, its tags too.
    pub(crate) async fn put_settings(
        &self,
        cx: &Cx,
        name: &str,
        settings: Settings,
        kind: AlarmKind,
        shown: Value,
    ) -> Result<()> {
        if name.chars().any(char::is_control) {
            return Err(error::validation("The alarm name must not have control characters."));
        }
        let tags = Tags::from_request(settings.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())))
            .map_err(refused)?;
        let tags: Vec<(String, String)> =
            tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let now = cx.now();
        let (settings, kind, shown, tags) = (&settings, &kind, &shown, &tags);
        self.put_alarm(owner(cx), name, now, |before| {
            let made = before.is_none();
            let (created_ms, state, tags) = match before {
                Some(before) if before.is_composite() != matches!(kind, AlarmKind::Composite(_)) => {
                    return Err(error::validation(format!(
                        "An alarm of another type already exists with the name {name}."
                    )));
                }
                Some(before) => (before.created_ms, before.state, before.tags),
                None => (now.millis(), initial(now.millis()), tags.clone()),
            };
            let alarm = Alarm {
                kind: kind.clone(),
                description: settings.description.clone(),
                actions_enabled: settings.actions_enabled,
                ok_actions: settings.ok_actions.clone(),
                alarm_actions: settings.alarm_actions.clone(),
                insufficient_data_actions: settings.insufficient_data_actions.clone(),
                created_ms,
                configured_ms: now.millis(),
                state,
                tags,
            };
            let mut alarm = alarm;
            if !matches!(&alarm.kind, AlarmKind::Metric(metric) if metric.is_on_many()) {
                alarm.state.contributors.clear();
            }
            let (what, did) = if made { ("Create", "created") } else { ("Update", "updated") };
            let data = json!({ "version": "1.0", "type": what, "updatedAlarm": shown });
            let item = alarm.item(name, "ConfigurationUpdate", format!("Alarm \"{name}\" {did}"), &data);
            Ok((alarm, Traces { history: vec![item], actions: Vec::new() }))
        })
        .await
    }
}

fn initial(now_ms: i64) -> AlarmState {
    AlarmState {
        value: StateValue::InsufficientData,
        reason: INITIAL.to_owned(),
        reason_data: None,
        updated_ms: now_ms,
        changed_ms: now_ms,
        evaluation: None,
        suppressed: None,
        held: None,
        contributors: Vec::new(),
    }
}
