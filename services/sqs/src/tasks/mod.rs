//! Work that goes on after the answer: message move tasks. (The log's cleaner is in `plane`.)

use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::engine::Ticket;
use crate::model::{MoveStatus, MoveTaskRecord};
use crate::plane::{LiveQueue, QueueKey};
use crate::queue::name;
use crate::store::Registry;

/// Carries out message move tasks. What a task has done is in its record; after a restart it goes on.
pub(crate) struct Mover {
    registry: Arc<Registry>,
    signal: Signal,
}

/// Messages that are moved between two looks at the task's record.
const CHUNK: u64 = 100;

/// What a task did in one step, and when it may go on.
struct Step {
    moved: u64,
    end: Option<(MoveStatus, Option<String>)>,
    next_ms: Option<i64>,
}

impl Mover {
    pub(crate) fn new(registry: Arc<Registry>) -> Mover {
        Mover { registry, signal: Signal::default() }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let mut next_ms: Option<i64> = None;
        for (source, number, mut record) in self.registry.active_tasks().await? {
            loop {
                let step = self.step(&source, &record).await?;
                let changed = self.registry.change_task(&source, number, |now| {
                    now.moved += step.moved;
                    if let Some((status, failure)) = &step.end {
                        now.status = *status;
                        now.failure = failure.clone();
                    }
                });
                // Deleted with its queue.
                let Some(changed) = changed.await? else { break };
                if !changed.status.is_active() {
                    break;
                }
                if let Some(at_ms) = step.next_ms {
                    next_ms = Some(next_ms.map_or(at_ms, |other| other.min(at_ms)));
                    break;
                }
                record = changed;
            }
        }
        Ok(next_ms.map(Instant::from_millis))
    }

    async fn step(&self, source: &QueueKey, record: &MoveTaskRecord) -> Result<Step> {
        let ended = |status, failure: Option<&str>| Step {
            moved: 0,
            end: Some((status, failure.map(str::to_owned))),
            next_ms: None,
        };
        if record.status == MoveStatus::Cancelling {
            return Ok(ended(MoveStatus::Cancelled, None));
        }
        let plane = &self.registry.plane;
        let Some(from) = plane.get(source).filter(|queue| queue.no == record.source_no) else {
            return Ok(ended(MoveStatus::Failed, Some("AWS.SimpleQueueService.NonExistentQueue")));
        };
        let now_ms = plane.now_ms();
        let allowed = allowed(record, now_ms).saturating_sub(record.moved).min(CHUNK);
        if allowed == 0 {
            return Ok(Step { moved: 0, end: None, next_ms: Some(next_allowed_ms(record)) });
        }
        let mut step = Step { moved: 0, end: None, next_ms: None };
        while step.moved < allowed && step.end.is_none() {
            let ticket = {
                let mut core = from.core.lock();
                plane.advance(&from, &mut core, now_ms);
                let done = record.moved + step.moved >= record.to_move;
                if done { None } else { core.queue.take_to_move() }
            };
            let Some(ticket) = ticket else {
                step.end = Some((MoveStatus::Completed, None));
                break;
            };
            match self.move_one(&from, ticket, record).await? {
                Ok(()) => step.moved += 1,
                Err(why) => step.end = Some((MoveStatus::Failed, Some(why.to_owned()))),
            }
        }
        Ok(step)
    }

    /// The inner error is why the task cannot go on.
    async fn move_one(
        &self,
        from: &Arc<LiveQueue>,
        ticket: Ticket,
        record: &MoveTaskRecord,
    ) -> Result<Result<(), &'static str>> {
        let plane = &self.registry.plane;
        let (slot, seq) = (ticket.slot, ticket.seq);
        let keep = || {
            let mut core = from.core.lock();
            core.queue.stay(slot, seq);
            core.wake();
        };
        let refuse = |why| {
            keep();
            Ok(Err(why))
        };
        let target = match &record.destination_arn {
            Some(arn) => Some(arn.clone()),
            None => {
                let loaded = plane.load(from, vec![ticket.clone()], 0).await;
                let loaded = loaded.inspect_err(|_| keep())?;
                loaded.into_iter().next().and_then(|delivery| delivery.stored.dead_letter_source)
            }
        };
        let Some(target) = target else { return refuse("CouldNotDetermineMessageSource") };
        let Some(to) = name::of_arn(&target).and_then(|key| plane.get(&key)) else {
            return refuse("AWS.SimpleQueueService.NonExistentQueue");
        };
        let same_type = to.meta().attributes.fifo == from.meta().attributes.fifo;
        if to.no == from.no || !same_type {
            return refuse("The destination queue is not of the source queue's type.");
        }
        plane.redrive(from, ticket, &to).await?;
        Ok(Ok(()))
    }
}

/// How many messages may have been moved by now.
fn allowed(record: &MoveTaskRecord, now_ms: i64) -> u64 {
    let Some(per_second) = record.per_second_max else { return u64::MAX };
    let elapsed_ms = u64::try_from(now_ms - record.started_ms).unwrap_or(0);
    elapsed_ms * u64::from(per_second) / 1000 + 1
}

/// When one more may be moved.
fn next_allowed_ms(record: &MoveTaskRecord) -> i64 {
    let per_second = u64::from(record.per_second_max.unwrap_or(1).max(1));
    record.started_ms + (record.moved * 1000).div_ceil(per_second) as i64
}

impl Reconciler for Mover {
    fn name(&self) -> &'static str {
        "sqs message move tasks"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
