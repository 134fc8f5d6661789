//! Global tables: tables of one name in several Regions that tell one another of their writes. A group is what the records
//! of its replicas say of each other, so each change of it is one transaction on all of them.

use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{Instant, Region, Result};
use haneul_store::{Range, Reads, StoreError, Tx};

use super::tables::{Failed, Numbers, TABLES_MAX, begin_stream};
use super::{Db, insights};
use crate::error;
use crate::model::{
    COUNTERS, DROPPED, DROPPED_LOGS, DroppedRecord, EPOCHS, GlobalRecord, GlobalVersion, ITEMS, LINKS,
    LinkRecord, RawPrefix, ReplicaSettings, ReplicaUnits, SseRecord, TABLES, TableRecord, Throughput,
    TtlSettings,
};
use crate::table::TableInfo;
use crate::table::name::TableId;

/// The view that the streams of replicas have.
pub(crate) const VIEW: &str = "NEW_AND_OLD_IMAGES";

/// A replica that is to be made.
#[derive(Clone)]
pub(crate) struct NewReplica {
    pub(crate) region: Region,
    pub(crate) own: ReplicaSettings,
    pub(crate) sse: Option<SseRecord>,
}

impl Db {
    /// Makes replicas of a table; they are filled behind.
    pub(crate) async fn add_replicas(&self, id: &TableId, new: &[NewReplica]) -> Result<Arc<TableInfo>> {
        let now_ms = self.env.now().millis();
        let ids: Vec<String> = new.iter().map(|_| self.env.rng.uuid()).collect();
        let ids = &ids;
        let done = self.store.transact(|tx| async move {
            let Some(mut record) = tx.get(&TABLES, id).await? else {
                return Err(Failed::Api(error::no_table(&id.2)));
            };
            // What fills it is neither logged nor has it versions, so that replicas would never be told of it.
            if !record.is_made() {
                return Err(Failed::Api(error::being_created(&id.2)));
            }
            let mut numbers = Numbers::new(&tx).await?;
            match &record.stream {
                Some(stream) if stream.view == VIEW => {}
                Some(_) => {
                    return Err(Failed::Api(error::validation(format!(
                        "Table {} has streams enabled with a view type other than {VIEW}, which global tables need",
                        id.2
                    ))));
                }
                None => begin_stream(&tx, id, &mut record, VIEW, now_ms, &mut numbers)?,
            }
            let mut group = match record.global.take() {
                Some(global) => global,
                None => new_group(GlobalVersion::Current, now_ms, &mut numbers),
            };
            let members: Vec<Region> = group.peers.iter().copied().chain([id.1]).collect();
            let added: Vec<Region> = new.iter().map(|new| new.region).collect();
            let mut logs = vec![(id.1, group.log)];
            for member in &group.peers {
                let peer_id = (id.0, *member, id.2.clone());
                let Some(mut peer) = tx.get(&TABLES, &peer_id).await? else { continue };
                if let Some(global) = &mut peer.global {
                    global.peers.extend(&added);
                    logs.push((*member, global.log));
                }
                put_changed(&tx, &peer_id, &peer).await?;
            }
            group.peers.extend(&added);
            record.global = Some(group);
            let mut made = Vec::new();
            for (new, uuid) in new.iter().zip(ids) {
                let target = (id.0, new.region, id.2.clone());
                check_free(&tx, &target).await?;
                let peers = members.iter().chain(&added).copied().filter(|peer| *peer != new.region);
                let mut replica = replica_of(&record, new, peers.collect(), now_ms, &mut numbers);
                replica.id.clone_from(uuid);
                begin_stream(&tx, &target, &mut replica, VIEW, now_ms, &mut numbers)?;
                tx.put(&TABLES, &target, &replica)?;
                tx.put(&EPOCHS, &replica.space, &1)?;
                made.push((new.region, replica.global.as_ref().map_or(0, |global| global.log)));
            }
            for (region, log) in &made {
                // Whoever was there before has items to tell of; whoever is new has none.
                for (other, into) in &logs {
                    put_link(&tx, id, (*other, *into), (*region, *log), false)?;
                    put_link(&tx, id, (*region, *log), (*other, *into), true)?;
                }
                for (other, into) in made.iter().filter(|(other, _)| other != region) {
                    put_link(&tx, id, (*region, *log), (*other, *into), true)?;
                }
            }
            numbers.save(&tx)?;
            let epoch = put_changed(&tx, id, &record).await?;
            Ok((record, epoch))
        });
        let (record, epoch) = done.await?;
        self.shared.replication.wake();
        Ok(Arc::new(TableInfo::new(id.clone(), record, epoch)))
    }

