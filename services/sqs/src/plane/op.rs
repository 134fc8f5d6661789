use crate::codec::{Reader, put_ms, put_number, put_option};
use crate::engine::{Arrival, DedupKey, Original, Queue};

/// One record of the log. Every one is absolute, so that it can be applied again to a state that has it already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op<'a> {
    /// A message came into the queue: sent, moved, or written again by the cleaner. The rest of the record is the body.
    Arrive {
        queue: u64,
        head: Head<'a>,
        from: Option<From>,
        dedup: Option<(DedupKey, [u8; 16])>,
    },
    Delete {
        queue: u64,
        messages: Vec<(u32, u64)>,
    },
    /// Slot, seq and the count of receives, this one included.
    Receive {
        queue: u64,
        at_ms: i64,
        deadline_ms: i64,
        messages: Vec<(u32, u64, u32)>,
    },
    Visibility {
        queue: u64,
        slot: u32,
        seq: u64,
        deadline_ms: i64,
    },
    /// All messages up to this seq are gone.
    Purge {
        queue: u64,
        last: u64,
    },
    Dedup {
        queue: u64,
        key: DedupKey,
        original: Original,
    },
}

/// What the queue keeps of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    pub(crate) slot: u32,
    pub(crate) seq: u64,
    pub(crate) sent_ms: i64,
    /// When it becomes visible; 0 when it is.
    pub(crate) visible_ms: i64,
    pub(crate) in_flight: bool,
    pub(crate) receives: u32,
    pub(crate) first_receive_ms: i64,
    pub(crate) group: Option<&'a str>,
}

/// The message that leaves another queue by the same record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct From {
    pub(crate) queue: u64,
    pub(crate) slot: u32,
    pub(crate) seq: u64,
}

const ARRIVE: u8 = 1;
const DELETE: u8 = 2;
const RECEIVE: u8 = 3;
const VISIBILITY: u8 = 4;
const PURGE: u8 = 5;
const DEDUP: u8 = 6;

const HAS_FROM: u8 = 1;
const HAS_DEDUP: u8 = 2;
const IN_FLIGHT: u8 = 4;

impl<'a> Op<'a> {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Op::Arrive { queue, head, from, dedup } => {
                out.push(ARRIVE);
                put_number(out, *queue);
                let flags = if from.is_some() { HAS_FROM } else { 0 }
                    | if dedup.is_some() { HAS_DEDUP } else { 0 }
                    | if head.in_flight { IN_FLIGHT } else { 0 };
                out.push(flags);
                head.encode(out);
                if let Some(from) = from {
                    put_number(out, from.queue);
                    put_message(out, from.slot, from.seq);
                }
                if let Some((key, message_id)) = dedup {
                    out.extend_from_slice(key);
                    out.extend_from_slice(message_id);
                }
            }
            Op::Delete { queue, messages } => {
                out.push(DELETE);
                put_number(out, *queue);
                put_number(out, messages.len() as u64);
                for (slot, seq) in messages {
                    put_message(out, *slot, *seq);
                }
            }
            Op::Receive { queue, at_ms, deadline_ms, messages } => {
                out.push(RECEIVE);
                put_number(out, *queue);
                put_ms(out, *at_ms);
                put_ms(out, *deadline_ms);
                put_number(out, messages.len() as u64);
                for (slot, seq, receives) in messages {
                    put_message(out, *slot, *seq);
                    put_number(out, u64::from(*receives));
                }
            }
            Op::Visibility { queue, slot, seq, deadline_ms } => {
                out.push(VISIBILITY);
                put_number(out, *queue);
                put_message(out, *slot, *seq);
                put_ms(out, *deadline_ms);
            }
            Op::Purge { queue, last } => {
                out.push(PURGE);
                put_number(out, *queue);
                put_number(out, *last);
            }
            Op::Dedup { queue, key, original } => {
                out.push(DEDUP);
                put_number(out, *queue);
                out.extend_from_slice(key);
                out.extend_from_slice(&original.message_id);
                put_message(out, original.slot, original.seq);
                put_ms(out, original.at_ms);
            }
        }
    }

    /// The record and what follows it, which is the body of an arrival; `None` for what this program cannot have
    /// written.
    pub(crate) fn decode(record: &'a [u8]) -> Option<(Op<'a>, &'a [u8])> {
        let mut from = Reader::new(record);
        let op = Op::read(&mut from)?;
        Some((op, from.rest()))
    }

    fn read(from: &mut Reader<'a>) -> Option<Op<'a>> {
        let kind = from.byte()?;
        let queue = from.number()?;
        Some(match kind {
            ARRIVE => {
                let flags = from.byte()?;
                let mut head = Head::read(from)?;
                head.in_flight = flags & IN_FLIGHT != 0;
                let mut source = None;
                if flags & HAS_FROM != 0 {
                    source = Some(From { queue: from.number()?, slot: from.small()?, seq: from.number()? });
                }
                let dedup = if flags & HAS_DEDUP != 0 { Some((from.array()?, from.array()?)) } else { None };
                Op::Arrive { queue, head, from: source, dedup }
            }
            DELETE => {
                let mut messages = Vec::new();
                for _ in 0..from.number()? {
                    messages.push((from.small()?, from.number()?));
                }
                Op::Delete { queue, messages }
            }
            RECEIVE => {
                let (at_ms, deadline_ms) = (from.ms()?, from.ms()?);
                let mut messages = Vec::new();
                for _ in 0..from.number()? {
                    messages.push((from.small()?, from.number()?, from.small()?));
                }
                Op::Receive { queue, at_ms, deadline_ms, messages }
            }
            VISIBILITY => {
                Op::Visibility { queue, slot: from.small()?, seq: from.number()?, deadline_ms: from.ms()? }
            }
            PURGE => Op::Purge { queue, last: from.number()? },
            DEDUP => {
                let (key, message_id) = (from.array()?, from.array()?);
                let (slot, seq, at_ms) = (from.small()?, from.number()?, from.ms()?);
                Op::Dedup { queue, key, original: Original { seq, message_id, at_ms, slot } }
            }
            _ => return None,
        })
    }

    /// The greatest seq that the record names.
    pub(crate) fn last_seq(&self) -> u64 {
        match self {
            Op::Arrive { head, .. } => head.seq,
            Op::Delete { messages, .. } => messages.iter().map(|(_, seq)| *seq).max().unwrap_or(0),
            Op::Receive { messages, .. } => messages.iter().map(|(_, seq, _)| *seq).max().unwrap_or(0),
            Op::Visibility { seq, .. } => *seq,
            Op::Purge { last, .. } => *last,
            Op::Dedup { original, .. } => original.seq,
        }
    }

    /// Does to the queue what the record says; `position` and `length` are the record's in the log. The message that
    /// leaves another queue is not seen to.
    pub(crate) fn apply(&self, queue: &mut Queue, position: u64, length: u32) {
        match self {
            Op::Arrive { head, dedup, .. } => {
                queue.replay_arrival(head.slot, head.arrival(position, length), head.in_flight);
                if let Some((key, message_id)) = dedup {
                    let original = Original {
                        seq: head.seq,
                        message_id: *message_id,
                        at_ms: head.sent_ms,
                        slot: head.slot,
                    };
                    queue.replay_dedup(*key, original);
                }
            }
            Op::Delete { messages, .. } => {
                for (slot, seq) in messages {
                    queue.replay_removal(*slot, *seq);
                }
            }
            Op::Receive { at_ms, deadline_ms, messages, .. } => {
                for (slot, seq, receives) in messages {
                    queue.replay_receive(*slot, *seq, *receives, *at_ms, *deadline_ms);
                }
            }
            Op::Visibility { slot, seq, deadline_ms, .. } => {
                queue.replay_visibility(*slot, *seq, *deadline_ms)
            }
            Op::Purge { last, .. } => queue.replay_purge(*last),
            Op::Dedup { key, original, .. } => queue.replay_dedup(*key, *original),
        }
    }

    pub(crate) fn queue(&self) -> u64 {
        match self {
            Op::Arrive { queue, .. }
            | Op::Delete { queue, .. }
            | Op::Receive { queue, .. }
            | Op::Visibility { queue, .. }
            | Op::Purge { queue, .. }
            | Op::Dedup { queue, .. } => *queue,
        }
    }
}

