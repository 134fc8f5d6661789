use std::sync::Arc;

use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::{Access, ApiError, Cx, Handle, Result, Service};
use haneul_sns_wire as sns;
use parking_lot::Mutex;

use super::cloud::{Cloud, expression, query};

/// Stands for the service that alarms tell; keeps what it was told.
#[derive(Default)]
pub(super) struct Topics {
    pub told: Mutex<Vec<sns::shapes::PublishInput>>,
    pub broken: Mutex<bool>,
}

impl Handle<sns::operations::Publish> for Topics {
    async fn access(&self, _: &Cx, _: &sns::shapes::PublishInput) -> Result<Vec<Access>> {
        Ok(Vec::new())
    }

    async fn call(&self, cx: &Cx, input: sns::shapes::PublishInput) -> Result<sns::shapes::PublishResponse> {
        assert!(
            cx.source_arn()
                .is_some_and(|arn| arn.starts_with("arn:aws:cloudwatch:us-east-1:111111111111:alarm:"))
        );
        if *self.broken.lock() {
            return Err(ApiError::internal("broken on purpose"));
        }
        self.told.lock().push(input);
        Ok(sns::shapes::PublishResponse::default())
    }
}

pub(super) fn service(topics: &Arc<Topics>) -> Service {
    Service::of(&sns::SERVICE, topics.clone()).op::<sns::operations::Publish>().build()
}

const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:topic";

pub(super) fn alarm(name: &str) -> s::PutMetricAlarmInput {
    s::PutMetricAlarmInput {
        alarm_name: name.into(),
        alarm_actions: Some(vec![TOPIC.into()]),
        ok_actions: Some(vec![format!("{TOPIC}-ok")]),
        metric_name: Some("load".into()),
        namespace: Some("Test".into()),
        statistic: Some("Maximum".into()),
        period: Some(60),
        evaluation_periods: Some(1),
        threshold: Some(5.0),
        comparison_operator: Some("GreaterThanThreshold".into()),
        ..Default::default()
    }
}

pub(super) fn composite(name: &str, rule: &str) -> s::PutCompositeAlarmInput {
    s::PutCompositeAlarmInput {
        alarm_name: name.into(),
        alarm_rule: rule.into(),
        alarm_actions: Some(vec![TOPIC.into()]),
        ..Default::default()
    }
}

impl Cloud {
    pub(super) async fn state(&self, name: &str) -> String {
        let input = s::DescribeAlarmsInput {
            alarm_names: Some(vec![name.into()]),
            alarm_types: Some(vec!["MetricAlarm".into(), "CompositeAlarm".into()]),
            ..Default::default()
        };
        let found = self.ok::<op::DescribeAlarms>(input).await;
        let metric = found.metric_alarms.unwrap().pop().and_then(|alarm| alarm.state_value);
        metric.or(found.composite_alarms.unwrap().pop().and_then(|alarm| alarm.state_value)).unwrap()
    }

    pub(super) async fn history(&self, name: &str, kind: &str) -> Vec<String> {
        let input = s::DescribeAlarmHistoryInput {
            alarm_name: Some(name.into()),
            history_item_type: Some(kind.into()),
            scan_by: Some("TimestampAscending".into()),
            ..Default::default()
        };
        let found = self.ok::<op::DescribeAlarmHistory>(input).await;
        found.alarm_history_items.unwrap().into_iter().filter_map(|item| item.history_summary).collect()
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.topics.told.lock().iter().filter_map(|input| input.subject.clone()).collect()
    }
}

#[tokio::test]
async fn an_alarm_goes_and_comes_back_by_the_clock_and_its_actions_are_called() {
    let cloud = Cloud::new().await;
    cloud.ok::<op::PutMetricAlarm>(alarm("high")).await;
    assert_eq!(cloud.state("high").await, "INSUFFICIENT_DATA");
    cloud.put("load", cloud.now().secs(), 7.5).await;
    cloud.advance(60).await;
    assert_eq!(cloud.state("high").await, "ALARM");
    cloud.put("load", cloud.now().secs(), 3.0).await;
    cloud.advance(60).await;
    assert_eq!(cloud.state("high").await, "OK");
    cloud.advance(300).await;
    assert_eq!(cloud.state("high").await, "INSUFFICIENT_DATA");
    assert_eq!(
        cloud.told(),
        ["ALARM: \"high\" in US East (N. Virginia)", "OK: \"high\" in US East (N. Virginia)"]
    );
    let message: serde_json::Value = serde_json::from_str(&cloud.topics.told.lock()[0].message).unwrap();
    assert_eq!(
        (message["NewStateValue"].as_str(), message["OldStateValue"].as_str()),
        (Some("ALARM"), Some("INSUFFICIENT_DATA"))
    );
    assert_eq!(message["Trigger"]["Statistic"], "MAXIMUM");
    let reason = message["NewStateReason"].as_str().unwrap();
    assert!(reason.starts_with("Threshold Crossed: 1 out of the last 1 datapoints [7.5 ("), "{reason}");
    assert_eq!(
        cloud.history("high", "StateUpdate").await,
        [
            "Alarm updated from INSUFFICIENT_DATA to ALARM",
            "Alarm updated from ALARM to OK",
            "Alarm updated from OK to INSUFFICIENT_DATA"
        ]
    );
    assert_eq!(cloud.history("high", "ConfigurationUpdate").await, ["Alarm \"high\" created"]);
    assert_eq!(
        cloud.history("high", "Action").await,
        [format!("Successfully executed action {TOPIC}"), format!("Successfully executed action {TOPIC}-ok")]
    );
}

