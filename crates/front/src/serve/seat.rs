//! A connection's place among the threads, and its socket, which knows it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Where a connection is served, and where it is to go on.
pub(super) struct Seat {
    on: AtomicUsize,
    wanted: AtomicUsize,
    /// Times the connection had something to do, and how many of them were there at the last look.
    turns: AtomicU32,
    seen: AtomicU32,
}

impl Seat {
    pub(super) fn new(worker: usize) -> Seat {
        Seat { on: worker.into(), wanted: worker.into(), turns: 0.into(), seen: 0.into() }
    }

    pub(super) fn on(&self) -> usize {
        self.on.load(Relaxed)
    }

    /// Turns since this was asked the last time.
    pub(super) fn turns(&self) -> u32 {
        let turns = self.turns.load(Relaxed);
        turns.wrapping_sub(self.seen.swap(turns, Relaxed))
    }

    /// The connection goes there when it next has something to do.
    pub(super) fn ask(&self, worker: usize) {
        self.wanted.store(worker, Relaxed);
    }

    /// Begins a turn; somewhere else if this says where.
    pub(super) fn turn(&self) -> Option<usize> {
        // Nobody else writes it.
        self.turns.store(self.turns.load(Relaxed).wrapping_add(1), Relaxed);
        let wanted = self.wanted.load(Relaxed);
        (wanted != self.on()).then_some(wanted)
    }

    /// From now on it is served there.
    pub(super) fn moved(&self, worker: usize) {
        self.on.store(worker, Relaxed);
    }
}

/// A socket that is registered with the runtime of the thread it is used on.
pub struct Seated {
    /// Gone only while it changes runtimes.
    socket: Option<TcpStream>,
    seat: Arc<Seat>,
    on: usize,
}

impl Seated {
    pub(super) fn new(socket: TcpStream, seat: Arc<Seat>) -> Seated {
        let on = seat.on();
        Seated { socket: Some(socket), seat, on }
    }

    /// One that stays where it is.
    pub fn fixed(socket: TcpStream) -> Seated {
        Seated::new(socket, Arc::new(Seat::new(0)))
    }

    /// As [`TcpStream::peek`].
    ///
    /// # Errors
    /// The socket's.
    pub async fn peek(&mut self, into: &mut [u8]) -> io::Result<usize> {
        std::future::poll_fn(|cx| {
            let mut into = ReadBuf::new(into);
            self.here()?.poll_peek(cx, &mut into)
        })
        .await
    }

    /// The socket, known to the runtime of this thread. What waited for it on another is polled anew, because the whole
    /// connection has moved.
    fn here(&mut self) -> io::Result<&mut TcpStream> {
        let on = self.seat.on();
        if on != self.on {
            let gone = || io::Error::from(io::ErrorKind::NotConnected);
            let socket = self.socket.take().ok_or_else(gone)?.into_std()?;
            self.socket = Some(TcpStream::from_std(socket)?);
            self.on = on;
        }
        self.socket.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl AsyncRead for Seated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(self.here()?).poll_read(cx, into)
    }
}

impl AsyncWrite for Seated {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.here()?).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.here()?).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.here()?).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.here()?).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
