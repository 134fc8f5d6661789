//! What commits, on a thread of its own or on one that has nothing else to do: validate, log, sync, apply, show, announce, acknowledge.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use haneul_env::fs::Gather;
use haneul_env::post::{Reply, Round};
use haneul_env::rouse::Sleeper;
use parking_lot::MutexGuard;

use super::upkeep::Mark;
use super::{Shared, wal};
use crate::StoreError;
use crate::engine::{ReadSet, Version, Write};
use crate::local::Resolver;
use crate::log::{Attention, FrameBuilder, Log};

/// Bytes of transactions that may wait.
const QUEUE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A frame takes more transactions until it has this many bytes.
const FRAME_BYTES: usize = 8 * 1024 * 1024;

/// More than this is not committed by the thread that it comes from.
const SMALL_BYTES: usize = 64 * 1024;

/// How long the committer is idle before it marks the log's end.
const IDLE: Duration = Duration::from_millis(200);

#[derive(Default)]
pub(super) struct Queue {
    requests: Vec<Request>,
    bytes: usize,
    closing: bool,
    attention: Attention,
    /// The log before this segment is in tables.
    drop_before: u32,
    /// The tree has changed its state: let views see the new one, so that the old one can go.
    pull_up: bool,
    /// Begin a new memtable, and write this one to a table.
    rotate: bool,
}

pub(super) struct Request {
    /// What the transaction read, and when; `None` when it read nothing.
    view: Option<Version>,
    reads: ReadSet,
    writes: Arc<[Write]>,
    bytes: usize,
    reply: Reply<Result<Version, StoreError>>,
}

impl Request {
    pub(super) fn new(
        view: Option<Version>,
        reads: ReadSet,
        writes: Vec<Write>,
        reply: Reply<Result<Version, StoreError>>,
    ) -> Result<Request, StoreError> {
        let bytes = wal::encoded_len(&writes);
        // A transaction's own limit is lower; what is written through the engine directly meets this one.
        let max = crate::log::RECORD_BODY_MAX;
        if bytes > max {
            return Err(StoreError::TooLarge { what: "transaction", size: bytes, max });
        }
        Ok(Request { view, reads, writes: writes.into(), bytes, reply })
    }
}

impl Queue {
    pub(super) fn push(&mut self, request: Request) -> Result<(), StoreError> {
        if self.closing {
            return Err(StoreError::Poisoned("the store is closed".to_owned()));
        }
        if self.bytes + request.bytes > QUEUE_BYTES_MAX {
            let size = self.bytes + request.bytes;
            return Err(StoreError::TooLarge { what: "store's backlog", size, max: QUEUE_BYTES_MAX });
        }
        self.bytes += request.bytes;
        self.requests.push(request);
        Ok(())
    }

    /// Whether the committer's thread is to be woken: something waits, and nobody has woken it for that.
    pub(super) fn call(&mut self) -> bool {
        !self.requests.is_empty() && self.attention.call()
    }

    fn take(&mut self, requests: &mut Vec<Request>) {
        self.bytes = 0;
        std::mem::swap(&mut self.requests, requests);
    }

    pub(super) fn close(&mut self) {
        self.closing = true;
    }

    /// After a flush or a merge.
    pub(super) fn note_upkeep(&mut self, drop_before: u32) {
        self.drop_before = self.drop_before.max(drop_before);
        self.pull_up = true;
    }

    pub(super) fn rotate(&mut self) {
        self.rotate = true;
    }

    fn has_work(&self) -> bool {
        !self.requests.is_empty() || self.drop_before > 0 || self.pull_up || self.rotate
    }
}

