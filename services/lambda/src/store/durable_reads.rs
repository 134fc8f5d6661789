use haneul_kit::{Instant, Result};
use haneul_store::{Range, Reads};

use super::Records;
use super::durable::{DueRow, briefs};
use crate::durable::names::ExecutionName;
use crate::model::durable::{
    BRIEFS, Brief, DATA, EXECUTIONS, EventRecord, GONE, HISTORY, OPERATIONS, OperationRecord, PURGE, STARTED,
    TIMEOUT, TIMERS, WORK, WorkRecord,
};
use crate::names::FunctionName;

/// Rows that one step of a deletion takes away, of each table; operations are read with all that they hold.
const PURGED_MAX: usize = 1000;
const PURGED_OPERATIONS_MAX: usize = 16;

impl Records {
    pub(crate) async fn execution_data(&self, name: &ExecutionName, which: u8) -> Result<Option<Vec<u8>>> {
        let (account, region, function, own) = name.row();
        Ok(self.store.get(&DATA, &(account, region, function, own, which)).await?)
    }

    pub(crate) async fn operation(
        &self,
        name: &ExecutionName,
        sequence: u32,
    ) -> Result<Option<OperationRecord>> {
        let (account, region, function, own) = name.row();
        Ok(self.store.get(&OPERATIONS, &(account, region, function, own, sequence)).await?)
    }

    pub(crate) async fn operation_by_id(
        &self,
        name: &ExecutionName,
        id: &str,
    ) -> Result<Option<OperationRecord>> {
        let (account, region, function, own) = name.row();
        match self.store.get(&BRIEFS, &(account, region, function, own, id)).await? {
            Some(brief) => self.operation(name, brief.sequence).await,
            None => Ok(None),
        }
    }

    pub(crate) async fn briefs(&self, name: &ExecutionName) -> Result<Vec<(String, Brief)>> {
        briefs(&self.store, name).await
    }

