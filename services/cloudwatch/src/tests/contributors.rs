use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::contributors::{LogEvent, Managed, RULES, Rule, TALLIES, Tallies};
use haneul_kit::{AccountId, ApiError, Instant, Region};
use haneul_store::{Range, Reads};

use super::cloud::{Cloud, OURS, expression};

const DEFINITION: &str = r#"{"Schema": {"Name": "CloudWatchLogRule", "Version": 1}, "LogGroupNames": ["api*"],
    "LogFormat": "JSON", "Contribution": {"Keys": ["$.ip"], "ValueOf": "$.bytes"}, "AggregateOn": "Sum"}"#;

fn put(name: &str, definition: &str) -> s::PutInsightRuleInput {
    s::PutInsightRuleInput {
        rule_name: name.into(),
        rule_definition: definition.into(),
        ..Default::default()
    }
}

fn account() -> AccountId {
    AccountId::new(OURS).unwrap()
}

impl Cloud {
    /// What Logs does with events of a group: time in seconds, and the message.
    async fn events(&self, group: &str, events: &[(i64, &str)]) {
        let of_group =
            self.platform.contributors.of_group(account(), Region::US_EAST_1, group).await.unwrap();
        let Some(rules) = of_group else { return };
        let mut tallies = Tallies::default();
        for (at, message) in events {
            let (time, ingested) = (Instant::from_secs(*at), self.now());
            rules.count(&LogEvent { time, ingested, message, transformed: None }, &mut tallies);
        }
        let nonce = self.platform.env.rng.u64();
        tallies.save(&self.platform.store, nonce).await.unwrap();
    }

    async fn report(
        &self,
        from: i64,
        to: i64,
        change: impl FnOnce(&mut s::GetInsightRuleReportInput),
    ) -> s::GetInsightRuleReportOutput {
        self.ok::<op::GetInsightRuleReport>(asked(from, to, change)).await
    }

    async fn rule_id(&self) -> u64 {
        self.platform.store.get(&RULES, &(account(), Region::US_EAST_1, "r")).await.unwrap().unwrap().id
    }

    async fn names(&self) -> Vec<(String, String)> {
        let found = self.ok::<op::DescribeInsightRules>(Default::default()).await;
        found.insight_rules.unwrap().into_iter().map(|rule| (rule.name, rule.state)).collect()
    }
}

fn asked(
    from: i64,
    to: i64,
    change: impl FnOnce(&mut s::GetInsightRuleReportInput),
) -> s::GetInsightRuleReportInput {
    let mut input = s::GetInsightRuleReportInput {
        rule_name: "r".into(),
        start_time: Instant::from_secs(from),
        end_time: Instant::from_secs(to),
        period: 60,
        ..Default::default()
    };
    change(&mut input);
    input
}

fn shown(report: &s::GetInsightRuleReportOutput) -> Vec<(String, f64)> {
    let contributors = report.contributors.iter().flatten();
    contributors.map(|one| (one.keys.join("/"), one.approximate_aggregate_value)).collect()
}

