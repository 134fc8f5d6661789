use std::collections::HashMap;
use std::sync::Arc;

use haneul_env::Rng;
use haneul_kit::{ApiError, Result, Signal};
use haneul_store::{Range, Reads, Snapshot, Store};
use parking_lot::{Mutex, RwLock};

use super::writing::WEIGHT_MAX;
use crate::model::{JOURNAL, METRICS, Metric, POINTS};
use crate::series::generation::Generation;
use crate::series::{Bucket, Identity, Series, Tier, chunk};

/// All metrics and their points.
///
/// A batch is durable in the journal before it is acknowledged, one record for a whole request, and is held in memory by series. From time to
/// time the points in memory are written by series ([`Points::write`]) and their part of the journal is dropped.
pub(crate) struct Points {
    pub(super) store: Store,
    rng: Rng,
    /// Metrics that were used lately, by their identity's bytes.
    pub(super) known: RwLock<HashMap<Box<[u8]>, Arc<Series>>>,
    pub(super) current: RwLock<Arc<Generation>>,
    /// What is written by series. Readers hold it while they take a snapshot, so that each point is seen once: in memory or in a chunk.
    pub(super) settled: tokio::sync::RwLock<Settled>,
    /// Chunks of each block that came since it was last put together.
    pub(super) fragments: Mutex<HashMap<(Tier, u64, i64), u32>>,
    /// Says that there is something to write.
    pub(crate) writing: Signal,
}

pub(super) struct Settled {
    /// The last generation that is in chunks as a whole.
    pub(super) written: u64,
    /// The one that is being written.
    pub(super) ended: Option<Arc<Generation>>,
}

/// What may wait in memory while what came before is written.
const WEIGHT_BEHIND: usize = 8 * WEIGHT_MAX;

/// Metrics kept in memory.
const KNOWN_MAX: usize = 300_000;

/// One state of all points.
pub(crate) struct View {
    snapshot: Snapshot,
    written: u64,
    ended: Option<Arc<Generation>>,
    current: Arc<Generation>,
}

/// Chunks of one series and tier that one read takes, at most.
const CHUNKS_MAX: usize = 50_000;

impl Points {
    /// Reads what a crash left in the journal, and writes it by series.
    pub(crate) async fn open(store: &Store, rng: &Rng, writing: Signal) -> Result<Points> {
        let written = super::writing::recover(store).await?;
        Ok(Points {
            store: store.clone(),
            rng: rng.clone(),
            known: RwLock::default(),
            current: RwLock::new(Arc::new(Generation::new(written + 1))),
            settled: tokio::sync::RwLock::new(Settled { written, ended: None }),
            fragments: Mutex::default(),
            writing,
        })
    }

    /// Adds points, durable when it returns. Tells the metrics that had none yet in this hour.
    pub(crate) async fn add(&self, points: Vec<(Identity, Bucket)>, now_ms: i64) -> Result<Vec<Arc<Series>>> {
        let mut rows = Vec::with_capacity(points.len());
        let mut unknown: Vec<(usize, Identity)> = Vec::new();
        let mut touched = Vec::with_capacity(points.len());
        {
            let known = self.known.read();
            for (i, (identity, bucket)) in points.into_iter().enumerate() {
                match known.get(&identity.bytes()[..]) {
                    Some(series) => {
                        touched.push(series.clone());
                        rows.push((series.id, bucket));
                    }
                    None => {
                        unknown.push((i, identity));
                        rows.push((0, bucket));
                    }
                }
            }
        }
        loop {
            let generation = self.current.read().clone();
            // The disk does not keep up: clients wait and try again.
            if generation.weight() >= WEIGHT_BEHIND {
                self.writing.wake();
                return Err(ApiError::new("ThrottlingException", "Rate exceeded"));
            }
            let adding = generation.adding.read().await;
            if !Arc::ptr_eq(&generation, &*self.current.read()) {
                continue;
            }
            if unknown.is_empty() {
                let place = (generation.number, generation.next_sequence());
                self.store.put(&JOURNAL, &place, &chunk::encode_batch(&rows)).await?;
            } else {
                touched.extend(self.add_new(&generation, &unknown, &mut rows, now_ms).await?);
            }
            if generation.began_ms().is_none() || generation.weight() >= WEIGHT_MAX {
                self.writing.wake();
            }
            generation.add(rows, now_ms);
            drop(adding);
            touched.retain(|series| series.put_at(now_ms));
            return Ok(touched);
        }
    }

