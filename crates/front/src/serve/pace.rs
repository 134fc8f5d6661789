use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use haneul_env::Clock;
use haneul_shape::BoxError;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::Limits;

/// A body that must keep coming. The timer is armed only when there is nothing to read, so that small bodies, which
/// come with their head, never pay for it.
pub struct Paced {
    inner: Incoming,
    clock: Clock,
    window: Duration,
    bytes_min: u64,
    /// Bytes of the present window.
    received: u64,
    timer: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// It stopped once: nothing more is read, whoever asks.
    stalled: bool,
}

/// The client stopped sending its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalled;

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client stopped sending the body of its request")
    }
}

impl std::error::Error for Stalled {}

impl Paced {
    pub fn new(inner: Incoming, clock: Clock, limits: &Limits) -> Paced {
        let (window, bytes_min) = (limits.body_window, limits.body_bytes_min);
        Paced { inner, clock, window, bytes_min, received: 0, timer: None, stalled: false }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if this.stalled {
            return Poll::Ready(Some(Err(Stalled.into())));
        }
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame {
                this.received += frame.data_ref().map_or(0, |data| data.len() as u64);
                if this.received >= this.bytes_min {
                    (this.timer, this.received) = (None, 0);
                }
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)));
        }
        let timer = this.timer.get_or_insert_with(|| {
            let (clock, window) = (this.clock.clone(), this.window);
            Box::pin(async move { clock.sleep(window).await })
        });
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        (this.timer, this.stalled) = (None, true);
        Poll::Ready(Some(Err(Stalled.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
