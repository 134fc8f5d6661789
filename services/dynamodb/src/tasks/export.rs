//! Exports: the table as it was at a moment, or what changed between two, written to S3 on behalf of who asked for it.
//!
//! An export lives as long as the program runs: its caller's session is not kept, so that one which a stop interrupted
//! fails (`jobs`).

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_kit::{ApiError, Cx, Instant, Result};
use haneul_store::{Range, Reads};
use md5::{Digest, Md5};
use serde_json::json;

use super::copy::undo;
use crate::engine::keys;
use crate::error;
use crate::model::{EXPORTS, ExportRecord, ITEMS, JobKey, JobStatus, LOG, RawKey, RawPrefix};
use crate::ops::transfer_arn;
use crate::store::Db;
use crate::stream::sequence::{self, of_time};
use crate::table::TableInfo;
use crate::table::name;
use crate::transfer::file::{DataFile, Format, manifest_line};
use crate::value::{Attrs, size};

const PAGE: usize = 200;

impl Db {
    pub(crate) async fn start_export(
        &self,
        cx: &Cx,
        table: Arc<TableInfo>,
        key: &JobKey,
        record: &ExportRecord,
    ) -> Result<()> {
        self.jobs().begin(key);
        self.store.put(&EXPORTS, key, record).await.map_err(error::store)?;
        let (db, cx, key, mut record) = (self.clone(), cx.clone(), key.clone(), record.clone());
        self.env.spawn("dynamodb export", async move {
            let done = Export::new(&db, &cx, &table, &key, &record).run().await;
            record.ended_ms = Some(db.env.now().millis());
            match done {
                Ok((items, bytes)) => {
                    (record.items, record.bytes) = (Some(items), Some(bytes));
                    record.status = JobStatus::Completed;
                }
                Err(error) => {
                    record.status = JobStatus::Failed;
                    record.failure = Some(failure(&error));
                }
            }
            if let Err(error) = db.store.put(&EXPORTS, &key, &record).await {
                tracing::error!(%error, "the end of an export was not noted");
            }
            db.jobs().end(&key);
        });
        Ok(())
    }
}

/// As DescribeExport and DescribeImport tell of it.
pub(super) fn failure(error: &ApiError) -> (String, String) {
    let code = match error.code() {
        code @ ("NoSuchBucket" | "AccessDenied" | "NoSuchKey") => format!("S3{code}"),
        other => other.to_owned(),
    };
    (code, error.message().to_owned())
}

struct Export<'a> {
    db: &'a Db,
    cx: &'a Cx,
    table: &'a TableInfo,
    key: &'a JobKey,
    record: &'a ExportRecord,
    file: DataFile,
    files: Vec<String>,
    items: i64,
    bytes: i64,
}

