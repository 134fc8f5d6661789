use haneul_kit::{AccountId, Instant, Region, Result};
use haneul_store::{Range, Reads, Tx};

use super::objects::{self, NewObject};
use super::tables::{
    ABANDONED, CURRENT, ICEBERG_TABLES, NAMESPACES, STATES, TABLE_BUCKETS, TABLE_IDS, UPLOADS, WAREHOUSES,
};
use super::watch::Watch;
use super::{Freed, Records, versions};
use crate::conditions::WriteConditions;
use crate::error::{self, Failure, tables as refusals};
use crate::model::table::{Namespace, TableBucket, TableRecord, Warehouse};
use crate::model::{Body, Versioning};

/// (account, Region, name)
pub(crate) type BucketRow = (AccountId, Region, String);

/// (id of the table bucket, namespace, name)
pub(crate) type TableRow = (String, String, String);

/// A file that is durable, and that no record names yet.
pub(crate) struct NewFile {
    pub(crate) key: String,
    pub(crate) body: Body,
    pub(crate) inline: Option<Vec<u8>>,
    pub(crate) random: [u8; 16],
}

impl Records {
    pub(crate) async fn table_bucket(&self, row: &BucketRow) -> Result<Option<TableBucket>> {
        self.store.get(&TABLE_BUCKETS, row).await.map_err(error::store)
    }

