//! What a dashboard's body may be. Source: CloudWatch API Reference, "Dashboard body structure and syntax".
//!
//! Errors are told with the path of what is wrong; a body with errors is not stored. Unknown properties are only warned of.

use serde_json::Value;

/// What is wrong, or odd, and where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) message: String,
}

/// Source: CloudWatch quotas: 500 widgets on a dashboard, 500 metrics in a widget.
const WIDGETS_MAX: usize = 500;
const METRICS_MAX: usize = 500;

const TYPES: [&str; 6] = ["metric", "text", "log", "alarm", "explorer", "custom"];

#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) errors: Vec<Finding>,
    pub(crate) warnings: Vec<Finding>,
}

impl Findings {
    fn error(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.errors.push(Finding { path: path.into(), message: message.into() });
    }

    fn warning(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.warnings.push(Finding { path: path.into(), message: message.into() });
    }
}

/// How many metrics the widgets of a body show.
pub(crate) fn metrics(body: &str) -> usize {
    let parsed: Value = serde_json::from_str(body).unwrap_or_default();
    let widgets = parsed["widgets"].as_array().into_iter().flatten();
    widgets.filter_map(|widget| widget["properties"]["metrics"].as_array()).map(Vec::len).sum()
}

pub(crate) fn check(body: &str) -> Findings {
    let mut findings = Findings::default();
    let parsed: Value = match serde_json::from_str(body) {
        Ok(parsed) => parsed,
        Err(_) => {
            findings.error("/", "The field DashboardBody must be a valid JSON object");
            return findings;
        }
    };
    let Some(object) = parsed.as_object() else {
        findings.error("/", "The field DashboardBody must be a valid JSON object");
        return findings;
    };
    for key in object
        .keys()
        .filter(|key| !matches!(key.as_str(), "widgets" | "start" | "end" | "periodOverride" | "variables"))
    {
        findings.warning(format!("/{key}"), "Should NOT have additional properties");
    }
    if object.get("periodOverride").is_some_and(|value| !matches!(value.as_str(), Some("auto" | "inherit"))) {
        findings.error("/periodOverride", "Should be equal to one of the allowed values");
    }
    for key in ["start", "end"] {
        if object.get(key).is_some_and(|value| !value.is_string()) {
            findings.error(format!("/{key}"), "Should be string");
        }
    }
    match object.get("widgets") {
        // An empty dashboard is one.
        None => findings.error("/", "Should have required property 'widgets'"),
        Some(Value::Array(widgets)) => {
            if widgets.len() > WIDGETS_MAX {
                findings.error("/widgets", format!("Should NOT have more than {WIDGETS_MAX} items"));
            }
            for (i, one) in widgets.iter().take(WIDGETS_MAX).enumerate() {
                widget(one, &format!("/widgets/{i}"), &mut findings);
            }
        }
        Some(_) => findings.error("/widgets", "Should be array"),
    }
    findings
}

fn widget(widget: &Value, path: &str, findings: &mut Findings) {
    let Some(object) = widget.as_object() else { return findings.error(path, "Should be object") };
    for (key, least, most) in [("x", 0, 23), ("y", 0, i64::MAX), ("width", 1, 24), ("height", 1, 1000)] {
        match object.get(key) {
            None => {}
            Some(value) => match value.as_i64() {
                None => findings.error(format!("{path}/{key}"), "Should be integer"),
                Some(value) if value < least => {
                    findings.error(format!("{path}/{key}"), format!("Should be >= {least}"))
                }
                Some(value) if value > most => {
                    findings.error(format!("{path}/{key}"), format!("Should be <= {most}"))
                }
                Some(_) => {}
            },
        }
    }
    let kind = match object.get("type") {
        None => return findings.error(path, "Should have required property 'type'"),
        Some(kind) => kind.as_str().unwrap_or_default(),
    };
    if !TYPES.contains(&kind) {
        return findings.error(format!("{path}/type"), "Should be equal to one of the allowed values");
    }
    let path = format!("{path}/properties");
    let properties = match object.get("properties") {
        None => {
            return findings
                .error(path.trim_end_matches("/properties"), "Should have required property 'properties'");
        }
        Some(properties) => properties,
    };
    let Some(properties) = properties.as_object() else { return findings.error(path, "Should be object") };
    let mut need = |key: &str, good: fn(&Value) -> bool, what: &str| match properties.get(key) {
        None => findings.error(path.clone(), format!("Should have required property '{key}'")),
        Some(value) if !good(value) => findings.error(format!("{path}/{key}"), format!("Should be {what}")),
        Some(_) => {}
    };
    match kind {
        "text" => need("markdown", Value::is_string, "string"),
        "alarm" => need("alarms", Value::is_array, "array"),
        "custom" => need("endpoint", Value::is_string, "string"),
        "log" => {
            need("query", Value::is_string, "string");
            need("region", Value::is_string, "string");
        }
        "metric" => {
            let annotated = properties.get("annotations").is_some_and(|one| one.get("alarms").is_some());
            if !annotated && !properties.contains_key("metrics") {
                findings.error(path.clone(), "Should match exactly one schema in oneOf");
            }
            if let Some(metrics) = properties.get("metrics") {
                check_metrics(metrics, &format!("{path}/metrics"), findings);
            }
            metric_properties(properties, &path, findings);
        }
        _ => {}
    }
}