#[tokio::test]
async fn events_are_counted_and_told() {
    let cloud = Cloud::new().await;
    cloud.ok::<op::PutInsightRule>(put("r", DEFINITION)).await;
    let minute = cloud.minute();
    let events = [
        (minute, r#"{"ip": "a", "bytes": 10}"#),
        (minute + 59, r#"{"ip": "a", "bytes": 30}"#),
        (minute + 1, r#"{"ip": "b", "bytes": 35}"#),
        (minute + 2, r#"{"ip": "c", "bytes": -5}"#),
        (minute + 3, r#"{"ip": "d"}"#),
        (minute + 60, r#"{"ip": "b", "bytes": 1}"#),
    ];
    cloud.events("api/x", &events).await;
    cloud.events("other", &events).await;
    // Told at once, and the same after it was merged.
    for _ in 0..2 {
        let metrics = [
            "UniqueContributors",
            "MaxContributorValue",
            "SampleCount",
            "Sum",
            "Minimum",
            "Maximum",
            "Average",
        ];
        let report = cloud
            .report(minute, minute + 120, |asked| {
                asked.metrics = Some(metrics.iter().map(|name| (*name).to_owned()).collect());
            })
            .await;
        assert_eq!(report.key_labels, Some(vec!["$.ip".to_owned()]));
        assert_eq!(report.aggregation_statistic.as_deref(), Some("Sum"));
        assert_eq!((report.aggregate_value, report.approximate_unique_count), (Some(71.0), Some(3)));
        assert_eq!(shown(&report), [("a".into(), 40.0), ("b".into(), 36.0), ("c".into(), -5.0)]);
        let points = &report.contributors.as_ref().unwrap()[1].datapoints;
        let points: Vec<_> =
            points.iter().map(|p| (p.timestamp.secs() - minute, p.approximate_value)).collect();
        assert_eq!(points, [(0, 35.0), (60, 1.0)]);
        let points = report.metric_datapoints.unwrap();
        let first = &points[0];
        assert_eq!((first.unique_contributors, first.max_contributor_value), (Some(3.0), Some(40.0)));
        assert_eq!((first.sample_count, first.sum, first.average), (Some(4.0), Some(70.0), Some(17.5)));
        assert_eq!((first.minimum, first.maximum), (Some(-5.0), Some(35.0)));
        assert_eq!((points.len(), points[1].sum), (2, Some(1.0)));
        let by_maximum = cloud
            .report(minute, minute + 120, |asked| {
                (asked.order_by, asked.max_contributor_count) = (Some("Maximum".into()), Some(2));
                asked.period = 300;
            })
            .await;
        assert_eq!(shown(&by_maximum), [("b".into(), 35.0), ("a".into(), 30.0)]);
        let data = vec![
            expression("e", "INSIGHT_RULE_METRIC('r', 'Sum') / 2", Some(60)),
            expression("none", "INSIGHT_RULE_METRIC('gone', 'UniqueContributors')", Some(60)),
        ];
        let data = cloud.data(data, minute, minute + 120).await;
        assert_eq!(data[0].1, [(minute, 35.0), (minute + 60, 0.5)]);
        assert_eq!(data[1].1, []);
        cloud.advance(10).await;
        assert!(cloud.platform.store.scan(&TALLIES, Range::all(), 1).await.unwrap().is_empty());
    }
    cloud.events("api", &[(minute, r#"{"ip": "c", "bytes": 100}"#)]).await;
    let report = cloud.report(minute, minute + 60, |_| {}).await;
    assert_eq!(shown(&report), [("c".into(), 95.0), ("a".into(), 40.0), ("b".into(), 35.0)]);
    assert!(report.metric_datapoints.unwrap().is_empty());
}

#[tokio::test]
async fn rules_are_switched_changed_and_deleted() {
    let cloud = Cloud::new().await;
    for name in ["r", "other"] {
        cloud.ok::<op::PutInsightRule>(put(name, DEFINITION)).await;
    }
    let minute = cloud.minute();
    let event = [(minute, r#"{"ip": "a", "bytes": 1}"#)];
    cloud.events("api", &event).await;
    let names = vec!["r".to_owned(), "gone".to_owned()];
    let disabled =
        cloud.ok::<op::DisableInsightRules>(s::DisableInsightRulesInput { rule_names: names.clone() });
    let failures = disabled.await.failures.unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].failure_resource.as_deref(), Some("gone"));
    assert_eq!(failures[0].exception_type.as_deref(), Some("ResourceNotFoundException"));
    assert_eq!(cloud.names().await, [("other".into(), "ENABLED".into()), ("r".into(), "DISABLED".into())]);
    cloud.events("api", &event).await;
    assert_eq!(cloud.report(minute, minute + 60, |_| {}).await.aggregate_value, Some(1.0));
    cloud.advance(1).await;
    cloud.ok::<op::EnableInsightRules>(s::EnableInsightRulesInput { rule_names: vec!["r".into()] }).await;
    cloud.events("api", &event).await;
    assert_eq!(cloud.report(minute, minute + 60, |_| {}).await.aggregate_value, Some(2.0));
    // The same again changes nothing; another definition counts anew.
    cloud.ok::<op::PutInsightRule>(put("r", DEFINITION)).await;
    assert_eq!(cloud.report(minute, minute + 60, |_| {}).await.aggregate_value, Some(2.0));
    let counts = DEFINITION.replace(r#", "ValueOf": "$.bytes""#, "").replace(r#""Sum""#, r#""Count""#);
    cloud.ok::<op::PutInsightRule>(put("r", &counts)).await;
    let report = cloud.report(minute, minute + 60, |_| {}).await;
    assert_eq!((report.aggregate_value, report.aggregation_statistic.as_deref()), (Some(0.0), Some("Count")));
    cloud.ok::<op::DeleteInsightRules>(s::DeleteInsightRulesInput { rule_names: names }).await;
    let error = cloud.err::<op::GetInsightRuleReport>(asked(minute, minute + 60, |_| {})).await;
    assert_eq!(error, "ResourceNotFoundException: InsightRule r does not exist.");
}

#[tokio::test]
async fn tags_pages_and_quotas() {
    let cloud = Cloud::new().await;
    let tags = vec![s::Tag { key: "team".into(), value: "a".into() }];
    cloud.ok::<op::PutInsightRule>(s::PutInsightRuleInput { tags: Some(tags), ..put("r", DEFINITION) }).await;
    // Tags of an update are ignored.
    cloud
        .ok::<op::PutInsightRule>(s::PutInsightRuleInput { tags: Some(Vec::new()), ..put("r", DEFINITION) })
        .await;
    let arn = "arn:aws:cloudwatch:us-east-1:111111111111:insight-rule/r".to_owned();
    let more = vec![s::Tag { key: "stage".into(), value: "b".into() }];
    cloud.ok::<op::TagResource>(s::TagResourceInput { resource_arn: arn.clone(), tags: more }).await;
    cloud
        .ok::<op::UntagResource>(s::UntagResourceInput {
            resource_arn: arn.clone(),
            tag_keys: vec!["stage".into()],
        })
        .await;
    let listed = cloud.ok::<op::ListTagsForResource>(s::ListTagsForResourceInput { resource_arn: arn }).await;
    let listed: Vec<_> = listed.tags.unwrap().into_iter().map(|tag| (tag.key, tag.value)).collect();
    assert_eq!(listed, [("team".to_owned(), "a".to_owned())]);
    for i in 0..99 {
        cloud.ok::<op::PutInsightRule>(put(&format!("x{i:02}"), DEFINITION)).await;
    }
    let error = cloud.err::<op::PutInsightRule>(put("y", DEFINITION)).await;
    assert!(error.starts_with("LimitExceededException: "), "{error}");
    cloud.ok::<op::PutInsightRule>(put("r", DEFINITION)).await;
    let (mut seen, mut token) = (0, None);
    loop {
        let input = s::DescribeInsightRulesInput { max_results: Some(30), next_token: token };
        let page = cloud.ok::<op::DescribeInsightRules>(input).await;
        seen += page.insight_rules.unwrap().len();
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, 100);
    let input = s::DescribeInsightRulesInput { next_token: Some("x".into()), ..Default::default() };
    assert!(cloud.err::<op::DescribeInsightRules>(input).await.starts_with("InvalidNextToken"));
}

#[tokio::test]
async fn what_is_refused() {
    let cloud = Cloud::new().await;
    cloud.ok::<op::PutInsightRule>(put("r", DEFINITION)).await;
    let state = s::PutInsightRuleInput { rule_state: Some("ON".into()), ..put("x", DEFINITION) };
    for (input, why) in [(put("x", "{}"), "RuleDefinition"), (state, "RuleState")] {
        let error = cloud.err::<op::PutInsightRule>(input).await;
        assert!(error.starts_with("InvalidParameterValue") && error.contains(why), "{error}");
    }
    let minute = cloud.minute();
    type Change = Box<dyn FnOnce(&mut s::GetInsightRuleReportInput)>;
    let cases: Vec<(Change, &str)> = vec![
        (Box::new(|asked| asked.end_time = asked.start_time), "StartTime"),
        (Box::new(|asked| asked.period = 30), "Period"),
        (Box::new(|asked| asked.max_contributor_count = Some(0)), "between 1 and 100"),
        (Box::new(|asked| asked.max_contributor_count = Some(101)), "between 1 and 100"),
        (Box::new(|asked| asked.order_by = Some("Count".into())), "OrderBy"),
        (Box::new(|asked| asked.metrics = Some(vec!["p99".into()])), "Metrics"),
    ];
    for (change, why) in cases {
        let error = cloud.err::<op::GetInsightRuleReport>(asked(minute, minute + 60, change)).await;
        assert!(error.starts_with("InvalidParameterValue") && error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn managed_rules_are_told_of_but_not_changed() {
    let cloud = Cloud::new().await;
    let rule = Rule {
        id: 7,
        definition: "{}".into(),
        enabled: true,
        since_ms: 0,
        transformed: None,
        tags: Vec::new(),
        managed: Some(Managed {
            by: "DynamoDB".into(),
            keys: vec!["PartitionKey".into()],
            contributors_max: 25,
        }),
    };
    let (rule, owner) = (&rule, (account(), Region::US_EAST_1));
    let put_it = |tx| async move {
        haneul_kit::contributors::put_rule(&tx, owner, "r", rule).await.map_err(ApiError::from)
    };
    assert!(cloud.platform.store.transact(put_it).await.unwrap());
    let minute = cloud.minute();
    let mut tallies = Tallies::default();
    for (at, key, value) in [(0, "a", 1.0), (1, "a", 2.0), (2, "b", 2.5), (60, "a", 0.5)] {
        tallies.add(7, Instant::from_secs(minute + at), key, value);
    }
    tallies.save(&cloud.platform.store, 1).await.unwrap();
    let report = cloud
        .report(minute, minute + 120, |asked| {
            (asked.order_by, asked.period) = (Some("Maximum".into()), 120);
            asked.metrics = Some(vec!["Maximum".into(), "MaxContributorValue".into()]);
        })
        .await;
    assert_eq!(shown(&report), [("a".into(), 3.0), ("b".into(), 2.5)]);
    assert_eq!(report.metric_datapoints.unwrap()[0].maximum, Some(3.0));
    let error = cloud
        .err::<op::GetInsightRuleReport>(asked(minute, minute + 60, |a| a.max_contributor_count = Some(26)));
    assert!(error.await.contains("between 1 and 25"));
    assert!(cloud.err::<op::PutInsightRule>(put("r", DEFINITION)).await.contains("managed by DynamoDB"));
    let names = s::DeleteInsightRulesInput { rule_names: vec!["r".into()] };
    let failures = cloud.ok::<op::DeleteInsightRules>(names).await.failures.unwrap();
    assert_eq!(failures.len(), 1);
    let found = cloud.ok::<op::DescribeInsightRules>(Default::default()).await.insight_rules.unwrap();
    assert_eq!((found[0].managed_rule, found[0].schema.as_str()), (Some(true), "ServiceLogRule/1"));
}

#[tokio::test]
async fn keys_that_are_as_long_as_can_be_are_merged() {
    let cloud = Cloud::new().await;
    cloud.ok::<op::PutInsightRule>(put("r", DEFINITION)).await;
    let (minute, id) = (cloud.minute(), cloud.rule_id().await);
    // Each of its letters takes six bytes as JSON.
    let long = "\u{1}".repeat(1_010);
    for at in 0..14 {
        let mut tallies = Tallies::default();
        for i in 0..900 {
            tallies.add(id, Instant::from_secs(minute - at * 60), &format!("{long}{i}"), 1.0);
        }
        tallies.save(&cloud.platform.store, at as u64).await.unwrap();
    }
    cloud.advance(10).await;
    assert!(cloud.platform.store.scan_keys(&TALLIES, Range::all(), 1).await.unwrap().is_empty());
    let report = cloud.report(minute - 3_600, minute + 60, |_| {}).await;
    assert_eq!((report.aggregate_value, report.approximate_unique_count), (Some(14.0 * 900.0), Some(900)));
}

#[tokio::test]
async fn minutes_are_forgotten_after_15_days_and_with_their_rule() {
    let cloud = Cloud::new().await;
    for name in ["r", "s"] {
        cloud.ok::<op::PutInsightRule>(put(name, DEFINITION)).await;
    }
    let minute = cloud.minute();
    let minutes = || cloud.platform.store.scan_keys(&crate::model::CONTRIBUTORS, Range::all(), 100);
    cloud.events("api", &[(minute, r#"{"ip": "a", "bytes": 1}"#)]).await;
    cloud.advance(10).await;
    assert_eq!(minutes().await.unwrap().len(), 2);
    cloud.ok::<op::DeleteInsightRules>(s::DeleteInsightRulesInput { rule_names: vec!["s".into()] }).await;
    cloud.advance(3_600).await;
    assert_eq!(minutes().await.unwrap().len(), 1);
    cloud.advance(14 * 86_400).await;
    assert_eq!(cloud.report(minute, minute + 60, |_| {}).await.aggregate_value, Some(1.0));
    cloud.advance(86_400).await;
    assert_eq!(cloud.report(minute, minute + 60, |_| {}).await.aggregate_value, Some(0.0));
    cloud.advance(3_600).await;
    assert!(minutes().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_alarm_on_a_rule() {
    let cloud = Cloud::new().await;
    cloud.ok::<op::PutInsightRule>(put("r", DEFINITION)).await;
    let input = s::PutMetricAlarmInput {
        alarm_name: "a".into(),
        metrics: Some(vec![expression("e", "INSIGHT_RULE_METRIC('r', MaxContributorValue)", Some(60))]),
        evaluation_periods: Some(1),
        threshold: Some(5.0),
        comparison_operator: Some("GreaterThanThreshold".into()),
        ..Default::default()
    };
    cloud.ok::<op::PutMetricAlarm>(input).await;
    cloud.events("api", &[(cloud.minute(), r#"{"ip": "a", "bytes": 9}"#)]).await;
    cloud.advance(60).await;
    cloud.advance(60).await;
    let found = cloud.ok::<op::DescribeAlarms>(Default::default()).await.metric_alarms.unwrap();
    assert_eq!(found[0].state_value.as_deref(), Some("ALARM"), "{:?}", found[0].state_reason);
}
