//! Splits streams to which much is written. Source: DynamoDB Developer Guide, "Change data capture for DynamoDB Streams", on
//! how shards split "in response to high levels of write activity".

use std::collections::BTreeSet;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use parking_lot::Mutex;

use crate::store::Db;
use crate::store::tables::Change;
use crate::table::name::TableId;

/// Lanes of streams to which too much is written: the table, and the lane's log.
#[derive(Default)]
pub(crate) struct Busy {
    lanes: Mutex<BTreeSet<(TableId, u64)>>,
    signal: Signal,
}

impl Busy {
    pub(crate) fn note(&self, table: TableId, log: u64) {
        self.lanes.lock().insert((table, log));
        self.signal.wake();
    }
}

pub(crate) struct Split {
    db: Db,
}

impl Split {
    pub(crate) fn new(db: Db) -> Split {
        Split { db }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        // One that fails, for its table is gone, is noted again if it goes on.
        let lanes = std::mem::take(&mut *self.db.busy().lanes.lock());
        for (table, log) in lanes {
            let split =
                self.db.change_table(&table, |_, _| Ok(Change { split: Some(log), ..Change::default() }));
            if let Err(error) = split.await {
                tracing::debug!(%error, table = table.2, "a stream could not be split");
            }
        }
        Ok(None)
    }
}

impl Reconciler for Split {
    fn name(&self) -> &'static str {
        "dynamodb split"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.db.busy().signal
    }
}
