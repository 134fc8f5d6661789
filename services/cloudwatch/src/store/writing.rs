use std::sync::Arc;

use haneul_kit::Result;
use haneul_store::{Batch, Range, Reads, Store};

use super::Points;
use crate::model::{JOURNAL, METRICS, POINTS, STATE};
use crate::series::generation::Generation;
use crate::series::{Bucket, bucket, chunk};

/// Buckets and values in memory at which they are written by series.
pub(crate) const WEIGHT_MAX: usize = 500_000;

/// How long points stay in the journal, in milliseconds of the cloud's clock.
pub(crate) const WRITE_EVERY_MS: i64 = 120_000;

/// Bytes and records of one batch of writes.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
const BATCH_WRITES: usize = 20_000;

/// Journal records dropped at once.
const DROP: usize = 5_000;

const WRITTEN: &str = "written";

impl Points {
    /// Writes the points in memory by series and drops their part of the journal; what was not finished before comes first. One at a time: only
    /// its task calls it.
    pub(crate) async fn write(&self, now_ms: i64) -> Result<()> {
        let mut settled = self.settled.write().await;
        let ended = match &settled.ended {
            Some(ended) => ended.clone(),
            None => {
                let mut current = self.current.write();
                if current.began_ms().is_none() {
                    return Ok(());
                }
                let next = Arc::new(Generation::new(current.number + 1));
                let ended = std::mem::replace(&mut *current, next);
                settled.ended = Some(ended.clone());
                ended
            }
        };
        drop(settled);
        // Whoever was adding to it has added.
        drop(ended.adding.write().await);
        for (tier, series, block) in write_chunks(&self.store, &ended).await? {
            *self.fragments.lock().entry((tier, series, block)).or_default() += 1;
        }
        self.save_metrics().await?;
        {
            let mut settled = self.settled.write().await;
            self.store.put(&STATE, WRITTEN, &ended.number).await?;
            settled.written = ended.number;
            settled.ended = None;
        }
        self.forget_idle(now_ms);
        drop_journal(&self.store, ended.number).await
    }

    /// When the points in memory are to be written, in milliseconds.
    pub(crate) async fn due_ms(&self, now_ms: i64) -> Option<i64> {
        if self.settled.read().await.ended.is_some() {
            return Some(now_ms);
        }
        let current = self.current.read();
        let began = current.began_ms()?;
        Some(if current.weight() >= WEIGHT_MAX { now_ms } else { began + WRITE_EVERY_MS })
    }

    /// When metrics were last put.
    async fn save_metrics(&self) -> Result<()> {
        let lagging: Vec<_> = {
            let known = self.known.read();
            known.values().filter_map(|series| Some((series.clone(), series.to_save()?))).collect()
        };
        for part in lagging.chunks(BATCH_WRITES) {
            let mut batch = Batch::default();
            for (series, at_ms) in part {
                let key = series.identity.key();
                // Only this task changes a metric's record, and only in this.
                if let Some(mut metric) = self.store.get(&METRICS, &key).await? {
                    metric.last_put_ms = metric.last_put_ms.max(*at_ms);
                    batch.put(&METRICS, &key, &metric)?;
                }
            }
            self.store.write(batch).await?;
            part.iter().for_each(|(series, at_ms)| series.saved(*at_ms));
        }
        Ok(())
    }
}

/// Writes what the journal has of generations that were not written as a whole. Says which generation is the last one written.
pub(super) async fn recover(store: &Store) -> Result<u64> {
    let mut written = store.get(&STATE, WRITTEN).await?.unwrap_or(0);
    drop_journal(store, written).await?;
    loop {
        let range = Range::all().from(&(written + 1, 0u64));
        let Some((number, _)) = store.scan_keys(&JOURNAL, range, 1).await?.into_iter().next() else {
            return Ok(written);
        };
        let generation = Generation::new(number);
        let mut range = Range::prefix((number,));
        loop {
            let page = store.scan(&JOURNAL, range, 500).await?;
            let Some((last, _)) = page.last() else { break };
            range = Range::prefix((number,)).after(last);
            for (_, bytes) in &page {
                generation.add(chunk::decode_batch(bytes)?, 0);
            }
        }
        write_chunks(store, &generation).await?;
        store.put(&STATE, WRITTEN, &number).await?;
        written = number;
        drop_journal(store, written).await?;
    }
}

/// The same generation makes the same keys each time, so that one which a crash interrupted is simply written again.
async fn write_chunks(
    store: &Store,
    generation: &Generation,
) -> Result<Vec<(crate::series::Tier, u64, i64)>> {
    let mut made = Vec::new();
    let (mut batch, mut bytes, mut writes) = (Batch::default(), 0, 0);
    for (series, buckets) in generation.all() {
        let mut buckets = bucket::combine(buckets);
        buckets.sort_by_key(|bucket| (bucket.tier, bucket.at));
        let block = |bucket: &Bucket| (bucket.tier, bucket.tier.block(bucket.at));
        for part in buckets.chunk_by(|a, b| block(a) == block(b)) {
            let (tier, block) = block(&part[0]);
            let chunk = chunk::encode(part);
            bytes += chunk.len();
            writes += 1;
            batch.put(&POINTS, &(tier.number(), series, block, generation.number), &chunk)?;
            made.push((tier, series, block));
            if bytes >= BATCH_BYTES || writes >= BATCH_WRITES {
                store.write(std::mem::take(&mut batch)).await?;
                (bytes, writes) = (0, 0);
            }
        }
    }
    store.write(batch).await?;
    Ok(made)
}

/// Drops the journal of the generations up to `written`.
async fn drop_journal(store: &Store, written: u64) -> Result<()> {
    loop {
        let keys = store.scan_keys(&JOURNAL, Range::all().before(&(written + 1, 0u64)), DROP).await?;
        if keys.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        for key in &keys {
            batch.delete(&JOURNAL, key)?;
        }
        store.write(batch).await?;
    }
}
