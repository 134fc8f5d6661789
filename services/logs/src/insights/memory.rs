//! The memory that all queries have together. Each query has limits of its own ([`run`](super::run), [`stats`](super::stats)); what
//! many of them keep at once is bounded here, so that queries fail and not the process.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of records, groups and rows that all queries may keep at once.
pub(crate) const BYTES_MAX: usize = 1024 * 1024 * 1024;
/// What a share has without asking, so that small queries run beside large ones, whatever these keep. So many bytes are asked for at once, too.
const GRAIN: usize = 256 * 1024;

/// How much all queries keep.
pub(crate) struct Memory {
    used: AtomicUsize,
    most: usize,
}

/// What one query, or one within it, keeps. Its bytes are given back when it is dropped.
pub(crate) struct Share<'m> {
    memory: &'m Memory,
    held: AtomicUsize,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::of(BYTES_MAX)
    }
}

impl Memory {
    pub(crate) fn of(most: usize) -> Memory {
        Memory { used: AtomicUsize::new(0), most }
    }

    pub(crate) fn share(&self) -> Share<'_> {
        Share { memory: self, held: AtomicUsize::new(0) }
    }

    /// Bytes that are in use, without the first of each share.
    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

impl Share<'_> {
    /// Makes it that many bytes, more or fewer than before.
    ///
    /// # Errors
    /// When all queries together would keep more than they may; the share stays what it was.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), String> {
        let wanted = bytes.saturating_sub(GRAIN).div_ceil(GRAIN).saturating_mul(GRAIN);
        // One task works on a query, so nobody changes it meanwhile.
        let held = self.held.load(Ordering::Relaxed);
        let Memory { used, most } = self.memory;
        if wanted > held {
            let more = wanted - held;
            let grown = |used: usize| used.checked_add(more).filter(|used| used <= most);
            if used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_err() {
                return Err(format!(
                    "the queries that run at once keep more than {most} bytes together; run it again when others have ended, \
                     or let it keep fewer records"
                ));
            }
        } else if wanted < held {
            used.fetch_sub(held - wanted, Ordering::Relaxed);
        }
        self.held.store(wanted, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.held.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_one_memory_and_small_ones_are_free() {
        let memory = Memory::of(8 * GRAIN);
        let (one, other) = (memory.share(), memory.share());
        one.hold(7 * GRAIN).unwrap();
        assert_eq!(memory.used(), 6 * GRAIN);
        assert!(other.hold(4 * GRAIN).is_err_and(|error| error.contains("together")));
        assert_eq!(memory.used(), 6 * GRAIN);
        other.hold(GRAIN).unwrap();
        other.hold(3 * GRAIN).unwrap();
        assert!(one.hold(7 * GRAIN + 1).is_err());
        other.hold(0).unwrap();
        one.hold(9 * GRAIN).unwrap();
        drop(one);
        assert_eq!(memory.used(), 0);
        assert!(other.hold(usize::MAX).is_err());
    }
}
