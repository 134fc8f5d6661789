//! The service's state, and what its operations share.

use std::sync::Arc;

use haneul_kinesis_wire::operations as op;
use haneul_kit::{Access, Cx, Platform, Result, Service, Signal};

use crate::error;
use crate::keys::Keys;
use crate::names::{self, ConsumerName, NamedConsumer, Resource, StreamKey};
use crate::ops::subscribe::Subscriptions;
use crate::plane::stream::{Consumer, SHARED};
use crate::plane::{Shard, Stream};
use crate::store::Registry;
use crate::tasks::Keeper;

pub struct Kinesis {
    pub(crate) platform: Platform,
    pub(crate) registry: Arc<Registry>,
    pub(crate) keys: Keys,
    /// Wakes the keeper.
    pub(crate) keeper: Signal,
    pub(crate) subscriptions: Arc<Subscriptions>,
    /// For event streams, which outlive their call.
    pub(crate) this: std::sync::Weak<Kinesis>,
}

/// Opens the streams.
pub async fn service(platform: &Platform) -> Result<Service> {
    Ok(serving(Kinesis::open(platform).await?))
}

pub(crate) fn serving(kinesis: Arc<Kinesis>) -> Service {
    kinesis.platform.tagged.add("kinesis", crate::resources::KINDS, crate::resources::list);
    kinesis.platform.meter.holds("kinesis", &kinesis, crate::metering::held);
    let keeper = Keeper::new(kinesis.registry.clone(), kinesis.keeper.clone());
    Service::of(&haneul_kinesis_wire::SERVICE, kinesis)
        .op::<op::AddTagsToStream>()
        .op::<op::CreateStream>()
        .op::<op::DecreaseStreamRetentionPeriod>()
        .op::<op::DeleteResourcePolicy>()
        .op::<op::DeleteStream>()
        .op::<op::DeregisterStreamConsumer>()
        .op::<op::DescribeLimits>()
        .op::<op::DescribeStream>()
        .op::<op::DescribeStreamConsumer>()
        .op::<op::DescribeStreamSummary>()
        .op::<op::DisableEnhancedMonitoring>()
        .op::<op::EnableEnhancedMonitoring>()
        .op::<op::GetRecords>()
        .op::<op::GetResourcePolicy>()
        .op::<op::GetShardIterator>()
        .op::<op::IncreaseStreamRetentionPeriod>()
        .op::<op::ListShards>()
        .op::<op::ListStreamConsumers>()
        .op::<op::ListStreams>()
        .op::<op::ListTagsForResource>()
        .op::<op::ListTagsForStream>()
        .op::<op::MergeShards>()
        .op::<op::PutRecord>()
        .op::<op::PutRecords>()
        .op::<op::PutResourcePolicy>()
        .op::<op::RegisterStreamConsumer>()
        .op::<op::RemoveTagsFromStream>()
        .op::<op::SplitShard>()
        .op::<op::StartStreamEncryption>()
        .op::<op::StopStreamEncryption>()
        .op::<op::SubscribeToShard>()
        .op::<op::TagResource>()
        .op::<op::UntagResource>()
        .op::<op::UpdateMaxRecordSize>()
        .op::<op::UpdateShardCount>()
        .op::<op::UpdateStreamMode>()
        .op::<op::UpdateStreamRecordDistributionStrategy>()
        .reconciler(Arc::new(keeper))
        .build()
}

impl Kinesis {
    pub(crate) async fn open(platform: &Platform) -> Result<Arc<Kinesis>> {
        let registry = Arc::new(Registry::open(&platform.store, &platform.env).await?);
        Ok(Arc::new_cyclic(|this| Kinesis {
            platform: platform.clone(),
            registry,
            keys: Keys::default(),
            keeper: Signal::default(),
            subscriptions: Arc::default(),
            this: this.clone(),
        }))
    }

