use std::collections::BTreeMap;
use std::sync::Arc;

use haneul_cloudwatch_wire::shapes as c;
use haneul_kit::{AccountId, Instant, Region};

/// A metric that points go to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) namespace: String,
    pub(crate) metric: String,
    /// Shared by the series of a set of dimensions.
    pub(crate) dimensions: Arc<[(String, String)]>,
    pub(crate) unit: Option<String>,
    pub(crate) high_resolution: bool,
}

/// Points that wait to be published, summed by series and second or minute.
#[derive(Debug, Default)]
pub(crate) struct Points {
    /// How often each value is there, by its bits.
    series: BTreeMap<(Series, i64), BTreeMap<u64, f64>>,
    count: usize,
}

/// Beyond so many, they should be published before more come: some tens of megabytes.
const HELD_MAX: usize = 50_000;

/// What PutMetricData takes. Source: CloudWatch API Reference, PutMetricData, MetricDatum.
const DATA_MAX: usize = 500;
const VALUES_MAX: usize = 150;
const TEXT_MAX: usize = 1024;
const NAME_MAX: usize = 255;
/// 2^360.
const MAGNITUDE_MAX: f64 = 2.348_542_582_773_833_4e108;
/// How old a point may be, less a little for the way to CloudWatch.
const AGE_MS_MAX: i64 = 14 * 86_400_000 - 60_000;

impl Points {
    /// Adds some of one time; what CloudWatch does not take is left out.
    pub(crate) fn add(&mut self, series: Series, time_ms: i64, values: &[f64], now_ms: i64) {
        if time_ms < now_ms - AGE_MS_MAX {
            return;
        }
        let step = if series.high_resolution { 1000 } else { 60_000 };
        let counts = self.series.entry((series, time_ms.div_euclid(step) * step)).or_default();
        for value in values.iter().filter(|value| value.is_finite() && value.abs() <= MAGNITUDE_MAX) {
            // There is one zero.
            let count = counts.entry((value + 0.0).to_bits()).or_insert_with(|| {
                self.count += 1;
                0.0
            });
            *count += 1.0;
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.count.max(self.series.len()) >= HELD_MAX
    }

    /// As requests to CloudWatch.
    pub(crate) fn requests(self) -> Vec<(AccountId, Region, c::PutMetricDataInput)> {
        let mut requests: Vec<(AccountId, Region, c::PutMetricDataInput)> = Vec::new();
        for ((series, at), counts) in self.series {
            let values: Vec<(f64, f64)> =
                counts.into_iter().map(|(value, count)| (f64::from_bits(value), count)).collect();
            for values in values.chunks(VALUES_MAX) {
                let datum = datum(&series, at, values);
                let last = requests.last_mut().filter(|(account, region, input)| {
                    *account == series.account
                        && *region == series.region
                        && input.namespace == series.namespace
                        && input.metric_data.as_ref().is_some_and(|data| data.len() < DATA_MAX)
                });
                match last.and_then(|(_, _, input)| input.metric_data.as_mut()) {
                    Some(data) => data.push(datum),
                    None => {
                        let input = c::PutMetricDataInput {
                            namespace: series.namespace.clone(),
                            metric_data: Some(vec![datum]),
                            ..Default::default()
                        };
                        requests.push((series.account, series.region, input));
                    }
                }
            }
        }
        requests
    }
}

fn datum(series: &Series, at_ms: i64, values: &[(f64, f64)]) -> c::MetricDatum {
    let dimension =
        |(name, value): &(String, String)| c::Dimension { name: name.clone(), value: value.clone() };
    c::MetricDatum {
        metric_name: series.metric.clone(),
        dimensions: Some(series.dimensions.iter().map(dimension).collect()),
        timestamp: Some(Instant::from_millis(at_ms)),
        values: Some(values.iter().map(|(value, _)| *value).collect()),
        counts: Some(values.iter().map(|(_, count)| *count).collect()),
        unit: series.unit.clone(),
        storage_resolution: series.high_resolution.then_some(1),
        ..Default::default()
    }
}

/// Whether CloudWatch takes this as the name or value of a dimension.
pub(crate) fn is_dimension_text(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= TEXT_MAX && text.bytes().all(|b| (0x20..0x7f).contains(&b))
}

/// Whether CloudWatch takes this as the name of a dimension.
pub(crate) fn is_dimension_name(text: &str) -> bool {
    is_dimension_text(text) && text.len() <= NAME_MAX && !text.starts_with(':')
}

/// Whether CloudWatch takes this as the name of a metric.
pub(crate) fn is_metric_name(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= NAME_MAX && !text.chars().any(char::is_control)
}

/// Whether CloudWatch takes this as a namespace from a user.
pub(crate) fn is_namespace(text: &str) -> bool {
    is_dimension_text(text) && text.len() <= NAME_MAX && !text.starts_with("AWS/") && !text.starts_with(':')
}
