//! Units of capacity as AWS counts them. Source: "DynamoDB read and write operations", "capacity unit consumption".

use std::sync::Arc;

use haneul_dynamodb_wire::shapes as s;
use haneul_shape::value::Map;

use crate::table::TableInfo;

const READ_BYTES: usize = 4096;
const WRITE_BYTES: usize = 1024;

/// Units of a read of that many bytes: halves, when it need not be consistent.
pub(crate) fn of_read(bytes: usize, consistent: bool) -> f64 {
    let units = bytes.div_ceil(READ_BYTES).max(1) as f64;
    if consistent { units } else { units / 2.0 }
}

pub(crate) fn of_write(bytes: usize) -> f64 {
    bytes.div_ceil(WRITE_BYTES).max(1) as f64
}

/// What an operation used, of a table and its indexes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Used {
    pub(crate) table: f64,
    /// By position in the table's list.
    pub(crate) indexes: Vec<(usize, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Used {
    pub(crate) fn of_table(units: f64) -> Used {
        Used { table: units, indexes: Vec::new() }
    }

    pub(crate) fn add_index(&mut self, position: usize, units: f64) {
        match self.indexes.iter_mut().find(|(at, _)| *at == position) {
            Some((_, sum)) => *sum += units,
            None => self.indexes.push((position, units)),
        }
    }

    pub(crate) fn add(&mut self, other: &Used) {
        self.table += other.table;
        other.indexes.iter().for_each(|(position, units)| self.add_index(*position, *units));
    }

    /// Transactions touch each item of the table twice, and the entries of indexes once.
    pub(crate) fn doubled(mut self) -> Used {
        self.table *= 2.0;
        self
    }

    pub(crate) fn total(&self) -> f64 {
        self.table + self.indexes.iter().map(|(_, units)| units).sum::<f64>()
    }

    /// As asked for by `ReturnConsumedCapacity`. `transaction` also tells of reads or writes.
    pub(crate) fn report(
        &self,
        info: &TableInfo,
        wanted: Option<&str>,
        transaction: Option<Direction>,
    ) -> Option<s::ConsumedCapacity> {
        let wanted = wanted.filter(|wanted| *wanted != "NONE")?;
        let capacity = |units: f64| s::Capacity {
            capacity_units: Some(units),
            read_capacity_units: (transaction == Some(Direction::Read)).then_some(units),
            write_capacity_units: (transaction == Some(Direction::Write)).then_some(units),
        };
        let total = capacity(self.total());
        let mut report = s::ConsumedCapacity {
            table_name: Some(info.name.clone()),
            capacity_units: total.capacity_units,
            read_capacity_units: total.read_capacity_units,
            write_capacity_units: total.write_capacity_units,
            ..Default::default()
        };
        if wanted == "INDEXES" {
            report.table = Some(capacity(self.table));
            let of_kind = |global: bool| {
                let entries: Map<s::Capacity> = self
                    .indexes
                    .iter()
                    .filter_map(|(position, units)| Some((info.indexes.get(*position)?, units)))
                    .filter(|(index, _)| index.record.global == global)
                    .map(|(index, units)| (index.record.name.clone(), capacity(*units)))
                    .collect();
                (!entries.is_empty()).then_some(entries)
            };
            report.local_secondary_indexes = of_kind(false);
            report.global_secondary_indexes = of_kind(true);
        }
        Some(report)
    }
}

/// What was used of several tables, each of which is told of once, however often it was named.
#[derive(Default)]
pub(crate) struct UsedTables(Vec<(Arc<TableInfo>, Used)>);

impl UsedTables {
    pub(crate) fn add(&mut self, table: &Arc<TableInfo>, used: &Used) {
        match self.0.iter_mut().find(|(other, _)| other.record.space == table.record.space) {
            Some((_, sum)) => sum.add(used),
            None => self.0.push((table.clone(), used.clone())),
        }
    }

    /// Nothing where nothing was asked for.
    pub(crate) fn report(
        &self,
        wanted: Option<&str>,
        transaction: Option<Direction>,
    ) -> Option<Vec<s::ConsumedCapacity>> {
        let report = |(table, used): &(Arc<TableInfo>, Used)| used.report(table, wanted, transaction);
        let reports: Vec<_> = self.0.iter().filter_map(report).collect();
        (!reports.is_empty()).then_some(reports)
    }
}
