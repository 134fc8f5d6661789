use std::sync::Arc;
use std::sync::atomic::Ordering;

use haneul_kit::Result;
use haneul_store::StoreError;
use haneul_store::log::Position;

use super::log;
use super::op::{Head, Op};
use super::{LiveQueue, Plane};
use crate::engine::{Arrival, DedupKey, Original, Payload};
use crate::error;
use crate::message::Stored;

/// A message to send.
pub(crate) struct Outgoing {
    pub(crate) stored: Stored,
    /// The delay of its own; `None` takes the queue's.
    pub(crate) delay_ms: Option<i64>,
    /// FIFO: what it is deduplicated by.
    pub(crate) dedup: Option<DedupKey>,
}

/// What was sent, or the message that an earlier send with the same deduplication id made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) message_id: [u8; 16],
    pub(crate) seq: u64,
    /// Whether it was sent before.
    pub(crate) is_duplicate: bool,
}

/// How often a send is repeated whose original failed while it waited for it.
const ATTEMPTS_MAX: usize = 3;

/// A message in the log that is not yet durable.
struct Arriving {
    slot: u32,
    seq: u64,
    dedup: Option<DedupKey>,
}

impl Plane {
    /// Sends messages to one queue. All are durable when this returns, or none of those that were new.
    pub(crate) async fn send(
        self: &Arc<Self>,
        queue: &Arc<LiveQueue>,
        messages: &[Outgoing],
    ) -> Result<Vec<Sent>> {
        let payloads: Vec<Vec<u8>> = messages
            .iter()
            .map(|message| {
                let mut payload = Vec::new();
                message.stored.encode(&mut payload);
                payload
            })
            .collect();
        for _ in 0..ATTEMPTS_MAX {
            if let Some(sent) = self.try_send(queue, messages, &payloads).await? {
                return Ok(sent);
            }
        }
        Err(error::store(StoreError::Conflict))
    }

    /// `None` when a message was taken for a duplicate of one whose own send then failed.
    async fn try_send(
        self: &Arc<Self>,
        queue: &Arc<LiveQueue>,
        messages: &[Outgoing],
        payloads: &[Vec<u8>],
    ) -> Result<Option<Vec<Sent>>> {
        let mut sent = Vec::with_capacity(messages.len());
        let mut arriving = Vec::new();
        // Duplicates whose original is perhaps not durable.
        let mut unsure: Vec<(DedupKey, Original)> = Vec::new();
        let appended = {
            let mut core = queue.core.lock();
            let now_ms = self.now_ms();
            if core.gone {
                return Err(error::queue_does_not_exist());
            }
            self.advance(queue, &mut core, now_ms);
            let mut heads: Vec<(Vec<u8>, usize)> = Vec::with_capacity(messages.len());
            for (at, message) in messages.iter().enumerate() {
                if let Some(key) = &message.dedup
                    && let Some((original, pending)) = core.queue.original(key, now_ms)
                {
                    sent.push(Sent {
                        message_id: original.message_id,
                        seq: original.seq,
                        is_duplicate: true,
                    });
                    if pending {
                        unsure.push((*key, original));
                    }
                    continue;
                }
                let settings = core.queue.settings();
                let delay_ms = message.delay_ms.unwrap_or(settings.delay_ms);
                let visible_ms = if delay_ms > 0 { now_ms + delay_ms } else { 0 };
                let (slot, seq) = (core.queue.vacant(), self.log.next_seq());
                let message_id = message.stored.message_id;
                let group = message.stored.group_id.as_deref();
                let head = Head { slot, seq, sent_ms: now_ms, visible_ms, group, ..Head::default() };
                let dedup = message.dedup.map(|key| (key, message_id));
                let mut record = Vec::with_capacity(96);
                Op::Arrive { queue: queue.no, head, from: None, dedup }.encode(&mut record);
                let length = log::length(&[&record, &payloads[at]]);
                let payload = self.keep(&payloads[at]);
                core.queue.arrive(slot, Arrival { payload, ..head.arrival(0, length) });
                if let Some(key) = message.dedup {
                    let original = Original { seq, message_id, at_ms: now_ms, slot };
                    core.queue.dedup_mut().insert(key, original);
                }
                heads.push((record, at));
                arriving.push(Arriving { slot, seq, dedup: message.dedup });
                sent.push(Sent { message_id, seq, is_duplicate: false });
            }
            if heads.is_empty() && unsure.is_empty() {
                return Ok(Some(sent));
            }
            // An original that is still being written is stated again: what is durable after it is durable too.
            let mut again = Vec::new();
            for (key, original) in &unsure {
                let mut record = Vec::new();
                Op::Dedup { queue: queue.no, key: *key, original: *original }.encode(&mut record);
                again.push(record);
            }
            let fresh: Vec<[&[u8]; 2]> =
                heads.iter().map(|(head, at)| [&head[..], &payloads[*at][..]]).collect();
            let stated: Vec<[&[u8]; 1]> = again.iter().map(|record| [&record[..]]).collect();
            let records: Vec<&[&[u8]]> =
                fresh.iter().map(|parts| &parts[..]).chain(stated.iter().map(|parts| &parts[..])).collect();
            self.log.append(&records)
        };
        let effect = {
            let (plane, queue) = (self.clone(), queue.clone());
            move |outcome: Result<Vec<Position>, StoreError>| {
                plane.sent(&queue, &arriving, outcome.as_deref().ok());
                outcome.map(drop)
            }
        };
        self.settle(appended, effect).await.map_err(error::store)?;
        let failed = !unsure.is_empty() && {
            let core = queue.core.lock();
            unsure.iter().any(|(key, original)| {
                let found = core.queue.dedup().get(key, original.at_ms);
                found.is_none_or(|found| found.seq != original.seq)
            })
        };
        if failed {
            return Ok(None);
        }
        Ok(Some(sent))
    }

    /// The messages are durable at `positions`, or could not be written.
    fn sent(&self, queue: &LiveQueue, arriving: &[Arriving], positions: Option<&[Position]>) {
        let mut core = queue.core.lock();
        let now_ms = self.now_ms();
        for (at, message) in arriving.iter().enumerate() {
            match positions.and_then(|positions| positions.get(at)) {
                Some(position) => core.queue.settle(message.slot, message.seq, position.to_u64(), now_ms),
                None => {
                    core.queue.remove(message.slot, message.seq);
                    if let Some(key) = &message.dedup {
                        core.queue.dedup_mut().forget(key, message.seq);
                    }
                }
            }
        }
        core.wake();
    }

    /// The body in memory, if the cache has room for it; always when there is no disk to read it from.
    pub(crate) fn keep(&self, payload: &[u8]) -> Option<Arc<Payload>> {
        let cached_bytes = self.cached_bytes.load(Ordering::Relaxed);
        let room = self.log.in_memory() || cached_bytes + payload.len() <= self.log.limits.cache_bytes;
        room.then(|| Payload::new(payload.to_vec(), &self.cached_bytes))
    }
}
