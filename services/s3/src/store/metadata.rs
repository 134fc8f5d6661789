//! S3 Metadata's changes and what becomes of them: the tables are written in the commit that takes the changes away.

use haneul_kit::{Instant, Result};
use haneul_store::{Range, Reads, Tx};

use super::table_buckets::{self, BucketRow, NewFile, TableRow, put_files};
use super::tables::{
    ANNOTATED, BUCKETS, CHANGES, CURRENT, ICEBERG_TABLES, METADATA_FEEDS, NAMESPACES, TABLE_BUCKETS,
};
use super::{Freed, Records, versions};
use crate::error::{self, Failure};
use crate::model::metadata::{ChangeRecord, MetadataConfiguration, MetadataFeed, TableError};
use crate::model::table::{Namespace, TableBucket, TableRecord};

/// Rows that are taken away at once.
const ANNOTATED_PAGE: usize = 1000;

/// (feed, sequence number, random)
pub(crate) type ChangeRow = (u64, String, u64);

/// A table that is to be made.
pub(crate) struct NewMetadataTable<'a> {
    pub(crate) feed: u64,
    pub(crate) lake: &'a BucketRow,
    /// The table bucket, if S3 may make it.
    pub(crate) managed: Option<&'a TableBucket>,
    /// Its name, and the namespace if it is to be made, too.
    pub(crate) namespace: (&'a str, &'a Namespace),
    pub(crate) name: &'a str,
    pub(crate) table: &'a TableRecord,
    pub(crate) metadata: &'a NewFile,
    pub(crate) now: Instant,
}

/// A new state of a table.
pub(crate) struct TableCommit<'a> {
    pub(crate) row: &'a TableRow,
    pub(crate) before: &'a TableRecord,
    pub(crate) location: &'a str,
    pub(crate) version_token: &'a str,
    pub(crate) files: &'a [NewFile],
    /// Keys of files that the table has no longer.
    pub(crate) removed: &'a [String],
    /// Changes that it tells of now.
    pub(crate) taken: &'a [ChangeRow],
    /// The feed as it is then.
    pub(crate) feed: (u64, &'a MetadataFeed),
    pub(crate) now: Instant,
}

impl Records {
    /// Begins a configuration: the bucket's record and the feed, in one commit.
    pub(crate) async fn begin_metadata(&self, id: u64, feed: &MetadataFeed) -> Result<()> {
        let bucket = feed.bucket.as_str();
        let done = self.store.transact(|tx| async move {
            let found = tx.get(&BUCKETS, bucket).await?;
            let mut record = found.ok_or_else(|| Failure::Api(error::no_such_bucket(bucket)))?;
            if record.features.metadata.is_some() {
                return Err(Failure::Api(error::metadata_exists(bucket)));
            }
            record.features.metadata = Some(feed.configuration.clone());
            tx.put(&BUCKETS, bucket, &record)?;
            tx.put(&METADATA_FEEDS, &id, feed)?;
            Ok(())
        });
        Ok(done.await?)
    }

