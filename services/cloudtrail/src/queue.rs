//! The journal of records, and those of them that are not in the tables yet.
//!
//! A record has its place in the journal when [`Queue::append`] returns. What is taken into the tables is committed
//! together with the number of the last record taken, so a replay after a crash takes none twice and leaves none out.
//!
//! In the journal a record is what differs from the one before it ([`delta`]), if that still waits too; so a replay, which
//! begins behind what was taken, begins with a whole one.

use haneul_env::Env;
use haneul_kit::{AccountId, Region};
use haneul_store::StoreError;
use haneul_store::log::journal::Appended;
use haneul_store::log::{Journal, Keep, LogOptions, Position};
use parking_lot::Mutex;
use std::path::Path;

use crate::delta;
use crate::model::Ingested;

/// A record on its way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pending {
    pub(crate) seq: u64,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) at_ms: i64,
    /// A data event: only for who selects it.
    pub(crate) data: bool,
    pub(crate) json: Vec<u8>,
}

/// All that waited at one moment.
pub(crate) struct Batch {
    pub(crate) records: Vec<Pending>,
    pub(crate) ingested: Ingested,
    segment: u32,
}

pub(crate) struct Queue {
    journal: Journal,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seq: u64,
    pending: Vec<Pending>,
    bytes: usize,
    /// The last of them is not in the journal.
    refused: bool,
}

/// What [`Queue::append`] found.
pub(crate) struct Entered {
    pub(crate) durable: Option<Appended>,
    /// How much waits, in records and bytes.
    pub(crate) pending: usize,
    pub(crate) bytes: usize,
}

/// The record's text follows its head, or what makes the text of the one before it to it.
const WHOLE: u8 = 1;
const DELTA: u8 = 2;
const SEGMENT_BYTES: u32 = 16 * 1024 * 1024;

impl Queue {
    pub(crate) fn in_memory(ingested: Ingested) -> Queue {
        let state = State { seq: ingested.seq, ..State::default() };
        Queue { journal: Journal::memory(Keep::Nothing), state: Mutex::new(state) }
    }

    /// Opens the journal in `dir` and finds what was not yet taken. Blocks.
    pub(crate) fn open(
        env: &Env,
        dir: &Path,
        known: Option<Ingested>,
        seed: u32,
    ) -> Result<Queue, StoreError> {
        let ingested = known.unwrap_or_default();
        let mut state = State { seq: ingested.seq, ..State::default() };
        let options =
            LogOptions { segment_bytes: SEGMENT_BYTES, must_exist: known.is_some(), ..LogOptions::default() };
        let from = Position::from_u64(ingested.position);
        let mut before: Option<(u64, Vec<u8>)> = None;
        let journal = Journal::open(&env.fs, dir, seed, options, from, |position, bytes| {
            let damaged =
                || StoreError::Damaged(format!("the trail's record at {position:?} does not decode"));
            let (seq, form) = seq_and_form(bytes).ok_or_else(damaged)?;
            // What was taken already may build on what lies before the place that the replay begins at.
            if seq <= ingested.seq && form == DELTA {
                before = None;
                return Ok(());
            }
            let base = before.take().filter(|(of, _)| of + 1 == seq);
            let record = decode(bytes, base.as_ref().map(|(_, text)| &text[..])).ok_or_else(damaged)?;
            before = Some((record.seq, record.json.clone()));
            if record.seq > ingested.seq {
                state.seq = state.seq.max(record.seq);
                state.bytes += record.json.len();
                state.pending.push(record);
            }
            Ok(())
        })?;
        Ok(Queue { journal, state: Mutex::new(state) })
    }

    /// Gives the records their places. They are durable together, once the future in the answer says so, or when the
    /// journal has been quiet for a moment if nobody `waits`.
    pub(crate) fn append(&self, mut records: Vec<Pending>, waits: bool) -> Entered {
        let mut state = self.state.lock();
        for record in &mut records {
            state.seq += 1;
            record.seq = state.seq;
        }
        let mut before = state.pending.last().filter(|_| !state.refused);
        let mut written: Vec<(Vec<u8>, Option<Vec<u8>>)> = Vec::with_capacity(records.len());
        for record in &records {
            let delta = before.and_then(|before| delta::encode(&before.json, &record.json));
            written.push((head(record, if delta.is_some() { DELTA } else { WHOLE }), delta));
            before = Some(record);
        }
        let parts = records.iter().zip(&written);
        let parts =
            parts.map(|(record, (head, delta))| [&head[..], delta.as_deref().unwrap_or(&record.json)]);
        let durable = match waits {
            true => {
                let parts: Vec<[&[u8]; 2]> = parts.collect();
                let parts: Vec<&[&[u8]]> = parts.iter().map(|parts| &parts[..]).collect();
                let appended = self.journal.append_all(&parts);
                state.refused = appended.is_refused();
                Some(appended)
            }
            false => {
                let mut taken = true;
                // Behind one that is lost, none of those that build on it is of use.
                parts.for_each(|parts| taken = taken && self.journal.note(&parts));
                state.refused = !taken;
                None
            }
        };
        state.bytes += records.iter().map(|record| record.json.len()).sum::<usize>();
        state.pending.append(&mut records);
        Entered { durable, pending: state.pending.len(), bytes: state.bytes }
    }

