//! Runs queries of event data stores, one after another, and again those that a restart cut short.

use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use haneul_store::{Range, Reads};
use serde_json::Value;

use crate::CloudTrail;
use crate::chunk;
use crate::lake::{Run, parse};
use crate::model::{Chunk, LAKE, QUERIES, Query, Rows};
use crate::store::{PAGE, TrailKey};

/// Chunks that are read at once.
const READ: usize = 8;
/// How long queries and their answers are kept. Source: API Reference, "ListQueries".
const KEPT_MS: i64 = 7 * 86_400_000;

/// What a query came to.
enum Outcome {
    Rows(Box<Run>, u64),
    Failed(String),
    Gone,
}

impl CloudTrail {
    async fn run_queries(&self) -> Result<()> {
        let mut range = Range::all();
        loop {
            let page = self.platform.store.scan(&QUERIES, range, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            range = Range::all().after(last);
            for (key, query) in page {
                if matches!(&*query.status, "QUEUED" | "RUNNING") {
                    self.run_query(&key, query).await?;
                } else if query.created_ms + KEPT_MS < self.platform.env.now().millis() {
                    self.forget_query(&key).await?;
                }
            }
        }
    }

    async fn run_query(&self, key: &TrailKey, mut query: Query) -> Result<()> {
        let started = haneul_env::clock::monotonic();
        self.ingest().await?;
        let outcome = self.scan(key, &query).await?;
        query.took_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        match outcome {
            Outcome::Gone => Ok(()),
            Outcome::Failed(message) => {
                query.status = "FAILED".to_owned();
                query.error = Some(message);
                self.finish_query(key, &query, None).await
            }
            Outcome::Rows(run, bytes) => {
                query.status = "FINISHED".to_owned();
                (query.scanned, query.matched, query.bytes) = (run.scanned, run.matched, bytes);
                self.meter_scanned(key, &query);
                let rows = Rows(run.finish());
                self.finish_query(key, &query, Some(&rows)).await
            }
        }
    }

    async fn scan(&self, key: &TrailKey, query: &Query) -> Result<Outcome> {
        let plan = match parse(&query.text, Instant::from_millis(query.created_ms)) {
            Ok(plan) => plan,
            Err(error) => return Ok(Outcome::Failed(error)),
        };
        let mut run = Run::new(plan);
        let mut bytes = 0;
        let all = || Range::prefix((query.store.clone(),));
        let mut range = all();
        loop {
            let page = self.platform.store.scan(&LAKE, range, READ).await?;
            let Some((last, _)) = page.last() else { return Ok(Outcome::Rows(Box::new(run), bytes)) };
            range = all().after(last);
            for (_, Chunk(packed)) in &page {
                for json in chunk::decode(packed)? {
                    bytes += json.len() as u64;
                    let event: Value = serde_json::from_slice(&json).unwrap_or_default();
                    if let Err(error) = run.take(&event) {
                        return Ok(Outcome::Failed(error));
                    }
                }
                // Others get their turn between chunks.
                tokio::task::yield_now().await;
            }
            let now = self.platform.store.get(&QUERIES, key).await?;
            if now.is_none_or(|now| now.status == "CANCELLED") {
                return Ok(Outcome::Gone);
            }
        }
    }
}

pub(crate) struct Querying {
    trail: Arc<CloudTrail>,
    signal: Signal,
}

impl Querying {
    pub(crate) fn new(trail: Arc<CloudTrail>) -> Querying {
        let signal = trail.querying.clone();
        Querying { trail, signal }
    }
}

impl Reconciler for Querying {
    fn name(&self) -> &'static str {
        "cloudtrail.query"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            self.trail.run_queries().await?;
            Ok(None)
        })
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
