//! RegisterStreamConsumer, DeregisterStreamConsumer, DescribeStreamConsumer and ListStreamConsumers.

use haneul_kinesis_wire::operations::{
    DeregisterStreamConsumer, DescribeStreamConsumer, ListStreamConsumers, RegisterStreamConsumer,
};
use haneul_kinesis_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Instant, Result, paging};
use haneul_shape::Empty;
use haneul_shape::value::Map;
use serde::{Deserialize, Serialize};

use super::{TOKEN_MS, tags};
use crate::Kinesis;
use crate::error;
use crate::model::ConsumerRecord;
use crate::names::{self, ConsumerName, NamedConsumer, StreamKey};
use crate::plane::stream::Consumer;

/// Source: Developer Guide, "Quotas and limits", and API Reference, "RegisterStreamConsumer".
const CONSUMERS_MAX: usize = 20;
const CREATING_MAX: usize = 5;
const LISTED_MAX: i32 = 100;

impl Handle<RegisterStreamConsumer> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::RegisterStreamConsumerInput) -> Result<Vec<Access>> {
        let key = names::stream_arn(&input.stream_arn)?;
        let empty = Map::default();
        let tags = || input.tags.as_ref().unwrap_or(&empty).iter().map(|(key, value)| (key, value.as_str()));
        let mut all = vec![self.on_stream("kinesis:RegisterStreamConsumer", &key).request_tags(tags())];
        if tags().next().is_some() {
            // Tags are put on the consumer that is to be.
            let consumer = ConsumerName { name: input.consumer_name.clone(), created_secs: cx.now().secs() };
            all.push(Access::on("kinesis:TagResource", &key.consumer_arn(&consumer)).request_tags(tags()));
        }
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::RegisterStreamConsumerInput,
    ) -> Result<s::RegisterStreamConsumerOutput> {
        let stream = self.stream(cx, None, Some(&input.stream_arn)).await?;
        let tags = tags::given(&input.consumer_name, stream.key.account, input.tags.unwrap_or_default())?;
        let tags = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let (key, name, now_ms) = (stream.key.clone(), input.consumer_name.clone(), cx.now().millis());
        let made = self.registry.change_consumer(&stream, &input.consumer_name, move |state, before| {
            if !state.record.is_usable() {
                return Err(error::not_active(&key, state.record.status()));
            }
            if before.is_some() {
                return Err(error::in_use(format!(
                    "Consumer {name} under stream {} already exists for account {}.",
                    key.name, key.account
                )));
            }
            if state.consumers.len() >= CONSUMERS_MAX {
                return Err(error::limit(format!(
                    "A stream cannot have more than {CONSUMERS_MAX} registered consumers."
                )));
            }
            let creating =
                state.consumers.values().filter(|consumer| consumer.record.status(now_ms) == "CREATING");
            if creating.count() >= CREATING_MAX {
                return Err(error::limit(format!(
                    "No more than {CREATING_MAX} consumers can be in CREATING status at the same time."
                )));
            }
            let record = ConsumerRecord { created_ms: now_ms, deleted_ms: None, policy: None, tags };
            Ok((record.clone(), Consumer::new(record)))
        });
        let made = made.await?;
        Ok(s::RegisterStreamConsumerOutput {
            consumer: described(&stream.key, &input.consumer_name, &made, now_ms),
        })
    }
}

impl Handle<DeregisterStreamConsumer> for Kinesis {
    async fn access(&self, _: &Cx, input: &s::DeregisterStreamConsumerInput) -> Result<Vec<Access>> {
        let named = named(&input.stream_arn, &input.consumer_name, &input.consumer_arn);
        self.on_consumer("kinesis:DeregisterStreamConsumer", named)
    }

    async fn call(&self, cx: &Cx, input: s::DeregisterStreamConsumerInput) -> Result<Empty> {
        let named = named(&input.stream_arn, &input.consumer_name, &input.consumer_arn);
        let (stream, named, _) = self.consumer(cx, named).await?;
        let now_ms = cx.now().millis();
        self.edit_consumer(&stream, &named.name, move |record| {
            record.deleted_ms.get_or_insert(now_ms);
            Ok(())
        })
        .await?;
        self.subscriptions.end(stream.no, &named.name);
        self.keeper.wake();
        Ok(Empty)
    }
}

