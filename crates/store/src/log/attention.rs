//! What the thread that writes a log, and those that have something for it, tell each other.

/// Kept under the lock of what waits to be written.
#[derive(Default)]
pub(crate) struct Attention {
    /// The thread has been woken for what waits.
    called: bool,
    /// The thread sleeps until it is woken.
    asleep: bool,
    /// Another thread has written since this one looked last.
    written: bool,
}

impl Attention {
    /// Whether the thread is to be woken for what waits: nobody has done so. It sleeps only when nothing waits, and looks again
    /// before it does.
    pub(crate) fn call(&mut self) -> bool {
        !std::mem::replace(&mut self.called, true)
    }

    /// It has been woken, and will take what waits.
    pub(crate) fn is_called(&self) -> bool {
        self.called
    }

    /// The thread takes what waits.
    pub(crate) fn taken(&mut self) {
        self.called = false;
    }

    /// Whether the thread is to be woken for something that nobody waits for.
    pub(crate) fn note(&mut self) -> bool {
        std::mem::take(&mut self.asleep)
    }

    /// Another thread takes what waits. Whether this one is to be woken, to mark the end when it has been quiet.
    pub(crate) fn taken_elsewhere(&mut self) -> bool {
        self.written = true;
        self.note()
    }

    /// Before and after it sleeps until it is woken.
    pub(crate) fn sleeps(&mut self, asleep: bool) {
        self.asleep = asleep;
    }

    /// Whether another thread has written since this was asked last.
    pub(crate) fn has_written(&mut self) -> bool {
        std::mem::take(&mut self.written)
    }
}
