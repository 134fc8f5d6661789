//! Writes what contributor insights counted, once a second while there is something.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::store::Db;

pub(crate) struct Insights {
    db: Db,
    signal: Signal,
    written_ms: AtomicI64,
}

const EVERY: Duration = Duration::from_secs(1);

impl Insights {
    pub(crate) fn new(db: Db) -> Insights {
        Insights { signal: db.insights_signal().clone(), db, written_ms: AtomicI64::new(i64::MIN / 2) }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let now = self.db.env.now();
        let due = Instant::from_millis(self.written_ms.load(Ordering::Relaxed)) + EVERY;
        if now < due && !self.db.counted_is_full() {
            return Ok(Some(due));
        }
        let tallies = self.db.take_counted();
        if tallies.is_empty() {
            return Ok(None);
        }
        self.written_ms.store(now.millis(), Ordering::Relaxed);
        if let Err(error) = tallies.save(&self.db.store, self.db.env.rng.u64()).await {
            tracing::warn!(%error, "what contributor insights counted in a second was not written");
        }
        Ok(Some(now + EVERY))
    }
}

impl Reconciler for Insights {
    fn name(&self) -> &'static str {
        "dynamodb insights"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
