use std::collections::BTreeMap;

use haneul_kit::{ApiError, Result};
use haneul_store::{Range, Reads, Tx};

use super::Points;
use crate::model::{METRICS, POINTS};
use crate::series::{Bucket, Tier, bucket, chunk};

/// Keys looked at at once.
const PAGE: usize = 5_000;

/// Chunks of one block at which they are put together.
const FRAGMENTS_MAX: u32 = 12;

/// Chunks of one block and series, at most.
const CHUNKS_MAX: usize = 10_000;

impl Points {
    /// Moves blocks of `tier` whose time there is over to the next one, or away.
    pub(crate) async fn roll(&self, tier: Tier, now_s: i64) -> Result<()> {
        let written = self.settled.read().await.written;
        let over = |block: i64| block + tier.block_s() <= now_s - tier.kept_s();
        let mut range = Range::prefix((tier.number(),));
        let mut rolled = None;
        loop {
            let keys = self.store.scan_keys(&POINTS, range, PAGE).await?;
            let Some(last) = keys.last() else { return Ok(()) };
            range = Range::prefix((tier.number(),)).after(last);
            for (_, series, block, generation) in keys {
                if over(block) && generation <= written && rolled != Some((series, block)) {
                    self.roll_block(tier, series, block, written).await?;
                    rolled = Some((series, block));
                }
            }
        }
    }

    async fn roll_block(&self, tier: Tier, series: u64, block: i64, written: u64) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let Some((buckets, newest)) = take(&tx, tier, series, block, written).await? else {
                    return Ok(());
                };
                let Some(next) = tier.next() else { return Ok(()) };
                let mut blocks: BTreeMap<i64, Vec<Bucket>> = BTreeMap::new();
                for bucket in buckets {
                    blocks.entry(next.block(bucket.at)).or_default().push(bucket);
                }
                for (block, mut buckets) in blocks {
                    let mut newest = newest;
                    if let Some((before, generation)) = take(&tx, next, series, block, written).await? {
                        buckets.extend(before);
                        newest = newest.max(generation);
                    }
                    let chunk = chunk::encode(&bucket::roll(buckets, next));
                    tx.put(&POINTS, &(next.number(), series, block, newest), &chunk)?;
                }
                Ok::<_, ApiError>(())
            })
            .await
    }

    /// Puts the chunks together of blocks that have many.
    pub(crate) async fn compact(&self) -> Result<()> {
        let written = self.settled.read().await.written;
        let due: Vec<(Tier, u64, i64)> = {
            let mut fragments = self.fragments.lock();
            let due =
                fragments.iter().filter(|(_, count)| **count >= FRAGMENTS_MAX).map(|(key, _)| *key).collect();
            fragments.retain(|_, count| *count < FRAGMENTS_MAX);
            due
        };
        for (tier, series, block) in due {
            self.store
                .transact(|tx| async move {
                    if let Some((buckets, newest)) = take(&tx, tier, series, block, written).await? {
                        let chunk = chunk::encode(&bucket::combine(buckets));
                        tx.put(&POINTS, &(tier.number(), series, block, newest), &chunk)?;
                    }
                    Ok::<_, ApiError>(())
                })
                .await?;
        }
        // Blocks that are over get no more chunks; forget them.
        let mut fragments = self.fragments.lock();
        if fragments.len() > 1_000_000 {
            fragments.clear();
        }
        Ok(())
    }

    /// Drops metrics whose last point is out of retention.
    pub(crate) async fn drop_old_metrics(&self, now_ms: i64) -> Result<()> {
        let oldest_ms = now_ms - Tier::Hour.kept_s() * 1000;
        self.known.write().retain(|_, series| series.last_put_ms() >= oldest_ms);
        let mut range = Range::all();
        loop {
            let page = self.store.scan(&METRICS, range, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            range = Range::all().after(last);
            for (key, _) in page.iter().filter(|(_, metric)| metric.last_put_ms < oldest_ms) {
                self.store
                    .transact(|tx| async move {
                        match tx.get(&METRICS, key).await? {
                            Some(metric) if metric.last_put_ms < oldest_ms => tx.delete(&METRICS, key)?,
                            _ => {}
                        }
                        Ok::<_, ApiError>(())
                    })
                    .await?;
            }
        }
    }
}

/// Takes the chunks of a block out, those of written generations, with the newest generation among them.
async fn take(
    tx: &Tx,
    tier: Tier,
    series: u64,
    block: i64,
    written: u64,
) -> Result<Option<(Vec<Bucket>, u64)>> {
    let range = Range::prefix((tier.number(), series, block));
    let mut found = tx.scan(&POINTS, range, CHUNKS_MAX).await?;
    found.retain(|((.., generation), _)| *generation <= written);
    let Some(newest) = found.iter().map(|((.., generation), _)| *generation).max() else { return Ok(None) };
    let mut buckets = Vec::new();
    for (key, bytes) in &found {
        buckets.extend(chunk::decode(bytes)?);
        tx.delete(&POINTS, key)?;
    }
    Ok(Some((buckets, newest)))
}
