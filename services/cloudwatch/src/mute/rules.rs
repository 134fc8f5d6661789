use haneul_kit::Instant;

use super::schedule::Schedule;
use crate::model::MuteRule;

/// The rules of an account and Region.
pub(crate) struct Muting(pub(crate) Vec<(String, MuteRule)>);

impl Muting {
    /// The rule that mutes an alarm now, and until when.
    pub(crate) fn of(&self, alarm: &str, now: Instant) -> Option<(&str, Instant)> {
        let targeting = self.0.iter().filter(|(_, rule)| rule.targets.iter().any(|target| target == alarm));
        let open = targeting.filter_map(|(name, rule)| Some((name.as_str(), open_until(rule, now)?)));
        open.max_by_key(|(_, until)| *until)
    }
}

/// When the window of a rule closes that mutes now.
fn open_until(rule: &MuteRule, now: Instant) -> Option<Instant> {
    if rule.start_ms.is_some_and(|start_ms| now.millis() < start_ms)
        || rule.expire_ms.is_some_and(|expire_ms| expire_ms <= now.millis())
    {
        return None;
    }
    let until = schedule(rule)?.open_until(now)?;
    Some(rule.expire_ms.map_or(until, |expire_ms| until.min(Instant::from_millis(expire_ms))))
}

fn schedule(rule: &MuteRule) -> Option<Schedule> {
    // It was read when it was put.
    Schedule::parse(&rule.expression, &rule.duration, rule.zone.as_deref()).ok()
}

/// `SCHEDULED`, `ACTIVE` or `EXPIRED`.
pub(crate) fn status(rule: &MuteRule, now: Instant) -> &'static str {
    let expired = rule.expire_ms.is_some_and(|expire_ms| expire_ms <= now.millis());
    if expired || schedule(rule).is_none_or(|schedule| schedule.is_over(now)) {
        "EXPIRED"
    } else if open_until(rule, now).is_some() {
        "ACTIVE"
    } else {
        "SCHEDULED"
    }
}
