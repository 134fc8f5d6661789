//! Alarms on queries that result in many series: each is a contributor, in ALARM or not, and has a history and actions of its own.
//! Source: CloudWatch User Guide, "Create a CloudWatch alarm based on a Metrics Insights query", "Limits" and "Alarm actions".

use haneul_kit::Instant;
use haneul_kit::metrics::Owner;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::decide::{Treatment, Wanted, decide};
use super::evaluate::Verdict;
use super::reason::{Facts, Point, iso_millis};
use crate::model::{Alarm, AlarmState, Contributor, MetricAlarm, Named, StateValue};
use crate::store::alarms::Traces;

/// Contributors in ALARM at most; what is beyond them is not told apart.
const CONTRIBUTORS_MAX: usize = 100;
/// And what their attributes may take together, in bytes. "if the volume of attributes is too large, the number of contributors in
/// ALARM can be limited to less than 100".
const ATTRIBUTES_MAX: usize = 64 * 1024;

/// One of the series: what it is grouped by, and its periods, the newest first.
pub(crate) struct Series {
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) points: Vec<Point>,
}

/// `None` when the state stays what it is, for the same reason and with the same contributors.
pub(crate) fn judge(
    alarm: &Alarm,
    metric: &MetricAlarm,
    wanted: Wanted,
    mut series: Vec<Series>,
    partial: bool,
    now: Instant,
) -> Option<Verdict> {
    // A series is there only where data are.
    series.retain(|one| one.points.iter().any(|point| point.value.is_some()));
    let before = &alarm.state.contributors;
    let known = |id: &str| before.iter().find(|contributor| contributor.id == id);
    let (all, mut breaching, mut in_alarm) = (series.len(), 0, Vec::new());
    for one in series {
        let breaches: Vec<Option<bool>> = one.points.iter().map(|point| point.breaching).collect();
        let id = id(&one.attributes);
        let is = match decide(&breaches, wanted) {
            Some(state) => state == StateValue::Alarm,
            None => known(&id).is_some(),
        };
        if !is {
            continue;
        }
        breaching += 1;
        let contributor = known(&id).cloned().unwrap_or_else(|| Contributor {
            reason: reason(metric, wanted, &one.points, StateValue::Alarm),
            id,
            attributes: one.attributes,
            since_ms: now.millis(),
        });
        in_alarm.push(contributor);
    }
    // Those that are in ALARM already are not made room of.
    in_alarm.sort_by_key(|contributor| known(&contributor.id).is_none());
    let mut bytes = 0;
    in_alarm.retain(|contributor| {
        bytes += contributor.attributes.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        bytes <= ATTRIBUTES_MAX
    });
    in_alarm.truncate(CONTRIBUTORS_MAX);
    let state = match (all, breaching) {
        (0, _) => match wanted.missing {
            Treatment::Missing => StateValue::InsufficientData,
            Treatment::Breaching => StateValue::Alarm,
            Treatment::NotBreaching => StateValue::Ok,
            Treatment::Ignore => alarm.state.value,
        },
        (_, 0) => StateValue::Ok,
        _ => StateValue::Alarm,
    };
    // Nothing is said of any: while the alarm stays in ALARM, they do.
    if all == 0 && state == StateValue::Alarm {
        in_alarm.clone_from(before);
    }
    let evaluation = partial.then(|| "PARTIAL_DATA".to_owned());
    let ids =
        |all: &[Contributor]| all.iter().map(|one| one.id.clone()).collect::<std::collections::BTreeSet<_>>();
    let reason = match (all, breaching, in_alarm.len()) {
        (0, ..) => {
            let treated = match wanted.missing {
                Treatment::Missing => "Missing",
                Treatment::Breaching => "Breaching",
                Treatment::NotBreaching => "NonBreaching",
                Treatment::Ignore => "Ignore",
            };
            format!(
                "No time series were returned by the query. Treat missing data is configured as [{treated}]."
            )
        }
        (all, 0, _) => format!("0 out of {all} time series evaluated to ALARM"),
        (_, breaching, shown) if breaching > CONTRIBUTORS_MAX => {
            format!("{shown}+ time series evaluated to ALARM")
        }
        (all, breaching, shown) if breaching > shown => {
            format!("{shown}+ out of {all} time series evaluated to ALARM")
        }
        (all, breaching, _) => format!("{breaching} out of {all} time series evaluated to ALARM"),
    };
    let is_same = state == alarm.state.value && reason == alarm.state.reason;
    if is_same && evaluation == alarm.state.evaluation && ids(before) == ids(&in_alarm) {
        return None;
    }
    let data = json!({ "version": "1.0", "queryDate": iso_millis(now) }).to_string();
    Some(Verdict { state, reason, data, evaluation, contributors: in_alarm })
}