fn metric_properties(properties: &serde_json::Map<String, Value>, path: &str, findings: &mut Findings) {
    for (key, allowed) in [
        ("view", &["timeSeries", "singleValue", "gauge", "bar", "pie", "table"][..]),
        ("periodOverride", &["auto", "inherit"][..]),
    ] {
        if properties.get(key).is_some_and(|value| !allowed.contains(&value.as_str().unwrap_or_default())) {
            findings.error(format!("{path}/{key}"), "Should be equal to one of the allowed values");
        }
    }
    if properties.get("stacked").is_some_and(|value| !value.is_boolean()) {
        findings.error(format!("{path}/stacked"), "Should be boolean");
    }
    if let Some(period) = properties.get("period") {
        let good = period
            .as_i64()
            .and_then(|period| i32::try_from(period).ok())
            .is_some_and(crate::query::check_period);
        if !good {
            findings.error(format!("{path}/period"), "Should be 1, 5, 10, 30 or a multiple of 60");
        }
    }
    if !properties.contains_key("region") {
        findings.warning(path.to_owned(), "Should have required property 'region'");
    }
}

/// Each is an array of namespace, name, dimension names and values, and perhaps properties; or only properties with an expression.
fn check_metrics(metrics: &Value, path: &str, findings: &mut Findings) {
    let Some(list) = metrics.as_array() else { return findings.error(path, "Should be array") };
    if list.is_empty() {
        return findings.error(path, "Should NOT have fewer than 1 items");
    }
    if list.len() > METRICS_MAX {
        return findings.error(path, format!("Should NOT have more than {METRICS_MAX} items"));
    }
    for (i, metric) in list.iter().enumerate() {
        let path = format!("{path}/{i}");
        let Some(parts) = metric.as_array() else {
            findings.error(path, "Should be array");
            continue;
        };
        let (strings, rest): (Vec<&Value>, Vec<&Value>) = parts.iter().partition(|part| part.is_string());
        let properties = rest.first();
        let expression = properties.is_some_and(|one| one.get("expression").is_some());
        if rest.len() > 1 || properties.is_some_and(|one| !one.is_object()) {
            findings.error(path, "Should be string or object");
        } else if strings.is_empty() && !expression {
            findings.error(path, "Should NOT have fewer than 1 items");
        } else if !strings.is_empty() && !expression && (strings.len() < 2 || strings.len() % 2 != 0) {
            findings.error(path, "Invalid metric field type, only \"String\" type is allowed in pairs of dimension name and value");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_and_what_is_wrong_with_them() {
        let metric = r#"{"type":"metric","x":0,"y":0,"width":12,"height":6,"properties":{"region":"us-east-1","metrics":[["AWS/EC2","CPUUtilization","InstanceId","i-1",{"stat":"Average"}],[{"expression":"m1*2","id":"e1"}]]}}"#;
        let body = |widgets: &str| format!("{{\"widgets\":[{widgets}]}}");
        for (body, expected) in [
            (body(""), ""),
            (body(metric), ""),
            (body(r#"{"type":"text","properties":{"markdown":"hi"}}"#), ""),
            ("nope".to_owned(), "/"),
            ("[]".to_owned(), "/"),
            ("{}".to_owned(), "/"),
            (body("1"), "/widgets/0"),
            (body(r#"{"type":"nope","properties":{}}"#), "/widgets/0/type"),
            (body(r#"{"type":"text"}"#), "/widgets/0"),
            (body(r#"{"type":"text","properties":{}}"#), "/widgets/0/properties"),
            (body(r#"{"type":"text","x":24,"properties":{"markdown":"hi"}}"#), "/widgets/0/x"),
            (body(r#"{"type":"metric","properties":{"metrics":[]}}"#), "/widgets/0/properties/metrics"),
            (
                body(r#"{"type":"metric","properties":{"metrics":[["a"]]}}"#),
                "/widgets/0/properties/metrics/0",
            ),
            (
                body(r#"{"type":"metric","properties":{"metrics":[["a","b"]],"period":61}}"#),
                "/widgets/0/properties/period",
            ),
        ] {
            let found = check(&body).errors;
            assert_eq!(
                found.first().map_or("", |finding| finding.path.as_str()),
                expected,
                "{body}: {found:?}"
            );
        }
        assert_eq!(check("{\"widgets\":[],\"odd\":1}").warnings[0].path, "/odd");
    }
}