    pub(crate) async fn create_table_bucket(&self, row: &BucketRow, bucket: &TableBucket) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            if tx.get(&TABLE_BUCKETS, row).await?.is_some() {
                return Err(Failure::Api(refusals::bucket_exists()));
            }
            let held = tx.scan_keys(&TABLE_BUCKETS, Range::prefix((row.0, row.1)), BUCKETS_MAX).await?;
            if held.len() >= BUCKETS_MAX {
                return Err(Failure::Api(refusals::too_many("table buckets")));
            }
            tx.put(&TABLE_BUCKETS, row, bucket)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn table_buckets(
        &self,
        account: AccountId,
        region: Region,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, TableBucket)>> {
        let mut range = Range::prefix((account, region)).text(prefix);
        if let Some(after) = after {
            range = range.after(&(account, region, after));
        }
        let rows = self.store.scan(&TABLE_BUCKETS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, _, name), bucket)| (name, bucket)).collect())
    }

    pub(crate) async fn change_table_bucket(
        &self,
        row: &BucketRow,
        change: impl Fn(&mut TableBucket) -> Result<()> + Sync,
    ) -> Result<()> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let mut bucket = bucket_in(&tx, row).await?;
            change(&mut bucket)?;
            tx.put(&TABLE_BUCKETS, row, &bucket)?;
            Ok::<_, Failure>(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn delete_table_bucket(&self, row: &BucketRow) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            let bucket = bucket_in(&tx, row).await?;
            if !tx.scan_keys(&NAMESPACES, Range::prefix((&bucket.id,)), 1).await?.is_empty() {
                return Err(Failure::Api(refusals::bucket_not_empty()));
            }
            tx.delete(&TABLE_BUCKETS, row)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn namespace(&self, bucket: &str, name: &str) -> Result<Option<Namespace>> {
        self.store.get(&NAMESPACES, &(bucket, name)).await.map_err(error::store)
    }

    pub(crate) async fn create_namespace(
        &self,
        row: &BucketRow,
        name: &str,
        namespace: &Namespace,
    ) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            let bucket = bucket_in(&tx, row).await?;
            let at = (bucket.id.as_str(), name);
            if tx.get(&NAMESPACES, &at).await?.is_some() {
                return Err(Failure::Api(refusals::namespace_exists()));
            }
            let held = tx.scan_keys(&NAMESPACES, Range::prefix((&bucket.id,)), NAMESPACES_MAX).await?;
            if held.len() >= NAMESPACES_MAX {
                return Err(Failure::Api(refusals::too_many("namespaces")));
            }
            tx.put(&NAMESPACES, &at, namespace)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn namespaces(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Namespace)>> {
        let mut range = Range::prefix((bucket,)).text(prefix);
        if let Some(after) = after {
            range = range.after(&(bucket, after));
        }
        let rows = self.store.scan(&NAMESPACES, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, name), namespace)| (name, namespace)).collect())
    }

    pub(crate) async fn delete_namespace(&self, bucket: &str, name: &str) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            if tx.get(&NAMESPACES, &(bucket, name)).await?.is_none() {
                return Err(Failure::Api(refusals::no_namespace()));
            }
            if !tx.scan_keys(&ICEBERG_TABLES, Range::prefix((bucket, name)), 1).await?.is_empty() {
                return Err(Failure::Api(refusals::namespace_not_empty()));
            }
            tx.delete(&NAMESPACES, &(bucket, name))?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn table(&self, row: &TableRow) -> Result<Option<TableRecord>> {
        self.store.get(&ICEBERG_TABLES, row).await.map_err(error::store)
    }

    /// A table by its id, wherever it was renamed to.
    pub(crate) async fn table_by_id(
        &self,
        bucket: &str,
        id: &str,
    ) -> Result<Option<(TableRow, TableRecord)>> {
        let snapshot = self.store.snapshot().await.map_err(error::store)?;
        let Some(row) = row_of(&snapshot, bucket, id).await.map_err(error::store)? else { return Ok(None) };
        let table = snapshot.get(&ICEBERG_TABLES, &row).await.map_err(error::store)?;
        Ok(table.map(|table| (row, table)))
    }

    /// After the table of that namespace and name, where one is given.
    pub(crate) async fn tables(
        &self,
        bucket: &str,
        namespace: Option<&str>,
        prefix: &str,
        after: Option<&(String, String)>,
        limit: usize,
    ) -> Result<Vec<(TableRow, TableRecord)>> {
        let mut range = match namespace {
            Some(namespace) => Range::prefix((bucket, namespace)).text(prefix),
            None => Range::prefix((bucket,)),
        };
        if let Some((namespace, name)) = after {
            range = range.after(&(bucket, namespace, name));
        }
        self.store.scan(&ICEBERG_TABLES, range, limit).await.map_err(error::store)
    }

    /// With the file of its metadata, if it has any.
    pub(crate) async fn create_table(
        &self,
        bucket: &BucketRow,
        row: &TableRow,
        table: &TableRecord,
        metadata: &[NewFile],
        now: Instant,
    ) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            create_in(&tx, bucket, row, table).await?;
            put_files(&tx, metadata, table, now, &mut Freed::new()).await
        });
        Ok(done.await?)
    }

    /// Gives the table as it is then.
    pub(crate) async fn change_table(
        &self,
        row: &TableRow,
        change: impl Fn(&mut TableRecord) -> Result<()> + Sync,
    ) -> Result<TableRecord> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let found = tx.get(&ICEBERG_TABLES, row).await?;
            let mut table = found.ok_or_else(|| Failure::Api(refusals::no_table()))?;
            change(&mut table)?;
            tx.put(&ICEBERG_TABLES, row, &table)?;
            Ok::<_, Failure>(table)
        });
        Ok(done.await?)
    }

    /// Moves a table to new metadata, whose files become its own in the same commit. Gives whether it was still as it was `before`.
    pub(crate) async fn move_table(
        &self,
        row: &TableRow,
        before: &TableRecord,
        (location, token): (&str, &str),
        files: &[NewFile],
        by: u64,
        now: Instant,
    ) -> Result<bool> {
        let done = self.store.transact(|tx| async move {
            let found = tx.get(&ICEBERG_TABLES, row).await?;
            let same =
                |table: &TableRecord| table.id == before.id && table.version_token == before.version_token;
            let Some(table) = found.filter(same) else { return Ok(false) };
            put_files(&tx, files, &table, now, &mut Freed::new()).await?;
            let table = TableRecord {
                version_token: token.to_owned(),
                metadata_location: Some(location.to_owned()),
                modified_ms: now.millis(),
                modified_by: by,
                ..table
            };
            tx.put(&ICEBERG_TABLES, row, &table)?;
            Ok::<_, Failure>(true)
        });
        Ok(done.await?)
    }

    /// The table is gone at once; its files go later.
    pub(crate) async fn delete_table(&self, row: &TableRow, token: Option<&str>) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            let found = tx.get(&ICEBERG_TABLES, row).await?;
            let table = found.ok_or_else(|| Failure::Api(refusals::no_table()))?;
            if token.is_some_and(|token| token != table.version_token) {
                return Err(Failure::Api(refusals::stale_token()));
            }
            tx.delete(&ICEBERG_TABLES, row)?;
            tx.delete(&TABLE_IDS, &(&row.0, &table.id))?;
            tx.delete(&WAREHOUSES, &table.warehouse)?;
            // From now on nothing is written there: every write reads this.
            tx.delete(&STATES, &table.objects)?;
            tx.put(&ABANDONED, &table.objects, &())?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn rename_table(
        &self,
        row: &TableRow,
        to: &TableRow,
        token: Option<&str>,
        change: impl Fn(&mut TableRecord) + Sync,
    ) -> Result<()> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let found = tx.get(&ICEBERG_TABLES, row).await?;
            let mut table = found.ok_or_else(|| Failure::Api(refusals::no_table()))?;
            if token.is_some_and(|token| token != table.version_token) {
                return Err(Failure::Api(refusals::stale_token()));
            }
            let namespace = tx.get(&NAMESPACES, &(&to.0, &to.1)).await?;
            table.namespace_id = namespace.ok_or_else(|| Failure::Api(refusals::no_namespace()))?.id;
            if row != to && tx.get(&ICEBERG_TABLES, to).await?.is_some() {
                return Err(Failure::Api(refusals::table_exists()));
            }
            change(&mut table);
            tx.delete(&ICEBERG_TABLES, row)?;
            tx.put(&ICEBERG_TABLES, to, &table)?;
            tx.put(&TABLE_IDS, &(&to.0, &table.id), &format!("{} {}", to.1, to.2))?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn warehouse(&self, name: &str) -> Result<Option<Warehouse>> {
        self.store.get(&WAREHOUSES, name).await.map_err(error::store)
    }

    /// Reserved buckets whose files are to go.
    pub(crate) async fn abandoned(&self, limit: usize) -> Result<Vec<u64>> {
        self.store.scan_keys(&ABANDONED, Range::all(), limit).await.map_err(error::store)
    }

    /// Takes some of the files of a reserved bucket away, and gives what they freed; `None` when there are none left.
    pub(crate) async fn empty_warehouse(&self, objects: u64) -> Result<Option<Freed>> {
        let done = self.store.transact(|tx| async move {
            let mut freed = Freed::new();
            let files = tx.scan(&CURRENT, Range::prefix((objects,)), FILES_AT_ONCE).await?;
            let none = files.is_empty();
            let mut pieces = 0;
            for (row, record) in files {
                pieces += record.body.as_ref().map_or(0, |body| body.parts as usize);
                versions::release(&tx, (row.0, &row.1), &record, &mut freed).await?;
                tx.delete(&CURRENT, &row)?;
                if pieces > PIECES_AT_ONCE {
                    break;
                }
            }
            Ok::<_, Failure>((!none).then_some(freed))
        });
        Ok(done.await?)
    }

    /// Uploads to a reserved bucket that were under way.
    pub(crate) async fn uploads_to(&self, objects: u64, limit: usize) -> Result<Vec<(u64, String, String)>> {
        self.store.scan_keys(&UPLOADS, Range::prefix((objects,)), limit).await.map_err(error::store)
    }

    pub(crate) async fn forget_abandoned(&self, objects: u64) -> Result<()> {
        self.store.delete(&ABANDONED, &objects).await.map_err(error::store)
    }
}

