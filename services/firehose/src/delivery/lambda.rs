//! Records changed by a function. Source: Developer Guide, "Transform source data in Amazon Data Firehose".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use haneul_kit::Result;
use haneul_lambda_wire::{operations as op, shapes as l};
use serde_json::{Value, json};

use super::{Item, Reject};
use crate::firehose::arn;
use crate::model::{StreamKey, StreamRecord};
use crate::{Firehose, metrics};

/// An invocation's payload, with what base64 adds.
const PAYLOAD_MAX: usize = 6_000_000;

impl Firehose {
    /// Sends records through a function, in batches of so many bytes. What it drops is left out.
    pub(super) async fn transform(
        &self,
        key: &StreamKey,
        stream: &StreamRecord,
        (function, retries, batch_bytes): (&str, u32, usize),
        items: Vec<Item>,
        rejects: &mut Vec<Reject>,
    ) -> Result<Vec<Item>> {
        let (mut out, mut batch, mut size) = (Vec::new(), Vec::new(), 0);
        for item in items {
            let bytes = item.data.len().div_ceil(3) * 4 + if item.origin.is_some() { 800 } else { 200 };
            if !batch.is_empty() && (size + bytes > PAYLOAD_MAX || size + bytes > batch_bytes * 4 / 3) {
                let full = std::mem::take(&mut batch);
                out.extend(self.ask(key, stream, function, retries, full, rejects).await?);
                size = 0;
            }
            size += bytes;
            batch.push(item);
        }
        if !batch.is_empty() {
            out.extend(self.ask(key, stream, function, retries, batch, rejects).await?);
        }
        Ok(out)
    }

    async fn ask(
        &self,
        key: &StreamKey,
        stream: &StreamRecord,
        function: &str,
        retries: u32,
        items: Vec<Item>,
        rejects: &mut Vec<Reject>,
    ) -> Result<Vec<Item>> {
        let records: Vec<Value> = items
            .iter()
            .map(|item| {
                let mut record = json!({
                    "recordId": item.id,
                    "approximateArrivalTimestamp": item.arrived_ms,
                    "data": STANDARD.encode(&item.data),
                });
                if let Some(origin) = &item.origin {
                    record["kinesisRecordMetadata"] = json!(origin);
                }
                record
            })
            .collect();
        let mut event = json!({
            "invocationId": self.platform.env.rng.uuid(),
            "deliveryStreamArn": arn(key).to_string(),
            "region": key.1.as_str(),
            "records": records,
        });
        if let Some(source) = &stream.source {
            event["sourceKinesisStreamArn"] = source.stream.as_str().into();
        }
        let payload = Bytes::from(event.to_string());
        let (mut attempts, mut failed) = (0, (String::new(), "Lambda.InvokeAccessDenied"));
        let mut answer = None;
        while attempts <= retries && answer.is_none() {
            attempts += 1;
            let began = self.platform.env.now();
            let said = self.invoke(key, &stream.destination.role, function, payload.clone()).await;
            let took = self.platform.env.now().since(began);
            self.sample(metrics::FUNCTION_DURATION, key, took.as_millis() as f64);
            self.sample(metrics::FUNCTION_SUCCESS, key, if matches!(said, Ok(Ok(_))) { 1.0 } else { 0.0 });
            match said {
                Ok(Ok(said)) => answer = Some(said),
                Ok(Err(said)) => failed = (said, "Lambda.FunctionError"),
                Err(refused) if refused.fault() == haneul_kit::Fault::Server => return Err(refused),
                Err(refused) => failed = (refused.to_string(), "Lambda.InvokeAccessDenied"),
            }
        }
        let Some(answer) = answer else {
            let reject = |item| Reject {
                item,
                code: failed.1,
                message: failed.0.clone(),
                attempts,
                function: Some(function.to_owned()),
            };
            rejects.extend(items.into_iter().map(reject));
            return Ok(Vec::new());
        };
        Ok(sorted(function, items, &answer, attempts, rejects))
    }

    /// What the function said, or how it failed.
    async fn invoke(
        &self,
        key: &StreamKey,
        role: &str,
        function: &str,
        payload: Bytes,
    ) -> Result<std::result::Result<Value, String>> {
        let caller = self.acting(key, role).await?;
        let input = l::InvocationRequest {
            function_name: function.to_owned(),
            payload: Some(payload),
            ..Default::default()
        };
        let answer = self.platform.bus.call::<op::Invoke>(caller, key.1, None, input).await?;
        let said = answer.payload.unwrap_or_default();
        if answer.function_error.is_some() {
            return Ok(Err(String::from_utf8_lossy(&said).into_owned()));
        }
        Ok(serde_json::from_slice(&said).map_err(|_| "The Lambda function did not return JSON.".to_owned()))
    }
}

/// Which records stay, by what the function said of each.
fn sorted(
    function: &str,
    items: Vec<Item>,
    answer: &Value,
    attempts: u32,
    rejects: &mut Vec<Reject>,
) -> Vec<Item> {
    let said: std::collections::HashMap<&str, &Value> = answer["records"]
        .as_array()
        .map(|records| records.iter().filter_map(|one| Some((one["recordId"].as_str()?, one))).collect())
        .unwrap_or_default();
    let mut out = Vec::new();
    for mut item in items {
        let one = said.get(item.id.as_str());
        let data = || one.and_then(|one| STANDARD.decode(one["data"].as_str()?).ok());
        let reject = match one.and_then(|one| one["result"].as_str()) {
            Some("Ok") => match data() {
                Some(data) => {
                    item.data = data.into();
                    out.push(item);
                    continue;
                }
                None => ("Lambda.MissingData", "The Lambda function returned a record without data."),
            },
            Some("Dropped") => continue,
            Some("ProcessingFailed") => {
                ("Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record")
            }
            Some(_) => ("Lambda.InvalidResult", "The Lambda function returned a result that is not known."),
            None => (
                "Lambda.MissingRecordId",
                "One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.",
            ),
        };
        let (code, message) = reject;
        let function = Some(function.to_owned());
        rejects.push(Reject { item, code, message: message.to_owned(), attempts, function });
    }
    out
}
