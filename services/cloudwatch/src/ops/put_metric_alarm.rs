use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::metrics::Unit;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;
use serde_json::json;

use super::alarm_parts::{Settings, access_to_put};
use super::put_metric_data::{dimensions, unknown_unit};
use crate::CloudWatch;
use crate::alarms::decide::Treatment;
use crate::error;
use crate::math::Need;
use crate::model::{AlarmKind, MetricAlarm, OneMetric, Watched};
use crate::query::{Plan, Work, from_wire};
use crate::statistic::Statistic;

const DAY_S: i64 = 86_400;

impl Handle<op::PutMetricAlarm> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::PutMetricAlarmInput) -> Result<Vec<Access>> {
        let actions = [&input.ok_actions, &input.alarm_actions, &input.insufficient_data_actions];
        let access = self.with_tags(cx, "cloudwatch:PutMetricAlarm", &input.alarm_name).await?;
        Ok(access_to_put(cx, access, &input.alarm_name, actions, input.tags.as_deref()))
    }

    async fn call(&self, cx: &Cx, mut input: s::PutMetricAlarmInput) -> Result<Empty> {
        for (given, what) in [
            (
                input.evaluation_criteria.is_some() || input.evaluation_interval.is_some(),
                "Alarms on PromQL queries",
            ),
            (input.warm_up_configuration.is_some(), "A warm-up period"),
            (input.action_configuration.is_some(), "Propagating an alarm's tags to its notifications"),
        ] {
            if given {
                return Err(error::not_offered(what));
            }
        }
        if let Some(s::EvaluationWindow::WallClockWindow(_)) = &input.evaluation_window {
            return Err(error::not_offered("A wall clock window"));
        }
        let settings = Settings {
            description: input.alarm_description.take(),
            actions_enabled: input.actions_enabled.unwrap_or(true),
            ok_actions: input.ok_actions.take().unwrap_or_default(),
            alarm_actions: input.alarm_actions.take().unwrap_or_default(),
            insufficient_data_actions: input.insufficient_data_actions.take().unwrap_or_default(),
            tags: input.tags.take().unwrap_or_default(),
        };
        settings.check()?;
        let name = input.alarm_name.clone();
        let metric = metric_alarm(input, &cx.account().to_string())?;
        let shown = json!({ "evaluationPeriods": metric.evaluation_periods, "threshold": metric.threshold, "comparisonOperator": metric.comparison });
        self.put_settings(cx, &name, settings, AlarmKind::Metric(Box::new(metric)), shown).await?;
        Ok(Empty {})
    }
}

fn needed<T>(value: Option<T>, name: &str) -> Result<T> {
    value.ok_or_else(|| error::missing(format!("The parameter {name} is required.")))
}

fn metric_alarm(input: s::PutMetricAlarmInput, account: &str) -> Result<MetricAlarm> {
    let evaluation_periods = needed(input.evaluation_periods, "EvaluationPeriods")?;
    let comparison = needed(input.comparison_operator, "ComparisonOperator")?;
    let banded = matches!(
        comparison.as_str(),
        "LessThanLowerOrGreaterThanUpperThreshold" | "LessThanLowerThreshold" | "GreaterThanUpperThreshold"
    );
    if banded != input.threshold_metric_id.is_some() {
        return Err(error::validation(if banded {
            "ThresholdMetricId must be specified for a comparison with an anomaly detection band."
        } else {
            "ThresholdMetricId can only be specified for a comparison with an anomaly detection band."
        }));
    }
    if banded == input.threshold.is_some() {
        return Err(error::validation(if banded {
            "Exactly one element of the metrics list should return data, or ThresholdMetricId must be used without Threshold."
        } else {
            "The parameter Threshold is required for an alarm on a static threshold."
        }));
    }
    if input.threshold.is_some_and(|threshold| !threshold.is_finite()) {
        return Err(error::value_for("NaN", "Threshold"));
    }
    if input.datapoints_to_alarm.is_some_and(|points| points > evaluation_periods) {
        return Err(error::validation("DatapointsToAlarm must not be greater than EvaluationPeriods."));
    }
    if input.treat_missing_data.as_deref().is_some_and(|text| Treatment::parse(text).is_none()) {
        return Err(error::validation(
            "TreatMissingData must be one of [breaching, notBreaching, ignore, missing].",
        ));
    }
    let low = input.evaluate_low_sample_count_percentile.as_deref();
    if low.is_some_and(|text| !matches!(text, "evaluate" | "ignore")) {
        return Err(error::validation(
            "Option value for parameter EvaluateLowSampleCountPercentile is invalid.",
        ));
    }
    let watched = match (input.metric_name, input.metrics.filter(|list| !list.is_empty())) {
        (Some(_), Some(_)) => {
            return Err(error::validation(
                "MetricName and Metrics are mutually exclusive and you have specified both.",
            ));
        }
        (None, None) => return Err(error::validation("You must specify either MetricName or Metrics.")),
        (Some(name), None) => {
            if banded {
                return Err(error::validation("An anomaly detection alarm needs the parameter Metrics."));
            }
            Watched::One(one_metric(
                name,
                input.namespace,
                input.dimensions,
                input.period,
                (input.statistic, input.extended_statistic),
                input.unit,
            )?)
        }
        (None, Some(list)) => {
            let other = [
                input.namespace.is_some(),
                input.dimensions.as_ref().is_some_and(|list| !list.is_empty()),
                input.period.is_some(),
                input.unit.is_some(),
                input.statistic.is_some() || input.extended_statistic.is_some(),
            ];
            if other.contains(&true) {
                return Err(error::validation(
                    "Namespace, Dimensions, Period, Unit, Statistic and ExtendedStatistic cannot be specified together with Metrics.",
                ));
            }
            queries(list, input.threshold_metric_id.as_deref(), account)?
        }
    };
    let metric = MetricAlarm {
        watched,
        evaluation_periods,
        datapoints_to_alarm: input.datapoints_to_alarm,
        threshold: input.threshold,
        threshold_metric_id: input.threshold_metric_id,
        comparison,
        treat_missing_data: input.treat_missing_data,
        evaluate_low_sample_count: input.evaluate_low_sample_count_percentile,
    };
    let spans = i64::from(evaluation_periods).saturating_mul(metric.period());
    if metric.period() < 3600 && spans > DAY_S {
        return Err(error::validation(
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).",
        ));
    }
    if spans > 7 * DAY_S {
        return Err(error::validation(
            "Metrics cannot be checked across more than 7 days (EvaluationPeriods * Period must be <= 604800).",
        ));
    }
    Ok(metric)
}

