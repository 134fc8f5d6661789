use haneul_kit::{AccountId, Region};
use haneul_store::Table;

use super::aging::Scan;
use crate::model::access_point::AccessPointRecord;
use crate::model::analysis::Day;
use crate::model::annotation::AnnotationRecord;
use crate::model::event::EventRecord;
use crate::model::grant::{Grant, GrantsInstance, GrantsLocation};
use crate::model::inventory::Inventory;
use crate::model::job::JobRecord;
use crate::model::metadata::{Annotated, ChangeRecord, MetadataFeed};
use crate::model::metering::{EarlyDeletion, Stored};
use crate::model::multi_region::{MultiRegionRecord, MultiRegionRequest};
use crate::model::object_lambda::ObjectLambdaRecord;
use crate::model::replication::Copying;
use crate::model::storage_lens::{ActivityDay, Lens, LensGroup, ReportPart};
use crate::model::table::{Namespace, TableBucket, TableRecord, Warehouse};
use crate::model::{
    BucketRecord, CompletedUpload, DataId, ListedObject, Manifest, ObjectRecord, PartRecord,
    PublicAccessBlock, UploadRecord,
};

/// By name: one name space for all accounts.
pub(crate) static BUCKETS: Table<String, BucketRecord> = Table::new("s3.buckets");

/// The buckets of an account.
pub(crate) static OWNED: Table<(AccountId, String), ()> = Table::new("s3.owned");

/// Bucket id → [`crate::model::Versioning`] as a number. Every write of an object reads it, so that it cannot slip past
/// a DeleteBucket or a PutBucketVersioning; apart from the bucket's record, which is large.
pub(crate) static STATES: Table<u64, u64> = Table::new("s3.states");

/// (bucket, key)
pub(crate) static CURRENT: Table<(u64, String), ObjectRecord> = Table::new("s3.current");

/// The same rows, of which only is read what listings show.
pub(crate) static LISTED: Table<(u64, String), ListedObject> = Table::new("s3.current");

/// (bucket, key, complement of the version's number): newest first.
pub(crate) static VERSIONS: Table<(u64, String, u64), ObjectRecord> = Table::new("s3.versions");

/// (bucket, key) → the number of the null version in [`VERSIONS`].
pub(crate) static NULLS: Table<(u64, String), u64> = Table::new("s3.nulls");

pub(crate) static INLINE: Table<DataId, Vec<u8>> = Table::new("s3.inline");
pub(crate) static MANIFESTS: Table<DataId, Manifest> = Table::new("s3.manifests");
/// By the bytes of the blob's id.
pub(crate) static BLOBS: Table<Vec<u8>, ()> = Table::new("s3.blobs");

/// Blobs that no record names any more and whose files may still be there. What a start finds here, it deletes: a crash
/// came between the commit and the deletion, and the blobs' own sweep only looks at what the run before wrote.
pub(crate) static FREED: Table<Vec<u8>, ()> = Table::new("s3.freed");

/// (bucket, key, upload id): ids begin with the time, so those of a key are in order of initiation.
pub(crate) static UPLOADS: Table<(u64, String, String), UploadRecord> = Table::new("s3.uploads");

/// (bucket, upload id, part number)
pub(crate) static PARTS: Table<(u64, String, u32), PartRecord> = Table::new("s3.parts");

/// (bucket, upload id)
pub(crate) static COMPLETED: Table<(u64, String), CompletedUpload> = Table::new("s3.completed");

/// By the bucket's name.
pub(crate) static STORED: Table<String, Stored> = Table::new("s3.stored");

/// (bucket, key, when it came into its class, the version's number)
pub(crate) static EARLY_DELETIONS: Table<(u64, String, i64, u64), EarlyDeletion> =
    Table::new("s3.early-deletions");

/// (due in milliseconds, random): events that their destinations have not taken yet.
pub(crate) static EVENTS: Table<(u64, u64), EventRecord> = Table::new("s3.events");

/// (due in seconds, bucket's name, key): when a key has to be looked at by its bucket's lifecycle rules.
pub(crate) static DUE: Table<(u64, String, String), ()> = Table::new("s3.due");

/// (bucket, key, the version's number, name)
pub(crate) static ANNOTATIONS: Table<(u64, String, u64, String), AnnotationRecord> =
    Table::new("s3.annotations");

/// By the bucket's name: lifecycle rules that are being laid over the keys that are there.
pub(crate) static SCANS: Table<String, Scan> = Table::new("s3.scans");

/// (due in milliseconds, random): versions that are to be copied to another bucket.
pub(crate) static COPYING: Table<(u64, u64), Copying> = Table::new("s3.copying");

/// Public access blocks of accounts.
pub(crate) static ACCOUNT_BLOCKS: Table<AccountId, PublicAccessBlock> = Table::new("s3.account-blocks");

/// (account, Region, name)
pub(crate) static ACCESS_POINTS: Table<(AccountId, Region, String), AccessPointRecord> =
    Table::new("s3.access-points");

