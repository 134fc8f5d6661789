use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::dedup::{Dedup, DedupKey, Original};
use super::groups::Groups;
use super::ready::Ready;
use super::receive::Attempt;
use super::slab::{Entry, Payload, Slab, Slot, State};
use super::timers::Timers;

/// What the engine needs to know of a queue's attributes. Times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) fifo: bool,
    pub(crate) delay_ms: i64,
    pub(crate) retention_ms: i64,
}

/// Messages that expire in one step, so that their record in the log stays small.
pub(crate) const EXPIRED_MAX: usize = 10_000;

/// Receives after which a message of a standard queue does not count as its oldest, and messages that are looked at to find that.
const POISON: u32 = 3;
const LOOKED_AT_MAX: usize = 10_000;

/// A message that was appended to the log.
#[derive(Clone, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) seq: u64,
    pub(crate) sent_ms: i64,
    /// When it may be seen; in the past for at once.
    pub(crate) visible_ms: i64,
    pub(crate) group: Option<&'a str>,
    /// 0 as long as the log has not told it.
    pub(crate) position: u64,
    pub(crate) length: u32,
    pub(crate) receives: u32,
    pub(crate) first_receive_ms: i64,
    pub(crate) payload: Option<Arc<Payload>>,
}

/// Messages by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) visible: usize,
    pub(crate) in_flight: usize,
    pub(crate) delayed: usize,
}

/// The messages of one queue.
pub(crate) struct Queue {
    pub(super) settings: Settings,
    pub(super) slab: Slab,
    pub(super) groups: Groups,
    /// Standard queues: what can be received.
    pub(super) ready: Ready,
    /// FIFO queues: groups of which a message can be received, and perhaps others.
    pub(super) ready_groups: VecDeque<u32>,
    pub(super) timers: Timers,
    /// By time of sending, for the retention.
    pub(super) ages: VecDeque<(i64, Entry)>,
    pub(super) attempts: HashMap<String, Attempt>,
    pub(super) dedup: Dedup,
    pub(super) counts: Counts,
    now_ms: i64,
}

