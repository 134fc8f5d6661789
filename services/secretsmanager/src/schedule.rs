//! When a secret is rotated. Source: Secrets Manager User Guide, "Schedule expressions".

use haneul_kit::cron::Cron;
use haneul_kit::{Instant, Result};

use crate::error;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Rotation may be at most every four hours and must be within 1,000 days.
const HOURS_MIN: i64 = 4;
const DAYS_MAX: i64 = 1000;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Schedule {
    /// From the last rotation on, at midnight (UTC) of that day.
    Days(i64),
    Hours(i64),
    Cron(Box<Cron>),
}

impl Schedule {
    pub(crate) fn days(days: i64) -> Result<Schedule> {
        match (1..=DAYS_MAX).contains(&days) {
            true => Ok(Schedule::Days(days)),
            false => Err(error::parameter("AutomaticallyAfterDays must be between 1 and 1000.")),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Schedule> {
        let invalid = || error::parameter(format!("Invalid ScheduleExpression {text}."));
        let inner = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(')'));
        if let Some(rate) = inner("rate(") {
            let (number, unit) = rate.split_once(' ').ok_or_else(invalid)?;
            let number: i64 = number.parse().map_err(|_| invalid())?;
            return match unit {
                "day" | "days" if (1..=DAYS_MAX).contains(&number) => Ok(Schedule::Days(number)),
                "hour" | "hours" if (HOURS_MIN..=DAYS_MAX * 24).contains(&number) => {
                    Ok(Schedule::Hours(number))
                }
                _ => Err(invalid()),
            };
        }
        let cron = inner("cron(").and_then(Cron::parse).ok_or_else(invalid)?;
        // Windows open on the hour.
        if cron.minutes() != Some(&[0]) {
            return Err(invalid());
        }
        Ok(Schedule::Cron(Box::new(cron)))
    }

    /// When the first window after `now` opens.
    pub(crate) fn next(&self, now: Instant) -> Option<i64> {
        let now_ms = now.millis();
        match self {
            Schedule::Days(days) => Some((now_ms + days * DAY_MS).div_euclid(DAY_MS) * DAY_MS),
            Schedule::Hours(hours) => Some((now_ms + hours * HOUR_MS).div_euclid(HOUR_MS) * HOUR_MS),
            Schedule::Cron(cron) => cron.next(now).map(Instant::millis),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_windows() {
        for (expression, now, next) in [
            ("rate(10 days)", "2026-01-01T05:30:00Z", "2026-01-11T00:00:00Z"),
            ("rate(4 hours)", "2026-01-01T05:30:00Z", "2026-01-01T09:00:00Z"),
            ("cron(0 16 1,15 * ? *)", "2026-01-01T16:00:00Z", "2026-01-15T16:00:00Z"),
            ("cron(0 8 1 * ? *)", "2026-01-31T05:00:00Z", "2026-02-01T08:00:00Z"),
            ("cron(0 0 ? * SUN *)", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"),
            ("cron(0 /4 * * ? *)", "2026-01-01T05:30:00Z", ""),
            ("cron(0 0/8 * * ? *)", "2026-01-01T05:30:00Z", "2026-01-01T08:00:00Z"),
            ("cron(0 3 L * ? *)", "2026-02-03T00:00:00Z", "2026-02-28T03:00:00Z"),
            ("cron(30 3 1 * ? *)", "2026-02-03T00:00:00Z", ""),
            ("rate(1 hour)", "2026-02-03T00:00:00Z", ""),
            ("every day", "2026-02-03T00:00:00Z", ""),
        ] {
            let now = Instant::parse_iso8601(now).unwrap();
            let found = Schedule::parse(expression).ok().and_then(|schedule| schedule.next(now));
            let found = found.map(|at_ms| Instant::from_millis(at_ms).iso8601()).unwrap_or_default();
            assert_eq!(found, next, "{expression}");
        }
    }
}
