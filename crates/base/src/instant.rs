use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use time::macros::format_description;

/// A point in time on the cloud's clock: milliseconds since the Unix epoch, UTC. AWS's APIs go no finer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(i64);

/// Years 0001 to 9999 in milliseconds: beyond them no textual form exists.
const MILLIS_MIN: i64 = -62_135_596_800_000;
const MILLIS_MAX: i64 = 253_402_300_799_999;

/// As dates are written in English.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// The days of a week as ISO 8601 counts them.
pub const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl Instant {
    pub const EPOCH: Instant = Instant(0);

    /// Clamped to the years 1 to 9999, so that every value has a textual form.
    pub const fn from_millis(millis: i64) -> Instant {
        if millis < MILLIS_MIN {
            Instant(MILLIS_MIN)
        } else if millis > MILLIS_MAX {
            Instant(MILLIS_MAX)
        } else {
            Instant(millis)
        }
    }

    pub const fn from_secs(secs: i64) -> Instant {
        Instant::from_millis(secs.saturating_mul(1000))
    }

    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Time since `earlier`; zero when `earlier` is later.
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// `2026-11-24T02:35:48Z`, the form of query, XML and most JSON answers.
    pub fn iso8601(self) -> String {
        let mut text = self.iso8601_millis();
        text.truncate("2026-11-24T02:35:48".len());
        text.push('Z');
        text
    }

    /// `2026-11-24T02:35:48.123Z`, the form of S3's listings and IAM's dates with milliseconds.
    pub fn iso8601_millis(self) -> String {
        // By hand: each call has one in its record, and each row of a listing.
        let at = self.date_time();
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let parts = [
            (0..4, at.year().unsigned_abs()),
            (5..7, u32::from(u8::from(at.month()))),
            (8..10, u32::from(at.day())),
            (11..13, u32::from(at.hour())),
            (14..16, u32::from(at.minute())),
            (17..19, u32::from(at.second())),
            (20..23, u32::from(at.millisecond())),
        ];
        for (place, mut number) in parts {
            for digit in text[place].iter_mut().rev() {
                *digit += (number % 10) as u8;
                number /= 10;
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// `Tue, 24 Nov 2026 02:35:48 GMT`, the form of HTTP headers (RFC 9110, section 5.6.7).
    pub fn http_date(self) -> String {
        self.date_time()
            .format(format_description!(
                "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
            ))
            .expect("the years 1 to 9999 format")
    }

    /// `Nov 24, 2026, 2:35:48 AM`, the form of times in audit records.
    pub fn long_form(self) -> String {
        self.date_time()
            .format(format_description!(
                "[month repr:short] [day padding:none], [year], [hour repr:12 padding:none]:[minute]:[second] [period]"
            ))
            .expect("the years 1 to 9999 format")
    }

    /// `20261124T023548Z`, the form of SigV4.
    pub fn basic(self) -> String {
        self.date_time()
            .format(format_description!("[year][month][day]T[hour][minute][second]Z"))
            .expect("the years 1 to 9999 format")
    }

    /// ISO 8601 with or without fraction and offset, and the basic form of SigV4.
    pub fn parse_iso8601(text: &str) -> Option<Instant> {
        if text.len() > 64 {
            return None;
        }
        if let Ok(at) = time::PrimitiveDateTime::parse(
            text,
            format_description!("[year][month][day]T[hour][minute][second]Z"),
        ) {
            return Some(Instant::from_date_time(at.assume_utc()));
        }
        if let Ok(at) = OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339) {
            return Some(Instant::from_date_time(at));
        }
        let date = time::Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
        Some(Instant::from_date_time(date.midnight().assume_utc()))
    }

    /// The three forms that RFC 9110 asks a recipient to accept; the obsolete two only as far as SDKs send them.
    pub fn parse_http_date(text: &str) -> Option<Instant> {
        if text.len() > 64 {
            return None;
        }
        OffsetDateTime::parse(text, &Rfc2822).ok().map(Instant::from_date_time)
    }

    fn date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .expect("clamped to years 1 to 9999")
    }

    fn from_date_time(at: OffsetDateTime) -> Instant {
        Instant::from_millis((at.unix_timestamp_nanos().div_euclid(1_000_000)) as i64)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, span: Duration) -> Instant {
        Instant::from_millis(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    fn sub(self, span: Duration) -> Instant {
        Instant::from_millis(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso8601_millis())
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let at = Instant::from_millis(1_795_487_748_123);
        assert_eq!(at.iso8601(), "2026-11-24T02:35:48Z");
        assert_eq!(at.iso8601_millis(), "2026-11-24T02:35:48.123Z");
        assert_eq!(at.http_date(), "Tue, 24 Nov 2026 02:35:48 GMT");
        assert_eq!(at.basic(), "20261124T023548Z");
        assert_eq!(Instant::parse_iso8601("2026-11-24T02:35:48.123Z"), Some(at));
        assert_eq!(Instant::parse_iso8601("2026-11-24T11:35:48.123+09:00"), Some(at));
        assert_eq!(Instant::parse_iso8601("20261124T023548Z"), Some(Instant::from_secs(at.secs())));
        assert_eq!(Instant::parse_http_date(&at.http_date()), Some(Instant::from_secs(at.secs())));
        assert_eq!(Instant::parse_iso8601("2026-11-24"), Some(Instant::from_secs(1_795_478_400)));
    }

    proptest::proptest! {
        #[test]
        fn any_number_has_a_form_that_parses_back(millis: i64) {
            let at = Instant::from_millis(millis);
            assert_eq!(Instant::parse_iso8601(&at.iso8601_millis()), Some(at));
        }

        #[test]
        fn parsing_never_panics(text in ".{0,70}") {
            let _ = (Instant::parse_iso8601(&text), Instant::parse_http_date(&text));
        }
    }
}
