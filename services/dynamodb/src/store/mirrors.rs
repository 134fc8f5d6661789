//! Multi-Region strong consistency: a write in one replica is the same write in every other one, in the same transaction. So
//! whoever reads, in whatever Region, sees all that was ever acknowledged, and the replicas are never apart. Who begins in
//! one Region waits for who is writing the item in another, because a write locks its item in all of them.

use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::Region;

use super::Db;
use super::write::Failure;
use crate::engine::keys;
use crate::engine::plan::Write;
use crate::stream::sequence::Reserved;
use crate::table::TableInfo;

/// The same write in another replica.
pub(super) struct Mirror {
    pub(super) write: Write,
    /// The numbers of its change in the logs of that replica.
    pub(super) reserved: Vec<Reserved>,
}

/// The mirrors of the writes of a batch, by position; empty when no table has any.
#[derive(Default)]
pub(super) struct Mirrors(Vec<Vec<Mirror>>);

impl Mirrors {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn of(&self, position: usize) -> &[Mirror] {
        self.0.get(position).map_or(&[], Vec::as_slice)
    }

    pub(super) fn of_mut(&mut self, position: usize) -> &mut [Mirror] {
        self.0.get_mut(position).map_or(&mut [], Vec::as_mut_slice)
    }

    pub(super) fn writes(&self) -> impl Iterator<Item = &Write> {
        self.0.iter().flatten().map(|mirror| &mirror.write)
    }
}

impl Db {
    /// The same writes in all other replicas that take them at once, their keys open. That the tables are still what they
    /// are taken for is for the transaction to check.
    pub(super) async fn mirrors(&self, writes: &[Write]) -> Result<Mirrors, Failure> {
        if writes.iter().all(|write| write.table.record.mirrors().is_empty()) {
            return Ok(Mirrors::default());
        }
        let mut known: HashMap<(u64, Region), Arc<TableInfo>> = HashMap::new();
        let mut all = Vec::with_capacity(writes.len());
        for write in writes {
            let table = &write.table;
            let mut of_write = Vec::new();
            for region in table.record.mirrors().iter().filter(|_| write.writes()) {
                let place = (table.record.space, *region);
                let peer = match known.get(&place) {
                    Some(peer) => peer.clone(),
                    None => {
                        let peer = self.peer(table, *region).await?;
                        known.insert(place, peer.clone());
                        peer
                    }
                };
                let at = keys::of_item(peer.record.space, &peer.schema, &write.key);
                // The condition was the first one's to meet.
                let write = Write { table: peer, at, condition: None, ..write.clone() };
                of_write.push(Mirror { write, reserved: Vec::new() });
            }
            all.push(of_write);
        }
        Ok(Mirrors(all))
    }

    async fn peer(&self, table: &TableInfo, region: Region) -> Result<Arc<TableInfo>, Failure> {
        let id = (table.account, region, table.name.clone());
        let peer = self.find_table(&id).await.map_err(Failure::Api)?.ok_or(Failure::Stale)?;
        // Asked again as often as a caller is: a replica that must not be written any more stops all of them.
        if let Some(sse) = peer.record.sse.as_ref().filter(|sse| sse.on) {
            match self.key_by_grant(sse).await {
                Ok(key) => drop(peer.key.set(key)),
                Err(refused) => {
                    self.check_key(&peer).await.map_err(Failure::Api)?;
                    return Err(Failure::Api(refused));
                }
            }
        }
        Ok(peer)
    }
}
