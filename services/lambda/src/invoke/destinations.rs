//! Where the outcome of events and of failed batches goes, sent as the function's role.

use base64::Engine;
use haneul_kit::{Access, ApiError, Arn, Instant, Result};
use haneul_lambda_wire::{operations as lambda_op, shapes as l};
use haneul_s3_wire::{operations as s3_op, shapes as o};
use haneul_shape::ByteStream;
use haneul_sqs_wire::{operations as sqs_op, shapes as q};
use serde_json::{Value, json};

use crate::model::event::EventRecord;
use crate::names::{FunctionName, LATEST, Named};
use crate::{Lambda, error};

/// Longest message of an error in a dead letter: 1 KB.
const ERROR_MESSAGE_MAX: usize = 1024;

/// What may be a destination of which outcome.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    OnSuccess,
    OnFailure,
    OfStream,
}

/// Checks the ARN of a destination.
///
/// # Errors
/// InvalidParameterValueException, also for services that Haneul does not have yet.
pub(crate) fn check(destination: &str, allowed: Allowed) -> Result<()> {
    let invalid = || {
        error::parameter(format!(
            "The provided destination config DestinationConfig is invalid: {destination}"
        ))
    };
    let arn = Arn::parse(destination).map_err(|_| invalid())?;
    match arn.service() {
        "sqs" if arn.resource().ends_with(".fifo") => Err(error::parameter(
            "The destination cannot be a FIFO queue: only standard queues are supported.",
        )),
        "sqs" => Ok(()),
        "lambda" if allowed != Allowed::OfStream && arn.resource().starts_with("function:") => Ok(()),
        "s3" if allowed != Allowed::OnSuccess => Ok(()),
        "sns" => Err(error::unsupported("An SNS topic as destination")),
        "events" if allowed != Allowed::OfStream => Err(error::unsupported("An event bus as destination")),
        _ => Err(invalid()),
    }
}

/// The record of an event's outcome.
pub(crate) fn record(named: &Named, event: &EventRecord, payload: &[u8], now: Instant) -> Value {
    let function = named.function.qualified(named.qualifier.as_deref().unwrap_or(LATEST));
    let condition = event.ended.as_ref().map_or("Success", |ended| ended.condition.as_str());
    let mut record = json!({
        "version": "1.0",
        "timestamp": now.iso8601_millis(),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": function.as_str(),
            "condition": condition,
            "approximateInvokeCount": event.runs,
        },
        "requestPayload": as_json(payload),
    });
    if let Some(last) = &event.last {
        let mut context = json!({ "statusCode": 200, "executedVersion": last.executed_version });
        if let Some(kind) = &last.function_error {
            context["functionError"] = kind.as_str().into();
        }
        record["responseContext"] = context;
        record["responsePayload"] = as_json(last.answer.as_bytes());
    }
    record
}

/// JSON as it is, other text as a string.
fn as_json(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned().into())
}

impl Lambda {
    /// Checks that the function's role may send to a destination: its own policies must allow it within the account.
    pub(crate) async fn check_destination(
        &self,
        function: &FunctionName,
        role: &str,
        destination: &str,
        words: impl Fn(&str) -> String,
    ) -> Result<()> {
        let arn = Arn::parse(destination).map_err(|_| error::parameter("The destination is no ARN."))?;
        let (service, access, name) = match arn.service() {
            "sqs" => ("sqs", Access::on("sqs:SendMessage", &arn), "SendMessage on SQS"),
            "lambda" => ("lambda", Access::on("lambda:InvokeFunction", &arn), "InvokeFunction on Lambda"),
            "s3" => {
                let objects = Arn::bare("s3", format_args!("{}/aws/lambda/async", arn.resource()));
                ("s3", Access::on("s3:PutObject", &objects).owned_by(function.account), "PutObject on S3")
            }
            _ => return Ok(()),
        };
        let session = self.session(function, role).await?;
        let cx = self.cx_of(function, session.caller.clone());
        match self.platform.authorize(&cx, service, &[access]).await {
            Ok(()) => Ok(()),
            // The other account's policy may allow it.
            Err(_) if arn.account_id().is_some_and(|owner| owner != function.account) => Ok(()),
            Err(refused) if refused.fault() == haneul_kit::Fault::Client => {
                Err(error::parameter(words(name)))
            }
            Err(failed) => Err(failed),
        }
    }

