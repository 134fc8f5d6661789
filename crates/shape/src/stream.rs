use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};
use sync_wrapper::SyncWrapper;

use crate::{Mut, Ref, Value};

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

type BoxBody = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;

/// A payload that is never held in memory whole: the body of PutObject or GetObject.
///
/// Dropping it before its end tells the sender to stop. An error in the middle of an answer breaks the connection off,
/// so that the client cannot take a part for the whole.
#[derive(Default)]
pub struct ByteStream {
    body: Option<SyncWrapper<BoxBody>>,
    /// Total length in bytes, where the sender told it.
    length: Option<u64>,
}

impl ByteStream {
    pub fn new(body: impl Body<Data = Bytes, Error = BoxError> + Send + 'static) -> ByteStream {
        ByteStream { length: body.size_hint().exact(), body: Some(SyncWrapper::new(Box::pin(body))) }
    }

    /// Bytes that are in memory already.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> ByteStream {
        ByteStream::new(Whole(Some(bytes.into())))
    }

    /// Whether no body was given at all, which differs from an empty one.
    pub fn is_absent(&self) -> bool {
        self.body.is_none()
    }

    /// Total length in bytes at the time the stream was made, where it is known.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next piece, or `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        std::future::poll_fn(|cx| self.poll_data(cx)).await
    }

    /// Reads all, if it is at most `limit` bytes; for payloads that are small by their nature.
    pub async fn collect(mut self, limit: usize) -> Result<Vec<u8>, BoxError> {
        let mut all = Vec::new();
        while let Some(piece) = self.next().await {
            let piece = piece?;
            if all.len() + piece.len() > limit {
                return Err("the body is larger than this operation accepts".into());
            }
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        loop {
            match std::task::ready!(body.get_mut().as_mut().poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                // Trailers were read by the layer that decodes the transfer.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => continue,
                    Ok(data) => return Poll::Ready(Some(Ok(data))),
                    Err(_trailers) => continue,
                },
            }
        }
    }
}

impl Body for ByteStream {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.body {
            None => Poll::Ready(None),
            Some(body) => body.get_mut().as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    // hyper asks once, before the first frame, to set Content-Length.
    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.0.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// A stream of events (a union with the `eventstream` trait), sent or received as `application/vnd.amazon.eventstream`.
pub struct EventStream<T>(Option<SyncWrapper<BoxStream<T>>>);

type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, BoxError>> + Send>>;

impl<T> Default for EventStream<T> {
    fn default() -> Self {
        EventStream(None)
    }
}

impl<T: Value + Default> EventStream<T> {
    pub fn new(events: impl Stream<Item = Result<T, BoxError>> + Send + 'static) -> EventStream<T> {
        EventStream(Some(SyncWrapper::new(Box::pin(events))))
    }

    pub async fn next(&mut self) -> Option<Result<T, BoxError>> {
        std::future::poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, BoxError>>> {
        match &mut self.0 {
            None => Poll::Ready(None),
            Some(events) => events.get_mut().as_mut().poll_next(cx),
        }
    }
}

/// A stream of events as the codec sees it.
pub trait Events: Send + Sync {
    fn is_absent(&self) -> bool;
    /// The next event to send, as a union.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Box<dyn crate::Shape>, BoxError>>>;
    /// Takes the stream out, leaving an absent one, so that it can outlive the output it came in.
    fn take(&mut self) -> Box<dyn Events>;
}

impl<T: crate::Shape + Value + Default> Events for EventStream<T> {
    fn is_absent(&self) -> bool {
        self.0.is_none()
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Box<dyn crate::Shape>, BoxError>>> {
        self.poll_item(cx)
            .map(|item| item.map(|item| item.map(|event| Box::new(event) as Box<dyn crate::Shape>)))
    }

    fn take(&mut self) -> Box<dyn Events> {
        Box::new(EventStream(self.0.take()))
    }
}

impl<T: crate::Shape + Value + Default> Value for EventStream<T> {
    fn get(&self) -> Ref<'_> {
        if self.0.is_none() { Ref::Null } else { Ref::Events(self) }
    }

    fn get_mut(&mut self) -> Mut<'_> {
        Mut::Events(self)
    }
}
