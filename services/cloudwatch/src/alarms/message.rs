//! What actions are told: the message that SNS topics get, and the event that Lambda functions get.
//! Source: CloudWatch User Guide, "Alarm actions" and "Invoke a Lambda function from an alarm".

use haneul_kit::Instant;
use haneul_kit::metrics::Owner;
use serde_json::{Map, Value, json};

use super::reason::iso_millis;
use crate::model::{
    Alarm, AlarmKind, AlarmState, Contributor, MetricAlarm, OneMetric, Query, Source, Watched,
};

pub(crate) fn arn(owner: Owner, name: &str) -> String {
    format!("arn:aws:cloudwatch:{}:{}:alarm:{name}", owner.region, owner.account)
}

pub(crate) fn subject(owner: Owner, name: &str, state: &AlarmState) -> String {
    let subject = format!("{}: \"{name}\" in {}", state.value.name(), region_name(owner.region.as_str()));
    // SNS takes 99 characters.
    subject.chars().take(99).collect()
}

/// For topics.
pub(crate) fn notification(
    owner: Owner,
    name: &str,
    alarm: &Alarm,
    before: &AlarmState,
    now: Instant,
) -> Value {
    let mut message = json!({
        "AlarmName": name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": owner.account.to_string(),
        "AlarmConfigurationUpdatedTimestamp": iso_millis(Instant::from_millis(alarm.configured_ms)),
        "NewStateValue": alarm.state.value.name(),
        "NewStateReason": alarm.state.reason,
        "StateChangeTime": iso_millis(now),
        "Region": region_name(owner.region.as_str()),
        "AlarmArn": arn(owner, name),
        "OldStateValue": before.value.name(),
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
    });
    match &alarm.kind {
        AlarmKind::Metric(metric) => message["Trigger"] = trigger(metric),
        AlarmKind::Composite(composite) => message["AlarmRule"] = json!(composite.rule),
    }
    message
}

/// For functions.
pub(crate) fn event(owner: Owner, name: &str, alarm: &Alarm, before: &AlarmState, now: Instant) -> Value {
    json!({
        "source": "aws.cloudwatch",
        "alarmArn": arn(owner, name),
        "accountId": owner.account.to_string(),
        "time": iso_millis(now),
        "region": owner.region.as_str(),
        "alarmData": {
            "alarmName": name,
            "state": state(&alarm.state),
            "previousState": state(before),
            "configuration": configuration(alarm),
        },
    })
}

/// The same on behalf of one series of many. Source: CloudWatch User Guide, "Alarm events and EventBridge" and "Log alarms", whose
/// examples have the members.
pub(crate) fn of_contributor(message: &str, contributor: &Contributor) -> String {
    let Ok(mut message) = serde_json::from_str::<Value>(message) else { return message.to_owned() };
    let attributes = pairs(&contributor.attributes);
    match message.get_mut("alarmData").and_then(Value::as_object_mut) {
        Some(data) => {
            data.remove("previousState");
            data.insert(
                "alarmContributor".to_owned(),
                json!({ "id": contributor.id, "attributes": attributes }),
            );
        }
        None => {
            message["AlarmContributorId"] = json!(contributor.id);
            message["AlarmContributorAttributes"] = attributes;
        }
    }
    message.to_string()
}

fn state(state: &AlarmState) -> Value {
    let mut shown = json!({
        "value": state.value.name(),
        "reason": state.reason,
        "timestamp": iso_millis(Instant::from_millis(state.updated_ms)),
    });
    if let Some(data) = &state.reason_data {
        shown["reasonData"] = json!(data);
    }
    shown
}

fn configuration(alarm: &Alarm) -> Value {
    let mut shown = Map::new();
    if let Some(description) = &alarm.description {
        shown.insert("description".to_owned(), json!(description));
    }
    match &alarm.kind {
        AlarmKind::Composite(composite) => {
            shown.insert("alarmRule".to_owned(), json!(composite.rule));
            if let Some(suppressor) = &composite.suppressor {
                shown.insert("actionsSuppressor".to_owned(), json!(suppressor));
                shown.insert("actionsSuppressorWaitPeriod".to_owned(), json!(composite.wait_s));
                shown.insert("actionsSuppressorExtensionPeriod".to_owned(), json!(composite.extension_s));
            }
        }
        AlarmKind::Metric(metric) => {
            let metrics: Vec<Value> = match &metric.watched {
                Watched::One(one) => {
                    vec![json!({ "id": "m1", "metricStat": metric_stat(one), "returnData": true })]
                }
                Watched::Queries(queries) => queries.iter().map(query).collect(),
            };
            shown.insert("metrics".to_owned(), json!(metrics));
        }
    }
    Value::Object(shown)
}

fn metric_stat(one: &OneMetric) -> Value {
    json!({
        "metric": { "namespace": one.namespace, "name": one.name, "dimensions": pairs(&one.dimensions) },
        "period": one.period,
        "stat": one.statistic,
    })
}

