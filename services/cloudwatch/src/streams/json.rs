//! Source: CloudWatch User Guide, "CloudWatch metric stream output in JSON format".

use serde_json::{Map, Value, json};

use super::Update;
use crate::model::StreamRecord;

/// One minute of a metric, as a line.
pub(super) fn line(stream: &StreamRecord, name: &str, update: &Update<'_>) -> String {
    let (metric, summary) = (update.metric, update.summary);
    let mut value = Map::new();
    let mut set = |name: &str, of: f64| drop(value.insert(name.to_owned(), json!(of)));
    set("max", summary.max);
    set("min", summary.min);
    set("sum", summary.sum);
    set("count", summary.count);
    for (text, _, of) in stream.more(update) {
        set(text, of);
    }
    let dimensions: Map<String, Value> =
        metric.dimensions.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let line = json!({
        "metric_stream_name": name,
        "account_id": metric.account.to_string(),
        "region": metric.region.as_str(),
        "namespace": metric.namespace,
        "metric_name": metric.name,
        "dimensions": dimensions,
        "timestamp": update.at_s * 1000,
        "value": value,
        "unit": update.unit.name(),
    });
    format!("{line}\n")
}