pub(super) struct Committer {
    shared: Arc<Shared>,
    log: Log,
    resolver: Resolver,
    frame: FrameBuilder,
    /// Validated and in the frame.
    accepted: Vec<(Version, Request)>,
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>, log: Log) -> Committer {
        Committer {
            shared,
            log,
            resolver: Resolver::default(),
            frame: FrameBuilder::new(),
            accepted: Vec::new(),
        }
    }

    fn commit(&mut self, requests: &mut Vec<Request>) {
        if let Err(error) = self.shared.wait_for_room() {
            let mut round = Round::default();
            for request in requests.drain(..) {
                round.tell(request.reply, Err(error.clone()));
            }
            return;
        }
        self.commit_now(requests);
    }

    /// Where there is room.
    fn commit_now(&mut self, requests: &mut Vec<Request>) {
        let mut round = Round::default();
        for request in requests.drain(..) {
            if request.view.is_some_and(|view| self.resolver.conflicts(view, &request.reads)) {
                round.tell(request.reply, Err(StoreError::Conflict));
                continue;
            }
            let version = self.shared.tree.next_version();
            // Remembered before it is durable, for those behind it in the frame.
            self.resolver.committed(version, &request.writes);
            self.frame.push_with(|body| wal::encode(version, &request.writes, body));
            self.accepted.push((version, request));
            if self.frame.len() >= FRAME_BYTES {
                self.write();
            }
        }
        self.write();
        // Only now is there something newer to read for those that came too late.
        drop(round);
    }

    /// Makes what was accepted durable, and then visible.
    fn write(&mut self) {
        if self.accepted.is_empty() {
            return;
        }
        let poisoned = self.shared.poisoned.lock().clone();
        let written = match poisoned {
            Some(why) => Err(StoreError::Poisoned(why)),
            None => self.log.append(&mut self.frame).map(drop),
        };
        self.frame.clear();
        if let Err(error) = written {
            if self.log.is_poisoned() {
                self.shared.poison(&error.to_string());
            } else if let Some((last, _)) = self.accepted.last() {
                // Nothing has these numbers, and views that begin from here on are behind them: else whoever tries the same
                // again would conflict with what was refused, for ever.
                self.shared.visible.store(*last, Ordering::Release);
            }
            let mut round = Round::default();
            for (_, request) in self.accepted.drain(..) {
                round.tell(request.reply, Err(error.clone()));
            }
            return;
        }
        let (mut memtable_bytes, mut wanted) = (0, Vec::new());
        for (version, request) in &self.accepted {
            memtable_bytes = self.shared.tree.apply(*version, &request.writes).max(memtable_bytes);
            self.shared.rows.commit(*version, &request.writes, &mut wanted);
        }
        let last = self.accepted.last().map_or(0, |(version, _)| *version);
        self.shared.visible.store(last, Ordering::Release);
        let mut round = Round::default();
        for (version, request) in self.accepted.drain(..) {
            self.shared.feed.publish(version, &request.writes);
            round.tell(request.reply, Ok(version));
        }
        drop(round);
        self.shared.want_pages(wanted);
        if memtable_bytes >= self.shared.options.memtable_bytes {
            self.rotate();
        }
    }

    /// Lets the memtable become a table. All that is in the log is in it.
    fn rotate(&self) {
        if self.shared.tree.rotate() {
            let mark = Mark { position: self.log.end(), version: self.shared.visible() };
            self.shared.upkeep.lock().sealed.push_back(mark);
            self.shared.upkeep_changed.notify_all();
        }
    }

    fn after_upkeep(&mut self, drop_before: u32, pull_up: bool) {
        if drop_before > 0
            && let Err(error) = self.log.drop_before(drop_before)
        {
            // The log is poisoned if it matters. If not, it tries again by itself, or the next start removes what is left.
            tracing::warn!(%error, "the log could not be cut");
        }
        if pull_up {
            // No commit is under way on this thread, so all numbers given out are complete.
            self.shared.visible.store(self.shared.tree.last_number(), Ordering::Release);
            if let Err(error) = self.shared.tree.forget(self.shared.oldest()) {
                tracing::warn!(%error, "an old state of the tree could not be removed");
            }
        }
    }
}

