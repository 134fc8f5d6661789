//! Metric streams: which metrics go into one, and how a minute of one is written.
//!
//! Source: CloudWatch User Guide, "Use metric streams" and "CloudWatch metric stream output in JSON format".

use haneul_kit::metrics::{Summary, Unit};
use serde_json::{Map, Value, json};

use crate::model::StreamRecord;
use crate::series::Identity;
use crate::statistic::Statistic;

/// Who assumes the role of a stream.
pub(crate) const PRINCIPAL: &str = "streams.metrics.cloudwatch.amazonaws.com";

impl StreamRecord {
    pub(crate) fn takes(&self, metric: &Identity) -> bool {
        let among = |filters: &[crate::model::StreamFilter]| {
            filters.iter().any(|filter| {
                filter.namespace == metric.namespace
                    && (filter.names.is_empty() || filter.names.contains(&metric.name))
            })
        };
        if !self.include.is_empty() { among(&self.include) } else { !among(&self.exclude) }
    }

    /// One minute of a metric, as a line.
    pub(crate) fn line(
        &self,
        name: &str,
        metric: &Identity,
        at_s: i64,
        unit: Unit,
        summary: &Summary,
    ) -> String {
        let mut value = Map::new();
        let mut set = |name: &str, of: f64| drop(value.insert(name.to_owned(), json!(of)));
        set("max", summary.max);
        set("min", summary.min);
        set("sum", summary.sum);
        set("count", summary.count);
        let wanted = self.statistics.iter().filter(|more| {
            more.metrics
                .iter()
                .any(|(namespace, name)| *namespace == metric.namespace && *name == metric.name)
        });
        for text in wanted.flat_map(|more| &more.statistics) {
            if let Some(of) = Statistic::parse(text).and_then(|statistic| statistic.of(summary)) {
                set(text, of);
            }
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
            "timestamp": at_s * 1000,
            "value": value,
            "unit": unit.name(),
        });
        format!("{line}\n")
    }
}
