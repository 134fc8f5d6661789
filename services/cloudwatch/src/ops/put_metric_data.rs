//! PutMetricData: what a datum may be, in AWS's words where it may not.

use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::metrics::{Summary, Unit, Values};
use haneul_kit::{Access, Cx, Handle, Principal, Result};
use haneul_shape::Empty;

use crate::CloudWatch;
use crate::error;
use crate::series::{Bucket, Identity, Tier};

const DATA_MAX: usize = 1000;
pub(crate) const DIMENSIONS_MAX: usize = 30;
const VALUES_MAX: usize = 150;

/// 2^360: what is beyond is refused.
const MAGNITUDE_MAX: f64 = 2.348_542_582_773_833_4e108;

const TWO_WEEKS_MS: i64 = 14 * 86_400_000;
const TWO_HOURS_MS: i64 = 2 * 3_600_000;

impl Handle<op::PutMetricData> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::PutMetricDataInput) -> Result<Vec<Access>> {
        // What a service publishes for an account needs nobody's permission; only the bus makes such callers.
        if matches!(cx.caller().principal, Principal::Service { .. }) {
            return Ok(Vec::new());
        }
        Ok(vec![Access::to("cloudwatch:PutMetricData").key("cloudwatch:namespace", input.namespace.clone())])
    }

    async fn call(&self, cx: &Cx, input: s::PutMetricDataInput) -> Result<Empty> {
        if input.entity_metric_data.as_ref().is_some_and(|list| !list.is_empty())
            || input.strict_entity_validation == Some(true)
        {
            return Err(error::not_offered("Metric data of entities"));
        }
        let namespace = input.namespace;
        check_namespace(&namespace)?;
        let data = input.metric_data.unwrap_or_default();
        if data.is_empty() {
            return Err(error::missing("The parameter MetricData is required."));
        }
        if data.len() > DATA_MAX {
            return Err(error::invalid_value(format!(
                "The collection MetricData must not have a size greater than {DATA_MAX}."
            )));
        }
        let mut points = Vec::with_capacity(data.len());
        for (i, datum) in data.into_iter().enumerate() {
            points.push(self.point(cx, &namespace, datum, At(i))?);
        }
        let fresh = self.points.add(points, cx.now().millis()).await?;
        self.meter_stored(cx, &fresh);
        Ok(Empty {})
    }
}

/// Where a datum stands in its request. Its name is only written when it is needed.
#[derive(Clone, Copy)]
struct At(usize);

impl At {
    fn member(self, name: &str) -> String {
        format!("MetricData.member.{}.{name}", self.0 + 1)
    }
}

impl CloudWatch {
    fn point(&self, cx: &Cx, namespace: &str, datum: s::MetricDatum, at: At) -> Result<(Identity, Bucket)> {
        let unit = match datum.unit.as_deref() {
            None => Unit::None,
            Some(name) => Unit::parse(name).ok_or_else(|| unknown_unit(&at.member("Unit")))?,
        };
        let tier = match datum.storage_resolution {
            None | Some(60) => Tier::Minute,
            Some(1) => Tier::Second,
            Some(other) => return Err(error::value_for(other, &at.member("StorageResolution"))),
        };
        let now_ms = cx.now().millis();
        let time_ms = datum.timestamp.map_or(now_ms, |time| time.millis());
        if time_ms < now_ms - TWO_WEEKS_MS {
            return Err(error::invalid_value(format!(
                "The parameter {} must specify a time no more than two weeks in the past.",
                at.member("Timestamp")
            )));
        }
        if time_ms > now_ms + TWO_HOURS_MS {
            return Err(error::invalid_value(format!(
                "The parameter {} must specify a time no more than two hours in the future.",
                at.member("Timestamp")
            )));
        }
        check_text(&datum.metric_name, || at.member("MetricName"))?;
        let dimensions = match datum.dimensions {
            Some(list) => dimensions(list, || at.member("Dimensions"))?,
            None => Vec::new(),
        };
        let summary = summary(datum.value, datum.statistic_values, datum.values, datum.counts, at)?;
        let identity = Identity::new(cx.account(), cx.region(), namespace, datum.metric_name, dimensions);
        let bucket = Bucket { at: tier.align(time_ms.div_euclid(1000)), tier, unit, summary };
        Ok((identity, bucket))
    }
}

pub(crate) fn unknown_unit(parameter: &str) -> haneul_kit::ApiError {
    let known: Vec<&str> = Unit::ALL[1..].iter().chain(&Unit::ALL[..1]).map(|(_, name)| *name).collect();
    error::invalid_value(format!(
        "The parameter {parameter} must be a value in the set [ {} ].",
        known.join(", ")
    ))
}

fn check_namespace(namespace: &str) -> Result<()> {
    if namespace.starts_with("AWS/") {
        return Err(error::value_for("AWS/", "Namespace"));
    }
    let good = !namespace.starts_with(':')
        && namespace.bytes().all(|b| (0x20..0x7f).contains(&b))
        && !namespace.trim().is_empty();
    if good { Ok(()) } else { Err(error::value_for(namespace, "Namespace")) }
}

