//! Bodies as events. A message is the text of the JSON that came: no key changes its place, no number its form.

use haneul_logs_wire::shapes::InputLogEvent;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

/// One object, or a list of them; what else is in the list is skipped.
pub(super) fn json(text: &str, now_ms: i64) -> serde_json::Result<Vec<InputLogEvent>> {
    let Some(first) = values(text).next().transpose()? else { return Ok(Vec::new()) };
    let all = if first.starts_with('[') { elements(first) } else { vec![first] };
    Ok(all.into_iter().filter(|one| one.starts_with('{')).map(|one| stamped(one, now_ms)).collect())
}

/// A value on each line. What is not JSON is skipped, a list is each of its elements.
pub(super) fn lines(text: &str, now_ms: i64) -> Vec<InputLogEvent> {
    let valid = |line: &&str| serde_json::from_str::<IgnoredAny>(line).is_ok();
    let each = |line| if str::starts_with(line, "[") { elements(line) } else { vec![line] };
    text.lines().map(str::trim).filter(valid).flat_map(each).map(|one| stamped(one, now_ms)).collect()
}

/// Objects with an `event`, one after the other or in lists; others are skipped.
pub(super) fn collector(text: &str, now_ms: i64) -> serde_json::Result<Vec<InputLogEvent>> {
    #[derive(Deserialize)]
    struct Event {
        #[serde(rename = "event")]
        _event: IgnoredAny,
        #[serde(default)]
        time: Value,
    }
    let mut events = Vec::new();
    for value in values(text) {
        let value = value?;
        let all = if value.starts_with('[') { elements(value) } else { vec![value] };
        for one in all.into_iter().filter(|one| one.starts_with('{')) {
            let Ok(event) = serde_json::from_str::<Event>(one) else { continue };
            let secs = match &event.time {
                Value::Number(number) => number.as_f64(),
                Value::String(text) => text.parse().ok(),
                _ => None,
            };
            let millis = secs.map(|secs: f64| (secs * 1000.0).round()).filter(|ms| (0.0..1e15).contains(ms));
            let timestamp = millis.map_or(now_ms, |ms| ms as i64);
            events.push(InputLogEvent { timestamp, message: one.to_owned() });
        }
    }
    Ok(events)
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

/// The texts of the elements of a list that is known to be well-formed.
fn elements(list: &str) -> Vec<&str> {
    let inner = list.trim().strip_prefix('[').and_then(|list| list.strip_suffix(']')).unwrap_or_default();
    let (mut found, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                found.push(inner[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = inner[start..].trim();
    if !last.is_empty() {
        found.push(last);
    }
    found
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
            shown(lines(body, 99)),
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
