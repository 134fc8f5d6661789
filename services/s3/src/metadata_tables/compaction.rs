//! Small files of the journal become one: each minute adds one, and a reader reads them all.

use std::collections::BTreeMap;

use haneul_kit::{ApiError, Result};
use haneul_s3_iceberg::{DataFile, DataFileWriter, Operation, read_rows};

use super::journal::{record_timestamp, schema};
use super::writing::{Writer, overtaken};
use crate::model::metadata::MetadataFeed;

/// A file is small below so many bytes, and grows to so many.
const SMALL_BYTES: i64 = 8 << 20;
const FILE_BYTES_MAX: i64 = 32 << 20;

/// Files that one commit puts together; the next run goes on.
const FILES_MAX: usize = 1000;

const DAY_US: i64 = 24 * 3600 * 1_000_000;

/// The small files of one day: records expire by the file, so that no file has records of several.
fn together(files: Vec<DataFile>) -> Vec<DataFile> {
    let column = record_timestamp();
    let mut days: BTreeMap<i64, (i64, Vec<DataFile>)> = BTreeMap::new();
    for file in files.into_iter().filter(|file| file.file_size < SMALL_BYTES) {
        let Some((oldest, newest)) = file.range(column) else { continue };
        let day = oldest.div_euclid(DAY_US);
        if newest.div_euclid(DAY_US) != day {
            continue;
        }
        let (size, of_day) = days.entry(day).or_default();
        if *size + file.file_size <= FILE_BYTES_MAX && of_day.len() < FILES_MAX {
            *size += file.file_size;
            of_day.push(file);
        }
    }
    days.into_values().map(|(_, files)| files).find(|files| files.len() > 1).unwrap_or_default()
}

impl Writer<'_> {
    /// Gives whether there were files to put together.
    pub(crate) async fn compact(&self, feed: (u64, &MetadataFeed)) -> Result<bool> {
        let (_, metadata) = self.metadata().await?;
        if metadata.current_snapshot().is_none() {
            return Ok(false);
        }
        let files = self.with_files(|objects| metadata.files(objects)).await?;
        let small = together(files);
        if small.is_empty() {
            return Ok(false);
        }
        let schema = schema();
        let mut file = DataFileWriter::new(&schema).map_err(ApiError::internal)?;
        for old in &small {
            let bytes = self.read(&old.location).await?;
            read_rows(&schema, &bytes, |row| file.row(row)).map_err(ApiError::internal)?;
        }
        let written = file.finish();
        let location = self.data_location();
        let new = written.at(&location);
        let staged = self.stage(&location, written.bytes).await?;
        let removed: Vec<String> = small.into_iter().map(|file| file.location).collect();
        let replace = self.change(
            |table, commit, objects| {
                let new = std::slice::from_ref(&new);
                table.replace(commit, Operation::Replace, &removed, new, objects).map(Some)
            },
            vec![staged],
            &[],
            feed,
        );
        if replace.await? { Ok(true) } else { Err(overtaken()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_of_one_day_go_together() {
        let file = |name: &str, size: i64, oldest: i64, newest: i64| DataFile {
            location: name.to_owned(),
            file_size: size,
            lower_bounds: [(record_timestamp(), oldest.to_le_bytes().to_vec())].into(),
            upper_bounds: [(record_timestamp(), newest.to_le_bytes().to_vec())].into(),
            ..DataFile::default()
        };
        let names = |files: Vec<DataFile>| -> Vec<String> {
            together(files).into_iter().map(|file| file.location).collect()
        };
        assert!(names(vec![file("alone", 1, 0, 1)]).is_empty());
        let files = vec![
            file("yesterday", 1, -5, -4),
            file("a", 1, 0, 1),
            file("over midnight", 1, DAY_US - 1, DAY_US),
            file("large", SMALL_BYTES, 2, 3),
            file("b", SMALL_BYTES - 1, 4, 5),
        ];
        assert_eq!(names(files), ["a", "b"]);
    }
}
