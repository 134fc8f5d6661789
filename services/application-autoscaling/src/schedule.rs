//! When a scheduled action is due, by the clock of its time zone. Source: Application Auto Scaling User Guide, "Schedule
//! recurring scaling actions using cron expressions", and the API reference of PutScheduledAction.

use haneul_kit::Instant;
use haneul_kit::cron::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Schedule {
    /// Once, in milliseconds since 1970.
    At(i64),
    /// Every so many milliseconds.
    Rate(i64),
    Cron(Box<Cron>, TimeZone),
}

/// Times that a change of the clock makes one of, or none.
const TRIES: usize = 200;

/// A time zone by its name in the IANA database, UTC by default; `None` for a name that is in none.
pub(crate) fn zone(name: Option<&str>) -> Option<TimeZone> {
    name.map_or(Some(TimeZone::UTC), |name| TimeZone::get(name).ok())
}

impl Schedule {
    /// `at(…)`, `rate(…)` or `cron(…)`; `None` for anything else. A rate has no time zone.
    pub(crate) fn parse(text: &str, zone: &TimeZone) -> Option<Schedule> {
        let inner = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(')'));
        if let Some(at) = inner("at(") {
            // What the clock shows, as if it showed UTC: the expression has no zone.
            let shown = Instant::parse_iso8601(&format!("{at}Z"))?;
            return real_ms(shown.millis(), zone).map(Schedule::At);
        }
        if let Some(rate) = inner("rate(") {
            let (number, unit) = rate.split_once(' ')?;
            let number: i64 = number.parse().ok().filter(|number| (1..=1_000_000).contains(number))?;
            let unit = match unit {
                "minute" | "minutes" => MINUTE_MS,
                "hour" | "hours" => 60 * MINUTE_MS,
                "day" | "days" => DAY_MINUTES * MINUTE_MS,
                _ => return None,
            };
            return Some(Schedule::Rate(number * unit));
        }
        inner("cron(").and_then(Cron::parse).map(|cron| Schedule::Cron(Box::new(cron), zone.clone()))
    }

    /// The first time after `after_ms`; `from_ms` is when a rate begins to count.
    pub(crate) fn next(&self, from_ms: i64, after_ms: i64) -> Option<i64> {
        match self {
            Schedule::At(at_ms) => Some(*at_ms).filter(|at_ms| *at_ms > after_ms),
            Schedule::Rate(every_ms) => {
                let past = (after_ms - from_ms).max(0) / every_ms;
                Some(from_ms + (past + 1) * every_ms)
            }
            Schedule::Cron(cron, zone) => {
                let after = Timestamp::from_millisecond(after_ms).ok()?;
                let shown = TimeZone::UTC.to_timestamp(zone.to_datetime(after)).ok()?;
                let mut at = Instant::from_millis(shown.as_millisecond());
                for _ in 0..TRIES {
                    at = cron.next(at)?;
                    let real_ms = real_ms(at.millis(), zone)?;
                    if real_ms > after_ms {
                        return Some(real_ms);
                    }
                }
                None
            }
        }
    }
}

/// When the clock of a zone shows what `shown_ms` is in UTC. A time that a change of the clock leaves out is the one after
/// it; of one that comes twice, the first.
fn real_ms(shown_ms: i64, zone: &TimeZone) -> Option<i64> {
    let shown = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(shown_ms).ok()?);
    Some(zone.to_timestamp(shown).ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        Instant::parse_iso8601(text).unwrap().millis()
    }

    #[test]
    fn when_it_is_due() {
        for (schedule, after, expected) in [
            ("at(2026-03-01T10:30:00)", "2026-01-01T00:00:00Z", Some("2026-03-01T10:30:00Z")),
            ("at(2026-03-01T10:30:00)", "2026-03-01T10:30:00Z", None),
            ("rate(5 minutes)", "2026-01-01T00:00:00Z", Some("2026-01-01T00:05:00Z")),
            ("rate(1 day)", "2026-01-03T12:00:00Z", Some("2026-01-04T00:00:00Z")),
            ("cron(15 10 ? * * *)", "2026-01-01T10:15:00Z", Some("2026-01-02T10:15:00Z")),
            ("cron(0/15 8-9 * * ? *)", "2026-01-01T08:45:00Z", Some("2026-01-01T09:00:00Z")),
            ("cron(0 9 ? * MON-FRI *)", "2026-01-02T09:00:00Z", Some("2026-01-05T09:00:00Z")),
            ("cron(0 0 L 2 ? *)", "2027-12-01T00:00:00Z", Some("2028-02-29T00:00:00Z")),
            ("cron(0 0 1 1 ? 2030)", "2026-06-01T00:00:00Z", Some("2030-01-01T00:00:00Z")),
            ("cron(0 0 1 1 ? 2020)", "2026-06-01T00:00:00Z", None),
        ] {
            let next = Schedule::parse(schedule, &TimeZone::UTC)
                .unwrap()
                .next(ms("2026-01-01T00:00:00Z"), ms(after));
            assert_eq!(next, expected.map(ms), "{schedule} after {after}");
        }
    }

    #[test]
    fn by_the_clock_of_a_zone() {
        for (schedule, name, after, expected) in [
            ("at(2026-03-01T10:30:00)", "Asia/Seoul", "2026-01-01T00:00:00Z", "2026-03-01T01:30:00Z"),
            ("at(2026-07-01T10:30:00)", "America/New_York", "2026-01-01T00:00:00Z", "2026-07-01T14:30:00Z"),
            ("rate(1 day)", "Asia/Seoul", "2026-01-03T12:00:00Z", "2026-01-04T00:00:00Z"),
            ("cron(0 9 * * ? *)", "Asia/Seoul", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            ("cron(0 9 * * ? *)", "America/New_York", "2026-01-01T00:00:00Z", "2026-01-01T14:00:00Z"),
            ("cron(0 9 * * ? *)", "America/New_York", "2026-07-01T00:00:00Z", "2026-07-01T13:00:00Z"),
            ("cron(0 9 * * ? *)", "Etc/GMT+9", "2026-01-01T00:00:00Z", "2026-01-01T18:00:00Z"),
            // 02:30 is left out on that day; 01:30 comes twice in autumn.
            ("cron(30 2 * * ? *)", "America/New_York", "2026-03-08T06:00:00Z", "2026-03-08T07:30:00Z"),
            ("cron(30 1 * * ? *)", "America/New_York", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"),
        ] {
            let schedule = Schedule::parse(schedule, &zone(Some(name)).unwrap()).unwrap();
            let next = schedule.next(ms("2026-01-01T00:00:00Z"), ms(after));
            assert_eq!(next, Some(ms(expected)), "{schedule:?} {name} after {after}");
        }
        assert_eq!(zone(Some("Mars/Base")), None);
    }

    #[test]
    fn what_is_no_schedule() {
        for text in [
            "",
            "at()",
            "at(tomorrow)",
            "rate(0 minutes)",
            "rate(5 weeks)",
            "rate(5)",
            "cron(* * * *)",
            "cron(0 0 * * * *)",
            "cron(0 0 ? * ? *)",
            "cron(60 0 ? * * *)",
            "cron(0 0 ? * MON#2 *)",
            "cron(0 0 15W * ? *)",
            "every day",
            "cron(0 0 ? * 5-3 *)",
        ] {
            assert_eq!(Schedule::parse(text, &TimeZone::UTC), None, "{text}");
        }
    }
}
