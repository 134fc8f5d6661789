use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where a message is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Free,
    /// Appended to the log, not yet durable: nobody may see it.
    Pending,
    /// Durable, not visible before its deadline.
    Delayed,
    /// Can be received.
    Ready,
    /// Received, invisible until its deadline.
    InFlight,
    /// On its way to another queue: invisible, and not counted.
    Leaving,
    /// Its deletion is in the log and not yet durable: invisible, and not counted.
    Deleting,
}

/// One message as it is kept in memory: 72 bytes; the body is in the log, and here too only while the cache has room.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// The message's number in the order of the log, unique in the cloud; 0 in a free slot.
    pub(crate) seq: u64,
    pub(crate) sent_ms: i64,
    /// Where in the log the record with the body is.
    pub(crate) position: u64,
    /// When `Delayed` or `InFlight` ends; for `Pending`, when the message may be seen.
    pub(crate) deadline_ms: i64,
    /// 0 when it was never received.
    pub(crate) first_receive_ms: i64,
    pub(crate) payload: Option<Arc<Payload>>,
    /// Length of the record in the log, in bytes.
    pub(crate) length: u32,
    pub(crate) receives: u32,
    /// Number of the message group in its queue; 0 when there is none.
    pub(crate) group: u32,
    pub(crate) state: State,
}

/// A message's bytes in memory, counted against the cache as long as they are there.
#[derive(Debug)]
pub(crate) struct Payload {
    bytes: Vec<u8>,
    cached_bytes: Arc<AtomicUsize>,
}

impl Payload {
    pub(crate) fn new(bytes: Vec<u8>, cached_bytes: &Arc<AtomicUsize>) -> Arc<Payload> {
        cached_bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        Arc::new(Payload { bytes, cached_bytes: cached_bytes.clone() })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.cached_bytes.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

/// A slot and the low half of the seq that it must hold: says which message is meant, even when the slot was used
/// again (two messages 2^32 apart cannot meet in one slot within a queue's retention).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) slot: u32,
    pub(crate) tag: u32,
}

impl Entry {
    pub(crate) fn of(slot: u32, seq: u64) -> Entry {
        Entry { slot, tag: seq as u32 }
    }
}

const CHUNK: usize = 4096;

/// The messages of one queue by slot number. Chunked, so that growing by the millionth message copies nothing.
#[derive(Default)]
pub(crate) struct Slab {
    chunks: Vec<Vec<Slot>>,
    free: Vec<u32>,
    live: usize,
}

impl Slab {
    /// Number of messages.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// The slot that the next [`Slab::put`] should fill.
    pub(crate) fn vacant(&mut self) -> u32 {
        match self.free.last() {
            Some(slot) => *slot,
            None => {
                let slot = self.capacity();
                self.grow_to(slot);
                self.free.push(slot);
                slot
            }
        }
    }

