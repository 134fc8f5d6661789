//! Scaling: scheduled actions whose time has come, capacity outside its bounds, and what alarms say of use.

use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{ApiError, BoxFuture, Instant, Reconciler, Result, Signal};
use haneul_store::{Range, Reads};

use crate::ApplicationAutoscaling;
use crate::calls::Capacity;
use crate::error;
use crate::model::{ActivityRecord, NamedKey, POLICIES, PolicyRecord, TARGETS, TargetKey, TargetRecord};
use crate::ops::next;
use crate::policy::{KINDS, Kind, units_for};
use crate::schedule::{Schedule, zone};
use crate::store::target_of;
use crate::target::Target;

/// How often alarms are looked at: CloudWatch evaluates them once a minute, and this comes a little later.
const EVERY: Duration = Duration::from_secs(60);
const LATER_MS: i64 = 15_000;

/// How often activities that are too old to be told of are dropped.
const TRIM_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

const PAGE: usize = 500;

pub(crate) struct Scale {
    state: Arc<ApplicationAutoscaling>,
    /// When old activities are looked for next; at the start for the first time.
    next_trim: parking_lot::Mutex<Option<Instant>>,
}

impl Scale {
    pub(crate) fn new(state: Arc<ApplicationAutoscaling>) -> Scale {
        Scale { state, next_trim: parking_lot::Mutex::new(None) }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let next_action = self.fire().await?;
        let unsettled = self.settle().await?;
        let tracked = self.track().await?;
        let now = self.state.platform.env.now();
        let next_trim = self.trim(now, tracked || unsettled || next_action.is_some()).await?;
        let minute_ms = i64::try_from(EVERY.as_millis()).unwrap_or(i64::MAX);
        let next_look = Instant::from_millis((now.millis() / minute_ms + 1) * minute_ms + LATER_MS);
        let looks = (tracked || unsettled).then_some(next_look);
        Ok([looks, next_action, next_trim].into_iter().flatten().min())
    }

    /// Drops activities that are too old, once a day while there are any or `more` may come. When it will next.
    async fn trim(&self, now: Instant, more: bool) -> Result<Option<Instant>> {
        if let Some(next) = *self.next_trim.lock()
            && now < next
        {
            return Ok(Some(next));
        }
        let next = (self.state.trim_activities(now).await? || more).then_some(now + TRIM_EVERY);
        *self.next_trim.lock() = next;
        Ok(next)
    }

    /// Scheduled actions that are due; gives when the next one is.
    async fn fire(&self) -> Result<Option<Instant>> {
        let now = self.state.platform.env.now();
        let (mut range, mut soonest) = (Range::all(), None);
        loop {
            let page = self.state.actions(range).await?;
            let Some((last, _)) = page.last() else { return Ok(soonest.map(Instant::from_millis)) };
            range = Range::all().after(last);
            for (key, action) in page {
                let Some(mut due_ms) = action.next_ms else { continue };
                if due_ms <= now.millis() {
                    // What was missed more than once is done once.
                    let after = zone(action.timezone.as_deref())
                        .and_then(|zone| Schedule::parse(&action.schedule, &zone))
                        .and_then(|schedule| next(&action, &schedule, now.millis()));
                    self.state
                        .fire(&key, due_ms, after, |action, target| {
                            if target.suspended.scheduled {
                                return None;
                            }
                            (target.min, target.max) =
                                (action.min.unwrap_or(target.min), action.max.unwrap_or(target.max));
                            // One of the two alone pushes the other before it.
                            if action.min.is_none() {
                                target.min = target.min.min(target.max);
                            }
                            target.max = target.max.max(target.min);
                            target.unsettled = true;
                            Some(scheduled(&key, target, now))
                        })
                        .await?;
                    match after {
                        Some(after) => due_ms = after,
                        None => continue,
                    }
                }
                soonest = Some(soonest.map_or(due_ms, |soonest: i64| soonest.min(due_ms)));
            }
        }
    }

