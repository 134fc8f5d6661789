//! The journal that many callers append to at once: what has gathered while one sync ran goes into the next.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use haneul_env::Fs;
use haneul_env::fs::Gather;
use haneul_env::post::{self, Reply, Round};
use haneul_env::rouse::{self, Sleeper};
use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::StoreError;
use crate::log::attention::Attention;
use crate::log::frame::{FrameBuilder, RECORD_BODY_MAX};
use crate::log::segments::{Log, LogFiles, LogOptions};
use crate::log::{Position, frame};

/// Bytes that may wait to be written; an append beyond them is refused.
pub const PENDING_BYTES_MAX: usize = 256 * 1024 * 1024;

/// More than this is not written by whoever appends it.
const SMALL_BYTES: usize = 64 * 1024;

/// How long the journal is quiet before it marks its end.
const IDLE: Duration = Duration::from_millis(200);

/// An append-only log shared by many callers. Cheap to clone; the thread ends, and the files are let go, when the
/// last clone is dropped or at [`Journal::close`].
#[derive(Clone)]
pub struct Journal(Kind);

#[derive(Clone)]
enum Kind {
    Disk(Arc<Disk>),
    Memory(Arc<Mutex<Memory>>),
}

/// What a journal in memory keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The owner has it all in memory anyhow: nothing can be read back.
    Nothing,
    /// For [`Journal::read_at`], until [`Journal::drop_before`].
    Records,
}

impl Journal {
    /// Opens the journal in `dir` and calls `replayed` with every record at or after `from`, in order, before it
    /// returns. Blocks: not for the async runtime's threads.
    ///
    /// `seed` is a random number for a new journal; an old one keeps its own.
    pub fn open(
        fs: &Fs,
        dir: &Path,
        seed: u32,
        options: LogOptions,
        from: Position,
        replayed: impl FnMut(Position, &[u8]) -> Result<(), StoreError>,
    ) -> Result<Journal, StoreError> {
        let log = Log::open(fs, dir, seed, options)?;
        if from.segment().max(1) < log.first_segment() {
            return Err(StoreError::Damaged(format!("journal {}: records are missing", dir.display())));
        }
        if from > log.end() {
            return Err(StoreError::Damaged(format!("journal {}: its end is missing", dir.display())));
        }
        log.replay(from, replayed)?;
        let files = log.files().clone();
        let state = State { end: log.end(), ..State::default() };
        let writer = Writer { log, frame: FrameBuilder::new(), waiting: Vec::new() };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            wake: Condvar::new(),
            writer: Mutex::new(Some(writer)),
        });
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn({
            let shared = shared.clone();
            move || shared.run()
        })?;
        Ok(Journal(Kind::Disk(Arc::new(Disk { shared, files, thread: Mutex::new(Some(thread)) }))))
    }

    /// In memory; each append is acknowledged at once.
    pub fn memory(keep: Keep) -> Journal {
        Journal(Kind::Memory(Arc::new(Mutex::new(Memory {
            keep,
            next: 8,
            segment: 1,
            records: BTreeMap::new(),
        }))))
    }

    /// Appends a record whose body is `parts` in a row. It has its place in the order when this returns; it is
    /// durable when the future says so, with its position. Dropping the future does not take it back.
    pub fn append(&self, parts: &[&[u8]]) -> Appended {
        self.append_all(&[parts])
    }

    /// Appends records that are durable together or not at all. The future gives the first one's position;
    /// [`Appended::all`] gives all.
    pub fn append_all(&self, records: &[&[&[u8]]]) -> Appended {
        let size = |parts: &[&[u8]]| parts.iter().map(|part| part.len()).sum::<usize>();
        if let Some(size) = records.iter().map(|parts| size(parts)).find(|size| *size > RECORD_BODY_MAX) {
            return Appended::failed(StoreError::TooLarge { what: "record", size, max: RECORD_BODY_MAX });
        }
        match &self.0 {
            Kind::Disk(disk) => disk.append_all(records),
            Kind::Memory(memory) => memory.lock().append_all(records),
        }
    }

    /// Appends a record that nobody waits for: it is written with the next append that somebody waits for, or when the
    /// journal has been quiet for a moment. A crash before that loses it, together with every later one. `false` when it
    /// is lost now: it is too long, or too much waits.
    pub fn note(&self, parts: &[&[u8]]) -> bool {
        let size = parts.iter().map(|part| part.len()).sum::<usize>();
        match &self.0 {
            Kind::Disk(disk) => size <= RECORD_BODY_MAX && disk.note(parts),
            Kind::Memory(memory) => {
                drop(memory.lock().append_all(&[parts]));
                true
            }
        }
    }

    /// The body of the record at `position`. On disk it blocks for a read, mostly from the page cache.
    pub fn read_at(&self, position: Position) -> Result<Bytes, StoreError> {
        match &self.0 {
            Kind::Disk(disk) => disk.files.read_at(position).map(Bytes::from),
            Kind::Memory(memory) => memory.lock().records.get(&position).cloned().ok_or_else(|| {
                StoreError::Damaged(format!("the journal in memory has no record at {position:?}"))
            }),
        }
    }

    /// Where the next record may go. Take it before writing a checkpoint of what was acknowledged so far, and start the
    /// next replay there.
    pub fn end(&self) -> Position {
        match &self.0 {
            Kind::Disk(disk) => disk.shared.state.lock().end,
            Kind::Memory(memory) => {
                let memory = memory.lock();
                Position::new(memory.segment, memory.next)
            }
        }
    }

    /// Lets the segments before `segment` be deleted; the owner needs none of their records any more.
    pub fn drop_before(&self, segment: u32) {
        match &self.0 {
            Kind::Disk(disk) => {
                let mut state = disk.shared.state.lock();
                state.drop_before = state.drop_before.max(segment);
                disk.shared.wake.notify_one();
            }
            Kind::Memory(memory) => {
                let records = &mut memory.lock().records;
                *records = records.split_off(&Position::new(segment, 0));
            }
        }
    }

    /// Writes what waits, ends the thread and lets go of the files. Blocks.
    pub fn close(&self) {
        if let Kind::Disk(disk) = &self.0 {
            disk.close();
        }
    }
}

