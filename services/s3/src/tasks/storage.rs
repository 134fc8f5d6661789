use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use haneul_kit::metrics::{Metric, Unit};
use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use super::BATCH;
use super::storage_lens::LensDay;
use super::walking::Visitor;
use crate::S3;
use crate::bucket::Bucket;
use crate::lifecycle::DAY_S;
use crate::model::{Body, ObjectRecord, UploadRecord};
use crate::tiering;

const SIZE: Metric = Metric::new("AWS/S3", "BucketSizeBytes", Unit::Bytes);
const COUNT: Metric = Metric::new("AWS/S3", "NumberOfObjects", Unit::Count);

/// Smallest size that the infrequently accessed classes are metered with, in bytes.
const INFREQUENT_BYTES_MIN: u64 = 128 * 1024;

/// What an archived object takes beside its bytes, in the archive and in STANDARD.
const ARCHIVE_OVERHEAD: u64 = 32 * 1024;
const ARCHIVE_NAME_OVERHEAD: u64 = 8 * 1024;

/// Tells CloudWatch every midnight what each bucket holds, and counts for S3 Storage Lens. It walks over the records of all
/// objects once a day; in a cloud without CloudWatch, over those of buckets that a configuration of Storage Lens is about.
///
/// Source: S3 User Guide, "Metrics and dimensions": Amazon S3 daily storage metrics for buckets in CloudWatch.
pub(super) struct Storage {
    s3: Arc<S3>,
    /// When exports that could not be delivered are tried again.
    retry_s: AtomicI64,
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

impl Visitor for Held {
    fn version(&mut self, _key: &str, record: &ObjectRecord, _is_current: bool) {
        self.object(record);
    }

    /// Each part counts as an object.
    fn upload(&mut self, _key: &str, _upload: &UploadRecord, parts: u64, bytes: u64) {
        self.count += parts;
        if parts > 0 {
            self.add("StandardStorage", bytes);
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
        Storage { s3, retry_s: AtomicI64::new(0) }
    }

    /// Counts the day that ended at `midnight`: for CloudWatch if it `measures`, and for Storage Lens.
    async fn count(&self, midnight: Instant, measures: bool, lenses: &mut LensDay) -> Result<()> {
        let mut after: Option<String> = None;
        loop {
            let buckets = self.s3.records.all_buckets(after.as_deref(), BATCH).await?;
            for (name, _) in &buckets {
                match self.s3.bucket_anywhere(name, &None).await {
                    Ok(bucket) => self.bucket(&bucket, midnight, measures, lenses).await?,
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

    async fn bucket(
        &self,
        bucket: &Bucket,
        midnight: Instant,
        measures: bool,
        lenses: &mut LensDay,
    ) -> Result<()> {
        let mut held = Held::default();
        let mut counting = lenses.counting(bucket);
        let mut visitors: Vec<&mut dyn Visitor> = Vec::new();
        if measures {
            visitors.push(&mut held);
        }
        if let Some(counting) = &mut counting {
            visitors.push(counting);
        }
        if visitors.is_empty() {
            return Ok(());
        }
        self.s3.walk(bucket.id(), &mut visitors).await?;
        if let Some(counting) = counting {
            lenses.counted(&self.s3, bucket, counting).await?;
        }
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

    /// Whether CloudWatch is to be told of the day before `today`. The day of the first start has no midnight to tell of.
    async fn measures(&self, today: i64) -> Result<bool> {
        if !self.s3.platform.metrics.is_open() {
            return Ok(false);
        }
        match self.s3.records.measured_day().await? {
            None => {
                self.s3.records.set_measured_day(today).await?;
                Ok(false)
            }
            Some(last) => Ok(last < today),
        }
    }
}

impl Reconciler for Storage {
    fn name(&self) -> &'static str {
        "s3 storage metrics"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let now = self.s3.platform.env.now();
            let today = now.secs().div_euclid(DAY_S);
            super::storage_lens::write_activity(&self.s3, now).await;
            let measures = self.measures(today).await?;
            let mut lenses = LensDay::begin(&self.s3, now).await?;
            let counts = measures || !lenses.is_empty();
            if counts {
                let midnight = Instant::from_secs(today * DAY_S);
                self.count(midnight, measures, &mut lenses).await?;
                lenses.end(&self.s3).await?;
                if measures {
                    self.s3.records.set_measured_day(today).await?;
                }
            }
            let next = Instant::from_secs((today + 1) * DAY_S);
            let retry_s = self.retry_s.load(Ordering::Acquire);
            let mut again = Some(Instant::from_secs(retry_s));
            if counts || now.secs() >= retry_s {
                again = super::storage_lens::deliver(&self.s3, now).await?;
                self.retry_s.store(again.map_or(0, Instant::secs), Ordering::Release);
            }
            let write = self.s3.activity.next();
            Ok([Some(next), again, write].into_iter().flatten().min())
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.storage
    }
}
