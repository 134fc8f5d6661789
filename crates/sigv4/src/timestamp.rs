//! The instants that a signed request carries, in the three spellings AWS uses.

use std::fmt;

/// 9999-12-31T23:59:59Z: what four-digit years can say.
const UNIX_S_MAX: i64 = 253_402_300_799;

/// An instant in whole seconds since the Unix epoch, between 1970 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Instants outside 1970…9999 are clamped: they come from a broken clock and compare as such.
    pub const fn from_unix_s(unix_s: i64) -> Self {
        if unix_s < 0 {
            Self(0)
        } else if unix_s > UNIX_S_MAX {
            Self(UNIX_S_MAX)
        } else {
            Self(unix_s)
        }
    }

    pub const fn unix_s(self) -> i64 {
        self.0
    }

    /// This instant moved by `seconds`, clamped like [`Timestamp::from_unix_s`].
    pub const fn plus_s(self, seconds: i64) -> Self {
        Self::from_unix_s(self.0.saturating_add(seconds))
    }

    /// `20150830T123600Z`: ISO 8601 basic format, the only one `X-Amz-Date` allows.
    pub fn parse_basic(text: &str) -> Option<Self> {
        let b: &[u8; 16] = text.as_bytes().try_into().ok()?;
        if b[8] != b'T' || b[15] != b'Z' {
            return None;
        }
        Self::from_civil(
            digits(&b[0..4])?,
            digits(&b[4..6])?,
            digits(&b[6..8])?,
            digits(&b[9..11])?,
            digits(&b[11..13])?,
            digits(&b[13..15])?,
        )
    }

    /// `2015-08-30T12:36:00Z`, with an optional fraction, which is dropped (POST policies).
    pub fn parse_extended(text: &str) -> Option<Self> {
        let b = text.as_bytes();
        if b.len() < 20 || b[4] != b'-' || b[7] != b'-' || b[10] != b'T' || b[13] != b':' || b[16] != b':' {
            return None;
        }
        match &b[19..] {
            [b'Z'] => {}
            [b'.', fraction @ .., b'Z']
                if !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit) => {}
            _ => return None,
        }
        Self::from_civil(
            digits(&b[0..4])?,
            digits(&b[5..7])?,
            digits(&b[8..10])?,
            digits(&b[11..13])?,
            digits(&b[14..16])?,
            digits(&b[17..19])?,
        )
    }

    /// `Mon, 09 Sep 2011 23:36:00 GMT` (RFC 9110 §5.6.7). The weekday is not compared with the date, because signers
    /// that get it wrong exist; the zone may also be spelled `UTC`, `+0000` or `-0000`.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        const MONTHS: &[u8; 36] = b"janfebmaraprmayjunjulaugsepoctnovdec";
        let rest = match text.split_once(',') {
            Some((_, rest)) => rest,
            None => text,
        };
        let mut words = rest.split_ascii_whitespace();
        let day = digits(words.next()?.as_bytes())?;
        let month = words.next()?.to_ascii_lowercase();
        let month = MONTHS.chunks_exact(3).position(|m| m == month.as_bytes())? as u32 + 1;
        let year = words.next().filter(|y| y.len() == 4)?;
        let clock: &[u8; 8] = words.next()?.as_bytes().try_into().ok()?;
        if clock[2] != b':' || clock[5] != b':' {
            return None;
        }
        if !matches!(words.next(), Some("GMT" | "UTC" | "Z" | "+0000" | "-0000") | None)
            || words.next().is_some()
        {
            return None;
        }
        Self::from_civil(
            digits(year.as_bytes())?,
            month,
            day,
            digits(&clock[0..2])?,
            digits(&clock[3..5])?,
            digits(&clock[6..8])?,
        )
    }

    /// `20150830T123600Z`.
    pub fn basic(self) -> BasicTime {
        let (year, month, day) = civil_from_days(self.0 / 86_400);
        let second = self.0 % 86_400;
        let mut out = *b"00000000T000000Z";
        put(&mut out[0..4], year);
        put(&mut out[4..6], month);
        put(&mut out[6..8], day);
        put(&mut out[9..11], (second / 3_600) as u32);
        put(&mut out[11..13], (second / 60 % 60) as u32);
        put(&mut out[13..15], (second % 60) as u32);
        BasicTime(out)
    }

    /// `2015-08-30T12:36:00Z`.
    pub fn extended(self) -> String {
        let basic = self.basic();
        let b = basic.as_str();
        format!("{}-{}-{}T{}:{}:{}Z", &b[0..4], &b[4..6], &b[6..8], &b[9..11], &b[11..13], &b[13..15])
    }

    fn from_civil(year: u32, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> Option<Self> {
        // A leap second is read as the second after it, like most servers do.
        if year < 1970 || !(1..=12).contains(&month) || day < 1 || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let days = days_from_civil(year, month, day);
        if civil_from_days(days) != (year, month, day) {
            return None;
        }
        Some(Self::from_unix_s(days * 86_400 + i64::from(hour * 3_600 + minute * 60 + second)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.basic().as_str())
    }
}

/// An instant written in ISO 8601 basic format, without an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicTime([u8; 16]);

impl BasicTime {
    /// `20150830T123600Z`.
    pub fn as_str(&self) -> &str {
        // Only ASCII digits, `T` and `Z` are ever put in.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// `20150830`, the date of the credential scope.
    pub fn date(&self) -> &str {
        &self.as_str()[..8]
    }
}

fn digits(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 4 {
        return None;
    }
    text.iter().try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))
}

