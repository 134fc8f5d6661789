//! Metric streams: which metrics go into one, and how their minutes are written.
//!
//! Reading order: here what goes in; [`json`] and [`otel`] (how one minute is written), [`records`] (minutes put together for
//! Firehose). Source: CloudWatch User Guide, "Use metric streams".

mod json;
mod otel;
mod records;

use haneul_kit::metrics::{Summary, Unit};

use crate::model::{OutputFormat, StreamRecord};
use crate::series::Identity;
use crate::statistic::Statistic;

pub(crate) use records::Records;

/// Who assumes the role of a stream.
pub(crate) const PRINCIPAL: &str = "streams.metrics.cloudwatch.amazonaws.com";

/// One minute of a metric.
pub(crate) struct Update<'a> {
    pub(crate) metric: &'a Identity,
    /// When the minute began, in seconds.
    pub(crate) at_s: i64,
    pub(crate) unit: Unit,
    pub(crate) summary: &'a Summary,
}

impl OutputFormat {
    pub(crate) const ALL: [(OutputFormat, &'static str); 3] = [
        (OutputFormat::Json, "json"),
        (OutputFormat::OpenTelemetry1, "opentelemetry1.0"),
        (OutputFormat::OpenTelemetry07, "opentelemetry0.7"),
    ];

    pub(crate) fn parse(name: &str) -> Option<OutputFormat> {
        OutputFormat::ALL.into_iter().find(|(_, known)| *known == name).map(|(format, _)| format)
    }

    pub(crate) fn name(self) -> &'static str {
        OutputFormat::ALL.into_iter().find(|(format, _)| *format == self).map_or("", |(_, name)| name)
    }

    /// Whether metrics of a stream can have that statistic beside the usual ones. Source: CloudWatch User Guide, "Statistics
    /// that can be streamed".
    pub(crate) fn takes(self, statistic: Statistic) -> bool {
        self == OutputFormat::Json || matches!(statistic, Statistic::Percentile(_))
    }
}

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

    /// The statistics that a minute has beside the usual ones, as they were named, and their values.
    fn more<'a>(&'a self, update: &'a Update<'_>) -> impl Iterator<Item = (&'a str, Statistic, f64)> {
        let of = |more: &&crate::model::MoreStatistics| {
            more.metrics
                .iter()
                .any(|(namespace, name)| *namespace == update.metric.namespace && *name == update.metric.name)
        };
        let wanted = self.statistics.iter().filter(of).flat_map(|more| &more.statistics);
        wanted.filter_map(|text| {
            let statistic = Statistic::parse(text)?;
            Some((text.as_str(), statistic, statistic.of(update.summary)?))
        })
    }
}
