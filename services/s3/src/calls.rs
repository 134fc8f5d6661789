//! All that we ask of other services.

use haneul_events_wire::{operations as events_op, shapes as e};
use haneul_kit::{AccountId, ApiError, Arn, Bus, Caller, Instant, Region, Result};
use haneul_lambda_wire::{operations as lambda_op, shapes as l};
use haneul_sns_wire::{operations as sns_op, shapes as n};
use haneul_sqs_wire::{operations as sqs_op, shapes as q};

use crate::model::event::EventRecord;
use crate::model::features::Target;
use crate::notification::message;

/// S3 when it acts by itself.
pub(crate) const PRINCIPAL: &str = "s3.amazonaws.com";

/// The bucket on whose account a destination is called: its policy sees `aws:SourceArn` and `aws:SourceAccount`.
pub(crate) struct Source {
    pub(crate) owner: AccountId,
    pub(crate) region: Region,
    pub(crate) arn: String,
}

impl Source {
    fn caller(&self) -> Caller {
        Caller::service(PRINCIPAL, self.owner)
    }
}

/// Delivers one event.
pub(crate) async fn deliver(bus: &Bus, source: &Source, event: &EventRecord) -> Result<()> {
    if event.target == Target::EventBridge {
        return put_event(bus, source, event).await;
    }
    send(bus, source, &event.target, message::record(event).to_string()).await
}

/// Sends a message to a queue, topic or function.
pub(crate) async fn send(bus: &Bus, source: &Source, target: &Target, message: String) -> Result<()> {
    let (caller, region, arn) = (source.caller(), source.region, Some(source.arn.clone()));
    match target {
        Target::Queue(queue) => {
            let queue = Arn::parse(queue).map_err(ApiError::internal)?;
            let queue_url =
                format!("https://sqs.{region}.amazonaws.com/{}/{}", queue.account(), queue.resource());
            let input = q::SendMessageRequest { queue_url, message_body: message, ..Default::default() };
            bus.call::<sqs_op::SendMessage>(caller, region, arn, input).await.map(drop)
        }
        Target::Topic(topic) => {
            let input = n::PublishInput {
                topic_arn: Some(topic.clone()),
                message,
                subject: Some("Amazon S3 Notification".to_owned()),
                ..Default::default()
            };
            bus.call::<sns_op::Publish>(caller, region, arn, input).await.map(drop)
        }
        Target::Function(function) => {
            let input = l::InvocationRequest {
                function_name: function.clone(),
                invocation_type: Some("Event".to_owned()),
                payload: Some(message.into_bytes().into()),
                ..Default::default()
            };
            bus.call::<lambda_op::Invoke>(caller, region, arn, input).await.map(drop)
        }
        Target::EventBridge => Err(ApiError::internal("EventBridge takes events, no messages")),
    }
}

async fn put_event(bus: &Bus, source: &Source, event: &EventRecord) -> Result<()> {
    let Some(kind) = message::bridge_type(&event.name) else { return Ok(()) };
    let entry = e::PutEventsRequestEntry {
        time: Some(Instant::from_millis(event.at_ms)),
        source: Some("aws.s3".to_owned()),
        resources: Some(vec![source.arn.clone()]),
        detail_type: Some(kind.to_owned()),
        detail: Some(message::bridge_detail(event).to_string()),
        ..Default::default()
    };
    let input = e::PutEventsRequest { entries: vec![entry], ..Default::default() };
    let (caller, arn) = (source.caller(), Some(source.arn.clone()));
    let output = bus.call::<events_op::PutEvents>(caller, source.region, arn, input).await?;
    match output.failed_entry_count {
        Some(count) if count > 0 => {
            Err(ApiError::new("InternalException", "EventBridge did not take the event"))
        }
        _ => Ok(()),
    }
}

/// Whether a function could be invoked. It is sent no test event.
pub(crate) async fn may_invoke(bus: &Bus, source: &Source, function: &str) -> Result<()> {
    let input = l::InvocationRequest {
        function_name: function.to_owned(),
        invocation_type: Some("DryRun".to_owned()),
        ..Default::default()
    };
    bus.call::<lambda_op::Invoke>(source.caller(), source.region, Some(source.arn.clone()), input)
        .await
        .map(drop)
}

/// Whether there is an EventBridge in this cloud: it refuses no events of S3, so only its absence can be told.
pub(crate) async fn has_event_bridge(bus: &Bus, source: &Source) -> bool {
    let input = e::PutEventsRequest::default();
    let asked =
        bus.call::<events_op::PutEvents>(source.caller(), source.region, Some(source.arn.clone()), input);
    !matches!(asked.await, Err(error) if error.code() == "NotImplemented")
}
