use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use haneul_store::StoreError;
use haneul_store::log::{CheckpointWriter, Position, checkpoint};

use super::op::{Head, Op};
use super::{LiveQueue, Plane};
use crate::codec::{Reader, put_number};
use crate::engine::{Original, State};

/// The form of a checkpoint.
const KIND: &str = "sqs/1";

/// Slots that are written under one hold of a queue's lock.
const SLOTS_AT_ONCE: u32 = 4096;

const MESSAGES: u8 = 1;
const DEDUP: u8 = 2;

/// What a checkpoint found out on its way.
pub(crate) struct Found {
    /// Bytes of live messages by segment of the log.
    pub(crate) live: BTreeMap<u32, u64>,
    /// Size of the checkpoint.
    pub(crate) bytes: u64,
}

impl Plane {
    /// Writes an index of every message, so that a restart need replay only what came later, and lets go of segments
    /// that are no longer needed. Blocks; the queues go on meanwhile.
    ///
    /// Queues are written one after the other while they change. That is right because each slot is written as it was at
    /// some moment after `from`, and everything since `from` is replayed over it, in order.
    pub(crate) fn checkpoint(&self) -> Result<Option<Found>, StoreError> {
        let Some(path) = &self.log.checkpoint_path else { return Ok(None) };
        let from = self.log.replay_from();
        let appended = self.log.appended_bytes.load(Ordering::Relaxed);
        let mut found = Found { live: BTreeMap::new(), bytes: 0 };
        let mut writer = CheckpointWriter::create(&self.env.fs, path, KIND)?;
        let mut record = Vec::new();
        put_number(&mut record, from.to_u64());
        put_number(&mut record, self.log.last_seq() + 1);
        writer.write(&[&record])?;
        for queue in self.all() {
            let mut next = 0;
            loop {
                record.clear();
                if !messages(&queue, next, &mut record, &mut found.live) {
                    break;
                }
                next += SLOTS_AT_ONCE;
                if !record.is_empty() {
                    found.bytes += record.len() as u64;
                    writer.write(&[&record])?;
                }
            }
            record.clear();
            if dedup(&queue, &mut record) {
                found.bytes += record.len() as u64;
                writer.write(&[&record])?;
            }
        }
        writer.finish()?;
        self.log.appended_bytes.fetch_sub(appended, Ordering::Relaxed);
        self.log.checkpoint_size.store(found.bytes, Ordering::Relaxed);
        let oldest = found.live.keys().next().copied().unwrap_or(u32::MAX);
        self.log.drop_before(oldest.min(from.segment()));
        Ok(Some(found))
    }
}

/// The messages in the slots from `from` on; false past the last one.
fn messages(queue: &LiveQueue, from: u32, out: &mut Vec<u8>, live: &mut BTreeMap<u32, u64>) -> bool {
    let core = queue.core.lock();
    let Some(slots) = core.queue.slots(from, SLOTS_AT_ONCE) else { return false };
    for (number, slot) in slots {
        // What is not durable yet is replayed.
        if slot.state == State::Pending {
            continue;
        }
        if out.is_empty() {
            out.push(MESSAGES);
        }
        let waits = matches!(slot.state, State::Delayed | State::InFlight);
        let group = core.queue.group_name(slot.group);
        let head = Head {
            slot: number,
            seq: slot.seq,
            sent_ms: slot.sent_ms,
            visible_ms: if waits { slot.deadline_ms } else { 0 },
            in_flight: slot.state == State::InFlight,
            receives: slot.receives,
            first_receive_ms: slot.first_receive_ms,
            group: group.as_deref(),
        };
        put_number(out, slot.position);
        put_number(out, u64::from(slot.length));
        Op::Arrive { queue: queue.no, head, from: None, dedup: None }.encode(out);
        *live.entry(Position::from_u64(slot.position).segment()).or_default() += u64::from(slot.length);
    }
    true
}

/// The deduplication ids that count; false when there are none.
fn dedup(queue: &LiveQueue, out: &mut Vec<u8>) -> bool {
    let core = queue.core.lock();
    for (key, original) in core.queue.dedup().iter() {
        let found = core.queue.message(original.slot, original.seq);
        if found.is_some_and(|slot| slot.state == State::Pending) {
            continue;
        }
        if out.is_empty() {
            out.push(DEDUP);
        }
        let original = Original { ..*original };
        Op::Dedup { queue: queue.no, key: *key, original }.encode(out);
    }
    !out.is_empty()
}

/// Reads the last checkpoint: gives every record with its position and length in the log to `each`, and returns where
/// the replay begins and the next message's number. `None` when there was never one.
pub(crate) fn load(
    fs: &haneul_env::Fs,
    path: &std::path::Path,
    mut each: impl FnMut(&Op<'_>, u64, u32),
) -> Result<Option<(Position, u64)>, StoreError> {
    let Some(mut reader) = checkpoint::open(fs, path)? else { return Ok(None) };
    if reader.kind() != KIND {
        let kind = reader.kind();
        return Err(StoreError::Unusable(format!(
            "the checkpoint of the SQS log is of the form {kind}, this program knows {KIND}"
        )));
    }
    let damaged = || StoreError::Damaged("the checkpoint of the SQS log does not decode".into());
    let header = reader.next_record()?.ok_or_else(damaged)?;
    let mut header = Reader::new(&header);
    let (from, next_seq) = (header.number().ok_or_else(damaged)?, header.number().ok_or_else(damaged)?);
    while let Some(record) = reader.next_record()? {
        let mut rest = Reader::new(&record);
        let kind = rest.byte().ok_or_else(damaged)?;
        while !rest.is_empty() {
            let (mut position, mut length) = (0, 0);
            if kind == MESSAGES {
                position = rest.number().ok_or_else(damaged)?;
                length = rest.small().ok_or_else(damaged)?;
            }
            let (op, after) = Op::decode(rest.rest()).ok_or_else(damaged)?;
            rest = Reader::new(after);
            each(&op, position, length);
        }
    }
    Ok(Some((Position::from_u64(from), next_seq)))
}
