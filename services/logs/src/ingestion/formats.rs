//! Bodies as events. A message is the text of the JSON that came: no key changes its place, no number its form.

use haneul_logs_wire::shapes::InputLogEvent;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

use super::batch::{Batch, Read};

/// One object, or a list of them; what else is in the list is skipped.
pub(super) fn json(text: &str, now_ms: i64) -> Read<Vec<InputLogEvent>> {
    let mut batch = Batch::default();
    let Some(first) = values(text).next().transpose()? else { return Ok(Vec::new()) };
    for one in each(first).filter(|one| one.starts_with('{')) {
        batch.push(stamped(one, now_ms))?;
    }
    Ok(batch.events())
}

/// A value on each line. What is not JSON is skipped, a list is each of its elements.
pub(super) fn lines(text: &str, now_ms: i64) -> Read<Vec<InputLogEvent>> {
    let mut batch = Batch::default();
    let valid = |line: &&str| serde_json::from_str::<IgnoredAny>(line).is_ok();
    for one in text.lines().map(str::trim).filter(valid).flat_map(each) {
        batch.push(stamped(one, now_ms))?;
    }
    Ok(batch.events())
}

/// Objects with an `event`, one after the other or in lists; others are skipped.
pub(super) fn collector(text: &str, now_ms: i64) -> Read<Vec<InputLogEvent>> {
    #[derive(Deserialize)]
    struct Event {
        #[serde(rename = "event")]
        _event: IgnoredAny,
        #[serde(default)]
        time: Value,
    }
    let mut batch = Batch::default();
    for value in values(text) {
        for one in each(value?).filter(|one| one.starts_with('{')) {
            let Ok(event) = serde_json::from_str::<Event>(one) else { continue };
            let secs = match &event.time {
                Value::Number(number) => number.as_f64(),
                Value::String(text) => text.parse().ok(),
                _ => None,
            };
            let millis = secs.map(|secs: f64| (secs * 1000.0).round()).filter(|ms| (0.0..1e15).contains(ms));
            let timestamp = millis.map_or(now_ms, |ms| ms as i64);
            batch.push(InputLogEvent { timestamp, message: one.to_owned() })?;
        }
    }
    Ok(batch.events())
}

/// With the milliseconds of its `timestamp`, or the present. A string is the text in it.
fn stamped(value: &str, now_ms: i64) -> InputLogEvent {
    #[derive(Deserialize)]
    struct Stamp {
        #[serde(default)]
        timestamp: Value,
    }
    let stamp = if value.starts_with('{') { serde_json::from_str::<Stamp>(value).ok() } else { None };
    let timestamp = stamp.and_then(|stamp| match stamp.timestamp {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|ms| ms as i64)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    });
    let message = match value.starts_with('"') {
        true => serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
        false => value.to_owned(),
    };
    InputLogEvent { timestamp: timestamp.filter(|ms| *ms >= 0).unwrap_or(now_ms), message }
}

/// The texts of values that stand one after the other.
fn values(text: &str) -> impl Iterator<Item = serde_json::Result<&str>> {
    let mut stream = Deserializer::from_str(text).into_iter::<IgnoredAny>();
    std::iter::from_fn(move || {
        let start = stream.byte_offset();
        let found = stream.next()?;
        Some(found.map(|_| text[start..stream.byte_offset()].trim_start()))
    })
}

/// The elements of a list, or the value itself.
fn each(value: &str) -> impl Iterator<Item = &str> {
    let is_list = value.starts_with('[');
    let one = (!is_list).then_some(value);
    is_list.then(|| elements(value)).into_iter().flatten().chain(one)
}

/// The texts of the elements of a list that is known to be well-formed.
fn elements(list: &str) -> impl Iterator<Item = &str> {
    let mut left = list.trim().strip_prefix('[').and_then(|list| list.strip_suffix(']'));
    std::iter::from_fn(move || {
        let rest = left.take()?;
        let end = comma(rest);
        left = end.map(|end| &rest[end + 1..]);
        let element = rest[..end.unwrap_or(rest.len())].trim();
        (end.is_some() || !element.is_empty()).then_some(element)
    })
}

/// Where the first comma is that stands between elements.
fn comma(elements: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in elements.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(events: Vec<InputLogEvent>) -> Vec<String> {
        events.into_iter().map(|event| format!("{} {}", event.timestamp, event.message)).collect()
    }

    /// Source: the pages of the endpoints.
    #[test]
    fn what_the_pages_say() {
        for (body, expected) in [
            (r#"{"timestamp":7,"message":"a"}"#, vec![r#"7 {"timestamp":7,"message":"a"}"#]),
            (
                r#" [{"timestamp":7}, "s", 42, {"b":"],\"","a":[1,{}]}] "#,
                vec![r#"7 {"timestamp":7}"#, r#"99 {"b":"],\"","a":[1,{}]}"#],
            ),
            ("[]", vec![]),
            (r#""hello""#, vec![]),
            (r#"{"a":1}{"b":2}"#, vec![r#"99 {"a":1}"#]),
        ] {
            assert_eq!(shown(json(body, 99).unwrap()), expected, "{body}");
        }
        assert!(json("{", 99).is_err());
        let body =
            "{\"timestamp\":5}\r\n\n\"a \\\"plain\\\" text\"\n42\nnot json\n[{\"timestamp\":1},2]\n[]\nnull";
        assert_eq!(
            shown(lines(body, 99).unwrap()),
            [
                r#"5 {"timestamp":5}"#,
                r#"99 a "plain" text"#,
                "99 42",
                r#"1 {"timestamp":1}"#,
                "99 2",
                "99 null",
            ]
        );
        let body = concat!(
            r#"{"event":"a","time":1486683865.5}{"event":{"m":1},"time":"1486683865"} [{"event":42,"time":"x"}]"#,
            r#"{"message":"skipped"} 7"#
        );
        assert_eq!(
            shown(collector(body, 99).unwrap()),
            [
                r#"1486683865500 {"event":"a","time":1486683865.5}"#,
                r#"1486683865000 {"event":{"m":1},"time":"1486683865"}"#,
                r#"99 {"event":42,"time":"x"}"#,
            ]
        );
        assert!(collector("{\"event\":1}{", 99).is_err());
    }

    proptest! {
        #[test]
        fn nothing_breaks_them(body in "[\\[\\]{}\",:\\\\ae1 \n\u{e9}]{0,40}") {
            let _ = (json(&body, 0), lines(&body, 0), collector(&body, 0), super::super::otlp::records(&body, 0));
        }
    }
}