impl Queue {
    pub(crate) fn new(settings: Settings) -> Queue {
        Queue {
            settings,
            slab: Slab::default(),
            groups: Groups::default(),
            ready: Ready::default(),
            ready_groups: VecDeque::new(),
            timers: Timers::default(),
            ages: VecDeque::new(),
            attempts: HashMap::new(),
            dedup: Dedup::default(),
            counts: Counts::default(),
            now_ms: 0,
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// When the oldest message that is not deleted was sent. In a standard queue one that was received three times is passed over:
    /// what nobody can do anything with does not hide the others. Source: "Available CloudWatch metrics for Amazon SQS".
    pub(crate) fn oldest_ms(&self) -> Option<i64> {
        let counts = |slot: &Slot| match slot.state {
            State::Delayed | State::Ready | State::InFlight => self.settings.fifo || slot.receives < POISON,
            State::Free | State::Pending | State::Leaving | State::Deleting => false,
        };
        let there = |entry: Entry| self.slab.entry(entry).is_some_and(counts);
        let mut ages = self.ages.iter().take(LOOKED_AT_MAX);
        ages.find(|(_, entry)| there(*entry)).map(|(sent_ms, _)| *sent_ms)
    }

    /// FIFO queues: groups of which messages are in flight.
    pub(crate) fn busy_groups(&self) -> Option<usize> {
        self.settings.fifo.then(|| self.groups.busy())
    }

    /// How many consumers could get something now, at most.
    pub(crate) fn available(&self) -> usize {
        if self.settings.fifo { self.ready_groups.len() } else { self.counts.visible }
    }

    /// Messages in any state.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    pub(crate) fn message(&self, slot: u32, seq: u64) -> Option<&Slot> {
        self.slab.live(slot, seq)
    }

    /// Up to `count` slots from number `from` on that hold messages; `None` past the last.
    pub(crate) fn slots(&self, from: u32, count: u32) -> Option<impl Iterator<Item = (u32, &Slot)>> {
        self.slab.range(from, count)
    }

    pub(crate) fn group_name(&self, group: u32) -> Option<Arc<str>> {
        self.groups.name(group)
    }

    /// The message that this deduplication id stands for, and whether it may not be durable yet.
    pub(crate) fn original(&self, key: &DedupKey, now_ms: i64) -> Option<(Original, bool)> {
        let original = self.dedup.get(key, now_ms)?;
        let found = self.slab.live(original.slot, original.seq);
        Some((original, found.is_some_and(|slot| slot.state == State::Pending)))
    }

    pub(crate) fn dedup(&self) -> &Dedup {
        &self.dedup
    }

    pub(crate) fn dedup_mut(&mut self) -> &mut Dedup {
        &mut self.dedup
    }

    /// The slot that the next arrival will have: it is part of the log's record.
    pub(crate) fn vacant(&mut self) -> u32 {
        self.slab.vacant()
    }

    /// Takes in a message, invisible until [`Queue::settle`].
    pub(crate) fn arrive(&mut self, slot: u32, arrival: Arrival<'_>) {
        let entry = Entry::of(slot, arrival.seq);
        let group = self.groups.join(arrival.group);
        if self.settings.fifo && group != 0 {
            self.groups.at(group).waiting.push_back((arrival.seq, slot));
        }
        self.remember_age(arrival.sent_ms, entry);
        self.slab.put(
            slot,
            Slot {
                seq: arrival.seq,
                sent_ms: arrival.sent_ms,
                position: arrival.position,
                deadline_ms: arrival.visible_ms,
                first_receive_ms: arrival.first_receive_ms,
                payload: arrival.payload,
                length: arrival.length,
                receives: arrival.receives,
                group,
                state: State::Pending,
            },
        );
    }

    /// The message is durable, at `position`: shows it, now or after its delay.
    pub(crate) fn settle(&mut self, slot: u32, seq: u64, position: u64, now_ms: i64) {
        let Some(found) = self.slab.live_mut(slot, seq).filter(|found| found.state == State::Pending) else {
            return;
        };
        found.position = position;
        let visible_ms = found.deadline_ms;
        let entry = Entry::of(slot, seq);
        if visible_ms > now_ms {
            found.state = State::Delayed;
            self.counts.delayed += 1;
            self.timers.push(visible_ms, entry);
        } else {
            self.show(entry, false);
        }
    }

    /// Lets time pass: delays and visibility timeouts end, retention expires. Returns slot and seq of each message that
    /// expired and is gone: at most [`EXPIRED_MAX`], then there may be more.
    pub(crate) fn advance(&mut self, now_ms: i64) -> Vec<(u32, u64)> {
        self.now_ms = self.now_ms.max(now_ms);
        let now_ms = self.now_ms;
        while let Some((at_ms, entry)) = self.timers.peek() {
            if at_ms > now_ms {
                break;
            }
            self.timers.pop();
            if self.holds(at_ms, entry) {
                self.end_wait(entry);
            }
        }
        let held = self.counts.in_flight + self.counts.delayed;
        let slab = &self.slab;
        self.timers.sweep(held, |at_ms, entry| holds(slab, at_ms, entry));
        self.dedup.expire(now_ms);
        if !self.attempts.is_empty() {
            self.attempts.retain(|_, attempt| attempt.holds(now_ms));
        }
        self.expire(now_ms)
    }

    /// When something will change by itself next, if anything; for those who wait for a message.
    pub(crate) fn next_event_ms(&mut self) -> Option<i64> {
        while let Some((at_ms, entry)) = self.timers.peek() {
            if self.holds(at_ms, entry) {
                return Some(at_ms);
            }
            self.timers.pop();
        }
        None
    }

    /// Changes attributes. A FIFO queue's delay applies to messages that are in it already, a standard queue's does not
    /// (SQS Developer Guide, "Delay queues").
    pub(crate) fn set(&mut self, settings: Settings, now_ms: i64) {
        let redelay = self.settings.fifo && settings.delay_ms != self.settings.delay_ms;
        self.settings = settings;
        if !redelay {
            return;
        }
        let waiting = self.slab.iter().filter(|(_, slot)| {
            matches!(slot.state, State::Pending | State::Delayed | State::Ready) && slot.receives == 0
        });
        let waiting: Vec<(u32, u64)> = waiting.map(|(number, slot)| (number, slot.seq)).collect();
        for (number, seq) in waiting {
            let slot = self.slab.at(number);
            let visible_ms = slot.sent_ms + settings.delay_ms;
            slot.deadline_ms = visible_ms;
            let (state, group) = (slot.state, slot.group);
            match state {
                State::Ready if visible_ms > now_ms => {
                    slot.state = State::Delayed;
                    self.counts.visible -= 1;
                    self.counts.delayed += 1;
                    self.timers.push(visible_ms, Entry::of(number, seq));
                }
                State::Delayed if visible_ms > now_ms => self.timers.push(visible_ms, Entry::of(number, seq)),
                State::Delayed => {
                    slot.state = State::Ready;
                    self.counts.delayed -= 1;
                    self.counts.visible += 1;
                    self.list(group);
                }
                _ => {}
            }
        }
    }

    /// Deletes every message up to number `last`. Ids of the last five minutes stay remembered.
    pub(crate) fn purge(&mut self, last: u64) {
        let later = self.slab.iter().any(|(_, slot)| slot.seq > last);
        if later {
            let old = self.slab.iter().filter(|(_, slot)| slot.seq <= last);
            let old: Vec<(u32, u64)> = old.map(|(number, slot)| (number, slot.seq)).collect();
            for (slot, seq) in old {
                self.remove(slot, seq);
            }
            return;
        }
        let dedup = std::mem::take(&mut self.dedup);
        let now_ms = self.now_ms;
        *self = Queue { dedup, now_ms, ..Queue::new(self.settings) };
    }

    /// Takes a message out, whatever its state.
    pub(crate) fn remove(&mut self, slot: u32, seq: u64) -> Option<Slot> {
        self.slab.live(slot, seq)?;
        let gone = self.slab.take(slot);
        self.leave_state(gone.state, gone.group);
        self.groups.leave(gone.group);
        if self.settings.fifo {
            self.list(gone.group);
        }
        if self.ages.len() > 2 * self.slab.len() + 1024 {
            let slab = &self.slab;
            self.ages.retain(|(_, entry)| slab.entry(*entry).is_some());
            self.ages.shrink_to(2 * self.slab.len());
        }
        Some(gone)
    }

    /// The message's record was written again, at `position`.
    pub(crate) fn moved(&mut self, slot: u32, seq: u64, from: u64, position: u64, length: u32) {
        if let Some(found) = self.slab.live_mut(slot, seq).filter(|found| found.position == from) {
            found.position = position;
            found.length = length;
        }
    }

    /// Makes a message visible: its first time, or again.
    pub(super) fn show(&mut self, entry: Entry, again: bool) {
        let slot = self.slab.at(entry.slot);
        slot.state = State::Ready;
        slot.deadline_ms = 0;
        let (seq, group) = (slot.seq, slot.group);
        self.counts.visible += 1;
        if !self.settings.fifo {
            if again {
                self.ready.come_back(entry)
            } else {
                self.ready.arrive(entry)
            }
            return;
        }
        if again && let Some(group) = self.groups.get_mut(group) {
            // Back to its place: usually the front.
            let at = group.waiting.partition_point(|(other, _)| *other < seq);
            group.waiting.insert(at, (seq, entry.slot));
        }
        self.list(group);
    }

    /// Counts a message out of `state`, which unblocks its group when it was the last one in flight.
    pub(super) fn leave_state(&mut self, state: State, group: u32) {
        match state {
            State::Delayed => self.counts.delayed -= 1,
            State::Ready => self.counts.visible -= 1,
            State::InFlight => self.counts.in_flight -= 1,
            State::Pending | State::Leaving | State::Deleting | State::Free => {}
        }
        if matches!(state, State::InFlight | State::Leaving | State::Deleting)
            && let Some(group) = self.groups.get_mut(group)
        {
            group.in_flight -= 1;
        }
    }

    /// FIFO: puts the group on the list when its first message can be received.
    pub(super) fn list(&mut self, number: u32) {
        let Some(group) = self.groups.get_mut(number) else { return };
        if group.listed || group.in_flight > 0 {
            return;
        }
        while let Some((seq, slot)) = group.waiting.front().copied() {
            match self.slab.live(slot, seq) {
                None => group.waiting.pop_front(),
                Some(first) => {
                    if first.state == State::Ready {
                        group.listed = true;
                        self.ready_groups.push_back(number);
                    }
                    return;
                }
            };
        }
    }

    fn holds(&self, at_ms: i64, entry: Entry) -> bool {
        holds(&self.slab, at_ms, entry)
    }

    /// A delay or a visibility timeout has ended.
    fn end_wait(&mut self, entry: Entry) {
        let slot = self.slab.at(entry.slot);
        let (state, group) = (slot.state, slot.group);
        self.leave_state(state, group);
        self.show(entry, state == State::InFlight);
    }

    fn expire(&mut self, now_ms: i64) -> Vec<(u32, u64)> {
        let mut expired = Vec::new();
        while let Some((sent_ms, entry)) = self.ages.front().copied()
            && expired.len() < EXPIRED_MAX
        {
            let found = self.slab.entry(entry).map(|slot| (slot.seq, slot.state));
            let Some((seq, state)) = found else {
                self.ages.pop_front();
                continue;
            };
            // What is not yet acknowledged, or is being moved, is settled first.
            if sent_ms + self.settings.retention_ms > now_ms
                || matches!(state, State::Pending | State::Leaving | State::Deleting)
            {
                break;
            }
            self.ages.pop_front();
            self.remove(entry.slot, seq);
            expired.push((entry.slot, seq));
        }
        expired
    }

    fn remember_age(&mut self, sent_ms: i64, entry: Entry) {
        let at = match self.ages.back() {
            // Moved to a dead-letter queue a message keeps its age.
            Some((last_ms, _)) if *last_ms > sent_ms => {
                self.ages.partition_point(|(other, _)| *other <= sent_ms)
            }
            _ => self.ages.len(),
        };
        self.ages.insert(at, (sent_ms, entry));
    }
}

/// Whether this deadline is still the message's.
fn holds(slab: &Slab, at_ms: i64, entry: Entry) -> bool {
    slab.entry(entry).is_some_and(|slot| {
        slot.deadline_ms == at_ms && matches!(slot.state, State::Delayed | State::InFlight)
    })
}
