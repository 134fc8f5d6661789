use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use haneul_env::Clock;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Where a program reaches us.
pub enum Listener {
    /// A socket in the program's own network.
    Tcp(TcpListener),
    /// What a simulated program opens.
    Memory(tokio::sync::Mutex<mpsc::Receiver<DuplexStream>>),
}

/// One connection that a program opened.
pub enum Connection {
    Tcp(TcpStream),
    Memory(DuplexStream),
}

impl Listener {
    /// The next connection; `None` when there can be no more.
    pub async fn accept(&self) -> Option<Connection> {
        match self {
            Listener::Tcp(listener) => loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        // Small answers must not wait for a delayed acknowledgement.
                        let _ = stream.set_nodelay(true);
                        return Some(Connection::Tcp(stream));
                    }
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    // This process has no descriptor left, which passes; the program's connection waits.
                    Err(error) if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
                        Clock::real().sleep(ACCEPT_AGAIN).await;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection of a sandbox");
                        return None;
                    }
                }
            },
            Listener::Memory(opened) => opened.lock().await.recv().await.map(Connection::Memory),
        }
    }

    /// The port that the host chose ([`crate::Network::Host`]).
    pub fn port(&self) -> Option<u16> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().ok().map(|address| address.port()),
            Listener::Memory(_) => None,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Connection::Memory(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Connection::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Connection::Memory(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Connection::Memory(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Connection::Memory(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