impl<'a> Export<'a> {
    fn new(
        db: &'a Db,
        cx: &'a Cx,
        table: &'a TableInfo,
        key: &'a JobKey,
        record: &'a ExportRecord,
    ) -> Export<'a> {
        let file = DataFile::new(Format::of(&record.format));
        Export { db, cx, table, key, record, file, files: Vec::new(), items: 0, bytes: 0 }
    }

    /// Items, and bytes of them.
    async fn run(mut self) -> Result<(i64, i64)> {
        let folder = self.record.folder(&self.key.3);
        self.put(format!("{folder}/_started"), Vec::new()).await?;
        match self.record.window_ms {
            None => self.everything().await?,
            Some((from, to)) => self.changes(from, to).await?,
        }
        self.end_file().await?;
        let files = self.files.iter().map(|line| format!("{line}\n")).collect::<String>();
        self.put_with_checksum(format!("{folder}/manifest-files"), files.into_bytes()).await?;
        let summary = self.summary(&folder).to_string();
        self.put_with_checksum(format!("{folder}/manifest-summary"), summary.into_bytes()).await?;
        Ok((self.items, self.bytes))
    }

    async fn everything(&mut self) -> Result<()> {
        let snapshot = self.db.snapshot().await?;
        let (keeping, space) = (self.table.keeping(), self.table.record.space);
        let then = undo(&snapshot, &self.table.schema, keeping, self.record.log, self.record.at_ms).await?;
        for item in then.values().flatten() {
            self.add_item(item).await?;
        }
        let prefix = keys::of_space(space);
        let mut after: Option<RawKey> = None;
        loop {
            let mut range = Range::prefix(RawPrefix(&prefix));
            if let Some(after) = &after {
                range = range.after(after);
            }
            let page = snapshot.scan(&ITEMS, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            for (key, stored) in page {
                if !then.contains_key(&key.0[keys::HASH_AT..]) {
                    let item = keeping.item(&key.0, stored)?;
                    self.add_item(&item).await?;
                }
            }
        }
    }

    /// What became of each item that changed: its image before the first change, and after the last.
    async fn changes(&mut self, from_ms: i64, to_ms: i64) -> Result<()> {
        type Net = (i64, Attrs, Option<Attrs>, Option<Attrs>);
        let (log, schema) = (self.record.log, &self.table.schema);
        let mut net: BTreeMap<Vec<u8>, Net> = BTreeMap::new();
        let snapshot = self.db.snapshot().await?;
        let end = sequence::key(log, of_time(Instant::from_millis(to_ms)));
        let mut from = sequence::key(log, of_time(Instant::from_millis(from_ms)));
        loop {
            let range = Range::prefix(RawPrefix(&log.to_be_bytes())).from(&from[..]).before(&end[..]);
            let page = snapshot.scan(&LOG, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { break };
            from = last.0.clone();
            from.push(0);
            for (at, record) in page {
                let change = self.table.keeping().change(&at.0, &record)?;
                let place = keys::of_item(0, schema, &change.key);
                let one = net.entry(place).or_insert((0, change.key, change.old, None));
                (one.0, one.3) = (change.at_ms * 1000, change.new);
            }
        }
        let with_old = self.record.view.as_deref() != Some("NEW_IMAGE");
        for (at_us, key, old, new) in net.into_values() {
            if old.is_none() && new.is_none() {
                continue;
            }
            self.items += 1;
            self.bytes += [&old, &new].into_iter().flatten().map(size::of_item).sum::<usize>() as i64;
            self.file.add_change(at_us, &key, (old.as_ref().filter(|_| with_old), new.as_ref()))?;
            self.end_full_file().await?;
        }
        Ok(())
    }

    async fn add_item(&mut self, item: &Attrs) -> Result<()> {
        self.items += 1;
        self.bytes += size::of_item(item) as i64;
        self.file.add_item(item)?;
        self.end_full_file().await
    }

    async fn end_full_file(&mut self) -> Result<()> {
        if self.file.is_full() { self.end_file().await } else { Ok(()) }
    }

    async fn end_file(&mut self) -> Result<()> {
        let format = Format::of(&self.record.format);
        let file = std::mem::replace(&mut self.file, DataFile::new(format));
        let items = file.items;
        if items == 0 && !self.files.is_empty() {
            return Ok(());
        }
        let bytes = file.finish()?;
        let name = self.db.env.rng.uuid().replace('-', "");
        let key = format!("{}/{name}.{}", self.record.data_folder(&self.key.3), format.extension());
        let md5 = STANDARD.encode(Md5::digest(&bytes));
        let etag = self.put(key.clone(), bytes).await?;
        self.files.push(manifest_line(items, &md5, etag.as_deref(), &key).to_string());
        Ok(())
    }

    async fn put_with_checksum(&self, name: String, bytes: Vec<u8>) -> Result<()> {
        let checksum = STANDARD.encode(Md5::digest(&bytes));
        self.put(format!("{name}.json"), bytes).await?;
        // `manifest-summary.checksum`
        self.put(format!("{name}.checksum"), checksum.into_bytes()).await?;
        Ok(())
    }

    async fn put(&self, key: String, bytes: Vec<u8>) -> Result<Option<String>> {
        self.db.put_object(self.cx, self.record, key, bytes).await
    }

    fn summary(&self, folder: &str) -> serde_json::Value {
        let record = self.record;
        let time = |ms: i64| Instant::from_millis(ms).iso8601_millis();
        let mut summary = json!({
            "version": "2020-06-30",
            "exportArn": transfer_arn(self.key, "export").to_string(),
            "startTime": time(record.started_ms),
            "endTime": time(self.db.env.now().millis()),
            "tableArn": name::arn(&(self.key.0, self.key.1, self.key.2.clone())).to_string(),
            "tableId": record.table_id,
            "s3Bucket": record.bucket,
            "s3Prefix": record.prefix,
            "s3SseAlgorithm": record.sse_algorithm.as_deref().unwrap_or("AES256"),
            "s3SseKmsKeyId": record.sse_key,
            "manifestFilesS3Key": format!("{folder}/manifest-files.json"),
            "billedSizeBytes": self.bytes,
            "itemCount": self.items,
            "outputFormat": record.format,
        });
        match record.window_ms {
            None => summary["exportTime"] = json!(time(record.at_ms)),
            Some((from, to)) => {
                summary["version"] = json!("2023-08-01");
                summary["exportType"] = json!("INCREMENTAL_EXPORT");
                summary["exportFromTime"] = json!(time(from));
                summary["exportToTime"] = json!(time(to));
                summary["outputView"] = json!(record.view);
            }
        }
        summary
    }
}
