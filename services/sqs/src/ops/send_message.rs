//! SendMessage and SendMessageBatch.

use std::sync::Arc;

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::value::Map;
use haneul_sqs_wire::operations::{SendMessage, SendMessageBatch};
use haneul_sqs_wire::shapes::*;
use sha2::{Digest, Sha256};

use super::{Sqs, batch};
use crate::engine::DedupKey;
use crate::error;
use crate::message::body::{MESSAGE_BYTES_MAX, is_allowed};
use crate::message::digest::{attributes_md5, md5};
use crate::message::{Attribute, Body, Stored, Value, attributes};
use crate::metrics::{DEDUPLICATED, SENT, SENT_SIZE, count};
use crate::plane::live::Meta;
use crate::plane::{LiveQueue, Outgoing, Sent};

const DELAY_SECS_MAX: i32 = 900;
const ID_LENGTH_MAX: usize = 128;

const NOT_FOR_THIS_TYPE: &str = "The request include parameter that is not valid for this queue type";

/// A message of a request, before it is checked.
struct Request {
    body: String,
    delay_secs: Option<i32>,
    attributes: Option<Map<MessageAttributeValue>>,
    system_attributes: Option<Map<MessageSystemAttributeValue>>,
    deduplication_id: Option<String>,
    group_id: Option<String>,
}

/// What the answer says of the message besides its id.
struct Digests {
    body: String,
    attributes: Option<String>,
    system_attributes: Option<String>,
}

impl Handle<SendMessage> for Sqs {
    async fn access(&self, cx: &Cx, input: &SendMessageRequest) -> Result<Vec<Access>> {
        self.shared(cx, "sqs:SendMessage", &input.queue_url)
    }

    async fn call(&self, cx: &Cx, input: SendMessageRequest) -> Result<SendMessageResult> {
        let queue = self.queue(cx, &input.queue_url)?;
        let request = Request {
            body: input.message_body,
            delay_secs: input.delay_seconds,
            attributes: input.message_attributes,
            system_attributes: input.message_system_attributes,
            deduplication_id: input.message_deduplication_id,
            group_id: input.message_group_id,
        };
        let meta = queue.meta();
        let (outgoing, digests, size) = self.check(cx, &meta, request)?;
        let mut messages = [outgoing];
        self.seal(cx, &queue, &meta, &mut messages).await?;
        let sent = self.plane.send(&queue, &messages).await?;
        let sent = sent.first().ok_or_else(|| haneul_kit::ApiError::internal("nothing was sent"))?;
        self.count_sent(cx, &queue, [(sent, size)]);
        Ok(SendMessageResult {
            md5_of_message_body: Some(digests.body),
            md5_of_message_attributes: digests.attributes,
            md5_of_message_system_attributes: digests.system_attributes,
            message_id: Some(uuid(&sent.message_id)),
            sequence_number: sequence_number(&queue, sent),
        })
    }
}

impl Handle<SendMessageBatch> for Sqs {
    async fn access(&self, cx: &Cx, input: &SendMessageBatchRequest) -> Result<Vec<Access>> {
        self.shared(cx, "sqs:SendMessage", &input.queue_url)
    }

