//! Answers that functions write: who waits for one, and the body on its way.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use haneul_env::Rng;
use haneul_kit::{AccountId, ApiError, ByteStream, Fault, Result};
use haneul_s3_wire::shapes::GetObjectOutput;
use haneul_shape::BoxError;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::error;

/// Clients put it before the host's name, which is why sandboxes know that name (`crates/sandbox`).
pub(crate) const ROUTE: &str = "io-001";

/// Requests that may wait for a function at once.
const WAITING_MAX: usize = 10_000;

const TOKEN_LENGTH: usize = 64;

/// What a function wrote.
pub(crate) enum Written {
    Answer { status: StatusCode, output: Box<GetObjectOutput> },
    Refused(ApiError),
}

/// The requests that wait, by token.
#[derive(Clone, Default)]
pub(crate) struct Responses(Arc<Mutex<HashMap<String, Waiter>>>);

struct Waiter {
    point: String,
    account: AccountId,
    sender: oneshot::Sender<Written>,
}

/// A request that waits. Dropping it forgets its token.
pub(crate) struct Waiting {
    pub(crate) token: String,
    receiver: oneshot::Receiver<Written>,
    responses: Responses,
}

impl Waiting {
    /// What is written; `None` when nobody can write any more.
    pub(crate) async fn written(&mut self) -> Option<Written> {
        (&mut self.receiver).await.ok()
    }

    pub(crate) fn now(&mut self) -> Option<Written> {
        self.receiver.try_recv().ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.responses.0.lock().remove(&self.token);
    }
}

impl Responses {
    pub(crate) fn open(&self, rng: &Rng, point: &str, account: AccountId) -> Result<Waiting> {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let token = rng.text(alphabet, TOKEN_LENGTH);
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.0.lock();
        if waiting.len() >= WAITING_MAX {
            return Err(
                error::new("SlowDown", 503, "Please reduce your request rate.").with_fault(Fault::Server)
            );
        }
        waiting.insert(token.clone(), Waiter { point: point.to_owned(), account, sender });
        drop(waiting);
        Ok(Waiting { token, receiver, responses: self.clone() })
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    /// The access point and account that a token is of.
    pub(crate) fn point(&self, token: &str) -> Option<(String, AccountId)> {
        self.0.lock().get(token).map(|waiter| (waiter.point.clone(), waiter.account))
    }

    /// A token is good once.
    pub(crate) fn take(&self, token: &str) -> Option<oneshot::Sender<Written>> {
        self.0.lock().remove(token).map(|waiter| waiter.sender)
    }
}

/// A body that goes from one connection to another, and tells how it ended.
struct Forwarded {
    body: ByteStream,
    /// Bytes to come, where that is known: who reads so many need not ask for the end.
    left: Option<u64>,
    ended: Option<oneshot::Sender<bool>>,
}

/// The body for the reader, and whether all of it was read, once that is known.
pub(crate) fn forward(body: ByteStream) -> (ByteStream, oneshot::Receiver<bool>) {
    let (ended, told) = oneshot::channel();
    if body.is_absent() || body.length() == Some(0) {
        let _ = ended.send(true);
        return (ByteStream::from_bytes(Bytes::new()), told);
    }
    let left = body.length();
    (ByteStream::new(Forwarded { body, left, ended: Some(ended) }), told)
}

impl Body for Forwarded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let whole = match &polled {
            Poll::Ready(None) => Some(self.left.is_none_or(|left| left == 0)),
            Poll::Ready(Some(Err(_))) => Some(false),
            Poll::Ready(Some(Ok(frame))) => {
                let came = frame.data_ref().map_or(0, |data| data.len() as u64);
                self.left = self.left.map(|left| left.saturating_sub(came));
                (self.left == Some(0)).then_some(true)
            }
            Poll::Pending => None,
        };
        if let Some(whole) = whole
            && let Some(ended) = self.ended.take()
        {
            let _ = ended.send(whole);
        }
        polled
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
