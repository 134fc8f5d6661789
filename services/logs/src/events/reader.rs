use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};

use haneul_kit::Result;
use haneul_store::{Range, Reads, Store};

use super::chunk::{self, At, SPAN_MS};
use super::{Event, Place};
use crate::Logs;
use crate::error;
use crate::index;
use crate::insights::need::{Mark, Need};
use crate::insights::run::Skipped;
use crate::keys::{DataKey, Fresh};
use crate::model::{BEGINS, CHUNKS, ENDS};
use crate::names::GroupName;

/// Where to read: a group or a stream, by id, between two times (the first inclusive, the second not).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    pub(crate) id: u64,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the oldest event on.
    Forward,
    /// From the newest event back.
    Backward,
}

/// What a query needs of the events that it looks at.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'q> {
    pub(crate) need: Option<&'q Need>,
    /// Fields that must be indexed.
    pub(crate) indexed: &'q [String],
    /// Streams that it may hold in.
    pub(crate) streams: Option<&'q HashSet<u64>>,
}

/// Reads the events of a scope in the order of time. It holds the chunks that overlap the place where it is, no more.
///
/// What is masked is hidden, unless [`Reader::unmasked`] was said.
pub(crate) struct Reader<'s> {
    logs: &'s Logs,
    store: &'s Store,
    group: GroupName,
    group_id: u64,
    /// Data keys that this reading opened.
    keys: HashMap<u64, DataKey>,
    unmask: bool,
    wanted: Option<Wanted<'s>>,
    /// Says that nobody waits for it any more.
    stop: Option<&'s (dyn Fn() -> bool + Sync)>,
    /// What indexes said that it need not be read.
    pub(crate) skipped: Skipped,
    scope: Scope,
    direction: Direction,
    /// Only events beyond this one, in the direction.
    beyond: Option<Place>,
    /// Chunks to open, nearest first.
    ahead: VecDeque<Entry>,
    /// Where the next scan of the index goes on; `None` when it is through.
    scan_from: Option<Option<Entry>>,
    open: BinaryHeap<Cursor>,
    /// What was given out so far, for whoever has a budget. What overlaps was unpacked beyond it, which must not count: who
    /// begins in the midst of many chunks would come no further.
    pub(crate) bytes_given: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The time by which the index is ordered: the chunk's first, or its last when reading backward.
    near_ms: i64,
    far_ms: i64,
    sequence: u64,
    stream: u64,
}

/// An opened chunk, its next event at the front. Ordered so that the heap's top is the next event of all.
struct Cursor {
    events: VecDeque<Event>,
    direction: Direction,
}

/// Index entries read at once.
const PAGE: usize = 256;