/// Names of metrics: any text without control characters.
fn check_text(text: &str, parameter: impl Fn() -> String) -> Result<()> {
    if text.chars().any(char::is_control) || text.trim().is_empty() {
        return Err(error::value_for(text, &parameter()));
    }
    Ok(())
}

/// Names and values: ASCII without control characters, with something to be seen; names do not begin with a colon, and none comes twice.
pub(crate) fn dimensions(
    list: Vec<s::Dimension>,
    parameter: impl Fn() -> String,
) -> Result<Vec<(String, String)>> {
    if list.len() > DIMENSIONS_MAX {
        return Err(error::invalid_value(format!(
            "The collection {} must not have a size greater than {DIMENSIONS_MAX}.",
            parameter()
        )));
    }
    let plain = |text: &str| text.bytes().all(|b| (0x20..0x7f).contains(&b)) && !text.trim().is_empty();
    let mut found: Vec<(String, String)> = Vec::with_capacity(list.len());
    for (i, dimension) in list.into_iter().enumerate() {
        let member = |name: &str| format!("{}.member.{}.{name}", parameter(), i + 1);
        if !plain(&dimension.name) || dimension.name.starts_with(':') {
            return Err(error::value_for(&dimension.name, &member("Name")));
        }
        if !plain(&dimension.value) {
            return Err(error::value_for(&dimension.value, &member("Value")));
        }
        if found.iter().any(|(name, _)| *name == dimension.name) {
            return Err(error::invalid_value(format!("Duplicate dimension name {}.", dimension.name)));
        }
        found.push((dimension.name, dimension.value));
    }
    Ok(found)
}

fn summary(
    value: Option<f64>,
    statistics: Option<s::StatisticSet>,
    values: Option<Vec<f64>>,
    counts: Option<Vec<f64>>,
    at: At,
) -> Result<Summary> {
    let values = values.filter(|values| !values.is_empty());
    for (present, one, other) in [
        (value.is_some() && values.is_some(), "Value", "Values"),
        (value.is_some() && statistics.is_some(), "Value", "StatisticValues"),
        (values.is_some() && statistics.is_some(), "Values", "StatisticValues"),
    ] {
        if present {
            return Err(error::exclusive(&at.member(one), &at.member(other)));
        }
    }
    let number = |value: f64, name: &str| {
        if value.is_finite() && value.abs() <= MAGNITUDE_MAX {
            Ok(value)
        } else {
            Err(error::value_for(shown(value), &at.member(name)))
        }
    };
    if let Some(value) = value {
        return Ok(Summary::of(number(value, "Value")?, 1.0));
    }
    if let Some(set) = statistics {
        let count = number(set.sample_count, "StatisticValues.SampleCount")?;
        let sum = number(set.sum, "StatisticValues.Sum")?;
        let min = number(set.minimum, "StatisticValues.Minimum")?;
        let max = number(set.maximum, "StatisticValues.Maximum")?;
        if count <= 0.0 {
            return Err(error::value_for(shown(count), &at.member("StatisticValues.SampleCount")));
        }
        if min > max {
            return Err(error::invalid_value(format!(
                "The parameter {} must be less than or equal to {}.",
                at.member("StatisticValues.Minimum"),
                at.member("StatisticValues.Maximum")
            )));
        }
        return Ok(Summary::of_statistics(count, sum, min, max));
    }
    let Some(values) = values else {
        return Err(error::missing(format!("The parameter {} is required.", at.member("Value"))));
    };
    if values.len() > VALUES_MAX {
        return Err(error::invalid_value(format!(
            "The collection {} must not have a size greater than {VALUES_MAX}.",
            at.member("Values")
        )));
    }
    let counts = counts.filter(|counts| !counts.is_empty());
    if counts.as_ref().is_some_and(|counts| counts.len() != values.len()) {
        return Err(error::invalid_value(format!(
            "The parameters {} and {} must be of the same size.",
            at.member("Values"),
            at.member("Counts")
        )));
    }
    let mut whole: Option<Summary> = None;
    for (i, value) in values.into_iter().enumerate() {
        let value = number(value, &format!("Values.member.{}", i + 1))?;
        let name = format!("Counts.member.{}", i + 1);
        let count = number(counts.as_ref().map_or(1.0, |counts| counts[i]), &name)?;
        if count < 0.0 {
            return Err(error::value_for(shown(count), &at.member(&name)));
        }
        match &mut whole {
            _ if count == 0.0 => {}
            None => whole = Some(Summary::of(value, count)),
            Some(whole) => whole.add(value, count),
        }
    }
    debug_assert!(whole.as_ref().is_none_or(|summary| !matches!(summary.values, Values::Unknown)));
    whole.ok_or_else(|| error::missing(format!("The parameter {} is required.", at.member("Counts"))))
}

/// As Java writes what is no number.
fn shown(value: f64) -> String {
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ => format!("{value:?}").replace("inf", "Infinity").replace('e', "E"),
    }
}