    /// How much waits, in bytes, and since when the oldest does.
    pub(crate) fn waiting(&self) -> Option<(usize, i64)> {
        let state = self.state.lock();
        state.pending.first().map(|oldest| (state.bytes, oldest.at_ms))
    }

    /// Takes all that waits.
    pub(crate) fn take(&self) -> Batch {
        let mut state = self.state.lock();
        // Under the lock: every record before this end is taken now or was before.
        let end = self.journal.end();
        state.bytes = 0;
        let records = std::mem::take(&mut state.pending);
        let ingested = Ingested { seq: state.seq, position: end.to_u64() };
        Batch { records, ingested, segment: end.segment() }
    }

    /// Gives back what could not be written.
    pub(crate) fn put_back(&self, batch: Batch) {
        let mut state = self.state.lock();
        let later = std::mem::replace(&mut state.pending, batch.records);
        state.pending.extend(later);
        state.bytes = state.pending.iter().map(|record| record.json.len()).sum();
    }

    /// The batch is in the tables.
    pub(crate) fn taken(&self, segment: u32) {
        self.journal.drop_before(segment);
    }
}

impl Batch {
    pub(crate) fn segment(&self) -> u32 {
        self.segment
    }
}

fn head(record: &Pending, form: u8) -> Vec<u8> {
    let region = record.region.as_str().as_bytes();
    let mut out = Vec::with_capacity(27 + region.len());
    out.push(form);
    out.extend_from_slice(&record.seq.to_be_bytes());
    out.extend_from_slice(&record.account.number().to_be_bytes());
    out.extend_from_slice(&record.at_ms.to_be_bytes());
    out.push(u8::from(record.data));
    out.push(region.len() as u8);
    out.extend_from_slice(region);
    out
}

fn seq_and_form(bytes: &[u8]) -> Option<(u64, u8)> {
    let (fixed, _) = bytes.split_first_chunk::<9>()?;
    Some((u64::from_be_bytes(fixed[1..].try_into().ok()?), fixed[0]))
}

/// `before` is the text of the record before it.
fn decode(bytes: &[u8], before: Option<&[u8]>) -> Option<Pending> {
    let (fixed, rest) = bytes.split_first_chunk::<27>()?;
    let long = |at: usize| u64::from_be_bytes(fixed[at..at + 8].try_into().unwrap_or_default());
    let (region, text) = rest.split_at_checked(usize::from(fixed[26]))?;
    let json = match fixed[0] {
        WHOLE => text.to_vec(),
        DELTA => delta::decode(before?, text)?,
        _ => return None,
    };
    Some(Pending {
        seq: long(1),
        account: AccountId::new(long(9))?,
        at_ms: long(17) as i64,
        data: fixed[25] != 0,
        region: std::str::from_utf8(region).ok()?.parse().ok()?,
        json,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(n: u64) -> Pending {
        let json = format!(
            r#"{{"eventVersion":"1.11","eventName":"GetCallerIdentity","awsRegion":"us-east-1","requestID":"{n:036}"}}"#
        );
        Pending {
            seq: 0,
            account: AccountId::DEFAULT,
            region: Region::US_EAST_1,
            at_ms: n as i64,
            data: false,
            json: json.into_bytes(),
        }
    }

    async fn append(queue: &Queue, numbers: std::ops::Range<u64>) {
        for n in numbers {
            queue.append(vec![record(n)], true).durable.expect("it waits").await.unwrap();
        }
    }

    fn waiting(queue: &Queue) -> Vec<i64> {
        queue.state.lock().pending.iter().map(|record| record.at_ms).collect()
    }

    #[tokio::test]
    async fn a_replay_finds_what_was_not_taken() {
        let env = Env::simulated(5);
        let dir = Path::new("/trail");
        let queue = Queue::open(&env, dir, None, 9).unwrap();
        append(&queue, 0..5).await;
        let first = queue.take();
        assert_eq!(first.records.len(), 5);
        append(&queue, 5..8).await;
        // What could not be written goes before what came since; the journal goes on from the last.
        let second = queue.take();
        append(&queue, 8..9).await;
        queue.put_back(second);
        append(&queue, 9..12).await;
        let expected: Vec<i64> = (5..12).collect();
        assert_eq!(waiting(&queue), expected);
        let ingested = Ingested { ..first.ingested };
        drop(queue);
        let queue = Queue::open(&env, dir, Some(ingested), 9).unwrap();
        assert_eq!(waiting(&queue), expected);
        let all: Vec<Vec<u8>> = queue.take().records.into_iter().map(|record| record.json).collect();
        assert_eq!(all, (5..12).map(|n| record(n).json).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_replay_may_begin_within_what_builds_on_what_lies_before_it() {
        let env = Env::simulated(6);
        let dir = Path::new("/trail");
        let queue = Queue::open(&env, dir, None, 9).unwrap();
        append(&queue, 0..3).await;
        // Their place is before the end that is known when they are taken: nobody waited for them.
        let before = queue.journal.end();
        for n in 3..6 {
            queue.append(vec![record(n)], false);
        }
        let batch = queue.take();
        append(&queue, 6..8).await;
        drop(queue);
        let ingested = Ingested { seq: batch.ingested.seq, position: before.to_u64() };
        let queue = Queue::open(&env, dir, Some(ingested), 9).unwrap();
        assert_eq!(waiting(&queue), [6, 7]);
    }
}
