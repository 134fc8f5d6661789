//! The engine against a model that looks through all messages every time.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Send {
        group: u8,
        delay_ms: i64,
    },
    Receive {
        max: usize,
        visibility_ms: i64,
    },
    /// The n-th of those that were handed out, perhaps long ago.
    Delete(usize),
    Visibility(usize, i64),
    Advance(i64),
    Purge,
    /// The same state again, from what a checkpoint would hold.
    Reload,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4u8, prop_oneof![3 => Just(0), 1 => 1..50i64])
            .prop_map(|(group, delay_ms)| Step::Send { group, delay_ms }),
        5 => (1..11usize, 0..60i64).prop_map(|(max, visibility_ms)| Step::Receive { max, visibility_ms }),
        4 => (0..30usize).prop_map(Step::Delete),
        2 => (0..30usize, 0..60i64).prop_map(|(n, ms)| Step::Visibility(n, ms)),
        3 => (0..40i64).prop_map(Step::Advance),
        1 => Just(Step::Purge),
        1 => Just(Step::Reload),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct Message {
    seq: u64,
    group: u8,
    sent_ms: i64,
    /// Invisible before.
    visible_ms: i64,
    in_flight: bool,
    receives: u32,
}

const RETENTION_MS: i64 = 500;

struct Model {
    fifo: bool,
    messages: Vec<Message>,
}

impl Model {
    fn pass(&mut self, now: i64) {
        self.messages.retain(|message| message.sent_ms + RETENTION_MS > now);
        for message in &mut self.messages {
            if message.visible_ms <= now {
                message.in_flight = false;
            }
        }
    }

    fn counts(&self, now: i64) -> Counts {
        let mut counts = Counts::default();
        for message in &self.messages {
            match (message.in_flight, message.visible_ms > now) {
                (true, _) => counts.in_flight += 1,
                (false, true) => counts.delayed += 1,
                (false, false) => counts.visible += 1,
            }
        }
        counts
    }

    /// FIFO: the message that may be received next in each group.
    fn next_of(&self, group: u8, now: i64, taken: &[u64]) -> Option<u64> {
        let mut of_group = self.messages.iter().filter(|message| message.group == group);
        if self.messages.iter().any(|m| m.group == group && m.in_flight && !taken.contains(&m.seq)) {
            return None;
        }
        of_group.find(|message| !message.in_flight).filter(|message| message.visible_ms <= now).map(|m| m.seq)
    }
}

