use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use super::BATCH;
use crate::S3;
use crate::metadata_tables::journal::Outcome;
use crate::metadata_tables::making::Which;
use crate::metadata_tables::writing::is_refusal;
use crate::model::metadata::{MetadataFeed, TableError, TableProgress, TableStatus};

/// How often the journals are written (S3 User Guide: "near real time", "typically within minutes").
const EVERY: Duration = Duration::from_secs(60);

/// A bucket that changed is listed anew after this (S3 User Guide: "typically within one hour").
const LISTED_EVERY_MS: i64 = 30 * 60 * 1000;

/// How often old records and snapshots are taken out.
const CLEANED_EVERY_MS: i64 = 3600 * 1000;

/// A journal that cannot be written for so long has failed.
const GIVEN_UP_AFTER_MS: i64 = 24 * 3600 * 1000;

/// Buckets whose tables are written at once. Each has a file in memory.
const CONCURRENT_MAX: usize = 4;

/// Writes the tables of S3 Metadata.
pub(super) struct MetadataTables {
    s3: Arc<S3>,
}

impl MetadataTables {
    pub(super) fn new(s3: Arc<S3>) -> MetadataTables {
        MetadataTables { s3 }
    }

    /// One bucket's tables. What fails of one bucket is tried again, and keeps no other's.
    async fn write(&self, id: u64, now: Instant) {
        // As it is now: the page may be old.
        let feed = match self.s3.records.metadata_feed(id).await {
            Ok(Some(feed)) => feed,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "a configuration of S3 Metadata cannot be read"),
        };
        let bucket = feed.bucket.clone();
        if let Err(error) = Box::pin(self.write_tables(id, feed, now)).await {
            tracing::warn!(%error, bucket, "tables of S3 Metadata could not be written");
        }
    }

    async fn write_tables(&self, id: u64, mut feed: MetadataFeed, now: Instant) -> Result<()> {
        if feed.is_closing && feed.journal.table.is_none() {
            return self.s3.records.forget_feed(id).await;
        }
        if feed.journal.status == TableStatus::Creating {
            match self.s3.make_table(id, &feed, Which::Journal, now).await? {
                Ok(()) => match self.s3.records.metadata_feed(id).await? {
                    Some(made) => feed = made,
                    None => return Ok(()),
                },
                Err(error) => return self.fail(id, feed, error).await,
            }
        }
        if feed.is_failed() {
            return if feed.is_closing { self.s3.records.forget_feed(id).await } else { Ok(()) };
        }
        let before = feed.clone();
        match self.s3.write_journal(id, &mut feed, now).await {
            Ok(Outcome::Written) => feed.failing_since_ms = None,
            Ok(Outcome::Failed(error)) => return self.fail(id, feed, error).await,
            Err(refused) if is_refusal(&refused) => {
                let since_ms = *feed.failing_since_ms.get_or_insert(now.millis());
                if now.millis() - since_ms >= GIVEN_UP_AFTER_MS || feed.is_closing {
                    return self.fail(id, feed, TableError::AccessDeniedWritingToTable).await;
                }
                self.s3.records.note_feed(id, &feed).await?;
                return Err(refused);
            }
            Err(error) => return Err(error),
        }
        if feed.is_closing {
            return self.s3.records.forget_feed(id).await;
        }
        let mut listed = feed.clone();
        match self.write_inventory(id, &mut listed, now).await {
            Ok(()) => feed = listed,
            // The journal goes on, and this is tried again.
            Err(error) => {
                let bucket = &feed.bucket;
                tracing::warn!(%error, bucket, "an inventory of S3 Metadata could not be written");
            }
        }
        feed.annotations.is_stale |= self.s3.records.take_annotated(id).await?;
        let mut listed = feed.clone();
        match self.write_annotations(id, &mut listed, now).await {
            Ok(()) => feed = listed,
            Err(error) => {
                let bucket = &feed.bucket;
                tracing::warn!(%error, bucket, "annotations of S3 Metadata could not be written");
            }
        }
        if now.millis() - feed.cleaned_ms >= CLEANED_EVERY_MS {
            feed.cleaned_ms = now.millis();
            self.s3.clean_journal(id, &feed, now).await?;
            if let (TableStatus::Active, Some(table)) = (feed.inventory.status, &feed.inventory.table) {
                self.s3.clean_table(id, &feed, table, now).await?;
            }
            let progress = &feed.annotations.table;
            if let (TableStatus::Active, Some(table)) = (progress.status, &progress.table) {
                self.s3.clean_table(id, &feed, table, now).await?;
            }
        }
        // An idle bucket costs no write.
        if feed == before { Ok(()) } else { self.s3.records.note_feed(id, &feed).await }
    }

    async fn write_inventory(&self, id: u64, feed: &mut MetadataFeed, now: Instant) -> Result<()> {
        if feed.configuration.inventory.as_ref().is_none_or(|inventory| !inventory.enabled) {
            return Ok(());
        }
        if feed.inventory.status == TableStatus::Creating {
            match self.s3.make_table(id, feed, Which::Inventory, now).await? {
                Ok(()) => match self.s3.records.metadata_feed(id).await? {
                    Some(made) => *feed = made,
                    None => return Ok(()),
                },
                Err(error) => fail(&mut feed.inventory, error),
            }
        }
        let is_due = match feed.inventory.status {
            TableStatus::Backfilling => true,
            TableStatus::Active => feed.is_stale && now.millis() - feed.listed_ms >= LISTED_EVERY_MS,
            TableStatus::Creating | TableStatus::Failed => false,
        };
        if !is_due {
            return Ok(());
        }
        match self.s3.write_inventory(id, feed, now).await? {
            Outcome::Written => feed.inventory.status = TableStatus::Active,
            Outcome::Failed(error) => fail(&mut feed.inventory, error),
        }
        Ok(())
    }

    async fn write_annotations(&self, id: u64, feed: &mut MetadataFeed, now: Instant) -> Result<()> {
        if feed.configuration.annotations.as_ref().is_none_or(|own| !own.table.enabled) {
            return Ok(());
        }
        if feed.annotations.table.status == TableStatus::Creating {
            match self.s3.make_table(id, feed, Which::Annotations, now).await? {
                Ok(()) => match self.s3.records.metadata_feed(id).await? {
                    Some(made) => *feed = made,
                    None => return Ok(()),
                },
                Err(error) => fail(&mut feed.annotations.table, error),
            }
        }
        let progress = &feed.annotations;
        let is_due = match progress.table.status {
            TableStatus::Backfilling => true,
            TableStatus::Active => progress.is_stale && now.millis() - progress.listed_ms >= LISTED_EVERY_MS,
            TableStatus::Creating | TableStatus::Failed => false,
        };
        if !is_due {
            return Ok(());
        }
        match self.s3.write_annotations(id, feed, now).await? {
            Outcome::Written => feed.annotations.table.status = TableStatus::Active,
            Outcome::Failed(error) => fail(&mut feed.annotations.table, error),
        }
        Ok(())
    }

    /// The journal cannot be written any more. The inventory goes by it.
    async fn fail(&self, id: u64, mut feed: MetadataFeed, error: TableError) -> Result<()> {
        fail(&mut feed.journal, error);
        if feed.configuration.inventory.as_ref().is_some_and(|inventory| inventory.enabled) {
            fail(&mut feed.inventory, TableError::JournalTableNotAvailable);
        }
        self.s3.records.break_metadata(id, &feed).await
    }
}

fn fail(table: &mut TableProgress, error: TableError) {
    table.status = TableStatus::Failed;
    table.error = Some(error);
}

impl Reconciler for MetadataTables {
    fn name(&self) -> &'static str {
        "s3 metadata tables"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let records = &self.s3.records;
            let now = self.s3.platform.env.now();
            let (mut after, mut any) = (None, false);
            loop {
                let page = records.metadata_feeds(after, BATCH).await?;
                let (count, last) = (page.len(), page.last().map(|(id, _)| *id));
                let ids: Vec<u64> = page.into_iter().map(|(id, _)| id).collect();
                stream::iter(ids).for_each_concurrent(CONCURRENT_MAX, |id| self.write(id, now)).await;
                any |= count > 0;
                after = last;
                if count < BATCH {
                    break;
                }
            }
            let mut after = None;
            while let Some(next) = records.drop_stray_changes(after, BATCH).await? {
                after = Some(next);
            }
            let mut after = None;
            while let Some(feed) = records.annotated_after(after).await? {
                if records.metadata_feed(feed).await?.is_none() {
                    records.take_annotated(feed).await?;
                }
                after = Some(feed);
            }
            Ok(any.then(|| now + EVERY))
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.metadata
    }
}
