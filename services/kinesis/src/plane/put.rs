//! Records find their shard, get their places, and are waited for.

use std::collections::BTreeMap;
use std::sync::Arc;

use haneul_kit::{ApiError, Cx, Result};
use haneul_store::StoreError;
use tokio::sync::RwLockReadGuard;

use super::shard::Appended;
use super::{Shard, State, Stream};
use crate::Kinesis;
use crate::error;
use crate::hash::HashKey;
use crate::keys::StreamDataKey;
use crate::row::{Entry, Parcel, pack};
use crate::sequence::Sequence;

/// A record and its place on the ring; without one it goes to whose turn it is.
pub(crate) struct Routed {
    pub(crate) at: Option<HashKey>,
    pub(crate) entry: Entry,
}

pub(crate) enum Outcome {
    Put {
        shard: u32,
        sequence: String,
    },
    /// More than the shard takes at the time.
    Rate {
        shard: u32,
    },
    Failed(StoreError),
}

/// What became of the records of one call.
pub(crate) struct Put {
    /// One for each record; what was only checked has none.
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) sealed: bool,
}

/// A stream that takes records and does not change meanwhile, and the data key that it wants them sealed with.
struct Entered<'a> {
    _routing: RwLockReadGuard<'a, ()>,
    state: Arc<State>,
    key: Option<Arc<StreamDataKey>>,
}

/// Data keys that one call asks for at most. A stream's key is changed 25 times a day, and half a second apart.
const KEYS_ASKED_MAX: usize = 3;

/// What is on its way to one shard.
struct Sent {
    shard: Arc<Shard>,
    /// Positions in the request.
    records: Vec<usize>,
    appended: Appended,
}

impl Kinesis {
    /// Puts what the shards take. With `check_only` nothing is put, and limits are only looked at. `after` is a number that all
    /// new ones must be higher than.
    pub(crate) async fn put(
        &self,
        cx: &Cx,
        stream: &Stream,
        records: &[Routed],
        after: Option<&str>,
        check_only: bool,
    ) -> Result<Put> {
        let mut outcomes: Vec<Option<Outcome>> = records.iter().map(|_| None).collect();
        let mut sent = Vec::new();
        let sealed = {
            let Entered { _routing, state, key } = self.enter(cx, stream).await?;
            let mut by_shard: BTreeMap<u32, (&Arc<Shard>, Vec<usize>)> = BTreeMap::new();
            for (i, record) in records.iter().enumerate() {
                let shard = match record.at {
                    Some(at) => state.shard_of(at),
                    None => state.shard_in_turn(stream.next_turn()),
                };
                let shard = shard.ok_or_else(|| ApiError::internal("a stream without open shards"))?;
                by_shard.entry(shard.index).or_insert_with(|| (shard, Vec::new())).1.push(i);
            }
            for (index, (shard, positions)) in by_shard {
                let tail = shard.tail(&self.platform.store).await?;
                let now_ms = self.platform.env.now().millis();
                let mut admitted = Vec::with_capacity(positions.len());
                {
                    let mut tail = tail.lock();
                    if let Some(after) = after {
                        check_order(stream, shard, tail.next(), after, now_ms)?;
                    }
                    for i in positions {
                        let size = records[i].entry.size() as i64;
                        let limits = &mut tail.limits;
                        if !limits.records.has(1, now_ms) || !limits.bytes.has(size, now_ms) {
                            outcomes[i] = Some(Outcome::Rate { shard: index });
                            continue;
                        }
                        if !check_only {
                            limits.records.take(1);
                            limits.bytes.take(size);
                        }
                        admitted.push(i);
                    }
                    if (tail.limits.records.is_hot() || tail.limits.bytes.is_hot())
                        && state.may_split(shard, now_ms)
                        && stream.hot.lock().insert(index)
                    {
                        self.keeper.wake();
                    }
                }
                if admitted.is_empty() || check_only {
                    continue;
                }
                let body = pack(admitted.iter().map(|i| &records[*i].entry));
                let (seal, body) = match &key {
                    Some(key) => {
                        (Some(key.seal.clone()), key.seal_body(&self.platform.env.rng, &stream.arn, &body))
                    }
                    None => (None, body),
                };
                let parcel = Parcel { count: admitted.len() as u32, arrived_ms: now_ms, seal, body };
                let mut tail = tail.lock();
                let env = &self.platform.env;
                match shard.append(env, &self.platform.store, &mut tail, parcel, now_ms) {
                    Some(appended) => sent.push(Sent { shard: shard.clone(), records: admitted, appended }),
                    None => admitted.iter().for_each(|i| outcomes[*i] = Some(Outcome::Rate { shard: index })),
                }
            }
            key.is_some()
        };
        for Sent { shard, records, appended } in sent {
            let Appended { place, arrived_ms, durable } = appended;
            let written = durable.await.map_err(|_| ApiError::internal("a shard's writer went away"))?;
            for (i, place) in records.into_iter().zip(place..) {
                outcomes[i] = Some(match &written {
                    Ok(()) => Outcome::Put {
                        shard: shard.index,
                        sequence: shard.sequence(place, arrived_ms).text(),
                    },
                    Err(error) => Outcome::Failed(error.clone()),
                });
            }
        }
        Ok(Put { outcomes: outcomes.into_iter().flatten().collect(), sealed })
    }

    /// KMS is asked before the stream is held, so that it does not hold up who changes shards; a stream that got another
    /// key in between is entered anew.
    async fn enter<'a>(&self, cx: &Cx, stream: &'a Stream) -> Result<Entered<'a>> {
        for _ in 0..KEYS_ASKED_MAX {
            let before = stream.state();
            let key = match before.record.kms_key.as_deref() {
                None => None,
                Some(id) => Some(self.keys.for_putting(&self.platform, cx, &stream.key, id).await?),
            };
            let routing = stream.routing.read().await;
            let state = stream.state();
            if state.gone || !state.record.is_usable() {
                return Err(error::no_stream(&stream.key));
            }
            if state.record.kms_key == before.record.kms_key {
                return Ok(Entered { _routing: routing, state, key });
            }
        }
        Err(ApiError::internal("a stream's key changed again and again"))
    }
}

/// Refuses a number that this stream has not given out: nothing could be put after it.
fn check_order(stream: &Stream, shard: &Shard, next: u64, after: &str, now_ms: i64) -> Result<()> {
    let own = shard.sequence(next, now_ms);
    let given_out = Sequence::parse(after).is_some_and(|after| {
        if after.shard == own.shard {
            after.began_secs == own.began_secs && after.place < next
        } else {
            after.began_secs <= own.began_secs
        }
    });
    if given_out {
        return Ok(());
    }
    Err(error::invalid(format!(
        "ExclusiveMinimumSequenceNumber {after} used in PutRecord on stream {} under account {} is invalid.",
        stream.key.name, stream.key.account
    )))
}
