use std::collections::BTreeMap;
use std::time::Duration;

use haneul_kit::{ApiError, Result};

use super::Mapping;
use super::kinesis::Subscription;
use super::lane::Item;
use super::shard::Reader;
use crate::model::mapping::{Kind, ShardRecord};

/// How often shards are asked for anew. A shard takes records for hours.
const LISTED_EVERY: Duration = Duration::from_secs(10);

/// A shard of either kind of stream.
pub(super) struct Shard {
    pub(super) id: String,
    /// What it was split or merged from: their records come first.
    pub(super) parents: Vec<String>,
    pub(super) closed: bool,
}

/// Where reading goes on.
pub(super) enum Cursor {
    Iterator(String),
    Subscription(Box<Subscription>),
}

impl Mapping {
    /// Reads every shard of the stream, parents before their children, until it is stopped or something fails.
    pub(super) async fn poll_stream(&self, failures: &mut u32) -> Result<()> {
        let env = &self.lambda.platform.env;
        let mut reading: BTreeMap<String, tokio::task::JoinHandle<Result<()>>> = BTreeMap::new();
        let result = loop {
            if self.is_stopped() {
                break Ok(());
            }
            let shards = match self.shards().await {
                Ok(shards) => shards,
                Err(failed) => break Err(failed),
            };
            let kept: BTreeMap<String, ShardRecord> =
                self.lambda.records.shards(&self.row.2).await?.into_iter().collect();
            let is_done = |id: &str| kept.get(id).is_some_and(|shard| shard.done);
            for Shard { id, parents, .. } in &shards {
                // A parent that is listed no more was trimmed.
                let waits =
                    |parent: &String| !is_done(parent) && shards.iter().any(|other| other.id == *parent);
                if is_done(id) || parents.iter().any(waits) || reading.contains_key(id) {
                    continue;
                }
                let reader = Reader { mapping: self.clone(), shard: id.clone() };
                reading.insert(id.clone(), env.spawn("lambda shard", async move { reader.run().await }));
            }
            // What was trimmed from the stream is remembered no longer.
            for id in kept.keys() {
                if is_done(id) && !shards.iter().any(|shard| shard.id == *id) {
                    self.lambda.records.forget_shard(&self.row.2, id).await?;
                }
            }
            *failures = 0;
            self.next_turn(&mut reading).await;
            let ended: Vec<String> =
                reading.iter().filter(|(_, task)| task.is_finished()).map(|(id, _)| id.clone()).collect();
            let mut failed = None;
            for id in ended {
                let Some(task) = reading.remove(&id) else { continue };
                match task.await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => failed = Some(error),
                    Err(_) => failed = Some(ApiError::internal("a shard's reader was given up")),
                }
            }
            if let Some(failed) = failed {
                break Err(failed);
            }
        };
        // Readers that are to stop finish their batch; after a failure all begin again.
        for (_, task) in reading {
            if !self.is_stopped() {
                task.abort();
            }
            let _ = task.await;
        }
        result
    }

    /// Waits until a shard's reader has ended, or it is time to ask for shards.
    async fn next_turn(&self, reading: &mut BTreeMap<String, tokio::task::JoinHandle<Result<()>>>) {
        let any = async {
            loop {
                if reading.values().any(tokio::task::JoinHandle::is_finished) {
                    return;
                }
                if !self.sleep(Duration::from_millis(250)).await {
                    return;
                }
            }
        };
        tokio::select! {
            () = any => {}
            _ = self.sleep(LISTED_EVERY) => {}
        }
    }

    async fn shards(&self) -> Result<Vec<Shard>> {
        match self.record.kind {
            Kind::Kinesis => self.stream_shards().await,
            _ => self.table_shards().await,
        }
    }

    /// Where to read on after a record, or from where the mapping begins. `None` where there is nothing more.
    pub(super) async fn cursor(&self, shard: &str, after: Option<&str>) -> Result<Option<Cursor>> {
        match self.record.kind {
            Kind::Kinesis => self.stream_cursor(shard, after).await,
            _ => self.table_cursor(shard, after).await,
        }
    }

    /// Records from there on, and where to go on; `None` at the end of a closed shard.
    ///
    /// # Errors
    /// ExpiredIteratorException where another cursor is to be asked for.
    pub(super) async fn records(
        &self,
        shard: &str,
        from: Cursor,
        limit: i32,
    ) -> Result<(Vec<Item>, Option<Cursor>)> {
        match (from, self.record.kind) {
            (Cursor::Subscription(subscription), _) => self.pushed(shard, subscription, limit).await,
            (Cursor::Iterator(iterator), Kind::Kinesis) => self.stream_records(shard, iterator, limit).await,
            (Cursor::Iterator(iterator), _) => self.table_records(iterator, limit).await,
        }
    }
}