impl Shared {
    /// The committer's thread.
    pub(super) fn run_commit(&self) {
        let mut gather = Gather::default();
        let mut idle = false;
        let mut requests = Vec::new();
        loop {
            idle = self.wait_for_commits(&mut gather, idle);
            let mut open = self.committer.lock();
            let Some(committer) = open.as_mut() else { return };
            let (drop_before, pull_up, rotate) = {
                let mut queue = self.queue.lock();
                if queue.closing && queue.requests.is_empty() {
                    break;
                }
                queue.take(&mut requests);
                queue.attention.taken();
                let drop_before = std::mem::take(&mut queue.drop_before);
                (drop_before, std::mem::take(&mut queue.pull_up), std::mem::take(&mut queue.rotate))
            };
            if !requests.is_empty() {
                idle = false;
                committer.commit(&mut requests);
            }
            committer.after_upkeep(drop_before, pull_up);
            if rotate {
                committer.rotate();
            }
        }
        let committer = self.committer.lock().take();
        self.upkeep.lock().log_end = committer.map(|committer| committer.log.end());
        self.upkeep_changed.notify_all();
    }

    /// Returns when there may be something to do. `idle`, as it was and as it is now, is whether the log's end is marked.
    fn wait_for_commits(&self, gather: &mut Gather, mut idle: bool) -> bool {
        let mut queue = self.queue.lock();
        while !queue.has_work() && !queue.closing {
            if idle {
                queue.attention.sleeps(true);
                self.queued.wait(&mut queue);
                queue.attention.sleeps(false);
                idle = !queue.attention.has_written();
            } else if self.queued.wait_for(&mut queue, IDLE).timed_out() && !queue.attention.has_written() {
                MutexGuard::unlocked(&mut queue, || {
                    if let Some(committer) = self.committer.lock().as_mut() {
                        committer.log.mark_end();
                    }
                });
                idle = !queue.attention.has_written();
            }
        }
        drop(gather.wait(queue, |queue| queue.requests.len()));
        idle
    }

    /// Commits on the calling thread what waits, if that takes no longer than a sync.
    pub(super) fn commit_here(&self) {
        let Some(mut committer) = self.committer.try_lock() else { return self.rouse() };
        let Some(committer) = committer.as_mut() else { return };
        let mut requests = Vec::new();
        {
            let mut queue = self.queue.lock();
            if queue.attention.is_called() {
                return;
            }
            if queue.bytes > SMALL_BYTES || !self.has_room() {
                drop(queue);
                return self.rouse();
            }
            queue.take(&mut requests);
            if queue.attention.taken_elsewhere() {
                self.queued.notify_one();
            }
        }
        if !requests.is_empty() {
            // The flushing thread may fill the tree meanwhile: that is no reason to wait for it here.
            committer.commit_now(&mut requests);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bytes::Bytes;
    use haneul_env::{Env, Fs, Rng, post};

    use super::*;
    use crate::disk::{DiskEngine, DiskOptions};
    use crate::log::LogOptions;

    #[test]
    fn what_a_full_disk_refused_conflicts_with_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, _) = DiskEngine::open(&Env::real(), dir.path(), DiskOptions::default()).unwrap();
        let fs = Fs::simulated(Rng::seeded(1));
        let options = LogOptions { segment_bytes: 1 << 20, grow_bytes: 4096, must_exist: false };
        let log = Log::open(&fs, Path::new("/log"), 7, options).unwrap();
        let mut committer = Committer::new(engine.shared.clone(), log);
        let key = Bytes::from_static(b"key");
        // Reads the key and writes it, as of now.
        let mut attempt = |bytes: usize| {
            let (reply, mut answer) = post::reply();
            let mut reads = ReadSet::default();
            reads.keys.push(key.clone());
            let writes = vec![Write { key: key.clone(), value: Some(vec![7; bytes].into()) }];
            let view = Some(committer.shared.visible());
            let request = Request::new(view, reads, writes, reply).unwrap();
            committer.commit(&mut vec![request]);
            answer.try_recv().unwrap()
        };
        attempt(10).unwrap();
        fs.sim().unwrap().set_capacity(0);
        for _ in 0..3 {
            assert_eq!(attempt(10_000), Err(StoreError::Full));
        }
        fs.sim().unwrap().set_capacity(u64::MAX);
        attempt(10_000).unwrap();
    }
}
