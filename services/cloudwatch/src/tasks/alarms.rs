use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use haneul_kit::metrics::Owner;
use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use serde_json::json;

use crate::CloudWatch;
use crate::alarms::message::arn;
use crate::alarms::reason::iso_millis;
use crate::alarms::rule::{Rule, by_arn};
use crate::model::{Alarm, AlarmKind, AlarmState, CompositeAlarm, Held, StateValue, Suppressed};
use crate::mute::Muting;
use crate::store::alarms::Traces;

/// Looks at every alarm when its time has come: metric alarms by the clock, composite ones when what they name has changed.
pub(crate) struct Alarms {
    cloudwatch: Arc<CloudWatch>,
    signal: Signal,
    /// When metric alarms were last looked at, in seconds: those of ten seconds, and the others.
    looked_s: [AtomicI64; 2],
    swept_day: AtomicI64,
}

/// How many composites may stand on one another. AWS stops at cycles; here a cycle ends after so many rounds.
const ROUNDS_MAX: usize = 20;

/// The evaluation of an alarm that could not be looked at.
const EVALUATION_ERROR: &str = "EVALUATION_ERROR";

impl Alarms {
    pub(crate) fn new(cloudwatch: Arc<CloudWatch>) -> Alarms {
        let signal = cloudwatch.alarms_signal.clone();
        let never = || AtomicI64::new(i64::MIN);
        Alarms { cloudwatch, signal, looked_s: [never(), never()], swept_day: never() }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let now = self.cloudwatch.platform.env.now();
        let all = self.cloudwatch.every_alarm().await?;
        let due: Vec<bool> = [10, 60]
            .iter()
            .zip(&self.looked_s)
            .map(|(every, looked)| {
                let slot = now.secs().div_euclid(*every) * every;
                looked.swap(slot, Ordering::Relaxed) != slot
            })
            .collect();
        let mut next: Option<i64> = None;
        for (owner, name, alarm) in &all {
            let AlarmKind::Metric(metric) = &alarm.kind else { continue };
            let every = metric.every();
            let at = (now.secs().div_euclid(every) + 1) * every;
            next = Some(next.map_or(at, |next| next.min(at)));
            // A new one, or one with a new configuration, does not wait for its turn; one set by hand does.
            let fresh = alarm.configured_ms >= alarm.state.updated_ms
                && alarm.state.value == StateValue::InsufficientData;
            if due[usize::from(every == 60)] || fresh {
                self.metric_alarm(*owner, name, alarm, now).await?;
            }
        }
        next = [next, self.unmute(&all, now).await?].into_iter().flatten().min();
        let mut composites: BTreeMap<Owner, Vec<String>> = BTreeMap::new();
        for (owner, name, alarm) in all {
            if alarm.is_composite() {
                composites.entry(owner).or_default().push(name);
            }
        }
        for (owner, names) in composites {
            let until_ms = self.composites(owner, &names, now).await?;
            let at = until_ms.map(|ms| (ms + 999).div_euclid(1000));
            next = [next, at].into_iter().flatten().min();
        }
        let today = now.secs().div_euclid(86_400);
        if self.swept_day.swap(today, Ordering::Relaxed) != today {
            self.cloudwatch.drop_old_history(now.millis()).await?;
        }
        Ok(next.map(Instant::from_secs))
    }

    async fn metric_alarm(&self, owner: Owner, name: &str, alarm: &Alarm, now: Instant) -> Result<()> {
        let AlarmKind::Metric(metric) = &alarm.kind else { return Ok(()) };
        let verdict = match self.cloudwatch.evaluate(owner, alarm, metric, now).await {
            Ok(Some(verdict)) => verdict,
            // Of many series, nothing has changed, their evaluation among it.
            Ok(None) if metric.is_on_many() => return Ok(()),
            Ok(None) => return self.evaluated(owner, name, alarm, None, now).await,
            // Operands that do not fit: nothing is known.
            Err(error) => {
                tracing::debug!(alarm = name, %error, "an alarm could not be evaluated");
                return self.evaluated(owner, name, alarm, Some(EVALUATION_ERROR), now).await;
            }
        };
        let verdict = &verdict;
        let configured_ms = alarm.configured_ms;
        let muting = self.cloudwatch.muting(owner).await?;
        let muted_by = muting.of(name, now).map(|(rule, _)| rule);
        let changed = self
            .cloudwatch
            .change_alarm(owner, name, now, |alarm| {
                // It was changed while we looked: next time.
                if alarm.configured_ms != configured_ms {
                    return Ok(None);
                }
                let mut traces = Traces::default();
                if alarm.state.value != verdict.state {
                    let before =
                        alarm.enter(verdict.state, verdict.reason.clone(), Some(verdict.data.clone()), now);
                    traces.history.push(alarm.changed(name, &before));
                    alarm.act((owner, name), &before, now, muted_by, &mut traces);
                } else if metric.is_on_many() {
                    alarm.state.reason.clone_from(&verdict.reason);
                    alarm.state.reason_data = Some(verdict.data.clone());
                    alarm.state.updated_ms = now.millis();
                } else {
                    return Ok(None);
                }
                alarm.contribute((owner, name), &verdict.contributors, now, muted_by, &mut traces);
                alarm.state.evaluation.clone_from(&verdict.evaluation);
                Ok(Some(traces))
            })
            .await?;
        if changed {
            self.told(muted_by);
        }
        Ok(())
    }

