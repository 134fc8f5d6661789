//! Backups: those that are asked for, whose items are copied, and those of tables that are deleted while they can be recovered,
//! which keep the items where they are.

use haneul_kit::Result;
use haneul_store::{Reads, Tx};

use super::Db;
use super::tables::{Failed, Numbers};
use crate::error;
use crate::model::{BACKUPS, BackupKey, BackupRecord, DROPPED, DroppedRecord, EPOCHS, TableRecord};
use crate::table::describe::Counts;
use crate::table::name::TableId;

/// How long the backup of a deleted table is kept. Source: the API reference, BackupDetails.
const SYSTEM_MS: i64 = 35 * 24 * 60 * 60 * 1000;

impl Db {
    /// Gives a backup its space; the reconciler fills it.
    pub(crate) async fn create_backup(&self, key: &BackupKey, record: BackupRecord) -> Result<BackupRecord> {
        let record = &record;
        let made = self.store.transact(|tx| async move {
            if tx.get(&EPOCHS, &record.record.space).await?.is_none() {
                return Err(Failed::Api(error::no_source_table(&key.2)));
            }
            let mut numbers = Numbers::new(&tx).await?;
            let record = BackupRecord { space: numbers.next(), ..record.clone() };
            numbers.save(&tx)?;
            tx.put(&BACKUPS, key, &record)?;
            Ok::<_, Failed>(record)
        });
        let record = made.await?;
        self.shared.upkeep.wake();
        Ok(record)
    }

    pub(crate) async fn delete_backup(&self, key: &BackupKey, record: &BackupRecord) -> Result<()> {
        let mut batch = haneul_store::Batch::default();
        let dropped = DroppedRecord { at_ms: self.env.now().millis() };
        batch.delete(&BACKUPS, key).map_err(error::store)?;
        batch.put(&DROPPED, &record.space, &dropped).map_err(error::store)?;
        self.store.write(batch).await.map_err(error::store)?;
        self.shared.upkeep.wake();
        Ok(())
    }

    /// The name of a new backup of a table.
    pub(crate) fn new_backup((account, region, table): &TableId, now_ms: i64, mark: u32) -> BackupKey {
        (*account, *region, table.clone(), format!("{now_ms:014}-{mark:08x}"))
    }

    /// How much there is in a table that can be recovered, and so will be in a backup when it is deleted.
    pub(super) async fn counts_of_recoverable(&self, id: &TableId) -> Result<Counts> {
        match self.find_table(id).await? {
            Some(info) if info.record.pitr.is_some() => self.counts(&info).await,
            _ => Ok(Counts::default()),
        }
    }

    /// A table that is dropped leaves its items to a backup. Source: Developer Guide, "Delete a table with PITR enabled".
    pub(super) fn back_up_deleted(
        &self,
        tx: &Tx,
        id: &TableId,
        record: &TableRecord,
        counts: &Counts,
    ) -> Result<(), Failed> {
        let now_ms = self.env.now().millis();
        let (items, bytes) = counts.of(record.space);
        let backup = BackupRecord {
            space: record.space,
            name: format!("{}$DeletedTableBackup", id.2),
            created_ms: now_ms,
            ready: true,
            items,
            bytes,
            expires_ms: Some(now_ms + SYSTEM_MS),
            record: record.clone(),
        };
        tx.delete(&DROPPED, &record.space)?;
        tx.put(&BACKUPS, &Db::new_backup(id, now_ms, self.env.rng.u64() as u32), &backup)?;
        Ok(())
    }
}
