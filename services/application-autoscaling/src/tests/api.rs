use haneul_application_autoscaling_wire::operations as op;
use haneul_application_autoscaling_wire::shapes as s;
use haneul_cloudwatch_wire::operations as cw;
use haneul_cloudwatch_wire::shapes as c;
use haneul_kit::{Region, Signal};
use haneul_roles::Sessions;

use super::cloud::{Cloud, TABLE, WRITES, policy, register, root};
use crate::ApplicationAutoscaling;

fn scheduled(schedule: &str) -> s::PutScheduledActionRequest {
    s::PutScheduledActionRequest {
        service_namespace: "dynamodb".into(),
        resource_id: TABLE.into(),
        scalable_dimension: WRITES.into(),
        scheduled_action_name: "act".into(),
        schedule: Some(schedule.into()),
        scalable_target_action: Some(s::ScalableTargetAction {
            min_capacity: Some(1),
            max_capacity: Some(2),
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn refusals() {
    let cloud = Cloud::new().await;
    let none = cloud.err::<op::RegisterScalableTarget>(register(1, 2)).await;
    assert_eq!(none, "ValidationException: DynamoDB table does not exist: table/tab");
    cloud.table(5, 5).await;
    let of_target = "service namespace: dynamodb, resource ID: table/tab, scalable dimension: dynamodb:table:WriteCapacityUnits";
    let missing = format!("ObjectNotFoundException: No scalable target registered for {of_target}");
    assert_eq!(cloud.err::<op::PutScalingPolicy>(policy(70.0)).await, missing);
    assert_eq!(cloud.err::<op::PutScheduledAction>(scheduled("rate(1 day)")).await, missing);
    let deregister = s::DeregisterScalableTargetRequest {
        service_namespace: "dynamodb".into(),
        resource_id: TABLE.into(),
        scalable_dimension: WRITES.into(),
    };
    assert_eq!(cloud.err::<op::DeregisterScalableTarget>(deregister).await, missing);
    for (min, max) in [(0, 5), (6, 5)] {
        let refused = cloud.err::<op::RegisterScalableTarget>(register(min, max)).await;
        assert!(refused.starts_with("ValidationException: M"), "{refused}");
    }
    let mut input = register(1, 5);
    input.resource_id = "tab".into();
    assert_eq!(
        cloud.err::<op::RegisterScalableTarget>(input).await,
        "ValidationException: Unsupported service namespace, resource type or scalable dimension"
    );
    let mut input = register(1, 5);
    input.max_capacity = None;
    assert!(cloud.err::<op::RegisterScalableTarget>(input).await.contains("are required"));
    cloud.register(1, 5).await;
    for target in [10.0, 95.0] {
        assert!(cloud.err::<op::PutScalingPolicy>(policy(target)).await.contains("between 20 and 90"));
    }
    let mut input = policy(70.0);
    input.policy_type = Some("StepScaling".into());
    assert!(cloud.err::<op::PutScalingPolicy>(input).await.contains("not supported for dynamodb"));
    let mut input = policy(70.0);
    let configuration = input.target_tracking_scaling_policy_configuration.as_mut().unwrap();
    configuration.predefined_metric_specification.as_mut().unwrap().predefined_metric_type =
        "DynamoDBReadCapacityUtilization".into();
    assert!(
        cloud.err::<op::PutScalingPolicy>(input).await.contains("not supported for this scalable dimension")
    );
    cloud.ok::<op::PutScalingPolicy>(policy(70.0)).await;
    let mut second = policy(60.0);
    second.policy_name = "another".into();
    assert_eq!(
        cloud.err::<op::PutScalingPolicy>(second).await,
        "ValidationException: Only one TargetTrackingScaling policy for a given metric specification is allowed."
    );
    let gone = s::DeleteScalingPolicyRequest {
        policy_name: "none".into(),
        service_namespace: "dynamodb".into(),
        resource_id: TABLE.into(),
        scalable_dimension: WRITES.into(),
    };
    assert_eq!(
        cloud.err::<op::DeleteScalingPolicy>(gone).await,
        format!("ObjectNotFoundException: No scaling policy found for {of_target}, policy name: none")
    );
    for schedule in ["at(2000-01-01T00:00:00)", "every day", "cron(0 0 * * * *)"] {
        let refused = cloud.err::<op::PutScheduledAction>(scheduled(schedule)).await;
        assert!(refused.starts_with("ValidationException: "), "{refused}");
    }
    let mut input = scheduled("rate(1 day)");
    input.timezone = Some("Mars/Base".into());
    assert_eq!(
        cloud.err::<op::PutScheduledAction>(input).await,
        "ValidationException: Invalid timezone: Mars/Base"
    );
}

#[tokio::test]
async fn what_was_put_is_described() {
    let cloud = Cloud::new().await;
    cloud.table(5, 5).await;
    let mut input = register(3, 9);
    input.tags = Some([("team".to_owned(), "a".to_owned())].into_iter().collect());
    let arn = cloud.ok::<op::RegisterScalableTarget>(input).await.scalable_target_arn.unwrap();
    let all =
        s::DescribeScalableTargetsRequest { service_namespace: "dynamodb".into(), ..Default::default() };
    let targets = cloud.ok::<op::DescribeScalableTargets>(all).await.scalable_targets.unwrap();
    let target = &targets[0];
    assert_eq!((target.min_capacity, target.max_capacity), (3, 9));
    assert_eq!(target.scalable_target_arn.as_ref(), Some(&arn));
    assert!(target.role_arn.ends_with("/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"));
    let list = s::ListTagsForResourceRequest { resource_arn: arn.clone() };
    let tags = cloud.ok::<op::ListTagsForResource>(list.clone()).await.tags.unwrap();
    assert_eq!(tags.get("team"), Some(&"a".to_owned()));
    let tags = [("env".to_owned(), "b".to_owned())].into_iter().collect();
    cloud.ok::<op::TagResource>(s::TagResourceRequest { resource_arn: arn.clone(), tags }).await;
    let untag = s::UntagResourceRequest { resource_arn: arn, tag_keys: vec!["team".into()] };
    cloud.ok::<op::UntagResource>(untag).await;
    let tags = cloud.ok::<op::ListTagsForResource>(list).await.tags.unwrap();
    assert_eq!(tags.iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>(), ["env"]);
    // Again changes what is given and nothing else; the policy keeps its name, its ARN and its alarms.
    let first = cloud.ok::<op::PutScalingPolicy>(policy(70.0)).await;
    let second = cloud.ok::<op::PutScalingPolicy>(policy(60.0)).await;
    assert_eq!(first.policy_arn, second.policy_arn);
    let names = |made: &s::PutScalingPolicyResponse| -> Vec<String> {
        made.alarms.iter().flatten().map(|alarm| alarm.alarm_name.clone()).collect()
    };
    assert_eq!(names(&first), names(&second));
    let all =
        s::DescribeScalingPoliciesRequest { service_namespace: "dynamodb".into(), ..Default::default() };
    let policies = cloud.ok::<op::DescribeScalingPolicies>(all).await.scaling_policies.unwrap();
    assert_eq!(policies[0].policy_arn, second.policy_arn);
    let configuration = policies[0].target_tracking_scaling_policy_configuration.as_ref().unwrap();
    assert_eq!(configuration.target_value, 60.0);
    cloud.ok::<op::PutScheduledAction>(scheduled("cron(0 9 ? * MON-FRI *)")).await;
    let all =
        s::DescribeScheduledActionsRequest { service_namespace: "dynamodb".into(), ..Default::default() };
    let actions = cloud.ok::<op::DescribeScheduledActions>(all).await.scheduled_actions.unwrap();
    assert_eq!(actions[0].schedule, "cron(0 9 ? * MON-FRI *)");
    assert!(
        actions[0].scheduled_action_arn.ends_with(":resource/dynamodb/table/tab:scheduledActionName/act")
    );
    let delete = s::DeleteScheduledActionRequest {
        service_namespace: "dynamodb".into(),
        scheduled_action_name: "act".into(),
        resource_id: TABLE.into(),
        scalable_dimension: WRITES.into(),
    };
    cloud.ok::<op::DeleteScheduledAction>(delete.clone()).await;
    assert!(cloud.err::<op::DeleteScheduledAction>(delete).await.starts_with("ObjectNotFoundException: "));
}

#[tokio::test]
async fn pages() {
    let cloud = Cloud::new().await;
    cloud.table(5, 5).await;
    for dimension in ["Read", "Write"] {
        let mut input = register(1, 9);
        input.scalable_dimension = format!("dynamodb:table:{dimension}CapacityUnits");
        cloud.ok::<op::RegisterScalableTarget>(input).await;
    }
    let mut input = s::DescribeScalableTargetsRequest {
        service_namespace: "dynamodb".into(),
        max_results: Some(1),
        ..Default::default()
    };
    let first = cloud.ok::<op::DescribeScalableTargets>(input.clone()).await;
    input.next_token = first.next_token;
    let second = cloud.ok::<op::DescribeScalableTargets>(input.clone()).await;
    assert!(second.next_token.is_none());
    let dimension = |page: Vec<s::ScalableTarget>| page[0].scalable_dimension.clone();
    assert_ne!(dimension(first.scalable_targets.unwrap()), dimension(second.scalable_targets.unwrap()));
    input.next_token = Some("nonsense".into());
    assert!(cloud.err::<op::DescribeScalableTargets>(input).await.starts_with("InvalidNextTokenException: "));
}

/// However many put it at once, and whoever deletes it meanwhile: alarms without a policy would watch for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_policy_has_one_set_of_alarms() {
    let cloud = std::sync::Arc::new(Cloud::new().await);
    cloud.table(5, 5).await;
    cloud.register(5, 40).await;
    let all: Vec<_> = (0..8)
        .map(|_| {
            let cloud = cloud.clone();
            #[allow(clippy::disallowed_methods)] // Nothing to drain.
            tokio::spawn(async move { cloud.ok::<op::PutScalingPolicy>(policy(50.0)).await.policy_arn })
        })
        .collect();
    let mut arns = Vec::new();
    for one in all {
        arns.push(one.await.unwrap());
    }
    arns.dedup();
    assert_eq!(arns.len(), 1, "{arns:?}");
    let alarms = || cloud.ok::<cw::DescribeAlarms>(c::DescribeAlarmsInput::default());
    assert_eq!(alarms().await.metric_alarms.unwrap().len(), 4);
    let state = ApplicationAutoscaling {
        platform: cloud.platform.clone(),
        due: Signal::default(),
        sessions: Sessions::default(),
    };
    let target = (root().account, Region::US_EAST_1, TABLE.to_owned(), WRITES.to_owned());
    let key = crate::store::named(&target, "follow");
    let record = state.policy(&key).await.unwrap().unwrap();
    let delete = s::DeleteScalingPolicyRequest {
        policy_name: "follow".into(),
        service_namespace: "dynamodb".into(),
        resource_id: TABLE.into(),
        scalable_dimension: WRITES.into(),
    };
    cloud.ok::<op::DeleteScalingPolicy>(delete).await;
    state.put_alarms(&key, &record, 5).await.unwrap();
    assert!(alarms().await.metric_alarms.unwrap().is_empty());
}