    /// Changes a bucket's configuration of S3 Metadata, and its feed along.
    pub(crate) async fn change_configuration(
        &self,
        bucket: &str,
        change: impl Fn(&mut MetadataConfiguration, &mut MetadataFeed) -> Result<()> + Sync,
    ) -> Result<()> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let found = tx.get(&BUCKETS, bucket).await?;
            let mut record = found.ok_or_else(|| Failure::Api(error::no_such_bucket(bucket)))?;
            let none = || Failure::Api(error::no_metadata(bucket));
            let mut configuration = record.features.metadata.take().ok_or_else(none)?;
            let mut feed = tx.get(&METADATA_FEEDS, &configuration.feed).await?.ok_or_else(none)?;
            change(&mut configuration, &mut feed)?;
            feed.configuration = configuration.clone();
            tx.put(&METADATA_FEEDS, &configuration.feed, &feed)?;
            record.features.metadata = Some(configuration);
            tx.put(&BUCKETS, bucket, &record)?;
            Ok::<_, Failure>(())
        });
        Ok(done.await?)
    }

    /// Ends a configuration. What it noted is still written.
    pub(crate) async fn end_metadata(&self, bucket: &str) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            let found = tx.get(&BUCKETS, bucket).await?;
            let mut record = found.ok_or_else(|| Failure::Api(error::no_such_bucket(bucket)))?;
            let ended = record.features.metadata.take();
            let ended = ended.ok_or_else(|| Failure::Api(error::no_metadata(bucket)))?;
            tx.put(&BUCKETS, bucket, &record)?;
            close_in(&tx, ended.feed).await
        });
        Ok(done.await?)
    }

    pub(crate) async fn metadata_feed(&self, id: u64) -> Result<Option<MetadataFeed>> {
        self.store.get(&METADATA_FEEDS, &id).await.map_err(error::store)
    }

    /// All feeds, after `after`.
    pub(crate) async fn metadata_feeds(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, MetadataFeed)>> {
        let range = match after {
            Some(after) => Range::all().after(&after),
            None => Range::all(),
        };
        self.store.scan(&METADATA_FEEDS, range, limit).await.map_err(error::store)
    }

    /// Nothing is noted for a feed any more, which has failed.
    pub(crate) async fn break_metadata(&self, id: u64, feed: &MetadataFeed) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            if let Some(mut record) = tx.get(&BUCKETS, &feed.bucket).await?
                && let Some(configuration) = record.features.metadata.as_mut().filter(|own| own.feed == id)
            {
                configuration.is_broken = true;
                tx.put(&BUCKETS, &feed.bucket, &record)?;
            }
            note_in(&tx, id, feed).await
        });
        Ok(done.await?)
    }

    /// Puts what is known of a feed, unless it is gone.
    pub(crate) async fn note_feed(&self, id: u64, feed: &MetadataFeed) -> Result<()> {
        let done = self.store.transact(|tx| async move { note_in(&tx, id, feed).await });
        Ok(done.await?)
    }

    /// A feed that is closed and has nothing more to tell.
    pub(crate) async fn forget_feed(&self, id: u64) -> Result<()> {
        self.store.delete(&METADATA_FEEDS, &id).await.map_err(error::store)
    }

    /// The oldest changes of a feed.
    pub(crate) async fn changes(&self, feed: u64, limit: usize) -> Result<Vec<(ChangeRow, ChangeRecord)>> {
        self.store.scan(&CHANGES, Range::prefix((feed,)), limit).await.map_err(error::store)
    }

    /// Whether annotations changed; what said so is taken away.
    pub(crate) async fn take_annotated(&self, feed: u64) -> Result<bool> {
        let (mut any, feed) = (false, &feed);
        loop {
            let done = self.store.transact(|tx| async move {
                let rows = tx.scan_keys(&ANNOTATED, Range::prefix((*feed,)), ANNOTATED_PAGE).await?;
                for row in &rows {
                    tx.delete(&ANNOTATED, row)?;
                }
                // It is known from here on, unless the feed is gone.
                if !rows.is_empty()
                    && let Some(mut known) = tx.get(&METADATA_FEEDS, feed).await?
                {
                    known.annotations.is_stale = true;
                    tx.put(&METADATA_FEEDS, feed, &known)?;
                }
                Ok::<_, Failure>(rows.len())
            });
            let count = done.await?;
            any |= count > 0;
            if count < ANNOTATED_PAGE {
                return Ok(any);
            }
        }
    }

    /// The first feed after `after` whose annotations changed.
    pub(crate) async fn annotated_after(&self, after: Option<u64>) -> Result<Option<u64>> {
        let range = match after.map(|after| after.checked_add(1)) {
            Some(None) => return Ok(None),
            Some(Some(next)) => Range::all().from(&(next, 0)),
            None => Range::all(),
        };
        let first = self.store.scan(&ANNOTATED, range, 1).await.map_err(error::store)?;
        Ok(first.first().map(|((feed, _), _)| *feed))
    }

    /// Takes changes away that nobody is told of any more: the next ones after feed `after`, of a feed that is gone. Gives the feed
    /// to go on after.
    pub(crate) async fn drop_stray_changes(&self, after: Option<u64>, limit: usize) -> Result<Option<u64>> {
        let done = self.store.transact(|tx| async move {
            let range = match after.map(|after| after.checked_add(1)) {
                Some(None) => return Ok(None),
                Some(Some(next)) => Range::all().from(&(next, "", 0)),
                None => Range::all(),
            };
            let first = tx.scan_keys(&CHANGES, range, 1).await?;
            let Some((feed, ..)) = first.first() else { return Ok(None) };
            if tx.get(&METADATA_FEEDS, feed).await?.is_some_and(|known| !known.is_failed()) {
                return Ok(Some(*feed));
            }
            let rows = tx.scan_keys(&CHANGES, Range::prefix((*feed,)), limit).await?;
            for row in &rows {
                tx.delete(&CHANGES, row)?;
            }
            // The same feed again, if there was more than could be taken at once.
            Ok::<_, Failure>(if rows.len() < limit { Some(*feed) } else { after.or(feed.checked_sub(1)) })
        });
        Ok(done.await?)
    }

    /// Makes a table of S3 Metadata with its first metadata, and its table bucket and namespace where they are S3's own to make; all in
    /// one commit, which `made` is told in.
    pub(crate) async fn make_metadata_table(
        &self,
        new: &NewMetadataTable<'_>,
        made: impl Fn(&mut MetadataFeed) + Sync,
    ) -> Result<std::result::Result<(), TableError>> {
        let made = &made;
        let done = self.store.transact(|tx| async move {
            let bucket = match (tx.get(&TABLE_BUCKETS, new.lake).await?, new.managed) {
                (Some(bucket), _) => bucket,
                (None, Some(managed)) => {
                    tx.put(&TABLE_BUCKETS, new.lake, managed)?;
                    managed.clone()
                }
                (None, None) => return Ok(Err(TableError::TableBucketNotFound)),
            };
            let at = (bucket.id.as_str(), new.namespace.0);
            let namespace_id = match tx.get(&NAMESPACES, &at).await? {
                Some(namespace) => namespace.id,
                None => {
                    tx.put(&NAMESPACES, &at, new.namespace.1)?;
                    new.namespace.1.id.clone()
                }
            };
            let row = (bucket.id, new.namespace.0.to_owned(), new.name.to_owned());
            if tx.get(&ICEBERG_TABLES, &row).await?.is_some() {
                return Ok(Err(TableError::TableAlreadyExists));
            }
            let Some(mut feed) = tx.get(&METADATA_FEEDS, &new.feed).await? else { return Ok(Ok(())) };
            let table = TableRecord { namespace_id, ..new.table.clone() };
            table_buckets::create_in(&tx, new.lake, &row, &table).await?;
            put_files(&tx, std::slice::from_ref(new.metadata), &table, new.now, &mut Freed::new()).await?;
            made(&mut feed);
            tx.put(&METADATA_FEEDS, &new.feed, &feed)?;
            Ok::<_, Failure>(Ok(()))
        });
        Ok(done.await?)
    }

    /// The table's files, where its metadata is, and that its changes are told: one commit. `None` when the table is another by
    /// now, or gone.
    pub(crate) async fn commit_table(&self, commit: &TableCommit<'_>) -> Result<Option<Freed>> {
        let done = self.store.transact(|tx| async move {
            let found = tx.get(&ICEBERG_TABLES, commit.row).await?;
            let same = |table: &TableRecord| {
                table.id == commit.before.id && table.version_token == commit.before.version_token
            };
            let Some(table) = found.filter(same) else { return Ok(None) };
            let mut freed = Freed::new();
            put_files(&tx, commit.files, &table, commit.now, &mut freed).await?;
            for key in commit.removed {
                let at = (table.objects, key.as_str());
                if let Some(record) = tx.get(&CURRENT, &at).await? {
                    versions::release(&tx, at, &record, &mut freed).await?;
                    tx.delete(&CURRENT, &at)?;
                }
            }
            for row in commit.taken {
                tx.delete(&CHANGES, row)?;
            }
            let table = TableRecord {
                version_token: commit.version_token.to_owned(),
                metadata_location: Some(commit.location.to_owned()),
                modified_ms: commit.now.millis(),
                ..table
            };
            tx.put(&ICEBERG_TABLES, commit.row, &table)?;
            note_in(&tx, commit.feed.0, commit.feed.1).await?;
            Ok::<_, Failure>(Some(freed))
        });
        Ok(done.await?)
    }
}

/// The task's view of a feed, with the configuration as it is: that may have changed meanwhile.
async fn note_in(tx: &Tx, id: u64, feed: &MetadataFeed) -> std::result::Result<(), Failure> {
    if let Some(kept) = tx.get(&METADATA_FEEDS, &id).await? {
        let feed = MetadataFeed {
            is_closing: kept.is_closing,
            configuration: kept.configuration,
            inventory: match kept.inventory_run == feed.inventory_run {
                true => feed.inventory.clone(),
                false => kept.inventory,
            },
            inventory_run: kept.inventory_run,
            annotations: match kept.annotations.run == feed.annotations.run {
                true => feed.annotations.clone(),
                false => kept.annotations,
            },
            ..feed.clone()
        };
        tx.put(&METADATA_FEEDS, &id, &feed)?;
    }
    Ok(())
}

/// The configuration of a feed is gone.
pub(super) async fn close_in(tx: &Tx, id: u64) -> std::result::Result<(), Failure> {
    if let Some(mut feed) = tx.get(&METADATA_FEEDS, &id).await? {
        feed.is_closing = true;
        tx.put(&METADATA_FEEDS, &id, &feed)?;
    }
    Ok(())
}
