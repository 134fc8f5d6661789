//! The metrics that come with every call: each table keeps its own, so that a sample looks for nothing and makes nothing.

use std::sync::OnceLock;

use haneul_kit::Instant;
use haneul_kit::metrics::{Metrics, Series};

use super::{CONSUMED_READ, CONSUMED_WRITE, LATENCY, RETURNED_ITEMS};
use crate::engine::capacity::Direction;
use crate::table::TableInfo;

/// The operations whose metrics are kept apart. Source: "DynamoDB metrics and dimensions", the dimension Operation; GetRecords is
/// one of a stream.
const OPERATIONS: [&str; 13] = [
    "BatchExecuteStatement",
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "ExecuteStatement",
    "ExecuteTransaction",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
];

/// Of a table: by operation.
#[derive(Debug, Default)]
pub(crate) struct TableSeries {
    consumed: Consumed,
    latency: [OnceLock<Series>; OPERATIONS.len()],
    /// Three of them return items.
    returned: [OnceLock<Series>; OPERATIONS.len()],
}

/// What is used of a table or of one of its global indexes: reads, writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Consumed([OnceLock<Series>; 2]);

impl TableInfo {
    /// A call about this table that was done.
    pub(super) fn took(&self, metrics: &Metrics, operation: &str, now: Instant, ms: f64) {
        let Ok(at) = OPERATIONS.binary_search(&operation) else { return };
        let dimensions = || [("TableName", self.name.as_str()), ("Operation", OPERATIONS[at])];
        let series = self.series.latency[at]
            .get_or_init(|| metrics.series(LATENCY, self.account, self.region, &dimensions()));
        series.record(now, ms);
    }

    /// Items that a call returned.
    pub(crate) fn returned(&self, metrics: &Metrics, operation: &str, now: Instant, items: usize) {
        let Ok(at) = OPERATIONS.binary_search(&operation) else { return };
        let dimensions = || [("TableName", self.name.as_str()), ("Operation", OPERATIONS[at])];
        let series = self.series.returned[at]
            .get_or_init(|| metrics.series(RETURNED_ITEMS, self.account, self.region, &dimensions()));
        series.record(now, items as f64);
    }

    /// Units that a call used of the table, or of the index at `index`.
    pub(crate) fn consumed(
        &self,
        metrics: &Metrics,
        index: Option<usize>,
        direction: Direction,
        now: Instant,
        units: f64,
    ) {
        let index = index.and_then(|position| self.indexes.get(position));
        let (series, metric) = match (index.map_or(&self.series.consumed, |index| &index.consumed), direction)
        {
            (Consumed([reads, _]), Direction::Read) => (reads, CONSUMED_READ),
            (Consumed([_, writes]), Direction::Write) => (writes, CONSUMED_WRITE),
        };
        let new = || {
            let dimensions = [
                ("TableName", self.name.as_str()),
                ("GlobalSecondaryIndexName", index.map_or("", |index| index.record.name.as_str())),
            ];
            let dimensions = if index.is_some() { &dimensions[..] } else { &dimensions[..1] };
            metrics.series(metric, self.account, self.region, dimensions)
        };
        series.get_or_init(new).record(now, units);
    }
}

/// Whether metrics of the operation are kept apart.
pub(super) fn is_on_items(operation: &str) -> bool {
    OPERATIONS.binary_search(&operation).is_ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn operations_are_in_order() {
        assert!(super::OPERATIONS.is_sorted());
    }
}
