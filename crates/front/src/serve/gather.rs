use std::collections::VecDeque;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use haneul_shape::{BoxError, ByteStream};
use http_body::{Body, Frame, SizeHint};

/// Bytes that go to the socket at once. A GET of 1 MiB in pieces of 128 KiB takes half as much CPU again if each is
/// written by itself; more than this gains nothing.
const GATHERED: usize = 400 * 1024;

/// What all connections together may hold of pieces after the first.
const MORE_MAX: usize = 6 * 1024 * 1024;

/// What connections hold of pieces after the first, which slow clients have yet to take.
#[derive(Clone, Debug, Default)]
pub struct Held(Arc<AtomicUsize>);

/// The body of an answer, with the pieces that are there at once in one frame.
pub(super) struct Gathered {
    body: ByteStream,
    held: Held,
    /// What is still to come, where that is known.
    left: Option<u64>,
    /// What came after the pieces of the last frame, which may be the end.
    next: Option<Option<Result<Frame<Bytes>, BoxError>>>,
}

impl Gathered {
    pub(super) fn new(body: ByteStream, held: Held) -> Gathered {
        Gathered { left: body.length(), body, held, next: None }
    }

    /// Whether another piece is wanted in this frame.
    fn wants(&self, pieces: &Pieces) -> bool {
        pieces.remaining() < GATHERED
            && self.left != Some(0)
            && self.held.0.load(Ordering::Relaxed) < MORE_MAX
    }

    fn count(&mut self, bytes: &Bytes) {
        self.left = self.left.map(|left| left.saturating_sub(bytes.len() as u64));
    }
}

