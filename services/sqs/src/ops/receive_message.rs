use std::sync::Arc;

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::value::Map;
use haneul_sqs_wire::operations::ReceiveMessage;
use haneul_sqs_wire::shapes::{Message, MessageAttributeValue, ReceiveMessageRequest, ReceiveMessageResult};
use haneul_sqs_wire::values::message_system_attribute_name as system;

use super::Sqs;
use super::send_message::{check_id, sequence, uuid};
use crate::error;
use crate::message::digest::{attributes_md5, md5};
use crate::message::{Attribute, Body, Value};
use crate::metrics::{EMPTY_RECEIVES, RECEIVED, count};
use crate::plane::{Delivery, LiveQueue, Receipt, Unread, Wanted};
use crate::queue::attributes;
use crate::receipt::seal;

const MESSAGES_MAX: i32 = 10;
const WAIT_SECS_MAX: i32 = 20;
pub(super) const VISIBILITY_SECS_MAX: i32 = 43_200;

/// How long a data key serves to receive from a queue that has no key any more, but messages that were sealed.
const REUSE_SECS: u32 = 300;

/// Every system attribute that can be asked for.
const SYSTEM: [&str; 10] = [
    system::ALL,
    system::SENDER_ID,
    system::SENT_TIMESTAMP,
    system::APPROXIMATE_RECEIVE_COUNT,
    system::APPROXIMATE_FIRST_RECEIVE_TIMESTAMP,
    system::SEQUENCE_NUMBER,
    system::MESSAGE_DEDUPLICATION_ID,
    system::MESSAGE_GROUP_ID,
    system::AWS_TRACE_HEADER,
    system::DEAD_LETTER_QUEUE_SOURCE_ARN,
];

impl Handle<ReceiveMessage> for Sqs {
    async fn access(&self, cx: &Cx, input: &ReceiveMessageRequest) -> Result<Vec<Access>> {
        self.shared(cx, "sqs:ReceiveMessage", &input.queue_url)
    }

    async fn call(&self, cx: &Cx, input: ReceiveMessageRequest) -> Result<ReceiveMessageResult> {
        let queue = self.queue(cx, &input.queue_url)?;
        let meta = queue.meta();
        let in_range = |name: &str,
                        value: Option<i32>,
                        default: i32,
                        range: std::ops::RangeInclusive<i32>,
                        reason: &str| {
            match value {
                None => Ok(default),
                Some(value) if range.contains(&value) => Ok(value),
                Some(value) => Err(error::invalid_value(&value.to_string(), name, reason)),
            }
        };
        let max = in_range(
            "MaxNumberOfMessages",
            input.max_number_of_messages,
            1,
            1..=MESSAGES_MAX,
            "Must be between 1 and 10, if provided.",
        )?;
        let wait_secs = in_range(
            "WaitTimeSeconds",
            input.wait_time_seconds,
            meta.attributes.wait_secs as i32,
            0..=WAIT_SECS_MAX,
            "Must be >= 0 and <= 20, if provided.",
        )?;
        let visibility_secs = in_range(
            "VisibilityTimeout",
            input.visibility_timeout,
            meta.attributes.visibility_secs as i32,
            0..=VISIBILITY_SECS_MAX,
            "Must be between 0 and 43200, if provided.",
        )?;
        // AWS passes over it where the queue is a standard one (awspring/spring-cloud-aws issue 529).
        let attempt = input.receive_request_attempt_id.filter(|_| meta.attributes.fifo);
        check_id(attempt.as_deref(), "ReceiveRequestAttemptId")?;
        // By the model, which SDKs follow, the older member has the names of queues' attributes: no message has those.
        let named = input.attribute_names.into_iter().flatten();
        let named = named.filter(|name| SYSTEM.contains(&name.as_str()) || !attributes::is_known(name));
        let system: Vec<String> =
            named.chain(input.message_system_attribute_names.into_iter().flatten()).collect();
        if let Some(unknown) = system.iter().find(|name| !SYSTEM.contains(&name.as_str())) {
            return Err(error::unknown_attribute(unknown));
        }
        let wanted_attributes = input.message_attribute_names.unwrap_or_default();
        let wanted = Wanted {
            max: max as usize,
            visibility_ms: i64::from(visibility_secs) * 1000,
            wait_ms: i64::from(wait_secs) * 1000,
            attempt,
        };
        let received = self.plane.receive(&queue, &wanted).await?;
        let deliveries = self.read(cx, &queue, received).await?;
        let (metric, number) =
            if deliveries.is_empty() { (EMPTY_RECEIVES, 1) } else { (RECEIVED, deliveries.len()) };
        count(&self.platform.metrics, cx, &queue, metric, number);
        let messages: Vec<Message> = deliveries
            .into_iter()
            .map(|(delivery, body)| self.render(&queue, delivery, body, &system, &wanted_attributes))
            .collect();
        Ok(ReceiveMessageResult { messages: (!messages.is_empty()).then_some(messages) })
    }
}

