//! All that we ask of other services.

use std::time::Duration;

use haneul_application_autoscaling_wire as scaling;
use haneul_firehose_wire as firehose;
use haneul_kit::metrics::Owner;
use haneul_kit::{ApiError, Bus, Caller, Platform, Region, Result};
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

/// Tries of records that Firehose throttles; each waits a second longer than the one before.
const PUT_TRIES: u64 = 10;

/// Puts records into a Firehose stream as a metric stream's role. Those that are not taken are sent again, and no others.
pub(crate) async fn put_records(
    platform: &Platform,
    caller: Caller,
    region: Region,
    stream: &str,
    mut records: Vec<Bytes>,
) -> Result<()> {
    let (env, name) = (&platform.env, stream.rsplit('/').next().unwrap_or_default());
    for pause_s in 0..PUT_TRIES {
        if pause_s > 0 {
            tokio::select! {
                () = env.clock.sleep(Duration::from_secs(pause_s)) => {}
                () = env.tasks.stopping() => break,
            }
        }
        let input = firehose::shapes::PutRecordBatchInput {
            delivery_stream_name: name.to_owned(),
            records: records.iter().map(|data| firehose::shapes::Record { data: data.clone() }).collect(),
        };
        let put =
            platform.bus.call::<firehose::operations::PutRecordBatch>(caller.clone(), region, None, input);
        let answered = match put.await {
            Ok(answered) => answered,
            Err(refused) if refused.is_retryable() => continue,
            Err(refused) => return Err(refused),
        };
        let mut answers = answered.request_responses.into_iter();
        records.retain(|_| answers.next().is_some_and(|answer| answer.error_code.is_some()));
        if records.is_empty() {
            return Ok(());
        }
    }
    Err(ApiError::unavailable(format!("{} records were not taken", records.len())))
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

/// Asks a function that is a data source, and waits for its answer.
pub(crate) async fn ask(bus: &Bus, owner: Owner, function: &str, event: String) -> Result<Bytes> {
    let input = lambda::shapes::InvocationRequest {
        function_name: function.to_owned(),
        payload: Some(Bytes::from(event.into_bytes())),
        ..Default::default()
    };
    let caller = Caller::service("lambda.datasource.cloudwatch.amazonaws.com", owner.account);
    // What a policy that names the account by aws:SourceAccount goes by.
    let source = format!("arn:aws:cloudwatch:{}:{}:*", owner.region, owner.account);
    let answer = bus.call::<lambda::operations::Invoke>(caller, owner.region, Some(source), input).await?;
    match answer.function_error {
        None => Ok(answer.payload.unwrap_or_default()),
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
