use haneul_kinesis_wire::values::{error, shard_filter_type, shard_iterator_type};
use haneul_kinesis_wire::{operations as op, shapes as k};
use haneul_kit::{Instant, Operation, Result};

use super::Reader;
use crate::metrics;
use crate::model::PositionRecord;

impl Reader {
    async fn ask<O: Operation>(&self, input: O::Input) -> Result<O::Output> {
        let caller = self.state.acting(&self.key, &self.source.role).await?;
        self.state.platform.bus.call::<O>(caller, self.key.1, None, input).await
    }

    /// When reading begins. Not in the future, whatever the clock was set back by: Kinesis would refuse it.
    fn since(&self) -> Instant {
        self.since.min(self.state.platform.env.now())
    }

    /// Every shard that was open since.
    pub(super) async fn list(&self) -> Result<Vec<k::Shard>> {
        let mut shards = Vec::new();
        let mut input = k::ListShardsInput {
            stream_arn: Some(self.source.stream.clone()),
            shard_filter: Some(k::ShardFilter {
                r#type: shard_filter_type::FROM_TIMESTAMP.into(),
                timestamp: Some(self.since()),
                ..Default::default()
            }),
            ..Default::default()
        };
        loop {
            let listed = self.ask::<op::ListShards>(input).await?;
            shards.extend(listed.shards.unwrap_or_default());
            if listed.next_token.is_none() {
                return Ok(shards);
            }
            input = k::ListShardsInput { next_token: listed.next_token, ..Default::default() };
        }
    }

    /// Where to read on in a shard; `None` when it was asked too often.
    pub(super) async fn iterator(&self, shard: &str, position: &PositionRecord) -> Result<Option<String>> {
        let (kind, timestamp) = match position.after {
            Some(_) => (shard_iterator_type::AFTER_SEQUENCE_NUMBER, None),
            None => (shard_iterator_type::AT_TIMESTAMP, Some(self.since())),
        };
        let input = k::GetShardIteratorInput {
            stream_arn: Some(self.source.stream.clone()),
            shard_id: shard.to_owned(),
            shard_iterator_type: kind.into(),
            starting_sequence_number: position.after.clone(),
            timestamp,
            ..Default::default()
        };
        match self.ask::<op::GetShardIterator>(input).await {
            Ok(got) => Ok(got.shard_iterator),
            Err(refused) if refused.code() == error::PROVISIONED_THROUGHPUT_EXCEEDED_EXCEPTION => {
                self.state.sample(metrics::ITERATOR_THROTTLED, &self.key, 1.0);
                Ok(None)
            }
            Err(refused) => Err(refused),
        }
    }

    /// Records from an iterator on; `None` when the shard was read too often.
    pub(super) async fn page(&self, iterator: String) -> Result<Option<k::GetRecordsOutput>> {
        let stream_arn = Some(self.source.stream.clone());
        let input = k::GetRecordsInput { shard_iterator: iterator, stream_arn, ..Default::default() };
        match self.ask::<op::GetRecords>(input).await {
            Ok(page) => Ok(Some(page)),
            Err(refused) if refused.code() == error::PROVISIONED_THROUGHPUT_EXCEEDED_EXCEPTION => {
                self.state.sample(metrics::READ_THROTTLED, &self.key, 1.0);
                Ok(None)
            }
            Err(refused) => Err(refused),
        }
    }
}