impl<'s> Reader<'s> {
    pub(crate) fn new(
        logs: &'s Logs,
        (group, group_id): (&GroupName, u64),
        scope: Scope,
        direction: Direction,
        beyond: Option<Place>,
    ) -> Reader<'s> {
        let mut scope = scope;
        if let Some(place) = beyond {
            match direction {
                Direction::Forward => scope.from_ms = scope.from_ms.max(place.time_ms),
                Direction::Backward => scope.to_ms = scope.to_ms.min(place.time_ms.saturating_add(1)),
            }
        }
        Reader {
            logs,
            store: &logs.records.store,
            group: group.clone(),
            group_id,
            keys: HashMap::new(),
            unmask: false,
            wanted: None,
            stop: None,
            skipped: Skipped::default(),
            scope,
            direction,
            beyond,
            ahead: VecDeque::new(),
            scan_from: Some(None),
            open: BinaryHeap::new(),
            bytes_given: 0,
        }
    }

    /// Shows what is masked: for who may.
    pub(crate) fn unmasked(mut self, unmask: bool) -> Reader<'s> {
        self.unmask = unmask;
        self
    }

    /// Passes over chunks that cannot have what a query needs.
    pub(crate) fn wanting(mut self, wanted: Option<Wanted<'s>>) -> Reader<'s> {
        self.wanted = wanted;
        self
    }

    /// Gives up when this says so, which is asked before each chunk, also before one that is passed over.
    pub(crate) fn until(mut self, stop: &'s (dyn Fn() -> bool + Sync)) -> Reader<'s> {
        self.stop = Some(stop);
        self
    }

    /// The next event; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            // A whole page of the index may lie before the place.
            while self.ahead.is_empty() && self.scan_from.is_some() {
                self.scan().await?;
            }
            // What is open may be given out when nothing that is still closed can come before it.
            let safe = match (self.open.peek(), self.ahead.front()) {
                (None, None) => return Ok(None),
                (None, Some(_)) => false,
                (Some(_), None) => true,
                (Some(top), Some(next)) => {
                    let (here, there) = (top.place().chunk(), (next.near_ms, next.sequence));
                    match self.direction {
                        Direction::Forward => here < there,
                        Direction::Backward => here > there,
                    }
                }
            };
            if !safe {
                self.open_next().await?;
                continue;
            }
            let Some(mut top) = self.open.pop() else { return Ok(None) };
            let event = top.events.pop_front();
            self.bytes_given += event.as_ref().map_or(0, |event| event.message.len() + super::OVERHEAD);
            if !top.events.is_empty() {
                self.open.push(top);
            }
            return Ok(event);
        }
    }

    async fn key(&mut self, number: u64) -> Result<DataKey> {
        if let Some(key) = self.keys.get(&number) {
            return Ok(key.clone());
        }
        let key = self.logs.data_key(&self.group, self.group_id, number, Fresh::Yes).await?;
        self.keys.insert(number, key.clone());
        Ok(key)
    }

    async fn scan(&mut self) -> Result<()> {
        let Some(after) = self.scan_from.take() else { return Ok(()) };
        let scope = self.scope;
        let found: Vec<Entry> = match self.direction {
            Direction::Forward => {
                let range = Range::prefix((scope.id,))
                    .from(&(scope.id, scope.from_ms.saturating_sub(SPAN_MS), 0u64, 0u64))
                    .before(&(scope.id, scope.to_ms, 0u64, 0u64));
                let range = match after {
                    Some(e) => range.after(&(scope.id, e.near_ms, e.sequence, e.stream)),
                    None => range,
                };
                entries(self.store.scan(&BEGINS, range, PAGE).await?)
            }
            Direction::Backward => {
                let range = Range::prefix((scope.id,)).from(&(scope.id, scope.from_ms, 0u64, 0u64));
                let end = scope.to_ms.saturating_add(SPAN_MS);
                let range = match after {
                    Some(e) => range.before(&(scope.id, e.near_ms, e.sequence, e.stream)),
                    None => range.before(&(scope.id, end, 0u64, 0u64)),
                };
                entries(self.store.scan(&ENDS, range.rev(), PAGE).await?)
            }
        };
        if found.len() == PAGE {
            self.scan_from = Some(found.last().copied());
        }
        // A chunk that lies before the place as a whole is not opened again for each page.
        let beyond = self.beyond.map(Place::chunk);
        let reaches = |entry: &Entry| {
            let far = (entry.far_ms, entry.sequence);
            match self.direction {
                Direction::Forward => entry.far_ms >= scope.from_ms && beyond.is_none_or(|at| far >= at),
                Direction::Backward => entry.far_ms < scope.to_ms && beyond.is_none_or(|at| far <= at),
            }
        };
        self.ahead.extend(found.into_iter().filter(reaches));
        Ok(())
    }

    /// Whether a chunk may have what is wanted, as far as its index knows.
    async fn may_have(&mut self, entry: Entry) -> Result<bool> {
        let Some(wanted) = self.wanted else { return Ok(true) };
        if wanted.streams.is_some_and(|streams| !streams.contains(&entry.stream)) {
            return Ok(false);
        }
        let Some(bytes) = self.logs.records.chunk_index(entry.stream, entry.sequence).await? else {
            return Ok(wanted.indexed.is_empty());
        };
        let Some(index) = index::chunk::decode(&bytes.0) else { return Ok(wanted.indexed.is_empty()) };
        // What is hidden is not in the index.
        let may = wanted.indexed.iter().all(|field| index.covers(field))
            && match wanted.need {
                Some(need) if !(self.unmask && index.head.is_masked) => {
                    let key = match index.head.key {
                        Some(number) => Some(self.key(number).await?),
                        None => None,
                    };
                    need.may_hold(&|field: &str, mark: &Mark| {
                        index::may_have(&index, field, mark, key.as_ref())
                    })
                }
                _ => true,
            };
        if !may {
            self.skipped.events += u64::from(index.head.events);
            self.skipped.bytes += u64::from(index.head.bytes);
        }
        Ok(may)
    }

    async fn open_next(&mut self) -> Result<()> {
        if self.stop.is_some_and(|stop| stop()) {
            return Err(error::query_not_found());
        }
        let Some(entry) = self.ahead.pop_front() else { return Ok(()) };
        if !self.may_have(entry).await? {
            tokio::task::yield_now().await;
            return Ok(());
        }
        // Swept away since the index was read: deleted, or out of retention.
        let Some(chunk) = self.store.get(&CHUNKS, &(entry.stream, entry.sequence)).await? else {
            return Ok(());
        };
        let key = match chunk::sealed_by(&chunk.0) {
            Some(number) => Some(self.key(number).await?),
            None => None,
        };
        let at = At { stream: entry.stream, sequence: entry.sequence };
        let mut events = chunk::decode(at, &chunk.0, key.as_ref())?;
        if !self.unmask {
            events.iter_mut().for_each(Event::hide);
        }
        let scope = self.scope;
        events.retain(|event| {
            let place = event.place;
            let beyond = match (self.beyond, self.direction) {
                (None, _) => true,
                (Some(at), Direction::Forward) => place > at,
                (Some(at), Direction::Backward) => place < at,
            };
            beyond && place.time_ms >= scope.from_ms && place.time_ms < scope.to_ms
        });
        if self.direction == Direction::Backward {
            events.reverse();
        }
        if !events.is_empty() {
            self.open.push(Cursor { events: events.into(), direction: self.direction });
        }
        Ok(())
    }
}

fn entries(found: Vec<((u64, i64, u64, u64), u64)>) -> Vec<Entry> {
    let entry =
        |((_, near_ms, sequence, stream), far_ms)| Entry { near_ms, far_ms: far_ms as i64, sequence, stream };
    found.into_iter().map(entry).collect()
}

impl Cursor {
    fn place(&self) -> Place {
        // A cursor in the heap has an event.
        self.events.front().map_or(Place::before(i64::MAX), |event| event.place)
    }

    fn key(&self) -> (Place, u64) {
        (self.place(), self.events.front().map_or(0, |event| event.stream))
    }
}

impl Ord for Cursor {
    fn cmp(&self, other: &Cursor) -> std::cmp::Ordering {
        match self.direction {
            Direction::Forward => Reverse(self.key()).cmp(&Reverse(other.key())),
            Direction::Backward => self.key().cmp(&other.key()),
        }
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Cursor) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Cursor) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Cursor {}
