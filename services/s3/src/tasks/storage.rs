use std::collections::BTreeMap;
use std::sync::Arc;

use haneul_kit::metrics::{Metric, Unit};
use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use super::BATCH;
use super::storage_lens::LensDay;
use super::walking::Visitor;
use crate::S3;
use crate::analysis::day_of;
use crate::bucket::Bucket;
use crate::lifecycle::DAY_S;
use crate::model::metering::Stored;
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
}

/// What could not be counted or delivered is tried again after so many seconds.
const RETRY_S: i64 = 3600;

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
        Storage { s3 }
    }

    /// Counts the day that ended last, in as many walks as Storage Lens needs; gives whether all went well. What fails in a walk
    /// is no error, as it is not to be walked for again at once.
    async fn day(&self, now: Instant) -> Result<bool> {
        let mut measures = self.measures(now.secs().div_euclid(DAY_S)).await?;
        let mut lenses = LensDay::begin(&self.s3, now, None).await?;
        let mut well = true;
        loop {
            let last = lenses.last();
            match self.walks(now, measures, lenses).await {
                Ok(went_well) => well &= went_well,
                Err(error) => {
                    tracing::warn!(%error, "what buckets hold could not be counted");
                    return Ok(false);
                }
            }
            let Some(last) = last else { return Ok(well) };
            lenses = LensDay::begin(&self.s3, now, Some(&last)).await?;
            measures = false;
        }
    }

    async fn walks(&self, now: Instant, measures: bool, mut lenses: LensDay) -> Result<bool> {
        let today = now.secs().div_euclid(DAY_S);
        if measures || !lenses.is_empty() {
            self.count(Instant::from_secs(today * DAY_S), measures, &mut lenses).await?;
        }
        let well = lenses.end(&self.s3).await;
        if measures {
            self.s3.records.set_measured_day(today).await?;
        }
        Ok(well)
    }

    /// Counts the day that ended at `midnight`: for CloudWatch if it `measures`, and for Storage Lens. A bucket that cannot be
    /// read is left out, and keeps no other waiting.
    async fn count(&self, midnight: Instant, measures: bool, lenses: &mut LensDay) -> Result<()> {
        let mut after: Option<String> = None;
        loop {
            let buckets = self.s3.records.all_buckets(after.as_deref(), BATCH).await?;
            for (name, _) in &buckets {
                let counted = match self.s3.bucket_anywhere(name, &None).await {
                    Ok(bucket) => self.bucket(&bucket, midnight, measures, lenses).await,
                    Err(error) if error.code() == "NoSuchBucket" => Ok(()),
                    Err(error) => Err(error),
                };
                if let Err(error) = counted {
                    tracing::warn!(%error, bucket = name, "a bucket's storage could not be counted");
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
        if measures {
            let bytes = held.bytes.iter().map(|(kind, bytes)| ((*kind).to_owned(), *bytes)).collect();
            let stored = Stored { id: bucket.id(), bytes };
            self.s3.records.set_stored_bytes(&bucket.name, &stored).await?;
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
            let (records, now) = (&self.s3.records, self.s3.platform.env.now());
            if let Err(error) = self.s3.activity.write(records, now).await {
                tracing::warn!(%error, "requests are missing in what Storage Lens tells of the day");
            }
            let counted = self.day(now).await?;
            let told = super::telling::tell(&self.s3).await?;
            records.forget_untold().await?;
            // A day more, should the clock be turned back over a midnight.
            records.forget_activity(day_of(now.secs()).saturating_sub(2)).await?;
            let midnight_s = (now.secs().div_euclid(DAY_S) + 1) * DAY_S;
            let retry_s = if counted && told { midnight_s } else { now.secs() + RETRY_S };
            Ok(Some(Instant::from_secs(retry_s.min(midnight_s))))
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.storage
    }
}
