//! A metric widget's JSON. Source: CloudWatch API Reference, "GetMetricWidgetImage: metric widget structure and syntax".

use haneul_kit::Instant;
use serde_json::{Map, Value};

use crate::model::{Query, Source};

pub(crate) struct Widget {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) title: String,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) queries: Vec<Query>,
    /// Colours by query id, as `#1f77b4`.
    pub(crate) colours: Vec<(String, String)>,
    pub(crate) stacked: bool,
    pub(crate) least: Option<f64>,
    pub(crate) most: Option<f64>,
    /// Horizontal lines, with their labels.
    pub(crate) horizontal: Vec<(String, f64)>,
}

/// Source: "width/height … default 600 × 400, maximum 2000".
const SIZE_MAX: i64 = 2000;
const METRICS_MAX: usize = 500;

impl Widget {
    /// # Errors
    /// What is wrong with the JSON.
    pub(crate) fn parse(text: &str, now: Instant) -> Result<Widget, String> {
        let parsed: Value =
            serde_json::from_str(text).map_err(|_| "MetricWidget is not valid JSON".to_owned())?;
        let object = parsed.as_object().ok_or("MetricWidget must be a JSON object")?;
        let size = |key: &str, default: i64| match object.get(key).map(Value::as_i64) {
            None => Ok(default),
            Some(Some(size)) if (1..=SIZE_MAX).contains(&size) => Ok(size),
            Some(_) => Err(format!("{key} must be a number from 1 to {SIZE_MAX}")),
        };
        let (width, height) = (size("width", 600)? as u32, size("height", 400)? as u32);
        match object.get("view").and_then(Value::as_str) {
            None | Some("timeSeries") => {}
            Some(other) => return Err(format!("The view {other} is not offered by Haneul")),
        }
        let text_of = |key: &str| object.get(key).and_then(Value::as_str);
        let start_ms =
            time(text_of("start").unwrap_or("-PT3H"), now).ok_or("start is neither a date nor a duration")?;
        let end_ms =
            time(text_of("end").unwrap_or("PT0H"), now).ok_or("end is neither a date nor a duration")?;
        if start_ms >= end_ms {
            return Err("start must be before end".to_owned());
        }
        let period = object.get("period").and_then(Value::as_i64).unwrap_or(300);
        let stat = text_of("stat").unwrap_or("Average");
        let metrics = object.get("metrics").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if metrics.is_empty() || metrics.len() > METRICS_MAX {
            return Err(format!("metrics must have from 1 to {METRICS_MAX} members"));
        }
        let (mut queries, mut colours): (Vec<Query>, Vec<(String, String)>) = (Vec::new(), Vec::new());
        let mut before: Vec<String> = Vec::new();
        for (i, metric) in metrics.iter().enumerate() {
            let parts = metric.as_array().ok_or("each of metrics must be an array")?;
            let none = Map::new();
            let options = parts.last().and_then(Value::as_object).unwrap_or(&none);
            let option = |key: &str| options.get(key).and_then(Value::as_str);
            let words: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            let period = options.get("period").and_then(Value::as_i64).unwrap_or(period);
            let period = i32::try_from(period).map_err(|_| "period is out of range")?;
            let id = option("id").map_or_else(|| format!("haneul{i}"), str::to_owned);
            let visible = options.get("visible").and_then(Value::as_bool).unwrap_or(true);
            let source = match option("expression") {
                Some(expression) => Source::Expression(expression.to_owned()),
                None => {
                    let words = repeated(&words, &before)
                        .ok_or("a metric must have a namespace, a name and pairs of dimensions")?;
                    before.clone_from(&words);
                    let mut dimensions: Vec<(String, String)> =
                        words[2..].chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
                    dimensions.sort();
                    Source::Metric {
                        namespace: words[0].clone(),
                        name: words[1].clone(),
                        dimensions,
                        period,
                        statistic: option("stat").unwrap_or(stat).to_owned(),
                        unit: None,
                    }
                }
            };
            if let Some(colour) = option("color") {
                colours.push((id.clone(), colour.to_owned()));
            }
            let expression = matches!(source, Source::Expression(_));
            queries.push(Query {
                id,
                source,
                label: option("label").map(str::to_owned),
                return_data: Some(visible),
                period: expression.then_some(period),
                account: None,
            });
        }
        let axis = object.get("yAxis").and_then(|axis| axis.get("left"));
        let bound = |key: &str| axis.and_then(|axis| axis.get(key)).and_then(Value::as_f64);
        let lines = object.get("annotations").and_then(|all| all.get("horizontal")).and_then(Value::as_array);
        let horizontal = lines.into_iter().flatten().filter_map(|line| {
            let label = line.get("label").and_then(Value::as_str).unwrap_or_default();
            Some((label.to_owned(), line.get("value")?.as_f64()?))
        });
        Ok(Widget {
            width,
            height,
            title: text_of("title").unwrap_or_default().to_owned(),
            start_ms,
            end_ms,
            queries,
            colours,
            stacked: object.get("stacked").and_then(Value::as_bool).unwrap_or(false),
            least: bound("min"),
            most: bound("max"),
            horizontal: horizontal.take(50).collect(),
        })
    }
}