    /// Makes tables that are there, empty and alike, replicas of one global table, as version 2017.11.29 does: of the one
    /// that the table in the Region `of` is in, or of a new one. `check` has the first replica, the table that is to be
    /// one, and whether that is empty.
    pub(crate) async fn join_replicas(
        &self,
        id: &TableId,
        of: Option<Region>,
        new: &[Region],
        check: impl Fn(&TableRecord, &TableId, &TableRecord, bool) -> Result<()> + Send + Sync,
    ) -> Result<()> {
        let (now_ms, check) = (self.env.now().millis(), &check);
        let done = self.store.transact(|tx| async move {
            let mut numbers = Numbers::new(&tx).await?;
            let mut members = Vec::new();
            if let Some(of) = of {
                let record = tx.get(&TABLES, &(id.0, of, id.2.clone())).await?;
                let Some(global) = record.and_then(|record| record.global) else {
                    return Err(Failed::Api(error::no_global_table(&id.2)));
                };
                members.push(of);
                members.extend(global.peers);
            }
            let mut records: Vec<(TableId, TableRecord, bool)> = Vec::new();
            let all = members.iter().map(|region| (*region, false)).chain(new.iter().map(|new| (*new, true)));
            for (region, new) in all {
                let peer_id = (id.0, region, id.2.clone());
                let Some(mut record) = tx.get(&TABLES, &peer_id).await? else {
                    return Err(Failed::Api(error::no_replica_table(&id.2, region.as_str())));
                };
                if new {
                    let prefix = crate::engine::keys::of_space(record.space);
                    let some = tx.scan_keys(&ITEMS, Range::prefix(RawPrefix(&prefix)), 1).await?;
                    let first = records.first().map_or(&record, |(_, first, _)| first);
                    check(first, &peer_id, &record, some.is_empty()).map_err(Failed::Api)?;
                    record.global = Some(new_group(GlobalVersion::Legacy, now_ms, &mut numbers));
                }
                records.push((peer_id, record, new));
            }
            let logs: Vec<(Region, u64, bool)> = records
                .iter()
                .map(|((_, region, _), record, new)| {
                    (*region, record.global.as_ref().map_or(0, |global| global.log), *new)
                })
                .collect();
            for (peer_id, record, _) in &mut records {
                if let Some(global) = &mut record.global {
                    let others = logs.iter().map(|(region, ..)| *region);
                    global.peers = others.filter(|region| *region != peer_id.1).collect();
                }
                put_changed(&tx, peer_id, record).await?;
            }
            for (from, log, from_new) in &logs {
                for (to, into, to_new) in logs.iter().filter(|(to, ..)| to != from) {
                    if *from_new || *to_new {
                        put_link(&tx, id, (*from, *log), (*to, *into), *from_new)?;
                    }
                }
            }
            numbers.save(&tx)?;
            Ok::<_, Failed>(())
        });
        done.await?;
        self.shared.replication.wake();
        Ok(())
    }

    /// Changes all replicas of the global table that a table is in, or none of them. `edit` has the Regions of all, the one
    /// of the replica, and its record; it may run more than once.
    pub(crate) async fn change_replicas(
        &self,
        id: &TableId,
        edit: impl Fn(&[Region], Region, &mut TableRecord) -> Result<()> + Send + Sync,
    ) -> Result<()> {
        let edit = &edit;
        let done = self.store.transact(|tx| async move {
            let global = tx.get(&TABLES, id).await?.and_then(|record| record.global);
            let mut group = global.ok_or_else(|| Failed::Api(error::no_global_table(&id.2)))?.peers;
            group.push(id.1);
            for region in &group {
                let peer_id = (id.0, *region, id.2.clone());
                let Some(before) = tx.get(&TABLES, &peer_id).await? else { continue };
                let mut record = before.clone();
                edit(&group, *region, &mut record).map_err(Failed::Api)?;
                if record != before {
                    put_changed(&tx, &peer_id, &record).await?;
                }
            }
            Ok::<_, Failed>(())
        });
        Ok(done.await?)
    }

