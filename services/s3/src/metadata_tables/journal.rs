use haneul_kit::{ApiError, Instant, Result};
use haneul_s3_iceberg::{DataFileWriter, Schema, tables};

use super::rows;
use super::writing::overtaken;
use crate::S3;
use crate::model::metadata::{MetadataFeed, TableError};

/// Changes that become one file.
const ROWS_MAX: usize = 10_000;
const FILE_BYTES_MAX: usize = 32 << 20;

/// The column by which records grow old.
const RECORD_TIMESTAMP: &str = "record_timestamp";

pub(crate) fn schema() -> Schema {
    tables::schema(&tables::JOURNAL)
}

pub(super) fn record_timestamp() -> i32 {
    let fields = schema().fields;
    fields.iter().find(|field| field.name == RECORD_TIMESTAMP).map(|field| field.id).unwrap_or_default()
}

/// What became of writing a table.
pub(crate) enum Outcome {
    Written,
    /// For good.
    Failed(TableError),
}

impl S3 {
    /// Writes the changes that wait, oldest first, each batch in one commit with its being taken away.
    pub(crate) async fn write_journal(
        &self,
        id: u64,
        feed: &mut MetadataFeed,
        now: Instant,
    ) -> Result<Outcome> {
        loop {
            let waiting = self.records.changes(id, ROWS_MAX).await?;
            if waiting.is_empty() {
                return Ok(Outcome::Written);
            }
            let more = waiting.len() == ROWS_MAX;
            let table = feed.journal.table.clone().unwrap_or_default();
            let Some(writer) = self.metadata_writer(feed, &table, now).await? else {
                return Ok(Outcome::Failed(TableError::DestinationTableNotFound));
            };
            let mut file = DataFileWriter::new(&schema()).map_err(ApiError::internal)?;
            let mut taken = Vec::with_capacity(waiting.len());
            let mut is_full = false;
            for (row, change) in waiting {
                if file.size() >= FILE_BYTES_MAX {
                    is_full = true;
                    break;
                }
                let values = rows::of_change(&feed.bucket, row.1.clone(), change);
                file.row(values).map_err(ApiError::internal)?;
                taken.push(row);
            }
            let written = file.finish();
            let location = writer.data_location();
            let file = written.at(&location);
            let staged = writer.stage(&location, written.bytes).await?;
            feed.is_stale = true;
            // What an object had goes with it, and comes with a copy.
            feed.annotations.is_stale = true;
            let made = writer
                .change(
                    |table, commit, objects| {
                        table.append(commit, std::slice::from_ref(&file), objects).map(Some)
                    },
                    vec![staged],
                    &taken,
                    (id, feed),
                )
                .await?;
            if !made {
                return Err(overtaken());
            }
            if !more && !is_full {
                return Ok(Outcome::Written);
            }
        }
    }
}
