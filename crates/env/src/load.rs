//! How busy a thread is, and the machine, as Linux tells (proc(5)). Elsewhere nothing is known.

use std::time::Duration;

/// The CPU time of the thread that made it, readable from any.
pub struct ThreadCpu {
    schedstat: String,
}

impl ThreadCpu {
    pub fn of_this_thread() -> Option<ThreadCpu> {
        let thread = std::fs::read_link("/proc/thread-self").ok()?;
        Some(ThreadCpu { schedstat: format!("/proc/{}/schedstat", thread.display()) })
    }

    /// What the thread has used so far; `None` when it has ended.
    pub fn used(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(&self.schedstat).ok()?;
        stat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    }
}

/// What all cores together have been idle since the machine's start.
pub fn idle() -> Option<Duration> {
    // In hundredths of a second: USER_HZ is 100 on all that we run on.
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let ticks: u64 = stat.lines().next()?.split_whitespace().nth(4)?.parse().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_works_uses_time() {
        let (give, take) = std::sync::mpsc::channel();
        let worker = std::thread::spawn(move || {
            give.send(ThreadCpu::of_this_thread().unwrap()).unwrap();
            while give.send(ThreadCpu::of_this_thread().unwrap()).is_ok() {}
        });
        let cpu = take.recv().unwrap();
        let before = cpu.used().unwrap();
        while cpu.used().unwrap() < before + Duration::from_millis(20) {
            take.recv().unwrap();
        }
        drop(take);
        worker.join().unwrap();
        assert_eq!(cpu.used(), None);
        assert!(idle().is_some());
    }
}