impl Handle<DescribeStreamConsumer> for Kinesis {
    async fn access(&self, _: &Cx, input: &s::DescribeStreamConsumerInput) -> Result<Vec<Access>> {
        let named = named(&input.stream_arn, &input.consumer_name, &input.consumer_arn);
        self.on_consumer("kinesis:DescribeStreamConsumer", named)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeStreamConsumerInput,
    ) -> Result<s::DescribeStreamConsumerOutput> {
        let named = named(&input.stream_arn, &input.consumer_name, &input.consumer_arn);
        let (stream, named, consumer) = self.consumer(cx, named).await?;
        let described = described(&stream.key, &named.name, &consumer, cx.now().millis());
        Ok(s::DescribeStreamConsumerOutput {
            consumer_description: s::ConsumerDescription {
                consumer_arn: described.consumer_arn,
                consumer_status: described.consumer_status,
                consumer_creation_timestamp: described.consumer_creation_timestamp,
                consumer_name: described.consumer_name,
                stream_arn: stream.arn.to_string(),
            },
        })
    }
}

/// Where a listing goes on.
#[derive(Serialize, Deserialize)]
struct Position {
    after: String,
    no: u64,
    made_ms: i64,
}

impl Handle<ListStreamConsumers> for Kinesis {
    async fn access(&self, _: &Cx, input: &s::ListStreamConsumersInput) -> Result<Vec<Access>> {
        let key = names::stream_arn(&input.stream_arn)?;
        Ok(vec![self.on_stream("kinesis:ListStreamConsumers", &key)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListStreamConsumersInput,
    ) -> Result<s::ListStreamConsumersOutput> {
        const PURPOSE: &str = "kinesis.ListStreamConsumers";
        let stream = self.stream(cx, None, Some(&input.stream_arn)).await?;
        let state = stream.state();
        let limit = input.max_results.unwrap_or(LISTED_MAX).clamp(1, LISTED_MAX) as usize;
        let created_secs = state.record.created_ms.div_euclid(1000);
        if input.stream_creation_timestamp.is_some_and(|at| at.secs() != created_secs) {
            return Err(error::no_stream(&stream.key));
        }
        let now_ms = cx.now().millis();
        let after = match &input.next_token {
            None => String::new(),
            Some(_) if input.stream_creation_timestamp.is_some() => {
                return Err(error::invalid(
                    "NextToken and StreamCreationTimestamp cannot be provided together.",
                ));
            }
            Some(token) => {
                let position: Option<Position> = paging::position(&self.platform.seal, PURPOSE, token);
                let position = position.filter(|position| position.no == stream.no);
                let position = position.ok_or_else(error::invalid_token)?;
                if now_ms - position.made_ms > TOKEN_MS {
                    return Err(error::token_expired());
                }
                position.after
            }
        };
        let rest = state.consumers.range(after.clone()..).filter(|(name, _)| **name != after);
        let items: Vec<_> = rest.take(limit + 1).collect();
        let page = paging::cut(items, limit, &self.platform.seal, PURPOSE, |(name, _)| Position {
            after: (*name).clone(),
            no: stream.no,
            made_ms: now_ms,
        });
        let consumers =
            page.items.into_iter().map(|(name, consumer)| described(&stream.key, name, consumer, now_ms));
        Ok(s::ListStreamConsumersOutput { consumers: Some(consumers.collect()), next_token: page.next })
    }
}

fn named<'a>(
    stream_arn: &'a Option<String>,
    name: &'a Option<String>,
    arn: &'a Option<String>,
) -> NamedConsumer<'a> {
    NamedConsumer { stream_arn: stream_arn.as_deref(), name: name.as_deref(), arn: arn.as_deref() }
}

fn described(stream: &StreamKey, name: &str, consumer: &Consumer, now_ms: i64) -> s::Consumer {
    let named = consumer.named(name);
    s::Consumer {
        consumer_arn: stream.consumer_arn(&named).to_string(),
        consumer_status: consumer.record.status(now_ms).to_owned(),
        consumer_creation_timestamp: Instant::from_secs(named.created_secs),
        consumer_name: named.name,
    }
}