    /// Fills the slot that [`Slab::vacant`] named, or, while the log is replayed, any.
    pub(crate) fn put(&mut self, slot: u32, message: Slot) {
        debug_assert_ne!(message.seq, 0);
        if self.free.last() == Some(&slot) {
            self.free.pop();
        }
        self.grow_to(slot);
        let place = self.place(slot);
        let was_free = place.state == State::Free;
        *place = message;
        self.live += usize::from(was_free);
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&Slot> {
        let found = self.chunks.get(slot as usize / CHUNK)?.get(slot as usize % CHUNK)?;
        (found.state != State::Free).then_some(found)
    }

    /// The message `seq`, if it is still in `slot`.
    pub(crate) fn live(&self, slot: u32, seq: u64) -> Option<&Slot> {
        self.get(slot).filter(|found| found.seq == seq)
    }

    pub(crate) fn live_mut(&mut self, slot: u32, seq: u64) -> Option<&mut Slot> {
        let found = self.chunks.get_mut(slot as usize / CHUNK)?.get_mut(slot as usize % CHUNK)?;
        (found.state != State::Free && found.seq == seq).then_some(found)
    }

    pub(crate) fn entry(&self, entry: Entry) -> Option<&Slot> {
        self.get(entry.slot).filter(|found| found.seq as u32 == entry.tag)
    }

    /// # Panics
    /// When the slot is free: callers hold a slot that they just looked up under the same lock.
    pub(crate) fn at(&mut self, slot: u32) -> &mut Slot {
        let found = self.place(slot);
        debug_assert_ne!(found.state, State::Free);
        found
    }

    pub(crate) fn take(&mut self, slot: u32) -> Slot {
        let taken = std::mem::replace(self.place(slot), EMPTY);
        debug_assert_ne!(taken.state, State::Free);
        self.live -= 1;
        if self.live == 0 {
            // An empty queue gives its memory back.
            *self = Slab::default();
        } else {
            self.free.push(slot);
        }
        taken
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Slot)> {
        let numbered = self.chunks.iter().flatten().enumerate().map(|(i, slot)| (i as u32, slot));
        numbered.filter(|(_, slot)| slot.state != State::Free)
    }

    pub(crate) fn range(&self, from: u32, count: u32) -> Option<impl Iterator<Item = (u32, &Slot)>> {
        let past = from.saturating_add(count).min(self.capacity());
        (from < past).then(|| (from..past).filter_map(|slot| self.get(slot).map(|found| (slot, found))))
    }

    /// After a replay, which fills slots in any order: finds the free ones again.
    pub(crate) fn rebuild_free(&mut self) {
        let numbered = self.chunks.iter().flatten().enumerate();
        self.free = numbered.filter(|(_, slot)| slot.state == State::Free).map(|(i, _)| i as u32).collect();
        self.free.reverse();
    }

    fn capacity(&self) -> u32 {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len()) as u32
    }

    fn grow_to(&mut self, slot: u32) {
        while self.capacity() <= slot {
            match self.chunks.last_mut() {
                Some(last) if last.len() < CHUNK => last.push(EMPTY),
                // The first chunk grows by doubling, so that a small queue stays small.
                None => self.chunks.push(vec![EMPTY]),
                Some(_) => {
                    let mut chunk = Vec::with_capacity(CHUNK);
                    chunk.push(EMPTY);
                    self.chunks.push(chunk);
                }
            }
        }
    }

    fn place(&mut self, slot: u32) -> &mut Slot {
        &mut self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }
}

const EMPTY: Slot = Slot {
    seq: 0,
    sent_ms: 0,
    position: 0,
    deadline_ms: 0,
    first_receive_ms: 0,
    payload: None,
    length: 0,
    receives: 0,
    group: 0,
    state: State::Free,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_small() {
        assert!(size_of::<Slot>() <= 72, "{}", size_of::<Slot>());
    }

    #[test]
    fn slots_are_used_again_and_told_apart() {
        let mut slab = Slab::default();
        for seq in 1..=10_000u64 {
            let slot = slab.vacant();
            slab.put(slot, Slot { seq, state: State::Ready, ..EMPTY });
        }
        assert_eq!(slab.len(), 10_000);
        assert_eq!(slab.live(9_999, 10_000).map(|slot| slot.seq), Some(10_000));
        slab.take(5);
        assert!(slab.entry(Entry::of(5, 6)).is_none());
        let slot = slab.vacant();
        slab.put(slot, Slot { seq: 77_777, state: State::Ready, ..EMPTY });
        assert_eq!(slot, 5);
        assert!(slab.live(5, 6).is_none());
        assert!(slab.live(5, 77_777).is_some());
        assert!(slab.get(10_000).is_none());
    }

    #[test]
    fn a_replay_fills_slots_in_any_order() {
        let mut slab = Slab::default();
        slab.put(3, Slot { seq: 4, state: State::Ready, ..EMPTY });
        slab.put(1, Slot { seq: 2, state: State::Ready, ..EMPTY });
        slab.rebuild_free();
        assert_eq!(slab.len(), 2);
        assert_eq!(slab.vacant(), 0);
        slab.put(0, Slot { seq: 9, state: State::Ready, ..EMPTY });
        assert_eq!(slab.vacant(), 2);
    }
}
