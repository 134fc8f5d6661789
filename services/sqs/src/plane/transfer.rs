use std::sync::Arc;

use haneul_kit::{ApiError, Result};
use haneul_store::StoreError;
use haneul_store::log::Position;

use super::log;
use super::op::{From, Head, Op};
use super::{Delivery, LiveQueue, Plane};
use crate::engine::{Arrival, State, Ticket};
use crate::error;
use crate::message::Stored;

/// What becomes of a message in its new queue.
struct Landing {
    stored: Stored,
    sent_ms: i64,
    receives: u32,
    first_receive_ms: i64,
}

impl Plane {
    /// Moves a message that was received too often to the dead-letter queue. It stays where it is when that is gone.
    ///
    /// In a standard queue it keeps its age, in a FIFO queue it begins anew (SQS Developer Guide, "Understanding message
    /// retention periods for dead-letter queues").
    pub(crate) async fn dead_letter(
        self: &Arc<Self>,
        from: &Arc<LiveQueue>,
        ticket: Ticket,
        to: &Arc<LiveQueue>,
    ) -> Result<()> {
        let land = |plane: &Plane, delivery: Delivery, from: &LiveQueue| {
            let fifo = from.core.lock().queue.settings().fifo;
            let sent_ms = if fifo { plane.now_ms() } else { delivery.ticket.sent_ms };
            let (receives, first_receive_ms) = (delivery.ticket.receives, delivery.ticket.first_receive_ms);
            let stored = Stored { dead_letter_source: Some(from.arn.to_string()), ..delivery.stored };
            Landing { stored, sent_ms, receives, first_receive_ms }
        };
        self.start_transfer(from, ticket, to, land).await
    }

    /// Moves a message of a dead-letter queue back to a queue, as a new message (SQS Developer Guide, "Configure a
    /// dead-letter queue redrive").
    pub(crate) async fn redrive(
        self: &Arc<Self>,
        from: &Arc<LiveQueue>,
        ticket: Ticket,
        to: &Arc<LiveQueue>,
    ) -> Result<()> {
        let land = |plane: &Plane, delivery: Delivery, _: &LiveQueue| {
            let message_id = plane.env.rng.bytes();
            let stored = Stored { dead_letter_source: None, message_id, ..delivery.stored };
            Landing { stored, sent_ms: plane.now_ms(), receives: 0, first_receive_ms: 0 }
        };
        self.start_transfer(from, ticket, to, land).await
    }

    /// In a task of its own: once begun, a move is finished or taken back, whoever goes away.
    async fn start_transfer(
        self: &Arc<Self>,
        from: &Arc<LiveQueue>,
        ticket: Ticket,
        to: &Arc<LiveQueue>,
        land: impl FnOnce(&Plane, Delivery, &LiveQueue) -> Landing + Send + 'static,
    ) -> Result<()> {
        let (plane, from, to) = (self.clone(), from.clone(), to.clone());
        let task = self.env.spawn("sqs transfer", async move {
            let (slot, seq) = (ticket.slot, ticket.seq);
            let moved = plane.transfer(&from, ticket, &to, land).await;
            if !matches!(moved, Ok(true)) {
                let mut core = from.core.lock();
                core.queue.stay(slot, seq);
                core.wake();
            }
            moved.map(drop)
        });
        task.await.map_err(ApiError::internal)?
    }

    /// One record takes the message out of the one queue and puts it into the other. `false` when it was not moved.
    async fn transfer(
        self: &Arc<Self>,
        from: &Arc<LiveQueue>,
        ticket: Ticket,
        to: &Arc<LiveQueue>,
        land: impl FnOnce(&Plane, Delivery, &LiveQueue) -> Landing + Send,
    ) -> Result<bool> {
        let (slot, seq) = (ticket.slot, ticket.seq);
        let Some(delivery) = self.load(from, vec![ticket], 0).await?.pop() else { return Ok(true) };
        let landing = land(self, delivery, from);
        let mut payload = Vec::new();
        landing.stored.encode(&mut payload);
        let (appended, new_slot, new_seq) = {
            // Both locks, always in the order of the queues' numbers.
            let (mut first, mut second) = if from.no < to.no {
                (from.core.lock(), to.core.lock())
            } else {
                let second = to.core.lock();
                (from.core.lock(), second)
            };
            let (source, target) = (&mut *first, &mut *second);
            if target.gone {
                return Ok(false);
            }
            let leaving = source.queue.message(slot, seq).is_some_and(|found| found.state == State::Leaving);
            if !leaving {
                // Purged meanwhile.
                return Ok(true);
            }
            let (new_slot, new_seq) = (target.queue.vacant(), self.log.next_seq());
            let head = Head {
                slot: new_slot,
                seq: new_seq,
                sent_ms: landing.sent_ms,
                receives: landing.receives,
                first_receive_ms: landing.first_receive_ms,
                group: landing.stored.group_id.as_deref(),
                ..Head::default()
            };
            let mut record = Vec::with_capacity(96);
            let source = Some(From { queue: from.no, slot, seq });
            Op::Arrive { queue: to.no, head, from: source, dedup: None }.encode(&mut record);
            let length = log::length(&[&record, &payload]);
            target
                .queue
                .arrive(new_slot, Arrival { payload: self.keep(&payload), ..head.arrival(0, length) });
            (self.log.append(&[&[&record, &payload]]), new_slot, new_seq)
        };
        let effect = {
            let (plane, from, to) = (self.clone(), from.clone(), to.clone());
            move |outcome: Result<Vec<Position>, StoreError>| {
                let position = outcome.as_ref().ok().and_then(|positions| positions.first().copied());
                if position.is_some() {
                    let mut core = from.core.lock();
                    core.queue.remove(slot, seq);
                    core.wake();
                }
                let mut core = to.core.lock();
                match position {
                    Some(position) => core.queue.settle(new_slot, new_seq, position.to_u64(), plane.now_ms()),
                    None => drop(core.queue.remove(new_slot, new_seq)),
                }
                core.wake();
                outcome.map(|_| true)
            }
        };
        self.settle(appended, effect).await.map_err(error::store)
    }
}