fn one_metric(
    name: String,
    namespace: Option<String>,
    given: Option<Vec<s::Dimension>>,
    period: Option<i32>,
    statistics: (Option<String>, Option<String>),
    unit: Option<String>,
) -> Result<OneMetric> {
    let namespace = needed(namespace, "Namespace")?;
    let period = needed(period, "Period")?;
    if !matches!(period, 10 | 20 | 30) && period % 60 != 0 {
        return Err(error::validation("Period must be 10, 20, 30 or a multiple of 60"));
    }
    let (statistic, extended) = match statistics {
        (Some(_), Some(_)) => {
            return Err(error::validation(
                "Statistic and ExtendedStatistic are mutually exclusive and you have specified both.",
            ));
        }
        (Some(statistic), None) => (statistic, false),
        (None, Some(statistic)) if Statistic::extended(&statistic).is_some() => (statistic, true),
        (None, Some(statistic)) => {
            return Err(error::validation(format!(
                "The value {statistic} for parameter ExtendedStatistic is not supported."
            )));
        }
        (None, None) => {
            return Err(error::validation("Either Statistic or ExtendedStatistic must be specified."));
        }
    };
    if unit.as_deref().is_some_and(|unit| Unit::parse(unit).is_none()) {
        return Err(unknown_unit("Unit"));
    }
    let mut dimensions = dimensions(given.unwrap_or_default(), || "Dimensions".to_owned())?;
    dimensions.sort();
    Ok(OneMetric { namespace, name, dimensions, period, statistic, extended, unit })
}

/// What is watched is the one query that returns data; with a band, the metric and the band both do.
fn queries(list: Vec<s::MetricDataQuery>, band: Option<&str>, account: &str) -> Result<Watched> {
    let queries = from_wire(list, "Metrics")?;
    let plan = Plan::of(queries.clone(), "Metrics", account)?;
    if plan.searches() {
        return Err(error::validation("SEARCH cannot be used in an alarm."));
    }
    if plan.asks() {
        return Err(error::not_offered("An alarm on a function's data (LAMBDA)"));
    }
    let shown: Vec<&str> = queries
        .iter()
        .filter(|query| query.return_data.unwrap_or(true))
        .map(|query| query.id.as_str())
        .collect();
    let mut grouped = None;
    for step in &plan.steps {
        match &step.work {
            Work::Insights(select) if !select.group_by.is_empty() => grouped = Some(step.query.id.as_str()),
            Work::Insights(_) => {}
            Work::Math(expr) => {
                let bands = expr.needs().iter().any(|need| matches!(need, Need::Band(_)));
                if bands && Some(step.query.id.as_str()) != band {
                    return Err(error::validation(
                        "ANOMALY_DETECTION_BAND can only be used as the threshold of an alarm, by ThresholdMetricId.",
                    ));
                }
            }
            Work::Metric(_) => {}
        }
    }
    if grouped.is_some_and(|id| band.is_some() || !shown.contains(&id)) {
        return Err(error::not_offered("Math or an anomaly detection band over a query with GROUP BY"));
    }
    match band {
        Some(band) if !queries.iter().any(|query| query.id == band) => {
            Err(error::validation("ThresholdMetricId must be the id of one of the Metrics."))
        }
        Some(band) if shown.iter().filter(|id| **id != band).count() != 1 => Err(error::validation(
            "Exactly one element of the metrics list should return data besides the threshold.",
        )),
        None if shown.len() != 1 => {
            Err(error::validation("Exactly one element of the metrics list should return data."))
        }
        _ => Ok(Watched::Queries(queries)),
    }
}
