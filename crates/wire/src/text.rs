//! Scalars as text, in the forms that all protocols share.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_base::Instant;

use crate::protocol::TimestampFormat;

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn parse_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn timestamp(at: Instant, format: TimestampFormat) -> String {
    match format {
        TimestampFormat::EpochSeconds => epoch_seconds(at),
        TimestampFormat::HttpDate => at.http_date(),
        TimestampFormat::Iso8601 if at.millis().rem_euclid(1000) == 0 => at.iso8601(),
        TimestampFormat::Iso8601 => at.iso8601_millis(),
    }
}

/// `1795487748.123`, without a fraction where it is zero.
fn epoch_seconds(at: Instant) -> String {
    let (millis, sign) = (at.millis().unsigned_abs(), if at.millis() < 0 { "-" } else { "" });
    match millis % 1000 {
        0 => format!("{sign}{}", millis / 1000),
        fraction => format!("{sign}{}.{fraction:03}", millis / 1000).trim_end_matches('0').to_owned(),
    }
}

/// A timestamp in any of the forms: SDKs differ, and none is ambiguous.
pub(crate) fn parse_timestamp(text: &str) -> Option<Instant> {
    if text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && let Some(at) = parse_epoch_seconds(text)
    {
        return Some(at);
    }
    Instant::parse_iso8601(text).or_else(|| Instant::parse_http_date(text))
}

/// Seconds with an optional fraction or exponent; finer than a millisecond is rounded.
pub(crate) fn parse_epoch_seconds(text: &str) -> Option<Instant> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(Instant::from_secs(seconds));
    }
    if !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E')) {
        return None;
    }
    from_epoch_seconds(text.parse().ok()?)
}

pub(crate) fn from_epoch_seconds(seconds: f64) -> Option<Instant> {
    seconds.is_finite().then(|| Instant::from_millis((seconds * 1000.0).round() as i64))
}

/// As Rust writes it: the shortest text that reads back the same.
pub(crate) fn float(value: f64) -> String {
    if value.is_nan() {
        String::from("NaN")
    } else if value.is_infinite() {
        String::from(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        format!("{value:?}")
    }
}

pub(crate) fn float32(value: f32) -> String {
    if value.is_finite() { format!("{value:?}") } else { float(f64::from(value)) }
}

pub(crate) fn parse_float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust reads `inf` and `nan` as well, which no protocol has.
        _ if text.bytes().any(|b| b.is_ascii_alphabetic() && !matches!(b, b'e' | b'E')) => None,
        _ => text.parse().ok(),
    }
}

pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "1" => Some(true),
        "false" | "False" | "FALSE" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        let at = Instant::from_millis(1_795_487_748_120);
        for (format, text) in [
            (TimestampFormat::EpochSeconds, "1795487748.12"),
            (TimestampFormat::Iso8601, "2026-11-24T02:35:48.120Z"),
            (TimestampFormat::HttpDate, "Tue, 24 Nov 2026 02:35:48 GMT"),
        ] {
            assert_eq!(timestamp(at, format), text);
        }
        for (text, millis) in [
            ("1795487748.12", Some(1_795_487_748_120)),
            ("1.79548774812E9", Some(1_795_487_748_120)),
            ("-1.5", Some(-1500)),
            ("2026-11-24T02:35:48Z", Some(1_795_487_748_000)),
            ("Tue, 24 Nov 2026 02:35:48 GMT", Some(1_795_487_748_000)),
            ("yesterday", None),
            ("-", None),
            ("NaN", None),
        ] {
            assert_eq!(parse_timestamp(text).map(Instant::millis), millis, "{text}");
        }
        assert_eq!(timestamp(Instant::from_millis(-500), TimestampFormat::EpochSeconds), "-0.5");
    }

    #[test]
    fn floats() {
        for (value, text) in [(1.0, "1.0"), (0.1, "0.1"), (1e300, "1e300"), (f64::NEG_INFINITY, "-Infinity")]
        {
            assert_eq!(float(value), text);
            assert_eq!(parse_float(text), Some(value));
        }
        assert_eq!((parse_float("inf"), parse_float("nan"), parse_float("")), (None, None, None));
    }
}
