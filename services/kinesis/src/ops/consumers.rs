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
use crate::names::{self, ConsumerName};

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
        let changed = self.registry.change_consumer(&stream, &input.consumer_name, move |state, before| {
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
            Ok((record, ()))
        });
        changed.await?;
        let named = ConsumerName { name: input.consumer_name, created_secs: now_ms.div_euclid(1000) };
        Ok(s::RegisterStreamConsumerOutput {
            consumer: s::Consumer {
                consumer_arn: stream.key.consumer_arn(&named).to_string(),
                consumer_name: named.name,
                consumer_status: "CREATING".into(),
                consumer_creation_timestamp: Instant::from_secs(named.created_secs),
            },
        })
    }
}

impl Handle<DeregisterStreamConsumer> for Kinesis {
    async fn access(&self, _: &Cx, input: &s::DeregisterStreamConsumerInput) -> Result<Vec<Access>> {
        self.on_consumer(
            "kinesis:DeregisterStreamConsumer",
            input.stream_arn.as_deref(),
            input.consumer_name.as_deref(),
            input.consumer_arn.as_deref(),
        )
    }

    async fn call(&self, cx: &Cx, input: s::DeregisterStreamConsumerInput) -> Result<Empty> {
        let (stream, named, _) = self
            .consumer(
                cx,
                input.stream_arn.as_deref(),
                input.consumer_name.as_deref(),
                input.consumer_arn.as_deref(),
            )
            .await?;
        let (key, now_ms, name) = (stream.key.clone(), cx.now().millis(), named.name.clone());
        let changed = self.registry.change_consumer(&stream, &named.name, move |_, before| {
            let before = before.ok_or_else(|| error::no_consumer(&key, &name))?;
            let deleted_ms = before.deleted_ms.or(Some(now_ms));
            Ok((ConsumerRecord { deleted_ms, ..before }, ()))
        });
        changed.await?;
        self.subscriptions.end(stream.no, &named.name);
        self.keeper.wake();
        Ok(Empty)
    }
}

impl Handle<DescribeStreamConsumer> for Kinesis {
    async fn access(&self, _: &Cx, input: &s::DescribeStreamConsumerInput) -> Result<Vec<Access>> {
        self.on_consumer(
            "kinesis:DescribeStreamConsumer",
            input.stream_arn.as_deref(),
            input.consumer_name.as_deref(),
            input.consumer_arn.as_deref(),
        )
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeStreamConsumerInput,
    ) -> Result<s::DescribeStreamConsumerOutput> {
        let (stream, named, consumer) = self
            .consumer(
                cx,
                input.stream_arn.as_deref(),
                input.consumer_name.as_deref(),
                input.consumer_arn.as_deref(),
            )
            .await?;
        Ok(s::DescribeStreamConsumerOutput {
            consumer_description: s::ConsumerDescription {
                consumer_arn: stream.key.consumer_arn(&named).to_string(),
                consumer_status: consumer.record.status(cx.now().millis()).to_owned(),
                consumer_creation_timestamp: Instant::from_secs(named.created_secs),
                consumer_name: named.name,
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
        let consumers = page.items.into_iter().map(|(name, consumer)| {
            let named = consumer.named(name);
            s::Consumer {
                consumer_arn: stream.key.consumer_arn(&named).to_string(),
                consumer_status: consumer.record.status(now_ms).to_owned(),
                consumer_creation_timestamp: Instant::from_secs(named.created_secs),
                consumer_name: named.name,
            }
        });
        Ok(s::ListStreamConsumersOutput { consumers: Some(consumers.collect()), next_token: page.next })
    }
}
