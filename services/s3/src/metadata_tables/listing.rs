//! A table whose content is written as a whole, from what is there now: files one after the other, then one commit that puts them
//! in the place of all that the table had.

use haneul_kit::{ApiError, Result};
use haneul_s3_iceberg::{DataFile, DataFileWriter, Operation, Schema, Value};

use super::journal::Outcome;
use super::writing::{Writer, overtaken};
use crate::S3;
use crate::model::metadata::MetadataFeed;
use crate::store::table_buckets::NewFile;

/// A file is in memory while it is made.
const ROWS_MAX: u64 = 100_000;

pub(super) struct Listing<'a> {
    s3: &'a S3,
    writer: &'a Writer<'a>,
    schema: Schema,
    /// A file is closed with so many bytes.
    bytes_max: usize,
    file: DataFileWriter,
    files: Vec<DataFile>,
    staged: Vec<NewFile>,
}

impl<'a> Listing<'a> {
    pub(super) fn new(
        s3: &'a S3,
        writer: &'a Writer<'a>,
        schema: Schema,
        bytes_max: usize,
    ) -> Result<Listing<'a>> {
        let file = DataFileWriter::new(&schema).map_err(ApiError::internal)?;
        Ok(Listing { s3, writer, schema, bytes_max, file, files: Vec::new(), staged: Vec::new() })
    }

    pub(super) async fn row(&mut self, row: Vec<Value>) -> Result<()> {
        self.file.row(row).map_err(ApiError::internal)?;
        if self.file.rows() >= ROWS_MAX || self.file.size() >= self.bytes_max {
            self.close_file().await?;
        }
        Ok(())
    }

    async fn close_file(&mut self) -> Result<()> {
        if self.file.rows() == 0 {
            return Ok(());
        }
        let next = DataFileWriter::new(&self.schema).map_err(ApiError::internal)?;
        let written = std::mem::replace(&mut self.file, next).finish();
        let location = self.writer.data_location();
        self.files.push(written.at(&location));
        self.staged.push(self.writer.stage(&location, written.bytes).await?);
        Ok(())
    }

    /// All rows are there.
    pub(super) async fn finish(&mut self) -> Result<()> {
        self.close_file().await
    }

    /// Of a listing that failed.
    pub(super) async fn discard(self) {
        self.s3.discard_files(&self.staged).await;
    }

    /// Makes the rows the content of the table.
    pub(super) async fn commit(self, feed: (u64, &MetadataFeed)) -> Result<Outcome> {
        let (_, metadata) = self.writer.metadata().await?;
        let current = match metadata.current_snapshot() {
            Some(_) => self.writer.with_files(|objects| metadata.files(objects)).await?,
            None => Vec::new(),
        };
        let removed: Vec<String> = current.into_iter().map(|file| file.location).collect();
        let files = self.files;
        let made = self.writer.change(
            |table, commit, objects| match (removed.is_empty(), files.is_empty()) {
                (true, true) => Ok(None),
                (true, false) => table.append(commit, &files, objects).map(Some),
                (false, _) => {
                    table.replace(commit, Operation::Overwrite, &removed, &files, objects).map(Some)
                }
            },
            self.staged,
            &[],
            feed,
        );
        if made.await? { Ok(Outcome::Written) } else { Err(overtaken()) }
    }
}
