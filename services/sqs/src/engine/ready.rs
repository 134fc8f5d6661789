use std::collections::{HashMap, VecDeque};

use super::groups::Groups;
use super::slab::{Entry, Slab, State};

/// An empty ring of more entries gives its memory back.
const RING_KEPT_MAX: usize = 4096;

/// The messages of a standard queue that can be received, in the order in which they should be.
///
/// Oldest first, but those that came back after a failed receive take turns with fresh ones, so that a message that
/// always fails cannot starve the rest. Fair queues: the messages of a group that is a noisy neighbour are put aside
/// while there are others. Source: SQS Developer Guide, "How Amazon SQS fair queues work".
#[derive(Default)]
pub(crate) struct Ready {
    arrived: VecDeque<Entry>,
    returned: VecDeque<Entry>,
    returned_was_last: bool,
    /// By number of the group.
    aside: HashMap<u32, VecDeque<Entry>>,
}

/// A group is noisy when it has more than this share of what is in flight (one tenth) …
const NOISY_SHARE: u32 = 10;
/// … and at least so many messages in flight.
const NOISY_IN_FLIGHT_MIN: u32 = 30;

/// How many messages one receive may put aside in search of one of a quiet group.
const ASIDE_STEPS_MAX: usize = 1000;

impl Ready {
    pub(crate) fn arrive(&mut self, entry: Entry) {
        self.arrived.push_back(entry);
    }

    pub(crate) fn come_back(&mut self, entry: Entry) {
        self.returned.push_back(entry);
    }

    /// The next message to receive, taken out.
    pub(crate) fn next(&mut self, slab: &Slab, groups: &Groups, in_flight: usize) -> Option<Entry> {
        let noisy = |group: u32| is_noisy(groups, group, in_flight);
        if let Some(entry) = self.next_aside(slab, |group| !noisy(group)) {
            return Some(entry);
        }
        for _ in 0..ASIDE_STEPS_MAX {
            let Some(entry) = self.next_in_turn(slab) else { break };
            let group = slab.entry(entry).map_or(0, |slot| slot.group);
            if !noisy(group) {
                return Some(entry);
            }
            self.aside.entry(group).or_default().push_back(entry);
        }
        // Only noisy groups are left (or too many of their messages are in the way): the least noisy one.
        let quietest =
            self.aside.keys().min_by_key(|group| (in_flight_of(groups, **group), **group)).copied();
        if let Some(quietest) = quietest
            && let Some(entry) = self.next_aside(slab, |group| group == quietest)
        {
            return Some(entry);
        }
        self.next_aside(slab, |_| true).or_else(|| self.next_in_turn(slab))
    }

    /// How many entries are kept, gone messages included.
    #[cfg(test)]
    pub(crate) fn entries(&self) -> usize {
        self.arrived.len() + self.returned.len() + self.aside.values().map(VecDeque::len).sum::<usize>()
    }

    fn next_in_turn(&mut self, slab: &Slab) -> Option<Entry> {
        let returned_first = !self.returned_was_last;
        for returned in [returned_first, !returned_first] {
            let ring = if returned { &mut self.returned } else { &mut self.arrived };
            if let Some(entry) = pop(ring, slab) {
                self.returned_was_last = returned;
                return Some(entry);
            }
        }
        None
    }

    fn next_aside(&mut self, slab: &Slab, wanted: impl Fn(u32) -> bool) -> Option<Entry> {
        if self.aside.is_empty() {
            return None;
        }
        let mut groups: Vec<u32> = self.aside.keys().copied().filter(|group| wanted(*group)).collect();
        groups.sort_unstable();
        for group in groups {
            let ring = self.aside.get_mut(&group)?;
            let found = pop(ring, slab);
            if ring.is_empty() {
                self.aside.remove(&group);
            }
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

fn pop(ring: &mut VecDeque<Entry>, slab: &Slab) -> Option<Entry> {
    while let Some(entry) = ring.pop_front() {
        if ring.is_empty() && ring.capacity() > RING_KEPT_MAX {
            *ring = VecDeque::new();
        }
        if slab.entry(entry).is_some_and(|slot| slot.state == State::Ready) {
            return Some(entry);
        }
    }
    None
}

fn is_noisy(groups: &Groups, group: u32, in_flight: usize) -> bool {
    let own = in_flight_of(groups, group);
    own >= NOISY_IN_FLIGHT_MIN && own as usize * NOISY_SHARE as usize > in_flight
}

fn in_flight_of(groups: &Groups, group: u32) -> u32 {
    groups.get(group).map_or(0, |group| group.in_flight)
}