    /// Adds points of which some belong to metrics that are not in memory, and perhaps not in the store.
    async fn add_new(
        &self,
        generation: &Generation,
        unknown: &[(usize, Identity)],
        rows: &mut Vec<(u64, Bucket)>,
        now_ms: i64,
    ) -> Result<Vec<Arc<Series>>> {
        let distinct: HashMap<Vec<u8>, (&Identity, u64)> =
            unknown.iter().map(|(_, identity)| (identity.bytes(), (identity, self.rng.u64()))).collect();
        let place = (generation.number, generation.next_sequence());
        let (distinct, given) = (&distinct, &*rows);
        let (found, encoded) = self
            .store
            .transact(|tx| async move {
                let mut found: HashMap<&[u8], (u64, Option<i64>)> = HashMap::with_capacity(distinct.len());
                for (bytes, (identity, proposed)) in distinct {
                    let key = identity.key();
                    let known = match tx.get(&METRICS, &key).await? {
                        Some(metric) => (metric.id, Some(metric.last_put_ms)),
                        None => {
                            let metric = Metric {
                                id: *proposed,
                                dimensions: identity.dimensions.clone(),
                                created_ms: now_ms,
                                last_put_ms: now_ms,
                            };
                            tx.put(&METRICS, &key, &metric)?;
                            (*proposed, None)
                        }
                    };
                    found.insert(bytes, known);
                }
                let mut rows = given.to_vec();
                for (i, identity) in unknown {
                    rows[*i].0 = found.get(&identity.bytes()[..]).map_or(0, |(id, _)| *id);
                }
                tx.put(&JOURNAL, &place, &chunk::encode_batch(&rows))?;
                Ok::<_, ApiError>((found, rows))
            })
            .await?;
        *rows = encoded;
        let mut made = Vec::with_capacity(distinct.len());
        for (bytes, (identity, _)) in distinct {
            if let Some((id, last_put_ms)) = found.get(&bytes[..]) {
                let identity = (*identity).clone();
                made.push(self.remember(match last_put_ms {
                    Some(last_put_ms) => Series::new(*id, identity, *last_put_ms),
                    None => Series::fresh(*id, identity, now_ms),
                }));
            }
        }
        Ok(made)
    }

    fn remember(&self, series: Series) -> Arc<Series> {
        let mut known = self.known.write();
        let bytes = series.identity.bytes().into_boxed_slice();
        known.entry(bytes).or_insert_with(|| Arc::new(series)).clone()
    }

    /// Lets go of metrics that were not used for an hour, when there are many.
    pub(super) fn forget_idle(&self, now_ms: i64) {
        let mut known = self.known.write();
        if known.len() > KNOWN_MAX {
            known.retain(|_, series| now_ms - series.last_put_ms() < 3_600_000);
        }
    }

    /// The series of a metric, when it was ever put.
    pub(crate) async fn find(&self, identity: &Identity) -> Result<Option<Arc<Series>>> {
        if let Some(series) = self.known.read().get(&identity.bytes()[..]) {
            return Ok(Some(series.clone()));
        }
        let Some(metric) = self.store.get(&METRICS, &identity.key()).await? else { return Ok(None) };
        Ok(Some(self.remember(Series::new(metric.id, identity.clone(), metric.last_put_ms))))
    }

    pub(crate) async fn view(&self) -> Result<View> {
        let settled = self.settled.read().await;
        let current = self.current.read().clone();
        let snapshot = self.store.snapshot().await?;
        Ok(View { snapshot, written: settled.written, ended: settled.ended.clone(), current })
    }
}

impl View {
    /// The buckets of a series within `[from_s, to_s)`, in no order and some perhaps twice: to be summed up.
    pub(crate) async fn read(&self, series: u64, from_s: i64, to_s: i64) -> Result<Vec<Bucket>> {
        let mut buckets = Vec::new();
        for generation in self.ended.iter().chain([&self.current]) {
            generation.read(series, from_s, to_s, &mut buckets);
        }
        for tier in Tier::ALL {
            let number = tier.number();
            let range = Range::prefix((number, series)).from(&(number, series, tier.block(from_s), 0u64));
            let range = range.before(&(number, series, to_s, 0u64));
            for ((.., generation), bytes) in self.snapshot.scan(&POINTS, range, CHUNKS_MAX).await? {
                if generation <= self.written {
                    let within = |bucket: &Bucket| bucket.at >= from_s && bucket.at < to_s;
                    buckets.extend(chunk::decode(&bytes)?.into_iter().filter(within));
                }
            }
        }
        Ok(buckets)
    }
}
