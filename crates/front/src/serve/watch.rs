use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use haneul_base::Instant;
use haneul_env::Clock;
use hyper::rt::{Read, ReadBufCursor, Write};

use super::Limits;

/// What goes on on a connection, in counters: no request has to ask a clock or arm a timer.
#[derive(Default)]
pub struct Activity {
    /// Reads and writes that moved bytes.
    moves: AtomicU32,
    /// Requests whose headers were all there.
    requests: AtomicU32,
    /// Those that a handler works on now.
    working: AtomicU32,
    /// Whether bytes came since the last request began, while no handler worked: a head in the making.
    head_begun: AtomicBool,
}

/// A request that a handler works on, until it is dropped.
pub struct Working(Arc<Activity>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Relaxed);
        self.0.moves.fetch_add(1, Relaxed);
    }
}

impl Activity {
    pub fn working(self: &Arc<Self>) -> Working {
        self.requests.fetch_add(1, Relaxed);
        self.working.fetch_add(1, Relaxed);
        self.head_begun.store(false, Relaxed);
        Working(self.clone())
    }

    fn read(&self) {
        self.moves.fetch_add(1, Relaxed);
        if self.working.load(Relaxed) == 0 {
            self.head_begun.store(true, Relaxed);
        }
    }

    fn wrote(&self) {
        self.moves.fetch_add(1, Relaxed);
    }

    /// Returns once the connection has idled, or taken for one request's head, longer than the limits allow; somewhat
    /// later rather than earlier, because it looks only now and then.
    pub async fn dead(&self, clock: &Clock, limits: &Limits) {
        let look_every = (limits.head_timeout.min(limits.idle_timeout) / 4).max(Duration::from_millis(1));
        let mut moves = Since { count: self.moves.load(Relaxed), at: clock.now() };
        // Reads alone do not renew this one: a byte now and then is no head.
        let mut head = Since { count: self.requests.load(Relaxed), at: clock.now() };
        loop {
            clock.sleep(look_every).await;
            let now = clock.now();
            let idle = moves.unchanged(self.moves.load(Relaxed), now);
            let waiting = head.unchanged(self.requests.load(Relaxed), now);
            if self.working.load(Relaxed) > 0 {
                (moves.at, head.at) = (now, now);
                continue;
            }
            if !self.head_begun.load(Relaxed) {
                head.at = now;
            } else if waiting > limits.head_timeout {
                return;
            }
            if idle > limits.idle_timeout {
                return;
            }
        }
    }
}

/// A counter and since when it stands where it stands.
struct Since {
    count: u32,
    at: Instant,
}

impl Since {
    fn unchanged(&mut self, count: u32, now: Instant) -> Duration {
        if count != self.count {
            *self = Since { count, at: now };
        }
        now.since(self.at)
    }
}

/// A transport that notes what moves over it.
pub struct Watched<T> {
    inner: T,
    activity: Arc<Activity>,
}

impl<T> Watched<T> {
    pub fn new(inner: T, activity: Arc<Activity>) -> Watched<T> {
        Watched { inner, activity }
    }
}

impl<T: Read + Unpin> Read for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_read(cx, into);
        if polled.is_ready() {
            self.activity.read();
        }
        polled
    }
}

impl<T: Write + Unpin> Write for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        if polled.is_ready() {
            self.activity.wrote();
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, pieces);
        if polled.is_ready() {
            self.activity.wrote();
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
