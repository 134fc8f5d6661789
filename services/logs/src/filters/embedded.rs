//! The embedded metric format: events that say themselves what metrics they are.
//!
//! Source: CloudWatch User Guide, "Specification: Embedded metric format".

use haneul_kit::metrics::Unit;
use serde_json::Value;

use super::points::{is_dimension_text, is_namespace};

/// Limits of the specification.
const METRICS_MAX: usize = 100;
const DIMENSIONS_MAX: usize = 30;
const VALUES_MAX: usize = 100;
const DIRECTIVES_MAX: usize = 100;

/// One metric that an event has values of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Embedded {
    pub(crate) namespace: String,
    pub(crate) metric: String,
    pub(crate) unit: Option<String>,
    pub(crate) high_resolution: bool,
    /// One series for each set.
    pub(crate) dimensions: Vec<Vec<(String, String)>>,
    pub(crate) values: Vec<f64>,
}

/// Whether it is worth a closer look.
pub(crate) fn may_be(message: &str) -> bool {
    message.trim_start().starts_with('{')
        && message.contains("\"_aws\"")
        && message.contains("\"CloudWatchMetrics\"")
}

/// The metrics of an event and the time they are for; empty when it is not of the format or breaks its rules.
pub(crate) fn metrics(message: &str) -> (Option<i64>, Vec<Embedded>) {
    if !may_be(message) {
        return (None, Vec::new());
    }
    let Ok(root) = serde_json::from_str::<Value>(message) else { return (None, Vec::new()) };
    let meta = &root["_aws"];
    let time = meta["Timestamp"].as_i64();
    let mut found = Vec::new();
    let directives = meta["CloudWatchMetrics"].as_array().map(Vec::as_slice).unwrap_or_default();
    for directive in directives.iter().take(DIRECTIVES_MAX) {
        let Some(namespace) = directive["Namespace"].as_str().filter(|text| is_namespace(text)) else {
            continue;
        };
        let Some(dimensions) = dimension_sets(&root, &directive["Dimensions"]) else { continue };
        let metrics = directive["Metrics"].as_array().map(Vec::as_slice).unwrap_or_default();
        for metric in metrics.iter().take(METRICS_MAX) {
            let Some(name) = metric["Name"].as_str().filter(|name| !name.trim().is_empty()) else { continue };
            let values: Vec<f64> = match &root[name] {
                Value::Number(number) => number.as_f64().into_iter().collect(),
                Value::Array(list) => list.iter().take(VALUES_MAX).filter_map(Value::as_f64).collect(),
                _ => continue,
            };
            let unit = metric["Unit"].as_str().filter(|unit| Unit::parse(unit).is_some());
            found.push(Embedded {
                namespace: namespace.to_owned(),
                metric: name.to_owned(),
                unit: unit.map(str::to_owned),
                high_resolution: metric["StorageResolution"].as_i64() == Some(1),
                dimensions: dimensions.clone(),
                values,
            });
        }
    }
    (time, found)
}

/// `None` when a set names a field that the event does not have, or has too many.
fn dimension_sets(root: &Value, sets: &Value) -> Option<Vec<Vec<(String, String)>>> {
    let Some(sets) = sets.as_array() else { return Some(vec![Vec::new()]) };
    let mut all = Vec::new();
    for set in sets {
        let names = set.as_array().filter(|names| names.len() <= DIMENSIONS_MAX)?;
        let mut dimensions = Vec::new();
        for name in names {
            let name = name.as_str().filter(|name| is_dimension_text(name))?;
            let value = root[name].as_str().filter(|value| is_dimension_text(value))?;
            dimensions.push((name.to_owned(), value.to_owned()));
        }
        all.push(dimensions);
    }
    Some(if all.is_empty() { vec![Vec::new()] } else { all })
}
