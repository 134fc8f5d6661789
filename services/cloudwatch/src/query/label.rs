//! What results are called: the query's label with its dynamic parts, or a default that tells the metrics of a request apart.
//! Source: CloudWatch User Guide, "Use dynamic labels".

use std::collections::HashMap;

use haneul_kit::Instant;

use super::plan::{Plan, Work};
use crate::math::Line;
use crate::model::{Query, Source};

/// The default labels of a request's queries, by id.
pub(crate) struct Labels {
    defaults: HashMap<String, String>,
}

impl Labels {
    pub(super) fn of(plan: &Plan) -> Labels {
        let mut defaults = HashMap::new();
        let mut metrics: Vec<(&str, [String; 4])> = Vec::new();
        for step in &plan.steps {
            match (&step.work, &step.query.source) {
                (Work::Metric(_), Source::Metric { namespace, name, dimensions, statistic, .. }) => {
                    let values: Vec<&str> = dimensions.iter().map(|(_, value)| value.as_str()).collect();
                    let forms = [
                        name.clone(),
                        values.join(" "),
                        format!("{} {name}", values.join(" ")),
                        format!("{namespace} {} {name} {statistic}", values.join(" ")),
                    ];
                    metrics.push((&step.query.id, forms));
                }
                _ => {
                    defaults.insert(step.query.id.clone(), step.query.id.clone());
                }
            }
        }
        let unique = |form: usize| {
            let all: std::collections::HashSet<&str> =
                metrics.iter().map(|(_, forms)| forms[form].as_str()).collect();
            all.len() == metrics.len() && !all.contains("")
        };
        let form = (0..3).find(|form| unique(*form)).unwrap_or(if metrics.len() > 1 { 3 } else { 0 });
        for (id, forms) in &metrics {
            defaults.insert((*id).to_owned(), forms[form].clone());
        }
        Labels { defaults }
    }

    pub(super) fn of_query(&self, query: &Query) -> String {
        self.defaults.get(&query.id).cloned().unwrap_or_else(|| query.id.clone())
    }
}

/// Names lines that a search found by what tells them apart.
pub(super) fn tell_apart(lines: &mut [Line]) {
    let parts = |line: &Line| -> [String; 3] {
        let Some(origin) = &line.origin else { return Default::default() };
        let identity = &origin.identity;
        let values: Vec<&str> = identity.dimensions.iter().map(|(_, value)| value.as_str()).collect();
        [identity.namespace.clone(), values.join(" "), identity.name.clone()]
    };
    let all: Vec<[String; 3]> = lines.iter().map(parts).collect();
    let differs: Vec<bool> = (0..3).map(|part| all.iter().any(|one| one[part] != all[0][part])).collect();
    for (line, parts) in lines.iter_mut().zip(&all) {
        let told: Vec<&str> = parts
            .iter()
            .zip(&differs)
            .filter(|(part, differs)| **differs && !part.is_empty())
            .map(|(part, _)| part.as_str())
            .collect();
        line.label = if told.is_empty() { parts[2].clone() } else { told.join(" ") };
    }
}