    /// Takes a table out of its global table; it stays what it is.
    pub(crate) async fn leave_replicas(&self, id: &TableId) -> Result<Arc<TableInfo>> {
        let now_ms = self.env.now().millis();
        let done = self.store.transact(|tx| async move {
            let Some(mut record) = tx.get(&TABLES, id).await? else {
                return Err(Failed::Api(error::no_table(&id.2)));
            };
            leave(&tx, id, &record, now_ms).await?;
            record.global = None;
            let epoch = put_changed(&tx, id, &record).await?;
            Ok((record, epoch))
        });
        let (record, epoch) = done.await?;
        self.shared.upkeep.wake();
        Ok(Arc::new(TableInfo::new(id.clone(), record, epoch)))
    }
}

/// When versions of what was deleted are looked through next, in milliseconds.
const NEXT_SWEEP: &str = "next-sweep";

/// How long it takes until they are for the first time.
const FIRST_SWEEP: Duration = Duration::from_secs(24 * 60 * 60);

impl Db {
    /// When versions of what was deleted are due to be looked through. Kept, so that restarts do not put it off for ever.
    pub(crate) async fn next_sweep(&self, now: Instant) -> Result<Instant> {
        let kept = self.store.get(&COUNTERS, NEXT_SWEEP).await.map_err(error::store)?;
        match kept.and_then(|at_ms| i64::try_from(at_ms).ok()) {
            Some(at_ms) => Ok(Instant::from_millis(at_ms)),
            None => {
                self.set_next_sweep(now + FIRST_SWEEP).await?;
                Ok(now + FIRST_SWEEP)
            }
        }
    }

    pub(crate) async fn set_next_sweep(&self, at: Instant) -> Result<()> {
        let at_ms = u64::try_from(at.millis()).unwrap_or(0);
        self.store.put(&COUNTERS, NEXT_SWEEP, &at_ms).await.map_err(error::store)
    }
}

/// Whether a replica can be made there.
pub(super) async fn check_free(tx: &Tx, target: &TableId) -> Result<(), Failed> {
    if tx.get(&TABLES, target).await?.is_some() {
        return Err(Failed::Api(error::validation(format!(
            "Failed to create a the new replica of table with name: '{}' because one or more replicas already existed \
             as tables.",
            target.2
        ))));
    }
    let others = tx.scan_keys(&TABLES, Range::prefix((target.0, target.1)), TABLES_MAX).await?;
    match others.len() >= TABLES_MAX {
        true => Err(Failed::Api(error::limit_exceeded(format!(
            "Subscriber limit exceeded: There is a limit of {TABLES_MAX} tables per subscriber"
        )))),
        false => Ok(()),
    }
}

pub(super) fn new_group(version: GlobalVersion, now_ms: i64, numbers: &mut Numbers) -> GlobalRecord {
    GlobalRecord {
        version,
        since_ms: now_ms,
        log: numbers.next(),
        versions: numbers.next(),
        active: true,
        peers: Vec::new(),
        own: ReplicaSettings::default(),
        witnesses: Vec::new(),
    }
}

/// Puts a record, and makes writers look at it again.
pub(super) async fn put_changed(tx: &Tx, id: &TableId, record: &TableRecord) -> Result<u64, StoreError> {
    let epoch = tx.get(&EPOCHS, &record.space).await?.unwrap_or(0) + 1;
    tx.put(&TABLES, id, record)?;
    tx.put(&EPOCHS, &record.space, &epoch)?;
    Ok(epoch)
}

fn put_link(
    tx: &Tx,
    id: &TableId,
    (from, log): (Region, u64),
    (to, into): (Region, u64),
    filled: bool,
) -> Result<(), StoreError> {
    let link = LinkRecord { log, into, filled, after: None, position: 0 };
    tx.put(&LINKS, &(id.0, id.2.clone(), from, to), &link)
}

