//! What buckets hold by the hour, what is retrieved, and what leaves a class before its time.
//!
//! Source: S3 User Guide, "AWS billing and usage reports for Amazon S3" (usage types), "Understanding and managing Amazon S3
//! storage classes" (minimum durations), and Amazon S3 pricing. Bytes are those of the last midnight, where AWS measures twice a
//! day or more.

use std::collections::HashMap;

use haneul_kit::meter::{At, Held, UsageType};
use haneul_kit::{AccountId, Arn, Region, Result};

use crate::S3;
use crate::archive::Tier;
use crate::bucket::Bucket;
use crate::model::{Body, BucketRecord};

const HOUR_S: i64 = 3600;
const DAY_S: i64 = 24 * HOUR_S;
/// Buckets, and deletions, that are looked at at once.
const PAGE: usize = 500;

/// The usage type of each storage type of CloudWatch, which usage reports name as the operation.
const STORED: &[(&str, &str)] = &[
    ("StandardStorage", "TimedStorage-ByteHrs"),
    ("StandardIAStorage", "TimedStorage-SIA-ByteHrs"),
    ("StandardIASizeOverhead", "TimedStorage-SIA-SmObjects"),
    ("OneZoneIAStorage", "TimedStorage-ZIA-ByteHrs"),
    ("OneZoneIASizeOverhead", "TimedStorage-ZIA-SmObjects"),
    ("ReducedRedundancyStorage", "TimedStorage-RRS-ByteHrs"),
    ("GlacierInstantRetrievalStorage", "TimedStorage-GIR-ByteHrs"),
    ("GlacierInstantRetrievalSizeOverhead", "TimedStorage-GIR-SmObjects"),
    ("GlacierStorage", "TimedStorage-GlacierByteHrs"),
    ("GlacierObjectOverhead", "TimedStorage-GlacierByteHrs"),
    ("GlacierS3ObjectOverhead", "TimedStorage-ByteHrs"),
    ("DeepArchiveStorage", "TimedStorage-GDA-ByteHrs"),
    ("DeepArchiveObjectOverhead", "TimedStorage-GDA-ByteHrs"),
    ("DeepArchiveS3ObjectOverhead", "TimedStorage-ByteHrs"),
    ("IntelligentTieringFAStorage", "TimedStorage-INT-FA-ByteHrs"),
    ("IntelligentTieringIAStorage", "TimedStorage-INT-IA-ByteHrs"),
    ("IntelligentTieringAIAStorage", "TimedStorage-INT-AIA-ByteHrs"),
    ("IntelligentTieringAAStorage", "TimedStorage-INT-AA-ByteHrs"),
    ("IntelligentTieringDAAStorage", "TimedStorage-INT-DAA-ByteHrs"),
];

fn stored(storage_type: &str) -> Option<(&'static str, UsageType)> {
    let (operation, name) = STORED.iter().find(|(known, _)| *known == storage_type)?;
    Some((operation, UsageType::new(name, "Byte-Hours")))
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

/// What S3 Select scans and returns, which is paid for in place of a retrieval.
pub(crate) fn selected(class: &str) -> [UsageType; 2] {
    let names = match class {
        "STANDARD_IA" => ["Select-Scanned-SIA-Bytes", "Select-Returned-SIA-Bytes"],
        "ONEZONE_IA" => ["Select-Scanned-ZIA-Bytes", "Select-Returned-ZIA-Bytes"],
        "GLACIER_IR" => ["Select-Scanned-GIR-Bytes", "Select-Returned-GIR-Bytes"],
        "INTELLIGENT_TIERING" => ["Select-Scanned-INT-Bytes", "Select-Returned-INT-Bytes"],
        _ => ["Select-Scanned-Bytes", "Select-Returned-Bytes"],
    };
    names.map(|name| UsageType::new(name, "Bytes"))
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

pub(crate) fn arn(bucket: &str) -> String {
    Arn::bare("s3", bucket).to_string()
}

impl S3 {
    fn meter(&self, bucket: (AccountId, Region, &str), operation: &str, kind: UsageType, amount: u64) {
        let (account, region, name) = bucket;
        let at = At {
            at: self.platform.env.now(),
            owner: (account, region),
            service: "s3",
            operation,
            resource: &arn(name),
        };
        self.platform.meter.used(at, kind, amount);
    }

    /// Bytes of an object that were read.
    pub(crate) fn meter_read(&self, bucket: &Bucket, body: &Body, bytes: u64) {
        if let Some(kind) = retrieved(body.storage_class()) {
            self.meter((bucket.owner, bucket.region, &bucket.name), "GetObject", kind, bytes);
        }
    }

    /// An archived object that is brought back.
    pub(crate) fn meter_restore(&self, bucket: &Bucket, body: &Body, tier: Tier) {
        let name = match tier {
            Tier::Bulk => "Bulk-Retrieval-Bytes",
            Tier::Standard => "Standard-Retrieval-Bytes",
            Tier::Expedited => "Expedited-Retrieval-Bytes",
        };
        let kind = UsageType::new(name, "Bytes");
        self.meter((bucket.owner, bucket.region, &bucket.name), "RestoreObject", kind, body.size);
    }

    /// Counts what left its class before its time, since this was done last.
    pub(crate) async fn meter_early_deletions(&self) -> Result<()> {
        let now = self.platform.env.now();
        let mut buckets: HashMap<u64, (String, BucketRecord)> = HashMap::new();
        loop {
            let gone = self.records.take_early_deletions(PAGE).await?;
            if gone.is_empty() {
                return Ok(());
            }
            if buckets.is_empty() {
                let all = self.every_bucket().await?;
                buckets.extend(all.into_iter().map(|(name, record)| (record.id, (name, record))));
            }
            for (bucket, early) in &gone {
                let Some((name, record)) = buckets.get(bucket) else { continue };
                let (Some((days, kind)), Some((account, region))) = (minimum(&early.class), owner(record))
                else {
                    continue;
                };
                let left_s = early.since_s + days * DAY_S - now.secs();
                let hours = u64::try_from(left_s / HOUR_S).unwrap_or(0);
                self.meter((account, region, name), "DeleteObject", kind, early.bytes.saturating_mul(hours));
            }
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

pub(crate) async fn held(s3: &S3) -> Result<Vec<Held>> {
    s3.meter_early_deletions().await?;
    let mut all = Vec::new();
    for (name, record) in s3.every_bucket().await? {
        let Some((account, region)) = owner(&record) else { continue };
        let Some(bytes) = s3.records.stored_bytes(&name, record.id).await? else { continue };
        for (storage_type, amount) in bytes {
            let Some((operation, kind)) = stored(&storage_type) else { continue };
            let resource = arn(&name);
            all.push(Held { account, region, service: "s3", operation, resource, kind, amount });
        }
    }
    Ok(all)
}