#[tokio::test]
async fn actions_that_fail_are_tried_again_and_then_recorded() {
    let cloud = Cloud::new().await;
    *cloud.topics.broken.lock() = true;
    let nobody = "arn:aws:autoscaling:us-east-1:111111111111:scalingPolicy:x".to_owned();
    cloud
        .ok::<op::PutMetricAlarm>(s::PutMetricAlarmInput {
            alarm_actions: Some(vec![TOPIC.into(), nobody]),
            ..alarm("a")
        })
        .await;
    let set = |state: &str| s::SetAlarmStateInput {
        alarm_name: "a".into(),
        state_value: state.into(),
        state_reason: "by hand".into(),
        state_reason_data: None,
    };
    cloud.ok::<op::SetAlarmState>(set("ALARM")).await;
    cloud.settle().await;
    assert_eq!(cloud.history("a", "Action").await.len(), 1);
    for _ in 0..4 {
        cloud.advance(20).await;
    }
    let failed = cloud.history("a", "Action").await;
    assert_eq!(failed.len(), 2);
    assert!(failed.iter().all(|line| line.starts_with("Failed to execute")), "{failed:?}");
    // Disabled actions are not called at all.
    *cloud.topics.broken.lock() = false;
    cloud.ok::<op::DisableAlarmActions>(s::DisableAlarmActionsInput { alarm_names: vec!["a".into()] }).await;
    cloud.ok::<op::SetAlarmState>(set("OK")).await;
    cloud.settle().await;
    assert_eq!((cloud.history("a", "Action").await.len(), cloud.told().len()), (2, 0));
    let unknown = s::SetAlarmStateInput { alarm_name: "none".into(), ..set("OK") };
    assert!(cloud.err::<op::SetAlarmState>(unknown).await.starts_with("ResourceNotFound: "));
    let bad = s::SetAlarmStateInput { state_reason_data: Some("{".into()), ..set("OK") };
    assert!(cloud.err::<op::SetAlarmState>(bad).await.starts_with("InvalidFormatFault: "));
}

#[tokio::test]
async fn alarms_on_math_insights_and_bands() {
    let cloud = Cloud::new().await;
    let base = s::PutMetricAlarmInput {
        metric_name: None,
        namespace: None,
        statistic: None,
        period: None,
        ..alarm("x")
    };
    let hidden = |q: s::MetricDataQuery| s::MetricDataQuery { return_data: Some(false), ..q };
    let math = vec![hidden(query("m1", "load", 60, "Sum")), expression("e1", "m1 * 2", None)];
    cloud
        .ok::<op::PutMetricAlarm>(s::PutMetricAlarmInput {
            alarm_name: "math".into(),
            metrics: Some(math),
            ..base.clone()
        })
        .await;
    let select = vec![expression("q1", "SELECT MAX(load) FROM Test", Some(60))];
    cloud
        .ok::<op::PutMetricAlarm>(s::PutMetricAlarmInput {
            alarm_name: "select".into(),
            metrics: Some(select),
            ..base.clone()
        })
        .await;
    let banded =
        vec![query("m1", "load", 60, "Average"), expression("ad1", "ANOMALY_DETECTION_BAND(m1, 2)", None)];
    let band = s::PutMetricAlarmInput {
        alarm_name: "band".into(),
        metrics: Some(banded.clone()),
        threshold: None,
        threshold_metric_id: Some("ad1".into()),
        comparison_operator: Some("LessThanLowerOrGreaterThanUpperThreshold".into()),
        ..base.clone()
    };
    cloud.ok::<op::PutMetricAlarm>(band.clone()).await;
    let start = cloud.minute();
    for i in 0..180 {
        cloud.put("load", start - 60 * i, 2.0 + (i % 3) as f64 / 10.0).await;
    }
    cloud.advance(60).await;
    for name in ["math", "select", "band"] {
        assert_eq!(cloud.state(name).await, "OK", "{name}");
    }
    cloud.put("load", cloud.now().secs(), 8.0).await;
    cloud.advance(60).await;
    for name in ["math", "select", "band"] {
        assert_eq!(cloud.state(name).await, "ALARM", "{name}");
    }
    for (input, expected) in [
        (
            s::PutMetricAlarmInput { metrics: Some(banded), ..base.clone() },
            "ANOMALY_DETECTION_BAND can only be used as the threshold of an alarm, by ThresholdMetricId.",
        ),
        (
            s::PutMetricAlarmInput { threshold: Some(1.0), ..band },
            "Exactly one element of the metrics list should return data, or ThresholdMetricId must be used without Threshold.",
        ),
        (base.clone(), "You must specify either MetricName or Metrics."),
        (
            s::PutMetricAlarmInput { alarm_actions: Some(vec!["no arn".into()]), ..alarm("x") },
            "Invalid arn syntax: no arn",
        ),
        (
            s::PutMetricAlarmInput { period: Some(61), ..alarm("x") },
            "Period must be 10, 20, 30 or a multiple of 60",
        ),
        (
            s::PutMetricAlarmInput { evaluation_periods: Some(1441), ..alarm("x") },
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).",
        ),
        (
            s::PutMetricAlarmInput { datapoints_to_alarm: Some(2), ..alarm("x") },
            "DatapointsToAlarm must not be greater than EvaluationPeriods.",
        ),
        (
            s::PutMetricAlarmInput {
                metrics: Some(vec![expression("s", "SUM(SEARCH('a', 'Sum', 60))", None)]),
                ..base
            },
            "SEARCH cannot be used in an alarm.",
        ),
    ] {
        let error = cloud.err::<op::PutMetricAlarm>(input).await;
        assert!(error.ends_with(expected), "{error}");
    }
}

