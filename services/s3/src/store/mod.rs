//! Every read and write of records; nothing else opens a transaction.
//!
//! Layout. `s3.current` holds the newest version of each key (a delete marker too), so that a get or a listing of an
//! unversioned bucket touches one table; `s3.versions` the older ones, newest first; `s3.nulls` where the null version
//! is when it is not the current one. A key with any version has a current one. Bytes are in `s3.inline` (small),
//! `s3.manifests` (lists of parts) or blobs; `s3.blobs` names each blob that some record owns, and is written in the
//! same transaction as that record, so that whatever blob it does not name is an orphan of a crash.
//!
//! Reading order: [`tables`], [`buckets`], [`versions`] (what a write does to a key's versions), [`objects`],
//! [`watch`] (what a change leaves behind), [`events`], [`aging`], [`replication`], [`access_points`], [`object_lambda`], [`multi_region`], [`grants`] (S3 Access Grants), [`inventories`], [`jobs`], [`measuring`], [`analysis`], [`storage_lens`], [`table_buckets`] (S3 Tables), [`metadata`] (S3 Metadata), [`annotations`], [`uploads`], [`assembly`] (parts to object, pure), [`listing`].

pub(crate) mod access_points;
pub(crate) mod aging;
pub(crate) mod analysis;
pub(crate) mod annotations;
pub(crate) mod assembly;
pub(crate) mod buckets;
pub(crate) mod events;
pub(crate) mod grants;
pub(crate) mod inventories;
pub(crate) mod jobs;
pub(crate) mod listing;
pub(crate) mod measuring;
pub(crate) mod metadata;
pub(crate) mod multi_region;
pub(crate) mod object_lambda;
pub(crate) mod objects;
pub(crate) mod replication;
pub(crate) mod storage_lens;
pub(crate) mod table_buckets;
pub(crate) mod tables;
pub(crate) mod uploads;
pub(crate) mod versions;
pub(crate) mod watch;

use haneul_blob::BlobId;
use haneul_store::Store;

/// The service's records.
#[derive(Clone)]
pub(crate) struct Records {
    pub(crate) store: Store,
}

/// Blobs whose last record is gone: their files may be deleted now that the transaction has committed.
pub(crate) type Freed = Vec<BlobId>;