    /// Sends a record to a destination as the role.
    pub(crate) async fn send_record(
        &self,
        function: &FunctionName,
        role: &str,
        destination: &str,
        record: Value,
        trace: Option<&str>,
    ) -> Result<()> {
        let arn = Arn::parse(destination).map_err(ApiError::internal)?;
        let text = record.to_string();
        match arn.service() {
            "sqs" => {
                let input = q::SendMessageRequest {
                    queue_url: queue_url(&arn),
                    message_body: text,
                    message_system_attributes: trace.map(traced),
                    ..Default::default()
                };
                self.send_message(function, role, &arn, input).await
            }
            "lambda" => {
                let session = self.session(function, role).await?;
                let input = l::InvocationRequest {
                    function_name: destination.to_owned(),
                    invocation_type: Some("Event".into()),
                    payload: Some(text.into_bytes().into()),
                    ..Default::default()
                };
                let region = function.region;
                let (bus, caller) = (&self.platform.bus, session.caller.clone());
                bus.call::<lambda_op::Invoke>(caller, region, None, input).await.map(drop)
            }
            "s3" => {
                let now = self.platform.env.now().iso8601();
                // `2026-01-02T03:04:05Z`
                let (day, time) = now.split_once('T').unwrap_or((&now, ""));
                let (year_month, of_day) = day.rsplit_once('-').unwrap_or((day, ""));
                let kind = if record.get("requestPayload").is_some() { "async" } else { "streams" };
                let key = format!(
                    "aws/lambda/{kind}/{}/{}/{of_day}/{day}T{}-{}",
                    function.name,
                    year_month.replace('-', "/"),
                    time.trim_end_matches('Z').replace(':', "."),
                    self.platform.env.rng.uuid(),
                );
                let session = self.session(function, role).await?;
                let input = o::PutObjectRequest {
                    bucket: arn.resource().to_owned(),
                    key,
                    body: ByteStream::from_bytes(text),
                    content_type: Some("application/json".into()),
                    ..Default::default()
                };
                let region = function.region;
                let (bus, caller) = (&self.platform.bus, session.caller.clone());
                bus.call::<s3_op::PutObject>(caller, region, None, input).await.map(drop)
            }
            service => Err(ApiError::internal(format_args!("{service} is no destination"))),
        }
    }

    /// Sends an event that failed to a dead-letter queue, as it came.
    pub(crate) async fn send_dead_letter(
        &self,
        function: &FunctionName,
        role: &str,
        queue: &str,
        event: &EventRecord,
        payload: &[u8],
    ) -> Result<()> {
        let arn = Arn::parse(queue).map_err(ApiError::internal)?;
        let last = event.last.as_ref();
        let answer = last.map(|last| last.answer.as_str()).unwrap_or_default();
        let said: Option<Value> = serde_json::from_str(answer).ok();
        let said = said.as_ref().and_then(|said| said["errorMessage"].as_str()).unwrap_or(answer);
        let message: String = said.chars().take(ERROR_MESSAGE_MAX / 4).collect();
        let attribute = |kind: &str, value: String| q::MessageAttributeValue {
            data_type: kind.to_owned(),
            string_value: Some(value),
            ..Default::default()
        };
        let mut attributes = vec![
            ("RequestID".to_owned(), attribute("String", event.request_id.clone())),
            ("ErrorCode".to_owned(), attribute("Number", "200".into())),
        ];
        if !message.is_empty() {
            attributes.push(("ErrorMessage".to_owned(), attribute("String", message)));
        }
        let input = q::SendMessageRequest {
            queue_url: queue_url(&arn),
            message_body: String::from_utf8_lossy(payload).into_owned(),
            message_attributes: Some(attributes.into_iter().collect()),
            message_system_attributes: event.trace.as_deref().map(traced),
            ..Default::default()
        };
        self.send_message(function, role, &arn, input).await
    }

    async fn send_message(
        &self,
        function: &FunctionName,
        role: &str,
        queue: &Arn,
        input: q::SendMessageRequest,
    ) -> Result<()> {
        let session = self.session(function, role).await?;
        let region = queue.region().parse().unwrap_or(function.region);
        let (bus, caller) = (&self.platform.bus, session.caller.clone());
        bus.call::<sqs_op::SendMessage>(caller, region, None, input).await.map(drop)
    }
}

fn traced(trace: &str) -> haneul_shape::value::Map<q::MessageSystemAttributeValue> {
    let value = q::MessageSystemAttributeValue {
        data_type: "String".into(),
        string_value: Some(trace.to_owned()),
        ..Default::default()
    };
    [("AWSTraceHeader".to_owned(), value)].into_iter().collect()
}

pub(crate) fn queue_url(arn: &Arn) -> String {
    format!("https://sqs.{}.amazonaws.com/{}/{}", arn.region(), arn.account(), arn.resource())
}

/// Base64, for what JSON cannot hold.
pub(crate) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
