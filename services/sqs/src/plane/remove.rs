use std::sync::Arc;

use haneul_kit::Result;
use haneul_store::StoreError;
use haneul_store::log::Position;

use super::op::Op;
use super::{LiveQueue, Plane};
use crate::engine::HandleError;
use crate::error;

/// What a receipt handle says: which message, and which of its receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) queue: u64,
    pub(crate) slot: u32,
    pub(crate) seq: u64,
    pub(crate) receives: u32,
    /// When it was received.
    pub(crate) at_ms: i64,
}

/// How long PurgeQueue must not be called again.
const PURGE_INTERVAL_MS: i64 = 60_000;

impl Plane {
    /// Deletes messages by their handles; durable when this returns. The outer error says that nothing was.
    pub(crate) async fn delete(
        self: &Arc<Self>,
        queue: &Arc<LiveQueue>,
        receipts: &[Receipt],
    ) -> Result<Vec<Result<(), HandleError>>> {
        let mut outcomes = Vec::with_capacity(receipts.len());
        let mut deleting = Vec::new();
        let appended = {
            let mut core = queue.core.lock();
            self.advance(queue, &mut core, self.now_ms());
            for receipt in receipts {
                let outcome = core.queue.delete(receipt.slot, receipt.seq, receipt.receives);
                if outcome == Ok(true) {
                    deleting.push((receipt.slot, receipt.seq));
                }
                outcomes.push(outcome.map(drop));
            }
            if deleting.is_empty() {
                return Ok(outcomes);
            }
            let mut record = Vec::with_capacity(64);
            Op::Delete { queue: queue.no, messages: deleting.clone() }.encode(&mut record);
            self.log.append(&[&[&record]])
        };
        let effect = {
            let queue = queue.clone();
            move |outcome: Result<Vec<Position>, StoreError>| {
                let mut core = queue.core.lock();
                for (slot, seq) in deleting {
                    if outcome.is_ok() {
                        core.queue.remove(slot, seq);
                    } else {
                        core.queue.stay(slot, seq);
                    }
                }
                core.wake();
                outcome.map(drop)
            }
        };
        self.settle(appended, effect).await.map_err(error::store)?;
        Ok(outcomes)
    }

    /// Changes visibility timeouts: takes effect at once, and is in the log with the next sync.
    pub(crate) fn change_visibility(
        &self,
        queue: &LiveQueue,
        receipt: &Receipt,
        timeout_ms: i64,
    ) -> Result<(), HandleError> {
        let mut core = queue.core.lock();
        let now_ms = self.now_ms();
        self.advance(queue, &mut core, now_ms);
        let deadline_ms = now_ms + timeout_ms;
        let (slot, seq) = (receipt.slot, receipt.seq);
        let changed = core.queue.change_visibility(slot, seq, receipt.receives, deadline_ms)?;
        if changed && !self.log.in_memory() {
            self.log.note(&Op::Visibility { queue: queue.no, slot, seq, deadline_ms });
        }
        self.advance(queue, &mut core, now_ms);
        core.wake();
        Ok(())
    }

    /// Deletes all messages that were sent until now; durable when this returns.
    pub(crate) async fn purge(self: &Arc<Self>, queue: &Arc<LiveQueue>) -> Result<()> {
        let (appended, last) = {
            let mut core = queue.core.lock();
            let (now_ms, last) = (self.now_ms(), self.log.last_seq());
            if core.purged_ms.is_some_and(|purged_ms| now_ms < purged_ms + PURGE_INTERVAL_MS) {
                return Err(error::purge_in_progress(&queue.key.name));
            }
            core.purged_ms = Some(now_ms);
            core.purging = Some(last);
            let mut record = Vec::new();
            Op::Purge { queue: queue.no, last }.encode(&mut record);
            (self.log.append(&[&[&record]]), last)
        };
        let effect = {
            let queue = queue.clone();
            move |outcome: Result<Vec<Position>, StoreError>| {
                let mut core = queue.core.lock();
                core.purging = None;
                match &outcome {
                    Ok(_) => core.queue.purge(last),
                    Err(_) => core.purged_ms = None,
                }
                outcome.map(drop)
            }
        };
        self.settle(appended, effect).await.map_err(error::store)
    }
}
