//! What restores and backups copy from: it is there when they begin, and kept until they are done, as are the keys of what is
//! still to be brought to streams.

use std::collections::{HashMap, HashSet};

use haneul_kit::Result;
use haneul_store::{Range, Reads, Tx};

use super::Db;
use super::tables::Failed;
use crate::error;
use crate::model::{BACKUPS, BackupKey, DELIVERIES, RestoreSource, SseRecord, TABLES, TableRecord};
use crate::table::name::TableId;

/// Tables that are looked through at once.
const PAGE: usize = 200;

/// What a table is restored from.
pub(crate) enum Source {
    Table(TableId),
    Backup(BackupKey),
}

impl Source {
    /// Refuses what is gone since the caller looked.
    pub(super) async fn check(&self, tx: &Tx, wanted: &RestoreSource) -> Result<(), Failed> {
        match self {
            Source::Table(id) => {
                let found = tx.get(&TABLES, id).await?.filter(|table| table.space == wanted.space);
                let table = found.ok_or_else(|| Failed::Api(error::no_source_table(&id.2)))?;
                let log = table.pitr.map(|pitr| pitr.log);
                match log.is_some() && log == wanted.log.map(|(log, _)| log) {
                    true => Ok(()),
                    false => Err(Failed::Api(error::no_recovery(&id.2))),
                }
            }
            Source::Backup(key) => match tx.get(&BACKUPS, key).await? {
                Some(backup) if backup.space == wanted.space => Ok(()),
                _ => Err(Failed::Api(error::no_backup(&key.3))),
            },
        }
    }
}

/// What somebody is still to be filled from.
#[derive(Default)]
pub(crate) struct Needed {
    pub(crate) spaces: HashSet<u64>,
    /// With the earliest moment that is asked of each, in milliseconds.
    pub(crate) logs: HashMap<u64, i64>,
    grants: HashSet<String>,
}

impl Needed {
    fn note(&mut self, space: u64, sse: Option<SseRecord>) {
        self.spaces.insert(space);
        self.grants.extend(sse.map(|sse| sse.grant));
    }
}

impl Db {
    /// Of all tables, backups and deliveries. What was dropped before this is asked is needed by nobody else later,
    /// because a restore begins only with what is there.
    pub(crate) async fn needed(&self) -> Result<Needed> {
        let snapshot = self.store.snapshot().await.map_err(error::store)?;
        let mut needed = Needed::default();
        let mut range = Range::all();
        loop {
            let page: Vec<(TableId, TableRecord)> =
                snapshot.scan(&TABLES, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { break };
            range = Range::all().after(last);
            for source in page.into_iter().filter_map(|(_, record)| record.restoring) {
                if let Some((log, at_ms)) = source.log {
                    let earliest = needed.logs.entry(log).or_insert(at_ms);
                    *earliest = at_ms.min(*earliest);
                }
                needed.note(source.space, source.sse);
            }
        }
        let backups = snapshot.scan(&BACKUPS, Range::all(), usize::MAX).await.map_err(error::store)?;
        for (_, backup) in backups.into_iter().filter(|(_, backup)| !backup.ready) {
            needed.note(backup.record.space, backup.record.sse);
        }
        // A destination that is there has the grant that its table has by now; the log of one that is not has that of then.
        let deliveries = snapshot.scan(&DELIVERIES, Range::all(), usize::MAX).await.map_err(error::store)?;
        let ended = deliveries.into_iter().filter(|(_, delivery)| delivery.ended_ms.is_some());
        needed.grants.extend(ended.filter_map(|(_, delivery)| delivery.sse).map(|sse| sse.grant));
        Ok(needed)
    }

    /// Whether a backup of the table, somebody who is to be filled, or what is still to be brought to a stream is read by this
    /// grant of a KMS key.
    pub(crate) async fn needs_grant(&self, id: &TableId, sse: &SseRecord) -> Result<bool> {
        let range = Range::prefix((id.0, id.1, id.2.clone()));
        let backups = self.store.scan(&BACKUPS, range, usize::MAX).await.map_err(error::store)?;
        let of_backup =
            |backup: &TableRecord| backup.sse.as_ref().is_some_and(|kept| kept.grant == sse.grant);
        Ok(backups.iter().any(|(_, backup)| of_backup(&backup.record))
            || self.needed().await?.grants.contains(&sse.grant))
    }
}