    /// The stream that a request names, as it is now.
    pub(crate) async fn stream(&self, cx: &Cx, name: Option<&str>, arn: Option<&str>) -> Result<Arc<Stream>> {
        self.stream_of(cx, &names::stream(cx, name, arn)?).await
    }

    /// A stream in the caller's Region.
    pub(crate) async fn stream_of(&self, cx: &Cx, key: &StreamKey) -> Result<Arc<Stream>> {
        let found = self.registry.get(key).filter(|_| key.region == cx.region());
        let stream = found.ok_or_else(|| error::no_stream(key))?;
        self.registry.settle(&stream).await?;
        if stream.state().gone { Err(error::no_stream(key)) } else { Ok(stream) }
    }

    /// A stream whose records can be put and read.
    pub(crate) async fn usable(&self, cx: &Cx, key: &StreamKey) -> Result<Arc<Stream>> {
        let stream = self.stream_of(cx, key).await?;
        if stream.state().record.is_usable() { Ok(stream) } else { Err(error::no_stream(key)) }
    }

    /// The consumer that a request names, as it is now.
    pub(crate) async fn consumer(
        &self,
        cx: &Cx,
        named: NamedConsumer<'_>,
    ) -> Result<(Arc<Stream>, ConsumerName, Consumer)> {
        let (key, name, secs) = named.parse()?;
        let stream = self.stream_of(cx, &key).await?;
        let found = stream.state().consumers.get(&name).cloned();
        let found =
            found.filter(|consumer| secs.is_none_or(|secs| consumer.named(&name).created_secs == secs));
        let consumer = found.ok_or_else(|| error::no_consumer(&key, named.arn.unwrap_or(&name)))?;
        Ok((stream, consumer.named(&name), consumer))
    }

    /// Permission for an action on a stream. Its policy counts where it can give that action to others.
    pub(crate) fn on_stream(&self, action: &'static str, key: &StreamKey) -> Access {
        let access = Access::on(action, &key.arn());
        let Some(stream) = self.registry.get(key) else { return access };
        let state = stream.state();
        let tags = state.record.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        access.with_policy(state.policy.clone().filter(|_| SHARED.contains(&action))).resource_tags(tags)
    }

    pub(crate) fn on_named(
        &self,
        cx: &Cx,
        action: &'static str,
        name: Option<&str>,
        arn: Option<&str>,
    ) -> Result<Vec<Access>> {
        Ok(vec![self.on_stream(action, &names::stream(cx, name, arn)?)])
    }

    pub(crate) fn on_consumer(&self, action: &'static str, named: NamedConsumer<'_>) -> Result<Vec<Access>> {
        let (key, name, secs) = named.parse()?;
        let consumer =
            self.registry.get(&key).and_then(|stream| stream.state().consumers.get(&name).cloned());
        let named = match (&consumer, secs) {
            (_, Some(created_secs)) => ConsumerName { name, created_secs },
            (Some(consumer), None) => consumer.named(&name),
            (None, None) => ConsumerName { name, created_secs: 0 },
        };
        let access = Access::on(action, &key.consumer_arn(&named));
        let Some(consumer) = consumer else { return Ok(vec![access]) };
        let tags = consumer.record.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let policy = consumer.policy.clone().filter(|_| SHARED.contains(&action));
        Ok(vec![access.with_policy(policy).resource_tags(tags)])
    }

    /// Permission for an action on whatever an ARN names.
    pub(crate) fn on_resource(&self, action: &'static str, arn: &str) -> Result<Vec<Access>> {
        match names::resource(arn)? {
            Resource::Stream(key) => Ok(vec![self.on_stream(action, &key)]),
            Resource::Consumer(..) => self.on_consumer(action, NamedConsumer::by_arn(arn)),
        }
    }
}

/// The shard of a stream by its id.
pub(crate) fn shard(stream: &Stream, id: &str) -> Option<Arc<Shard>> {
    stream.state().shards.get(&names::shard_index(id)?).cloned()
}