impl<'a> Head<'a> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_message(out, self.slot, self.seq);
        put_ms(out, self.sent_ms);
        put_ms(out, self.visible_ms);
        put_number(out, u64::from(self.receives));
        put_ms(out, self.first_receive_ms);
        put_option(out, self.group);
    }

    fn read(from: &mut Reader<'a>) -> Option<Head<'a>> {
        Some(Head {
            slot: from.small()?,
            seq: from.number()?,
            sent_ms: from.ms()?,
            visible_ms: from.ms()?,
            in_flight: false,
            receives: from.small()?,
            first_receive_ms: from.ms()?,
            group: from.option()?,
        })
    }

    pub(crate) fn arrival(&self, position: u64, length: u32) -> Arrival<'a> {
        Arrival {
            seq: self.seq,
            sent_ms: self.sent_ms,
            visible_ms: self.visible_ms,
            group: self.group,
            position,
            length,
            receives: self.receives,
            first_receive_ms: self.first_receive_ms,
            payload: None,
        }
    }
}

fn put_message(out: &mut Vec<u8>, slot: u32, seq: u64) {
    put_number(out, u64::from(slot));
    put_number(out, seq);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_kind() -> Vec<Op<'static>> {
        let head = Head {
            slot: 300,
            seq: 1 << 40,
            sent_ms: 1_767_225_600_123,
            visible_ms: 0,
            in_flight: true,
            receives: 3,
            first_receive_ms: 1_767_225_600_999,
            group: Some("그룹"),
        };
        let from = Some(From { queue: 7, slot: 8, seq: 9 });
        vec![
            Op::Arrive { queue: 1, head: Head::default(), from: None, dedup: None },
            Op::Arrive { queue: 1, head, from, dedup: Some(([1; 16], [2; 16])) },
            Op::Delete { queue: 2, messages: vec![(1, 2), (3, 4)] },
            Op::Receive { queue: 3, at_ms: 5, deadline_ms: 6, messages: vec![(1, 2, 3)] },
            Op::Visibility { queue: 4, slot: 1, seq: 2, deadline_ms: 3 },
            Op::Purge { queue: 5, last: 6 },
            Op::Dedup {
                queue: 6,
                key: [3; 16],
                original: Original { seq: 1, message_id: [4; 16], at_ms: 2, slot: 3 },
            },
        ]
    }

    #[test]
    fn written_and_read_back() {
        for op in every_kind() {
            let mut record = Vec::new();
            op.encode(&mut record);
            for end in 0..record.len() {
                assert_eq!(Op::decode(&record[..end]), None, "{op:?} cut at {end}");
            }
            record.extend_from_slice(b"body");
            assert_eq!(Op::decode(&record), Some((op, &b"body"[..])));
        }
        assert_eq!(Op::decode(&[99, 1]), None);
    }
}