impl Sqs {
    /// The messages with what they say. Those that KMS does not open for the caller go back as if they had not been received,
    /// and so do all that are sealed when the client goes away meanwhile; it is an error when there are no others.
    async fn read(
        &self,
        cx: &Cx,
        queue: &Arc<LiveQueue>,
        received: Vec<Delivery>,
    ) -> Result<Vec<(Delivery, String)>> {
        let reuse_secs = queue.meta().attributes.kms.as_ref().map_or(REUSE_SECS, |kms| kms.reuse_secs);
        let is_sealed = |delivery: &&Delivery| matches!(delivery.stored.body, Body::Sealed(_));
        let sealed = received.iter().filter(is_sealed).map(|delivery| delivery.ticket.clone()).collect();
        let mut unread = Unread::new(&self.plane, queue, sealed);
        let (mut opened, mut refused) = (Vec::with_capacity(received.len()), None);
        for mut delivery in received {
            let text = match std::mem::replace(&mut delivery.stored.body, Body::Plain(String::new())) {
                Body::Plain(text) => text,
                Body::Sealed(sealed) => match self.keys.open(&self.platform, cx, &sealed, reuse_secs).await {
                    Ok(text) => {
                        delivery.stored.body_md5 = md5(text.as_bytes());
                        text
                    }
                    Err(error) => {
                        refused = Some(error);
                        continue;
                    }
                },
            };
            opened.push((delivery, text));
        }
        opened.iter().for_each(|(delivery, _)| unread.keep(&delivery.ticket));
        match refused {
            Some(error) if opened.is_empty() => Err(error),
            _ => Ok(opened),
        }
    }

    fn render(
        &self,
        queue: &LiveQueue,
        delivery: Delivery,
        body: String,
        system: &[String],
        wanted: &[String],
    ) -> Message {
        let receipt = receipt(queue, &delivery);
        let Delivery { ticket, stored, .. } = delivery;
        let fifo = queue.meta().attributes.fifo;
        let known = [
            (system::SENDER_ID, Some(stored.sender_id)),
            (system::SENT_TIMESTAMP, Some(ticket.sent_ms.to_string())),
            (system::APPROXIMATE_RECEIVE_COUNT, Some(ticket.receives.to_string())),
            (system::APPROXIMATE_FIRST_RECEIVE_TIMESTAMP, Some(ticket.first_receive_ms.to_string())),
            (system::SEQUENCE_NUMBER, fifo.then(|| sequence(ticket.seq))),
            (system::MESSAGE_DEDUPLICATION_ID, stored.deduplication_id),
            (system::MESSAGE_GROUP_ID, stored.group_id),
            (system::AWS_TRACE_HEADER, stored.trace_header),
            (system::DEAD_LETTER_QUEUE_SOURCE_ARN, stored.dead_letter_source),
        ];
        let asked = |name: &str| system.iter().any(|asked| asked == system::ALL || asked == name);
        let attributes: Map<String> = known
            .into_iter()
            .filter(|(name, _)| asked(name))
            .filter_map(|(name, text)| Some((name, text?)))
            .collect();
        let selected: Vec<Attribute> =
            stored.attributes.into_iter().filter(|attribute| selects(wanted, &attribute.name)).collect();
        let md5_of_message_attributes = attributes_md5(&selected);
        let selected: Map<MessageAttributeValue> = selected.into_iter().map(to_wire).collect();
        Message {
            message_id: Some(uuid(&stored.message_id)),
            receipt_handle: Some(seal(&self.platform.seal, &receipt)),
            md5_of_body: Some(hex::encode(stored.body_md5)),
            body: Some(body),
            attributes: (!attributes.is_empty()).then_some(attributes),
            md5_of_message_attributes,
            message_attributes: (!selected.is_empty()).then_some(selected),
        }
    }
}

fn receipt(queue: &LiveQueue, delivery: &Delivery) -> Receipt {
    let Delivery { ticket, at_ms, .. } = delivery;
    Receipt { queue: queue.no, slot: ticket.slot, seq: ticket.seq, receives: ticket.receives, at_ms: *at_ms }
}

/// Whether one of the names that were asked for is this one, `All`, or a prefix of it: `bar.*` stands for all that starts with
/// `bar`, as `.*` does for all. Source: API reference, ReceiveMessage.
fn selects(wanted: &[String], name: &str) -> bool {
    wanted.iter().any(|asked| match asked.strip_suffix(".*") {
        Some(prefix) => name.starts_with(prefix),
        None => asked == "All" || asked == name,
    })
}

fn to_wire(attribute: Attribute) -> (String, MessageAttributeValue) {
    let mut value = MessageAttributeValue { data_type: attribute.data_type, ..Default::default() };
    match attribute.value {
        Value::String(text) => value.string_value = Some(text),
        Value::Binary(bytes) => value.binary_value = Some(bytes),
    }
    (attribute.name, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attribute_filters() {
        for (wanted, name, yes) in [
            ("All", "a", true),
            (".*", "a", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a.*", "a.b", true),
            ("a.*", "a", true),
            ("a.*", "ab", true),
            ("a.*", "ba", false),
            ("A", "a", false),
        ] {
            assert_eq!(selects(&[wanted.into()], name), yes, "{wanted} {name}");
        }
        assert!(!selects(&[], "a"));
    }
}