/// The acknowledgement of an append.
pub struct Appended {
    offsets: Vec<u32>,
    state: AppendedState,
}

enum AppendedState {
    Waiting(oneshot::Receiver<Result<Position, StoreError>>),
    Ready(Option<Result<Position, StoreError>>),
}

impl Appended {
    fn failed(error: StoreError) -> Appended {
        Appended { offsets: Vec::new(), state: AppendedState::Ready(Some(Err(error))) }
    }

    /// Whether it was not taken: the journal is closed, a record is too long, or too much waits.
    pub fn is_refused(&self) -> bool {
        matches!(self.state, AppendedState::Ready(Some(Err(_))))
    }

    /// The positions of all records, in order.
    pub async fn all(mut self) -> Result<Vec<Position>, StoreError> {
        let offsets = std::mem::take(&mut self.offsets);
        let frame = self.await?;
        Ok(offsets.iter().map(|offset| Position::new(frame.segment(), frame.offset() + offset)).collect())
    }
}

impl Future for Appended {
    type Output = Result<Position, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let frame = match &mut self.state {
            AppendedState::Waiting(receiver) => match Pin::new(receiver).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(result)) => result,
                Poll::Ready(Err(_)) => Err(StoreError::Poisoned("the journal is closed".to_owned())),
            },
            AppendedState::Ready(result) => result.take().expect("polled after it was ready"),
        };
        let first = self.offsets.first().copied().unwrap_or(0);
        Poll::Ready(frame.map(|at| Position::new(at.segment(), at.offset() + first)))
    }
}

struct Disk {
    shared: Arc<Shared>,
    files: LogFiles,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// `None` once it is closed. Locked before the state.
    writer: Mutex<Option<Writer>>,
}

#[derive(Default)]
struct State {
    frame: FrameBuilder,
    waiting: Vec<Reply<Result<Position, StoreError>>>,
    drop_before: u32,
    end: Position,
    closing: bool,
    attention: Attention,
}

/// What writes, on whichever thread.
struct Writer {
    log: Log,
    frame: FrameBuilder,
    waiting: Vec<Reply<Result<Position, StoreError>>>,
}

impl Sleeper for Shared {
    fn rouse(&self) {
        let mut state = self.state.lock();
        if !state.waiting.is_empty() && state.attention.call() {
            self.wake.notify_one();
        }
    }

    fn work(&self) {
        // Whoever has it is not in the middle of something long, but may be about to sync.
        let Some(mut writer) = self.writer.try_lock() else { return self.rouse() };
        let Some(writer) = writer.as_mut() else { return };
        {
            let mut state = self.state.lock();
            if state.attention.is_called() || state.waiting.is_empty() {
                return;
            }
            if state.frame.len() > SMALL_BYTES {
                drop(state);
                return self.rouse();
            }
            writer.take(&mut state);
            if state.attention.taken_elsewhere() {
                self.wake.notify_one();
            }
        }
        writer.write(self);
    }
}

impl Writer {
    fn take(&mut self, state: &mut State) {
        std::mem::swap(&mut state.frame, &mut self.frame);
        std::mem::swap(&mut state.waiting, &mut self.waiting);
    }

