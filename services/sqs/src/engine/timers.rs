use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::slab::Entry;

/// Deadlines of the messages that are delayed or in flight, soonest first.
///
/// A deadline that no longer holds (deleted, changed) stays in the heap until it comes up or the heap is swept; the
/// queue checks each one against its slot.
#[derive(Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(i64, Entry)>>,
}

impl Timers {
    pub(crate) fn push(&mut self, at_ms: i64, entry: Entry) {
        self.heap.push(Reverse((at_ms, entry)));
    }

    pub(crate) fn peek(&self) -> Option<(i64, Entry)> {
        self.heap.peek().map(|Reverse(next)| *next)
    }

    pub(crate) fn pop(&mut self) {
        self.heap.pop();
    }

    /// Drops what `holds` denies, once that is most of the heap: amortised constant for each push.
    pub(crate) fn sweep(&mut self, held: usize, holds: impl Fn(i64, Entry) -> bool) {
        if self.heap.len() > 4 * held + 1024 {
            self.heap.retain(|Reverse((at_ms, entry))| holds(*at_ms, *entry));
            self.heap.shrink_to(8 * held);
        }
    }
}
