//! Tests of the service in process, each call through its permissions and its handler.

mod access;
mod acls;
mod batch;
mod buckets;
mod checksums;
mod cloud;
mod configuration;
mod control;
mod crash;
mod dispatch;
mod encryption;
mod inventory;
mod kms;
mod lifecycle;
mod lifecycle_years;
mod listing;
mod logging;
mod multipart;
mod notifications;
mod object_lock;
mod objects;
mod posting;
mod replication;
mod restoring;
mod versioning;
mod website;
pub(crate) mod world;
