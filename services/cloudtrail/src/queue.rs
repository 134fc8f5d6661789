//! The journal of records, and those of them that are not in the tables yet.
//!
//! A record has its place in the journal when [`Queue::append`] returns. What is taken into the tables is committed
//! together with the number of the last record taken, so a replay after a crash takes none twice and leaves none out.

use haneul_env::Env;
use haneul_kit::{AccountId, Region};
use haneul_store::StoreError;
use haneul_store::log::journal::Appended;
use haneul_store::log::{Journal, Keep, LogOptions, Position};
use parking_lot::Mutex;
use std::path::Path;

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
}

/// What [`Queue::append`] found.
pub(crate) struct Entered {
    pub(crate) durable: Option<Appended>,
    /// How much waits, in records and bytes.
    pub(crate) pending: usize,
    pub(crate) bytes: usize,
}

const VERSION: u8 = 1;
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
        let journal = Journal::open(&env.fs, dir, seed, options, from, |position, bytes| {
            let record = decode(bytes).ok_or_else(|| {
                StoreError::Damaged(format!("the trail's record at {position:?} does not decode"))
            })?;
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
        let heads: Vec<Vec<u8>> = records.iter().map(head).collect();
        let durable = match waits {
            true => {
                let parts: Vec<[&[u8]; 2]> =
                    records.iter().zip(&heads).map(|(record, head)| [&head[..], &record.json[..]]).collect();
                let parts: Vec<&[&[u8]]> = parts.iter().map(|parts| &parts[..]).collect();
                Some(self.journal.append_all(&parts))
            }
            false => {
                for (record, head) in records.iter().zip(&heads) {
                    self.journal.note(&[head, &record.json]);
                }
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

fn head(record: &Pending) -> Vec<u8> {
    let region = record.region.as_str().as_bytes();
    let mut out = Vec::with_capacity(27 + region.len());
    out.push(VERSION);
    out.extend_from_slice(&record.seq.to_be_bytes());
    out.extend_from_slice(&record.account.number().to_be_bytes());
    out.extend_from_slice(&record.at_ms.to_be_bytes());
    out.push(u8::from(record.data));
    out.push(region.len() as u8);
    out.extend_from_slice(region);
    out
}

fn decode(bytes: &[u8]) -> Option<Pending> {
    let (fixed, rest) = bytes.split_first_chunk::<27>()?;
    let long = |at: usize| u64::from_be_bytes(fixed[at..at + 8].try_into().unwrap_or_default());
    let (region, json) = rest.split_at_checked(usize::from(fixed[26]))?;
    (fixed[0] == VERSION).then_some(())?;
    Some(Pending {
        seq: long(1),
        account: AccountId::new(long(9))?,
        at_ms: long(17) as i64,
        data: fixed[25] != 0,
        region: std::str::from_utf8(region).ok()?.parse().ok()?,
        json: json.to_vec(),
    })
}
