//! Throughput that is provisioned, or bounded on demand: a bucket for each direction of each table and global index, which
//! fills by the clock and keeps what five minutes bring. Source: "Burst and adaptive capacity".
//!
//! A request is let in while there is anything left, and pays afterwards what it used, so that large ones get through; the
//! debt makes the next ones wait. A table's units are not divided among partitions: adaptive capacity would undo it.

use std::collections::HashMap;

use haneul_kit::meter::{At, Meter, UsageType};
use haneul_kit::metrics::{Metric, Metrics};
use haneul_kit::{ApiError, Instant, Result};
use parking_lot::Mutex;

use super::capacity::{Direction, Used};
use crate::error;
use crate::metrics::{
    READ_THROTTLES, READ_THROTTLES_ON_DEMAND, READ_THROTTLES_PROVISIONED, WRITE_THROTTLES,
    WRITE_THROTTLES_ON_DEMAND, WRITE_THROTTLES_PROVISIONED,
};
use crate::model::{IndexRecord, Throughput};
use crate::table::TableInfo;

/// Seconds of unused units that are kept.
const BURST_S: f64 = 300.0;

/// Units of a table on demand. Those of a provisioned one are paid by the hour (`crate::held`).
const READ_REQUESTS: UsageType = UsageType::new("ReadRequestUnits", "Half-ReadRequestUnits");
const WRITE_REQUESTS: UsageType = UsageType::new("WriteRequestUnits", "Half-WriteRequestUnits");

pub(crate) struct Buckets {
    levels: Mutex<HashMap<(u64, Direction), Bucket>>,
    metrics: Metrics,
    meter: Meter,
}

struct Bucket {
    units: f64,
    at: Instant,
}

impl Buckets {
    pub(crate) fn new(metrics: Metrics, meter: Meter) -> Buckets {
        Buckets { levels: Mutex::default(), metrics, meter }
    }

    /// What is paid for: halves, because an eventually consistent read is half a unit.
    fn count(&self, table: &TableInfo, used: &Used, direction: Direction, now: Instant) {
        if !table.record.billing.on_demand {
            return;
        }
        let units = used.table + used.indexes.iter().map(|(_, units)| units).sum::<f64>();
        let kind = if direction == Direction::Read { READ_REQUESTS } else { WRITE_REQUESTS };
        let at = At {
            at: now,
            owner: (table.account, table.region),
            service: "dynamodb",
            operation: "PayPerRequestThroughput",
            resource: table.arn().as_str(),
        };
        self.meter.used(at, kind, (units * 2.0).round() as u64);
    }

    /// A sample of a metric of a table, or of one of its global indexes.
    fn record(&self, metric: Metric, table: &TableInfo, index: Option<&str>, now: Instant) {
        let both =
            [("TableName", table.name.as_str()), ("GlobalSecondaryIndexName", index.unwrap_or_default())];
        let dimensions = if index.is_some() { &both[..] } else { &both[..1] };
        self.metrics.record(metric, table.account, table.region, now, dimensions, 1.0);
    }

    /// Whether a read may begin. `index` is the position of the index that is read.
    pub(crate) fn admit_read(&self, table: &TableInfo, index: Option<usize>, now: Instant) -> Result<()> {
        let of_index = |position: usize| table.indexes.get(position).filter(|index| index.record.global);
        match index.and_then(of_index) {
            Some(index) => self.check_index(table, &index.record, Direction::Read, now),
            None => self.check_table(table, Direction::Read, now),
        }
    }

    /// Whether a write may begin, as far as the table itself goes.
    pub(crate) fn admit_write(&self, table: &TableInfo, now: Instant) -> Result<()> {
        self.check_table(table, Direction::Write, now)
    }

    /// The same of its indexes: a global one that cannot keep up holds the table back.
    pub(crate) fn admit_entries(&self, table: &TableInfo, now: Instant) -> Result<()> {
        let mut global = table.indexes.iter().filter(|index| index.record.global);
        global.try_for_each(|index| self.check_index(table, &index.record, Direction::Write, now))
    }