/// The record of a new replica, its stream still to come.
pub(super) fn replica_of(
    source: &TableRecord,
    new: &NewReplica,
    peers: Vec<Region>,
    now_ms: i64,
    numbers: &mut Numbers,
) -> TableRecord {
    let group = source.global.as_ref();
    let mut replica = TableRecord {
        space: numbers.next(),
        id: String::new(),
        created_ms: now_ms,
        deletion_protection: false,
        tags: Default::default(),
        stream: None,
        ttl: None,
        resource_policy: None,
        pitr: None,
        restored: None,
        restoring: None,
        importing: None,
        insights: Vec::new(),
        destinations: Vec::new(),
        sse: new.sse.clone(),
        global: Some(GlobalRecord {
            active: false,
            peers,
            own: new.own.clone(),
            since_ms: group.map_or(now_ms, |group| group.since_ms),
            ..new_group(GlobalVersion::Current, now_ms, numbers)
        }),
        ..source.clone()
    };
    // Whatever is written goes through the indexes: nothing is to be filled later.
    for index in &mut replica.indexes {
        (index.space, index.ready) = (numbers.next(), true);
    }
    follow(source, &mut replica, numbers);
    if let Some(ttl) = &mut replica.ttl {
        ttl.ready = true;
    }
    replica
}

/// Takes a table that leaves, or goes, out of the records of the others. Not while it fills one of them; one that is being
/// filled itself may go, as the way out when it never can be.
pub(super) async fn leave(tx: &Tx, id: &TableId, record: &TableRecord, now_ms: i64) -> Result<(), Failed> {
    let Some(global) = &record.global else { return Ok(()) };
    drop_group(tx, global, now_ms)?;
    for peer in &global.peers {
        tx.delete(&LINKS, &(id.0, id.2.clone(), id.1, *peer))?;
        tx.delete(&LINKS, &(id.0, id.2.clone(), *peer, id.1))?;
        let peer_id = (id.0, *peer, id.2.clone());
        let Some(mut record) = tx.get(&TABLES, &peer_id).await? else { continue };
        if let Some(group) = &mut record.global {
            // It would be taken for whole without what is still to come from here.
            if global.active && !group.active {
                return Err(Failed::Api(error::being_updated(&id.2)));
            }
            group.peers.retain(|other| *other != id.1);
            if group.peers.is_empty() && group.version != GlobalVersion::Legacy {
                drop_group(tx, group, now_ms)?;
                record.global = None;
            }
        }
        put_changed(tx, &peer_id, &record).await?;
    }
    Ok(())
}

fn drop_group(tx: &Tx, global: &GlobalRecord, now_ms: i64) -> Result<(), StoreError> {
    tx.put(&DROPPED, &global.versions, &DroppedRecord { at_ms: now_ms })?;
    tx.put(&DROPPED_LOGS, &global.log, &DroppedRecord { at_ms: now_ms })
}

/// Brings what replicas have in common to all of them, when it changed at one.
pub(super) async fn share(
    tx: &Tx,
    id: &TableId,
    record: &TableRecord,
    numbers: &mut Numbers,
    now_ms: i64,
) -> Result<(), StoreError> {
    let Some(global) = record.global.as_ref().filter(|global| global.version != GlobalVersion::Legacy) else {
        return Ok(());
    };
    for peer in &global.peers {
        let peer_id = (id.0, *peer, id.2.clone());
        let Some(before) = tx.get(&TABLES, &peer_id).await? else { continue };
        let mut after = before.clone();
        for space in follow(record, &mut after, numbers) {
            tx.put(&DROPPED, &space, &DroppedRecord { at_ms: now_ms })?;
        }
        insights::follow(tx, &peer_id, &before, &mut after, now_ms).await?;
        if after != before {
            put_changed(tx, &peer_id, &after).await?;
        }
    }
    Ok(())
}

