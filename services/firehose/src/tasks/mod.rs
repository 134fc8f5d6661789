//! When records are delivered: as soon as there are enough of them, or they have waited for long enough. [`Sources`] starts
//! those who read the sources of streams.

mod sources;

use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use parking_lot::Mutex;

use crate::Firehose;
use crate::firehose::{Buffer, Ended};
pub(crate) use sources::Sources;

/// Deliveries at once: each holds its object in memory.
const UNDER_WAY_MAX: usize = 4;
const PAGE: usize = 500;

pub(crate) struct Deliveries {
    state: Arc<Firehose>,
    /// What lay in the store at the start has been found.
    found: Mutex<bool>,
}

impl Deliveries {
    pub(crate) fn new(state: Arc<Firehose>) -> Deliveries {
        Deliveries { state, found: Mutex::new(false) }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let (state, env) = (&self.state, &self.state.platform.env);
        if !*self.found.lock() {
            self.find().await?;
            *self.found.lock() = true;
        }
        while state.records.purge().await? {}
        let now_ms = env.now().millis();
        let mut next: Option<i64> = None;
        let mut all = state.buffers.all();
        let mut under_way = all.iter().filter(|(_, buffer)| buffer.under_way).count();
        all.sort_by_key(|(_, buffer)| buffer.first_ms);
        for (id, buffer) in all {
            if buffer.under_way {
                continue;
            }
            let Some(stream) = state.records.stream(&buffer.key).await?.filter(|stream| stream.id == id)
            else {
                state.buffers.forget(id);
                continue;
            };
            let full = buffer.bytes >= stream.destination.size();
            let waited_ms = buffer.first_ms + i64::from(stream.destination.interval_s) * 1000;
            let due_ms = buffer.again_ms.unwrap_or(if full { now_ms } else { waited_ms });
            if due_ms > now_ms {
                next = Some(next.map_or(due_ms, |next| next.min(due_ms)));
                continue;
            }
            // One that ends wakes this again.
            if under_way >= UNDER_WAY_MAX || !state.buffers.begin(id) {
                continue;
            }
            under_way += 1;
            let state = state.clone();
            env.spawn("firehose delivery", async move { state.deliver_one(id, buffer).await });
        }
        Ok(next.map(Instant::from_millis))
    }

    async fn find(&self) -> Result<()> {
        let state = &self.state;
        let mut after = None;
        loop {
            let page = state.records.page(after.as_ref(), PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            for (key, stream) in &page {
                if let Some(first_ms) = state.records.first(stream.id).await? {
                    state.buffers.add(key, stream.id, stream.destination.size(), 0, first_ms);
                }
            }
        }
    }
}

impl Firehose {
    async fn deliver_one(&self, id: u64, buffer: Buffer) {
        let outcome = match self.records.there(&buffer.key).await {
            Ok(stream) => self.deliver(&buffer.key, &stream).await,
            Err(gone) => Err(gone),
        };
        let ended = outcome.unwrap_or_else(|error| {
            tracing::warn!(stream = buffer.key.2, %error, "a delivery failed and is tried again");
            Ended::Failed { now_ms: self.platform.env.now().millis() }
        });
        self.buffers.end(id, ended);
        self.due.wake();
    }
}

impl Reconciler for Deliveries {
    fn name(&self) -> &'static str {
        "firehose deliveries"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.state.due
    }
}
