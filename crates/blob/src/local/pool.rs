use parking_lot::Mutex;

/// Buffers of [`BUFFER`] bytes for reuse: a fresh one of that size costs more in page faults than a read into it.
#[derive(Default)]
pub(crate) struct Pool {
    free: Mutex<Vec<Vec<u8>>>,
}

/// Four blocks with what follows them, and the header.
pub(crate) const BUFFER: usize = super::format::HEADER + 4 * super::format::STORED_BLOCK_MAX;

const FREE_MAX: usize = 16;

impl Pool {
    /// A buffer with room for [`BUFFER`] bytes. What is in it is of no meaning, but need not be made again.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.free.lock().pop().unwrap_or_else(|| Vec::with_capacity(BUFFER))
    }

    pub(crate) fn give(&self, buffer: Vec<u8>) {
        if buffer.capacity() >= BUFFER {
            let mut free = self.free.lock();
            if free.len() < FREE_MAX {
                free.push(buffer);
            }
        }
    }
}
