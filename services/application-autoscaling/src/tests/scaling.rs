use std::time::Duration;

use haneul_application_autoscaling_wire::operations as op;
use haneul_application_autoscaling_wire::shapes as s;
use haneul_cloudwatch_wire::operations as cw;
use haneul_cloudwatch_wire::shapes as c;
use haneul_dynamodb_wire::operations as ddb;
use haneul_dynamodb_wire::shapes as d;
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::Instant;

use super::cloud::{Cloud, TABLE, WRITES, policy};

#[tokio::test]
async fn capacity_follows_use() {
    let cloud = Cloud::new().await;
    cloud.table(5, 5).await;
    cloud.register(5, 40).await;
    let made = cloud.ok::<op::PutScalingPolicy>(policy(50.0)).await;
    let names: Vec<String> = made.alarms.unwrap().into_iter().map(|alarm| alarm.alarm_name).collect();
    assert!(names[0].starts_with("TargetTracking-table/tab-AlarmHigh-"), "{names:?}");
    let there =
        cloud.ok::<cw::DescribeAlarms>(c::DescribeAlarmsInput::default()).await.metric_alarms.unwrap();
    assert_eq!(there.len(), 4);
    // 600 units a minute are 10 a second, of 5: half of 20 is what they need.
    for _ in 0..4 {
        for _ in 0..30 {
            cloud.write(20).await;
        }
        cloud.minute().await;
    }
    assert_eq!(cloud.units().await, (5, 20));
    let activities = cloud.activities().await;
    assert_eq!(activities[0].description, "Setting write capacity units to 20.");
    assert_eq!(
        activities[0].cause,
        format!("monitor alarm {} in state ALARM triggered policy follow", names[0])
    );
    assert_eq!(activities[0].status_code, "Successful");
    let input = c::DescribeAlarmsInput { alarm_names: Some(vec![names[0].clone()]), ..Default::default() };
    let high = cloud.ok::<cw::DescribeAlarms>(input).await.metric_alarms.unwrap().remove(0);
    assert_eq!(high.threshold, Some(600.0), "the alarm moved along");
    // Never above the most that it may have.
    for _ in 0..4 {
        for _ in 0..80 {
            cloud.write(20).await;
        }
        cloud.minute().await;
    }
    assert_eq!(cloud.units().await, (5, 40));
    // A quarter of an hour of little use brings it back, and not below the least.
    for _ in 0..20 {
        cloud.write(1).await;
        cloud.minute().await;
    }
    assert_eq!(cloud.units().await, (5, 5));
    let activity = &cloud.activities().await[0];
    assert_eq!(activity.description, "Setting write capacity units to 5.");
    assert!(activity.cause.contains("-AlarmLow-"), "{}", activity.cause);
}

#[tokio::test]
async fn what_is_suspended_or_disabled_stays() {
    let cloud = Cloud::new().await;
    cloud.table(5, 50).await;
    cloud.register(5, 100).await;
    let mut input = policy(50.0);
    input.target_tracking_scaling_policy_configuration.as_mut().unwrap().disable_scale_in = Some(true);
    cloud.ok::<op::PutScalingPolicy>(input).await;
    for _ in 0..20 {
        cloud.write(1).await;
        cloud.minute().await;
    }
    assert_eq!(cloud.units().await, (5, 50), "scaling in is disabled");
    cloud.ok::<op::PutScalingPolicy>(policy(50.0)).await;
    let suspend = s::RegisterScalableTargetRequest {
        min_capacity: None,
        max_capacity: None,
        suspended_state: Some(s::SuspendedState {
            dynamic_scaling_in_suspended: Some(true),
            ..Default::default()
        }),
        ..super::cloud::register(1, 1)
    };
    cloud.ok::<op::RegisterScalableTarget>(suspend).await;
    cloud.write(1).await;
    cloud.minute().await;
    assert_eq!(cloud.units().await, (5, 50), "scaling in is suspended");
    cloud.register(60, 100).await;
    cloud.settle().await;
    assert_eq!(cloud.units().await, (5, 60), "the bounds hold all the same");
}

