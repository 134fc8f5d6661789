//! All that we ask of other services.

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
