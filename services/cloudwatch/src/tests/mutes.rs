use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::Instant;

use super::alarms::{alarm, composite};
use super::cloud::Cloud;

/// Clocks begin at midnight of 2026-01-01.
fn rule(name: &str, expression: &str, duration: &str, targets: &[&str]) -> s::PutAlarmMuteRuleInput {
    s::PutAlarmMuteRuleInput {
        name: name.into(),
        rule: s::Rule {
            schedule: s::Schedule {
                expression: expression.into(),
                duration: duration.into(),
                timezone: None,
            },
        },
        mute_targets: (!targets.is_empty())
            .then(|| s::MuteTargets { alarm_names: targets.iter().map(|one| (*one).to_owned()).collect() }),
        ..Default::default()
    }
}

async fn get(cloud: &Cloud, name: &str) -> s::GetAlarmMuteRuleOutput {
    cloud.ok::<op::GetAlarmMuteRule>(s::GetAlarmMuteRuleInput { alarm_mute_rule_name: name.into() }).await
}

async fn set(cloud: &Cloud, name: &str, state: &str) {
    let input = s::SetAlarmStateInput {
        alarm_name: name.into(),
        state_value: state.into(),
        state_reason: "by hand".into(),
        ..Default::default()
    };
    cloud.ok::<op::SetAlarmState>(input).await;
    cloud.settle().await;
}

/// An alarm without data keeps the state that it was given.
fn kept(name: &str) -> s::PutMetricAlarmInput {
    s::PutMetricAlarmInput { treat_missing_data: Some("ignore".into()), ..alarm(name) }
}

#[tokio::test]
async fn a_muted_alarm_changes_its_state_and_calls_its_actions_when_the_window_closes() {
    let cloud = Cloud::new().await;
    for name in ["high", "other"] {
        cloud.ok::<op::PutMetricAlarm>(kept(name)).await;
    }
    cloud.ok::<op::PutCompositeAlarm>(composite("both", "ALARM(high)")).await;
    cloud.settle().await;
    cloud.topics.told.lock().clear();
    cloud.ok::<op::PutAlarmMuteRule>(rule("night", "cron(0 1 * * *)", "PT2H", &["high", "both"])).await;
    assert_eq!(get(&cloud, "night").await.status.as_deref(), Some("SCHEDULED"));
    set(&cloud, "high", "OK").await;
    cloud.topics.told.lock().clear();
    cloud.advance(3600).await;
    let found = get(&cloud, "night").await;
    assert_eq!((found.status.as_deref(), found.mute_type.as_deref()), (Some("ACTIVE"), Some("RECURRING")));
    set(&cloud, "high", "ALARM").await;
    set(&cloud, "other", "ALARM").await;
    cloud.advance(60).await;
    assert_eq!((cloud.state("high").await, cloud.state("both").await), ("ALARM".into(), "ALARM".into()));
    let told = cloud.told();
    assert!(told.len() == 1 && told[0].starts_with("ALARM: \"other\""), "{told:?}");
    let held = cloud.history("high", "Action").await;
    assert!(held.last().unwrap().contains("muted by the alarm mute rule night"), "{held:?}");
    cloud.advance(7200).await;
    assert_eq!(get(&cloud, "night").await.status.as_deref(), Some("SCHEDULED"));
    let mut told = cloud.told();
    told.sort();
    assert!(told[0].starts_with("ALARM: \"both\"") && told[1].starts_with("ALARM: \"high\""), "{told:?}");
    assert_eq!(told.len(), 3, "each once: {told:?}");
    cloud.advance(600).await;
    assert_eq!(cloud.told().len(), 3);
}

#[tokio::test]
async fn what_a_suppressor_lets_go_within_a_window_is_called_at_its_end() {
    let cloud = Cloud::new().await;
    for name in ["high", "quiet"] {
        cloud.ok::<op::PutMetricAlarm>(kept(name)).await;
        set(&cloud, name, "OK").await;
    }
    cloud
        .ok::<op::PutCompositeAlarm>(s::PutCompositeAlarmInput {
            actions_suppressor: Some("quiet".into()),
            actions_suppressor_wait_period: Some(60),
            actions_suppressor_extension_period: Some(120),
            ..composite("both", "ALARM(high)")
        })
        .await;
    cloud.settle().await;
    cloud.ok::<op::PutAlarmMuteRule>(rule("night", "cron(0 1 * * *)", "PT2H", &["both"])).await;
    cloud.advance(3600).await;
    set(&cloud, "high", "ALARM").await;
    cloud.topics.told.lock().clear();
    // The wait is over, and the window is not.
    cloud.advance(300).await;
    assert!(cloud.told().is_empty());
    cloud.advance(7200).await;
    assert_eq!(cloud.told(), ["ALARM: \"both\" in US East (N. Virginia)"]);
    // Again, and back before the wait is over: there is nothing to tell.
    cloud
        .ok::<op::DeleteAlarmMuteRule>(s::DeleteAlarmMuteRuleInput { alarm_mute_rule_name: "night".into() })
        .await;
    set(&cloud, "high", "OK").await;
    cloud.advance(300).await;
    cloud.topics.told.lock().clear();
    set(&cloud, "high", "ALARM").await;
    set(&cloud, "high", "OK").await;
    cloud.topics.told.lock().clear();
    cloud.advance(300).await;
    assert!(!cloud.told().iter().any(|told| told.contains("both")), "{:?}", cloud.told());
}

