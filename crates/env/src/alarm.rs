//! Wakes the runtime of a thread in a given number of microseconds: tokio's own timers know milliseconds.

use std::time::Duration;

/// Belongs to the runtime in whose context it was made. That looks for work again when the time has come; nothing else happens.
pub(crate) struct Alarm {
    #[cfg(target_os = "linux")]
    timer: tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>,
}

#[cfg(target_os = "linux")]
impl Alarm {
    /// `None` when the system gives no timer. In the context of a runtime.
    pub(crate) fn new() -> Option<Alarm> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        use tokio::io::{Interest, unix::AsyncFd};

        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC).ok()?;
        // SAFETY: an `OwnedFd` is the same open descriptor as long as it lives.
        #[expect(unsafe_code)]
        let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }.ok()?;
        Some(Alarm { timer })
    }

    /// In `after` from now, instead of what was asked for before. False when it cannot.
    pub(crate) fn set(&self, after: Duration) -> bool {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};

        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Timespec { tv_sec: after.as_secs() as i64, tv_nsec: after.subsec_nanos().into() };
        let spec = Itimerspec { it_interval: never, it_value: once };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec).is_ok()
    }
}

#[cfg(not(target_os = "linux"))]
impl Alarm {
    pub(crate) fn new() -> Option<Alarm> {
        None
    }

    pub(crate) fn set(&self, _after: Duration) -> bool {
        false
    }
}
