use std::sync::Arc;

use haneul_kit::{ApiError, BoxFuture, Instant, Reconciler, Result, Signal};
use haneul_store::StoreError;
use haneul_store::log::Position;

use super::checkpoint::Found;
use super::log;
use super::op::{Head, Op};
use super::receive::body;
use super::{LiveQueue, Plane};
use crate::engine::State;
use crate::error;

/// Keeps the log short: writes checkpoints when they are due, and writes the last messages of old segments again, so
/// that those can be deleted.
pub(crate) struct Cleaner {
    plane: Arc<Plane>,
    signal: Signal,
}

/// A message to write again: slot, seq, where its record was, and its body.
type Survivor = (u32, u64, u64, Vec<u8>);

/// How often it looks, in milliseconds.
const LOOK_MS: i64 = 10_000;

/// The log may hold so many segments more than twice what is alive.
const SPARE_SEGMENTS: u64 = 4;

/// Bytes that are written again in one append.
const BATCH_BYTES: usize = 1 << 20;

/// Rounds of cleaning in one run; the next run goes on.
const ROUNDS_MAX: usize = 8;

impl Cleaner {
    pub(crate) fn new(plane: Arc<Plane>) -> Cleaner {
        Cleaner { plane, signal: Signal::default() }
    }

    async fn run(&self) -> Result<()> {
        let plane = &self.plane;
        if plane.log.in_memory() || !plane.checkpoint_due() {
            return Ok(());
        }
        for _ in 0..ROUNDS_MAX {
            let Some(found) = plane.checkpoint_in_background().await? else { return Ok(()) };
            let Some(victims) = plane.victims(&found) else { return Ok(()) };
            plane.write_again(victims).await?;
        }
        Ok(())
    }
}

impl Reconciler for Cleaner {
    fn name(&self) -> &'static str {
        "sqs log"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async {
            self.run().await?;
            if self.plane.log.in_memory() {
                return Ok(None);
            }
            Ok(Some(Instant::from_millis(self.plane.now_ms() + LOOK_MS)))
        })
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}

impl Plane {
    fn checkpoint_due(&self) -> bool {
        let appended = self.log.appended_bytes.load(std::sync::atomic::Ordering::Relaxed);
        let last = self.log.checkpoint_size.load(std::sync::atomic::Ordering::Relaxed);
        appended > self.log.limits.checkpoint_bytes.max(2 * last)
    }

    pub(crate) async fn checkpoint_in_background(self: &Arc<Self>) -> Result<Option<Found>> {
        let plane = self.clone();
        let done = tokio::task::spawn_blocking(move || plane.checkpoint()).await;
        done.map_err(ApiError::internal)?.map_err(error::store)
    }

    /// Segments to empty: the oldest ones, when the log is much longer than what is alive in it. Old segments first,
    /// because a deletion may only be forgotten after the record of what it deleted.
    pub(crate) fn victims(&self, found: &Found) -> Option<std::ops::RangeInclusive<u32>> {
        let segment_bytes = u64::from(self.log.limits.segment_bytes);
        let (first, last) = (*found.live.keys().next()?, self.log.end().segment());
        let total = u64::from(last.saturating_sub(first) + 1) * segment_bytes;
        let live: u64 = found.live.values().sum();
        if total <= 2 * live + SPARE_SEGMENTS * segment_bytes || first >= last {
            return None;
        }
        let (mut until, mut moved) = (first, 0);
        for (segment, bytes) in &found.live {
            moved += bytes;
            if *segment >= last || moved > (live / 4).max(segment_bytes) {
                break;
            }
            until = *segment;
        }
        Some(first..=until)
    }

    /// Writes the messages of these segments again at the end of the log.
    pub(crate) async fn write_again(self: &Arc<Self>, victims: std::ops::RangeInclusive<u32>) -> Result<()> {
        for queue in self.all() {
            let old = |position: u64| victims.contains(&Position::from_u64(position).segment());
            let found: Vec<(u32, u64, u64)> = {
                let core = queue.core.lock();
                let slots = core.queue.slots(0, u32::MAX).into_iter().flatten();
                let old = slots.filter(|(_, slot)| slot.state != State::Pending && old(slot.position));
                old.map(|(number, slot)| (number, slot.seq, slot.position)).collect()
            };
            let mut found = found.into_iter().peekable();
            while found.peek().is_some() {
                let (plane, owner) = (self.clone(), queue.clone());
                let read = tokio::task::spawn_blocking(move || {
                    let batch = plane.read_batch(&mut found);
                    (batch, found, owner)
                });
                let (batch, rest, owner) = read.await.map_err(ApiError::internal)?;
                found = rest;
                self.append_again(&owner, batch.map_err(error::store)?).await?;
            }
        }
        Ok(())
    }

    fn read_batch(
        &self,
        found: &mut impl Iterator<Item = (u32, u64, u64)>,
    ) -> std::result::Result<Vec<Survivor>, StoreError> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for (slot, seq, position) in found {
            let record = self.log.read(position)?;
            let payload = body(&record)?.to_vec();
            bytes += payload.len();
            batch.push((slot, seq, position, payload));
            if bytes > BATCH_BYTES {
                break;
            }
        }
        Ok(batch)
    }

    async fn append_again(self: &Arc<Self>, queue: &Arc<LiveQueue>, batch: Vec<Survivor>) -> Result<()> {
        let mut moving = Vec::with_capacity(batch.len());
        let appended = {
            let core = queue.core.lock();
            let mut records: Vec<(Vec<u8>, &[u8])> = Vec::with_capacity(batch.len());
            for (number, seq, position, payload) in &batch {
                let Some(slot) = core.queue.message(*number, *seq).filter(|slot| slot.position == *position)
                else {
                    continue;
                };
                // On its way out it must not come back; its old record stays until it is gone.
                let leaves = matches!(slot.state, State::Deleting | State::Leaving);
                if leaves || core.purging.is_some_and(|last| *seq <= last) {
                    continue;
                }
                let waits = matches!(slot.state, State::Delayed | State::InFlight);
                let group = core.queue.group_name(slot.group);
                let head = Head {
                    slot: *number,
                    seq: *seq,
                    sent_ms: slot.sent_ms,
                    visible_ms: if waits { slot.deadline_ms } else { 0 },
                    in_flight: slot.state == State::InFlight,
                    receives: slot.receives,
                    first_receive_ms: slot.first_receive_ms,
                    group: group.as_deref(),
                };
                let mut record = Vec::with_capacity(96);
                Op::Arrive { queue: queue.no, head, from: None, dedup: None }.encode(&mut record);
                moving.push((*number, *seq, *position, log::length(&[&record, payload])));
                records.push((record, payload));
            }
            if records.is_empty() || core.gone {
                return Ok(());
            }
            let parts: Vec<[&[u8]; 2]> =
                records.iter().map(|(record, payload)| [&record[..], payload]).collect();
            let parts: Vec<&[&[u8]]> = parts.iter().map(|parts| &parts[..]).collect();
            self.log.append(&parts)
        };
        let effect = {
            let queue = queue.clone();
            move |outcome: std::result::Result<Vec<Position>, StoreError>| {
                let positions = outcome?;
                let mut core = queue.core.lock();
                for ((slot, seq, from, length), position) in moving.iter().zip(positions) {
                    core.queue.moved(*slot, *seq, *from, position.to_u64(), *length);
                }
                Ok(())
            }
        };
        self.settle(appended, effect).await.map_err(error::store)
    }
}
