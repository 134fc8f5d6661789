//! Source: CloudWatch User Guide, "CloudWatch metric stream output in OpenTelemetry 1.0.0 format" and "… 0.7.0 format", and the
//! page of translations of each.

use haneul_kit::Arn;
use haneul_kit::metrics::{Owner, Unit};
use haneul_otlp::Message;
use haneul_otlp::attributes::{KeyValue, KeyValueList, Label, Resource, Value};
use haneul_otlp::metrics::{
    Metric, MetricsRequest, ResourceMetrics, ScopeMetrics, Summary, SummaryDataPoint, ValueAtQuantile,
};

use super::Update;
use crate::model::{OutputFormat, StreamRecord};
use crate::statistic::Statistic;

const NANOS: u64 = 1_000_000_000;
const MINUTE_S: i64 = 60;

/// Bytes around a data point at most: its tag and length, and what the lengths around it may grow by. And around a metric.
const AROUND: usize = 16;

/// An `ExportMetricsServiceRequest` that is being filled.
#[derive(Default)]
pub(super) struct Request {
    metrics: Vec<Metric>,
    /// At least what `metrics` are encoded.
    length: usize,
}

impl Request {
    pub(super) fn add(&mut self, stream: &StreamRecord, update: &Update<'_>) {
        let name = format!("amazonaws.com/{}/{}", update.metric.namespace, update.metric.name);
        let unit = unit(update.unit);
        let point = data_point(stream, update);
        self.length += point.encoded_len() + AROUND;
        // Metrics come in the order of their names.
        let mut known = self.metrics.iter_mut().rev().take_while(|metric| metric.name == name);
        match known.find(|metric| metric.unit == unit) {
            Some(Metric { summary: Some(summary), .. }) => summary.data_points.push(point),
            _ => {
                self.length += name.len() + unit.len() + AROUND;
                let summary = Some(Summary { data_points: vec![point] });
                self.metrics.push(Metric { name, unit, summary });
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// With its length before it, as an `UnsignedVarInt32`.
    pub(super) fn encode(self, resource: &Resource) -> Vec<u8> {
        let scope_metrics = vec![ScopeMetrics { metrics: self.metrics }];
        let of_resource = ResourceMetrics { resource: Some(resource.clone()), scope_metrics };
        MetricsRequest { resource_metrics: vec![of_resource] }.encode_length_delimited_to_vec()
    }
}

/// What all metrics of a stream are said to come from.
pub(super) fn resource(owner: Owner, stream: &Arn) -> Resource {
    let attributes = [
        ("cloud.provider", "aws".to_owned()),
        ("cloud.account.id", owner.account.to_string()),
        ("cloud.region", owner.region.to_string()),
        ("aws.exporter.arn", stream.to_string()),
    ];
    let attributes = attributes.map(|(key, value)| KeyValue::string(key, value)).into();
    Resource { attributes, ..Default::default() }
}

fn data_point(stream: &StreamRecord, update: &Update<'_>) -> SummaryDataPoint {
    let (metric, summary) = (update.metric, update.summary);
    let own = [("Namespace", &metric.namespace), ("MetricName", &metric.name)];
    let dimensions = metric.dimensions.iter();
    let (mut labels, mut attributes) = (Vec::new(), Vec::new());
    if stream.format == OutputFormat::OpenTelemetry07 {
        let own = own.map(|(key, value)| Label { key: key.to_owned(), value: value.clone() });
        let dimensions = dimensions.map(|(key, value)| Label { key: key.clone(), value: value.clone() });
        labels = own.into_iter().chain(dimensions).collect();
    } else {
        let values = dimensions.map(|(key, value)| KeyValue::string(key, value)).collect();
        attributes = own.map(|(key, value)| KeyValue::string(key, value)).into();
        attributes.push(KeyValue::of("Dimensions", Value::KeyValues(KeyValueList { values })));
    }
    SummaryDataPoint {
        labels,
        start_time_unix_nano: nanos(update.at_s),
        time_unix_nano: nanos(update.at_s + MINUTE_S),
        // Whole here, while a count that was put can have a fraction.
        count: summary.count.round() as u64,
        sum: summary.sum,
        quantile_values: quantiles(stream, update),
        attributes,
    }
}

fn nanos(at_s: i64) -> u64 {
    u64::try_from(at_s).unwrap_or_default().saturating_mul(NANOS)
}

/// Minimum, percentiles, maximum; each quantile once.
fn quantiles(stream: &StreamRecord, update: &Update<'_>) -> Vec<ValueAtQuantile> {
    let (minimum, maximum) = (update.summary.min, update.summary.max);
    let mut all = vec![ValueAtQuantile { quantile: 0.0, value: minimum }];
    all.extend(stream.more(update).filter_map(|(_, statistic, value)| match statistic {
        Statistic::Percentile(percent) => Some(ValueAtQuantile { quantile: share(percent), value }),
        _ => None,
    }));
    all.push(ValueAtQuantile { quantile: 1.0, value: maximum });
    // Stable: the minimum stays before a p0. What is p100 is the maximum.
    all.sort_by(|a, b| a.quantile.total_cmp(&b.quantile));
    all.dedup_by_key(|one| one.quantile);
    all
}

/// 99.9 as 0.999, which a division would miss by a little.
fn share(percent: f64) -> f64 {
    format!("{percent}e-2").parse().unwrap_or(percent / 100.0)
}

/// In the Unified Code for Units of Measure, as AWS spells it; of a rate, both of its units.
fn unit(unit: Unit) -> String {
    let name = unit.name();
    let (of, per) = match name.strip_suffix("/Second") {
        Some(of) => (of, "/s"),
        None => (name, ""),
    };
    let code = match of {
        "Seconds" => "s",
        "Microseconds" => "us",
        "Milliseconds" => "ms",
        "Bytes" => "By",
        "Kilobytes" => "kBy",
        "Megabytes" => "MBy",
        "Gigabytes" => "GBy",
        "Terabytes" => "TBy",
        "Bits" => "bit",
        "Kilobits" => "kbit",
        "Megabits" => "MBit",
        "Gigabits" => "GBit",
        "Terabits" => "Tbit",
        "Percent" => "%",
        "Count" => "{Count}",
        _ => "1",
    };
    format!("{code}{per}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_translated() {
        for (name, code) in [
            ("None", "1"),
            ("Count", "{Count}"),
            ("Percent", "%"),
            ("Microseconds", "us"),
            ("Bytes/Second", "By/s"),
            ("Terabits/Second", "Tbit/s"),
            ("Count/Second", "{Count}/s"),
        ] {
            assert_eq!(unit(Unit::parse(name).unwrap()), code);
        }
        let all: std::collections::BTreeSet<_> = Unit::ALL.iter().map(|(one, _)| unit(*one)).collect();
        assert_eq!(all.len(), Unit::ALL.len(), "each has a code of its own");
    }

    #[test]
    fn quantiles_are_exact() {
        assert_eq!([99.9, 95.0, 0.1, 100.0, 29.0].map(share), [0.999, 0.95, 0.001, 1.0, 0.29]);
    }
}
