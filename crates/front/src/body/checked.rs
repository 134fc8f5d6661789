use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use haneul_kit::{ApiError, Trailers};
use haneul_shape::BoxError;
use haneul_sigv4::{Family, PayloadVerifier};
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;

use super::BodyError;
use crate::layers::authn;

/// A body that is checked against its signature, and decoded if it is aws-chunked, while it is read.
///
/// Its errors are [`ApiError`]s, ready to be an operation's answer. What it hands out counts only once it has ended
/// without one.
pub struct Checked<B> {
    inner: Option<B>,
    verifier: Option<PayloadVerifier>,
    /// Decoded and not yet handed out, last piece first.
    ready: Vec<Bytes>,
    trailers: Trailers,
    length: Option<u64>,
    leftover: Leftover<B>,
}

/// Where a body goes that was dropped before its end.
pub struct Leftover<B>(Arc<Mutex<Option<B>>>);

impl<B> Leftover<B> {
    pub fn take(&self) -> Option<B> {
        self.0.lock().take()
    }
}

impl<B> Clone for Leftover<B> {
    fn clone(&self) -> Self {
        Leftover(self.0.clone())
    }
}

impl<B> Default for Leftover<B> {
    fn default() -> Self {
        Leftover(Arc::default())
    }
}

impl<B: Body> Checked<B> {
    pub fn new(inner: B, verifier: PayloadVerifier, trailers: Trailers, leftover: Leftover<B>) -> Checked<B> {
        let length = verifier.decoded_length().or_else(|| inner.size_hint().exact());
        Checked {
            inner: Some(inner),
            verifier: Some(verifier),
            ready: Vec::new(),
            trailers,
            length,
            leftover,
        }
    }

    /// How many bytes will be handed out, where the client said it.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    fn end(&mut self) -> Option<Result<Frame<Bytes>, BoxError>> {
        self.inner = None;
        match self.verifier.take()?.finish() {
            Ok(trailers) => {
                self.trailers.set(trailers);
                None
            }
            Err(error) => Some(Err(failed(&error))),
        }
    }
}

impl<B> Body for Checked<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        loop {
            if let Some(piece) = this.ready.pop() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            let (Some(inner), Some(verifier)) = (&mut this.inner, &mut this.verifier) else {
                return Poll::Ready(None);
            };
            let frame = match ready!(Pin::new(inner).poll_frame(cx)) {
                None => return Poll::Ready(this.end()),
                Some(Err(error)) => {
                    this.verifier = None;
                    let error = BodyError::of(error.into()).into_api(true);
                    return Poll::Ready(Some(Err(error.into())));
                }
                Some(Ok(frame)) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            if let Err(error) = verifier.push(data, &mut this.ready) {
                this.verifier = None;
                this.ready.clear();
                return Poll::Ready(Some(Err(failed(&error))));
            }
            this.ready.reverse();
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl<B> Drop for Checked<B> {
    fn drop(&mut self) {
        *self.leftover.0.lock() = self.inner.take();
    }
}

fn failed(error: &haneul_sigv4::AuthError) -> BoxError {
    let error: ApiError = authn::api_error(error, Family::S3);
    error.into()
}
