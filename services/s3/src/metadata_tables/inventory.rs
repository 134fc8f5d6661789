use haneul_kit::{ApiError, Instant, Result};
use haneul_s3_iceberg::{DataFile, DataFileWriter, Operation, Schema, tables};

use super::journal::Outcome;
use super::rows;
use super::writing::{Writer, overtaken};
use crate::S3;
use crate::model::metadata::{MetadataFeed, TableError};
use crate::store::listing::{PAGE_MAX, Query};
use crate::store::table_buckets::NewFile;

/// A file is in memory while it is made.
const ROWS_MAX: u64 = 100_000;
const FILE_BYTES_MAX: usize = 64 << 20;

pub(crate) fn schema() -> Schema {
    tables::schema(&tables::INVENTORY)
}

impl S3 {
    /// Lists the bucket anew, and puts that in the place of what the table says.
    pub(crate) async fn write_inventory(
        &self,
        id: u64,
        feed: &mut MetadataFeed,
        now: Instant,
    ) -> Result<Outcome> {
        let table = feed.inventory.table.clone().unwrap_or_default();
        let Some(writer) = self.metadata_writer(feed, &table, now).await? else {
            return Ok(Outcome::Failed(TableError::DestinationTableNotFound));
        };
        let (mut files, mut staged) = (Vec::new(), Vec::new());
        let listed = self.list_all(&writer, feed, &mut files, &mut staged).await;
        if let Err(error) = listed {
            self.discard_files(&staged).await;
            return Err(error);
        }
        let (_, metadata) = writer.metadata().await?;
        feed.is_stale = false;
        feed.listed_ms = now.millis();
        let current = match metadata.current_snapshot() {
            Some(_) => writer.with_files(|objects| metadata.files(objects)).await?,
            None => Vec::new(),
        };
        let removed: Vec<String> = current.into_iter().map(|file| file.location).collect();
        let made = writer
            .change(
                |table, commit, objects| match (removed.is_empty(), files.is_empty()) {
                    (true, true) => Ok(None),
                    (true, false) => table.append(commit, &files, objects).map(Some),
                    (false, _) => {
                        table.replace(commit, Operation::Overwrite, &removed, &files, objects).map(Some)
                    }
                },
                staged,
                &[],
                (id, feed),
            )
            .await?;
        if made { Ok(Outcome::Written) } else { Err(overtaken()) }
    }

    async fn list_all(
        &self,
        writer: &Writer<'_>,
        feed: &MetadataFeed,
        files: &mut Vec<DataFile>,
        staged: &mut Vec<NewFile>,
    ) -> Result<()> {
        let versioning = self.records.bucket(&feed.bucket).await?.map(|record| record.versioning);
        let versioning = versioning.unwrap_or_default();
        let query = Query { bucket: feed.bucket_id, prefix: "", delimiter: "", limit: PAGE_MAX };
        let mut marker: (Option<String>, Option<String>) = (None, None);
        let mut file = DataFileWriter::new(&schema()).map_err(ApiError::internal)?;
        loop {
            let (key, version) = (marker.0.as_deref(), marker.1.as_deref());
            let (page, next_version) = self.records.list_versions(query, key, version).await?;
            for (key, record, _) in page.items {
                let row = rows::of_version(&feed.bucket, versioning, key, &record);
                file.row(row).map_err(ApiError::internal)?;
            }
            let is_full = file.rows() >= ROWS_MAX || file.size() >= FILE_BYTES_MAX;
            if file.rows() > 0 && (is_full || page.next.is_none()) {
                let next = DataFileWriter::new(&schema()).map_err(ApiError::internal)?;
                let written = std::mem::replace(&mut file, next).finish();
                let location = writer.data_location();
                files.push(written.at(&location));
                staged.push(writer.stage(&location, written.bytes).await?);
            }
            match page.next {
                Some(next) => marker = (Some(next), next_version),
                None => return Ok(()),
            }
        }
    }
}
