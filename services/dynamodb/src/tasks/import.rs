//! Imports: the files of a bucket into a new table, read on behalf of who asked for it. What is wrong with a record is
//! counted, and the record left out.
//!
//! An import lives as long as the program runs; one which a stop interrupted fails, and its table goes (`jobs`).

use std::sync::Arc;

use haneul_kit::{Cx, Result};

use super::export::failure;
use crate::engine::plan::Write;
use crate::error;
use crate::model::{IMPORTS, ImportRecord, JobKey, JobStatus};
use crate::store::Db;
use crate::store::tables::Change;
use crate::store::write::{Batch, Failure};
use crate::table::TableInfo;
use crate::transfer::lines::{Compression, Lines};
use crate::transfer::{Read, csv, ion, json};
use crate::value::Attrs;

/// Items of one commit.
const BATCH: usize = 100;

impl Db {
    pub(crate) async fn start_import(
        &self,
        cx: &Cx,
        table: Arc<TableInfo>,
        key: &JobKey,
        record: &ImportRecord,
    ) -> Result<()> {
        self.jobs().begin(key);
        self.store.put(&IMPORTS, key, record).await.map_err(error::store)?;
        let (db, cx, key, record) = (self.clone(), cx.clone(), key.clone(), record.clone());
        self.env.spawn("dynamodb import", async move {
            let mut import = Import { db: &db, cx: &cx, table, record, batch: Vec::new() };
            let done = import.run().await;
            let mut record = import.record;
            if let Err(error) = db.end_import(&key, &mut record, done).await {
                tracing::error!(%error, "the end of an import was not noted");
            }
            db.jobs().end(&key);
        });
        Ok(())
    }

    /// Opens the table, or drops it when the import failed.
    pub(crate) async fn end_import(
        &self,
        key: &JobKey,
        record: &mut ImportRecord,
        done: Result<()>,
    ) -> Result<()> {
        let id = (key.0, key.1, key.2.clone());
        record.ended_ms = Some(self.env.now().millis());
        match done {
            Ok(()) => {
                record.status = JobStatus::Completed;
                self.change_table(&id, |record, _| {
                    record.importing = None;
                    Ok(Change::default())
                })
                .await?;
            }
            Err(error) => {
                record.status = JobStatus::Failed;
                record.failure = Some(failure(&error));
                let own = self.find_table(&id).await?;
                if own.is_some_and(|table| table.record.importing.as_ref() == Some(&key.3)) {
                    self.delete_table(&id).await?;
                }
            }
        }
        self.store.put(&IMPORTS, key, record).await.map_err(error::store)
    }
}

struct Import<'a> {
    db: &'a Db,
    cx: &'a Cx,
    table: Arc<TableInfo>,
    record: ImportRecord,
    batch: Vec<Write>,
}

impl Import<'_> {
    async fn run(&mut self) -> Result<()> {
        let mut after = None;
        loop {
            let (keys, next) = self.db.list_objects(self.cx, &self.record, after).await?;
            for key in keys {
                let file = self.db.get_object(self.cx, &self.record, key).await?;
                self.record.bytes += file.len() as i64;
                self.file(&file).await?;
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        self.commit().await
    }

    async fn file(&mut self, file: &[u8]) -> Result<()> {
        let compression = match self.record.compression.as_deref() {
            Some("GZIP") => Compression::Gzip,
            _ => Compression::None,
        };
        let delimiter = self.record.delimiter.as_ref().and_then(|text| text.chars().next()).unwrap_or(',');
        let mut header = self.record.header.clone();
        let mut lines = Lines::new(file, compression);
        while let Some(line) = lines.next() {
            let line = match line {
                Ok(line) if line.trim().is_empty() => continue,
                Ok(line) => line,
                Err(_) => {
                    // What comes after cannot be made out.
                    self.record.processed += 1;
                    self.record.errors += 1;
                    break;
                }
            };
            if self.record.format == "CSV" && header.is_none() {
                header = Some(csv::fields(&line, delimiter).unwrap_or_default());
                continue;
            }
            self.record.processed += 1;
            let keys = &self.table.record.attributes;
            let item = match self.record.format.as_str() {
                "CSV" => csv::item(&line, delimiter, header.as_deref().unwrap_or_default(), keys),
                "ION" => ion::item(&line),
                _ => json::item(&line),
            };
            match item.and_then(|item| self.write(item)) {
                Ok(write) => self.add(write).await?,
                Err(why) => {
                    tracing::debug!(table = self.table.name, why, "a record was not imported");
                    self.record.errors += 1;
                }
            }
        }
        Ok(())
    }

    fn write(&self, item: Attrs) -> Read<Write> {
        let write = Write::put(self.table.clone(), item, None);
        let write = write.map_err(|error| error.message().to_owned())?;
        // It is nothing that a client would be throttled for.
        Ok(Write { by_service: true, ..write })
    }

    async fn add(&mut self, write: Write) -> Result<()> {
        if self.batch.iter().any(|other| other.at == write.at) {
            self.commit().await?;
        }
        self.batch.push(write);
        if self.batch.len() >= BATCH { self.commit().await } else { Ok(()) }
    }

    async fn commit(&mut self) -> Result<()> {
        let writes = std::mem::take(&mut self.batch);
        let count = writes.len() as i64;
        let done = self.db.write(Batch { writes, ..Batch::default() }).await;
        done.map_err(|failure: Failure| haneul_kit::ApiError::from(failure))?;
        self.record.imported += count;
        Ok(())
    }
}
