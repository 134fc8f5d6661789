use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Range, Reads};

use super::Records;
use crate::error;
use crate::model::mapping::{MAPPINGS, MappingRecord, SHARDS, ShardRecord};

/// Mappings that a cloud may have, and shards of one.
const MAPPINGS_MAX: usize = 100_000;

pub(crate) type MappingRow = (AccountId, Region, String);

impl Records {
    pub(crate) async fn mapping(&self, row: &MappingRow) -> Result<Option<MappingRecord>> {
        Ok(self.store.get(&MAPPINGS, row).await?)
    }

    /// Every mapping of the cloud.
    pub(crate) async fn all_mappings(&self) -> Result<Vec<(MappingRow, MappingRecord)>> {
        Ok(self.store.scan(&MAPPINGS, Range::all(), MAPPINGS_MAX).await?)
    }

    pub(crate) async fn mappings(
        &self,
        account: AccountId,
        region: Region,
    ) -> Result<Vec<(MappingRow, MappingRecord)>> {
        Ok(self.store.scan(&MAPPINGS, Range::prefix((account, region)), MAPPINGS_MAX).await?)
    }

    /// Makes a mapping, unless there is one of the same source and function.
    pub(crate) async fn create_mapping(&self, row: &MappingRow, record: &MappingRecord) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let all = tx.scan(&MAPPINGS, Range::prefix((row.0, row.1)), MAPPINGS_MAX).await?;
                let same = all.iter().find(|(_, other)| {
                    other.source == record.source && other.function == record.function
                });
                if let Some(((_, _, uuid), _)) = same {
                    let function = record.function.rsplit("function:").next().unwrap_or_default();
                    let kind = record.kind.service();
                    return Err(error::conflict(format!(
                        "An event source mapping with {kind} arn (\" {} \") and function (\" {function} \") already \
                         exists. Please update or delete the existing mapping with UUID {uuid}",
                        record.source
                    )));
                }
                Ok(tx.put(&MAPPINGS, row, record)?)
            })
            .await
    }

    pub(crate) async fn change_mapping<T: Send>(
        &self,
        row: &MappingRow,
        edit: impl Fn(&mut MappingRecord) -> Result<T> + Send + Sync,
    ) -> Result<T> {
        let edit = &edit;
        self.store
            .transact(|tx| async move {
                let before = tx.get(&MAPPINGS, row).await?;
                let before = before.ok_or_else(|| error::not_found(NO_MAPPING))?;
                let mut record = before.clone();
                let done = edit(&mut record)?;
                if record != before {
                    tx.put(&MAPPINGS, row, &record)?;
                }
                Ok(done)
            })
            .await
    }

    /// Takes a mapping away with what it knew of shards.
    pub(crate) async fn remove_mapping(&self, row: &MappingRow) -> Result<()> {
        self.store
            .transact(|tx| async move {
                tx.delete(&MAPPINGS, row)?;
                for shard in tx.scan_keys(&SHARDS, Range::prefix((row.2.as_str(),)), MAPPINGS_MAX).await? {
                    tx.delete(&SHARDS, &shard)?;
                }
                Ok(())
            })
            .await
    }

    pub(crate) async fn shard(&self, uuid: &str, shard: &str) -> Result<Option<ShardRecord>> {
        Ok(self.store.get(&SHARDS, &(uuid, shard)).await?)
    }

    pub(crate) async fn put_shard(&self, uuid: &str, shard: &str, record: &ShardRecord) -> Result<()> {
        Ok(self.store.put(&SHARDS, &(uuid, shard), record).await?)
    }

    pub(crate) async fn forget_shard(&self, uuid: &str, shard: &str) -> Result<()> {
        Ok(self.store.delete(&SHARDS, &(uuid, shard)).await?)
    }

    pub(crate) async fn shards(&self, uuid: &str) -> Result<Vec<(String, ShardRecord)>> {
        let rows = self.store.scan(&SHARDS, Range::prefix((uuid,)), MAPPINGS_MAX).await?;
        Ok(rows.into_iter().map(|((_, shard), record)| (shard, record)).collect())
    }
}

pub(crate) const NO_MAPPING: &str = "The resource you requested does not exist.";
