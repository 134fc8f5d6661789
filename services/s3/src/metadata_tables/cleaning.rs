//! What keeps the tables readable and small: old records go, small files and manifests become few, old snapshots are forgotten.

use haneul_kit::{Instant, Result};
use haneul_s3_iceberg::{Expiry, Operation};

use super::journal::record_timestamp;
use super::writing::{Writer, overtaken};
use crate::S3;
use crate::model::metadata::MetadataFeed;

/// Snapshots that are older are forgotten, with what only they need: who reads the table has so long.
const SNAPSHOT_AGE_MS: i64 = 3600 * 1000;

const DAY_MS: i64 = 24 * 3600 * 1000;

impl S3 {
    /// Takes records out that are older than the configuration wants, a file at a time, and forgets old snapshots.
    pub(crate) async fn clean_journal(&self, id: u64, feed: &MetadataFeed, now: Instant) -> Result<()> {
        let Some(table) = &feed.journal.table else { return Ok(()) };
        if let Some(days) = feed.configuration.expiration_days {
            let Some(writer) = self.metadata_writer(feed, table, now).await? else { return Ok(()) };
            let before_us = (now.millis() - i64::from(days) * DAY_MS).saturating_mul(1000);
            expire_records(&writer, before_us, (id, feed)).await?;
        }
        let Some(writer) = self.metadata_writer(feed, table, now).await? else { return Ok(()) };
        writer.compact((id, feed)).await?;
        self.clean_table(id, feed, table, now).await
    }

    /// Puts the manifests together, of which each commit adds one, and forgets old snapshots.
    pub(crate) async fn clean_table(
        &self,
        id: u64,
        feed: &MetadataFeed,
        table: &str,
        now: Instant,
    ) -> Result<()> {
        let Some(writer) = self.metadata_writer(feed, table, now).await? else { return Ok(()) };
        let rewrite = writer.change(
            |table, commit, objects| match table.current_snapshot() {
                Some(_) => table.rewrite_manifests(commit, objects),
                None => Ok(None),
            },
            Vec::new(),
            &[],
            (id, feed),
        );
        if !rewrite.await? {
            return Err(overtaken());
        }
        let Some(writer) = self.metadata_writer(feed, table, now).await? else { return Ok(()) };
        let expiry = Expiry { before_ms: now.millis() - SNAPSHOT_AGE_MS, keep_at_least: 1 };
        let expire = writer.change(
            |table, commit, objects| table.expire(commit, expiry, objects),
            Vec::new(),
            &[],
            (id, feed),
        );
        if expire.await? { Ok(()) } else { Err(overtaken()) }
    }
}

/// A file whose newest record is old goes: its records are of one day.
async fn expire_records(writer: &Writer<'_>, before_us: i64, feed: (u64, &MetadataFeed)) -> Result<()> {
    let (_, metadata) = writer.metadata().await?;
    if metadata.current_snapshot().is_none() {
        return Ok(());
    }
    let column = record_timestamp();
    let files = writer.with_files(|objects| metadata.files(objects)).await?;
    let is_old = |range: Option<(i64, i64)>| range.is_some_and(|(_, newest)| newest < before_us);
    let old: Vec<String> =
        files.into_iter().filter(|file| is_old(file.range(column))).map(|file| file.location).collect();
    if old.is_empty() {
        return Ok(());
    }
    let delete = writer.change(
        |table, commit, objects| table.replace(commit, Operation::Delete, &old, &[], objects).map(Some),
        Vec::new(),
        &[],
        feed,
    );
    if delete.await? { Ok(()) } else { Err(overtaken()) }
}
