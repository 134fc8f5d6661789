//! What goes on after the answer: idempotent, without input, driven by the cloud's clock.
//!
//! Reading order: [`cleaning`] (bytes and records that nobody needs any more), [`lifecycle`] (the buckets' rules), [`events`] (notifications on their way),
//! [`logs`] (access logs), [`replication`] (copies in other buckets), [`delivering`] (files that S3 puts by itself), [`inventory`], [`batch`], [`accesses`] (when objects
//! were read), [`walking`] (over all that a bucket holds), [`storage`] (daily metrics), [`storage_lens`], [`telling`] (of its reports), [`activity`] (requests
//! that it counts), [`analysis`] (storage class analysis), [`tables`] (files of tables that are gone), [`metadata`] (the tables of S3
//! Metadata).

mod accesses;
mod activity;
mod analysis;
mod batch;
mod cleaning;
mod delivering;
mod events;
mod inventory;
mod lifecycle;
mod logs;
mod metadata;
mod replication;
mod storage;
mod storage_lens;
mod tables;
mod telling;
pub(crate) mod walking;

use std::sync::Arc;

use haneul_kit::{Reconciler, Signal};

use crate::S3;

/// What wakes the tasks.
#[derive(Default)]
pub(crate) struct Tasks {
    pub(crate) cleaning: Signal,
    pub(crate) lifecycle: Signal,
    pub(crate) events: Signal,
    pub(crate) replication: Signal,
    pub(crate) inventory: Signal,
    pub(crate) batch: Signal,
    pub(crate) accesses: Signal,
    pub(crate) storage: Signal,
    pub(crate) activity: Signal,
    pub(crate) tables: Signal,
    pub(crate) metadata: Signal,
}

pub(crate) fn reconcilers(s3: &Arc<S3>) -> Vec<Arc<dyn Reconciler>> {
    vec![
        Arc::new(cleaning::Cleaning::new(s3.clone())),
        Arc::new(lifecycle::Lifecycle::new(s3.clone())),
        Arc::new(events::Events::new(s3.clone())),
        Arc::new(logs::Logs::new(s3.clone())),
        Arc::new(replication::Replicating::new(s3.clone())),
        Arc::new(inventory::Inventories::new(s3.clone())),
        Arc::new(batch::Batch::new(s3.clone())),
        Arc::new(accesses::Noting::new(s3.clone())),
        Arc::new(activity::Counts::new(s3.clone())),
        Arc::new(storage::Storage::new(s3.clone())),
        Arc::new(analysis::Analyses::new(s3.clone())),
        Arc::new(tables::Abandoned::new(s3.clone())),
        Arc::new(metadata::MetadataTables::new(s3.clone())),
    ]
}

/// Rows that a task reads at once.
const BATCH: usize = 1000;
