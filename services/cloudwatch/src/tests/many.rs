//! Alarms on queries that group: each group is a contributor.

use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_shape::value::Map;
use serde_json::Value;

use super::alarms::alarm;
use super::cloud::{Cloud, datum, expression, query};

const BY_HOST: &str = "SELECT MAX(load) FROM SCHEMA(\"Test\", host) GROUP BY host";

fn grouped(name: &str, query: &str) -> s::PutMetricAlarmInput {
    s::PutMetricAlarmInput {
        metrics: Some(vec![expression("q", query, Some(60))]),
        metric_name: None,
        namespace: None,
        statistic: None,
        period: None,
        ..alarm(name)
    }
}

fn host_of(attributes: &Map<String>) -> String {
    attributes.get("host").cloned().unwrap()
}

impl Cloud {
    async fn load(&self, hosts: &[(&str, f64)]) {
        let at = self.now().secs();
        let one = |(host, value): &(&str, f64)| {
            let mut one = datum("load", at, *value);
            one.dimensions = Some(vec![s::Dimension { name: "host".into(), value: (*host).into() }]);
            one
        };
        self.put_all(hosts.iter().map(one).collect()).await;
    }

    async fn contributors(&self, name: &str) -> Vec<s::AlarmContributor> {
        let input = s::DescribeAlarmContributorsInput { alarm_name: name.into(), next_token: None };
        self.ok::<op::DescribeAlarmContributors>(input).await.alarm_contributors
    }

    async fn hosts(&self, name: &str) -> Vec<String> {
        let all = self.contributors(name).await;
        let mut hosts: Vec<_> = all.iter().map(|one| host_of(&one.contributor_attributes)).collect();
        hosts.sort();
        hosts
    }

    async fn shown(&self, name: &str) -> s::MetricAlarm {
        let input = s::DescribeAlarmsInput { alarm_names: Some(vec![name.into()]), ..Default::default() };
        self.ok::<op::DescribeAlarms>(input).await.metric_alarms.unwrap().pop().unwrap()
    }

    /// Whom topics were told of: the state, and the host when it was about one.
    fn told_of(&self) -> Vec<(String, Option<String>)> {
        let told = std::mem::take(&mut *self.topics.told.lock());
        let mut all: Vec<_> = told
            .iter()
            .map(|input| {
                let message: Value = serde_json::from_str(&input.message).unwrap();
                let host = message["AlarmContributorAttributes"]["host"].as_str().map(str::to_owned);
                assert_eq!(
                    host.is_some(),
                    message["AlarmContributorId"].as_str().is_some_and(|id| id.len() == 16)
                );
                (message["NewStateValue"].as_str().unwrap().to_owned(), host)
            })
            .collect();
        all.sort();
        all
    }
}

fn of(state: &str, host: Option<&str>) -> (String, Option<String>) {
    (state.to_owned(), host.map(str::to_owned))
}

#[tokio::test]
async fn each_group_is_in_alarm_by_itself() {
    let cloud = Cloud::new().await;
    cloud.ok::<op::PutMetricAlarm>(grouped("fleet", BY_HOST)).await;
    cloud.load(&[("a", 9.0), ("b", 1.0), ("c", 8.0)]).await;
    cloud.advance(60).await;
    let shown = cloud.shown("fleet").await;
    assert_eq!(shown.state_value.as_deref(), Some("ALARM"));
    assert_eq!(shown.state_reason.as_deref(), Some("2 out of 3 time series evaluated to ALARM"));
    assert_eq!(cloud.hosts("fleet").await, ["a", "c"]);
    let first =
        cloud.contributors("fleet").await.into_iter().find(|one| host_of(&one.contributor_attributes) == "a");
    let first = first.unwrap();
    assert!(
        first.state_reason.starts_with("Threshold Crossed: 1 datapoint was greater than the threshold (5.0). The most recent datapoint which crossed the threshold: [9.0 ("),
        "{}",
        first.state_reason
    );
    assert_eq!(cloud.told_of(), [of("ALARM", Some("a")), of("ALARM", Some("c"))]);

    // One comes back while another stays: the alarm does not change, what it says does.
    cloud.load(&[("a", 1.0), ("b", 1.0), ("c", 8.0)]).await;
    cloud.advance(60).await;
    let shown = cloud.shown("fleet").await;
    assert_eq!(shown.state_reason.as_deref(), Some("1 out of 3 time series evaluated to ALARM"));
    assert_eq!(
        (cloud.hosts("fleet").await, cloud.told_of()),
        (vec!["c".to_owned()], vec![of("OK", Some("a"))])
    );
    assert_eq!(cloud.history("fleet", "StateUpdate").await.len(), 1);
    assert_eq!(cloud.history("fleet", "AlarmContributorStateUpdate").await.len(), 3);
    assert_eq!(cloud.history("fleet", "AlarmContributorAction").await.len(), 3);
    let input = s::DescribeAlarmHistoryInput {
        alarm_name: Some("fleet".into()),
        alarm_contributor_id: Some(first.contributor_id),
        ..Default::default()
    };
    let items = cloud.ok::<op::DescribeAlarmHistory>(input).await.alarm_history_items.unwrap();
    assert_eq!(items.len(), 4, "two changes and their actions");
    assert!(items.iter().all(|item| host_of(item.alarm_contributor_attributes.as_ref().unwrap()) == "a"));

    // What is gone is in ALARM no longer; when all is gone, the alarm knows nothing.
    cloud.load(&[("b", 1.0)]).await;
    cloud.advance(240).await;
    assert_eq!(
        (cloud.state("fleet").await.as_str(), cloud.hosts("fleet").await.len()),
        ("INSUFFICIENT_DATA", 0)
    );
    let reason = cloud.shown("fleet").await.state_reason.unwrap();
    assert_eq!(
        reason,
        "No time series were returned by the query. Treat missing data is configured as [Missing]."
    );
    assert!(cloud.told_of().contains(&of("OK", Some("c"))));
}