fn run(fifo: bool, steps: &[Step]) -> Result<(), TestCaseError> {
    let settings = Settings { fifo, delay_ms: 0, retention_ms: RETENTION_MS };
    let mut queue = Queue::new(settings);
    let mut model = Model { fifo, messages: Vec::new() };
    let (mut now, mut seq) = (1_000i64, 0u64);
    let mut handles: Vec<(u32, u64, u32)> = Vec::new();
    for step in steps {
        queue.advance(now);
        model.pass(now);
        match step {
            Step::Send { group, delay_ms } => {
                seq += 1;
                // A FIFO queue has one delay for all.
                let delay_ms = if fifo { 0 } else { *delay_ms };
                let name = format!("g{group}");
                let grouped = fifo || *group > 0;
                let slot = queue.vacant();
                let visible_ms = if delay_ms > 0 { now + delay_ms } else { 0 };
                queue.arrive(
                    slot,
                    Arrival {
                        seq,
                        sent_ms: now,
                        visible_ms,
                        group: grouped.then_some(name.as_str()),
                        position: 0,
                        length: 1,
                        receives: 0,
                        first_receive_ms: 0,
                        payload: None,
                    },
                );
                queue.settle(slot, seq, seq, now);
                let message =
                    Message { seq, group: *group, sent_ms: now, visible_ms, in_flight: false, receives: 0 };
                model.messages.push(message);
            }
            Step::Receive { max, visibility_ms } => {
                let turn = queue.take(now, *max, *visibility_ms, None, usize::MAX);
                let mut taken = Vec::new();
                for ticket in &turn.messages {
                    let group = model.messages.iter().find(|m| m.seq == ticket.seq).map(|m| m.group);
                    let Some(group) = group else {
                        return Err(TestCaseError::fail(format!("{} is gone and was received", ticket.seq)));
                    };
                    if model.fifo {
                        prop_assert_eq!(model.next_of(group, now, &taken), Some(ticket.seq), "out of order");
                    }
                    let message =
                        model.messages.iter_mut().find(|m| m.seq == ticket.seq).expect("found above");
                    prop_assert!(
                        !message.in_flight && message.visible_ms <= now,
                        "{:?} is not visible",
                        message
                    );
                    message.in_flight = true;
                    message.visible_ms = now + visibility_ms;
                    message.receives += 1;
                    prop_assert_eq!(message.receives, ticket.receives);
                    taken.push(ticket.seq);
                    handles.push((ticket.slot, ticket.seq, ticket.receives));
                }
                if turn.messages.len() < *max {
                    let left = if fifo {
                        (0..4).any(|group| {
                            let fresh = !model.messages.iter().any(|m| m.group == group && m.in_flight);
                            fresh && model.next_of(group, now, &[]).is_some()
                        })
                    } else {
                        model.messages.iter().any(|m| !m.in_flight && m.visible_ms <= now)
                    };
                    prop_assert!(!left, "there was more to receive");
                }
            }
            Step::Delete(n) => {
                let Some((slot, seq, receives)) = handles.get(n % handles.len().max(1)).copied() else {
                    continue;
                };
                let found = model.messages.iter().position(|m| m.seq == seq);
                let expected = match found.map(|at| &model.messages[at]) {
                    None => Ok(false),
                    Some(m) if fifo && !(m.in_flight && m.receives == receives) => Err(HandleError::Expired),
                    Some(m) => Ok(m.receives == receives),
                };
                prop_assert_eq!(queue.delete(slot, seq, receives), expected);
                if expected == Ok(true) {
                    queue.remove(slot, seq);
                    model.messages.remove(found.expect("it was there"));
                }
            }
            Step::Visibility(n, ms) => {
                let Some((slot, seq, receives)) = handles.get(n % handles.len().max(1)).copied() else {
                    continue;
                };
                let found = model.messages.iter_mut().find(|m| m.seq == seq);
                let got = queue.change_visibility(slot, seq, receives, now + ms);
                match found {
                    Some(m) if m.in_flight && m.receives == receives => {
                        prop_assert_eq!(got, Ok(true));
                        m.visible_ms = now + ms;
                    }
                    Some(m) if !fifo && m.receives == receives => prop_assert_eq!(got, Ok(false)),
                    _ => prop_assert!(got.is_err()),
                }
            }
            Step::Advance(ms) => now += ms,
            Step::Purge => {
                queue.purge(seq);
                model.messages.clear();
            }
            Step::Reload => queue = reload(&queue, settings),
        }
        queue.advance(now);
        model.pass(now);
        prop_assert_eq!(queue.counts(), model.counts(now), "after {:?} at {}", step, now);
        prop_assert_eq!(queue.len(), model.messages.len());
    }
    Ok(())
}

/// As a restart does it: every slot of a checkpoint, then everything put in order.
fn reload(queue: &Queue, settings: Settings) -> Queue {
    let mut fresh = Queue::new(settings);
    for (number, slot) in queue.slots(0, u32::MAX).into_iter().flatten() {
        let waits = matches!(slot.state, State::Delayed | State::InFlight);
        let group = queue.group_name(slot.group);
        let arrival = Arrival {
            seq: slot.seq,
            sent_ms: slot.sent_ms,
            visible_ms: if waits { slot.deadline_ms } else { 0 },
            group: group.as_deref(),
            position: slot.position,
            length: slot.length,
            receives: slot.receives,
            first_receive_ms: slot.first_receive_ms,
            payload: None,
        };
        fresh.replay_arrival(number, arrival, slot.state == State::InFlight);
    }
    fresh.replayed();
    fresh
}

proptest! {
    #[test]
    fn standard(steps in prop::collection::vec(step(), 0..120)) {
        run(false, &steps)?;
    }

    #[test]
    fn fifo(steps in prop::collection::vec(step(), 0..120)) {
        run(true, &steps)?;
    }
}
