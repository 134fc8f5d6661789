//! What streams cost. Source: Amazon Kinesis Data Streams pricing, and the usage types of its price list.

use haneul_kit::meter::{At, Held, UsageType};
use haneul_kit::{BoxFuture, Result};

use crate::Kinesis;
use crate::plane::Stream;

const SHARD: UsageType = UsageType::new("Storage-ShardHour", "Shard-Hours");
const EXTENDED: UsageType = UsageType::new("Extended-ShardHour", "Shard-Hours");
const CONSUMER: UsageType = UsageType::new("EnhancedFanoutHour", "Consumer-Shard-Hours");
const STREAM: UsageType = UsageType::new("OnDemand-StreamHour", "Stream-Hours");
const PUT: UsageType = UsageType::new("PutRequestPayloadUnits", "PayloadUnits");
const FANNED_OUT: UsageType = UsageType::new("ReadBytes", "Bytes");
const IN: UsageType = UsageType::new("OnDemand-BilledIncomingBytes", "Bytes");
const OUT: UsageType = UsageType::new("OnDemand-BilledOutgoingBytes", "Bytes");
const OUT_FANNED: UsageType = UsageType::new("OnDemand-BilledOutgoingEFOBytes", "Bytes");

/// A record costs a unit for each 25 KB that it begins; where the stream is on demand, each KB.
const UNIT_BYTES: usize = 25 * 1024;
const KIB: usize = 1024;
/// What is kept longer than a day is paid for.
const RETENTION_HOURS: u32 = 24;

/// Shards and their consumers, by the hour; streams on demand as a whole.
pub(crate) fn held(kinesis: &Kinesis) -> BoxFuture<'_, Result<Vec<Held>>> {
    let mut all = Vec::new();
    for stream in kinesis.registry.all() {
        let (state, key) = (stream.state(), &stream.key);
        if state.gone || !state.record.is_usable() {
            continue;
        }
        let resource = key.arn().to_string();
        let mut hold = |operation, kind, amount: usize| {
            let (account, region, resource) = (key.account, key.region, resource.clone());
            if amount > 0 {
                let amount = amount as u64;
                all.push(Held { account, region, service: "kinesis", operation, resource, kind, amount });
            }
        };
        if state.record.on_demand {
            // Consumers of such a stream are paid by what they read.
            hold("OnDemandStreamHr", STREAM, 1);
            continue;
        }
        let open = state.open().len();
        hold("shardHourStorage", SHARD, open);
        hold(
            "shardHourStorage",
            EXTENDED,
            if state.record.retention_hours > RETENTION_HOURS { open } else { 0 },
        );
        let consumers = state.consumers.values().filter(|consumer| consumer.record.deleted_ms.is_none());
        hold("ConsumerHour", CONSUMER, consumers.count() * open);
    }
    Box::pin(async move { Ok(all) })
}

impl Kinesis {
    /// Records of these sizes that were put, keys included.
    pub(crate) fn meter_put(&self, stream: &Stream, sizes: impl Iterator<Item = usize>) {
        let on_demand = stream.state().record.on_demand;
        let units = |size: usize| match on_demand {
            true => size.div_ceil(KIB).max(1) * KIB,
            false => size.div_ceil(UNIT_BYTES).max(1),
        };
        let amount = sizes.map(units).sum::<usize>();
        match on_demand {
            true => self.meter(stream, "OnDemandDataIngested", IN, amount),
            false => self.meter(stream, "PutRequest", PUT, amount),
        }
    }

    /// Bytes that were got; those of shards are free.
    pub(crate) fn meter_got(&self, stream: &Stream, bytes: usize) {
        if stream.state().record.on_demand {
            self.meter(stream, "OnDemandDataRetrieval", OUT, bytes);
        }
    }

    /// Bytes that were pushed to a consumer.
    pub(crate) fn meter_pushed(&self, stream: &Stream, bytes: usize) {
        match stream.state().record.on_demand {
            true => self.meter(stream, "OnDemandEFODataRetrieval", OUT_FANNED, bytes),
            false => self.meter(stream, "EnhancedFanoutDataRetrieval", FANNED_OUT, bytes),
        }
    }

    fn meter(&self, stream: &Stream, operation: &str, kind: UsageType, amount: usize) {
        let owner = (stream.key.account, stream.key.region);
        let (at, resource) = (self.platform.env.now(), stream.arn.as_str());
        let at = At { at, owner, service: "kinesis", operation, resource };
        self.platform.meter.used(at, kind, amount as u64);
    }
}
