use std::sync::Arc;

use haneul_kit::{ApiError, BoxFuture, Instant, Reconciler, Result, Signal};

use super::BATCH;
use super::delivering::{Encrypted, For};
use crate::S3;
use crate::bucket::{Bucket, arn_of};
use crate::calls::PRINCIPAL;
use crate::checksum::md5_hex;
use crate::inventory::fields::Listed;
use crate::inventory::rows::Rows;
use crate::inventory::{self, File};
use crate::model::ObjectRecord;
use crate::model::inventory::{Format, Inventory};
use crate::store::listing::Query;

/// Rows in one file: it is in memory while it is made.
const FILE_ROWS_MAX: usize = 200_000;

/// A list that could not be delivered is tried again after so many seconds.
const RETRY_S: i64 = 3600;

/// Makes the inventories that are due and delivers them, as S3, to buckets that let it in.
pub(super) struct Inventories {
    s3: Arc<S3>,
}

impl Inventories {
    pub(super) fn new(s3: Arc<S3>) -> Inventories {
        Inventories { s3 }
    }

    async fn deliver(&self, name: &str, id: &str, inventory: &Inventory, now: Instant) -> Result<()> {
        let source = self.s3.bucket_anywhere(name, &None).await?;
        let target = self.s3.bucket_anywhere(&inventory.bucket, &inventory.account).await?;
        if target.region != source.region {
            return Err(ApiError::new("InvalidS3DestinationBucket", "The destination is in another Region"));
        }
        let puts = For {
            principal: PRINCIPAL,
            account: source.owner,
            arn: source.arn(),
            encryption: match &inventory.kms_key {
                Some(key) => Some(Encrypted::Kms(key.clone())),
                None => inventory.encrypted.then_some(Encrypted::S3),
            },
        };
        let folder = inventory::folder(inventory, name, id);
        let mut files = Vec::new();
        let mut rows = Rows::new(inventory);
        let mut marker = (None, None);
        let query = Query {
            bucket: source.id(),
            prefix: inventory.filter.as_deref().unwrap_or_default(),
            delimiter: "",
            limit: BATCH,
        };
        loop {
            let (items, next): (Vec<_>, _) = if inventory.all_versions {
                let listed = self.s3.records.list_versions(query, text(&marker.0), text(&marker.1)).await?;
                let (page, version) = listed;
                (page.items, page.next.map(|next| (Some(next), version)))
            } else {
                let page = self.s3.records.list_objects::<ObjectRecord>(query, text(&marker.0)).await?;
                let items = page.items.into_iter().map(|(key, record)| (key, record, true)).collect();
                (items, page.next.map(|next| (Some(next), None)))
            };
            for (key, record, is_latest) in &items {
                let listed = Listed { bucket: &source, key, record, is_latest: *is_latest };
                rows.add(&listed).map_err(ApiError::internal)?;
            }
            if rows.count >= FILE_ROWS_MAX || next.is_none() {
                let full = std::mem::replace(&mut rows, Rows::new(inventory));
                files.push(self.put_file(&puts, inventory.format, &target, &folder, full).await?);
            }
            match next {
                Some(next) => marker = next,
                None => break,
            }
        }
        let manifest =
            inventory::manifest(inventory, name, &arn_of(target.region, &target.name), now, &files);
        let at = format!("{folder}/{}", inventory::stamp(now));
        let checksum = md5_hex(manifest.as_bytes());
        let symlink = inventory::symlink(&target.name, &files);
        for (key, text, kind) in [
            (inventory::hive(&folder, now), symlink, "text/plain"),
            (format!("{at}/manifest.json"), manifest, "application/json"),
            (format!("{at}/manifest.checksum"), checksum, "text/plain"),
        ] {
            puts.put(&self.s3, &target, key, text.into_bytes(), kind).await?;
        }
        Ok(())
    }

    async fn put_file(
        &self,
        puts: &For,
        format: Format,
        target: &Bucket,
        folder: &str,
        rows: Rows,
    ) -> Result<File> {
        let bytes = rows.finish().map_err(ApiError::internal)?;
        let ending = match format {
            Format::Csv => "csv.gz",
            Format::Parquet => "parquet",
        };
        let key = format!("{folder}/data/{}.{ending}", self.s3.platform.env.rng.uuid());
        let file = File { key: key.clone(), size: bytes.len(), md5: md5_hex(&bytes) };
        puts.put(&self.s3, target, key, bytes, "application/octet-stream").await?;
        Ok(file)
    }
}

fn text(marker: &Option<String>) -> Option<&str> {
    marker.as_deref()
}

impl Reconciler for Inventories {
    fn name(&self) -> &'static str {
        "s3 inventories"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let records = &self.s3.records;
            let now = self.s3.platform.env.now();
            let (mut after, mut next): (Option<(String, String)>, Option<i64>) = (None, None);
            loop {
                let page = records.all_inventories(after.as_ref(), BATCH).await?;
                for (row, configured) in page.iter().filter(|(_, configured)| configured.enabled) {
                    let mut due_s = configured.next_s;
                    if due_s <= now.secs() {
                        let (bucket, id) = (&row.0, &row.1);
                        due_s = match self.deliver(bucket, id, configured, now).await {
                            Ok(()) => inventory::next_s(configured.weekly, now.secs()),
                            Err(error)
                                if error.code() == "NoSuchBucket"
                                    && records.bucket(bucket).await?.is_none() =>
                            {
                                // It went with its bucket.
                                records.delete_inventory(bucket, id).await?;
                                continue;
                            }
                            Err(error) => {
                                tracing::warn!(%error, bucket, id, "an inventory could not be delivered");
                                now.secs() + RETRY_S
                            }
                        };
                        records.put_off_inventory(row, configured, due_s).await?;
                    }
                    next = Some(next.map_or(due_s, |next| next.min(due_s)));
                }
                after = page.last().map(|(row, _)| row.clone());
                if page.len() < BATCH {
                    return Ok(next.map(Instant::from_secs));
                }
            }
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.inventory
    }
}