#[tokio::test]
async fn a_hundred_groups_are_told_apart_and_a_single_alarm_has_none() {
    let cloud = Cloud::new().await;
    cloud.ok::<op::PutMetricAlarm>(grouped("fleet", &format!("{BY_HOST} ORDER BY MAX() DESC"))).await;
    let names: Vec<String> = (0..130).map(|n| format!("h{n:03}")).collect();
    let hosts: Vec<(&str, f64)> =
        names.iter().enumerate().map(|(n, name)| (name.as_str(), n as f64)).collect();
    cloud.load(&hosts).await;
    cloud.advance(60).await;
    assert_eq!(
        cloud.shown("fleet").await.state_reason.as_deref(),
        Some("100+ time series evaluated to ALARM")
    );
    let known = cloud.hosts("fleet").await;
    assert_eq!((known.len(), known[0].as_str()), (100, "h030"), "the query's order says which");

    cloud.ok::<op::PutMetricAlarm>(alarm("single")).await;
    assert!(cloud.contributors("single").await.is_empty());
    let unknown = s::DescribeAlarmContributorsInput { alarm_name: "none".into(), next_token: None };
    let said = cloud.err::<op::DescribeAlarmContributors>(unknown).await;
    assert!(said.starts_with("ResourceNotFoundException: "), "{said}");
    let mut math = grouped("math", BY_HOST);
    math.metrics.as_mut().unwrap()[0].return_data = Some(false);
    math.metrics.as_mut().unwrap().push(expression("e", "SUM(q)", Some(60)));
    let said = cloud.err::<op::PutMetricAlarm>(math).await;
    assert!(said.starts_with("ValidationException: "), "{said}");
}

#[tokio::test]
async fn missing_series_count_as_they_should() {
    for (treat, state) in [("breaching", "ALARM"), ("notBreaching", "OK"), ("ignore", "INSUFFICIENT_DATA")] {
        let cloud = Cloud::new().await;
        let input =
            s::PutMetricAlarmInput { treat_missing_data: Some(treat.into()), ..grouped("fleet", BY_HOST) };
        cloud.ok::<op::PutMetricAlarm>(input).await;
        cloud.advance(120).await;
        assert_eq!(cloud.state("fleet").await, state, "{treat}");
        assert!(cloud.contributors("fleet").await.is_empty());
    }
}

#[tokio::test]
async fn groups_stay_in_alarm_with_their_alarm_when_all_are_gone() {
    for treat in ["breaching", "ignore"] {
        let cloud = Cloud::new().await;
        let input =
            s::PutMetricAlarmInput { treat_missing_data: Some(treat.into()), ..grouped("fleet", BY_HOST) };
        cloud.ok::<op::PutMetricAlarm>(input).await;
        cloud.load(&[("a", 9.0), ("b", 8.0)]).await;
        cloud.advance(60).await;
        assert_eq!(cloud.told_of(), [of("ALARM", Some("a")), of("ALARM", Some("b"))]);
        cloud.advance(600).await;
        let shown = cloud.shown("fleet").await;
        assert_eq!(shown.state_value.as_deref(), Some("ALARM"), "{treat}");
        let reason = shown.state_reason.unwrap();
        assert!(reason.starts_with("No time series were returned by the query."), "{treat}: {reason}");
        assert_eq!((cloud.hosts("fleet").await, cloud.told_of()), (vec!["a".into(), "b".into()], vec![]));
        cloud.load(&[("a", 9.0), ("b", 1.0)]).await;
        cloud.advance(60).await;
        assert_eq!(
            (cloud.hosts("fleet").await, cloud.told_of()),
            (vec!["a".into()], vec![of("OK", Some("b"))])
        );
    }
}