fn query(query: &Query) -> Value {
    let mut shown = json!({ "id": query.id, "returnData": query.return_data.unwrap_or(true) });
    match &query.source {
        Source::Expression(text) => {
            shown["expression"] = json!(text);
            if let Some(period) = query.period {
                shown["period"] = json!(period);
            }
        }
        Source::Metric { namespace, name, dimensions, period, statistic, .. } => {
            shown["metricStat"] = json!({
                "metric": { "namespace": namespace, "name": name, "dimensions": pairs(dimensions) },
                "period": period,
                "stat": statistic,
            });
        }
    }
    if let Some(label) = &query.label {
        shown["label"] = json!(label);
    }
    shown
}

fn pairs(dimensions: &[(String, String)]) -> Value {
    Value::Object(dimensions.iter().map(|(name, value)| (name.clone(), json!(value))).collect())
}

fn trigger(metric: &MetricAlarm) -> Value {
    let listed = |dimensions: &[(String, String)]| -> Vec<Value> {
        dimensions.iter().map(|(name, value)| json!({ "value": value, "name": name })).collect()
    };
    let mut trigger = match &metric.watched {
        Watched::One(one) => {
            let mut shown = json!({
                "MetricName": one.name,
                "Namespace": one.namespace,
                "Unit": one.unit,
                "Dimensions": listed(&one.dimensions),
                "Period": one.period,
            });
            if one.extended {
                shown["StatisticType"] = json!("ExtendedStatistic");
                shown["ExtendedStatistic"] = json!(one.statistic);
            } else {
                shown["StatisticType"] = json!("Statistic");
                shown["Statistic"] = json!(shouted(&one.statistic));
            }
            shown
        }
        Watched::Queries(queries) => {
            let metrics: Vec<Value> = queries
                .iter()
                .map(|query| match &query.source {
                    Source::Expression(text) => json!({
                        "Expression": text, "Id": query.id, "Label": query.label, "ReturnData": query.return_data.unwrap_or(true),
                    }),
                    Source::Metric { namespace, name, dimensions, period, statistic, .. } => json!({
                        "Id": query.id,
                        "MetricStat": {
                            "Metric": { "Dimensions": listed(dimensions), "MetricName": name, "Namespace": namespace },
                            "Period": period,
                            "Stat": statistic,
                        },
                        "ReturnData": query.return_data.unwrap_or(true),
                    }),
                })
                .collect();
            let period = queries.iter().find_map(|query| match &query.source {
                Source::Metric { period, .. } => Some(*period),
                Source::Expression(_) => query.period,
            });
            json!({ "Metrics": metrics, "Period": period })
        }
    };
    trigger["EvaluationPeriods"] = json!(metric.evaluation_periods);
    if let Some(points) = metric.datapoints_to_alarm {
        trigger["DatapointsToAlarm"] = json!(points);
    }
    trigger["ComparisonOperator"] = json!(metric.comparison);
    if let Some(threshold) = metric.threshold {
        trigger["Threshold"] = json!(threshold);
    }
    if let Some(id) = &metric.threshold_metric_id {
        trigger["ThresholdMetricId"] = json!(id);
    }
    trigger["TreatMissingData"] = json!(metric.treat_missing_data.as_deref().unwrap_or("missing"));
    trigger["EvaluateLowSampleCountPercentile"] =
        json!(metric.evaluate_low_sample_count.as_deref().unwrap_or(""));
    trigger
}

/// `SampleCount` as `SAMPLE_COUNT`.
fn shouted(statistic: &str) -> String {
    if statistic == "SampleCount" { "SAMPLE_COUNT".to_owned() } else { statistic.to_ascii_uppercase() }
}

/// As the console names Regions.
fn region_name(region: &str) -> &str {
    match region {
        "us-east-1" => "US East (N. Virginia)",
        "us-east-2" => "US East (Ohio)",
        "us-west-1" => "US West (N. California)",
        "us-west-2" => "US West (Oregon)",
        "eu-west-1" => "EU (Ireland)",
        "eu-west-2" => "EU (London)",
        "eu-west-3" => "EU (Paris)",
        "eu-central-1" => "EU (Frankfurt)",
        "eu-north-1" => "EU (Stockholm)",
        "ap-northeast-1" => "Asia Pacific (Tokyo)",
        "ap-northeast-2" => "Asia Pacific (Seoul)",
        "ap-northeast-3" => "Asia Pacific (Osaka)",
        "ap-southeast-1" => "Asia Pacific (Singapore)",
        "ap-southeast-2" => "Asia Pacific (Sydney)",
        "ap-south-1" => "Asia Pacific (Mumbai)",
        "sa-east-1" => "South America (Sao Paulo)",
        "ca-central-1" => "Canada (Central)",
        other => other,
    }
}
