use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// The message groups of one queue, as long as a message of theirs exists. Number 0 stands for no group.
#[derive(Default)]
pub(crate) struct Groups {
    numbers: HashMap<Arc<str>, u32>,
    groups: Vec<Option<Group>>,
    free: Vec<u32>,
}

pub(crate) struct Group {
    name: Arc<str>,
    /// Messages in any state.
    messages: u32,
    /// Received (or on their way to another queue) and not yet deleted or visible again.
    pub(crate) in_flight: u32,
    /// FIFO queues only: those not in flight, in order of their seq; entries of messages that are gone are skipped.
    pub(crate) waiting: VecDeque<(u64, u32)>,
    /// FIFO queues only: whether the group is in the queue's list of groups to receive from.
    pub(crate) listed: bool,
}

impl Groups {
    /// The number of the group, which gets one message more.
    pub(crate) fn join(&mut self, name: Option<&str>) -> u32 {
        let Some(name) = name else { return 0 };
        let number = match self.numbers.get(name) {
            Some(number) => *number,
            None => self.add(name),
        };
        self.at(number).messages += 1;
        number
    }

    /// The group has one message less.
    pub(crate) fn leave(&mut self, number: u32) {
        if number == 0 {
            return;
        }
        let group = self.at(number);
        group.messages -= 1;
        if group.messages == 0 {
            let gone = self.groups[number as usize - 1].take().expect("it was just there");
            self.numbers.remove(&gone.name);
            self.free.push(number);
            if self.numbers.is_empty() {
                *self = Groups::default();
            }
        }
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Group> {
        self.groups.get((number as usize).checked_sub(1)?)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Group> {
        self.groups.get_mut((number as usize).checked_sub(1)?)?.as_mut()
    }

    /// # Panics
    /// When there is no such group: a message's group exists as long as the message.
    pub(crate) fn at(&mut self, number: u32) -> &mut Group {
        self.get_mut(number).expect("a message's group exists")
    }

    /// Those of which a message is in flight.
    pub(crate) fn busy(&self) -> usize {
        self.groups.iter().flatten().filter(|group| group.in_flight > 0).count()
    }

    pub(crate) fn name(&self, number: u32) -> Option<Arc<str>> {
        self.get(number).map(|group| group.name.clone())
    }

    fn add(&mut self, name: &str) -> u32 {
        let name: Arc<str> = name.into();
        let group =
            Group { name: name.clone(), messages: 0, in_flight: 0, waiting: VecDeque::new(), listed: false };
        let number = match self.free.pop() {
            Some(number) => {
                self.groups[number as usize - 1] = Some(group);
                number
            }
            None => {
                self.groups.push(Some(group));
                self.groups.len() as u32
            }
        };
        self.numbers.insert(name, number);
        number
    }
}