fn put(out: &mut [u8], mut value: u32) {
    for slot in out.iter_mut().rev() {
        *slot = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in 400-year eras that start on 1 March.
fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    let year = i64::from(if month <= 2 { year - 1 } else { year });
    let era = year / 400;
    let year_of_era = year % 400;
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (u32, u32, u32) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u32;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year as u32, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_an_instant() {
        let t = Timestamp::from_unix_s(1_440_938_160);
        assert_eq!(t.to_string(), "20150830T123600Z");
        assert_eq!(t.basic().date(), "20150830");
        assert_eq!(t.extended(), "2015-08-30T12:36:00Z");
        for text in
            ["Sun, 30 Aug 2015 12:36:00 GMT", "Mon, 30 Aug 2015 12:36:00 -0000", "30 aug 2015 12:36:00"]
        {
            assert_eq!(Timestamp::parse_http_date(text), Some(t), "{text}");
        }
        assert_eq!(Timestamp::parse_extended("2015-08-30T12:36:00.000Z"), Some(t));
        assert_eq!(Timestamp::parse_basic("20150830T123600Z"), Some(t));
    }

    #[test]
    fn every_day_survives_the_calendar() {
        for day in (0..2_932_897).step_by(7) {
            let t = Timestamp::from_unix_s(day * 86_400 + 86_399);
            assert_eq!(Timestamp::parse_basic(t.basic().as_str()), Some(t));
        }
    }

    #[test]
    fn refused_spellings() {
        for text in [
            "",
            "20150230T000000Z",
            "20151301T000000Z",
            "2015083OT123600Z",
            "20150830T123600",
            "19691231T000000Z",
        ] {
            assert_eq!(Timestamp::parse_basic(text), None, "{text}");
        }
        for text in [
            "",
            ",",
            "Sun, 30 Aug 2015 12:36:00 PST",
            "Sun, 30 Aug 15 12:36:00 GMT",
            "Sun, 30 Aug 2015 12:36 GMT",
        ] {
            assert_eq!(Timestamp::parse_http_date(text), None, "{text}");
        }
        for text in
            ["2015-08-30T12:36:00", "2015-08-30T12:36:00.Z", "2015-08-30 12:36:00Z", "é015-08-30T12:36:00Z"]
        {
            assert_eq!(Timestamp::parse_extended(text), None, "{text}");
        }
    }
}
