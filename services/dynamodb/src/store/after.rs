//! What follows from writes once they are committed: what they cost, and who is to look at them.

use std::sync::Arc;

use haneul_kit::Instant;

use super::Db;
use super::write::{Batch, Done, Failure};
use crate::engine::capacity::{Direction, Used};
use crate::engine::plan::{Outcome, Write};
use crate::metrics::CONSUMED_WRITE;
use crate::table::TableInfo;

impl Db {
    /// Also what was refused has cost a unit.
    pub(super) fn charge_writes(&self, batch: &Batch, done: &Result<Vec<Outcome>, Failure>) {
        if batch.fills {
            return;
        }
        let (buckets, now) = (&self.shared.buckets, self.env.now());
        for (i, write) in batch.writes.iter().enumerate().filter(|(_, write)| !write.by_service) {
            let used = match done {
                Ok(outcomes) => outcomes.get(i).map(|outcome| outcome.used.clone()).unwrap_or_default(),
                Err(_) => Used::of_table(1.0),
            };
            let used = if batch.transaction { used.doubled() } else { used };
            buckets.charge(&write.table, &used, Direction::Write, now);
            let source = if write.version.is_some() { "GlobalTable" } else { "Customer" };
            self.note_source(&write.table, &used, source, now);
            if !batch.by_statement {
                let outcome = done.as_ref().ok().and_then(|outcomes| outcomes.get(i));
                self.note_write(write, outcome, &used);
            }
        }
    }

    /// A replica pays for what it takes of the writes of another, which asked its own throughput alone.
    pub(super) fn charge_mirrored(&self, mirrored: &[(Arc<TableInfo>, Used)]) {
        let now = self.env.now();
        for (table, used) in mirrored {
            self.shared.buckets.charge(table, used, Direction::Write, now);
            self.note_source(table, used, "GlobalTable", now);
        }
    }

    /// Of a replica, CloudWatch shows also whether clients or other replicas wrote.
    fn note_source(&self, table: &TableInfo, used: &Used, source: &str, now: Instant) {
        if table.record.global.is_none() {
            return;
        }
        let name = |position: usize| table.indexes.get(position).filter(|index| index.record.global);
        let of_indexes = used.indexes.iter().filter_map(|(at, units)| Some((Some(name(*at)?), *units)));
        for (index, units) in of_indexes.chain([(None, used.table)]) {
            let mut dimensions = vec![("TableName", table.name.as_str())];
            dimensions.extend(index.map(|index| ("GlobalSecondaryIndexName", index.record.name.as_str())));
            dimensions.push(("Source", source));
            self.metrics().record(CONSUMED_WRITE, table.account, table.region, now, &dimensions, units);
        }
    }

    /// Once they are committed: who expires items looks at the store.
    pub(super) fn note_expiries(&self, batch: &Batch, done: &Result<Done, Failure>) {
        let outcomes = done.iter().flat_map(|done| &done.outcomes);
        for (write, outcome) in batch.writes.iter().zip(outcomes) {
            let ttl = write.table.record.ttl.as_ref().zip(outcome.new.as_ref());
            if let Some(at_s) = ttl.and_then(|(ttl, item)| crate::tasks::ttl::expiry(ttl, item)) {
                self.will_expire(at_s);
            }
        }
    }

    /// What was written here is to be told to the other replicas, or what it held up.
    pub(super) fn note_replication(&self, batch: &Batch) {
        let told = |write: &Write| write.version.is_none() && write.table.record.told().is_some();
        if batch.writes.iter().any(told) {
            self.replication().wake();
        }
    }
}