    /// Events after the one with the number `after`, or before it in reverse.
    pub(crate) async fn events_of(
        &self,
        name: &ExecutionName,
        after: Option<u32>,
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<(u32, EventRecord)>> {
        let (account, region, function, own) = name.row();
        let mut range = Range::prefix(name.row());
        if let Some(after) = after {
            let row = (account, region, function, own, after);
            range = if reverse { range.before(&row) } else { range.after(&row) };
        }
        if reverse {
            range = range.rev();
        }
        let rows = self.store.scan(&HISTORY, range, limit).await?;
        Ok(rows.into_iter().map(|((_, _, _, _, number), event)| (number, event)).collect())
    }

    /// Executions of a function by when they started and their names.
    pub(crate) async fn executions_of(
        &self,
        function: &FunctionName,
        place: Option<&(u64, String)>,
        oldest_first: bool,
        limit: usize,
    ) -> Result<Vec<(u64, String)>> {
        let (account, region, own) = function.row();
        let mut range = Range::prefix(function.row());
        if let Some((started, name)) = place {
            let row = (account, region, own, *started, name.as_str());
            range = if oldest_first { range.after(&row) } else { range.before(&row) };
        }
        if !oldest_first {
            range = range.rev();
        }
        let rows = self.store.scan_keys(&STARTED, range, limit).await?;
        Ok(rows.into_iter().map(|(_, _, _, started, name)| (started, name)).collect())
    }

    pub(crate) async fn timers_due(
        &self,
        now: Instant,
        after: Option<&DueRow>,
        limit: usize,
    ) -> Result<Vec<DueRow>> {
        Ok(self.store.scan_keys(&TIMERS, due(now, after), limit).await?)
    }

    pub(crate) async fn forget_timer(&self, row: &DueRow) -> Result<()> {
        Ok(self.store.delete(&TIMERS, row).await?)
    }

    pub(crate) async fn work_due(
        &self,
        now: Instant,
        after: Option<&DueRow>,
        limit: usize,
    ) -> Result<Vec<(DueRow, WorkRecord)>> {
        Ok(self.store.scan(&WORK, due(now, after), limit).await?)
    }

    pub(crate) async fn work(&self, row: &DueRow) -> Result<Option<WorkRecord>> {
        Ok(self.store.get(&WORK, row).await?)
    }

    /// When the first timer or work after `now` falls due.
    pub(crate) async fn next_durable(&self, now: Instant) -> Result<Option<Instant>> {
        let timer = self.store.scan_keys(&TIMERS, later(now), 1).await?;
        let work = self.store.scan_keys(&WORK, later(now), 1).await?;
        let first = timer.first().into_iter().chain(work.first()).map(|row| row.0).min();
        Ok(first.map(|ms| Instant::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))))
    }

    /// Functions that were deleted with executions, and when.
    pub(crate) async fn gone(&self, limit: usize) -> Result<Vec<(FunctionName, u64)>> {
        let rows = self.store.scan(&GONE, Range::all(), limit).await?;
        let named = |(account, region, name)| FunctionName { account, region, name };
        Ok(rows.into_iter().map(|(row, at)| (named(row), at)).collect())
    }

    pub(crate) async fn gone_at(&self, function: &FunctionName) -> Result<Option<u64>> {
        Ok(self.store.get(&GONE, &function.row()).await?)
    }

    /// Forgets that a function was deleted at a time, unless it was again.
    pub(crate) async fn forget_gone(&self, function: &FunctionName, at: u64) -> Result<()> {
        self.store
            .transact(|tx| async move {
                if tx.get(&GONE, &function.row()).await? == Some(at) {
                    tx.delete(&GONE, &function.row())?;
                }
                Ok(())
            })
            .await
    }

    /// Deletes some of what belongs to the execution with this id, and at last the execution. `true` when all is gone.
    pub(crate) async fn purge(&self, name: &ExecutionName, id: &str) -> Result<bool> {
        self.store
            .transact(|tx| async move {
                // Somebody else may have deleted it, and begun another one of its name.
                let record = tx.get(&EXECUTIONS, &name.row()).await?.filter(|record| record.id == id);
                let Some(record) = record else { return Ok(true) };
                let (account, region, function, own) = name.row();
                let prefix = || name.row();
                let operations = tx.scan(&OPERATIONS, Range::prefix(prefix()), PURGED_OPERATIONS_MAX).await?;
                let briefs = tx.scan_keys(&BRIEFS, Range::prefix(prefix()), PURGED_MAX).await?;
                let events = tx.scan_keys(&HISTORY, Range::prefix(prefix()), PURGED_MAX).await?;
                let mut timers = Vec::new();
                for (row, operation) in &operations {
                    tx.delete(&OPERATIONS, row)?;
                    let due = [operation.due_ms, operation.heartbeat_due_ms];
                    timers.extend(due.into_iter().flatten().map(|due| (due, operation.id.as_str())));
                }
                for row in &briefs {
                    tx.delete(&BRIEFS, row)?;
                }
                for row in &events {
                    tx.delete(&HISTORY, row)?;
                }
                let all = operations.len() < PURGED_OPERATIONS_MAX
                    && [briefs.len(), events.len()].into_iter().all(|found| found < PURGED_MAX);
                if all {
                    for row in tx.scan_keys(&DATA, Range::prefix(prefix()), PURGED_MAX).await? {
                        tx.delete(&DATA, &row)?;
                    }
                    let started = record.started_ms.max(0).unsigned_abs();
                    tx.delete(&STARTED, &(account, region, function, started, own))?;
                    tx.delete(&EXECUTIONS, &name.row())?;
                    timers.push((record.times_out_ms, TIMEOUT));
                    timers.extend(record.kept_until_ms().map(|until| (until, PURGE)));
                }
                for (due, which) in timers {
                    let due = due.max(0).unsigned_abs();
                    tx.delete(&TIMERS, &(due, account, region, function, own, which))?;
                }
                Ok(all)
            })
            .await
    }
}

fn due(now: Instant, after: Option<&DueRow>) -> Range<DueRow> {
    let due = Range::prefix(()).before(&bound(now));
    match after {
        Some(after) => due.after(after),
        None => due,
    }
}

fn later(now: Instant) -> Range<DueRow> {
    Range::prefix(()).from(&bound(now))
}

/// The first row that is not due yet.
fn bound(now: Instant) -> Bound {
    Bound(now.millis().max(0).unsigned_abs() + 1)
}

/// The beginning of a key.
struct Bound(u64);

impl haneul_store::KeyOf<DueRow> for Bound {
    fn encode(&self, out: &mut Vec<u8>) {
        haneul_store::KeyOf::<u64>::encode(&self.0, out);
    }
}
