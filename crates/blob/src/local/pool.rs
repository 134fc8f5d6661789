use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::format::{HEADER, STORED_BLOCK_MAX};
use super::packs::{ENTRY_HEAD, PAGE};

/// Content bytes that a writer hands to its thread at once, while there are few writers.
pub(crate) const STEP_MAX: usize = 512 * 1024;

/// And while there are many.
pub(crate) const STEP_MIN: usize = 64 * 1024;

/// What the steps of all writers together may come to, where there are not too many of them for [`STEP_MIN`].
const STEPS_MAX: usize = 4 * 1024 * 1024;

/// What all readers together read at once from a disk that has to be waited for, and once more ahead of their clients.
const COLD_BLOCKS_MAX: u64 = 128;

/// Blocks that a reader takes at once from such a disk, while there are few readers.
pub(crate) const STEP_BLOCKS: u64 = 4;

/// Buffers for reuse: a fresh one of such a size costs more in page faults than a read into it.
#[derive(Default)]
pub(crate) struct Pool {
    /// Of [`BUFFER`] bytes.
    free: Mutex<Vec<Vec<u8>>>,
    /// Of [`SMALL_BUFFER`] bytes.
    small: Mutex<Vec<Vec<u8>>>,
    writers: AtomicUsize,
    cold_readers: AtomicUsize,
}

/// [`STEP_BLOCKS`] blocks with what follows them, and the header.
pub(crate) const BUFFER: usize = HEADER + STEP_BLOCKS as usize * STORED_BLOCK_MAX;

/// The same of one block, also as an entry of a pack.
pub(crate) const SMALL_BUFFER: usize = (ENTRY_HEAD + HEADER + STORED_BLOCK_MAX).next_multiple_of(PAGE);

const FREE_MAX: usize = 8;
const SMALL_FREE_MAX: usize = 64;

impl Pool {
    /// How much a writer should collect before it is written: the memory of all of them is bounded, so the more there
    /// are, the less.
    pub(crate) fn step(&self) -> usize {
        (STEPS_MAX / self.writers.load(Ordering::Relaxed).max(1)).clamp(STEP_MIN, STEP_MAX)
    }

    /// Counts one more writer until what it returns is dropped.
    pub(crate) fn join(self: &Arc<Pool>) -> Member {
        self.writers.fetch_add(1, Ordering::Relaxed);
        Member(self.clone())
    }

    /// Counts one more reader that waits for the disk, until what it returns is dropped.
    pub(crate) fn join_cold(self: &Arc<Pool>) -> ColdMember {
        self.cold_readers.fetch_add(1, Ordering::Relaxed);
        ColdMember(self.clone())
    }

    /// A buffer with room for `wanted` bytes, at most [`BUFFER`]. What is in it is of no meaning, but need not be made
    /// again.
    pub(crate) fn take(&self, wanted: usize) -> Vec<u8> {
        let (free, size) = self.of(wanted);
        free.lock().pop().unwrap_or_else(|| Vec::with_capacity(size))
    }

    /// One of at least `wanted` bytes to read into.
    pub(crate) fn take_for(&self, wanted: usize) -> Vec<u8> {
        let mut buffer = self.take(wanted);
        buffer.resize(self.of(wanted).1, 0);
        buffer
    }

    fn of(&self, wanted: usize) -> (&Mutex<Vec<Vec<u8>>>, usize) {
        match wanted <= SMALL_BUFFER {
            true => (&self.small, SMALL_BUFFER),
            false => (&self.free, BUFFER),
        }
    }

    pub(crate) fn give(&self, buffer: Vec<u8>) {
        let (free, max) = match buffer.capacity() {
            BUFFER.. => (&self.free, FREE_MAX),
            SMALL_BUFFER.. => (&self.small, SMALL_FREE_MAX),
            _ => return,
        };
        let mut free = free.lock();
        if free.len() < max {
            free.push(buffer);
        }
    }
}

/// A writer that is counted.
pub(crate) struct Member(Arc<Pool>);

impl Member {
    pub(crate) fn step(&self) -> usize {
        self.0.step()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.0.writers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A reader that waits for the disk, and is counted.
pub(crate) struct ColdMember(Arc<Pool>);

impl ColdMember {
    /// Blocks to read at once: as with writers, the more there are, the less.
    pub(crate) fn blocks(&self) -> u64 {
        let readers = self.0.cold_readers.load(Ordering::Relaxed).max(1) as u64;
        (COLD_BLOCKS_MAX / 2 / readers).clamp(1, STEP_BLOCKS)
    }
}

impl Drop for ColdMember {
    fn drop(&mut self) {
        self.0.cold_readers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_by_their_size() {
        let pool = Pool::default();
        for (wanted, size) in [(1, SMALL_BUFFER), (SMALL_BUFFER, SMALL_BUFFER), (BUFFER, BUFFER)] {
            let mut buffer = pool.take_for(wanted);
            assert_eq!(buffer.len(), size);
            buffer[0] = 7;
            pool.give(buffer);
            assert_eq!(pool.take_for(wanted)[0], 7, "the same again");
        }
        pool.give(vec![0; 100]);
        (0..100).for_each(|_| pool.give(vec![0; SMALL_BUFFER]));
        assert_eq!((pool.free.lock().len(), pool.small.lock().len()), (0, SMALL_FREE_MAX));
        assert!(pool.take(BUFFER).capacity() >= BUFFER);
    }

    #[test]
    fn many_readers_take_small_steps() {
        let pool = Arc::new(Pool::default());
        let first = pool.join_cold();
        assert_eq!(first.blocks(), STEP_BLOCKS);
        let more: Vec<ColdMember> = (0..63).map(|_| pool.join_cold()).collect();
        assert_eq!(first.blocks(), 1);
        drop(more);
        assert_eq!(first.blocks(), STEP_BLOCKS);
    }

    #[test]
    fn many_writers_take_small_steps() {
        let pool = Arc::new(Pool::default());
        assert_eq!(pool.step(), STEP_MAX);
        let writers: Vec<Member> = (0..64).map(|_| pool.join()).collect();
        assert_eq!(pool.step(), STEPS_MAX / 64);
        let more: Vec<Member> = (0..1000).map(|_| pool.join()).collect();
        assert_eq!(writers[0].step(), STEP_MIN);
        drop((writers, more));
        assert_eq!(pool.step(), STEP_MAX);
    }
}
