use std::sync::Arc;

use haneul_kit::{Instant, Result};
use haneul_store::StoreError;

use super::op::Op;
use super::waiters::Waiter;
use super::{LiveQueue, Plane};
use crate::engine::{AttemptOver, Ticket};
use crate::error;
use crate::message::Stored;

/// What a consumer asks for. Times in milliseconds.
pub(crate) struct Wanted {
    pub(crate) max: usize,
    pub(crate) visibility_ms: i64,
    pub(crate) wait_ms: i64,
    /// FIFO: a receive with an id that was used a moment ago gets the same messages.
    pub(crate) attempt: Option<String>,
}

/// A received message.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) ticket: Ticket,
    pub(crate) stored: Stored,
    /// When this receive was.
    pub(crate) at_ms: i64,
}

/// Most messages in flight in one queue (SQS Developer Guide, "Amazon SQS standard queue quotas", "… FIFO …").
pub(crate) const IN_FLIGHT_MAX: usize = 120_000;

/// What to do after a look at the queue.
enum Next {
    Deliver { messages: Vec<Ticket>, exhausted: Vec<Ticket>, target: Option<Arc<LiveQueue>>, at_ms: i64 },
    Sleep { until_ms: i64 },
    GiveUp,
}

impl Plane {
    /// Receives messages, and waits for the first one up to `wait_ms`. A client that goes away while it waits costs
    /// nobody a message; one that goes away later has received it, as far as the queue knows.
    pub(crate) async fn receive(
        self: &Arc<Self>,
        queue: &Arc<LiveQueue>,
        wanted: &Wanted,
    ) -> Result<Vec<Delivery>> {
        let until_ms = self.now_ms() + wanted.wait_ms;
        let mut place = None;
        loop {
            match self.look(queue, wanted, until_ms, &mut place)? {
                Next::GiveUp => return Ok(Vec::new()),
                Next::Sleep { until_ms } => {
                    let until = Instant::from_millis(until_ms);
                    let waiter = place.as_ref().map(|place: &Place| place.waiter.clone()).unwrap_or_default();
                    tokio::select! {
                        () = waiter.woken() => {}
                        () = self.env.clock.sleep_until(until) => {}
                        // The cloud ends: who waits need not hold it up.
                        () = self.env.tasks.stopping() => return Ok(Vec::new()),
                    }
                }
                Next::Deliver { messages, exhausted, target, at_ms } => {
                    let mut moved = Ok(());
                    for ticket in exhausted {
                        if let Some(target) = &target {
                            moved = moved.and(self.dead_letter(queue, ticket, target).await);
                        }
                    }
                    let deliveries = self.load(queue, messages, at_ms).await?;
                    if !deliveries.is_empty() {
                        return Ok(deliveries);
                    }
                    moved?;
                }
            }
        }
    }

    fn look(
        &self,
        queue: &Arc<LiveQueue>,
        wanted: &Wanted,
        until_ms: i64,
        place: &mut Option<Place>,
    ) -> Result<Next> {
        let redrive = queue.meta().attributes.redrive.clone();
        // A dead-letter queue that is gone takes nothing: the messages stay.
        let target = redrive.as_ref().and_then(|redrive| self.get(&redrive.target));
        let receives_max = target.as_ref().and(redrive.as_ref()).map(|redrive| redrive.receives_max);

        let mut core = queue.core.lock();
        let core = &mut *core;
        if core.gone {
            return Err(error::queue_does_not_exist());
        }
        if let Some(place) = place {
            place.waiter.look();
        }
        let now_ms = self.now_ms();
        self.advance(queue, core, now_ms);
        if let Some(id) = &wanted.attempt
            && let Some(again) = core.queue.attempt(id, now_ms, wanted.visibility_ms)
        {
            let (at_ms, messages) = again.map_err(|AttemptOver| error::attempt_over(id))?;
            self.note_receive(queue, &messages, now_ms, wanted.visibility_ms);
            core.wake();
            return Ok(Next::Deliver { messages, exhausted: Vec::new(), target: None, at_ms });
        }
        let turn = core.queue.take(now_ms, wanted.max, wanted.visibility_ms, receives_max, IN_FLIGHT_MAX);
        if !turn.messages.is_empty() || !turn.exhausted.is_empty() {
            self.note_receive(queue, &turn.messages, now_ms, wanted.visibility_ms);
            if let Some(id) = &wanted.attempt {
                core.queue.remember_attempt(id, now_ms, &turn.messages);
            }
            core.wake();
            let (messages, exhausted) = (turn.messages, turn.exhausted);
            return Ok(Next::Deliver { messages, exhausted, target, at_ms: now_ms });
        }
        let full = core.queue.counts().in_flight >= IN_FLIGHT_MAX;
        if full && !core.queue.settings().fifo && wanted.wait_ms == 0 {
            return Err(error::in_flight_limit());
        }
        if now_ms >= until_ms {
            return Ok(Next::GiveUp);
        }
        let number = place.get_or_insert_with(|| Place::take(queue, &mut core.waiters)).number;
        let mut sleep_ms = until_ms;
        if core.waiters.is_first(number) {
            let next_ms = core.queue.next_event_ms();
            core.waiters.arm(next_ms);
            sleep_ms = next_ms.map_or(until_ms, |next_ms| next_ms.min(until_ms));
        }
        Ok(Next::Sleep { until_ms: sleep_ms })
    }