#[tokio::test]
async fn schedules_set_bounds() {
    let cloud = Cloud::new().await;
    cloud.table(5, 5).await;
    cloud.register(5, 10).await;
    let at = |minutes: i64| Instant::from_secs(cloud.now().secs() + minutes * 60);
    let schedule =
        |name: &str, schedule: String, min: Option<i32>, max: Option<i32>| s::PutScheduledActionRequest {
            service_namespace: "dynamodb".into(),
            resource_id: TABLE.into(),
            scalable_dimension: WRITES.into(),
            scheduled_action_name: name.into(),
            schedule: Some(schedule),
            scalable_target_action: Some(s::ScalableTargetAction { min_capacity: min, max_capacity: max }),
            ..Default::default()
        };
    let up = format!("at({})", at(10).iso8601().trim_end_matches('Z'));
    cloud.ok::<op::PutScheduledAction>(schedule("up", up, Some(20), Some(30))).await;
    cloud.ok::<op::PutScheduledAction>(schedule("down", "rate(25 minutes)".into(), Some(5), Some(8))).await;
    for _ in 0..9 {
        cloud.minute().await;
    }
    assert_eq!(cloud.units().await.1, 5);
    cloud.minute().await;
    assert_eq!(cloud.units().await.1, 20);
    let causes: Vec<String> = cloud.activities().await.into_iter().map(|activity| activity.cause).collect();
    assert!(causes.contains(&"scheduled action name up was triggered".to_owned()), "{causes:?}");
    assert!(causes.contains(&"minimum capacity was set to 20".to_owned()), "{causes:?}");
    // What fell due while nothing ran is done once.
    cloud.platform.env.clock.advance(Duration::from_secs(60 * 60));
    cloud.settle().await;
    assert_eq!(cloud.units().await.1, 8);
    let triggered =
        |activity: &s::ScalingActivity| activity.cause == "scheduled action name down was triggered";
    assert_eq!(cloud.activities().await.iter().filter(|activity| triggered(activity)).count(), 1);
}

/// Ten minutes between two steps out, and an hour before one in.
#[tokio::test]
async fn cooldowns_are_kept() {
    let cloud = Cloud::new().await;
    cloud.table(5, 5).await;
    cloud.register(5, 100).await;
    let mut input = policy(50.0);
    let configuration = input.target_tracking_scaling_policy_configuration.as_mut().unwrap();
    (configuration.scale_out_cooldown, configuration.scale_in_cooldown) = (Some(600), Some(3600));
    cloud.ok::<op::PutScalingPolicy>(input).await;
    // All that there is, so that twice as much is wanted each time.
    let (mut units, mut changes) = (5, Vec::new());
    for minute in 0..90 {
        for _ in 0..if minute < 20 { units * 3 } else { 1 } {
            cloud.write(20).await;
        }
        cloud.minute().await;
        let now = cloud.units().await.1;
        if now != units {
            changes.push((minute, now));
            units = now;
        }
    }
    let [(first, 10), (second, 20), (third, 5)] = changes[..] else { panic!("{changes:?}") };
    assert!(first < 5, "{changes:?}");
    assert_eq!((second - first, third - second), (10, 60), "{changes:?}");
}

/// CloudWatch says that an action was done where something is done.
#[tokio::test]
async fn only_a_policys_own_alarms_have_done_something() {
    let cloud = Cloud::new().await;
    cloud.table(5, 5).await;
    cloud.register(5, 40).await;
    let made = cloud.ok::<op::PutScalingPolicy>(policy(50.0)).await;
    let own = made.alarms.unwrap().remove(0).alarm_name;
    let other = c::PutMetricAlarmInput {
        alarm_name: "TargetTracking-table/tab-AlarmHigh-mine".into(),
        alarm_actions: Some(vec![made.policy_arn.clone()]),
        namespace: Some("AWS/DynamoDB".into()),
        metric_name: Some("ConsumedWriteCapacityUnits".into()),
        statistic: Some("Sum".into()),
        period: Some(60),
        evaluation_periods: Some(1),
        threshold: Some(1.0),
        comparison_operator: Some("GreaterThanThreshold".into()),
        ..Default::default()
    };
    let name = other.alarm_name.clone();
    cloud.ok::<cw::PutMetricAlarm>(other).await;
    for (name, expected) in [(own, "Successfully executed action"), (name, "Failed to execute action")] {
        let set = c::SetAlarmStateInput {
            alarm_name: name.clone(),
            state_value: "ALARM".into(),
            state_reason: "by hand".into(),
            state_reason_data: None,
        };
        cloud.ok::<cw::SetAlarmState>(set).await;
        cloud.settle().await;
        let input = c::DescribeAlarmHistoryInput {
            alarm_name: Some(name.clone()),
            history_item_type: Some("Action".into()),
            ..Default::default()
        };
        let items = cloud.ok::<cw::DescribeAlarmHistory>(input).await.alarm_history_items.unwrap();
        let told = items[0].history_summary.clone().unwrap();
        assert!(told.starts_with(&format!("{expected} {}", made.policy_arn)), "{name}: {told}");
    }
}