/// Quotas of S3 Tables (S3 User Guide, "S3 Tables AWS Regions, endpoints, and service quotas"): 10 table buckets that may be
/// raised, 10,000 namespaces and tables. The first is not kept so low here.
const BUCKETS_MAX: usize = 1000;
const NAMESPACES_MAX: usize = 10_000;
const TABLES_MAX: usize = 10_000;

/// Files, and pieces of which they consist, that one commit takes away: an object has 10,000 at most.
const FILES_AT_ONCE: usize = 100;
const PIECES_AT_ONCE: usize = 10_000;

pub(super) async fn bucket_in(tx: &Tx, row: &BucketRow) -> std::result::Result<TableBucket, Failure> {
    tx.get(&TABLE_BUCKETS, row).await?.ok_or_else(|| Failure::Api(refusals::no_bucket()))
}

pub(super) async fn row_of(
    reads: &impl Reads,
    bucket: &str,
    id: &str,
) -> std::result::Result<Option<TableRow>, haneul_store::StoreError> {
    let at = reads.get(&TABLE_IDS, &(bucket, id)).await?;
    Ok(at.and_then(|at| {
        let (namespace, name) = at.split_once(' ')?;
        Some((bucket.to_owned(), namespace.to_owned(), name.to_owned()))
    }))
}

/// Makes a table with an empty warehouse.
pub(super) async fn create_in(
    tx: &Tx,
    bucket: &BucketRow,
    row: &TableRow,
    table: &TableRecord,
) -> std::result::Result<(), Failure> {
    if tx.get(&NAMESPACES, &(&row.0, &row.1)).await?.is_none() {
        return Err(Failure::Api(refusals::no_namespace()));
    }
    if tx.get(&ICEBERG_TABLES, row).await?.is_some() {
        return Err(Failure::Api(refusals::table_exists()));
    }
    if tx.scan_keys(&TABLE_IDS, Range::prefix((&row.0,)), TABLES_MAX).await?.len() >= TABLES_MAX {
        return Err(Failure::Api(refusals::too_many("tables")));
    }
    let warehouse = Warehouse {
        account: bucket.0.number(),
        region: bucket.1.as_str().to_owned(),
        bucket: bucket.2.clone(),
        table: table.id.clone(),
    };
    tx.put(&ICEBERG_TABLES, row, table)?;
    tx.put(&TABLE_IDS, &(&row.0, &table.id), &format!("{} {}", row.1, row.2))?;
    tx.put(&WAREHOUSES, &table.warehouse, &warehouse)?;
    tx.put(&STATES, &table.objects, &Versioning::Off.number())?;
    Ok(())
}

/// Makes files the table's.
pub(super) async fn put_files(
    tx: &Tx,
    files: &[NewFile],
    table: &TableRecord,
    now: Instant,
    freed: &mut Freed,
) -> std::result::Result<(), Failure> {
    let (conditions, watch) = (WriteConditions::default(), Watch::nobody());
    for file in files {
        let new = NewObject {
            bucket: table.objects,
            bucket_name: &table.warehouse,
            key: &file.key,
            owner: None,
            body: &file.body,
            inline: file.inline.as_ref(),
            annotations: &[],
            conditions: &conditions,
            now,
            modified: now,
            random: file.random,
            watch: &watch,
        };
        objects::put_in(tx, &new, freed).await?;
        objects::keep_data(tx, &file.body.data, file.inline.as_ref())?;
    }
    Ok(())
}