/// Makes the settings that replicas have in common those of `from`. Gives the spaces that nothing names any more.
///
/// Source: DynamoDB Developer Guide, "How DynamoDB global tables work", "Settings synchronization".
fn follow(from: &TableRecord, to: &mut TableRecord, numbers: &mut Numbers) -> Vec<u64> {
    let mut dropped = Vec::new();
    let theirs = from.global.as_ref().map(|global| global.own.clone()).unwrap_or_default();
    let own = to.global.as_ref().map(|global| global.own.clone()).unwrap_or_default();
    to.attributes.clone_from(&from.attributes);
    let on_demand = from.billing.on_demand;
    let throughput =
        units(on_demand, (&from.billing.throughput, theirs.units), (&to.billing.throughput, own.units));
    to.billing = from.billing.clone();
    to.billing.throughput = throughput;
    match (&own.table_class, &theirs.table_class) {
        (Some(class), _) => to.table_class = Some(class.clone()),
        (None, Some(_)) => {}
        (None, None) => to.table_class.clone_from(&from.table_class),
    }
    to.indexes.retain(|index| {
        let stays = !index.global || from.indexes.iter().any(|other| other.name == index.name);
        if !stays {
            dropped.push(index.space);
        }
        stays
    });
    for index in from.indexes.iter().filter(|index| index.global) {
        let of = |settings: &ReplicaSettings| settings.indexes.get(&index.name).copied().unwrap_or_default();
        match to.indexes.iter_mut().find(|other| other.name == index.name) {
            Some(other) => {
                let (theirs, own) = ((&index.throughput, of(&theirs)), (&other.throughput, of(&own)));
                other.throughput = units(on_demand, theirs, own);
            }
            None => {
                let mut index = index.clone();
                (index.space, index.ready) = (numbers.next(), false);
                let theirs = (&index.throughput, of(&theirs));
                index.throughput = units(on_demand, theirs, (&index.throughput, of(&own)));
                to.indexes.push(index);
            }
        }
    }
    let attribute = |record: &TableRecord| record.ttl.as_ref().map(|ttl| ttl.attribute.clone());
    if attribute(from) != attribute(to) {
        dropped.extend(to.ttl.take().map(|ttl| ttl.space));
        to.ttl =
            from.ttl.as_ref().map(|ttl| TtlSettings { space: numbers.next(), ready: false, ..ttl.clone() });
        to.ttl_changed_ms = from.ttl_changed_ms;
    }
    dropped
}

/// Units for writing are those of all; for reading, a replica may have its own.
fn units(
    on_demand: bool,
    (from, theirs): (&Throughput, ReplicaUnits),
    (to, own): (&Throughput, ReplicaUnits),
) -> Throughput {
    let choose = |own: Option<i64>, theirs: Option<i64>, from: i64, to: i64| match (own, theirs) {
        (Some(own), _) => own,
        (None, Some(_)) => to,
        (None, None) => from,
    };
    let read = if on_demand { 0 } else { choose(own.read, theirs.read, from.read, to.read) };
    let read_max =
        if on_demand { choose(own.read_max, theirs.read_max, from.read_max, to.read_max) } else { 0 };
    Throughput { read, read_max, ..*from }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_for_reading_may_be_ones_own() {
        let of = |read, write, read_max| Throughput { read, write, read_max, ..Throughput::default() };
        let own = |read, read_max| ReplicaUnits { read, read_max };
        let none = ReplicaUnits::default();
        for (on_demand, from, to, expected) in [
            (false, (of(5, 6, 0), none), (of(1, 1, 0), none), of(5, 6, 0)),
            (false, (of(5, 6, 0), none), (of(1, 1, 0), own(Some(9), None)), of(9, 6, 0)),
            (false, (of(5, 6, 0), own(Some(5), None)), (of(1, 1, 0), none), of(1, 6, 0)),
            (true, (of(0, 0, 70), none), (of(1, 1, 0), own(Some(9), None)), of(0, 0, 70)),
            (true, (of(0, 0, 70), none), (of(0, 0, 0), own(None, Some(8))), of(0, 0, 8)),
        ] {
            assert_eq!(units(on_demand, (&from.0, from.1), (&to.0, to.1)), expected);
        }
    }
}
