//! A FIFO queue: per group, every message once and in order, whatever is sent twice.

use std::collections::BTreeMap;

use haneul_env::Rng;
use parking_lot::Mutex;
use serde_json::json;

use crate::client::{Client, Result};
use crate::moment::{Fate, Moments, Stamp};
use crate::queue::Queue;

const GROUPS: [&str; 3] = ["a", "b", "c"];
/// Long enough to be done with ten messages on a busy machine, short enough to wait for after a restart.
const HIDDEN_S: u32 = 3;

#[derive(Clone)]
pub struct Fifo {
    pub queue: Queue,
    groups: BTreeMap<&'static str, Group>,
}

/// Messages are numbered from 0 in each group, and the next is sent when the last was answered.
#[derive(Clone, Default)]
struct Group {
    sent: Vec<Stamp>,
    deleted: BTreeMap<u64, Stamp>,
}

impl Fifo {
    pub fn new(name: &'static str) -> Fifo {
        let groups = GROUPS.into_iter().map(|group| (group, Group::default())).collect();
        Fifo { queue: Queue { name }, groups }
    }

    pub fn send(this: &Mutex<Fifo>, client: &mut Client, moments: &Moments, rng: &Rng) {
        let queue = this.lock().queue.clone();
        loop {
            let group = GROUPS[rng.below(GROUPS.len() as u64) as usize];
            let number = {
                let mut fifo = this.lock();
                let sent = &mut fifo.groups.get_mut(group).expect("a group of ours").sent;
                sent.push(Stamp::sent(moments.now()));
                sent.len() as u64 - 1
            };
            if send(&queue, client, group, number).is_err() {
                return;
            }
            let mut fifo = this.lock();
            let sent = &mut fifo.groups.get_mut(group).expect("a group of ours").sent;
            sent[number as usize].answered = Some(moments.now());
        }
    }

    /// Receives and deletes in order until the program is gone; now and then leaves the rest of what came.
    pub fn receive(this: &Mutex<Fifo>, client: &mut Client, moments: &Moments, rng: &Rng) {
        let queue = this.lock().queue.clone();
        while let Ok(received) = queue.receive(client, HIDDEN_S) {
            let mut next: BTreeMap<String, u64> = BTreeMap::new();
            for message in &received {
                let number: u64 = message.body.parse().expect("a number of ours");
                let fifo = this.lock();
                let group = &fifo.groups[message.group.as_str()];
                let first = group.deleted.last_key_value().map_or(0, |(last, _)| last + 1);
                let expected = next.entry(message.group.clone()).or_insert(first);
                assert_eq!(number, *expected, "{}: group {} is out of order", queue.name, message.group);
                *expected += 1;
            }
            let taken = if rng.below(5) == 0 {
                rng.below(received.len() as u64 + 1) as usize
            } else {
                received.len()
            };
            for message in &received[..taken] {
                let number: u64 = message.body.parse().expect("a number of ours");
                let stamp = Stamp::sent(moments.now());
                let note = |stamp| {
                    let mut fifo = this.lock();
                    let group = fifo.groups.get_mut(message.group.as_str()).expect("a group of ours");
                    group.deleted.insert(number, stamp);
                };
                note(stamp);
                if queue.remove(client, message).is_err() {
                    return;
                }
                note(Stamp { answered: Some(moments.now()), ..stamp });
            }
        }
    }

    /// After a restart: sends again what may not have arrived, and the last that did; drains; compares.
    pub fn check(&mut self, client: &mut Client, end: u64) -> Result<Vec<String>> {
        for (name, group) in &mut self.groups {
            group.sent.retain(|stamp| stamp.fate(end) != Fate::Never);
            let unanswered = group.sent.iter().filter(|stamp| stamp.fate(end) == Fate::Perhaps).count();
            let from = group.sent.len().saturating_sub(unanswered + 1);
            for number in from..group.sent.len() {
                send(&self.queue, client, name, number as u64)?;
            }
        }
        let mut must: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        let mut may: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for (name, group) in &self.groups {
            for number in 0..group.sent.len() as u64 {
                match group.deleted.get(&number).map_or(Fate::Never, |stamp| stamp.fate(end)) {
                    Fate::Never => {
                        must.entry(name).or_default().push(number);
                        may.entry(name).or_default().push(number);
                    }
                    Fate::Perhaps => may.entry(name).or_default().push(number),
                    Fate::Done => {}
                }
            }
        }
        let count: usize = must.values().map(Vec::len).sum();
        let drained = self.queue.drain(client, |drained| drained.len() < count)?;
        let mut faults = Vec::new();
        for (name, group) in &mut self.groups {
            let came: Vec<u64> = drained
                .iter()
                .filter(|(group, _)| group == name)
                .map(|(_, body)| body.parse().expect("a number of ours"))
                .collect();
            let none = Vec::new();
            let (must, may) = (must.get(name).unwrap_or(&none), may.get(name).unwrap_or(&none));
            let in_order = came.windows(2).all(|two| two[0] < two[1]);
            if !in_order || !must.iter().all(|n| came.contains(n)) || !came.iter().all(|n| may.contains(n)) {
                let deleted: Vec<_> = group.deleted.iter().rev().take(3).collect();
                faults.push(format!(
                    "{}: group {name}: {came:?} came, {must:?} must and {may:?} may come; sent {:?}, deleted {deleted:?}, at {end}",
                    self.queue.name,
                    group.sent.iter().rev().take(3).collect::<Vec<_>>(),
                ));
            }
            group.sent.fill(Stamp::DONE);
            group.deleted = (0..group.sent.len() as u64).map(|number| (number, Stamp::DONE)).collect();
        }
        Ok(faults)
    }
}

fn send(queue: &Queue, client: &mut Client, group: &str, number: u64) -> Result<()> {
    let input = json!({
        "QueueUrl": queue.url(), "MessageBody": number.to_string(), "MessageGroupId": group,
        "MessageDeduplicationId": format!("{group}-{number}"),
    });
    client.sqs("SendMessage", &input).map(drop)
}
