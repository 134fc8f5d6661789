//! When a secret is rotated. Source: Secrets Manager User Guide, "Schedule expressions".

use haneul_kit::{Instant, Result};

use crate::error;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Rotation may be at most every four hours and must be within 1,000 days.
const HOURS_MIN: i64 = 4;
const DAYS_MAX: i64 = 1000;

/// How far a cron expression is looked ahead.
const CRON_DAYS_MAX: i64 = 3 * 366;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Schedule {
    /// From the last rotation on, at midnight (UTC) of that day.
    Days(i64),
    Hours(i64),
    Cron(Box<Cron>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cron {
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
    years: Field,
    last_day: bool,
}

/// The values that are allowed; `None` allows all.
type Field = Option<Vec<i64>>;

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
        Ok(Schedule::Cron(Box::new(cron)))
    }

    /// When the first window after `now` opens.
    pub(crate) fn next(&self, now: Instant) -> Option<i64> {
        let now_ms = now.millis();
        match self {
            Schedule::Days(days) => Some((now_ms + days * DAY_MS).div_euclid(DAY_MS) * DAY_MS),
            Schedule::Hours(hours) => Some((now_ms + hours * HOUR_MS).div_euclid(HOUR_MS) * HOUR_MS),
            Schedule::Cron(cron) => {
                let mut hour = now_ms.div_euclid(HOUR_MS) + 1;
                let end = hour + CRON_DAYS_MAX * 24;
                while hour < end {
                    let (days, of_day) = (hour.div_euclid(24), hour.rem_euclid(24));
                    if !cron.has_day(days) {
                        hour = (days + 1) * 24;
                    } else if allowed(&cron.hours, of_day) {
                        return Some(hour * HOUR_MS);
                    } else {
                        hour += 1;
                    }
                }
                None
            }
        }
    }
}

impl Cron {
    /// Six fields: minutes (0 only), hours, day of month, month, day of week, year.
    fn parse(text: &str) -> Option<Cron> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, day, month, weekday, year] = fields[..] else { return None };
        // Windows open on the hour, and one of the two days is left open.
        if minutes != "0" || (day == "?") == (weekday == "?") {
            return None;
        }
        let months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
        let weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
        Some(Cron {
            hours: field(hours, 0, 23, &[])?,
            last_day: day == "L",
            days: if day == "L" { None } else { field(day, 1, 31, &[])? },
            months: field(month, 1, 12, &months)?,
            weekdays: field(weekday, 1, 7, &weekdays)?,
            years: field(year, 1970, 2199, &[])?,
        })
    }

    fn has_day(&self, days: i64) -> bool {
        let (year, month, day) = civil(days);
        // 1970-01-01 was a Thursday, the fifth day of a week that begins on Sunday.
        let weekday = (days + 4).rem_euclid(7) + 1;
        allowed(&self.years, year)
            && allowed(&self.months, month)
            && allowed(&self.days, day)
            && allowed(&self.weekdays, weekday)
            && (!self.last_day || civil(days + 1).2 == 1)
    }
}

fn allowed(field: &Field, value: i64) -> bool {
    field.as_ref().is_none_or(|values| values.contains(&value))
}

/// `*`, `?`, numbers, names, ranges, lists and steps.
fn field(text: &str, min: i64, max: i64, names: &[&str]) -> Option<Field> {
    if matches!(text, "*" | "?") {
        return Some(None);
    }
    let number = |text: &str| -> Option<i64> {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text)).map(|at| at as i64 + 1);
        named.or_else(|| text.parse().ok()).filter(|number| (min..=max).contains(number))
    };
    let mut values = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<i64>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (number(from)?, number(to)?),
            None if range == "*" => (min, max),
            None if step > 1 => (number(range)?, max),
            None => (number(range)?, number(range)?),
        };
        values.extend((from..=to).step_by(step as usize));
    }
    (!values.is_empty()).then_some(Some(values))
}

/// Year, month and day of a number of days since 1970 (proleptic Gregorian calendar).
fn civil(days: i64) -> (i64, i64, i64) {
    // Days since 1 March of year 0, in cycles of 400 years of 146,097 days.
    let shifted = days + 719_468;
    let (cycle, of_cycle) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year + cycle * 400 + i64::from(month <= 2), month, day)
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