#[tokio::test]
async fn the_same_failure_is_told_once() {
    let cloud = Cloud::new().await;
    cloud.table(5, 50).await;
    cloud.register(5, 100).await;
    cloud.settle().await;
    for write in [45, 40, 35, 30] {
        let units = d::ProvisionedThroughput { read_capacity_units: 5, write_capacity_units: write };
        let input = d::UpdateTableInput {
            table_name: "tab".into(),
            provisioned_throughput: Some(units),
            ..Default::default()
        };
        cloud.ok::<ddb::UpdateTable>(input).await;
    }
    // The fifth decrease of a day waits for an hour.
    cloud.register(5, 20).await;
    for _ in 0..10 {
        cloud.minute().await;
    }
    let activities = cloud.activities().await;
    assert_eq!(activities.len(), 1);
    assert_eq!(activities[0].status_code, "Failed");
    // Another failure is another matter.
    cloud.register(5, 10).await;
    for _ in 0..10 {
        cloud.minute().await;
    }
    assert_eq!(cloud.activities().await.len(), 2);
    for _ in 0..60 {
        cloud.minute().await;
    }
    assert_eq!(cloud.units().await, (5, 10));
    let told = |activities: Vec<s::ScalingActivity>| {
        activities.into_iter().map(|activity| activity.status_code).collect::<Vec<_>>()
    };
    assert_eq!(told(cloud.activities().await), ["Successful", "Failed", "Failed"]);
    // For six weeks, and a day at most.
    cloud.platform.env.clock.advance(Duration::from_secs(41 * 24 * 60 * 60));
    cloud.settle().await;
    assert_eq!(cloud.activities().await.len(), 3);
    cloud.platform.env.clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    cloud.settle().await;
    assert!(cloud.activities().await.is_empty());
}

/// An index that is being filled keeps bounds waiting, and does not make them forgotten.
#[tokio::test]
async fn bounds_wait_for_a_table_that_is_being_updated() {
    let cloud = Cloud::new().await;
    cloud.table(5, 5).await;
    cloud.register(5, 40).await;
    cloud.settle().await;
    let units = || d::ProvisionedThroughput { read_capacity_units: 5, write_capacity_units: 5 };
    let create = d::CreateGlobalSecondaryIndexAction {
        index_name: "idx".into(),
        key_schema: vec![d::KeySchemaElement { attribute_name: "p".into(), key_type: "HASH".into() }],
        projection: d::Projection { projection_type: Some("ALL".into()), ..Default::default() },
        provisioned_throughput: Some(units()),
        ..Default::default()
    };
    let update = d::GlobalSecondaryIndexUpdate { create: Some(create), ..Default::default() };
    let input = d::UpdateTableInput {
        table_name: "tab".into(),
        attribute_definitions: Some(vec![d::AttributeDefinition {
            attribute_name: "p".into(),
            attribute_type: "S".into(),
        }]),
        global_secondary_index_updates: Some(vec![update]),
        ..Default::default()
    };
    cloud.ok::<ddb::UpdateTable>(input).await;
    cloud.register(10, 40).await;
    cloud.scale().await;
    assert_eq!(cloud.units().await, (5, 5));
    cloud.minute().await;
    assert_eq!(cloud.units().await, (5, 10));
}

