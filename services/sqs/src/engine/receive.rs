use std::sync::Arc;

use super::dedup::INTERVAL_MS;
use super::queue::Queue;
use super::slab::{Entry, Payload, State};

/// How many messages one receive may find exhausted before it answers with what it has.
const EXHAUSTED_MAX: usize = 100;

/// A message handed to a consumer: where it is and what the answer says of it.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) slot: u32,
    pub(crate) seq: u64,
    pub(crate) receives: u32,
    pub(crate) first_receive_ms: i64,
    pub(crate) sent_ms: i64,
    pub(crate) position: u64,
    pub(crate) payload: Option<Arc<Payload>>,
}

/// What one receive got.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn {
    pub(crate) messages: Vec<Ticket>,
    /// Received too often: to be moved to the dead-letter queue, invisible meanwhile.
    pub(crate) exhausted: Vec<Ticket>,
}

/// Why a receipt handle does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandleError {
    /// FIFO: the visibility timeout is over, or the message was received again.
    Expired,
    /// The message is gone, or the handle is of an earlier receive.
    NotAvailable,
}

/// One ReceiveRequestAttemptId and what it got.
pub(crate) struct Attempt {
    at_ms: i64,
    /// Slot, seq, and the count of receives then.
    messages: Vec<(u32, u64, u32)>,
    /// Whether a consumer changed the visibility of one of them.
    changed: bool,
}

/// A message of the attempt was deleted, or its visibility changed, so that the attempt cannot be made once more.
pub(crate) struct AttemptOver;

impl Attempt {
    pub(super) fn holds(&self, now_ms: i64) -> bool {
        self.at_ms + INTERVAL_MS > now_ms
    }
}

impl Queue {
    /// Up to `max` messages, invisible from now until `now_ms + visibility_ms`. Those that were received
    /// `receives_max` times already become exhausted instead. Call [`Queue::advance`] first.
    pub(crate) fn take(
        &mut self,
        now_ms: i64,
        max: usize,
        visibility_ms: i64,
        receives_max: Option<u32>,
        in_flight_max: usize,
    ) -> Turn {
        let mut turn = Turn::default();
        let max = max.min(in_flight_max.saturating_sub(self.counts.in_flight));
        while turn.messages.len() < max && turn.exhausted.len() < EXHAUSTED_MAX {
            let first = if self.settings.fifo { self.next_group() } else { self.next_standard() };
            let Some(first) = first else { break };
            let mut next = Some(first);
            while let Some(entry) = next {
                self.hand_out(entry, now_ms, visibility_ms, receives_max, &mut turn);
                // A FIFO queue gives as many messages of one group as it can before it turns to the next. Behind an
                // exhausted one the group waits until that has left.
                let blocked = self.slab.entry(entry).is_none_or(|slot| slot.state == State::Leaving);
                next = if self.settings.fifo && turn.messages.len() < max && !blocked {
                    self.next_of_group(entry)
                } else {
                    None
                };
            }
        }
        turn
    }

    /// A visible message to move elsewhere, invisible from now on; `None` when there is none.
    pub(crate) fn take_to_move(&mut self) -> Option<Ticket> {
        let entry = if self.settings.fifo { self.next_group() } else { self.next_standard() }?;
        let mut turn = Turn::default();
        self.hand_out(entry, 0, 0, Some(0), &mut turn);
        turn.exhausted.pop()
    }

    /// A message that was to be moved or deleted stays after all.
    pub(crate) fn stay(&mut self, slot: u32, seq: u64) {
        let Some(found) = self.slab.live(slot, seq) else { return };
        let (state, group) = (found.state, found.group);
        if matches!(state, State::Leaving | State::Deleting) {
            self.leave_state(state, group);
            self.show(Entry::of(slot, seq), true);
        }
    }

    /// When the same attempt was made before, and what it got, its visibility timeout begun anew; `None` when it is to receive
    /// afresh, as after that timeout. Source: API reference, ReceiveMessage.
    pub(crate) fn attempt(
        &mut self,
        id: &str,
        now_ms: i64,
        visibility_ms: i64,
    ) -> Option<Result<(i64, Vec<Ticket>), AttemptOver>> {
        let attempt = self.attempts.get(id)?;
        let at_ms = attempt.at_ms;
        let messages = attempt.messages.clone();
        let state_of = |slot, seq, receives| {
            let found = self.slab.live(slot, seq).filter(|found| found.state != State::Deleting)?;
            Some((found.state, found.receives == receives))
        };
        let mut in_flight = !messages.is_empty();
        for (slot, seq, receives) in &messages {
            match state_of(*slot, *seq, *receives) {
                None => return Some(Err(AttemptOver)),
                Some(state) => in_flight &= state == (State::InFlight, true),
            }
        }
        if attempt.changed {
            return Some(Err(AttemptOver));
        }
        if !in_flight {
            self.attempts.remove(id);
            return None;
        }
        let tickets = messages.iter().map(|(slot, seq, _)| {
            self.set_deadline(*slot, *seq, now_ms + visibility_ms);
            self.ticket(*slot)
        });
        Some(Ok((at_ms, tickets.collect())))
    }

    pub(crate) fn remember_attempt(&mut self, id: &str, now_ms: i64, got: &[Ticket]) {
        let messages = got.iter().map(|ticket| (ticket.slot, ticket.seq, ticket.receives)).collect();
        self.attempts.insert(id.to_owned(), Attempt { at_ms: now_ms, messages, changed: false });
    }