    /// After a change: actions are called, or held back until a window closes.
    fn told(&self, muted_by: Option<&str>) {
        self.cloudwatch.actions_signal.wake();
        if muted_by.is_some() {
            self.cloudwatch.alarms_signal.wake();
        }
    }

    /// Calls what was held back of alarms that no rule mutes any more. Says when the next window closes.
    async fn unmute(&self, all: &[(Owner, String, Alarm)], now: Instant) -> Result<Option<i64>> {
        let mut next: Option<i64> = None;
        let mut known: BTreeMap<Owner, Muting> = BTreeMap::new();
        // What a suppressor holds back is called when that lets go.
        let held = |alarm: &Alarm| alarm.state.held.is_some() && alarm.state.suppressed.is_none();
        for (owner, name, alarm) in all.iter().filter(|(.., alarm)| held(alarm)) {
            let muting = match known.entry(*owner) {
                Entry::Occupied(found) => found.into_mut(),
                Entry::Vacant(place) => place.insert(self.cloudwatch.muting(*owner).await?),
            };
            if let Some((_, until)) = muting.of(name, now) {
                let at = (until.millis() + 999).div_euclid(1000);
                next = Some(next.map_or(at, |next| next.min(at)));
                continue;
            }
            let held = alarm.state.held;
            let changed = self
                .cloudwatch
                .change_alarm(*owner, name, now, |alarm| {
                    if alarm.state.held != held || alarm.state.suppressed.is_some() {
                        return Ok(None);
                    }
                    let actions = alarm.unmute((*owner, name), now);
                    Ok(Some(Traces { history: Vec::new(), actions }))
                })
                .await?;
            if changed {
                self.cloudwatch.actions_signal.wake();
            }
        }
        Ok(next)
    }

    /// Keeps how an alarm was evaluated that stays in its state.
    async fn evaluated(
        &self,
        owner: Owner,
        name: &str,
        alarm: &Alarm,
        evaluation: Option<&str>,
        now: Instant,
    ) -> Result<()> {
        if alarm.state.evaluation.as_deref() == evaluation {
            return Ok(());
        }
        let configured_ms = alarm.configured_ms;
        self.cloudwatch
            .change_alarm(owner, name, now, |alarm| {
                if alarm.configured_ms != configured_ms {
                    return Ok(None);
                }
                alarm.state.evaluation = evaluation.map(str::to_owned);
                Ok(Some(Traces::default()))
            })
            .await?;
        Ok(())
    }

    /// Rules are looked at until none changes any more. Says when a wait ends.
    async fn composites(&self, owner: Owner, names: &[String], now: Instant) -> Result<Option<i64>> {
        for _ in 0..ROUNDS_MAX {
            let all = self.cloudwatch.alarms(owner, "", None, usize::MAX).await?;
            let states: HashMap<&str, &Alarm> =
                all.iter().map(|(name, alarm)| (name.as_str(), alarm)).collect();
            let mut changed = false;
            for name in names {
                let Some(alarm) = states.get(name.as_str()) else { continue };
                let AlarmKind::Composite(composite) = &alarm.kind else { continue };
                changed |= self.composite(owner, name, alarm, composite, &states, now).await?;
            }
            if !changed {
                let untils = all.iter().filter_map(|(_, alarm)| alarm.state.suppressed.as_ref()?.until_ms);
                return Ok(untils.min());
            }
        }
        Ok(None)
    }