    /// Pays what was used.
    pub(crate) fn charge(&self, table: &TableInfo, used: &Used, direction: Direction, now: Instant) {
        self.count(table, used, direction, now);
        self.take(table, table.record.space, &table.record.billing.throughput, used.table, direction, now);
        table.consumed(&self.metrics, None, direction, now, used.table);
        for (position, units) in &used.indexes {
            let Some(index) = table.indexes.get(*position) else { continue };
            match index.record.global {
                true => {
                    table.consumed(&self.metrics, Some(*position), direction, now, *units);
                    self.take(table, index.record.space, &index.record.throughput, *units, direction, now)
                }
                // A local index uses the table's.
                false => {
                    let units_of_table = &table.record.billing.throughput;
                    self.take(table, table.record.space, units_of_table, *units, direction, now);
                }
            }
        }
    }

    fn check_index(
        &self,
        table: &TableInfo,
        index: &IndexRecord,
        direction: Direction,
        now: Instant,
    ) -> Result<()> {
        self.check(table, Some(&index.name), index.space, &index.throughput, direction, now)
    }

    fn check_table(&self, table: &TableInfo, direction: Direction, now: Instant) -> Result<()> {
        self.check(table, None, table.record.space, &table.record.billing.throughput, direction, now)
    }

    fn check(
        &self,
        table: &TableInfo,
        index: Option<&str>,
        space: u64,
        throughput: &Throughput,
        direction: Direction,
        now: Instant,
    ) -> Result<()> {
        let Some(rate) = rate(table, throughput, direction) else { return Ok(()) };
        match self.filled(space, direction, rate, now, |bucket| bucket.units > 0.0) {
            true => Ok(()),
            false => {
                for metric in throttles(direction, table.record.billing.on_demand) {
                    self.record(metric, table, index, now);
                }
                Err(exceeded(table, index, direction))
            }
        }
    }

    fn take(
        &self,
        table: &TableInfo,
        space: u64,
        throughput: &Throughput,
        units: f64,
        direction: Direction,
        now: Instant,
    ) {
        if let Some(rate) = rate(table, throughput, direction) {
            self.filled(space, direction, rate, now, |bucket| bucket.units -= units);
        }
    }

    fn filled<T>(
        &self,
        space: u64,
        direction: Direction,
        rate: f64,
        now: Instant,
        then: impl FnOnce(&mut Bucket) -> T,
    ) -> T {
        let mut buckets = self.levels.lock();
        let bucket = buckets.entry((space, direction)).or_insert(Bucket { units: rate * BURST_S, at: now });
        let passed_s = (now.millis() - bucket.at.millis()).max(0) as f64 / 1000.0;
        bucket.units = (bucket.units + passed_s * rate).min(rate * BURST_S);
        bucket.at = bucket.at.max(now);
        then(bucket)
    }
}

/// Units in a second; `None` when nothing bounds them.
fn rate(table: &TableInfo, throughput: &Throughput, direction: Direction) -> Option<f64> {
    let units = match (table.record.billing.on_demand, direction) {
        (false, Direction::Read) => throughput.read,
        (false, Direction::Write) => throughput.write,
        (true, Direction::Read) => throughput.read_max,
        (true, Direction::Write) => throughput.write_max,
    };
    (units > 0).then_some(units as f64)
}

/// What is told of a request that was held back: that, and why.
fn throttles(direction: Direction, on_demand: bool) -> [Metric; 2] {
    match (direction, on_demand) {
        (Direction::Read, false) => [READ_THROTTLES, READ_THROTTLES_PROVISIONED],
        (Direction::Read, true) => [READ_THROTTLES, READ_THROTTLES_ON_DEMAND],
        (Direction::Write, false) => [WRITE_THROTTLES, WRITE_THROTTLES_PROVISIONED],
        (Direction::Write, true) => [WRITE_THROTTLES, WRITE_THROTTLES_ON_DEMAND],
    }
}

fn exceeded(table: &TableInfo, index: Option<&str>, direction: Direction) -> ApiError {
    let resource = index.map_or_else(|| table.arn().clone(), |index| table.index_arn(index)).to_string();
    let kind = if index.is_some() { "Index" } else { "Table" };
    let action = if direction == Direction::Read { "Read" } else { "Write" };
    match table.record.billing.on_demand {
        true => error::throttled(format!("{kind}{action}MaxOnDemandThroughputExceeded"), resource),
        false => error::throughput_exceeded(format!("{kind}{action}ProvisionedThroughputExceeded"), resource),
    }
}