fn reason(metric: &MetricAlarm, wanted: Wanted, points: &[Point], state: StateValue) -> String {
    let real: Vec<Point> = points.iter().copied().filter(|point| point.value.is_some()).collect();
    let facts = Facts {
        state,
        points: &real[..real.len().min(wanted.periods)],
        periods: wanted.periods,
        needed: wanted.breaching,
        missing: wanted.missing,
        comparison: &metric.comparison,
        threshold: metric.threshold,
    };
    facts.short_sentence()
}

/// The same for the same attributes, whatever else the query results in.
fn id(attributes: &[(String, String)]) -> String {
    let mut hash = Sha256::new();
    for part in attributes.iter().flat_map(|(key, value)| [key, value]) {
        hash.update((part.len() as u32).to_be_bytes());
        hash.update(part);
    }
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether an action is called for each contributor, and not for the alarm. "Alarm actions" has topics and functions at the
/// contributor level alone, where an older page, "Acting on alarm changes", had them at both. What no contributor tells of (that
/// the alarm has no data, or an alarm without contributors) is told by the alarm even so: no change is left untold.
fn is_of_contributors(arn: &str) -> bool {
    matches!(arn.split(':').nth(2), Some("sns" | "lambda"))
}

impl Alarm {
    /// Takes over who is in ALARM now: each that went into it or out of it has a line in the history, and its actions are called.
    /// What the alarm itself would have told topics and functions of the same change falls away.
    pub(crate) fn contribute(
        &mut self,
        (owner, name): (Owner, &str),
        now_in_alarm: &[Contributor],
        now: Instant,
        muted_by: Option<&str>,
        traces: &mut Traces,
    ) {
        let before = std::mem::take(&mut self.state.contributors);
        // The alarm as each contributor's actions tell of it, which say nothing of the others.
        let mut own = self.clone();
        self.state.contributors = now_in_alarm.to_vec();
        let among = |all: &[Contributor], one: &Contributor| all.iter().any(|known| known.id == one.id);
        let into: Vec<_> = now_in_alarm.iter().filter(|one| !among(&before, one)).collect();
        let out: Vec<_> = before.iter().filter(|one| !among(now_in_alarm, one)).collect();
        let is_told = match self.state.value {
            StateValue::Alarm => !into.is_empty(),
            StateValue::Ok => !out.is_empty(),
            StateValue::InsufficientData => false,
        };
        if is_told {
            traces.actions.retain(|action| !is_of_contributors(&action.arn));
        }
        for one in into {
            own.turned((owner, name), one, StateValue::Alarm, now, muted_by, traces);
        }
        for one in out {
            let reason =
                "Threshold Crossed: the time series is within the threshold, or is not there any more.";
            let one = Contributor { reason: reason.to_owned(), ..one.clone() };
            own.turned((owner, name), &one, StateValue::Ok, now, muted_by, traces);
        }
    }

    /// Takes on the state of a contributor that has changed, and leaves what is to be said of it.
    fn turned(
        &mut self,
        (owner, name): (Owner, &str),
        contributor: &Contributor,
        state: StateValue,
        now: Instant,
        muted_by: Option<&str>,
        traces: &mut Traces,
    ) {
        let other = if state == StateValue::Ok { StateValue::Alarm } else { StateValue::Ok };
        let before =
            AlarmState { value: other, reason: String::new(), reason_data: None, ..self.state.clone() };
        self.state = AlarmState {
            value: state,
            reason: contributor.reason.clone(),
            updated_ms: now.millis(),
            changed_ms: now.millis(),
            ..before.clone()
        };
        let summary = format!("Alarm contributor updated from {} to {}", other.name(), state.name());
        let data = json!({
            "version": "1.0",
            "oldState": { "stateValue": other.name() },
            "newState": { "stateValue": state.name(), "stateReason": contributor.reason },
        });
        let mut item = self.item(name, "AlarmContributorStateUpdate", summary, &data);
        item.contributor = Some(contributor.named());
        traces.history.push(item);
        let mut actions = self.called(owner, name, &before, now);
        actions.retain(|action| is_of_contributors(&action.arn));
        if let Some(rule) = muted_by.filter(|_| !actions.is_empty()) {
            let data = json!({ "actionState": "Muted", "muteRule": rule });
            let summary = format!("Actions of {} muted by the alarm mute rule {rule}", state.name());
            let mut item = self.item(name, "AlarmContributorAction", summary, &data);
            item.contributor = Some(contributor.named());
            traces.history.push(item);
            return;
        }
        for action in &mut actions {
            action.contributor = Some(contributor.named());
            action.message = super::message::of_contributor(&action.message, contributor);
        }
        traces.actions.extend(actions);
    }
}

impl Contributor {
    pub(crate) fn named(&self) -> Named {
        (self.id.clone(), self.attributes.clone())
    }
}
