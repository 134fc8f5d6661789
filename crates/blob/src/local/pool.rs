use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::format::{HEADER, STORED_BLOCK_MAX};

/// Content bytes that a writer hands to its thread at once, while there are few writers.
pub(crate) const STEP_MAX: usize = 512 * 1024;

/// And while there are many.
pub(crate) const STEP_MIN: usize = 64 * 1024;

/// What the steps of all writers together may come to, where there are not too many of them for [`STEP_MIN`].
const STEPS_MAX: usize = 4 * 1024 * 1024;

/// Buffers of [`BUFFER`] bytes for reuse: a fresh one of that size costs more in page faults than a read into it.
#[derive(Default)]
pub(crate) struct Pool {
    free: Mutex<Vec<Vec<u8>>>,
    /// The same for one block.
    blocks: Mutex<Vec<Vec<u8>>>,
    writers: AtomicUsize,
}

/// Four blocks with what follows them, and the header.
pub(crate) const BUFFER: usize = HEADER + 4 * STORED_BLOCK_MAX;

const FREE_MAX: usize = 16;
const BLOCKS_MAX: usize = 64;

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

    /// A buffer with room for [`BUFFER`] bytes. What is in it is of no meaning, but need not be made again.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.free.lock().pop().unwrap_or_else(|| Vec::with_capacity(BUFFER))
    }

    /// One of at least `wanted` bytes, at most [`BUFFER`], to read into.
    pub(crate) fn take_for(&self, wanted: usize) -> Vec<u8> {
        let (free, size) = match wanted <= STORED_BLOCK_MAX {
            true => (&self.blocks, STORED_BLOCK_MAX),
            false => (&self.free, BUFFER),
        };
        let mut buffer = free.lock().pop().unwrap_or_default();
        buffer.resize(size, 0);
        buffer
    }

    pub(crate) fn give(&self, buffer: Vec<u8>) {
        let (free, max) = match buffer.capacity() {
            BUFFER.. => (&self.free, FREE_MAX),
            STORED_BLOCK_MAX.. => (&self.blocks, BLOCKS_MAX),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_by_their_size() {
        let pool = Pool::default();
        for (wanted, size) in [(1, STORED_BLOCK_MAX), (STORED_BLOCK_MAX, STORED_BLOCK_MAX), (BUFFER, BUFFER)]
        {
            let mut buffer = pool.take_for(wanted);
            assert_eq!(buffer.len(), size);
            buffer[0] = 7;
            pool.give(buffer);
            assert_eq!(pool.take_for(wanted)[0], 7, "the same again");
        }
        pool.give(vec![0; 100]);
        (0..100).for_each(|_| pool.give(vec![0; STORED_BLOCK_MAX]));
        assert_eq!((pool.free.lock().len(), pool.blocks.lock().len()), (0, BLOCKS_MAX));
        assert!(pool.take().capacity() >= BUFFER);
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
