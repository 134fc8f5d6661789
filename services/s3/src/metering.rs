//! What buckets hold by the hour, what is retrieved, and what leaves a class before its time.
//!
//! Source: S3 User Guide, "AWS billing and usage reports for Amazon S3" (usage types), "Understanding and managing Amazon S3
//! storage classes" (minimum durations), and Amazon S3 pricing. Bytes are those of the last midnight, where AWS measures twice a
//! day or more.

use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::meter::{Held, UsageType};
use haneul_kit::{AccountId, Arn, Instant, Region, Result};

use crate::S3;
use crate::archive::Tier;
use crate::bucket::Bucket;
use crate::model::{Body, BucketRecord};

const HOUR_S: i64 = 3600;
const DAY_S: i64 = 24 * HOUR_S;
/// Buckets, and deletions, that are looked at at once.
const PAGE: usize = 500;

/// The usage type of each storage type of CloudWatch.
fn stored(storage_type: &str) -> (&'static str, UsageType) {
    let (operation, name) = match storage_type {
        "StandardIAStorage" => ("StandardIAStorage", "TimedStorage-SIA-ByteHrs"),
        "StandardIASizeOverhead" => ("StandardIASizeOverhead", "TimedStorage-SIA-SmObjects"),
        "OneZoneIAStorage" => ("OneZoneIAStorage", "TimedStorage-ZIA-ByteHrs"),
        "OneZoneIASizeOverhead" => ("OneZoneIASizeOverhead", "TimedStorage-ZIA-SmObjects"),
        "ReducedRedundancyStorage" => ("ReducedRedundancyStorage", "TimedStorage-RRS-ByteHrs"),
        "GlacierInstantRetrievalStorage" => ("GlacierInstantRetrievalStorage", "TimedStorage-GIR-ByteHrs"),
        "GlacierInstantRetrievalSizeOverhead" => {
            ("GlacierInstantRetrievalSizeOverhead", "TimedStorage-GIR-SmObjects")
        }
        "GlacierStorage" => ("GlacierStorage", "TimedStorage-GlacierByteHrs"),
        "GlacierObjectOverhead" => ("GlacierObjectOverhead", "TimedStorage-GlacierByteHrs"),
        "GlacierS3ObjectOverhead" => ("GlacierS3ObjectOverhead", "TimedStorage-ByteHrs"),
        "DeepArchiveStorage" => ("DeepArchiveStorage", "TimedStorage-GDA-ByteHrs"),
        "DeepArchiveObjectOverhead" => ("DeepArchiveObjectOverhead", "TimedStorage-GDA-ByteHrs"),
        "DeepArchiveS3ObjectOverhead" => ("DeepArchiveS3ObjectOverhead", "TimedStorage-ByteHrs"),
        "IntelligentTieringFAStorage" => ("IntelligentTieringFAStorage", "TimedStorage-INT-FA-ByteHrs"),
        "IntelligentTieringIAStorage" => ("IntelligentTieringIAStorage", "TimedStorage-INT-IA-ByteHrs"),
        "IntelligentTieringAIAStorage" => ("IntelligentTieringAIAStorage", "TimedStorage-INT-AIA-ByteHrs"),
        "IntelligentTieringAAStorage" => ("IntelligentTieringAAStorage", "TimedStorage-INT-AA-ByteHrs"),
        "IntelligentTieringDAAStorage" => ("IntelligentTieringDAAStorage", "TimedStorage-INT-DAA-ByteHrs"),
        _ => ("StandardStorage", "TimedStorage-ByteHrs"),
    };
    (operation, UsageType::new(name, "Byte-Hours"))
}

/// Bytes that are read of a class whose reads are paid for.
fn retrieved(class: &str) -> Option<UsageType> {
    let name = match class {
        "STANDARD_IA" => "Retrieval-SIA",
        "ONEZONE_IA" => "Retrieval-ZIA",
        "GLACIER_IR" => "Retrieval-GIR",
        _ => return None,
    };
    Some(UsageType::new(name, "Bytes"))
}