#[tokio::test]
async fn the_role_must_be_allowed() {
    let cloud = Cloud::new().await;
    cloud.table(5, 5).await;
    cloud.register(5, 40).await;
    cloud.ok::<op::PutScalingPolicy>(policy(50.0)).await;
    let role = "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable";
    let found = cloud.ok::<iam::GetRole>(i::GetRoleRequest { role_name: role.into() }).await.role;
    assert_eq!(found.path, "/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/");
    // Without it nothing is scaled, and whoever registers a target makes it again.
    let busy = async |minutes: usize| {
        for _ in 0..minutes {
            for _ in 0..15 {
                cloud.write(20).await;
            }
            cloud.minute().await;
        }
    };
    let delete = i::DeleteServiceLinkedRoleRequest { role_name: role.into() };
    cloud.ok::<iam::DeleteServiceLinkedRole>(delete).await;
    busy(5).await;
    cloud.register(6, 40).await;
    let gone = i::GetRoleRequest { role_name: role.into() };
    cloud.ok::<iam::GetRole>(gone.clone()).await;
    cloud
        .ok::<iam::DeleteServiceLinkedRole>(i::DeleteServiceLinkedRoleRequest { role_name: role.into() })
        .await;
    busy(2).await;
    assert!(cloud.err::<iam::GetRole>(gone).await.starts_with("NoSuchEntity"));
    assert_eq!(cloud.units().await, (5, 5), "neither by use nor by its bounds");
    assert!(cloud.activities().await.is_empty());
    // Whoever registers without the permission to make the role, or to pass one, does not.
    let statement = r#""Effect":"Allow","Action":["application-autoscaling:*","dynamodb:*"],"Resource":"*""#;
    let user = cloud.user("limited", statement).await;
    let mut input = super::cloud::register(5, 40);
    let refused = cloud.call_as::<op::RegisterScalableTarget>(&user, input.clone()).await.err().unwrap();
    assert!(refused.message().contains("iam:CreateServiceLinkedRole"), "{}", refused.message());
    cloud.register(5, 40).await;
    busy(3).await;
    assert_eq!(cloud.units().await, (5, 10));
    cloud.call_as::<op::RegisterScalableTarget>(&user, input.clone()).await.unwrap();
    input.role_arn = Some("arn:aws:iam::111111111111:role/other".into());
    let refused = cloud.call_as::<op::RegisterScalableTarget>(&user, input).await.err().unwrap();
    assert_eq!(refused.code(), "AccessDeniedException");
    assert!(refused.message().contains("iam:PassRole"), "{}", refused.message());
    let statement = r#""Effect":"Allow","Action":"application-autoscaling:*","Resource":"*","Condition":{"StringEquals":{"application-autoscaling:service-namespace":"ecs"}}"#;
    let other = cloud.user("elsewhere", statement).await;
    let refused = cloud
        .call_as::<op::RegisterScalableTarget>(&other, super::cloud::register(5, 40))
        .await
        .err()
        .unwrap();
    assert_eq!(refused.code(), "AccessDeniedException");
}

#[tokio::test]
async fn a_table_that_goes_on_demand_or_away_is_left_alone() {
    let cloud = Cloud::new().await;
    cloud.table(5, 5).await;
    cloud.register(5, 40).await;
    cloud.ok::<op::PutScalingPolicy>(policy(50.0)).await;
    let input = d::UpdateTableInput {
        table_name: "tab".into(),
        billing_mode: Some("PAY_PER_REQUEST".into()),
        ..Default::default()
    };
    cloud.ok::<ddb::UpdateTable>(input).await;
    for _ in 0..4 {
        for _ in 0..30 {
            cloud.write(20).await;
        }
        cloud.minute().await;
    }
    assert!(cloud.activities().await.is_empty());
    cloud.ok::<ddb::DeleteTable>(d::DeleteTableInput { table_name: "tab".into() }).await;
    cloud.minute().await;
    let gone = s::DeregisterScalableTargetRequest {
        service_namespace: "dynamodb".into(),
        resource_id: TABLE.into(),
        scalable_dimension: WRITES.into(),
    };
    cloud.ok::<op::DeregisterScalableTarget>(gone).await;
    let there =
        cloud.ok::<cw::DescribeAlarms>(c::DescribeAlarmsInput::default()).await.metric_alarms.unwrap();
    assert!(there.is_empty(), "the alarms go with the target");
}