    /// Writes what was taken, and tells those that wait for it.
    fn write(&mut self, shared: &Shared) {
        let appended = self.log.append(&mut self.frame);
        shared.state.lock().end = self.log.end();
        let mut round = Round::default();
        for waiter in self.waiting.drain(..) {
            round.tell(waiter, appended.clone());
        }
    }
}

impl Disk {
    fn append_all(&self, records: &[&[&[u8]]]) -> Appended {
        let (sender, receiver) = post::reply();
        let mut state = self.shared.state.lock();
        if state.closing {
            return Appended::failed(StoreError::Poisoned("the journal is closed".to_owned()));
        }
        if state.frame.len() > PENDING_BYTES_MAX {
            let size = state.frame.len();
            let what = "journal's backlog";
            return Appended::failed(StoreError::TooLarge { what, size, max: PENDING_BYTES_MAX });
        }
        let offsets = records.iter().map(|parts| state.frame.push(parts)).collect();
        state.waiting.push(sender);
        if !rouse::later(&self.shared) && state.attention.call() {
            self.shared.wake.notify_one();
        }
        Appended { offsets, state: AppendedState::Waiting(receiver) }
    }

    fn note(&self, parts: &[&[u8]]) -> bool {
        let mut state = self.shared.state.lock();
        // Losing a note to a backlog is no worse than losing it to a crash.
        if state.closing || state.frame.len() > PENDING_BYTES_MAX {
            return false;
        }
        state.frame.push(parts);
        if state.attention.note() {
            self.shared.wake.notify_one();
        }
        true
    }

    fn close(&self) {
        self.shared.state.lock().closing = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            // A panic in it has been printed, and every caller was told.
            let _ = thread.join();
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// The journal's thread.
    fn run(&self) {
        let mut gather = Gather::default();
        let mut idle = false;
        loop {
            idle = self.wait_for_work(&mut gather, idle);
            let mut open = self.writer.lock();
            let Some(writer) = open.as_mut() else { return };
            let drop_before = {
                let mut state = self.state.lock();
                if state.closing && state.waiting.is_empty() && state.frame.is_empty() {
                    drop(state);
                    *open = None;
                    return;
                }
                writer.take(&mut state);
                state.attention.taken();
                std::mem::take(&mut state.drop_before)
            };
            if !writer.waiting.is_empty() || !writer.frame.is_empty() {
                idle = false;
                writer.write(self);
            }
            if drop_before > 0 {
                // Nothing is lost when it fails; the log is poisoned and says so at the next append.
                let _ = writer.log.drop_before(drop_before);
            }
        }
    }

    /// Returns when there may be something to do. `idle`, as it was and as it is now, is whether the end is marked.
    fn wait_for_work(&self, gather: &mut Gather, mut idle: bool) -> bool {
        let mut state = self.state.lock();
        while state.waiting.is_empty() && state.drop_before == 0 && !state.closing {
            if idle && state.frame.is_empty() {
                state.attention.sleeps(true);
                self.wake.wait(&mut state);
                state.attention.sleeps(false);
                idle = !state.attention.has_written();
            } else if self.wake.wait_for(&mut state, IDLE).timed_out() {
                if !state.frame.is_empty() {
                    break;
                }
                if state.attention.has_written() {
                    continue;
                }
                MutexGuard::unlocked(&mut state, || {
                    if let Some(writer) = self.writer.lock().as_mut() {
                        writer.log.mark_end();
                    }
                });
                idle = !state.attention.has_written();
            }
        }
        drop(gather.wait(state, |state| state.waiting.len()));
        idle
    }
}

struct Memory {
    keep: Keep,
    segment: u32,
    next: u32,
    records: BTreeMap<Position, Bytes>,
}

/// A segment in memory ends at this offset.
const MEMORY_SEGMENT: u32 = 64 * 1024 * 1024;

impl Memory {
    fn append_all(&mut self, records: &[&[&[u8]]]) -> Appended {
        if self.next > MEMORY_SEGMENT {
            self.segment += 1;
            self.next = 8;
        }
        let frame = Position::new(self.segment, self.next);
        let mut offsets = Vec::with_capacity(records.len());
        for parts in records {
            let position = Position::new(self.segment, self.next);
            let len: usize = parts.iter().map(|part| part.len()).sum();
            offsets.push(position.offset() - frame.offset());
            self.next += (frame::RECORD_HEADER + len).next_multiple_of(8) as u32;
            if self.keep == Keep::Records {
                self.records.insert(position, Bytes::from(parts.concat()));
            }
        }
        Appended { offsets, state: AppendedState::Ready(Some(Ok(frame))) }
    }
}
