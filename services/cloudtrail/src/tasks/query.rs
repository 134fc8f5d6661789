//! Runs queries of event data stores, one after another, and again those that a restart cut short.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use haneul_store::{Range, Reads};
use serde_json::Value;

use crate::CloudTrail;
use crate::chunk;
use crate::lake::{Flow, Flowed, Halt, Outcome, Run, Source, parse};
use crate::model::{Chunk, LAKE, QUERIES, Query, Rows};
use crate::store::{PAGE, TrailKey};

/// Chunks that are read at once.
const READ: usize = 8;
/// How long queries and their answers are kept. Source: API Reference, "ListQueries".
const KEPT_MS: i64 = 7 * 86_400_000;
/// Source: CloudTrail User Guide, "View query results with the console".
const LONGEST: Duration = Duration::from_secs(3600);
/// Bytes of rows in one record, about.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

impl CloudTrail {
    /// When deliveries that failed for a while are to be tried again.
    async fn run_queries(&self) -> Result<Option<Instant>> {
        let mut range = Range::all();
        let mut again = None;
        loop {
            let page = self.platform.store.scan(&QUERIES, range, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(again) };
            range = Range::all().after(last);
            for (key, query) in page {
                let waits = |query: &Query| {
                    query.status == "FINISHED"
                        && query.delivery.as_ref().is_some_and(|delivery| delivery.status == "PENDING")
                };
                if matches!(&*query.status, "QUEUED" | "RUNNING") {
                    self.run_query(&key, query).await?;
                    let query = self.platform.store.get(&QUERIES, &key).await?;
                    if let Some(query) = query.filter(waits) {
                        again = again.or(self.deliver_results(&key, &query).await?);
                    }
                } else if query.created_ms + KEPT_MS < self.platform.env.now().millis() {
                    self.forget_query(&key, &query).await?;
                } else if waits(&query) {
                    again = again.or(self.deliver_results(&key, &query).await?);
                }
            }
        }
    }

    async fn run_query(&self, key: &TrailKey, mut query: Query) -> Result<()> {
        let started = haneul_env::clock::monotonic();
        self.ingest().await?;
        let events = Events { trail: self, key, bytes: AtomicU64::new(0), started };
        let outcome = match parse(&query.text, Instant::from_millis(query.created_ms)) {
            Ok(plan) => Run::new(&plan, &events).run().await,
            Err(error) => Err(Halt::Failed(error)),
        };
        query.took_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        query.bytes = events.bytes.load(Ordering::Relaxed);
        match outcome {
            Err(Halt::Gone) => Ok(()),
            Err(Halt::Store(error)) => Err(error),
            Err(Halt::Failed(message)) => {
                query.status = "FAILED".to_owned();
                query.error = Some(message);
                self.finish_query(key, &query).await
            }
            Err(Halt::TimedOut) => {
                query.status = "TIMED_OUT".to_owned();
                query.error = Some("The query ran for longer than an hour".to_owned());
                self.finish_query(key, &query).await
            }
            Ok(outcome) => {
                query.status = "FINISHED".to_owned();
                (query.scanned, query.matched) = (outcome.scanned, outcome.matched);
                query.rows = outcome.rows.len() as u64;
                if let Some(delivery) = &mut query.delivery {
                    delivery.finished_ms = self.platform.env.now().millis();
                }
                self.meter_scanned(key, &query);
                query.pages = self.put_pages(&key.2, outcome).await?;
                self.finish_query(key, &query).await
            }
        }
    }

    /// Puts rows into records that are not too large; the answer tells with which row each begins.
    async fn put_pages(&self, id: &str, outcome: Outcome) -> Result<Vec<u64>> {
        let names: usize = outcome.columns.iter().map(|name| name.len() + 16).sum();
        let (mut begins, mut page, mut size) = (vec![0], Vec::new(), 0);
        for (at, row) in outcome.rows.into_iter().enumerate() {
            let own = names + row.iter().map(|text| text.as_ref().map_or(0, String::len)).sum::<usize>();
            if size + own > PAGE_BYTES && !page.is_empty() {
                let full = Rows(std::mem::take(&mut page));
                self.put_page(id, begins.len() - 1, &full).await?;
                begins.push(at as u64);
                size = 0;
            }
            size += own;
            page.push(outcome.columns.iter().cloned().zip(row).collect());
        }
        self.put_page(id, begins.len() - 1, &Rows(page)).await?;
        Ok(begins)
    }
}

/// The events of stores, for one query.
struct Events<'a> {
    trail: &'a CloudTrail,
    key: &'a TrailKey,
    bytes: AtomicU64,
    started: std::time::Instant,
}

impl Source for Events<'_> {
    fn events<'a>(
        &'a self,
        store: &'a str,
        each: &'a mut (dyn FnMut(&Value) -> Flowed + Send),
    ) -> BoxFuture<'a, std::result::Result<(), Halt>> {
        Box::pin(async move {
            let all = || Range::prefix((store.to_owned(),));
            let mut range = all();
            loop {
                let page = self.trail.platform.store.scan(&LAKE, range, READ).await;
                let page = page.map_err(haneul_kit::ApiError::from)?;
                let Some((last, _)) = page.last() else { return Ok(()) };
                range = all().after(last);
                for (_, Chunk(packed)) in &page {
                    for json in chunk::decode(packed).map_err(haneul_kit::ApiError::from)? {
                        self.bytes.fetch_add(json.len() as u64, Ordering::Relaxed);
                        let event: Value = serde_json::from_slice(&json).unwrap_or_default();
                        if each(&event)? == Flow::Enough {
                            return Ok(());
                        }
                    }
                    // Others get their turn between chunks.
                    tokio::task::yield_now().await;
                }
                self.pause().await?;
            }
        })
    }

    fn pause(&self) -> BoxFuture<'_, std::result::Result<(), Halt>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if self.started.elapsed() > LONGEST {
                return Err(Halt::TimedOut);
            }
            let now = self.trail.platform.store.get(&QUERIES, self.key).await;
            let now = now.map_err(haneul_kit::ApiError::from)?;
            match now.is_none_or(|now| now.status == "CANCELLED") {
                true => Err(Halt::Gone),
                false => Ok(()),
            }
        })
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
        Box::pin(async move { self.trail.run_queries().await })
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