    /// Moves capacity into bounds that changed. Whether some of it has to be tried again.
    async fn settle(&self) -> Result<bool> {
        let (mut range, mut again) = (Range::all(), false);
        loop {
            let page = self.state.platform.store.scan(&TARGETS, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { return Ok(again) };
            range = Range::all().after(last);
            for (key, record) in page {
                if record.unsettled {
                    again |= !self.settle_one(&key, &record).await?;
                }
            }
        }
    }

    async fn settle_one(&self, key: &TargetKey, record: &TargetRecord) -> Result<bool> {
        let target = Target::of_key(key)?;
        let capacity = match self.state.capacity(key.0, key.1, &target).await {
            Ok(capacity) => capacity,
            Err(error) => {
                tracing::warn!(resource = key.2, %error, "a scalable target cannot be looked at");
                return Ok(false);
            }
        };
        // What is on demand, or gone, has no capacity to be moved.
        let done = match capacity.filter(|capacity| !capacity.on_demand) {
            None => true,
            Some(capacity) if !capacity.active => false,
            Some(capacity) => {
                let units = capacity.units(&target);
                let (min, max) = (i64::from(record.min), i64::from(record.max));
                let (wanted, cause) = match () {
                    () if units < min => (min, format!("minimum capacity was set to {min}")),
                    () if units > max => (max, format!("maximum capacity was set to {max}")),
                    () => (units, String::new()),
                };
                wanted == units || self.change(key, &target, capacity, wanted, cause).await?
            }
        };
        if done {
            self.state
                .put_target(key, |before| {
                    let target = before.ok_or_else(|| error::no_target(key))?;
                    // Bounds that changed meanwhile are another matter.
                    let same = (target.min, target.max) == (record.min, record.max);
                    Ok(TargetRecord { unsettled: !same, ..target })
                })
                .await
                .map(drop)
                .or_else(gone)?;
        }
        Ok(done)
    }

    /// Looks at the alarms of every policy. Whether there is any.
    async fn track(&self) -> Result<bool> {
        let (mut range, mut any) = (Range::all(), false);
        loop {
            let page = self.state.platform.store.scan(&POLICIES, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { return Ok(any) };
            range = Range::all().after(last);
            for (key, policy) in page {
                any = true;
                // One target that cannot be scaled must not keep the others waiting.
                if let Err(error) = self.track_one(&key, &policy).await {
                    tracing::warn!(resource = key.2, policy = key.4, %error, "a policy was not looked at");
                }
            }
        }
    }

    async fn track_one(&self, key: &NamedKey, policy: &PolicyRecord) -> Result<()> {
        let (state, target_key) = (&self.state, target_of(key));
        let target = Target::of_key(&target_key)?;
        let Some(record) = state.target(&target_key).await? else { return Ok(()) };
        let Some(capacity) = state.capacity(key.0, key.1, &target).await? else { return Ok(()) };
        if capacity.on_demand || !capacity.active {
            return Ok(());
        }
        let mut units = capacity.units(&target);
        let alarms = state.alarm_states(key, policy).await?;
        let in_alarm = |kind: Kind| {
            let at = KINDS.iter().position(|other| *other == kind)?;
            let name = kind.name(key, policy.alarms.get(at)?);
            Some(name).filter(|name| alarms.get(name).is_some_and(|alarm| alarm.in_alarm))
        };
        let now_ms = state.platform.env.now().millis();
        let over = |last: Option<i64>, cooldown_s: Option<i32>| {
            last.is_none_or(|last| now_ms - last >= i64::from(cooldown_s.unwrap_or(0)) * 1000)
        };
        let (min, max) = (i64::from(record.min), i64::from(record.max));
        let mut wanted = None;
        if let Some(alarm) = in_alarm(Kind::High)
            && !record.suspended.scale_out
            && over(record.out_ms, policy.out_cooldown_s)
            && let Some(used) = state.used(key, &target, i64::from(Kind::High.window().1)).await?
        {
            wanted = Some((units_for(used, policy.target).clamp(min, max), alarm))
                .filter(|(wanted, _)| *wanted > units);
        } else if let Some(alarm) = in_alarm(Kind::Low)
            && !record.suspended.scale_in
            && policy.disable_scale_in != Some(true)
            && over(record.in_ms.max(record.out_ms), policy.in_cooldown_s)
            && let Some(used) = state.used(key, &target, i64::from(Kind::Low.window().1)).await?
        {
            wanted = Some((units_for(used, policy.target).clamp(min, max), alarm))
                .filter(|(wanted, _)| *wanted < units);
        }
        if let Some((wanted, alarm)) = wanted {
            let cause = format!("monitor alarm {alarm} in state ALARM triggered policy {}", key.4);
            if self.change(&target_key, &target, capacity, wanted, cause).await? {
                let out = wanted > units;
                units = wanted;
                state
                    .put_target(&target_key, |before| {
                        let mut target = before.ok_or_else(|| error::no_target(&target_key))?;
                        if out {
                            target.out_ms = Some(now_ms)
                        } else {
                            target.in_ms = Some(now_ms)
                        }
                        Ok(target)
                    })
                    .await
                    .map(drop)
                    .or_else(gone)?;
            }
        }
        if units != policy.units || alarms.len() < KINDS.len() {
            state.put_alarms(key, policy, units).await?;
            state.note_units(key, policy, units).await?;
        }
        Ok(())
    }

    /// Changes capacity, and tells of it. Whether it was changed.
    async fn change(
        &self,
        key: &TargetKey,
        target: &Target,
        capacity: Capacity,
        units: i64,
        cause: String,
    ) -> Result<bool> {
        let done = self.state.set_capacity(key.0, key.1, target, capacity, units).await;
        let busy = |error: &ApiError| error.code() == "ResourceInUseException" || error.is_retryable();
        if done.as_ref().is_err_and(busy) {
            return Ok(false);
        }
        let message = match &done {
            Ok(()) => {
                format!(
                    "Successfully set {} to {units}. Change successfully fulfilled by dynamodb.",
                    target.units()
                )
            }
            Err(error) => format!("Failed to set {} to {units}. Reason: {}", target.units(), error.message()),
        };
        let activity = ActivityRecord {
            resource: key.2.clone(),
            dimension: key.3.clone(),
            description: format!("Setting {} to {units}.", target.units()),
            cause,
            ended_ms: self.state.platform.env.now().millis(),
            failed: done.is_err(),
            message,
        };
        self.state.note_activity(key, &activity).await?;
        Ok(done.is_ok())
    }
}

/// A target that was deregistered meanwhile needs nothing any more.
fn gone(error: ApiError) -> Result<()> {
    match error.code() {
        "ObjectNotFoundException" => Ok(()),
        _ => Err(error),
    }
}

fn scheduled(key: &NamedKey, target: &TargetRecord, now: Instant) -> ActivityRecord {
    let (min, max) = (target.min, target.max);
    ActivityRecord {
        resource: key.2.clone(),
        dimension: key.3.clone(),
        description: format!("Setting min capacity to {min} and max capacity to {max}"),
        cause: format!("scheduled action name {} was triggered", key.4),
        ended_ms: now.millis(),
        failed: false,
        message: format!("Successfully set min capacity to {min} and max capacity to {max}"),
    }
}

impl Reconciler for Scale {
    fn name(&self) -> &'static str {
        "application-autoscaling scale"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.state.due
    }
}
