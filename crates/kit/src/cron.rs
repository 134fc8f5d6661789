//! Cron expressions of six fields in UTC, as AWS's services share them. Source: EventBridge User Guide, "Cron expressions
//! reference".

use crate::Instant;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;

/// How far is looked ahead.
const DAYS_MAX: i64 = 5 * 366;

#[derive(Clone, Debug, PartialEq)]
pub struct Cron {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
    years: Field,
    last_day: bool,
}

/// The values that are allowed; `None` allows all.
type Field = Option<Vec<i64>>;

impl Cron {
    /// What is between the parentheses: minutes, hours, day of month, month, day of week, year. `None` for anything else,
    /// for `W`, `#`, and `L` of a weekday.
    pub fn parse(text: &str) -> Option<Cron> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, day, month, weekday, year] = fields[..] else { return None };
        // One of the two days is left open, and nothing else.
        if (day == "?") == (weekday == "?") || [minutes, hours, month, year].contains(&"?") {
            return None;
        }
        let months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
        let weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
        Some(Cron {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            last_day: day == "L",
            days: if day == "L" { None } else { field(day, 1, 31, &[])? },
            months: field(month, 1, 12, &months)?,
            weekdays: field(weekday, 1, 7, &weekdays)?,
            years: field(year, 1970, 2199, &[])?,
        })
    }

    /// The minutes of an hour that are named; `None` when all are meant.
    pub fn minutes(&self) -> Option<&[i64]> {
        self.minutes.as_deref()
    }

    /// The first minute after `after`, within five years.
    pub fn next(&self, after: Instant) -> Option<Instant> {
        let mut minute = after.millis().div_euclid(MINUTE_MS) + 1;
        let end = minute + DAYS_MAX * DAY_MINUTES;
        while minute < end {
            let (day, of_day) = (minute.div_euclid(DAY_MINUTES), minute.rem_euclid(DAY_MINUTES));
            if !self.has_day(day) {
                minute = (day + 1) * DAY_MINUTES;
            } else if !allowed(&self.hours, of_day / 60) {
                minute += 60 - of_day % 60;
            } else if allowed(&self.minutes, of_day % 60) {
                return Some(Instant::from_millis(minute * MINUTE_MS));
            } else {
                minute += 1;
            }
        }
        None
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
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (number(from)?, number(to)?),
            None if range == "*" => (min, max),
            None if part.contains('/') => (number(range)?, max),
            None => (number(range)?, number(range)?),
        };
        values.extend((from..=to).step_by(step));
    }
    (!values.is_empty()).then_some(Some(values))
}

/// Year, month and day of a day since 1970, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years that begin in March, in eras of 400 of them: leap days come last.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_it_is_due() {
        let at = |text: &str| Instant::parse_iso8601(text).unwrap();
        for (cron, after, expected) in [
            ("15 10 ? * * *", "2026-01-01T10:15:00Z", Some("2026-01-02T10:15:00Z")),
            ("0/15 8-9 * * ? *", "2026-01-01T08:45:00Z", Some("2026-01-01T09:00:00Z")),
            ("0 9 ? * MON-FRI *", "2026-01-02T09:00:00Z", Some("2026-01-05T09:00:00Z")),
            ("0 0 L 2 ? *", "2027-12-01T00:00:00Z", Some("2028-02-29T00:00:00Z")),
            ("0 16 1,15 * ? *", "2026-01-01T16:00:00Z", Some("2026-01-15T16:00:00Z")),
            ("0 0 1 1 ? 2030", "2026-06-01T00:00:00Z", Some("2030-01-01T00:00:00Z")),
            ("0 0 1 1 ? 2020", "2026-06-01T00:00:00Z", None),
        ] {
            assert_eq!(Cron::parse(cron).unwrap().next(at(after)), expected.map(at), "{cron} after {after}");
        }
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "* * * *",
            "0 0 * * * *",
            "0 0 ? * ? *",
            "60 0 ? * * *",
            "0 0 ? * MON#2 *",
            "0 0 15W * ? *",
            "0 0 ? * 5-3 *",
            "0 /4 * * ? *",
            "? 0 1 * ? *",
            "0 0 ? * FRIL *",
            "0/0 * * * ? *",
        ] {
            assert_eq!(Cron::parse(text), None, "{text}");
        }
    }
}
