//! Tells CloudWatch when imported key material expires. Source: KMS Developer Guide, "Monitor KMS keys with Amazon CloudWatch".

use haneul_kit::metrics::{Owner, Reading, Source, Summary, Unit};
use haneul_kit::{BoxFuture, Instant, Result};
use haneul_store::{Range, Reads, Store};

use crate::model::{DUE, KEYS, KeyRecord};

/// Knows the store and nothing else: what is told to the metrics must not keep them.
pub(crate) struct Expiries {
    store: Store,
}

const PAGE: usize = 500;

impl Expiries {
    pub(crate) fn new(store: Store) -> Expiries {
        Expiries { store }
    }

    /// Of the keys of which something falls due at all.
    async fn all(&self, minute: Instant) -> Result<Vec<Reading>> {
        let (mut range, mut readings) = (Range::all(), Vec::new());
        loop {
            let page = self.store.scan_keys(&DUE, range, PAGE).await?;
            let Some(last) = page.last() else { return Ok(readings) };
            range = Range::all().after(last);
            for (_, account, region, id) in page {
                let key = self.store.get(&KEYS, &(account, region, id.as_str())).await?;
                let Some(left) = key.and_then(|key| seconds_left(&key, minute)) else { continue };
                readings.push(Reading {
                    owner: Owner { account, region },
                    at: minute,
                    namespace: "AWS/KMS",
                    name: "SecondsUntilKeyMaterialExpiration",
                    unit: Unit::Seconds,
                    dimensions: vec![("KeyId", id)],
                    summary: Summary::of(left as f64, 1.0),
                });
            }
        }
    }
}

/// Until the first of a key's materials expires.
fn seconds_left(key: &KeyRecord, now: Instant) -> Option<i64> {
    let there = key.materials.iter().filter(|material| material.is_there(now));
    let first_ms = there.filter_map(|material| material.valid_to_ms).min()?;
    Some((first_ms - now.millis()) / 1000)
}

impl Source for Expiries {
    fn read(&self, minute: Instant) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async move {
            self.all(minute).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "when key material expires was not told");
                Vec::new()
            })
        })
    }
}