/// How long bytes are paid for that come into a class, in days, and how it is called when they leave before.
pub(crate) fn minimum(class: &str) -> Option<(i64, UsageType)> {
    let (days, name) = match class {
        "STANDARD_IA" => (30, "EarlyDelete-SIA"),
        "ONEZONE_IA" => (30, "EarlyDelete-ZIA"),
        "GLACIER_IR" => (90, "EarlyDelete-GIR"),
        "GLACIER" => (90, "EarlyDelete-ByteHrs"),
        "DEEP_ARCHIVE" => (180, "EarlyDelete-GDA"),
        _ => return None,
    };
    Some((days, UsageType::new(name, "Byte-Hours")))
}

fn arn(bucket: &str) -> String {
    Arn::bare("s3", bucket).to_string()
}

impl S3 {
    /// Bytes of an object that were read.
    pub(crate) fn meter_read(&self, at: Instant, bucket: &Bucket, body: &Body, bytes: u64) {
        if let Some(kind) = retrieved(body.storage_class()) {
            let what = ("s3", "GetObject", arn(&bucket.name));
            let (service, operation, resource) = (what.0, what.1, what.2.as_str());
            let owner = (bucket.owner, bucket.region);
            self.platform.meter.used(at, owner, (service, operation, resource), kind, bytes);
        }
    }

    /// An archived object that is brought back.
    pub(crate) fn meter_restore(&self, at: Instant, bucket: &Bucket, body: &Body, tier: Tier) {
        let name = match tier {
            Tier::Bulk => "Bulk-Retrieval-Bytes",
            Tier::Standard => "Standard-Retrieval-Bytes",
            Tier::Expedited => "Expedited-Retrieval-Bytes",
        };
        let resource = arn(&bucket.name);
        let what = ("s3", "RestoreObject", resource.as_str());
        let owner = (bucket.owner, bucket.region);
        self.platform.meter.used(at, owner, what, UsageType::new(name, "Bytes"), body.size);
    }

    /// Counts what left its class before its time, since this was done last.
    pub(crate) async fn meter_early_deletions(&self) -> Result<()> {
        let now = self.platform.env.now();
        let mut buckets: HashMap<u64, (String, BucketRecord)> = HashMap::new();
        loop {
            let gone = self.records.early_deletions(PAGE).await?;
            if gone.is_empty() {
                return Ok(());
            }
            if buckets.is_empty() {
                let all = self.every_bucket().await?;
                buckets.extend(all.into_iter().map(|(name, record)| (record.id, (name, record))));
            }
            for ((bucket, ..), early) in &gone {
                let Some((name, record)) = buckets.get(bucket) else { continue };
                let (Some((days, kind)), Some(owner)) = (minimum(&early.class), owner(record)) else {
                    continue;
                };
                let left_s = early.since_s + days * DAY_S - now.secs();
                let hours = u64::try_from(left_s / HOUR_S).unwrap_or(0);
                let resource = arn(name);
                let what = ("s3", "DeleteObject", resource.as_str());
                self.platform.meter.used(now, owner, what, kind, early.bytes.saturating_mul(hours));
            }
            self.records.forget_early_deletions(gone.into_iter().map(|(key, _)| key).collect()).await?;
        }
    }

    async fn every_bucket(&self) -> Result<Vec<(String, BucketRecord)>> {
        let mut all: Vec<(String, BucketRecord)> = Vec::new();
        loop {
            let after = all.last().map(|(name, _)| name.as_str());
            let page = self.records.all_buckets(after, PAGE).await?;
            let through = page.len() < PAGE;
            all.extend(page);
            if through {
                return Ok(all);
            }
        }
    }
}

fn owner(record: &BucketRecord) -> Option<(AccountId, Region)> {
    Some((AccountId::new(record.owner)?, record.region.parse().ok()?))
}

pub(crate) async fn held(s3: &Arc<S3>) -> Result<Vec<Held>> {
    s3.meter_early_deletions().await?;
    let mut all = Vec::new();
    for (name, record) in s3.every_bucket().await? {
        let Some((account, region)) = owner(&record) else { continue };
        let Some(bytes) = s3.records.stored_bytes(&name, record.id).await? else { continue };
        for (storage_type, amount) in bytes {
            let (operation, kind) = stored(&storage_type);
            let resource = arn(&name);
            all.push(Held { account, region, service: "s3", operation, resource, kind, amount });
        }
    }
    Ok(all)
}
