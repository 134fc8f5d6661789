use super::dedup::{DedupKey, Original};
use super::queue::{Arrival, Counts, Queue};
use super::slab::{Entry, Slot, State};

/// The state as the log tells it. What is replayed is durable by definition; order and deadlines are set up once, by
/// [`Queue::replayed`].
impl Queue {
    /// A message was sent, moved here, or written again by the cleaner.
    pub(crate) fn replay_arrival(&mut self, slot: u32, arrival: Arrival<'_>, in_flight: bool) {
        if let Some(before) = self.slab.get(slot).map(|before| before.seq) {
            self.replay_removal(slot, before);
        }
        let group = self.groups.join(arrival.group);
        let state = match (in_flight, arrival.visible_ms) {
            (true, _) => State::InFlight,
            (false, 0) => State::Ready,
            (false, _) => State::Delayed,
        };
        self.slab.put(
            slot,
            Slot {
                seq: arrival.seq,
                sent_ms: arrival.sent_ms,
                position: arrival.position,
                deadline_ms: arrival.visible_ms,
                first_receive_ms: arrival.first_receive_ms,
                payload: None,
                length: arrival.length,
                receives: arrival.receives,
                group,
                state,
            },
        );
    }

    pub(crate) fn replay_removal(&mut self, slot: u32, seq: u64) {
        if self.slab.live(slot, seq).is_some() {
            let gone = self.slab.take(slot);
            self.groups.leave(gone.group);
        }
    }

    pub(crate) fn replay_receive(
        &mut self,
        slot: u32,
        seq: u64,
        receives: u32,
        at_ms: i64,
        deadline_ms: i64,
    ) {
        if let Some(found) = self.slab.live_mut(slot, seq) {
            found.state = State::InFlight;
            found.receives = receives;
            found.deadline_ms = deadline_ms;
            match receives {
                // It was taken back.
                0 => found.first_receive_ms = 0,
                _ if found.first_receive_ms == 0 => found.first_receive_ms = at_ms,
                _ => {}
            }
        }
    }

    pub(crate) fn replay_visibility(&mut self, slot: u32, seq: u64, deadline_ms: i64) {
        if let Some(found) = self.slab.live_mut(slot, seq) {
            found.deadline_ms = deadline_ms;
        }
    }

    /// A message was sent under a deduplication id, here as far as the log and checkpoints tell it.
    pub(crate) fn replay_dedup(&mut self, key: DedupKey, original: Original) {
        self.dedup.insert(key, original);
    }

    pub(crate) fn replay_purge(&mut self, last: u64) {
        let old = self.slab.iter().filter(|(_, slot)| slot.seq <= last);
        let old: Vec<(u32, u64)> = old.map(|(number, slot)| (number, slot.seq)).collect();
        for (slot, seq) in old {
            self.replay_removal(slot, seq);
        }
    }

    /// Puts everything in order after the last replayed record.
    pub(crate) fn replayed(&mut self) {
        self.slab.rebuild_free();
        self.dedup.rebuild();
        let mut messages: Vec<(u64, u32)> =
            self.slab.iter().map(|(number, slot)| (slot.seq, number)).collect();
        // Mostly sorted already, which a stable sort makes use of.
        messages.sort();
        self.counts = Counts::default();
        for (seq, number) in messages {
            let entry = Entry::of(number, seq);
            let slot = self.slab.at(number);
            let (state, group, deadline_ms, sent_ms) =
                (slot.state, slot.group, slot.deadline_ms, slot.sent_ms);
            self.ages.push_back((sent_ms, entry));
            if state != State::InFlight && self.settings().fifo && group != 0 {
                self.groups.at(group).waiting.push_back((seq, number));
            }
            match state {
                State::InFlight => {
                    self.counts.in_flight += 1;
                    self.timers.push(deadline_ms, entry);
                    if let Some(group) = self.groups.get_mut(group) {
                        group.in_flight += 1;
                    }
                }
                State::Delayed => {
                    self.counts.delayed += 1;
                    self.timers.push(deadline_ms, entry);
                }
                _ => self.show(entry, false),
            }
        }
        self.ages.make_contiguous().sort_by_key(|(sent_ms, _)| *sent_ms);
    }
}
