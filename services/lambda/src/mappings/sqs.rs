use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{Arn, Region, Result};
use haneul_sqs_wire::{operations as op, shapes as q};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::items::{self, Reported};
use super::{BATCH_BYTES_MAX, Mapping, Went, back_off};
use crate::invoke::destinations::{base64, queue_url};
use crate::metrics;

/// Messages of one receive. Source: SQS API Reference, ReceiveMessage.
const RECEIVE_MAX: usize = 10;
const WAIT_S: u64 = 20;

/// Batches at once, where the mapping does not say.
const CONCURRENCY: u32 = 10;

struct Queue {
    url: String,
    arn: Arn,
    region: Region,
}

impl Mapping {
    /// Receives and hands over until it is stopped, or something fails.
    pub(super) async fn poll_queue(&self, failures: &mut u32) -> Result<()> {
        let (arn, region) = self.source()?;
        let queue = Arc::new(Queue { url: queue_url(&arn), arn, region });
        let most = self.record.concurrency_max.unwrap_or(CONCURRENCY).max(1);
        let places = Arc::new(Semaphore::new(most as usize));
        let result = loop {
            // A place first: what is received must not wait while its time runs out.
            let place = tokio::select! {
                place = places.clone().acquire_owned() => place,
                () = self.stopped() => break Ok(()),
            };
            let Ok(place) = place else { break Ok(()) };
            let batch = match self.gather(&queue).await {
                Ok(batch) => batch,
                Err(failed) => break Err(failed),
            };
            *failures = 0;
            self.count_events(metrics::POLLED, batch.len());
            if self.is_stopped() && batch.is_empty() {
                break Ok(());
            }
            if batch.is_empty() {
                continue;
            }
            let (mapping, queue) = (self.clone(), queue.clone());
            self.lambda.platform.env.spawn("lambda batch", async move {
                let _place = place;
                if let Err(failed) = mapping.hand_over(&queue, batch).await {
                    tracing::warn!(mapping = mapping.row.2, error = %failed, "a batch could not be handed over");
                    let said = format!("PROBLEM: {}", failed.message());
                    let _ = mapping.note(&said).await;
                    mapping.sleep(back_off(1)).await;
                }
            });
        };
        // Batches under way are ended before the mapping is.
        let _ = places.acquire_many(most).await;
        result
    }

    /// The messages of one batch: as many as there are within the window, or as fit.
    async fn gather(&self, queue: &Queue) -> Result<Vec<q::Message>> {
        let env = &self.lambda.platform.env;
        let size = self.record.batch_size as usize;
        let mut batch: Vec<q::Message> = Vec::new();
        let mut bytes = 0;
        let mut ends = None;
        loop {
            let wait = match ends {
                None => Duration::from_secs(WAIT_S),
                Some(ends) => haneul_kit::Instant::since(ends, env.now()).min(Duration::from_secs(WAIT_S)),
            };
            let input = q::ReceiveMessageRequest {
                queue_url: queue.url.clone(),
                message_system_attribute_names: Some(vec!["All".into()]),
                message_attribute_names: Some(vec!["All".into()]),
                max_number_of_messages: i32::try_from((size - batch.len()).min(RECEIVE_MAX)).ok(),
                wait_time_seconds: i32::try_from(wait.as_secs()).ok(),
                ..Default::default()
            };
            let caller = self.caller().await?;
            let receive =
                self.lambda.platform.bus.call::<op::ReceiveMessage>(caller, queue.region, None, input);
            let received = tokio::select! {
                received = receive => received?,
                () = self.stopped() => return Ok(batch),
            };
            let messages = received.messages.unwrap_or_default();
            let none = messages.is_empty();
            bytes +=
                messages.iter().map(|one| one.body.as_ref().map_or(0, String::len) + 1024).sum::<usize>();
            batch.extend(messages);
            if batch.is_empty() {
                return Ok(batch);
            }
            let ends =
                *ends.get_or_insert_with(|| env.now() + Duration::from_secs(self.record.window_s.into()));
            let full = batch.len() >= size || bytes >= BATCH_BYTES_MAX;
            if full || self.record.window_s == 0 || env.now() >= ends || (none && wait.as_secs() == 0) {
                return Ok(batch);
            }
        }
    }

