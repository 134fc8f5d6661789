use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::metrics::Unit;
use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_shape::value::Map;

use super::put_metric_data::{dimensions, unknown_unit};
use crate::CloudWatch;
use crate::error;
use crate::query::check_period;
use crate::series::Identity;
use crate::series::window::Window;
use crate::statistic::Statistic;

/// Source: GetMetricStatistics, "The maximum number of data points returned from a single call is 1,440".
const POINTS_MAX: i64 = 1440;
const EXTENDED_MAX: usize = 10;

impl Handle<op::GetMetricStatistics> for CloudWatch {
    async fn access(&self, _: &Cx, _: &s::GetMetricStatisticsInput) -> Result<Vec<Access>> {
        Ok(super::access::on_all("cloudwatch:GetMetricStatistics"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetMetricStatisticsInput,
    ) -> Result<s::GetMetricStatisticsOutput> {
        let plain = parsed(input.statistics, "Statistics", Statistic::plain)?;
        let extended = parsed(input.extended_statistics, "ExtendedStatistics", Statistic::extended)?;
        if plain.is_empty() && extended.is_empty() {
            return Err(error::missing("Must specify either Statistics or ExtendedStatistics"));
        }
        if !plain.is_empty() && !extended.is_empty() {
            return Err(error::exclusive("Statistics", "ExtendedStatistics"));
        }
        if extended.len() > EXTENDED_MAX {
            return Err(error::invalid_value(format!(
                "The collection ExtendedStatistics must not have a size greater than {EXTENDED_MAX}."
            )));
        }
        if input.start_time >= input.end_time {
            return Err(error::invalid_combination(
                "The parameter StartTime must be less than the parameter EndTime.",
            ));
        }
        if !check_period(input.period) {
            return Err(error::invalid_value(
                "The parameter Period must be a value in the set [ 1, 5, 10, 20, 30 ], or a multiple of 60.",
            ));
        }
        let unit = match input.unit.as_deref() {
            None => None,
            Some(name) => Some(Unit::parse(name).ok_or_else(|| unknown_unit("Unit"))?),
        };
        let period = i64::from(input.period);
        let window =
            Window::new(input.start_time.millis(), input.end_time.millis(), period, cx.now().millis());
        if window.len() > POINTS_MAX {
            return Err(error::invalid_combination(format!(
                "You have requested up to {} datapoints, which exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.",
                grouped(window.len())
            )));
        }
        let dimensions = dimensions(input.dimensions.unwrap_or_default(), || "Dimensions".to_owned())?;
        let identity =
            Identity::new(cx.account(), cx.region(), input.namespace, input.metric_name.clone(), dimensions);
        let mut datapoints = Vec::new();
        if let Some(series) = self.points.find(&identity).await? {
            let view = self.points.view().await?;
            let mut buckets = view.read(series.id, window.start, window.end).await?;
            buckets.retain(|bucket| unit.is_none_or(|unit| bucket.unit == unit));
            for (at, unit, summary) in window.sum_up(buckets) {
                let mut point = s::Datapoint {
                    timestamp: Some(Instant::from_secs(at)),
                    unit: Some(unit.name().to_owned()),
                    ..Default::default()
                };
                for (_, statistic) in &plain {
                    let value = statistic.of(&summary);
                    match statistic {
                        Statistic::SampleCount => point.sample_count = value,
                        Statistic::Average => point.average = value,
                        Statistic::Sum => point.sum = value,
                        Statistic::Minimum => point.minimum = value,
                        _ => point.maximum = value,
                    }
                }
                let values: Map<f64> = extended
                    .iter()
                    .filter_map(|(name, statistic)| Some((name.clone(), statistic.of(&summary)?)))
                    .collect();
                if !extended.is_empty() && values.iter().next().is_none() {
                    continue;
                }
                point.extended_statistics = (!extended.is_empty()).then_some(values);
                datapoints.push(point);
            }
        }
        Ok(s::GetMetricStatisticsOutput { label: Some(input.metric_name), datapoints: Some(datapoints) })
    }
}

fn parsed(
    names: Option<Vec<String>>,
    parameter: &str,
    parse: fn(&str) -> Option<Statistic>,
) -> Result<Vec<(String, Statistic)>> {
    let mut parsed = Vec::new();
    for (i, name) in names.unwrap_or_default().into_iter().enumerate() {
        let statistic =
            parse(&name).ok_or_else(|| error::value_for(&name, &format!("{parameter}.member.{}", i + 1)))?;
        if parsed.iter().all(|(known, _)| *known != name) {
            parsed.push((name, statistic));
        }
    }
    Ok(parsed)
}

/// `1,441`.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
