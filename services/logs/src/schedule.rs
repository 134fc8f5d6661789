//! When scheduled queries run, by the clock of their time zone.
//!
//! Source: CloudWatch Logs User Guide, "Understanding scheduled queries concepts": `cron(minutes hours day-of-month month
//! day-of-week year)`.

use haneul_kit::Instant;
use haneul_kit::cron::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Looked back where a scheduled query does not say how far: AWS names no default.
pub(crate) const LOOKBACK_S: i64 = 3600;

#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

/// Times that a change of the clock makes one of, or none.
const TRIES: usize = 200;

impl Schedule {
    /// # Errors
    /// What is wrong.
    pub(crate) fn parse(expression: &str, zone: Option<&str>) -> Result<Schedule, String> {
        let inner = expression.trim().strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')'));
        let cron = inner
            .and_then(Cron::parse)
            .ok_or_else(|| format!("The schedule expression {expression} is not a valid cron expression."))?;
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| format!("The timezone {name} is not valid."))?,
        };
        Ok(Schedule { cron, zone })
    }

    /// The first minute after `after_ms`. A time that a change of the clock leaves out is the one after it; of one that comes
    /// twice, the first.
    pub(crate) fn next(&self, after_ms: i64) -> Option<i64> {
        let after = Timestamp::from_millisecond(after_ms).ok()?;
        // The clock on the wall, as if it showed UTC.
        let wall = TimeZone::UTC.to_timestamp(self.zone.to_datetime(after)).ok()?;
        let mut at = Instant::from_millis(wall.as_millisecond());
        for _ in 0..TRIES {
            at = self.cron.next(at)?;
            let shown = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(at.millis()).ok()?);
            let real_ms = self.zone.to_timestamp(shown).ok()?.as_millisecond();
            if real_ms > after_ms {
                return Some(real_ms);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_the_clock_of_a_zone() {
        let ms = |text: &str| Instant::parse_iso8601(text).unwrap().millis();
        for (expression, zone, after, expected) in [
            // The guide's.
            ("cron(0 9 * * ? *)", None, "2026-01-01T08:00:00Z", "2026-01-01T09:00:00Z"),
            ("cron(0 18 ? * MON-FRI *)", None, "2026-01-02T18:00:00Z", "2026-01-05T18:00:00Z"),
            ("cron(0 0 1 * ? *)", None, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("cron(0 12 ? * SUN *)", None, "2026-01-01T00:00:00Z", "2026-01-04T12:00:00Z"),
            ("cron(30 8 1 1 ? *)", None, "2026-01-01T08:30:00Z", "2027-01-01T08:30:00Z"),
            ("cron(0 9 * * ? *)", Some("Asia/Seoul"), "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            ("cron(0 9 * * ? *)", Some("America/New_York"), "2026-01-01T00:00:00Z", "2026-01-01T14:00:00Z"),
            ("cron(0 9 * * ? *)", Some("America/New_York"), "2026-07-01T00:00:00Z", "2026-07-01T13:00:00Z"),
            // 02:30 is left out on that day, and comes as 03:30; 01:30 comes twice in autumn.
            ("cron(30 2 * * ? *)", Some("America/New_York"), "2026-03-08T06:00:00Z", "2026-03-08T07:30:00Z"),
            ("cron(30 1 * * ? *)", Some("America/New_York"), "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z"),
            ("cron(30 1 * * ? *)", Some("America/New_York"), "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"),
        ] {
            let schedule = Schedule::parse(expression, zone).unwrap();
            assert_eq!(schedule.next(ms(after)), Some(ms(expected)), "{expression} {zone:?} after {after}");
        }
        assert_eq!(
            Schedule::parse("cron(0 0 1 1 ? 2020)", None).unwrap().next(ms("2026-01-01T00:00:00Z")),
            None
        );
    }

    #[test]
    fn what_is_none() {
        for bad in [
            "",
            "rate(5 minutes)",
            "at(2026-01-01T00:00:00)",
            "cron(* * * *)",
            "cron(0 0 * * * *)",
            "0 9 * * ? *",
        ] {
            assert!(Schedule::parse(bad, None).is_err(), "{bad}");
        }
        assert!(Schedule::parse("cron(0 9 * * ? *)", Some("Mars/Base")).is_err());
    }
}
