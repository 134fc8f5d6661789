//! Work that goes on after the answer: changes that are due, records past their retention, streams that grow or are gone.

use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::plane::Stream;
use crate::store::Registry;

pub(crate) struct Keeper {
    registry: Arc<Registry>,
    signal: Signal,
}

/// How often records past their retention are looked for. Readers do not see them in between.
const TRIM_EVERY_MS: i64 = 60_000;

/// When a stream that failed is tried again.
const RETRY_MS: i64 = 10_000;

impl Keeper {
    pub(crate) fn new(registry: Arc<Registry>, signal: Signal) -> Keeper {
        Keeper { registry, signal }
    }

    /// One turn of each: what is left of a stream or of what is gone waits until the others had theirs.
    async fn run(&self) -> Result<Option<Instant>> {
        let mut next_ms: Option<i64> = None;
        let now_ms = self.registry.env.now().millis();
        for stream in self.registry.all() {
            let due_ms = match self.keep(&stream, now_ms).await {
                Ok(due_ms) => due_ms,
                Err(error) => {
                    tracing::error!(stream = %stream.arn, %error, "a stream is not kept up, and tried again");
                    Some(now_ms + RETRY_MS)
                }
            };
            next_ms = next_ms.into_iter().chain(due_ms).min();
        }
        if !self.registry.sweep().await? {
            next_ms = Some(now_ms);
        }
        Ok(next_ms.map(Instant::from_millis))
    }

    /// Does what is due for a stream, and says when something will be due next.
    async fn keep(&self, stream: &Arc<Stream>, now_ms: i64) -> Result<Option<i64>> {
        self.registry.settle(stream).await?;
        if stream.state().gone {
            return Ok(None);
        }
        self.grow(stream).await?;
        let trim_ms = match self.trim(stream, now_ms).await? {
            true => now_ms + TRIM_EVERY_MS,
            false => now_ms,
        };
        Ok(due(stream).into_iter().chain([trim_ms]).min())
    }

    async fn grow(&self, stream: &Arc<Stream>) -> Result<()> {
        let hot = std::mem::take(&mut *stream.hot.lock());
        if hot.is_empty() {
            return Ok(());
        }
        match self.registry.grow(stream, hot).await {
            // Deleted in between.
            Err(_) if stream.state().gone => Ok(()),
            grown => grown,
        }
    }

    /// False when there may be more.
    async fn trim(&self, stream: &Arc<Stream>, now_ms: i64) -> Result<bool> {
        let state = stream.state();
        let before_ms = state.record.trimmed_before_ms(now_ms);
        let mut is_done = true;
        for shard in state.shards.values() {
            is_done &= self.registry.trim(shard, before_ms).await?;
        }
        match self.registry.expire(stream, before_ms).await {
            Err(_) if stream.state().gone => Ok(is_done),
            expired => expired.map(|()| is_done),
        }
    }
}

/// When something of a stream takes effect.
fn due(stream: &Stream) -> Option<i64> {
    let state = stream.state();
    let change = state.record.under_way.as_ref().map(|under_way| under_way.due_ms);
    let deleted = state.consumers.values().filter_map(|consumer| consumer.record.deleted_ms);
    change.into_iter().chain(deleted.map(|deleted_ms| deleted_ms + crate::model::TRANSITION_MS)).min()
}

impl Reconciler for Keeper {
    fn name(&self) -> &'static str {
        "kinesis keeper"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
