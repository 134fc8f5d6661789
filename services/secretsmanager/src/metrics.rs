//! Tells CloudWatch how many secrets there are, each hour. Source: Secrets Manager User Guide, "Monitor AWS Secrets Manager with Amazon
//! CloudWatch".

use std::collections::BTreeMap;

use haneul_kit::metrics::{Owner, Reading, Source, Summary, Unit};
use haneul_kit::{BoxFuture, Instant, Result};
use haneul_store::{Range, Reads, Store};

use crate::model::SECRETS;

/// Knows the store and nothing else: what is told to the metrics must not keep them.
pub(crate) struct Counts {
    store: Store,
}

const PAGE: usize = 1000;
const HOUR_S: i64 = 3600;

impl Counts {
    pub(crate) fn new(store: Store) -> Counts {
        Counts { store }
    }

    /// Those that wait to be deleted count too.
    async fn all(&self, minute: Instant) -> Result<Vec<Reading>> {
        let (mut range, mut counts) = (Range::all(), BTreeMap::<Owner, u64>::new());
        loop {
            let page = self.store.scan_keys(&SECRETS, range, PAGE).await?;
            let Some(last) = page.last() else { break };
            range = Range::all().after(last);
            for (account, region, _) in page {
                *counts.entry(Owner { account, region }).or_default() += 1;
            }
        }
        let reading = |(owner, count): (Owner, u64)| Reading {
            owner,
            at: minute,
            namespace: "AWS/SecretsManager",
            name: "ResourceCount",
            unit: Unit::None,
            dimensions: [
                ("Class", "None"),
                ("Resource", "SecretCount"),
                ("Service", "Secrets Manager"),
                ("Type", "Resource"),
            ]
            .map(|(name, value)| (name, value.to_owned()))
            .to_vec(),
            summary: Summary::of(count as f64, 1.0),
        };
        Ok(counts.into_iter().map(reading).collect())
    }
}

impl Source for Counts {
    fn read(&self, minute: Instant) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async move {
            if minute.secs().rem_euclid(HOUR_S) >= 60 {
                return Vec::new();
            }
            self.all(minute).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "how many secrets there are was not told");
                Vec::new()
            })
        })
    }
}
