//! All that we ask of other services.

use haneul_application_autoscaling_wire as scaling;
use haneul_firehose_wire as firehose;
use haneul_kit::metrics::Owner;
use haneul_kit::{ApiError, Bus, Caller, Region, Result};
use haneul_lambda_wire as lambda;
use haneul_shape::Bytes;
use haneul_sns_wire as sns;

use crate::model::PendingAction;

/// Tells a topic.
pub(crate) async fn publish(
    bus: &Bus,
    caller: Caller,
    region: Region,
    source: Option<String>,
    action: &PendingAction,
) -> Result<()> {
    let input = sns::shapes::PublishInput {
        topic_arn: Some(action.arn.clone()),
        message: action.message.clone(),
        subject: Some(action.subject.clone()),
        ..Default::default()
    };
    bus.call::<sns::operations::Publish>(caller, region, source, input).await?;
    Ok(())
}

/// Puts records into a Firehose stream as a metric stream's role.
pub(crate) async fn put_records(
    bus: &Bus,
    caller: Caller,
    region: Region,
    stream: &str,
    records: Vec<Bytes>,
) -> Result<()> {
    let name = stream.rsplit('/').next().unwrap_or_default();
    let input = firehose::shapes::PutRecordBatchInput {
        delivery_stream_name: name.to_owned(),
        records: records.into_iter().map(|data| firehose::shapes::Record { data }).collect(),
    };
    let put = bus.call::<firehose::operations::PutRecordBatch>(caller, region, None, input);
    match put.await?.failed_put_count {
        0 => Ok(()),
        failed => {
            Err(ApiError::new("ServiceUnavailableException", format!("{failed} records were not taken")))
        }
    }
}

/// Invokes a function, without waiting for it.
pub(crate) async fn invoke(
    bus: &Bus,
    caller: Caller,
    region: Region,
    source: Option<String>,
    action: &PendingAction,
) -> Result<()> {
    let input = lambda::shapes::InvocationRequest {
        function_name: action.arn.clone(),
        invocation_type: Some("Event".to_owned()),
        payload: Some(Bytes::from(action.message.clone().into_bytes())),
        ..Default::default()
    };
    let answer = bus.call::<lambda::operations::Invoke>(caller, region, source, input).await?;
    match answer.function_error {
        None => Ok(()),
        Some(error) => Err(ApiError::new("FunctionError", error)),
    }
}

/// Whether an action is the scaling policy that made its alarm. Application Auto Scaling looks at the states of those
/// alarms by itself, and at no others. `resource` is the ARN's: `scalingPolicy:<id>:resource/dynamodb/table/tab:policyName/…`.
pub(crate) async fn is_tracked(
    bus: &Bus,
    owner: Owner,
    region: Region,
    resource: &str,
    action: &PendingAction,
) -> Result<bool> {
    let mut parts = resource.splitn(4, ':');
    let (kind, of) = (parts.next(), parts.nth(1));
    let of = of.and_then(|of| of.strip_prefix("resource/")).and_then(|of| of.split_once('/'));
    let (Some("scalingPolicy"), Some((namespace, id))) = (kind, of) else { return Ok(false) };
    let input = scaling::shapes::DescribeScalingPoliciesRequest {
        service_namespace: namespace.to_owned(),
        resource_id: Some(id.to_owned()),
        ..Default::default()
    };
    // The alarm is the account's, and so is the policy.
    let caller = Caller::root(owner.account);
    let found = bus.call::<scaling::operations::DescribeScalingPolicies>(caller, region, None, input).await?;
    let own = |policy: &scaling::shapes::ScalingPolicy| {
        policy.policy_arn == action.arn
            && policy.alarms.iter().flatten().any(|alarm| alarm.alarm_name == action.alarm)
    };
    Ok(region == owner.region && found.scaling_policies.iter().flatten().any(own))
}
