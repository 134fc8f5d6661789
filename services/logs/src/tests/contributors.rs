//! Rules of CloudWatch's Contributor Insights count what comes in.

use std::time::Duration;

use haneul_cloudwatch_wire::operations as cloudwatch;
use haneul_cloudwatch_wire::shapes as c;
use haneul_kit::Instant;
use haneul_kit::contributors::TALLIES;
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_store::{Range, Reads, Store};

use super::cloud::Cloud;

const DEFINITION: &str = r#"{"Schema": {"Name": "CloudWatchLogRule", "Version": 1}, "LogGroupNames": ["g*"],
    "LogFormat": "JSON", "Contribution": {"Keys": ["$.ip"], "Filters": [{"Match": "$.status", "EqualTo": 500}]},
    "AggregateOn": "Count"}"#;

impl Cloud {
    async fn rule(&self, name: &str, definition: &str, transformed: bool) {
        let input = c::PutInsightRuleInput {
            rule_name: name.into(),
            rule_definition: definition.into(),
            apply_on_transformed_logs: Some(transformed),
            ..Default::default()
        };
        self.ok::<cloudwatch::PutInsightRule>(input).await;
    }

    /// Contributors of the last and the next hour, largest first.
    async fn contributors(&self, rule: &str) -> Vec<(String, f64)> {
        let input = c::GetInsightRuleReportInput {
            rule_name: rule.into(),
            start_time: Instant::from_millis(self.now_ms() - 3_600_000),
            end_time: Instant::from_millis(self.now_ms() + 3_600_000),
            period: 300,
            ..Default::default()
        };
        let report = self.ok::<cloudwatch::GetInsightRuleReport>(input).await;
        let contributors = report.contributors.unwrap().into_iter();
        contributors.map(|one| (one.keys.join("/"), one.approximate_aggregate_value)).collect()
    }
}

#[tokio::test]
async fn events_reach_the_rules_that_watch_their_group() {
    let cloud = Cloud::new().await;
    for group in ["g1", "g2", "other"] {
        cloud.group(group).await;
        cloud.stream(group, "s").await;
    }
    let event = |ip: &str, status: u32| format!(r#"{{"ip": "{ip}", "status": {status}}}"#);
    let now = cloud.now_ms();
    cloud.put("g1", "s", &[(now, &event("early", 500))]).await.unwrap();
    cloud.settle().await;
    cloud.rule("r", DEFINITION, false).await;
    for (group, ip, status, times) in [
        ("g1", "a", 500, 3),
        ("g1", "b", 200, 5),
        ("g2", "a", 500, 2),
        ("g2", "c", 500, 1),
        ("other", "d", 500, 9),
    ] {
        let message = event(ip, status);
        let events: Vec<(i64, &str)> = (0..times).map(|i| (now + i * 1000, message.as_str())).collect();
        cloud.put(group, "s", &events).await.unwrap();
    }
    cloud.settle().await;
    assert_eq!(cloud.contributors("r").await, [("a".into(), 5.0), ("c".into(), 1.0)]);
    cloud.advance(10).await;
    assert_eq!(cloud.contributors("r").await, [("a".into(), 5.0), ("c".into(), 1.0)]);
    // A rule that is off counts nothing.
    let names = c::DisableInsightRulesInput { rule_names: vec!["r".into()] };
    cloud.ok::<cloudwatch::DisableInsightRules>(names).await;
    cloud.put("g1", "s", &[(cloud.now_ms(), &event("a", 500))]).await.unwrap();
    cloud.settle().await;
    assert_eq!(cloud.contributors("r").await, [("a".into(), 5.0), ("c".into(), 1.0)]);
}

#[tokio::test]
async fn transformed_events() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let parse = s::Processor { parse_json: Some(s::ParseJSON::default()), ..Default::default() };
    let add = s::AddKeyEntry { key: "ip".into(), value: "new".into(), overwrite_if_exists: Some(true) };
    let add = s::Processor { add_keys: Some(s::AddKeys { entries: vec![add] }), ..Default::default() };
    let input =
        s::PutTransformerRequest { log_group_identifier: "g".into(), transformer_config: vec![parse, add] };
    cloud.ok::<op::PutTransformer>(input).await;
    cloud.rule("plain", DEFINITION, false).await;
    cloud.rule("transformed", DEFINITION, true).await;
    let now = cloud.now_ms();
    let events = [(now, r#"{"ip": "a", "status": 500}"#), (now, "no JSON")];
    cloud.put("g", "s", &events).await.unwrap();
    cloud.settle().await;
    assert_eq!(cloud.contributors("plain").await, [("a".into(), 1.0)]);
    assert_eq!(cloud.contributors("transformed").await, [("new".into(), 1.0)]);
}

#[tokio::test]
async fn who_may_make_a_rule_over_which_groups() {
    let cloud = Cloud::new().await;
    let statement = r#"{"Effect": "Allow", "Action": "cloudwatch:PutInsightRule", "Resource": "arn:aws:cloudwatch:*:*:insight-rule/mine*",
        "Condition": {"ForAllValues:StringLike": {"cloudwatch:requestInsightRuleLogGroups": ["g*"]}}}"#;
    let user = cloud.user("ann", statement).await;
    let other = DEFINITION.replace("g*", "other");
    for (name, definition, tagged, allowed) in [
        ("mine", DEFINITION, false, true),
        ("mine", other.as_str(), false, false),
        ("theirs", DEFINITION, false, false),
        ("mine2", DEFINITION, true, false),
    ] {
        let tag = c::Tag { key: "a".into(), value: "b".into() };
        let input = c::PutInsightRuleInput {
            rule_name: name.into(),
            rule_definition: definition.into(),
            tags: tagged.then(|| vec![tag]),
            ..Default::default()
        };
        let done = cloud.call_as::<cloudwatch::PutInsightRule>(&user, input).await;
        let refused = done.err().map(|error| error.code().to_owned());
        assert_eq!(refused.is_none(), allowed, "{name} {definition}: {refused:?}");
        assert!(refused.is_none_or(|code| code.starts_with("AccessDenied")));
    }
}

/// What was taken in is counted once, wherever the program stopped: what was counted is written with the note that it was.
#[test]
fn a_crash_loses_no_count_and_makes_none_twice() {
    let store = Store::memory();
    let mut expected = 0.0;
    for round in 0..=24 {
        // All that runs ends with its runtime, at whatever it waits for.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let cloud = Cloud::seeded(store.clone(), round).await;
            // The clock is not one that has stopped.
            cloud.platform.env.clock.advance(Duration::from_secs(round + 1));
            if round == 0 {
                cloud.group("g").await;
                cloud.stream("g", "s").await;
                cloud.rule("r", DEFINITION, false).await;
            }
            if round == 24 {
                cloud.settle().await;
                cloud.advance(10).await;
                assert_eq!(cloud.contributors("r").await, [("a".into(), expected)]);
                assert!(store.scan_keys(&TALLIES, Range::all(), 1).await.unwrap().is_empty());
                return;
            }
            for _ in 0..3 {
                let event = (cloud.now_ms(), r#"{"ip": "a", "status": 500}"#);
                cloud.put("g", "s", &[event, event]).await.unwrap();
                expected += 2.0;
            }
            // Left before it was looked at, while it is looked at, or after it.
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
        });
    }
}
