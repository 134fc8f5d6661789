use haneul_kit::Instant;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Source: API Reference, "Schedule": from one minute to fifteen days.
const DURATION_MS_MIN: i64 = 60_000;
const DURATION_MS_MAX: i64 = 15 * 86_400_000;

/// When a rule mutes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schedule {
    when: When,
    duration_ms: i64,
    zone: TimeZone,
}

#[derive(Clone, Debug, PartialEq)]
enum When {
    /// Once, by the clock of the zone.
    At(DateTime),
    Cron(Cron),
}

/// Sets of values, a bit each.
#[derive(Clone, Debug, PartialEq)]
struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Both are restricted: either is enough.
    either_day: bool,
}

impl Schedule {
    /// # Errors
    /// What is wrong, and with which parameter.
    pub(crate) fn parse(expression: &str, duration: &str, zone: Option<&str>) -> Result<Schedule, String> {
        let inner = |name: &str| expression.strip_prefix(name).and_then(|rest| rest.strip_suffix(')'));
        let when = match (inner("cron("), inner("at(")) {
            (Some(cron), _) => Cron::parse(cron).map(When::Cron),
            (_, Some(at)) => at.parse::<DateTime>().ok().filter(|_| at.len() == 16).map(When::At),
            _ => None,
        };
        let when = when.ok_or_else(|| format!("The schedule expression {expression} is not valid."))?;
        let duration_ms =
            duration_ms(duration).filter(|ms| (DURATION_MS_MIN..=DURATION_MS_MAX).contains(ms)).ok_or_else(
                || format!("The duration {duration} is not valid: it must be between PT1M and P15D."),
            )?;
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| format!("The timezone {name} is not valid."))?,
        };
        Ok(Schedule { when, duration_ms, zone })
    }

    pub(crate) fn is_once(&self) -> bool {
        matches!(self.when, When::At(_))
    }

    /// When the window closes that is open at `now`.
    pub(crate) fn open_until(&self, now: Instant) -> Option<Instant> {
        let closes = |start_ms: i64| {
            let open = (start_ms..start_ms + self.duration_ms).contains(&now.millis());
            open.then(|| Instant::from_millis(start_ms + self.duration_ms))
        };
        match &self.when {
            When::At(at) => closes(self.millis(*at)?),
            When::Cron(cron) => {
                // The last that has begun closes last.
                let local = self.zone.to_datetime(Timestamp::from_millisecond(now.millis()).ok()?);
                let days = self.duration_ms / 86_400_000 + 2;
                let mut date = local.date().checked_add(Span::new().days(1)).ok()?;
                for _ in 0..=days {
                    for of_day in cron.starts(date).rev() {
                        let start = date.at((of_day / 60) as i8, (of_day % 60) as i8, 0, 0);
                        if let Some(start_ms) = self.millis(start).filter(|ms| *ms <= now.millis()) {
                            return closes(start_ms);
                        }
                    }
                    date = date.checked_sub(Span::new().days(1)).ok()?;
                }
                None
            }
        }
    }

    /// Whether its only window has closed.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        let When::At(at) = &self.when else { return false };
        self.millis(*at).is_none_or(|start_ms| start_ms + self.duration_ms <= now.millis())
    }

    fn millis(&self, at: DateTime) -> Option<i64> {
        // A time that a change of the clock leaves out is the one after it; of one that comes twice, the first.
        Some(self.zone.to_timestamp(at).ok()?.as_millisecond())
    }
}

impl Cron {
    fn parse(text: &str) -> Option<Cron> {
        const MONTHS: &[&str] =
            &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
        const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, day, month, weekday] = fields[..] else { return None };
        let weekdays = field(weekday, 0, 7, WEEKDAYS, 0)?;
        Some(Cron {
            minutes: field(minutes, 0, 59, &[], 0)?,
            hours: field(hours, 0, 23, &[], 0)?,
            days: field(day, 1, 31, &[], 0)?,
            months: field(month, 1, 12, MONTHS, 1)?,
            // Sunday is 0 and 7.
            weekdays: weekdays | ((weekdays >> 7) & 1),
            either_day: day != "*" && weekday != "*",
        })
    }

    /// The minutes of a day at which it begins.
    fn starts(&self, date: Date) -> impl DoubleEndedIterator<Item = u32> {
        let has = |set: u64, value: i8| (set >> value) & 1 == 1;
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        let wanted =
            has(self.months, date.month()) && if self.either_day { day || weekday } else { day && weekday };
        let (minutes, hours) = (self.minutes, self.hours);
        let end = if wanted { 1440 } else { 0 };
        (0..end)
            .filter(move |of_day| (hours >> (of_day / 60)) & 1 == 1 && (minutes >> (of_day % 60)) & 1 == 1)
    }
}

/// `*`, numbers, names, ranges and lists.
fn field(text: &str, min: u32, max: u32, names: &[&str], first_name: u32) -> Option<u64> {
    let number = |text: &str| -> Option<u32> {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let named = named.and_then(|at| u32::try_from(at).ok()).map(|at| at + first_name);
        named.or_else(|| text.parse().ok()).filter(|number| (min..=max).contains(number))
    };
    let mut set = 0;
    for part in text.split(',') {
        let (from, to) = match part.split_once('-') {
            _ if part == "*" => (min, max),
            Some((from, to)) => (number(from)?, number(to)?),
            None => (number(part)?, number(part)?),
        };
        if from > to {
            return None;
        }
        (from..=to).for_each(|value| set |= 1 << value);
    }
    Some(set)
}

