//! Names of objects: prefixes with expressions, and what stands behind them.
//!
//! Source: Developer Guide, "Understand custom prefixes for Amazon S3 objects": `!{timestamp:yyyy/MM/dd}` (patterns of Java's
//! DateTimeFormatter), `!{firehose:random-string}`, `!{firehose:error-output-type}`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What stands for a time where the prefix says none.
const HOURS: &str = "!{timestamp:yyyy/MM/dd/HH}/";

/// Why a prefix cannot be used, in a sentence.
pub(crate) fn check(prefix: &str, is_of_errors: bool) -> Result<(), String> {
    let mut types = 0;
    for part in parts(prefix) {
        match part {
            Part::Text(_) => {}
            Part::Expression("timestamp", pattern) => {
                let sample = time(pattern, &Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC));
                sample.ok_or_else(|| format!("Invalid timestamp pattern {pattern} in the prefix."))?;
            }
            Part::Expression("firehose", "random-string") => {}
            Part::Expression("firehose", "error-output-type") if is_of_errors => types += 1,
            Part::Expression("firehose", "error-output-type") => {
                return Err(
                    "The expression !{firehose:error-output-type} is only allowed in ErrorOutputPrefix."
                        .into(),
                );
            }
            Part::Expression(space, value) => {
                return Err(format!("The prefix has an expression that is not known: !{{{space}:{value}}}."));
            }
            Part::Broken => return Err("An expression in the prefix is not closed.".into()),
        }
    }
    if is_of_errors && has_expressions(prefix) && types == 0 {
        return Err("ErrorOutputPrefix must contain at least one instance of !{firehose:error-output-type} when it contains expressions.".into());
    }
    Ok(())
}

pub(crate) fn has_expressions(prefix: &str) -> bool {
    prefix.contains("!{")
}

/// Days, months and hours count in this zone; UTC when it is not known.
pub(crate) fn zone(name: Option<&str>) -> TimeZone {
    name.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
}

/// The prefix of an object whose oldest record arrived at that time. `error` is why its records are no usual ones.
pub(crate) fn render(
    prefix: &str,
    at_ms: i64,
    zone: &TimeZone,
    mut random: impl FnMut() -> String,
    error: Option<&str>,
) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default().to_zoned(zone.clone());
    let whole = match (has_expressions(prefix), error) {
        (true, _) => prefix.to_owned(),
        (false, Some(error)) => format!("{prefix}{error}/{HOURS}"),
        (false, None) => format!("{prefix}{HOURS}"),
    };
    let mut out = String::new();
    let mut says_when = false;
    for part in parts(&whole) {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Expression("timestamp", pattern) => {
                says_when = true;
                out.push_str(&time(pattern, &at).unwrap_or_default());
            }
            Part::Expression("firehose", "random-string") => out.push_str(&random()),
            Part::Expression("firehose", "error-output-type") => out.push_str(error.unwrap_or_default()),
            Part::Expression(..) | Part::Broken => {}
        }
    }
    if !says_when && error.is_none() {
        for part in parts(HOURS) {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Expression(_, pattern) => out.push_str(&time(pattern, &at).unwrap_or_default()),
                Part::Broken => {}
            }
        }
    }
    out
}

enum Part<'p> {
    Text(&'p str),
    /// Name space and value.
    Expression(&'p str, &'p str),
    Broken,
}

fn parts(mut prefix: &str) -> Vec<Part<'_>> {
    let mut all = Vec::new();
    while let Some((text, rest)) = prefix.split_once("!{") {
        all.push(Part::Text(text));
        let Some((inner, rest)) = rest.split_once('}') else {
            all.push(Part::Broken);
            return all;
        };
        all.push(match inner.split_once(':') {
            Some((space, value)) => Part::Expression(space, value),
            None => Part::Expression(inner, ""),
        });
        prefix = rest;
    }
    all.push(Part::Text(prefix));
    all
}

