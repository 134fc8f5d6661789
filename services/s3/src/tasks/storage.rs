use std::collections::BTreeMap;
use std::sync::Arc;

use haneul_kit::metrics::{Metric, Unit};
use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use super::BATCH;
use crate::S3;
use crate::bucket::Bucket;
use crate::lifecycle::DAY_S;
use crate::model::{Body, ObjectRecord};
use crate::tiering;

const SIZE: Metric = Metric::new("AWS/S3", "BucketSizeBytes", Unit::Bytes);
const COUNT: Metric = Metric::new("AWS/S3", "NumberOfObjects", Unit::Count);

/// Smallest size that the infrequently accessed classes are metered with, in bytes.
const INFREQUENT_BYTES_MIN: u64 = 128 * 1024;

/// What an archived object takes beside its bytes, in the archive and in STANDARD.
const ARCHIVE_OVERHEAD: u64 = 32 * 1024;
const ARCHIVE_NAME_OVERHEAD: u64 = 8 * 1024;

/// Tells CloudWatch every midnight what each bucket holds. It walks over the records of all objects, as nothing else does
/// every day; in a cloud without CloudWatch it does not.
///
/// Source: S3 User Guide, "Metrics and dimensions": Amazon S3 daily storage metrics for buckets in CloudWatch.
pub(super) struct Storage {
    s3: Arc<S3>,
}

/// Bytes by storage type, and how many things there are.
#[derive(Default)]
struct Held {
    bytes: BTreeMap<&'static str, u64>,
    count: u64,
}

impl Held {
    fn add(&mut self, kind: &'static str, bytes: u64) {
        *self.bytes.entry(kind).or_default() += bytes;
    }

    fn object(&mut self, record: &ObjectRecord) {
        self.count += 1;
        let Some(body) = &record.body else { return };
        let kind = kind(record, body);
        self.add(kind, body.size);
        match kind {
            "StandardIAStorage" if body.size < INFREQUENT_BYTES_MIN => {
                self.add("StandardIASizeOverhead", INFREQUENT_BYTES_MIN - body.size);
            }
            "OneZoneIAStorage" if body.size < INFREQUENT_BYTES_MIN => {
                self.add("OneZoneIASizeOverhead", INFREQUENT_BYTES_MIN - body.size);
            }
            "GlacierInstantRetrievalStorage" if body.size < INFREQUENT_BYTES_MIN => {
                self.add("GlacierInstantRetrievalSizeOverhead", INFREQUENT_BYTES_MIN - body.size);
            }
            "GlacierStorage" => {
                self.add("GlacierObjectOverhead", ARCHIVE_OVERHEAD);
                self.add("GlacierS3ObjectOverhead", ARCHIVE_NAME_OVERHEAD);
            }
            "DeepArchiveStorage" => {
                self.add("DeepArchiveObjectOverhead", ARCHIVE_OVERHEAD);
                self.add("DeepArchiveS3ObjectOverhead", ARCHIVE_NAME_OVERHEAD);
            }
            _ => {}
        }
    }
}

fn kind(record: &ObjectRecord, body: &Body) -> &'static str {
    use crate::model::tiering::AccessTier;
    match body.storage_class() {
        "STANDARD_IA" => "StandardIAStorage",
        "ONEZONE_IA" => "OneZoneIAStorage",
        "REDUCED_REDUNDANCY" => "ReducedRedundancyStorage",
        "GLACIER_IR" => "GlacierInstantRetrievalStorage",
        "GLACIER" => "GlacierStorage",
        "DEEP_ARCHIVE" => "DeepArchiveStorage",
        tiering::CLASS => match tiering::standing(record, body).tier {
            AccessTier::Frequent => "IntelligentTieringFAStorage",
            AccessTier::Infrequent => "IntelligentTieringIAStorage",
            AccessTier::ArchiveInstant => "IntelligentTieringAIAStorage",
            AccessTier::Archive => "IntelligentTieringAAStorage",
            AccessTier::DeepArchive => "IntelligentTieringDAAStorage",
        },
        _ => "StandardStorage",
    }
}

impl Storage {
    pub(super) fn new(s3: Arc<S3>) -> Storage {
        Storage { s3 }
    }

    async fn measure(&self, midnight: Instant) -> Result<()> {
        let mut after: Option<String> = None;
        loop {
            let buckets = self.s3.records.all_buckets(after.as_deref(), BATCH).await?;
            for (name, _) in &buckets {
                match self.s3.bucket_anywhere(name, &None).await {
                    Ok(bucket) => self.bucket(&bucket, midnight).await?,
                    Err(error) if error.code() == "NoSuchBucket" => {}
                    Err(error) => return Err(error),
                }
            }
            after = buckets.last().map(|(name, _)| name.clone());
            if buckets.len() < BATCH {
                return Ok(());
            }
        }
    }

    async fn bucket(&self, bucket: &Bucket, midnight: Instant) -> Result<()> {
        let held = self.held(bucket.id()).await?;
        let record = |metric, kind: &str, value: u64| {
            let dimensions = [("BucketName", bucket.name.as_str()), ("StorageType", kind)];
            let metrics = &self.s3.platform.metrics;
            metrics.record(metric, bucket.owner, bucket.region, midnight, &dimensions, value as f64);
        };
        for (kind, bytes) in held.bytes {
            record(SIZE, kind, bytes);
        }
        if held.count > 0 {
            record(COUNT, "AllStorageTypes", held.count);
        }
        Ok(())
    }

    async fn held(&self, id: u64) -> Result<Held> {
        let (mut held, records) = (Held::default(), &self.s3.records);
        let mut after: Option<String> = None;
        loop {
            let keys = records.keys_after(id, after.as_deref(), BATCH).await?;
            for (key, record) in &keys {
                held.object(record);
                if record.older {
                    self.older(id, key, &mut held).await?;
                }
            }
            after = keys.last().map(|(key, _)| key.clone());
            if keys.len() < BATCH {
                break;
            }
        }
        let mut after = None;
        loop {
            let parts = records.parts_after(id, after.as_ref(), BATCH).await?;
            for (_, size) in &parts {
                held.count += 1;
                held.add("StandardStorage", *size);
            }
            after = parts.last().map(|(row, _)| row.clone());
            if parts.len() < BATCH {
                return Ok(held);
            }
        }
    }

    async fn older(&self, id: u64, key: &str, held: &mut Held) -> Result<()> {
        let mut below = None;
        loop {
            let versions = self.s3.records.older_versions(id, key, below, BATCH).await?;
            versions.iter().for_each(|record| held.object(record));
            match versions.last() {
                Some(last) if versions.len() == BATCH => below = Some(last.seq),
                _ => return Ok(()),
            }
        }
    }
}

impl Reconciler for Storage {
    fn name(&self) -> &'static str {
        "s3 storage metrics"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let day = self.s3.platform.env.now().secs().div_euclid(DAY_S);
            let next = Instant::from_secs((day + 1) * DAY_S);
            if !self.s3.platform.metrics.is_open() {
                return Ok(Some(next));
            }
            // The day of the first start has no midnight to tell of.
            match self.s3.records.measured_day().await? {
                None => self.s3.records.set_measured_day(day).await?,
                Some(last) if last < day => {
                    self.measure(Instant::from_secs(day * DAY_S)).await?;
                    self.s3.records.set_measured_day(day).await?;
                }
                Some(_) => {}
            }
            Ok(Some(next))
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.storage
    }
}