    async fn call(&self, cx: &Cx, input: SendMessageBatchRequest) -> Result<SendMessageBatchResult> {
        let queue = self.queue(cx, &input.queue_url)?;
        batch::check("SendMessageBatchRequestEntry", input.entries.iter().map(|entry| entry.id.as_str()))?;
        let meta = queue.meta();
        let (mut failed, mut accepted, mut messages) = (Vec::new(), Vec::new(), Vec::new());
        let mut sizes = Vec::new();
        let total: usize = input.entries.iter().map(size_of_entry).sum();
        if total > MESSAGE_BYTES_MAX {
            return Err(error::batch_too_long(total));
        }
        for entry in input.entries {
            let request = Request {
                body: entry.message_body,
                delay_secs: entry.delay_seconds,
                attributes: entry.message_attributes,
                system_attributes: entry.message_system_attributes,
                deduplication_id: entry.message_deduplication_id,
                group_id: entry.message_group_id,
            };
            match self.check(cx, &meta, request) {
                Ok((outgoing, digests, size)) => {
                    sizes.push(size);
                    accepted.push((entry.id, digests));
                    messages.push(outgoing);
                }
                Err(error) => failed.push(batch::failed(entry.id, &error)),
            }
        }
        let mut sent = Vec::new();
        if !messages.is_empty() {
            self.seal(cx, &queue, &meta, &mut messages).await?;
            sent = self.plane.send(&queue, &messages).await?;
        }
        self.count_sent(cx, &queue, sent.iter().zip(sizes));
        let successful =
            accepted.into_iter().zip(&sent).map(|((id, digests), sent)| SendMessageBatchResultEntry {
                id,
                message_id: uuid(&sent.message_id),
                md5_of_message_body: digests.body,
                md5_of_message_attributes: digests.attributes,
                md5_of_message_system_attributes: digests.system_attributes,
                sequence_number: sequence_number(&queue, sent),
            });
        Ok(SendMessageBatchResult { successful: batch::list(successful), failed: batch::list(failed) })
    }
}

impl Sqs {
    /// What was there before is not sent once more.
    fn count_sent<'s>(&self, cx: &Cx, queue: &LiveQueue, sent: impl IntoIterator<Item = (&'s Sent, usize)>) {
        for (sent, size) in sent {
            if sent.is_duplicate {
                count(&self.platform.metrics, cx, queue, DEDUPLICATED, 1);
                continue;
            }
            count(&self.platform.metrics, cx, queue, SENT, 1);
            count(&self.platform.metrics, cx, queue, SENT_SIZE, size);
        }
    }

    /// Seals the bodies, where the queue has a key of KMS.
    async fn seal(&self, cx: &Cx, queue: &LiveQueue, meta: &Meta, messages: &mut [Outgoing]) -> Result<()> {
        let Some(kms) = &meta.attributes.kms else { return Ok(()) };
        let key = self.keys.for_sending(&self.platform, cx, queue, kms).await?;
        let queue_arn = queue.arn.to_string();
        for message in messages {
            if let Body::Plain(text) = &message.stored.body {
                message.stored.body = Body::Sealed(key.seal(&self.platform.env.rng, &queue_arn, text));
                // A digest would tell whether a guess of the body is right.
                message.stored.body_md5 = [0; 16];
            }
        }
        Ok(())
    }

    /// A checked message with its digests and its size in bytes.
    fn check(&self, cx: &Cx, meta: &Meta, request: Request) -> Result<(Outgoing, Digests, usize)> {
        let queue = &meta.attributes;
        if request.body.is_empty() {
            return Err(error::missing_parameter("MessageBody"));
        }
        if !is_allowed(&request.body) {
            return Err(error::invalid_contents());
        }
        let attributes = attributes::from_request(request.attributes)?;
        let trace_header = attributes::trace_header(request.system_attributes)?;
        let size = request.body.len() + attributes.iter().map(Attribute::size).sum::<usize>();
        if size > queue.message_size_max as usize {
            return Err(error::message_too_long(queue.message_size_max));
        }
        if let Some(delay) = request.delay_secs {
            if !(0..=DELAY_SECS_MAX).contains(&delay) {
                let reason = "DelaySeconds must be >= 0 and <= 900.";
                return Err(error::invalid_value(&delay.to_string(), "DelaySeconds", reason));
            }
            if queue.fifo && delay != 0 {
                return Err(error::invalid_value(&delay.to_string(), "DelaySeconds", NOT_FOR_THIS_TYPE));
            }
        }
        check_id(request.group_id.as_deref(), "MessageGroupId")?;
        check_id(request.deduplication_id.as_deref(), "MessageDeduplicationId")?;
        let mut deduplication_id = request.deduplication_id;
        let mut dedup = None;
        if queue.fifo {
            let group =
                request.group_id.as_deref().ok_or_else(|| error::missing_parameter("MessageGroupId"))?;
            if deduplication_id.is_none() {
                if !queue.content_based_deduplication {
                    return Err(error::invalid_parameter(
                        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId \
                         provided explicitly",
                    ));
                }
                deduplication_id = Some(hex::encode(Sha256::digest(&request.body)));
            }
            let scope = queue.deduplicate_by_group.then_some(group);
            dedup = Some(dedup_key(scope, deduplication_id.as_deref().unwrap_or_default()));
        } else if let Some(id) = &deduplication_id {
            return Err(error::invalid_value(id, "MessageDeduplicationId", NOT_FOR_THIS_TYPE));
        }
        let body_md5 = md5(request.body.as_bytes());
        let digests = Digests {
            body: hex::encode(body_md5),
            attributes: attributes_md5(&attributes),
            system_attributes: trace_header.as_ref().and_then(|header| {
                attributes_md5(&[Attribute {
                    name: "AWSTraceHeader".into(),
                    data_type: "String".into(),
                    value: Value::String(header.clone()),
                }])
            }),
        };
        let stored = Stored {
            message_id: message_id(&self.platform.env.rng),
            body_md5,
            sender_id: cx.caller().user_id(),
            body: Body::Plain(request.body),
            attributes,
            trace_header,
            deduplication_id,
            group_id: request.group_id,
            dead_letter_source: None,
        };
        // A FIFO message takes the queue's delay, whatever the request says of none.
        let delay_ms = request.delay_secs.filter(|_| !queue.fifo).map(|secs| i64::from(secs) * 1000);
        Ok((Outgoing { stored, delay_ms, dedup }, digests, size))
    }
}