    async fn composite(
        &self,
        owner: Owner,
        name: &str,
        alarm: &Alarm,
        composite: &CompositeAlarm,
        states: &HashMap<&str, &Alarm>,
        now: Instant,
    ) -> Result<bool> {
        let Ok(rule) = Rule::parse(&composite.rule) else { return Ok(false) };
        let state_of = |child: &str| states.get(child).map(|alarm| alarm.state.value);
        let holds = rule.holds(&state_of);
        let suppressor = composite.suppressor.as_deref().map(|text| by_arn(text).unwrap_or(text));
        let suppressing = suppressor.is_some_and(|name| state_of(name) == Some(StateValue::Alarm));
        let wanted = if holds { StateValue::Alarm } else { StateValue::Ok };
        let turns = composite.held != Some(holds);
        let step = next_step(alarm.state.suppressed.as_ref(), suppressing, now.millis());
        if !turns && step == Step::Stay {
            return Ok(false);
        }
        let (reason, data) = why(owner, name, &rule, states, wanted, now);
        let (reason, data, suppressor) = (&reason, &data, suppressor.unwrap_or_default());
        let configured_ms = alarm.configured_ms;
        let muting = self.cloudwatch.muting(owner).await?;
        let muted_by = muting.of(name, now).map(|(rule, _)| rule);
        let changed = self
            .cloudwatch
            .change_alarm(owner, name, now, |alarm| {
                if alarm.configured_ms != configured_ms {
                    return Ok(None);
                }
                let mut traces = Traces::default();
                let AlarmKind::Composite(composite) = &mut alarm.kind else { return Ok(None) };
                composite.held = Some(holds);
                let (wait_s, extension_s) =
                    (composite.wait_s.unwrap_or(0), composite.extension_s.unwrap_or(0));
                let has_suppressor = composite.suppressor.is_some();
                let before = if alarm.state.value == wanted {
                    None
                } else if turns {
                    let before = alarm.enter(wanted, reason.clone(), Some(data.clone()), now);
                    traces.history.push(alarm.changed(name, &before));
                    Some(before)
                } else {
                    None
                };
                let hold = |by: &str, seconds: Option<i32>| Suppressed {
                    by: by.to_owned(),
                    reason: format!("Actions suppressed by {by} of the alarm {suppressor}"),
                    until_ms: seconds.map(|seconds| now.millis() + i64::from(seconds) * 1000),
                };
                let mut call = false;
                match step {
                    Step::Hold => alarm.state.suppressed = Some(hold("Alarm", None)),
                    Step::Extend => alarm.state.suppressed = Some(hold("ExtensionPeriod", Some(extension_s))),
                    Step::Release => {
                        alarm.state.suppressed = None;
                        // It may be again what it was.
                        call = alarm.state.held.is_none_or(|held| held.before != alarm.state.value);
                        if !call {
                            alarm.state.held = None;
                        }
                    }
                    Step::Stay if before.is_some() && has_suppressor && alarm.state.suppressed.is_none() => {
                        if let Some(before) = &before {
                            alarm.state.held.get_or_insert(Held { before: before.value });
                        }
                        alarm.state.suppressed = Some(match suppressing {
                            true => hold("Alarm", None),
                            false => hold("WaitPeriod", Some(wait_s)),
                        });
                    }
                    Step::Stay => call = alarm.state.suppressed.is_none() && before.is_some(),
                }
                if call {
                    // What was held back is told from what the alarm was before that.
                    let held = alarm.state.held.map(|held| held.before);
                    let before = before.unwrap_or_else(|| alarm.state.clone());
                    let before = AlarmState { value: held.unwrap_or(before.value), ..before };
                    alarm.act((owner, name), &before, now, muted_by, &mut traces);
                }
                Ok(Some(traces))
            })
            .await?;
        if changed {
            self.told(muted_by);
        }
        Ok(changed)
    }
}

/// What becomes of actions that are held back. Source: CloudWatch User Guide, "Composite alarm actions suppression".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Stay,
    /// The suppressor went into ALARM.
    Hold,
    /// It left ALARM.
    Extend,
    /// The wait is over.
    Release,
}

fn next_step(suppressed: Option<&Suppressed>, suppressing: bool, now_ms: i64) -> Step {
    let Some(suppressed) = suppressed else { return Step::Stay };
    let over = suppressed.until_ms.is_some_and(|until| until <= now_ms);
    match (suppressed.by.as_str(), suppressing) {
        ("Alarm", true) => Step::Stay,
        ("Alarm", false) => Step::Extend,
        (_, true) => Step::Hold,
        (_, false) if over => Step::Release,
        _ => Step::Stay,
    }
}

fn why(
    owner: Owner,
    name: &str,
    rule: &Rule,
    states: &HashMap<&str, &Alarm>,
    wanted: StateValue,
    now: Instant,
) -> (String, String) {
    let children: Vec<(&str, &Alarm)> =
        rule.alarms().into_iter().filter_map(|child| Some((child, *states.get(child)?))).collect();
    // The one that changed last is what turned the rule.
    let last = children.iter().max_by_key(|(_, alarm)| alarm.state.changed_ms);
    let reason = match last {
        Some((child, alarm)) => format!(
            "{} transitioned to {} at {}",
            arn(owner, child),
            alarm.state.value.name(),
            stamp(Instant::from_millis(alarm.state.changed_ms))
        ),
        None => format!("{} was created and its alarm rule evaluates to {}", arn(owner, name), wanted.name()),
    };
    let triggering: Vec<_> = last
        .iter()
        .map(|(child, alarm)| {
            json!({
                "arn": arn(owner, child),
                "state": { "value": alarm.state.value.name(), "timestamp": iso_millis(Instant::from_millis(alarm.state.changed_ms)) },
            })
        })
        .collect();
    let data = json!({ "triggeringAlarms": triggering, "evaluatedAt": iso_millis(now) });
    (reason, data.to_string())
}

/// `Friday 12 December, 2014 09:37:14 UTC`.
fn stamp(at: Instant) -> String {
    let format = time::macros::format_description!(
        "[weekday] [day] [month repr:long], [year] [hour]:[minute]:[second] UTC"
    );
    let time =
        time::OffsetDateTime::from_unix_timestamp(at.secs()).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    time.format(format).unwrap_or_else(|_| at.iso8601())
}

impl Reconciler for Alarms {
    fn name(&self) -> &'static str {
        "cloudwatch.alarms"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