#[tokio::test]
async fn an_alarm_says_how_many_even_when_it_stays_the_same() {
    let cloud = Cloud::new().await;
    cloud.ok::<op::PutMetricAlarm>(grouped("fleet", BY_HOST)).await;
    cloud.load(&[("a", 9.0), ("b", 1.0)]).await;
    cloud.advance(60).await;
    let reason = async || cloud.shown("fleet").await.state_reason.unwrap();
    assert_eq!(reason().await, "1 out of 2 time series evaluated to ALARM");
    cloud.load(&[("a", 9.0), ("b", 1.0), ("c", 1.0)]).await;
    cloud.advance(60).await;
    assert_eq!(reason().await, "1 out of 3 time series evaluated to ALARM");
    assert_eq!(cloud.history("fleet", "StateUpdate").await.len(), 1);
}

#[tokio::test]
async fn an_alarm_that_cannot_be_looked_at_says_so_whatever_it_said() {
    let cloud = Cloud::new().await;
    cloud.ok::<op::PutMetricAlarm>(grouped("fleet", BY_HOST)).await;
    let names: Vec<String> = (0..501).map(|n| format!("h{n:03}")).collect();
    cloud.load(&names.iter().map(|name| (name.as_str(), 1.0)).collect::<Vec<_>>()).await;
    cloud.advance(60).await;
    assert_eq!(cloud.shown("fleet").await.evaluation_state.as_deref(), Some("PARTIAL_DATA"));
    let hidden = s::MetricDataQuery { return_data: Some(false), ..query("m", "load", 60, "Maximum") };
    let on = |math: &str| s::PutMetricAlarmInput {
        metrics: Some(vec![hidden.clone(), expression("e", math, None)]),
        ..grouped("fleet", BY_HOST)
    };
    cloud.ok::<op::PutMetricAlarm>(on("m * (1 / 0)")).await;
    cloud.advance(60).await;
    let shown = cloud.shown("fleet").await;
    assert_eq!(
        (shown.evaluation_state.as_deref(), shown.state_value.as_deref()),
        (Some("EVALUATION_ERROR"), Some("OK"))
    );
    // Mended, it is looked at again, though it stays in its state.
    cloud.ok::<op::PutMetricAlarm>(on("m * 1")).await;
    cloud.load(&[("a", 1.0)]).await;
    let at = cloud.now().secs();
    cloud.put_all(vec![datum("load", at, 1.0)]).await;
    cloud.advance(60).await;
    let shown = cloud.shown("fleet").await;
    assert_eq!((shown.evaluation_state.as_deref(), shown.state_value.as_deref()), (None, Some("OK")));
}

#[tokio::test]
async fn an_alarm_tells_of_itself_what_no_group_tells() {
    let cloud = Cloud::new().await;
    let input =
        s::PutMetricAlarmInput { treat_missing_data: Some("breaching".into()), ..grouped("fleet", BY_HOST) };
    cloud.ok::<op::PutMetricAlarm>(input).await;
    cloud.advance(60).await;
    assert_eq!((cloud.hosts("fleet").await, cloud.told_of()), (vec![], vec![of("ALARM", None)]));
    cloud.load(&[("a", 1.0)]).await;
    cloud.advance(60).await;
    assert_eq!((cloud.state("fleet").await.as_str(), cloud.told_of()), ("OK", vec![of("OK", None)]));
    cloud.load(&[("a", 9.0), ("b", 9.0)]).await;
    cloud.advance(60).await;
    assert_eq!(cloud.told_of(), [of("ALARM", Some("a")), of("ALARM", Some("b"))]);
    cloud.load(&[("a", 1.0), ("b", 1.0)]).await;
    cloud.advance(60).await;
    assert_eq!(cloud.state("fleet").await, "OK");
    assert_eq!(cloud.told_of(), [of("OK", Some("a")), of("OK", Some("b"))]);
}

#[tokio::test]
async fn muted_groups_are_noted_and_not_told() {
    let cloud = Cloud::new().await;
    cloud.ok::<op::PutMetricAlarm>(grouped("fleet", BY_HOST)).await;
    let rule = s::PutAlarmMuteRuleInput {
        name: "night".into(),
        rule: s::Rule {
            schedule: s::Schedule {
                expression: "cron(0 1 * * *)".into(),
                duration: "PT2H".into(),
                timezone: None,
            },
        },
        ..Default::default()
    };
    let rule = s::PutAlarmMuteRuleInput {
        mute_targets: Some(s::MuteTargets { alarm_names: vec!["fleet".into()] }),
        ..rule
    };
    cloud.ok::<op::PutAlarmMuteRule>(rule).await;
    // Clocks begin at midnight.
    cloud.advance(3660).await;
    cloud.load(&[("a", 9.0)]).await;
    cloud.advance(60).await;
    assert_eq!(cloud.hosts("fleet").await, ["a"]);
    assert!(cloud.told_of().is_empty());
    let noted = cloud.history("fleet", "AlarmContributorAction").await;
    assert!(noted.len() == 1 && noted[0].contains("muted"), "{noted:?}");
}
