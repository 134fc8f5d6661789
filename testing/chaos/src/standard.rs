//! A standard queue: whatever was sent and not deleted comes, and what was deleted does not come again.

use std::collections::{BTreeMap, BTreeSet};

use haneul_env::Rng;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::client::{Client, Result};
use crate::content::Content;
use crate::moment::{Fate, Moments, Stamp};
use crate::queue::{Queue, Received};

/// Shorter than a round, so that messages come back while others are sent.
const HIDDEN_S: u32 = 1;

#[derive(Clone)]
pub struct Standard {
    pub queue: Queue,
    next: u64,
    messages: BTreeMap<u64, Message>,
    /// Deleted in earlier rounds, for ever.
    gone: BTreeSet<u64>,
}

#[derive(Clone, Debug)]
struct Message {
    sent: Stamp,
    deleted: Option<Stamp>,
}

impl Standard {
    pub fn new(name: &'static str) -> Standard {
        Standard { queue: Queue { name }, next: 0, messages: BTreeMap::new(), gone: BTreeSet::new() }
    }

    /// Sends until the program is gone, or `most` messages.
    pub fn send(this: &Mutex<Standard>, client: &mut Client, moments: &Moments, rng: &Rng, most: u64) {
        for _ in 0..most {
            let count = if rng.below(3) == 0 { 1 + rng.below(10) } else { 1 };
            let (url, numbers) = {
                let mut queue = this.lock();
                let first = queue.next;
                queue.next += count;
                let sent = Stamp::sent(moments.now());
                (first..first + count).for_each(|number| {
                    queue.messages.insert(number, Message { sent, deleted: None });
                });
                (queue.queue.url(), first..first + count)
            };
            let length = if rng.below(20) == 0 { rng.below(100_000) } else { rng.below(1000) } as usize;
            let body = |number: u64| body(number, if count == 1 { length } else { length / 10 });
            let answer = if count == 1 {
                client.sqs("SendMessage", &json!({"QueueUrl": url, "MessageBody": body(numbers.start)}))
            } else {
                let entry = |number: u64| json!({"Id": number.to_string(), "MessageBody": body(number)});
                let entries: Vec<Value> = numbers.clone().map(entry).collect();
                client.sqs("SendMessageBatch", &json!({"QueueUrl": url, "Entries": entries}))
            };
            let Ok(answer) = answer else { return };
            assert!(answer["Failed"].as_array().is_none_or(Vec::is_empty), "{answer}");
            let now = moments.now();
            let mut queue = this.lock();
            for number in numbers {
                queue.messages.get_mut(&number).expect("it was sent").sent.answered = Some(now);
            }
        }
    }

    /// Receives until the program is gone, and deletes most of it.
    pub fn receive(this: &Mutex<Standard>, client: &mut Client, moments: &Moments, rng: &Rng) {
        let queue = this.lock().queue.clone();
        while let Ok(received) = queue.receive(client, HIDDEN_S) {
            for message in received {
                this.lock().see(&message);
                if rng.below(4) == 0 {
                    continue;
                }
                let number = number(&message.body);
                let stamp = Stamp::sent(moments.now());
                this.lock().messages.get_mut(&number).expect("it was sent").deleted = Some(stamp);
                if queue.remove(client, &message).is_err() {
                    return;
                }
                let answered = Stamp { answered: Some(moments.now()), ..stamp };
                this.lock().messages.get_mut(&number).expect("it was sent").deleted = Some(answered);
            }
        }
    }

    fn see(&self, message: &Received) {
        let number = number(&message.body);
        assert!(!self.gone.contains(&number), "{}: message {number} was deleted before", self.queue.name);
        let known = self.messages.get(&number);
        assert!(known.is_some_and(|known| known.deleted.is_none()), "{number}: {known:?} came again");
        let length = message.body.len() - message.body.find(':').expect("a number") - 1;
        assert_eq!(message.body, body(number, length), "message {number} has another body");
    }

    /// After a restart: drains the queue and compares.
    pub fn check(&mut self, client: &mut Client, end: u64) -> Result<Vec<String>> {
        let mut must = BTreeSet::new();
        let mut may = BTreeSet::new();
        for (number, message) in &self.messages {
            let deleted = message.deleted.map_or(Fate::Never, |stamp| stamp.fate(end));
            match (message.sent.fate(end), deleted) {
                (_, Fate::Done) => drop(self.gone.insert(*number)),
                (Fate::Never, _) => {}
                (Fate::Done, Fate::Never) => drop(must.insert(*number)),
                _ => drop(may.insert(*number)),
            }
        }
        let drained = self
            .queue
            .drain(client, |drained| !must.is_subset(&drained.iter().map(|(_, b)| number(b)).collect()))?;
        let mut faults = Vec::new();
        let mut found = BTreeSet::new();
        for (_, text) in &drained {
            let number = number(text);
            if *text != body(number, text.len() - text.find(':').expect("a number") - 1) {
                faults.push(format!("{}: message {number} has another body", self.queue.name));
            }
            if !must.contains(&number) && !may.contains(&number) {
                let known = self.messages.get(&number);
                faults.push(format!(
                    "{}: message {number} came, and it is {known:?} at {end}",
                    self.queue.name
                ));
            }
            found.insert(number);
        }
        for lost in must.difference(&found) {
            let known = &self.messages[lost];
            faults.push(format!("{}: message {lost} is lost; it is {known:?} at {end}", self.queue.name));
        }
        // What was drained is deleted, and what may have been sent and did not come never will.
        self.gone.extend(self.messages.keys());
        self.messages.clear();
        Ok(faults)
    }

    /// Makes what is known at `end` certain without looking: what was not answered may come or not, for ever.
    pub fn settle(&mut self, end: u64) {
        self.messages.retain(|_, message| message.sent.fate(end) != Fate::Never);
        for message in self.messages.values_mut() {
            let done = message.sent.fate(end) == Fate::Done;
            message.sent = if done { Stamp::DONE } else { Stamp::PERHAPS };
        }
    }
}

/// The number, a colon, and letters.
fn body(number: u64, length: usize) -> String {
    let letters = Content::one(number, length).bytes();
    format!("{number}:{}", letters.iter().map(|byte| char::from(b'a' + byte % 26)).collect::<String>())
}

fn number(body: &str) -> u64 {
    body.split(':')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{body:?} is not ours"))
}
