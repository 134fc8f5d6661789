//! Hashes of bodies, computed beside the writing, for as many uploads at once as there are.
//!
//! A body's MD5 is the dearest part of an upload, and one core can compute several in the time of one
//! ([`haneul_md5::update_all`]). So segments wait in one queue, and a worker takes what is there: one segment while few
//! upload, several at once when more come than it can do. Nobody waits for company.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use haneul_kit::{ApiError, Result};
use haneul_md5::{LANES, Md5, update_all};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::receive::Expectation;
use crate::checksum::{Algorithm, Checksum, Digest, Kind};

/// The hashes of one body.
pub(super) struct Hashes {
    md5: Md5,
    pub(super) algorithm: Algorithm,
    /// Unless it is the MD5.
    other: Option<Digest>,
    kept: Option<(Algorithm, Digest)>,
}

impl Hashes {
    pub(super) fn new(expected: &Expectation) -> Hashes {
        let algorithm = expected.algorithm;
        let other = (algorithm != Algorithm::Md5).then(|| Digest::new(algorithm));
        let kept = expected.kept.filter(|kept| *kept != algorithm).map(|kept| (kept, Digest::new(kept)));
        Hashes { md5: Md5::default(), algorithm, other, kept }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.update_others(bytes);
    }

    fn update_others(&mut self, bytes: &[u8]) {
        if let Some(other) = &mut self.other {
            other.update(bytes);
        }
        if let Some((_, kept)) = &mut self.kept {
            kept.update(bytes);
        }
    }

    /// The MD5, the checksum by the algorithm, and the one to keep.
    pub(super) fn finish(self) -> ([u8; 16], Vec<u8>, Option<Checksum>) {
        let md5 = self.md5.finish();
        let other = self.other.map_or_else(|| md5.to_vec(), Digest::finish);
        let kept = self.kept.map(|(algorithm, digest)| Checksum {
            algorithm,
            kind: Kind::FullObject,
            value: digest.finish_base64(),
        });
        (md5, other, kept)
    }
}

/// Where segments wait to be hashed.
#[derive(Clone, Default)]
pub(crate) struct Hasher(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    workers: usize,
}

struct Job {
    hashes: Hashes,
    pieces: Vec<Bytes>,
    done: oneshot::Sender<Hashes>,
}

/// Hashes, perhaps busy on a thread of their own.
pub(super) enum Hashing {
    Idle(Hashes),
    Busy(oneshot::Receiver<Hashes>),
}

impl Hashing {
    pub(super) async fn idle(self) -> Result<Hashes> {
        match self {
            Hashing::Idle(hashes) => Ok(hashes),
            Hashing::Busy(done) => done.await.map_err(ApiError::internal),
        }
    }
}

impl Hasher {
    /// Begins to take `pieces` into the hashes.
    pub(super) fn update(&self, hashes: Hashes, pieces: Vec<Bytes>) -> Hashing {
        let (done, hashed) = oneshot::channel();
        let mut queue = self.0.lock();
        queue.waiting.push_back(Job { hashes, pieces, done });
        if queue.workers < workers_max() {
            queue.workers += 1;
            let hasher = self.clone();
            tokio::task::spawn_blocking(move || hasher.work());
        }
        Hashing::Busy(hashed)
    }

    fn work(&self) {
        loop {
            let mut jobs: Vec<Job> = {
                let mut queue = self.0.lock();
                if queue.waiting.is_empty() {
                    queue.workers -= 1;
                    return;
                }
                let count = queue.waiting.len().min(LANES);
                queue.waiting.drain(..count).collect()
            };
            for job in &mut jobs {
                job.pieces.iter().for_each(|piece| job.hashes.update_others(piece));
            }
            let pieces: Vec<Vec<&[u8]>> =
                jobs.iter().map(|job| job.pieces.iter().map(|piece| &piece[..]).collect()).collect();
            let mut md5s: Vec<Md5> = jobs.iter().map(|job| job.hashes.md5.clone()).collect();
            let mut streams: Vec<(&mut Md5, &[&[u8]])> =
                md5s.iter_mut().zip(&pieces).map(|(md5, pieces)| (md5, pieces.as_slice())).collect();
            update_all(&mut streams);
            for (mut job, md5) in jobs.into_iter().zip(md5s) {
                job.hashes.md5 = md5;
                // Nobody waits for an upload that was given up.
                let _ = job.done.send(job.hashes);
            }
        }
    }
}

/// Half of the cores: the others receive, check signatures and write meanwhile, and two workers that hash one stream
/// each take twice the time of one that hashes both.
fn workers_max() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}
