use std::collections::BTreeMap;
use std::time::Duration;

use haneul_kit::Result;

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
    /// Its first sequence number, by which it is told from a shard of an earlier stream of the same name.
    pub(super) begins: String,
}

/// The readers at work, by shard and where it begins.
type Reading = BTreeMap<(String, String), tokio::task::JoinHandle<()>>;

/// Where reading goes on.
pub(super) enum Cursor {
    Iterator(String),
    Subscription(Box<Subscription>),
}

impl Mapping {
    /// Reads every shard of the stream, parents before their children, until it is stopped.
    pub(super) async fn poll_stream(&self) {
        let mut reading = Reading::new();
        let mut failures = 0;
        while !self.is_stopped() {
            match self.follow(&mut reading).await {
                Ok(()) => {
                    failures = 0;
                    self.next_turn(&reading).await;
                }
                // What is being read goes on.
                Err(failed) => {
                    failures += 1;
                    self.stumbled(&failed, failures).await;
                }
            }
        }
        // Readers that are to stop finish their batch.
        for (_, task) in reading {
            let _ = task.await;
        }
    }

    /// Sees which shards there are, and has those read that can be.
    async fn follow(&self, reading: &mut Reading) -> Result<()> {
        let env = &self.lambda.platform.env;
        let shards = self.shards().await?;
        let mut kept: BTreeMap<String, ShardRecord> =
            self.lambda.records.shards(&self.row.2).await?.into_iter().collect();
        // What was trimmed from the stream is remembered no longer, nor what is of an earlier stream of the same name.
        for (id, record) in &kept {
            let is_known = shards.iter().any(|shard| shard.id == *id && record.is_of(&shard.begins));
            let is_over = record.done || shards.iter().any(|shard| shard.id == *id);
            if !is_known && is_over {
                self.lambda.records.forget_shard(&self.row.2, id).await?;
            }
        }
        kept.retain(|id, record| shards.iter().any(|shard| shard.id == *id && record.is_of(&shard.begins)));
        reading.retain(|(id, begins), task| {
            let is_another = shards.iter().any(|shard| shard.id == *id && shard.begins != *begins);
            if is_another {
                task.abort();
            }
            !is_another && !task.is_finished()
        });
        let is_done = |id: &str| kept.get(id).is_some_and(|shard| shard.done);
        for Shard { id, parents, begins, .. } in &shards {
            // A parent that is listed no more was trimmed.
            let waits = |parent: &String| !is_done(parent) && shards.iter().any(|other| other.id == *parent);
            let place = (id.clone(), begins.clone());
            if is_done(id) || parents.iter().any(waits) || reading.contains_key(&place) {
                continue;
            }
            let reader = Reader { mapping: self.clone(), shard: id.clone(), begins: begins.clone() };
            reading.insert(place, env.spawn("lambda shard", async move { reader.run().await }));
        }
        Ok(())
    }

    /// Waits until a shard's reader has ended, or it is time to ask for shards.
    async fn next_turn(&self, reading: &Reading) {
        let any = async {
            loop {
                if !self.sleep(Duration::from_millis(250)).await {
                    return;
                }
                if reading.values().any(tokio::task::JoinHandle::is_finished) {
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

    /// Records from there on, and where to go on; `None` at the end of a closed shard. What a subscription pushes is
    /// waited for.
    ///
    /// # Errors
    /// ExpiredIteratorException where another cursor is to be asked for.
    pub(super) async fn records(
        &self,
        shard: &str,
        from: Cursor,
        limit: i32,
        wait: Duration,
    ) -> Result<(Vec<Item>, Option<Cursor>)> {
        match (from, self.record.kind) {
            (Cursor::Subscription(subscription), _) => self.pushed(shard, subscription, limit, wait).await,
            (Cursor::Iterator(iterator), Kind::Kinesis) => self.stream_records(shard, iterator, limit).await,
            (Cursor::Iterator(iterator), _) => self.table_records(iterator, limit).await,
        }
    }
}
