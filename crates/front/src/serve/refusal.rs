use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use haneul_env::Rng;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};

use crate::layers::request_id;

/// Gives a body to the refusals that hyper makes by itself, of requests that it cannot read: they are a status and
/// nothing else, and SDKs look for a code. S3 answers such requests in its XML (S3 API Reference, "Error responses").
pub struct Refusing<T> {
    inner: T,
    rng: Rng,
    /// Of the refusal, what is not written yet.
    pending: Vec<u8>,
    /// After a refusal: bytes that are taken from the client before the end, and not looked at.
    drain: usize,
}

/// A client that is still writing its 1 MB of header gets to the end of it.
const DRAIN_BYTES_MAX: usize = 4 << 20;

impl<T> Refusing<T> {
    pub fn new(inner: T, rng: Rng) -> Refusing<T> {
        Refusing { inner, rng, pending: Vec::new(), drain: 0 }
    }

    /// Whether `bytes`, which hyper is about to write, are a refusal of its own; then the worded one is pending.
    fn replace(&mut self, bytes: &[u8]) -> bool {
        let Some(status) = bytes.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3)) else {
            return false;
        };
        // What a handler has answered carries a request id.
        if status[0] != b'4' || !has(bytes, b"content-length: 0\r\n") || has(bytes, b"x-amz") {
            return false;
        }
        let (status, code, message) = match status {
            b"431" => (
                "400 Bad Request",
                "RequestHeaderSectionTooLarge",
                "Your request header section exceeds the maximum allowed size.",
            ),
            b"414" => ("414 URI Too Long", "RequestURITooLong", "The request's URI is too long."),
            b"400" => ("400 Bad Request", "BadRequest", "An error occurred when parsing the HTTP request."),
            _ => return false,
        };
        let id = request_id::new(&self.rng, true);
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
             <RequestId>{id}</RequestId></Error>"
        );
        let length = body.len();
        self.pending = format!(
            "HTTP/1.1 {status}\r\nx-amz-request-id: {id}\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        )
        .into_bytes();
        self.drain = DRAIN_BYTES_MAX;
        true
    }
}

fn has(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

impl<T: Write + Unpin> Refusing<T> {
    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.pending))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pending.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Read + Write + Unpin> Write for Refusing<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_pending(cx))?;
        if self.replace(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_pending(cx))?;
        if let Some(first) = pieces.iter().find(|piece| !piece.is_empty())
            && self.replace(first)
        {
            return Poll::Ready(Ok(first.len()));
        }
        Pin::new(&mut self.inner).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
        // A close with bytes unread resets the connection, and the client would not get to read why.
        let mut space = [0; 8 * 1024];
        while self.drain > 0 {
            let mut buffer = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut self.inner).poll_read(cx, buffer.unfilled())) {
                Ok(()) if !buffer.filled().is_empty() => {
                    self.drain = self.drain.saturating_sub(buffer.filled().len());
                }
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Read + Unpin> Read for Refusing<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, into)
    }
}
