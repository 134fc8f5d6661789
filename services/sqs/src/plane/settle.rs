use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use haneul_store::StoreError;
use haneul_store::log::Position;
use haneul_store::log::journal::Appended;

use super::Plane;
use super::log::Unfinished;

type Durable = Pin<Box<dyn Future<Output = Result<Vec<Position>, StoreError>> + Send>>;

/// Waits until an append is durable and then lets it take effect, even when the client has gone and this future is
/// dropped.
pub(crate) struct Settle<F, R>
where
    F: FnOnce(Result<Vec<Position>, StoreError>) -> R + Send + 'static,
    R: Send + 'static,
{
    parts: Option<Parts<F>>,
}

struct Parts<F> {
    plane: Arc<Plane>,
    durable: Durable,
    unfinished: Unfinished,
    effect: F,
}

impl Plane {
    /// `effect` runs exactly once, with the positions of the records, soon after they are durable or have failed.
    pub(crate) fn settle<F, R>(self: &Arc<Self>, appended: (Appended, Unfinished), effect: F) -> Settle<F, R>
    where
        F: FnOnce(Result<Vec<Position>, StoreError>) -> R + Send + 'static,
        R: Send + 'static,
    {
        let (appended, unfinished) = appended;
        let durable = Box::pin(appended.all());
        Settle { parts: Some(Parts { plane: self.clone(), durable, unfinished, effect }) }
    }
}

impl<F> Parts<F> {
    fn take_effect<R>(self, outcome: Result<Vec<Position>, StoreError>) -> R
    where
        F: FnOnce(Result<Vec<Position>, StoreError>) -> R,
    {
        let result = (self.effect)(outcome);
        self.plane.log.settled(self.unfinished);
        result
    }
}

impl<F, R> Future for Settle<F, R>
where
    F: FnOnce(Result<Vec<Position>, StoreError>) -> R + Send + 'static,
    R: Send + 'static,
{
    type Output = R;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        // Nothing in here is pinned in place: the future inside is boxed, the effect is only moved out.
        let this = self.get_mut();
        let parts = this.parts.as_mut().expect("polled after it was ready");
        let outcome = std::task::ready!(parts.durable.as_mut().poll(cx));
        let parts = this.parts.take().expect("it was just there");
        Poll::Ready(parts.take_effect(outcome))
    }
}

impl<F, R> Unpin for Settle<F, R>
where
    F: FnOnce(Result<Vec<Position>, StoreError>) -> R + Send + 'static,
    R: Send + 'static,
{
}

impl<F, R> Drop for Settle<F, R>
where
    F: FnOnce(Result<Vec<Position>, StoreError>) -> R + Send + 'static,
    R: Send + 'static,
{
    fn drop(&mut self) {
        let Some(mut parts) = self.parts.take() else { return };
        // Without a runtime the process is ending, and the next start reads what became durable from the log.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let env = parts.plane.env.clone();
        env.spawn("sqs settle", async move {
            let outcome = parts.durable.as_mut().await;
            parts.take_effect(outcome);
        });
    }
}