/// `P2DT12H30M`: days, hours and minutes.
fn duration_ms(text: &str) -> Option<i64> {
    let rest = text.strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let sum = |mut text: &str, units: &[(char, i64)]| -> Option<i64> {
        let mut ms = 0i64;
        for (unit, unit_ms) in units {
            if let Some((number, after)) = text.split_once(*unit) {
                let plain = number.len() <= 6 && number.bytes().all(|b| b.is_ascii_digit());
                ms += number.parse::<i64>().ok().filter(|_| plain)? * unit_ms;
                text = after;
            }
        }
        text.is_empty().then_some(ms)
    };
    let days = sum(date, &[('W', 7 * 86_400_000), ('D', 86_400_000)])?;
    Some(days + sum(time, &[('H', 3_600_000), ('M', 60_000), ('S', 1000)])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse_iso8601(text).unwrap()
    }

    #[test]
    fn when_a_window_is_open() {
        for (expression, duration, zone, now, until) in [
            ("cron(0 2 * * *)", "PT4H", None, "2026-01-05T02:00:00Z", Some("2026-01-05T06:00:00Z")),
            ("cron(0 2 * * *)", "PT4H", None, "2026-01-05T06:00:00Z", None),
            ("cron(0 2 * * *)", "PT4H", None, "2026-01-05T01:59:59Z", None),
            ("cron(0 18 * * FRI)", "P2DT12H", None, "2026-01-05T05:59:59Z", Some("2026-01-05T06:00:00Z")),
            ("cron(0 18 * * FRI)", "P2DT12H", None, "2026-01-05T06:00:00Z", None),
            // The last window that began counts.
            ("cron(0,30 * * * *)", "PT1H", None, "2026-01-05T10:40:00Z", Some("2026-01-05T11:30:00Z")),
            ("cron(0 1 1 * *)", "PT6H", None, "2026-02-01T03:00:00Z", Some("2026-02-01T07:00:00Z")),
            ("cron(0 1 15 * MON)", "PT6H", None, "2026-01-05T03:00:00Z", Some("2026-01-05T07:00:00Z")),
            (
                "cron(0 0 1-10 DEC,JAN 0-7)",
                "PT1H",
                None,
                "2026-01-05T00:30:00Z",
                Some("2026-01-05T01:00:00Z"),
            ),
            // New York: five hours behind in winter, four in summer.
            (
                "cron(0 2 * * *)",
                "PT1H",
                Some("America/New_York"),
                "2026-01-05T07:30:00Z",
                Some("2026-01-05T08:00:00Z"),
            ),
            (
                "cron(0 2 * * *)",
                "PT1H",
                Some("America/New_York"),
                "2026-07-05T06:30:00Z",
                Some("2026-07-05T07:00:00Z"),
            ),
            // The day on which two o'clock is left out.
            (
                "cron(30 2 * * *)",
                "PT1H",
                Some("America/New_York"),
                "2026-03-08T07:40:00Z",
                Some("2026-03-08T08:30:00Z"),
            ),
            (
                "cron(0 9 * * MON)",
                "PT1H",
                Some("Asia/Tokyo"),
                "2026-01-05T00:10:00Z",
                Some("2026-01-05T01:00:00Z"),
            ),
            ("at(2026-05-10T14:00)", "P15D", None, "2026-05-25T13:59:00Z", Some("2026-05-25T14:00:00Z")),
            ("at(2026-05-10T14:00)", "P15D", None, "2026-05-10T13:59:00Z", None),
        ] {
            let schedule = Schedule::parse(expression, duration, zone).unwrap();
            assert_eq!(
                schedule.open_until(at(now)),
                until.map(at),
                "{expression} {duration} {zone:?} at {now}"
            );
        }
        let once = Schedule::parse("at(2026-05-10T14:00)", "PT1H", Some("Asia/Tokyo")).unwrap();
        assert!(!once.is_over(at("2026-05-10T05:59:59Z")) && once.is_over(at("2026-05-10T06:00:00Z")));
    }

    #[test]
    fn what_is_no_schedule() {
        for (expression, duration, zone) in [
            ("cron(0 2 * * ? *)", "PT1H", None),
            ("cron(0 2 * *)", "PT1H", None),
            ("cron(60 2 * * *)", "PT1H", None),
            ("cron(0/5 2 * * *)", "PT1H", None),
            ("cron(0 5-3 * * *)", "PT1H", None),
            ("cron(0 2 * * FUN)", "PT1H", None),
            ("at(2026-13-10T14:00)", "PT1H", None),
            ("at(2026-05-10)", "PT1H", None),
            ("rate(1 hour)", "PT1H", None),
            ("", "PT1H", None),
            ("cron(0 2 * * *)", "PT59S", None),
            ("cron(0 2 * * *)", "P15DT1M", None),
            ("cron(0 2 * * *)", "P", None),
            ("cron(0 2 * * *)", "PT", None),
            ("cron(0 2 * * *)", "1H", None),
            ("cron(0 2 * * *)", "PT-5H", None),
            ("cron(0 2 * * *)", "PT1M1H", None),
            ("cron(0 2 * * *)", "P9999999D", None),
            ("cron(0 2 * * *)", "PT1H", Some("Mars/Olympus")),
        ] {
            assert!(Schedule::parse(expression, duration, zone).is_err(), "{expression} {duration} {zone:?}");
        }
    }
}
