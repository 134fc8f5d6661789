//! What is persisted: records of our own, apart from the wire's shapes, each table with a schema version.
//!
//! Reading order: [`bucket`], [`object`], [`listed`] (what listings read of one), [`upload`], [`configuration`] (CORS and lifecycle rules), [`features`] (other
//! configurations), [`event`] (events on their way), [`acl`], [`lock`], [`encryption`], [`replication`], [`access_point`],
//! [`object_lambda`], [`multi_region`], [`grant`] (S3 Access Grants), [`inventory`], [`job`], [`filter`] (which objects a configuration is about), [`tiering`], [`analysis`], [`storage_lens`], [`annotation`], [`table`] (S3 Tables), [`metadata`] (S3 Metadata).

pub(crate) mod access_point;
pub(crate) mod acl;
pub(crate) mod analysis;
pub(crate) mod annotation;
pub(crate) mod bucket;
pub(crate) mod configuration;
pub(crate) mod encryption;
pub(crate) mod event;
pub(crate) mod features;
pub(crate) mod filter;
pub(crate) mod grant;
pub(crate) mod inventory;
pub(crate) mod job;
pub(crate) mod listed;
pub(crate) mod lock;
pub(crate) mod metadata;
pub(crate) mod metering;
pub(crate) mod multi_region;
pub(crate) mod object;
pub(crate) mod object_lambda;
pub(crate) mod replication;
pub(crate) mod storage_lens;
pub(crate) mod table;
pub(crate) mod tiering;
pub(crate) mod upload;

pub(crate) use acl::Acl;
pub(crate) use bucket::{BucketRecord, Ownership, PublicAccessBlock, Versioning};
pub(crate) use listed::ListedObject;
pub(crate) use lock::{BucketLock, ObjectLock};
pub(crate) use object::{Body, Data, DataId, Manifest, ManifestPart, ObjectRecord, SystemMetadata};
pub(crate) use upload::{CompletedUpload, PartRecord, UploadRecord};