#[tokio::test]
async fn an_alarm_that_came_back_has_nothing_to_tell_and_a_deleted_rule_unmutes() {
    let cloud = Cloud::new().await;
    for name in ["back", "stays"] {
        cloud.ok::<op::PutMetricAlarm>(kept(name)).await;
        set(&cloud, name, "OK").await;
    }
    cloud.topics.told.lock().clear();
    cloud.ok::<op::PutAlarmMuteRule>(rule("now", "at(2026-01-01T00:00)", "P1D", &["back", "stays"])).await;
    set(&cloud, "back", "ALARM").await;
    set(&cloud, "back", "OK").await;
    set(&cloud, "stays", "ALARM").await;
    cloud.advance(60).await;
    assert!(cloud.told().is_empty(), "{:?}", cloud.told());
    let delete = || s::DeleteAlarmMuteRuleInput { alarm_mute_rule_name: "now".into() };
    cloud.ok::<op::DeleteAlarmMuteRule>(delete()).await;
    cloud.advance(60).await;
    let told = cloud.told();
    assert!(told.len() == 1 && told[0].starts_with("ALARM: \"stays\""), "{told:?}");
    cloud.ok::<op::DeleteAlarmMuteRule>(delete()).await;
}

#[tokio::test]
async fn rules_are_checked_listed_and_tagged() {
    let cloud = Cloud::new().await;
    cloud.ok::<op::PutMetricAlarm>(alarm("high")).await;
    let past = Instant::from_secs(cloud.now().secs() - 60);
    for bad in [
        rule("r", "cron(0 2 * * ? *)", "PT1H", &[]),
        rule("r", "cron(0 2 * * *)", "P16D", &[]),
        rule("r", "cron(0 2 * * *)", "PT1H", &["gone"]),
        rule("r", "at(2025-01-01T00:00)", "PT1H", &[]),
        s::PutAlarmMuteRuleInput { expire_date: Some(past), ..rule("r", "cron(0 2 * * *)", "PT1H", &[]) },
    ] {
        assert!(
            cloud.err::<op::PutAlarmMuteRule>(bad.clone()).await.starts_with("Validation"),
            "{}",
            bad.rule.schedule.expression
        );
    }
    for (n, targets) in [(1, &["high"][..]), (2, &[]), (3, &["high"])] {
        cloud.ok::<op::PutAlarmMuteRule>(rule(&format!("r{n}"), "cron(0 2 * * *)", "PT1H", targets)).await;
    }
    let expire = Instant::from_secs(cloud.now().secs() + 60);
    let last = s::PutAlarmMuteRuleInput {
        expire_date: Some(expire),
        ..rule("r4", "at(2026-01-01T00:00)", "PT1H", &[])
    };
    cloud.ok::<op::PutAlarmMuteRule>(last).await;
    let list = |alarm: Option<&str>, status: Option<&str>, token| s::ListAlarmMuteRulesInput {
        alarm_name: alarm.map(str::to_owned),
        statuses: status.map(|one| vec![one.to_owned()]),
        max_records: Some(2),
        next_token: token,
    };
    for (alarm, status, expected) in [
        (None, None, vec!["r1", "r2", "r3", "r4"]),
        (Some("high"), None, vec!["r1", "r3"]),
        (None, Some("ACTIVE"), vec!["r4"]),
        (None, Some("EXPIRED"), vec![]),
    ] {
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let page = cloud.ok::<op::ListAlarmMuteRules>(list(alarm, status, token)).await;
            names.extend(
                page.alarm_mute_rule_summaries
                    .unwrap()
                    .into_iter()
                    .map(|one| one.alarm_mute_rule_arn.unwrap().rsplit(':').next().unwrap().to_owned()),
            );
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(names, expected, "{alarm:?} {status:?}");
    }
    cloud.advance(120).await;
    assert_eq!(get(&cloud, "r4").await.status.as_deref(), Some("EXPIRED"));
    let arn = get(&cloud, "r1").await.alarm_mute_rule_arn.unwrap();
    let tag = s::TagResourceInput {
        resource_arn: arn.clone(),
        tags: vec![s::Tag { key: "team".into(), value: "sky".into() }],
    };
    cloud.ok::<op::TagResource>(tag).await;
    let tags =
        cloud.ok::<op::ListTagsForResource>(s::ListTagsForResourceInput { resource_arn: arn }).await.tags;
    assert_eq!(tags.unwrap().len(), 1);
    let gone = s::GetAlarmMuteRuleInput { alarm_mute_rule_name: "gone".into() };
    assert!(cloud.err::<op::GetAlarmMuteRule>(gone).await.starts_with("ResourceNotFound"));
}