/// The size of an entry as AWS counts it, whether or not the entry is valid.
fn size_of_entry(entry: &SendMessageBatchRequestEntry) -> usize {
    let attributes = entry.message_attributes.iter().flat_map(Map::iter).map(|(name, value)| {
        let string = value.string_value.as_ref().map_or(0, String::len);
        name.len()
            + value.data_type.len()
            + string
            + value.binary_value.as_ref().map_or(0, |bytes| bytes.len())
    });
    entry.message_body.len() + attributes.sum::<usize>()
}

pub(super) fn check_id(id: Option<&str>, parameter: &str) -> Result<()> {
    let Some(id) = id else { return Ok(()) };
    if (1..=ID_LENGTH_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    let reason =
        format!("{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.");
    Err(error::invalid_value(id, parameter, &reason))
}

fn dedup_key(scope: Option<&str>, id: &str) -> DedupKey {
    let mut hash = Sha256::new();
    if let Some(scope) = scope {
        hash.update(scope);
    }
    // No id or group has this byte, so that neither runs into the other.
    hash.update([0]);
    hash.update(id);
    let digest: [u8; 32] = hash.finalize().into();
    let mut key = DedupKey::default();
    key.copy_from_slice(&digest[..16]);
    key
}

/// A random UUID (version 4).
pub(crate) fn message_id(rng: &haneul_env::Rng) -> [u8; 16] {
    let mut id: [u8; 16] = rng.bytes();
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

/// An id as clients see it.
pub(super) fn uuid(id: &[u8; 16]) -> String {
    let mut hex = hex::encode(id);
    for dash in [20, 16, 12, 8] {
        hex.insert(dash, '-');
    }
    hex
}

/// Where AWS's sequence numbers begin: twenty digits, and they go up in larger steps than one.
const SEQUENCE_BASE: u128 = 18_849_000_000_000_000_000;
const SEQUENCE_STEP: u128 = 256;

/// The SequenceNumber of a FIFO queue's message.
pub(super) fn sequence(seq: u64) -> String {
    (SEQUENCE_BASE + u128::from(seq) * SEQUENCE_STEP).to_string()
}

fn sequence_number(queue: &Arc<LiveQueue>, sent: &Sent) -> Option<String> {
    queue.meta().attributes.fifo.then(|| sequence(sent.seq))
}
