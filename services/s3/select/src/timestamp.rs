//! Moments with an offset, as Ion has them.

use std::cmp::Ordering;
use std::fmt;

use crate::ast::DatePart;

/// A moment, where it is told (minutes east of UTC), and how exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Seconds since the epoch.
    pub secs: i64,
    pub nanos: u32,
    pub offset_min: i32,
    pub precision: Precision,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    Year,
    Month,
    Day,
    Minute,
    Second,
    /// With so many digits of a second.
    Fraction(u8),
}

/// A moment by the calendar, at its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
}

const YEAR_MIN: i64 = 1;
const YEAR_MAX: i64 = 9999;
const DAY_S: i64 = 86_400;

/// Days since the epoch of a date of the Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

pub fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Timestamp {
    pub fn new(civil: Civil, nanos: u32, offset_min: i32, precision: Precision) -> Option<Timestamp> {
        let valid = (YEAR_MIN..=YEAR_MAX).contains(&civil.year)
            && (1..=12).contains(&civil.month)
            && (1..=days_in_month(civil.year, civil.month)).contains(&civil.day)
            && (0..24).contains(&civil.hour)
            && (0..60).contains(&civil.minute)
            && (0..60).contains(&civil.second)
            && offset_min.abs() < 24 * 60;
        let days = days_from_civil(civil.year, civil.month, civil.day);
        let secs = days * DAY_S + civil.hour * 3600 + civil.minute * 60 + civil.second;
        let secs = secs - i64::from(offset_min) * 60;
        valid.then_some(Timestamp { secs, nanos, offset_min, precision })
    }

    pub fn civil(&self) -> Civil {
        let local = self.secs + i64::from(self.offset_min) * 60;
        let (year, month, day) = civil_from_days(local.div_euclid(DAY_S));
        let of_day = local.rem_euclid(DAY_S);
        Civil { year, month, day, hour: of_day / 3600, minute: of_day / 60 % 60, second: of_day % 60 }
    }

    /// `2007T`, `2007-02T`, `2007-02-23`, `2007-02-23T12:14Z`, `2007-02-23T12:14:33.079-08:00`
    pub fn parse(text: &str) -> Option<Timestamp> {
        let text = text.trim();
        if !text.is_ascii() {
            return None;
        }
        let (date, time) = match text.split_once(['T', 't', ' ']) {
            Some((date, time)) => (date, time),
            None => (text, ""),
        };
        let mut parts = date.split('-');
        let year = number(parts.next()?, 4)?;
        let month = parts.next().map(|part| number(part, 2));
        let day = parts.next().map(|part| number(part, 2));
        if parts.next().is_some() {
            return None;
        }
        let (month, day) =
            (month.map_or(Some(None), |m| m.map(Some))?, day.map_or(Some(None), |d| d.map(Some))?);
        let mut civil =
            Civil { year, month: month.unwrap_or(1), day: day.unwrap_or(1), hour: 0, minute: 0, second: 0 };
        if time.is_empty() {
            // A year alone needs the T, or it would be a number.
            let precision = match (month, day) {
                (None, _) if text.len() == date.len() => return None,
                (None, _) => Precision::Year,
                (Some(_), None) => Precision::Month,
                (Some(_), Some(_)) => Precision::Day,
            };
            return Timestamp::new(civil, 0, 0, precision);
        }
        day?;
        let zone = time.find(['Z', 'z', '+', '-']);
        let (clock, zone) = time.split_at(zone.unwrap_or(time.len()));
        let offset_min = match zone {
            "Z" | "z" | "" => 0,
            zone => {
                let (hours, minutes) = zone[1..].split_once(':')?;
                let minutes = number(hours, 2)? * 60 + number(minutes, 2)?;
                (if zone.starts_with('-') { -minutes } else { minutes }) as i32
            }
        };
        let mut parts = clock.splitn(3, ':');
        civil.hour = number(parts.next()?, 2)?;
        civil.minute = number(parts.next()?, 2)?;
        let (mut nanos, mut precision) = (0, Precision::Minute);
        if let Some(seconds) = parts.next() {
            let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
            civil.second = number(whole, 2)?;
            precision = Precision::Second;
            if seconds.contains('.') {
                let digits = fraction.get(..fraction.len().min(9))?;
                let value = number(digits, digits.len())? as u32;
                nanos = value * 10u32.pow(9 - digits.len() as u32);
                precision = Precision::Fraction(digits.len() as u8);
            }
        }
        Timestamp::new(civil, nanos, offset_min, precision)
    }

    pub fn cmp_instant(&self, other: &Timestamp) -> Ordering {
        (self.secs, self.nanos).cmp(&(other.secs, other.nanos))
    }

    pub fn part(&self, part: DatePart) -> i64 {
        let civil = self.civil();
        match part {
            DatePart::Year => civil.year,
            DatePart::Month => civil.month,
            DatePart::Day => civil.day,
            DatePart::Hour => civil.hour,
            DatePart::Minute => civil.minute,
            DatePart::Second => civil.second,
            DatePart::TimezoneHour => i64::from(self.offset_min / 60),
            DatePart::TimezoneMinute => i64::from(self.offset_min % 60),
        }
    }

    /// `None` out of the years that there are.
    pub fn add(&self, part: DatePart, count: i64) -> Option<Timestamp> {
        let mut civil = self.civil();
        let finer = |precision: Precision| self.precision.max(precision);
        let (months, seconds, precision) = match part {
            DatePart::Year => (count.checked_mul(12)?, 0, finer(Precision::Year)),
            DatePart::Month => (count, 0, finer(Precision::Month)),
            DatePart::Day => (0, count.checked_mul(DAY_S)?, finer(Precision::Day)),
            DatePart::Hour => (0, count.checked_mul(3600)?, finer(Precision::Minute)),
            DatePart::Minute => (0, count.checked_mul(60)?, finer(Precision::Minute)),
            DatePart::Second => (0, count, finer(Precision::Second)),
            DatePart::TimezoneHour | DatePart::TimezoneMinute => return None,
        };
        let month = (civil.year * 12 + civil.month - 1).checked_add(months)?;
        (civil.year, civil.month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
        civil.day = civil.day.min(days_in_month(civil.year, civil.month));
        let moved = Timestamp::new(civil, self.nanos, self.offset_min, precision)?;
        let moved = Timestamp { secs: moved.secs.checked_add(seconds)?, ..moved };
        // Far away there is no calendar.
        if moved.secs.unsigned_abs() > 400_000_000_000 {
            return None;
        }
        let year = moved.civil().year;
        (YEAR_MIN..=YEAR_MAX).contains(&year).then_some(moved)
    }

    /// Whole parts from this one to the other.
    pub fn until(&self, part: DatePart, other: &Timestamp) -> Option<i64> {
        let seconds = other.secs - self.secs - i64::from(other.nanos < self.nanos && other.secs > self.secs)
            + i64::from(other.nanos > self.nanos && other.secs < self.secs);
        let months = || {
            let (from, to) = (self.civil(), Timestamp { offset_min: self.offset_min, ..*other }.civil());
            let whole = (to.year - from.year) * 12 + to.month - from.month;
            let rest = |civil: &Civil| (civil.day, civil.hour, civil.minute, civil.second);
            match () {
                () if whole > 0 && rest(&to) < rest(&from) => whole - 1,
                () if whole < 0 && rest(&to) > rest(&from) => whole + 1,
                () => whole,
            }
        };
        match part {
            DatePart::Year => Some(months() / 12),
            DatePart::Month => Some(months()),
            DatePart::Day => Some(seconds / DAY_S),
            DatePart::Hour => Some(seconds / 3600),
            DatePart::Minute => Some(seconds / 60),
            DatePart::Second => Some(seconds),
            DatePart::TimezoneHour | DatePart::TimezoneMinute => None,
        }
    }
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.civil();
        write!(f, "{:04}", civil.year)?;
        match self.precision {
            Precision::Year => return f.write_str("T"),
            Precision::Month => return write!(f, "-{:02}T", civil.month),
            _ => write!(f, "-{:02}-{:02}", civil.month, civil.day)?,
        }
        if self.precision == Precision::Day {
            return Ok(());
        }
        write!(f, "T{:02}:{:02}", civil.hour, civil.minute)?;
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", civil.second)?;
        }
        if let Precision::Fraction(digits) = self.precision {
            write!(
                f,
                ".{:0width$}",
                self.nanos / 10u32.pow(9 - u32::from(digits.clamp(1, 9))),
                width = usize::from(digits.clamp(1, 9))
            )?;
        }
        f.write_str(&offset(self.offset_min, true, true))
    }
}

/// `Z` for none, if that is wanted; `+hh:mm`, or `+hhmm`.
pub fn offset(minutes: i32, zulu: bool, colon: bool) -> String {
    if minutes == 0 && zulu {
        return "Z".to_owned();
    }
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
    format!("{sign}{hours:02}{}{rest:02}", if colon { ":" } else { "" })
}