/// A time by a pattern; `None` for letters that stand for nothing.
fn time(pattern: &str, at: &jiff::Zoned) -> Option<String> {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if c == '\'' {
            let (quoted, behind) = rest[1..].split_once('\'')?;
            out.push_str(if quoted.is_empty() { "'" } else { quoted });
            rest = behind;
            continue;
        }
        if !c.is_ascii_alphabetic() {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let count = rest.chars().take_while(|next| *next == c).count();
        rest = &rest[count..];
        let number = |value: i64| format!("{value:0count$}");
        out.push_str(&match (c, count) {
            ('y' | 'u', 2) => format!("{:02}", at.year() % 100),
            ('y' | 'u' | 'Y', _) => number(at.year().into()),
            ('M' | 'L', 1 | 2) => number(at.month().into()),
            ('M' | 'L', 3) => at.strftime("%b").to_string(),
            ('M' | 'L', 4) => at.strftime("%B").to_string(),
            ('d', 1 | 2) => number(at.day().into()),
            ('D', 1..=3) => number(at.day_of_year().into()),
            ('H', 1 | 2) => number(at.hour().into()),
            ('h', 1 | 2) => number(i64::from((at.hour() + 11) % 12 + 1)),
            ('m', 1 | 2) => number(at.minute().into()),
            ('s', 1 | 2) => number(at.second().into()),
            ('S', 1..=9) => format!("{:09}", at.subsec_nanosecond())[..count].to_owned(),
            ('a', 1) => if at.hour() < 12 { "AM" } else { "PM" }.to_owned(),
            ('E', 1..=3) => at.strftime("%a").to_string(),
            ('E', 4) => at.strftime("%A").to_string(),
            _ => return None,
        });
    }
    Some(out)
}

/// `2026-11-26-07-05-09`, as it stands in names.
pub(crate) fn stamp(at_ms: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default().to_zoned(zone.clone());
    time("yyyy-MM-dd-HH-mm-ss", &at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2019-08-27T22:05:09.123Z
    const AT: i64 = 1_566_943_509_123;

    #[test]
    fn prefixes_as_documented() {
        let utc = TimeZone::UTC;
        for (prefix, error, expected) in [
            ("", None, "2019/08/27/22/"),
            ("logs/", None, "logs/2019/08/27/22/"),
            ("myPrefix/year=!{timestamp:yyyy}/month=!{timestamp:MM}/", None, "myPrefix/year=2019/month=08/"),
            ("!{firehose:random-string}/!{timestamp:yyyy-MM-dd}/", None, "abc/2019-08-27/"),
            ("x-!{firehose:random-string}/", None, "x-abc/2019/08/27/22/"),
            ("!{timestamp:HH:mm:ss.SSS 'o''clock'}/", None, "22:05:09.123 o'clock/"),
            ("bad/", Some("processing-failed"), "bad/processing-failed/2019/08/27/22/"),
            (
                "!{firehose:error-output-type}/!{timestamp:yyyy}/",
                Some("processing-failed"),
                "processing-failed/2019/",
            ),
        ] {
            let expected = expected.replace("o'clock", "oclock");
            let got = render(prefix, AT, &utc, || "abc".into(), error);
            assert_eq!(got, expected, "{prefix}");
            assert_eq!(check(prefix, error.is_some()), Ok(()), "{prefix}");
        }
        let seoul = zone(Some("Asia/Seoul"));
        assert_eq!(render("", AT, &seoul, String::new, None), "2019/08/28/07/");
        assert_eq!(stamp(AT, &utc), "2019-08-27-22-05-09");
        assert_eq!(zone(Some("Nowhere/At all")), utc);
    }

    #[test]
    fn prefixes_that_cannot_be() {
        for (prefix, is_of_errors) in [
            ("!{timestamp:yyyy", false),
            ("!{timestamp:QQQ}/", false),
            ("!{timestamp:yyyy'}/", false),
            ("!{firehose:error-output-type}/", false),
            ("!{partitionKeyFromQuery:a}/", false),
            ("!{x}/", false),
            ("!{timestamp:yyyy}/", true),
        ] {
            assert!(check(prefix, is_of_errors).is_err(), "{prefix}");
        }
    }
}
