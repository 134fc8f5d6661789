use parking_lot::MutexGuard;

/// Lets a crowd gather before a sync.
///
/// When a sync ends, all its callers wake and most come back at once. The first of them wakes the writing thread, which
/// would sync for it alone while the others wait for the next: half of the syncs would be for one caller. So the
/// thread gives way to them, as long as more keep coming, until about as many are there as the last time. A caller
/// that is alone waits for a system call or two.
#[derive(Default)]
pub struct Gather {
    last_crowd: usize,
}

/// Times to give way without anyone coming.
const PATIENCE: u32 = 3;

impl Gather {
    /// Waits with the lock released, and returns with it held. `count` says how many are there.
    pub fn wait<'a, T>(
        &mut self,
        mut guard: MutexGuard<'a, T>,
        count: impl Fn(&T) -> usize,
    ) -> MutexGuard<'a, T> {
        let mut there = count(&guard);
        let mut patience = PATIENCE;
        while there > 0 && there < self.last_crowd && patience > 0 {
            MutexGuard::unlocked(&mut guard, std::thread::yield_now);
            let now = count(&guard);
            patience = if now > there { PATIENCE } else { patience - 1 };
            there = now;
        }
        // Forgets slowly: a crowd that thins out is not waited for again and again.
        self.last_crowd = there.max(self.last_crowd / 2);
        guard
    }
}
