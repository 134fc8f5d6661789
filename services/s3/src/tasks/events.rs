use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use haneul_kit::{AccountId, BoxFuture, Instant, Reconciler, Region, Result, Signal};

use crate::calls::{self, Source};
use crate::model::event::EventRecord;
use crate::store::events::EventRow;
use crate::{S3, bucket};

/// Events under delivery at once.
const CONCURRENT_MAX: usize = 32;
const BATCH: usize = 256;

/// A delivery that failed is tried again after this, doubled each time.
const RETRY_MIN_MS: i64 = 1000;
const RETRY_MAX_MS: i64 = 15 * 60 * 1000;

/// Then it is given up.
const GIVEN_UP_AFTER_MS: i64 = 24 * 3600 * 1000;

/// Delivers the events of the outbox, each at least once: it is taken out after its destination took it.
pub(super) struct Events {
    s3: Arc<S3>,
}

impl Events {
    pub(super) fn new(s3: Arc<S3>) -> Events {
        Events { s3 }
    }

    async fn batch(&self, events: Vec<(EventRow, EventRecord)>, now: Instant) -> Result<()> {
        let tried = stream::iter(events.into_iter().map(|(row, event)| async move {
            let delivered = self.deliver(&event).await;
            (row, event, delivered)
        }));
        let tried: Vec<_> = tried.buffer_unordered(CONCURRENT_MAX).collect().await;
        let (mut done, mut again) = (Vec::new(), Vec::new());
        for (row, mut event, delivered) in tried {
            done.push(row);
            let Err(error) = delivered else { continue };
            if now.millis() - event.at_ms >= GIVEN_UP_AFTER_MS {
                let (bucket, name) = (&event.bucket, &event.name);
                tracing::warn!(%error, bucket, name, target = ?event.target, "an event could not be delivered for a day");
                continue;
            }
            let wait_ms = (RETRY_MIN_MS << event.failures.min(20)).min(RETRY_MAX_MS);
            event.failures += 1;
            again.push((((now.millis() + wait_ms).max(0) as u64, self.s3.platform.env.rng.u64()), event));
        }
        self.s3.records.settle_events(&done, &again).await
    }

    async fn deliver(&self, event: &EventRecord) -> Result<()> {
        let region = event.region.parse().unwrap_or(Region::US_EAST_1);
        let source = Source {
            owner: AccountId::new(event.owner).unwrap_or_default(),
            region,
            arn: bucket::arn_of(region, &event.bucket),
        };
        calls::deliver(&self.s3.platform.bus, &source, event).await
    }
}

impl Reconciler for Events {
    fn name(&self) -> &'static str {
        "s3 events"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            loop {
                let now = self.s3.platform.env.now();
                let events = self.s3.records.events_due(now, BATCH).await?;
                if events.is_empty() {
                    return self.s3.records.next_event().await;
                }
                self.batch(events, now).await?;
            }
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.events
    }
}
