//! A table of S3 Metadata while it is written: its files are made durable first, then one commit makes them the table's.

use haneul_kit::cx::Parts;
use haneul_kit::{AccountId, ApiError, Caller, Cx, Instant, Region, Result};
use haneul_s3_iceberg::{Change, Commit, Error, Objects, TableMetadata};

use super::PRINCIPAL;
use crate::bucket::{Bucket, arn_of};
use crate::model::metadata::MetadataFeed;
use crate::model::table::TableRecord;
use crate::store::metadata::{ChangeRow, TableCommit};
use crate::store::table_buckets::{NewFile, TableRow};
use crate::tables::{BucketName, warehouse};
use crate::{S3, error};

/// Bytes of a file of metadata that is read: more than there ever is of a table whose snapshots expire.
const FILE_BYTES_MAX: usize = 64 << 20;

/// How often a change may ask for more files: the list of manifests, then manifests.
const ROUNDS_MAX: usize = 4;

/// The actions that the table's policy must allow its writer.
const NEEDED: &[&str] = &["s3tables:PutTableData", "s3tables:UpdateTableMetadataLocation"];

pub(crate) struct Writer<'a> {
    s3: &'a S3,
    cx: Cx,
    row: TableRow,
    table: TableRecord,
    bucket: Bucket,
}

impl S3 {
    /// As whom the tables of a feed are written: the service, on the bucket's account.
    pub(crate) fn metadata_cx(&self, feed: &MetadataFeed, now: Instant) -> Result<Cx> {
        let region: Region = feed.region.parse().map_err(ApiError::internal)?;
        let owner = AccountId::new(feed.owner).unwrap_or_default();
        let caller = Caller::service(PRINCIPAL, owner);
        let request_id = self.platform.env.rng.uuid();
        let source_arn = Some(arn_of(region, &feed.bucket));
        Ok(Cx::new(Parts { source_arn, ..Parts::within(request_id, caller, region, now) }))
    }

    /// The writer of a table of a feed; `None` when the table is gone. An error when its policy does not let us in.
    pub(crate) async fn metadata_writer(
        &self,
        feed: &MetadataFeed,
        table: &str,
        now: Instant,
    ) -> Result<Option<Writer<'_>>> {
        let cx = self.metadata_cx(feed, now)?;
        let lake = BucketName::own(&cx, &feed.configuration.lake);
        let Some(bucket) = self.records.table_bucket(&lake.row()).await? else { return Ok(None) };
        let Some((row, table)) = self.records.table_by_id(&bucket.id, table).await? else { return Ok(None) };
        let mut accesses = Vec::new();
        for action in NEEDED {
            accesses.push(self.on_found_table(&lake, Some((&table, &row.1, &row.2)), action).await?);
        }
        self.platform.authorize(&cx, "s3tables", &accesses).await?;
        let bucket = warehouse::own(&table, lake.account, feed.region.clone())?;
        Ok(Some(Writer { s3: self, cx, row, table, bucket }))
    }
}

impl Writer<'_> {
    /// Where a new data file goes.
    pub(crate) fn data_location(&self) -> String {
        format!("{}/data/{}.parquet", warehouse::location(&self.table), self.s3.platform.env.rng.uuid())
    }

    pub(crate) async fn stage(&self, location: &str, bytes: Vec<u8>) -> Result<NewFile> {
        self.s3.stage_file(&self.cx, &self.table, &self.bucket, location, bytes).await
    }

    pub(super) async fn read(&self, location: &str) -> Result<Vec<u8>> {
        self.s3.table_file(&self.cx, &self.table, location, FILE_BYTES_MAX).await
    }

    /// The table's metadata, and where it is.
    pub(crate) async fn metadata(&self) -> Result<(String, TableMetadata)> {
        let nowhere = || ApiError::internal("a table of S3 Metadata has no metadata");
        let location = self.table.metadata_location.clone().ok_or_else(nowhere)?;
        let bytes = self.read(&location).await?;
        Ok((location, TableMetadata::parse(&bytes).map_err(ApiError::internal)?))
    }

    /// Asks `ask` with the files that it says it needs.
    pub(crate) async fn with_files<T>(
        &self,
        ask: impl Fn(&Objects) -> haneul_s3_iceberg::Result<T>,
    ) -> Result<T> {
        let mut objects = Objects::new();
        for _ in 0..ROUNDS_MAX {
            match ask(&objects) {
                Ok(answer) => return Ok(answer),
                Err(Error::Missing(locations)) => {
                    for location in locations {
                        let bytes = self.read(&location).await?;
                        objects.insert(location, bytes);
                    }
                }
                Err(error) => return Err(ApiError::internal(error)),
            }
        }
        Err(ApiError::internal("a table of S3 Metadata asks for files without end"))
    }

    /// Plans a change of the table, and makes it: with files that are durable already, and with changes that it tells of. Gives
    /// whether it was made; where there was nothing to change it was.
    pub(crate) async fn change(
        &self,
        plan: impl Fn(&TableMetadata, &Commit<'_>, &Objects) -> haneul_s3_iceberg::Result<Option<Change>>,
        mut files: Vec<NewFile>,
        taken: &[ChangeRow],
        feed: (u64, &MetadataFeed),
    ) -> Result<bool> {
        let made = match self.planned(plan).await {
            Ok(Some(change)) => self.make(change, &mut files, taken, feed).await,
            Ok(None) => Ok(true),
            Err(error) => Err(error),
        };
        if !matches!(made, Ok(true)) {
            self.s3.discard_files(&files).await;
        }
        made
    }

    async fn planned(
        &self,
        plan: impl Fn(&TableMetadata, &Commit<'_>, &Objects) -> haneul_s3_iceberg::Result<Option<Change>>,
    ) -> Result<Option<Change>> {
        let (location, metadata) = self.metadata().await?;
        let rng = &self.s3.platform.env.rng;
        let (uuid, snapshot_id) = (rng.uuid(), (rng.u64() >> 1) as i64 | 1);
        let now_ms = self.cx.now().millis();
        let commit = Commit { metadata_location: &location, uuid: &uuid, snapshot_id, now_ms };
        self.with_files(|objects| plan(&metadata, &commit, objects)).await
    }

    async fn make(
        &self,
        change: Change,
        files: &mut Vec<NewFile>,
        taken: &[ChangeRow],
        feed: (u64, &MetadataFeed),
    ) -> Result<bool> {
        for object in change.objects {
            files.push(self.stage(&object.location, object.bytes).await?);
        }
        let key = |location: &String| warehouse::key_of(&self.table, location).map(str::to_owned);
        let removed: Vec<String> = change.unreferenced.iter().filter_map(key).collect();
        let commit = TableCommit {
            row: &self.row,
            before: &self.table,
            location: &change.metadata_location,
            version_token: &self.s3.new_version_token(),
            files,
            removed: &removed,
            taken,
            feed,
            now: self.cx.now(),
        };
        let freed = self.s3.records.commit_table(&commit).await?;
        let Some(freed) = freed else { return Ok(false) };
        self.s3.content.free(freed).await;
        Ok(true)
    }
}

/// Whether an error says that somebody does not let us in: a table's policy, or a key's.
pub(crate) fn is_refusal(refused: &ApiError) -> bool {
    let code = refused.code();
    code.starts_with("AccessDenied") || code == "NotFoundException" || code.starts_with("KMS.")
}

/// What is said of a table that was changed by somebody else while it was written.
pub(crate) fn overtaken() -> ApiError {
    error::new("ConflictException", 409, "The table was changed meanwhile.")
}
