//! The embedded metric format: events that say themselves what metrics they are.
//!
//! Source: CloudWatch User Guide, "Specification: Embedded metric format".

use std::sync::Arc;

use haneul_kit::metrics::Unit;
use serde_json::Value;

use super::points::{is_dimension_name, is_dimension_text, is_metric_name, is_namespace};

/// Limits of the specification.
const METRICS_MAX: usize = 100;
const DIMENSIONS_MAX: usize = 30;
const VALUES_MAX: usize = 100;
const DIRECTIVES_MAX: usize = 100;
/// Sets of one directive; the specification has no number. Those beyond it are left out.
const SETS_MAX: usize = 100;
/// Points of one event, each value counted in each set; the specification has no number. Metrics beyond it are left out.
const POINTS_MAX: usize = 10_000;

/// One metric that an event has values of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Embedded {
    pub(crate) namespace: String,
    pub(crate) metric: String,
    pub(crate) unit: Option<String>,
    pub(crate) high_resolution: bool,
    /// One series for each set.
    pub(crate) dimensions: Sets,
    pub(crate) values: Vec<f64>,
}

/// Sets of dimensions, shared by the metrics of a directive.
pub(crate) type Sets = Arc<[Arc<[(String, String)]>]>;

/// Whether it is worth a closer look.
pub(crate) fn may_be(message: &str) -> bool {
    message.trim_start().starts_with('{')
        && message.contains("\"_aws\"")
        && message.contains("\"CloudWatchMetrics\"")
}

/// What is wrong with an event that wants to be of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It has not the structure.
    Structure,
    /// A metric, or a directive's worth of them, breaks the rules and is left out.
    Rules,
}

/// The metrics of an event.
#[derive(Default)]
pub(crate) struct Found {
    /// What they are for, in milliseconds.
    pub(crate) time: Option<i64>,
    /// Empty when it is not of the format.
    pub(crate) metrics: Vec<Embedded>,
    pub(crate) fault: Option<Fault>,
}

pub(crate) fn metrics(message: &str) -> Found {
    if !may_be(message) {
        return Found::default();
    }
    let wrong = Found { fault: Some(Fault::Structure), ..Found::default() };
    let Ok(root) = serde_json::from_str::<Value>(message) else { return wrong };
    let meta = &root["_aws"];
    let Some(directives) = meta["CloudWatchMetrics"].as_array() else { return wrong };
    let (mut found, mut left) = (Vec::new(), POINTS_MAX);
    let mut fault = (directives.len() > DIRECTIVES_MAX).then_some(Fault::Rules);
    for directive in directives.iter().take(DIRECTIVES_MAX) {
        let (namespace, metrics) = (directive["Namespace"].as_str(), directive["Metrics"].as_array());
        let (Some(namespace), Some(metrics)) = (namespace, metrics) else {
            fault = Some(Fault::Structure);
            continue;
        };
        let dimensions = dimension_sets(&root, &directive["Dimensions"]);
        let is_right = is_namespace(namespace) && left > 0 && metrics.len() <= METRICS_MAX;
        let Some(dimensions) = dimensions.filter(|_| is_right) else {
            fault = fault.or(Some(Fault::Rules));
            continue;
        };
        for metric in metrics {
            let name = metric["Name"].as_str().filter(|name| is_metric_name(name));
            let values = name.and_then(|name| values(&root[name]));
            let fits = values.as_ref().and_then(|all| left.checked_sub(all.len() * dimensions.len()));
            let (Some(name), Some(values), Some(less)) = (name, values, fits) else {
                fault = fault.or(Some(Fault::Rules));
                continue;
            };
            left = less;
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
    Found { time: meta["Timestamp"].as_i64(), metrics: found, fault }
}

fn values(value: &Value) -> Option<Vec<f64>> {
    match value {
        Value::Number(number) => Some(number.as_f64().into_iter().collect()),
        Value::Array(list) if list.len() <= VALUES_MAX => {
            Some(list.iter().filter_map(Value::as_f64).collect())
        }
        _ => None,
    }
}

/// `None` when a set names a field that the event does not have, or has too many.
fn dimension_sets(root: &Value, sets: &Value) -> Option<Sets> {
    let sets = sets.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut all: Vec<Arc<[(String, String)]>> = Vec::new();
    for set in sets.iter().take(SETS_MAX) {
        let names = set.as_array().filter(|names| names.len() <= DIMENSIONS_MAX)?;
        let mut dimensions = Vec::new();
        for name in names {
            let name = name.as_str().filter(|name| is_dimension_name(name))?;
            let value = root[name].as_str().filter(|value| is_dimension_text(value))?;
            dimensions.push((name.to_owned(), value.to_owned()));
        }
        all.push(dimensions.into());
    }
    if all.is_empty() {
        all.push(Arc::default());
    }
    Some(all.into())
}