    /// The receive goes into the log with whatever is synced next: a crash before that only makes the messages visible
    /// again.
    fn note_receive(&self, queue: &LiveQueue, messages: &[Ticket], now_ms: i64, visibility_ms: i64) {
        if messages.is_empty() || self.log.in_memory() {
            return;
        }
        let messages = messages.iter().map(|ticket| (ticket.slot, ticket.seq, ticket.receives)).collect();
        let deadline_ms = now_ms + visibility_ms;
        self.log.note(&Op::Receive { queue: queue.no, at_ms: now_ms, deadline_ms, messages });
    }

    /// Takes back receives of messages that could not be handed out. In the log with the next sync, as the receive.
    fn take_back(&self, queue: &LiveQueue, tickets: &[Ticket]) {
        let mut core = queue.core.lock();
        let now_ms = self.now_ms();
        let mut taken = Vec::with_capacity(tickets.len());
        for ticket in tickets {
            if core.queue.take_back(ticket.slot, ticket.seq, ticket.receives, now_ms) {
                taken.push((ticket.slot, ticket.seq, ticket.receives - 1));
            }
        }
        if !taken.is_empty() && !self.log.in_memory() {
            let op = Op::Receive { queue: queue.no, at_ms: now_ms, deadline_ms: now_ms, messages: taken };
            self.log.note(&op);
        }
        self.advance(queue, &mut core, now_ms);
        core.wake();
    }

    /// Reads the bodies; leaves out messages that were deleted meanwhile.
    pub(crate) async fn load(
        self: &Arc<Self>,
        queue: &Arc<LiveQueue>,
        tickets: Vec<Ticket>,
        at_ms: i64,
    ) -> Result<Vec<Delivery>> {
        if tickets.iter().all(|ticket| ticket.payload.is_some()) {
            return self.load_blocking(queue, tickets, at_ms).map_err(error::store);
        }
        let (plane, queue) = (self.clone(), queue.clone());
        let loaded = tokio::task::spawn_blocking(move || plane.load_blocking(&queue, tickets, at_ms)).await;
        loaded.map_err(haneul_kit::ApiError::internal)?.map_err(error::store)
    }

    fn load_blocking(
        &self,
        queue: &LiveQueue,
        tickets: Vec<Ticket>,
        at_ms: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut deliveries = Vec::with_capacity(tickets.len());
        for ticket in tickets {
            let stored = match &ticket.payload {
                Some(payload) => Some(decode(payload.bytes())?),
                None => self.read(queue, &ticket)?,
            };
            deliveries.extend(stored.map(|stored| Delivery { ticket, stored, at_ms }));
        }
        Ok(deliveries)
    }

    fn read(&self, queue: &LiveQueue, ticket: &Ticket) -> Result<Option<Stored>, StoreError> {
        let mut position = ticket.position;
        loop {
            let error = match self.log.read(position) {
                Ok(record) => return body(&record).and_then(decode).map(Some),
                Err(error) => error,
            };
            // The cleaner may have written it elsewhere and dropped the old place.
            match queue.core.lock().queue.message(ticket.slot, ticket.seq).map(|slot| slot.position) {
                None => return Ok(None),
                Some(now) if now != position => position = now,
                Some(_) => return Err(error),
            }
        }
    }
}

/// Receives that are taken back when this is dropped, but for those that were found to be good.
pub(crate) struct Unread {
    plane: Arc<Plane>,
    queue: Arc<LiveQueue>,
    tickets: Vec<Ticket>,
}

impl Unread {
    pub(crate) fn new(plane: &Arc<Plane>, queue: &Arc<LiveQueue>, tickets: Vec<Ticket>) -> Unread {
        Unread { plane: plane.clone(), queue: queue.clone(), tickets }
    }

    /// The message can be handed out.
    pub(crate) fn keep(&mut self, ticket: &Ticket) {
        self.tickets.retain(|other| other.seq != ticket.seq);
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if !self.tickets.is_empty() {
            self.plane.take_back(&self.queue, &self.tickets);
        }
    }
}

/// The body in an arrival's record.
pub(crate) fn body(record: &[u8]) -> Result<&[u8], StoreError> {
    match Op::decode(record) {
        Some((Op::Arrive { .. }, body)) => Ok(body),
        _ => Err(StoreError::Damaged("a message's record in the log is of another kind".into())),
    }
}

fn decode(payload: &[u8]) -> Result<Stored, StoreError> {
    Stored::decode(payload).ok_or_else(|| StoreError::Damaged("a message in the log does not decode".into()))
}

/// A place among those who wait, given up when dropped.
struct Place {
    queue: Arc<LiveQueue>,
    number: u64,
    waiter: Arc<Waiter>,
}

impl Place {
    fn take(queue: &Arc<LiveQueue>, waiters: &mut super::waiters::Waiters) -> Place {
        let (number, waiter) = waiters.join();
        Place { queue: queue.clone(), number, waiter }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.core.lock().waiters.leave(self.number);
    }
}
