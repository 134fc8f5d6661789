//! What follows from a change of state: a line of history, and actions to be called.

use haneul_kit::Instant;
use haneul_kit::metrics::Owner;
use serde_json::{Value, json};

use super::message;
use super::reason::iso_millis;
use crate::model::{Alarm, AlarmKind, AlarmState, Held, HistoryItem, PendingAction, StateValue};
use crate::store::alarms::Traces;

impl Alarm {
    pub(crate) fn is_composite(&self) -> bool {
        matches!(self.kind, AlarmKind::Composite(_))
    }

    pub(crate) fn actions(&self, state: StateValue) -> &[String] {
        match state {
            StateValue::Ok => &self.ok_actions,
            StateValue::Alarm => &self.alarm_actions,
            StateValue::InsufficientData => &self.insufficient_data_actions,
        }
    }

    /// Goes into another state; the old one is handed back.
    pub(crate) fn enter(
        &mut self,
        state: StateValue,
        reason: String,
        data: Option<String>,
        now: Instant,
    ) -> AlarmState {
        let now_ms = now.millis();
        let changed_ms = if state == self.state.value { self.state.changed_ms } else { now_ms };
        let entered = AlarmState {
            value: state,
            reason,
            reason_data: data,
            updated_ms: now_ms,
            changed_ms,
            evaluation: None,
            suppressed: self.state.suppressed.clone(),
            held: self.state.held,
            contributors: self.state.contributors.clone(),
        };
        std::mem::replace(&mut self.state, entered)
    }

    /// The history's line on having gone from `before` into its present state.
    pub(crate) fn changed(&self, name: &str, before: &AlarmState) -> HistoryItem {
        let data = json!({ "version": "1.0", "oldState": state(before), "newState": state(&self.state) });
        let summary = format!("Alarm updated from {} to {}", before.value.name(), self.state.value.name());
        self.item(name, "StateUpdate", summary, &data)
    }

    pub(crate) fn item(&self, name: &str, kind: &str, summary: String, data: &Value) -> HistoryItem {
        HistoryItem {
            alarm: name.to_owned(),
            composite: self.is_composite(),
            kind: kind.to_owned(),
            summary,
            data: data.to_string(),
            contributor: None,
        }
    }

    /// Calls the actions of its present state, or holds them back for the rule that mutes it.
    pub(crate) fn act(
        &mut self,
        (owner, name): (Owner, &str),
        before: &AlarmState,
        now: Instant,
        muted_by: Option<&str>,
        traces: &mut Traces,
    ) {
        let Some(rule) = muted_by.filter(|_| self.actions_enabled) else {
            self.state.held = None;
            traces.actions.extend(self.called(owner, name, before, now));
            return;
        };
        self.state.held.get_or_insert(Held { before: before.value });
        let actions = self.actions(self.state.value);
        if !actions.is_empty() {
            let data = json!({ "actionState": "Muted", "muteRule": rule, "actions": actions });
            let state = self.state.value.name();
            let summary = format!("Actions of {state} muted by the alarm mute rule {rule}");
            traces.history.push(self.item(name, "Action", summary, &data));
        }
    }

    /// No rule mutes it any more: its actions are called if it is not what it was before.
    pub(crate) fn unmute(&mut self, (owner, name): (Owner, &str), now: Instant) -> Vec<PendingAction> {
        match self.state.held.take() {
            Some(held) if held.before != self.state.value => {
                let before = AlarmState { value: held.before, ..self.state.clone() };
                self.called(owner, name, &before, now)
            }
            _ => Vec::new(),
        }
    }

    /// The actions of its present state, to be called.
    pub(crate) fn called(
        &self,
        owner: Owner,
        name: &str,
        before: &AlarmState,
        now: Instant,
    ) -> Vec<PendingAction> {
        if !self.actions_enabled {
            return Vec::new();
        }
        self.actions(self.state.value)
            .iter()
            .map(|arn| {
                let content = match arn.split(':').nth(2) {
                    Some("lambda") => message::event(owner, name, self, before, now),
                    _ => message::notification(owner, name, self, before, now),
                };
                PendingAction {
                    alarm: name.to_owned(),
                    composite: self.is_composite(),
                    arn: arn.clone(),
                    state: self.state.value,
                    message: content.to_string(),
                    subject: message::subject(owner, name, &self.state),
                    attempts: 0,
                    contributor: None,
                }
            })
            .collect()
    }
}

fn state(state: &AlarmState) -> Value {
    let mut shown = json!({ "stateValue": state.value.name(), "stateReason": state.reason });
    if let Some(data) = &state.reason_data {
        shown["stateReasonData"] = serde_json::from_str(data).unwrap_or_else(|_| json!(data));
    }
    shown
}

/// The history's line on an action that was called.
pub(crate) fn acted(action: &PendingAction, now: Instant, failure: Option<&str>) -> HistoryItem {
    let service = action.arn.split(':').nth(2).unwrap_or_default();
    let mut data = json!({
        "actionState": if failure.is_none() { "Succeeded" } else { "Failed" },
        "notificationResource": action.arn,
        "stateUpdateTimestamp": now.millis(),
        "publishedMessage": serde_json::from_str::<Value>(&action.message).unwrap_or(Value::Null),
        "error": failure,
    });
    data["timestamp"] = json!(iso_millis(now));
    let target = match service {
        "sns" => "notification action",
        "lambda" => "Lambda action",
        _ => "action",
    };
    let summary = match failure {
        None => format!("Successfully executed action {}", action.arn),
        Some(error) => format!("Failed to execute {target} {}. Received error: \"{error}\"", action.arn),
    };
    HistoryItem {
        alarm: action.alarm.clone(),
        composite: action.composite,
        kind: if action.contributor.is_some() { "AlarmContributorAction" } else { "Action" }.to_owned(),
        summary: summary.chars().take(255).collect(),
        data: data.to_string(),
        contributor: action.contributor.clone(),
    }
}
