//! Who writes an item waits for whoever writes it already. The store would find the conflict too, but only after the work
//! was done in vain.

use tokio::sync::{Mutex, MutexGuard};

const LOCKS: usize = 4096;

pub(crate) struct KeyLocks(Vec<Mutex<()>>);

impl KeyLocks {
    pub(crate) fn new() -> KeyLocks {
        KeyLocks((0..LOCKS).map(|_| Mutex::new(())).collect())
    }

    /// Takes the locks of all keys, always in the same order, so that two who want the same ones cannot wait for one
    /// another.
    pub(crate) async fn lock<'a, 'k>(
        &'a self,
        keys: impl Iterator<Item = &'k [u8]>,
    ) -> Vec<MutexGuard<'a, ()>> {
        let mut numbers: Vec<usize> =
            keys.map(|key| xxhash_rust::xxh3::xxh3_64(key) as usize % LOCKS).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut guards = Vec::with_capacity(numbers.len());
        for number in numbers {
            guards.push(self.0[number].lock().await);
        }
        guards
    }
}