/// Names that stand for a bucket's → `account Region name` of an access point.
pub(crate) static ALIASES: Table<String, String> = Table::new("s3.aliases");

/// (bucket, `account Region name`): the access points of a bucket.
pub(crate) static DOORS: Table<(u64, String), ()> = Table::new("s3.doors");

/// Object Lambda access points, as access points.
pub(crate) static OBJECT_LAMBDA_POINTS: Table<(AccountId, Region, String), ObjectLambdaRecord> =
    Table::new("s3.object-lambda");
pub(crate) static OBJECT_LAMBDA_ALIASES: Table<String, String> = Table::new("s3.object-lambda-aliases");

/// (account, name): Multi-Region Access Points.
pub(crate) static MULTI_REGION_POINTS: Table<(AccountId, String), MultiRegionRecord> =
    Table::new("s3.multi-region");

/// Alias → `account name`
pub(crate) static MULTI_REGION_ALIASES: Table<String, String> = Table::new("s3.multi-region-aliases");

/// (account, token)
pub(crate) static MULTI_REGION_REQUESTS: Table<(AccountId, String), MultiRegionRequest> =
    Table::new("s3.multi-region-requests");

/// (bucket's name, id): inventories to make.
pub(crate) static INVENTORIES: Table<(String, String), Inventory> = Table::new("s3.inventories");

/// What is told once a day → the day that it was told of last, counted from the epoch.
pub(crate) static MEASURED: Table<String, u64> = Table::new("s3.measured");

/// (bucket, id of the configuration, day since the epoch)
pub(crate) static ANALYSIS: Table<(u64, String, u64), Day> = Table::new("s3.analysis");

/// (account, home Region, id): configurations of S3 Storage Lens.
pub(crate) static LENSES: Table<(AccountId, Region, String), Lens> = Table::new("s3.lenses");

/// (account, home Region, name)
pub(crate) static LENS_GROUPS: Table<(AccountId, Region, String), LensGroup> = Table::new("s3.lens-groups");

/// (account, home Region, id, number): reports of which not everybody was told yet.
pub(crate) static LENS_REPORTS: Table<(AccountId, Region, String, u64), ReportPart> =
    Table::new("s3.lens-reports");

/// (day since the epoch, bucket)
pub(crate) static LENS_ACTIVITY: Table<(u64, u64), ActivityDay> = Table::new("s3.lens-activity");

/// (account, Region, id)
pub(crate) static JOBS: Table<(AccountId, Region, String), JobRecord> = Table::new("s3.jobs");

/// Jobs that have something to do.
pub(crate) static RUNNING: Table<(AccountId, Region, String), ()> = Table::new("s3.running");

/// (job, tasks before it): pieces of the reports of jobs.
pub(crate) static JOB_REPORTS: Table<(String, u64), String> = Table::new("s3.job-reports");

pub(crate) static GRANTS_INSTANCES: Table<(AccountId, Region), GrantsInstance> =
    Table::new("s3.grants-instances");

/// (account, Region, id)
pub(crate) static GRANTS_LOCATIONS: Table<(AccountId, Region, String), GrantsLocation> =
    Table::new("s3.grants-locations");

/// (account, Region, id)
pub(crate) static GRANTS: Table<(AccountId, Region, String), Grant> = Table::new("s3.grants");

/// (account, Region, grantee with scope and permission) → id of the grant.
pub(crate) static GRANTEES: Table<(AccountId, Region, String), String> = Table::new("s3.grantees");

/// (account, Region, name)
pub(crate) static TABLE_BUCKETS: Table<(AccountId, Region, String), TableBucket> =
    Table::new("s3.table-buckets");

/// (id of the table bucket, name)
pub(crate) static NAMESPACES: Table<(String, String), Namespace> = Table::new("s3.namespaces");

/// (id of the table bucket, namespace, name)
pub(crate) static ICEBERG_TABLES: Table<(String, String, String), TableRecord> =
    Table::new("s3.iceberg-tables");

/// (id of the table bucket, id of the table) → `namespace name`
pub(crate) static TABLE_IDS: Table<(String, String), String> = Table::new("s3.table-ids");

/// By the name of the reserved bucket.
pub(crate) static WAREHOUSES: Table<String, Warehouse> = Table::new("s3.warehouses");

/// The numbers of reserved buckets whose table is gone, and whose files are to go.
pub(crate) static ABANDONED: Table<u64, ()> = Table::new("s3.abandoned");

/// By the number of the configuration: what S3 Metadata writes, and how far it is.
pub(crate) static METADATA_FEEDS: Table<u64, MetadataFeed> = Table::new("s3.metadata-feeds");

/// (feed, random): that annotations changed, for the table of them.
pub(crate) static ANNOTATED: Table<(u64, u64), Annotated> = Table::new("s3.annotated");

/// (feed, sequence number, random): changes that the journal does not tell of yet.
pub(crate) static CHANGES: Table<(u64, String, u64), ChangeRecord> = Table::new("s3.changes");