    async fn hand_over(&self, queue: &Queue, batch: Vec<q::Message>) -> Result<()> {
        let (wanted, unwanted): (Vec<_>, Vec<_>) = batch.into_iter().partition(|message| {
            self.filters.want(&record(queue, message), Some(message.body.as_deref().unwrap_or_default()))
        });
        self.count_events(metrics::FILTERED_OUT, unwanted.len());
        self.delete(queue, &unwanted, |_| true).await?;
        if wanted.is_empty() {
            return Ok(());
        }
        let records: Vec<Value> = wanted.iter().map(|message| record(queue, message)).collect();
        // The lineage of the first: a loop through a queue carries it in every message.
        let trace = wanted.iter().find_map(|one| one.attributes.as_ref()?.get("AWSTraceHeader")).cloned();
        self.count_events(metrics::INVOKED, wanted.len());
        let went = self.invoke(json!({ "Records": records }), trace).await;
        match went.inspect_err(|_| self.count_events(metrics::FAILED_INVOKE, wanted.len()))? {
            Went::Well(answer) if self.record.item_failures => {
                let is_known = |id: &str| wanted.iter().any(|one| one.message_id.as_deref() == Some(id));
                match items::read(&answer, is_known) {
                    Reported::AllWell => self.delete(queue, &wanted, |_| true).await,
                    Reported::Failed(failed) => {
                        self.count_events(metrics::FAILED_INVOKE, failed.len());
                        self.delete(queue, &wanted, |id| !failed.contains(id)).await
                    }
                    Reported::All => {
                        self.count_events(metrics::FAILED_INVOKE, wanted.len());
                        Ok(())
                    }
                }
            }
            Went::Well(_) => self.delete(queue, &wanted, |_| true).await,
            // They come back when their visibility timeout is over, and go to the queue's own dead-letter queue in time.
            Went::Badly { .. } => {
                self.count_events(metrics::FAILED_INVOKE, wanted.len());
                Ok(())
            }
            Went::NotNow => {
                self.sleep(back_off(1)).await;
                Ok(())
            }
        }
    }

    async fn delete(
        &self,
        queue: &Queue,
        messages: &[q::Message],
        which: impl Fn(&str) -> bool,
    ) -> Result<()> {
        let done: Vec<q::DeleteMessageBatchRequestEntry> = messages
            .iter()
            .filter(|message| which(message.message_id.as_deref().unwrap_or_default()))
            .enumerate()
            .map(|(at, message)| q::DeleteMessageBatchRequestEntry {
                id: at.to_string(),
                receipt_handle: message.receipt_handle.clone().unwrap_or_default(),
            })
            .collect();
        for entries in done.chunks(RECEIVE_MAX) {
            let input =
                q::DeleteMessageBatchRequest { queue_url: queue.url.clone(), entries: entries.to_vec() };
            let caller = self.caller().await?;
            let bus = &self.lambda.platform.bus;
            let deleted = bus.call::<op::DeleteMessageBatch>(caller, queue.region, None, input).await?;
            self.count_events(metrics::DELETED, deleted.successful.map_or(0, |done| done.len()));
            for failed in deleted.failed.iter().flatten() {
                tracing::warn!(mapping = self.row.2, code = failed.code, "a message could not be deleted");
            }
        }
        Ok(())
    }
}

/// A message as functions know it. Source: Developer Guide, "Using Lambda with Amazon SQS".
fn record(queue: &Queue, message: &q::Message) -> Value {
    let mut attributes = Map::new();
    for (name, value) in message.attributes.iter().flat_map(|all| all.iter()) {
        attributes.insert(name.to_owned(), value.as_str().into());
    }
    let mut own = Map::new();
    for (name, value) in message.message_attributes.iter().flat_map(|all| all.iter()) {
        let mut shown =
            json!({ "stringListValues": [], "binaryListValues": [], "dataType": value.data_type });
        if let Some(text) = &value.string_value {
            shown["stringValue"] = text.as_str().into();
        }
        if let Some(bytes) = &value.binary_value {
            shown["binaryValue"] = base64(bytes).into();
        }
        own.insert(name.to_owned(), shown);
    }
    let mut record = json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": own,
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn.as_str(),
        "awsRegion": queue.region.as_str(),
    });
    if let Some(digest) = &message.md5_of_message_attributes {
        record["md5OfMessageAttributes"] = digest.as_str().into();
    }
    record
}