/// `.` is the same word of the metric before, `...` all words up to what follows.
fn repeated(words: &[&str], before: &[String]) -> Option<Vec<String>> {
    let mut full = Vec::new();
    for (i, word) in words.iter().enumerate() {
        match *word {
            "..." => {
                let rest = words.len() - i - 1;
                let until = before.len().checked_sub(rest)?;
                full.extend_from_slice(before.get(full.len()..until)?);
            }
            "." => full.push(before.get(full.len())?.clone()),
            word => full.push(word.to_owned()),
        }
    }
    (full.len() >= 2 && full.len().is_multiple_of(2)).then_some(full)
}

/// A date, or a duration from now: `-PT3H`, `-P7D`, `PT0H`.
fn time(text: &str, now: Instant) -> Option<i64> {
    if let Some(at) = Instant::parse_iso8601(text) {
        return Some(at.millis());
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let mut rest = rest.strip_prefix('P')?;
    let (mut seconds, mut clock) = (0i64, false);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            clock = true;
            rest = after;
            continue;
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = match (rest[digits..].chars().next()?, clock) {
            ('W', false) => 7 * 86_400,
            ('D', false) => 86_400,
            ('M', false) => 30 * 86_400,
            ('H', true) => 3600,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    now.millis().checked_add(sign * seconds.checked_mul(1000)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widgets() {
        let now = Instant::from_secs(1_700_000_000);
        let text = r#"{"title":"t","start":"-PT1H","metrics":[["A","b","c","d"],[".","e",".","."],["...","x",{"stat":"Sum","id":"m"}],[{"expression":"m*2","id":"e"}]]}"#;
        let widget = Widget::parse(text, now).unwrap();
        assert_eq!(
            (widget.width, widget.end_ms - widget.start_ms, widget.queries.len()),
            (600, 3_600_000, 4)
        );
        let Source::Metric { name, dimensions, statistic, .. } = &widget.queries[2].source else {
            panic!("a metric")
        };
        assert_eq!((name.as_str(), dimensions[0].1.as_str(), statistic.as_str()), ("e", "x", "Sum"));
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"metrics":[]}"#,
            r#"{"metrics":[["a"]]}"#,
            r#"{"metrics":[["."]]}"#,
            r#"{"metrics":[["a","b"]],"width":3000}"#,
            r#"{"metrics":[["a","b"]],"start":"x"}"#,
            r#"{"metrics":[["a","b"]],"view":"pie"}"#,
            r#"{"metrics":[["a","b"]],"start":"P1D"}"#,
            r#"{"metrics":[["a","b"]],"start":"-P99999999999999D"}"#,
        ] {
            assert!(Widget::parse(bad, now).is_err(), "{bad}");
        }
    }
}