#[tokio::test]
async fn composites_follow_their_rules_and_suppressors_hold_actions_back() {
    let cloud = Cloud::new().await;
    let set = |name: &'static str, state: &'static str| {
        let cloud = &cloud;
        async move {
            let input = s::SetAlarmStateInput {
                alarm_name: name.into(),
                state_value: state.into(),
                state_reason: "by hand".into(),
                state_reason_data: None,
            };
            cloud.ok::<op::SetAlarmState>(input).await;
            cloud.settle().await;
        }
    };
    // Alarms that nothing feeds keep what they are set to: missing data are ignored.
    for name in ["a", "b", "quiet"] {
        let input = s::PutMetricAlarmInput {
            treat_missing_data: Some("ignore".into()),
            alarm_actions: None,
            ok_actions: None,
            ..alarm(name)
        };
        cloud.ok::<op::PutMetricAlarm>(input).await;
    }
    cloud.ok::<op::PutCompositeAlarm>(composite("both", "ALARM(a) AND ALARM(b)")).await;
    cloud.ok::<op::PutCompositeAlarm>(composite("above", "ALARM(both) AND NOT FALSE")).await;
    let held = s::PutCompositeAlarmInput {
        actions_suppressor: Some("quiet".into()),
        actions_suppressor_wait_period: Some(60),
        actions_suppressor_extension_period: Some(120),
        ..composite("held", "ALARM(a)")
    };
    cloud.ok::<op::PutCompositeAlarm>(held).await;
    cloud.settle().await;
    assert_eq!((cloud.state("both").await, cloud.state("above").await), ("OK".into(), "OK".into()));
    set("a", "ALARM").await;
    assert_eq!((cloud.state("both").await, cloud.state("held").await), ("OK".into(), "ALARM".into()));
    assert!(cloud.told().is_empty());
    set("b", "ALARM").await;
    assert_eq!((cloud.state("both").await, cloud.state("above").await), ("ALARM".into(), "ALARM".into()));
    assert_eq!(
        cloud.told(),
        ["ALARM: \"both\" in US East (N. Virginia)", "ALARM: \"above\" in US East (N. Virginia)"]
    );
    // Waiting: the suppressor comes, goes, and after the extension the actions run.
    cloud.topics.told.lock().clear();
    set("quiet", "ALARM").await;
    cloud.advance(300).await;
    assert!(cloud.told().is_empty());
    set("quiet", "OK").await;
    cloud.advance(60).await;
    assert!(cloud.told().is_empty());
    cloud.advance(60).await;
    assert_eq!(cloud.told(), ["ALARM: \"held\" in US East (N. Virginia)"]);

    let bad = composite("bad", "ALARM(a");
    assert!(
        cloud
            .err::<op::PutCompositeAlarm>(bad)
            .await
            .starts_with("ValidationException: AlarmRule contains invalid expression")
    );
    let missing = composite("bad", "ALARM(a) OR OK(nobody)");
    assert!(
        cloud
            .err::<op::PutCompositeAlarm>(missing)
            .await
            .contains("alarms [nobody] in the alarm rule do not exist")
    );
    let delete = |names: &[&str]| s::DeleteAlarmsInput {
        alarm_names: names.iter().map(|n| (*n).to_owned()).collect(),
    };
    let error = cloud.err::<op::DeleteAlarms>(delete(&["a"])).await;
    assert!(error.ends_with("Cannot delete a as there are composite alarm(s) depending on it."), "{error}");
    cloud.ok::<op::DeleteAlarms>(delete(&["above", "nobody"])).await;
    cloud.ok::<op::DeleteAlarms>(delete(&["both"])).await;
    cloud.ok::<op::DeleteAlarms>(delete(&["held", "a", "b", "quiet"])).await;
    let all = cloud.ok::<op::DescribeAlarms>(s::DescribeAlarmsInput::default()).await;
    assert!(all.metric_alarms.unwrap().is_empty());
    assert_eq!(
        cloud.history("a", "ConfigurationUpdate").await,
        ["Alarm \"a\" created", "Alarm \"a\" deleted"]
    );
}