/// `+0130` as minutes.
pub(crate) fn offset_minutes(timezone: &str) -> Option<i64> {
    let (sign, digits) = match timezone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// The label of a line: what the query says, with `${…}` filled in, or its default.
pub(crate) fn shown(query: &Query, line: &Line, many: bool, now_s: i64, offset_minutes: i64) -> String {
    let Some(label) = &query.label else { return line.label.clone() };
    if !label.contains("${") {
        return if many { format!("{label} {}", line.label) } else { label.clone() };
    }
    let mut filled = String::new();
    let mut rest = label.as_str();
    while let Some(at) = rest.find("${") {
        filled.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else {
            rest = &rest[at..];
            break;
        };
        let name = &rest[at + 2..at + end];
        filled.push_str(
            &part(name, line, now_s, offset_minutes).unwrap_or_else(|| rest[at..=at + end].to_owned()),
        );
        rest = &rest[at + end + 1..];
    }
    filled.push_str(rest);
    filled
}

fn part(name: &str, line: &Line, now_s: i64, offset_minutes: i64) -> Option<String> {
    if let Some(property) = name.strip_prefix("PROP('").and_then(|rest| rest.strip_suffix("')")) {
        return property_of(property, line);
    }
    if name == "LABEL" {
        return Some(line.label.clone());
    }
    let none = || "--".to_owned();
    let points = &line.points;
    let least = points.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
    let most = points.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
    let (first, last) = (points.first().copied(), points.last().copied());
    let time = |at: i64| {
        let local = Instant::from_secs(at + offset_minutes * 60).iso8601();
        local.trim_end_matches('Z').replace('T', " ")
    };
    let ago = |at: i64| span(now_s - at);
    let both = |a: Option<(i64, f64)>, b: Option<(i64, f64)>| a.zip(b);
    let text = match name {
        "AVG" => (!points.is_empty()).then(|| number(line.values().sum::<f64>() / points.len() as f64)),
        "SUM" => (!points.is_empty()).then(|| number(line.values().sum())),
        "DATAPOINT_COUNT" => Some(points.len().to_string()),
        "MIN" => least.map(|(_, value)| number(value)),
        "MIN_TIME" => least.map(|(at, _)| time(at)),
        "MIN_TIME_RELATIVE" => least.map(|(at, _)| ago(at)),
        "MAX" => most.map(|(_, value)| number(value)),
        "MAX_TIME" => most.map(|(at, _)| time(at)),
        "MAX_TIME_RELATIVE" => most.map(|(at, _)| ago(at)),
        "FIRST" => first.map(|(_, value)| number(value)),
        "FIRST_TIME" => first.map(|(at, _)| time(at)),
        "FIRST_TIME_RELATIVE" => first.map(|(at, _)| ago(at)),
        "LAST" => last.map(|(_, value)| number(value)),
        "LAST_TIME" => last.map(|(at, _)| time(at)),
        "LAST_TIME_RELATIVE" => last.map(|(at, _)| ago(at)),
        "MIN_MAX_RANGE" => both(least, most).map(|(a, b)| number(b.1 - a.1)),
        "MIN_MAX_TIME_RANGE" => both(least, most).map(|(a, b)| span((b.0 - a.0).abs())),
        "FIRST_LAST_RANGE" => both(first, last).map(|(a, b)| number(b.1 - a.1)),
        "FIRST_LAST_TIME_RANGE" => both(first, last).map(|(a, b)| span(b.0 - a.0)),
        _ => return None,
    };
    Some(text.unwrap_or_else(none))
}

fn property_of(property: &str, line: &Line) -> Option<String> {
    let origin = line.origin.as_ref()?;
    let identity = &origin.identity;
    Some(match property {
        "AccountId" => identity.account.to_string(),
        "MetricName" => identity.name.clone(),
        "Namespace" => identity.namespace.clone(),
        "Period" => line.period.to_string(),
        "Region" => identity.region.as_str().to_owned(),
        "Stat" => origin.statistic.clone(),
        _ => identity.dimension(property.strip_prefix("Dim.")?).unwrap_or_default().to_owned(),
    })
}

fn number(value: f64) -> String {
    let rounded = (value * 1000.0).round() / 1000.0;
    if rounded.is_finite() { rounded.to_string() } else { value.to_string() }
}

fn span(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m"),
        _ if minutes == 0 => format!("{hours}h"),
        _ => format!("{hours}h {minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(label: &str) -> Query {
        Query {
            id: "m1".into(),
            source: Source::Expression("x".into()),
            label: Some(label.into()),
            return_data: None,
            period: None,
            account: None,
        }
    }

    #[test]
    fn dynamic_parts() {
        let line = Line::new("cpu", 60, vec![(0, 1.0), (60, 4.5), (120, 2.0)]);
        for (label, expected) in [
            ("plain", "plain"),
            ("${LABEL}: ${MIN}-${MAX}", "cpu: 1-4.5"),
            ("${AVG} ${SUM} ${LAST} ${DATAPOINT_COUNT}", "2.5 7.5 2 3"),
            ("${MAX_TIME} ${LAST_TIME_RELATIVE}", "1970-01-01 01:01:00 1m"),
            ("${FIRST_LAST_TIME_RANGE} ${NOPE} ${MIN", "2m ${NOPE} ${MIN"),
            ("${PROP('MetricName')}", "${PROP('MetricName')}"),
        ] {
            assert_eq!(shown(&query(label), &line, false, 180, 60), expected, "{label}");
        }
        assert_eq!(shown(&query("all"), &line, true, 180, 0), "all cpu");
        assert_eq!(shown(&query("${AVG}"), &line.with(Vec::new()), false, 180, 0), "--");
        assert_eq!(
            (offset_minutes("+0130"), offset_minutes("-0800"), offset_minutes("0130")),
            (Some(90), Some(-480), None)
        );
    }
}