    /// Begins to delete the message of a handle. `Ok(true)` asks for a record in the log and then for
    /// [`Queue::remove`], or [`Queue::stay`] when that failed; `Ok(false)` succeeds without effect.
    ///
    /// Source: API reference, DeleteMessage: an older handle of a standard queue's message is accepted without effect.
    pub(crate) fn delete(&mut self, slot: u32, seq: u64, receives: u32) -> Result<bool, HandleError> {
        let Some(found) = self.slab.live(slot, seq) else { return Ok(false) };
        let (state, group, same) = (found.state, found.group, found.receives == receives);
        match state {
            // Deleted by another call a moment ago, but not durably: this call must wait as well.
            State::Deleting => return Ok(true),
            State::InFlight if same => {}
            _ if self.settings.fifo => return Err(HandleError::Expired),
            State::Ready if same => {}
            _ => return Ok(false),
        }
        self.slab.at(slot).state = State::Deleting;
        if let Some(group) = self.groups.get_mut(group) {
            group.in_flight += 1;
        }
        self.leave_state(state, group);
        Ok(true)
    }

    /// Ends the visibility timeout at `deadline_ms`, which may be now. `Ok(false)` succeeds without effect: AWS accepts the last
    /// handle of a standard queue's message whose timeout is over (localstack/localstack pull request 9632).
    pub(crate) fn change_visibility(
        &mut self,
        slot: u32,
        seq: u64,
        receives: u32,
        deadline_ms: i64,
    ) -> Result<bool, HandleError> {
        let found = self.slab.live(slot, seq).ok_or(HandleError::NotAvailable)?;
        let current = found.state == State::InFlight && found.receives == receives;
        match current {
            true => self.set_deadline(slot, seq, deadline_ms),
            false if self.settings.fifo => return Err(HandleError::Expired),
            false if found.receives != receives => return Err(HandleError::NotAvailable),
            false => return Ok(false),
        }
        for attempt in self.attempts.values_mut() {
            attempt.changed |= attempt.messages.iter().any(|(_, other, _)| *other == seq);
        }
        Ok(true)
    }

    /// Takes a receive back that came to nothing: the message is as it was before, and visible when the time next passes.
    pub(crate) fn take_back(&mut self, slot: u32, seq: u64, receives: u32, now_ms: i64) -> bool {
        let Some(found) = self.slab.live_mut(slot, seq) else { return false };
        if found.state != State::InFlight || found.receives != receives {
            return false;
        }
        found.receives -= 1;
        if found.receives == 0 {
            found.first_receive_ms = 0;
        }
        self.set_deadline(slot, seq, now_ms);
        self.attempts.retain(|_, attempt| !attempt.messages.iter().any(|(_, other, _)| *other == seq));
        true
    }

    pub(super) fn set_deadline(&mut self, slot: u32, seq: u64, deadline_ms: i64) {
        if let Some(found) = self.slab.live_mut(slot, seq) {
            found.deadline_ms = deadline_ms;
            self.timers.push(deadline_ms, Entry::of(slot, seq));
        }
    }

    fn next_standard(&mut self) -> Option<Entry> {
        self.ready.next(&self.slab, &self.groups, self.counts.in_flight)
    }

    /// The first message of the next group that is not blocked.
    fn next_group(&mut self) -> Option<Entry> {
        while let Some(number) = self.ready_groups.pop_front() {
            if let Some(group) = self.groups.get_mut(number) {
                group.listed = false;
                if group.in_flight == 0
                    && let Some(entry) = self.pop_waiting(number)
                {
                    return Some(entry);
                }
            }
        }
        None
    }

    fn next_of_group(&mut self, before: Entry) -> Option<Entry> {
        let group = self.slab.entry(before)?.group;
        self.pop_waiting(group)
    }

    fn pop_waiting(&mut self, number: u32) -> Option<Entry> {
        let group = self.groups.get_mut(number)?;
        while let Some((seq, slot)) = group.waiting.front().copied() {
            match self.slab.live(slot, seq) {
                None => group.waiting.pop_front(),
                // A delayed message holds back those behind it.
                Some(first) if first.state != State::Ready => return None,
                Some(_) => {
                    group.waiting.pop_front();
                    return Some(Entry::of(slot, seq));
                }
            };
        }
        None
    }

    fn hand_out(
        &mut self,
        entry: Entry,
        now_ms: i64,
        visibility_ms: i64,
        receives_max: Option<u32>,
        turn: &mut Turn,
    ) {
        let slot = self.slab.at(entry.slot);
        let (seq, group) = (slot.seq, slot.group);
        let exhausted = receives_max.is_some_and(|max| slot.receives >= max);
        if exhausted {
            slot.state = State::Leaving;
        } else {
            slot.state = State::InFlight;
            slot.receives += 1;
            if slot.first_receive_ms == 0 {
                slot.first_receive_ms = now_ms;
            }
            self.counts.in_flight += 1;
        }
        self.counts.visible -= 1;
        if let Some(group) = self.groups.get_mut(group) {
            group.in_flight += 1;
        }
        if exhausted {
            turn.exhausted.push(self.ticket(entry.slot));
        } else {
            self.set_deadline(entry.slot, seq, now_ms + visibility_ms);
            turn.messages.push(self.ticket(entry.slot));
        }
    }

    fn ticket(&mut self, number: u32) -> Ticket {
        let slot = self.slab.at(number);
        Ticket {
            slot: number,
            seq: slot.seq,
            receives: slot.receives,
            first_receive_ms: slot.first_receive_ms,
            sent_ms: slot.sent_ms,
            position: slot.position,
            payload: slot.payload.clone(),
        }
    }
}
