use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::io::Errno;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe;

use crate::{BoxFuture, Connection, Listener};

/// A program that was started.
pub struct Started {
    pub process: Box<dyn Process>,
    pub stdout: Reader,
    pub stderr: Reader,
    /// One for each of [`crate::Program::pipes`].
    pub pipes: Vec<Reader>,
    /// One for each port of [`crate::Network`], in order.
    pub listeners: Vec<Listener>,
}

/// The reading end of a pipe, or what stands for it.
pub type Reader = Box<dyn tokio::io::AsyncRead + Send + Unpin>;

pub(crate) fn reader(end: io::PipeReader) -> io::Result<Reader> {
    let end = std::os::fd::OwnedFd::from(end);
    Ok(Box::new(Pipe(pipe::Receiver::from_owned_fd(end)?)))
}

/// A pipe that is looked into before the reactor is asked, which may not have noticed yet what was written a moment ago:
/// who reads until nothing is there has all that was written before.
struct Pipe(pipe::Receiver);

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match rustix::io::read(self.0.as_fd(), into.initialize_unfilled()) {
            Ok(count) => {
                into.advance(count);
                Poll::Ready(Ok(()))
            }
            Err(Errno::AGAIN | Errno::INTR) => Pin::new(&mut self.0).poll_read(cx, into),
            Err(error) => Poll::Ready(Err(error.into())),
        }
    }
}

/// A program that runs, with all its children. Dropping it kills them.
pub trait Process: Send + Sync {
    /// Its first process on the host, for logs.
    fn id(&self) -> u32;

    /// Kills all of its processes. Returns at once; [`Process::wait`] says when they are gone.
    fn kill(&self);

    /// Takes the processors away until [`Process::thaw`]. Nothing in it runs when this returns.
    fn freeze(&self);

    fn thaw(&self);

    fn usage(&self) -> Usage;

    /// Connects to a TCP port that the program listens on, on the loopback interface of its network.
    ///
    /// # Errors
    /// When nobody listens there, or not in time.
    fn connect(&self, port: u16) -> BoxFuture<'_, io::Result<Connection>>;

    /// Resolves when it has ended, however often it is asked.
    fn wait(&self) -> BoxFuture<'_, Exit>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
    /// It wanted more memory than [`crate::Limits::memory_bytes`].
    OutOfMemory,
}

/// What a program has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// The most that its processes held at a time, file pages that they mapped included; 0 when unknown.
    pub memory_bytes_max: u64,
    /// What they hold now.
    pub memory_bytes: u64,
    pub cpu_micros: u64,
    pub processes: u32,
}
