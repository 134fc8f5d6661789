//! Global tables with multi-Region strong consistency: made of an empty table at once, and dissolved at once. How they are
//! written is in `mirrors`.

use std::sync::Arc;

use haneul_kit::{ApiError, Region, Result};
use haneul_store::{Range, Reads};

use super::Db;
use super::replicas::{NewReplica, check_free, new_group, put_changed, replica_of};
use super::tables::{Failed, Numbers, drop_table};
use crate::engine::keys;
use crate::error;
use crate::model::{EPOCHS, GlobalRecord, GlobalVersion, ITEMS, RawPrefix, TABLES, TableRecord};
use crate::table::TableInfo;
use crate::table::name::TableId;

/// One replica cannot go without the others.
pub(crate) fn none_alone() -> ApiError {
    error::validation(
        "A single replica or witness of a global table with multi-Region strong consistency cannot be deleted. Delete the \
         other replicas, or the other replica and the witness, in one UpdateTable request.",
    )
}

impl Db {
    /// Makes a table that is empty a replica beside new ones, all of which can be used at once. `check` looks at its record.
    pub(crate) async fn make_strong(
        &self,
        id: &TableId,
        new: &[NewReplica],
        witnesses: &[Region],
        check: impl Fn(&TableRecord) -> Result<()> + Send + Sync,
    ) -> Result<Arc<TableInfo>> {
        let now_ms = self.env.now().millis();
        let ids: Vec<String> = new.iter().map(|_| self.env.rng.uuid()).collect();
        let (ids, check) = (&ids, &check);
        let done = self.store.transact(|tx| async move {
            let Some(mut record) = tx.get(&TABLES, id).await? else {
                return Err(Failed::Api(error::no_table(&id.2)));
            };
            if !record.is_made() {
                return Err(Failed::Api(error::being_created(&id.2)));
            }
            check(&record).map_err(Failed::Api)?;
            let prefix = keys::of_space(record.space);
            if !tx.scan_keys(&ITEMS, Range::prefix(RawPrefix(&prefix)), 1).await?.is_empty() {
                return Err(Failed::Api(error::validation(format!(
                    "Table {} must be empty to become a replica of a global table with multi-Region strong consistency",
                    id.2
                ))));
            }
            let mut numbers = Numbers::new(&tx).await?;
            let added: Vec<Region> = new.iter().map(|new| new.region).collect();
            let group = new_group(GlobalVersion::Strong, now_ms, &mut numbers);
            record.global =
                Some(GlobalRecord { peers: added.clone(), witnesses: witnesses.to_vec(), ..group });
            for (new, uuid) in new.iter().zip(ids) {
                let target = (id.0, new.region, id.2.clone());
                check_free(&tx, &target).await?;
                let peers = added.iter().copied().filter(|peer| *peer != new.region).chain([id.1]);
                let mut replica = replica_of(&record, new, peers.collect(), now_ms, &mut numbers);
                replica.id.clone_from(uuid);
                // There is nothing to fill it with.
                if let Some(global) = &mut replica.global {
                    (global.active, global.version) = (true, GlobalVersion::Strong);
                    global.witnesses = witnesses.to_vec();
                }
                tx.put(&TABLES, &target, &replica)?;
                tx.put(&EPOCHS, &replica.space, &1)?;
            }
            numbers.save(&tx)?;
            let epoch = put_changed(&tx, id, &record).await?;
            Ok((record, epoch))
        });
        let (record, epoch) = done.await?;
        Ok(Arc::new(TableInfo::new(id.clone(), record, epoch)))
    }

    /// Deletes all other replicas, which are in `regions`; the table itself is one like any other by then. Gives what was
    /// deleted.
    pub(crate) async fn end_strong(&self, id: &TableId, regions: &[Region]) -> Result<Vec<TableInfo>> {
        let done = self.store.transact(|tx| async move {
            let now_ms = self.env.now().millis();
            let Some(record) = tx.get(&TABLES, id).await? else {
                return Err(Failed::Api(error::no_table(&id.2)));
            };
            let mirrors = record.mirrors();
            if mirrors.len() != regions.len() || !mirrors.iter().all(|mirror| regions.contains(mirror)) {
                return Err(Failed::Api(none_alone()));
            }
            let mut gone = Vec::new();
            for region in regions {
                let peer_id = (id.0, *region, id.2.clone());
                let record = drop_table(&tx, &peer_id, now_ms).await?;
                gone.push((peer_id, record));
            }
            Ok(gone)
        });
        let gone = done.await?;
        self.shared.upkeep.wake();
        self.shared.delivery.wake();
        Ok(gone.into_iter().map(|(peer_id, record)| TableInfo::new(peer_id, record, 0)).collect())
    }
}