#[tokio::test]
async fn alarms_are_found_by_what_they_are() {
    let cloud = Cloud::new().await;
    for name in ["web-1", "web-2", "db-1"] {
        let tags = Some(vec![s::Tag { key: "team".into(), value: name[..2].into() }]);
        cloud.ok::<op::PutMetricAlarm>(s::PutMetricAlarmInput { tags, ..alarm(name) }).await;
    }
    cloud.ok::<op::PutCompositeAlarm>(composite("any", "ALARM(web-1) OR ALARM(\"db-1\")")).await;
    let names = |input: s::DescribeAlarmsInput| {
        let cloud = &cloud;
        async move {
            let found = cloud.ok::<op::DescribeAlarms>(input).await;
            let metric = found.metric_alarms.unwrap().into_iter().filter_map(|alarm| alarm.alarm_name);
            let all: Vec<String> = metric
                .chain(found.composite_alarms.unwrap().into_iter().filter_map(|alarm| alarm.alarm_name))
                .collect();
            (all.join(" "), found.next_token)
        }
    };
    let all = s::DescribeAlarmsInput::default;
    assert_eq!(names(all()).await.0, "db-1 web-1 web-2");
    assert_eq!(
        names(s::DescribeAlarmsInput { alarm_name_prefix: Some("web".into()), ..all() }).await.0,
        "web-1 web-2"
    );
    assert_eq!(
        names(s::DescribeAlarmsInput { alarm_types: Some(vec!["CompositeAlarm".into()]), ..all() }).await.0,
        "any"
    );
    assert_eq!(
        names(s::DescribeAlarmsInput { children_of_alarm_name: Some("any".into()), ..all() }).await.0,
        "db-1 web-1"
    );
    assert_eq!(
        names(s::DescribeAlarmsInput { parents_of_alarm_name: Some("db-1".into()), ..all() }).await.0,
        "any"
    );
    assert_eq!(
        names(s::DescribeAlarmsInput { action_prefix: Some("arn:aws:lambda".into()), ..all() }).await.0,
        ""
    );
    assert_eq!(names(s::DescribeAlarmsInput { state_value: Some("OK".into()), ..all() }).await.0, "");
    let (first, token) = names(s::DescribeAlarmsInput { max_records: Some(2), ..all() }).await;
    assert_eq!(first, "db-1 web-1");
    assert_eq!(names(s::DescribeAlarmsInput { next_token: token, ..all() }).await, ("web-2".into(), None));
    let metric = s::DescribeAlarmsForMetricInput {
        metric_name: "load".into(),
        namespace: "Test".into(),
        ..Default::default()
    };
    assert_eq!(cloud.ok::<op::DescribeAlarmsForMetric>(metric).await.metric_alarms.unwrap().len(), 3);

    let arn = "arn:aws:cloudwatch:us-east-1:111111111111:alarm:web-1".to_owned();
    let tag = s::TagResourceInput {
        resource_arn: arn.clone(),
        tags: vec![s::Tag { key: "x".into(), value: "y".into() }],
    };
    cloud.ok::<op::TagResource>(tag).await;
    cloud
        .ok::<op::UntagResource>(s::UntagResourceInput {
            resource_arn: arn.clone(),
            tag_keys: vec!["team".into()],
        })
        .await;
    let tags = cloud
        .ok::<op::ListTagsForResource>(s::ListTagsForResourceInput { resource_arn: arn.clone() })
        .await
        .tags
        .unwrap();
    assert_eq!(
        tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect::<Vec<_>>(),
        [("x", "y")]
    );
    let none = s::ListTagsForResourceInput { resource_arn: arn.replace("web-1", "none") };
    assert!(cloud.err::<op::ListTagsForResource>(none).await.starts_with("ResourceNotFoundException: "));
}
