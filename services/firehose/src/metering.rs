//! What streams take in. Source: Amazon Data Firehose pricing, "Ingestion": records that are put count in steps of 5 KB, and so do those
//! that are read from Kinesis Data Streams.

use haneul_kit::meter::{At, UsageType};

use crate::Firehose;
use crate::firehose::arn;
use crate::model::StreamKey;

const PUT: UsageType = UsageType::new("BilledBytes", "Bytes");
const READ: UsageType = UsageType::new("StreamsSourceBilledBytes", "Bytes");
const STEP: usize = 5 * 1024;

impl Firehose {
    pub(crate) fn meter_put(&self, key: &StreamKey, sizes: impl Iterator<Item = usize>) {
        self.meter(key, "PutRecord", PUT, sizes);
    }

    pub(crate) fn meter_read(&self, key: &StreamKey, sizes: impl Iterator<Item = usize>) {
        self.meter(key, "GetRecords", READ, sizes);
    }

    fn meter(&self, key: &StreamKey, operation: &str, kind: UsageType, sizes: impl Iterator<Item = usize>) {
        let resource = arn(key).to_string();
        let (at, owner) = (self.platform.env.now(), (key.0, key.1));
        let at = At { at, owner, service: "firehose", operation, resource: &resource };
        let bytes: usize = sizes.map(|size| size.div_ceil(STEP).max(1) * STEP).sum();
        self.platform.meter.used(at, kind, bytes as u64);
    }
}