impl Body for Gathered {
    type Data = Pieces;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Pieces>, BoxError>>> {
        let this = &mut *self;
        let first = match this.next.take() {
            Some(next) => next,
            None => ready!(Pin::new(&mut this.body).poll_frame(cx)),
        };
        let mut pieces = match first.map(|first| first.map(Frame::into_data)) {
            Some(Ok(Ok(bytes))) => {
                this.count(&bytes);
                Pieces::from(bytes)
            }
            Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other.map_data(Pieces::from)))),
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => {
                this.next = Some(None);
                return Poll::Ready(None);
            }
        };
        while this.wants(&pieces) {
            let Poll::Ready(next) = Pin::new(&mut this.body).poll_frame(cx) else { break };
            match next.map(|next| next.map(Frame::into_data)) {
                Some(Ok(Ok(bytes))) => {
                    this.count(&bytes);
                    pieces.push(bytes, &this.held);
                    continue;
                }
                Some(Ok(Err(other))) => this.next = Some(Some(Ok(other))),
                Some(Err(error)) => this.next = Some(Some(Err(error))),
                None => this.next = Some(None),
            }
            break;
        }
        Poll::Ready(Some(Ok(Frame::data(pieces))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.next {
            Some(next) => next.is_none(),
            None => self.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Pieces of a body, one after the other.
pub(super) struct Pieces {
    first: Bytes,
    more: Option<Box<More>>,
}

struct More {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    held: Held,
}

impl From<Bytes> for Pieces {
    fn from(first: Bytes) -> Pieces {
        Pieces { first, more: None }
    }
}

impl Pieces {
    fn push(&mut self, piece: Bytes, held: &Held) {
        if self.first.is_empty() {
            self.first = piece;
        } else if !piece.is_empty() {
            let none = || Box::new(More { pieces: VecDeque::new(), bytes: 0, held: held.clone() });
            self.more.get_or_insert_with(none).push(piece);
        }
    }
}

impl More {
    fn push(&mut self, piece: Bytes) {
        self.bytes += piece.len();
        self.held.0.fetch_add(piece.len(), Ordering::Relaxed);
        self.pieces.push_back(piece);
    }

    fn pop(&mut self) -> Option<Bytes> {
        let piece = self.pieces.pop_front()?;
        self.bytes -= piece.len();
        self.held.0.fetch_sub(piece.len(), Ordering::Relaxed);
        Some(piece)
    }
}

impl Drop for More {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.first.len() + self.more.as_ref().map_or(0, |more| more.bytes)
    }

    fn chunk(&self) -> &[u8] {
        &self.first
    }

    fn chunks_vectored<'a>(&'a self, into: &mut [IoSlice<'a>]) -> usize {
        let more = self.more.iter().flat_map(|more| &more.pieces);
        let pieces = std::iter::once(&self.first).filter(|first| !first.is_empty()).chain(more);
        into.iter_mut().zip(pieces).map(|(slice, piece)| *slice = IoSlice::new(piece)).count()
    }

    fn advance(&mut self, mut count: usize) {
        while count >= self.first.len()
            && let Some(next) = self.more.as_mut().and_then(|more| more.pop())
        {
            count -= self.first.len();
            self.first = next;
        }
        self.first.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    fn stream_of(pieces: Vec<Result<Bytes, BoxError>>) -> ByteStream {
        ByteStream::new(StreamBody::new(stream::iter(pieces.into_iter().map(|piece| piece.map(Frame::data)))))
    }

    fn piece(length: usize, byte: u8) -> Bytes {
        vec![byte; length].into()
    }

    /// The lengths of the frames, and whether an error broke it off. All bytes are taken in steps of `step`.
    async fn frames(body: ByteStream, held: &Held, step: usize) -> (Vec<usize>, Vec<u8>, bool) {
        let mut body = Gathered::new(body, held.clone());
        let (mut lengths, mut all) = (Vec::new(), Vec::new());
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return (lengths, all, true) };
            let mut pieces = frame.into_data().ok().expect("data");
            lengths.push(pieces.remaining());
            let mut slices = [IoSlice::new(&[]); 3];
            let count = pieces.chunks_vectored(&mut slices);
            assert_eq!(slices[0].first(), pieces.chunk().first());
            assert!(slices[..count].iter().map(|slice| slice.len()).sum::<usize>() <= pieces.remaining());
            while pieces.has_remaining() {
                let now = step.min(pieces.remaining());
                all.extend_from_slice(&pieces.copy_to_bytes(now));
            }
        }
        assert!(body.is_end_stream() && body.frame().await.is_none(), "it stays at its end");
        (lengths, all, false)
    }

    #[tokio::test]
    async fn pieces_that_are_there_are_one_frame() {
        let held = Held::default();
        for step in [1000, 4096, usize::MAX] {
            let pieces = [1u8, 2, 3, 4, 5].map(|n| Ok(piece(128 * 1024, n))).into();
            let (lengths, all, failed) = frames(stream_of(pieces), &held, step).await;
            assert_eq!((lengths, failed), (vec![512 * 1024, 128 * 1024], false));
            assert!(all.chunks(128 * 1024).zip(1..).all(|(part, n)| part.iter().all(|byte| *byte == n)));
        }
        let (lengths, all, _) =
            frames(stream_of(vec![Ok(Bytes::new()), Ok(piece(1, 7)), Ok(Bytes::new())]), &held, 1).await;
        assert_eq!((lengths, all), (vec![1], vec![7]));
        assert_eq!(held.0.load(Ordering::Relaxed), 0, "all was given back");
    }

    #[tokio::test]
    async fn an_error_comes_after_what_was_before_it() {
        let held = Held::default();
        let pieces = vec![Ok(piece(10, 1)), Ok(piece(10, 2)), Err("broken".into())];
        assert_eq!(frames(stream_of(pieces), &held, 7).await.0, [20]);
        let pieces = vec![Ok(piece(10, 1)), Err("broken".into())];
        assert!(frames(stream_of(pieces), &held, 7).await.2);
    }

    #[tokio::test]
    async fn all_connections_together_hold_so_much() {
        let held = Held::default();
        let body = || stream_of((0..4).map(|n| Ok(piece(100 * 1024, n))).collect());
        let mut kept = Vec::new();
        for _ in 0..100 {
            kept.push(Gathered::new(body(), held.clone()).frame().await.unwrap().unwrap());
        }
        let count = held.0.load(Ordering::Relaxed);
        assert!((MORE_MAX..MORE_MAX + 100 * 1024).contains(&count), "{count}");
        assert_eq!(frames(body(), &held, usize::MAX).await.0, [100 * 1024; 4], "the rest goes by itself");
        drop(kept);
        assert_eq!(held.0.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn nothing_waits_for_what_is_not_there() {
        let (tx, mut rx) = tokio::sync::mpsc::unbounded_channel::<Result<Frame<Bytes>, BoxError>>();
        let coming = StreamBody::new(stream::poll_fn(move |cx| rx.poll_recv(cx)));
        let mut body = Gathered::new(ByteStream::new(coming), Held::default());
        for n in 0..3 {
            tx.send(Ok(Frame::data(piece(10, n)))).unwrap();
            let frame = body.frame().await.unwrap().unwrap().into_data().ok().unwrap();
            assert_eq!(frame.remaining(), 10);
        }
    }
}
