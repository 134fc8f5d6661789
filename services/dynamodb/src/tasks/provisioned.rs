//! Tells CloudWatch what is provisioned. Source: DynamoDB Developer Guide, "DynamoDB metrics and dimensions".

use haneul_kit::metrics::{Owner, Reading, Source, Summary, Unit};
use haneul_kit::{BoxFuture, Instant};
use haneul_store::{Range, Reads, Store};

use crate::model::{TABLES, TableKey, TableRecord, Throughput};

/// Knows the store and nothing else: what is told to the metrics must not keep them.
pub(crate) struct Provisioned {
    store: Store,
}

const PAGE: usize = 500;

impl Provisioned {
    pub(crate) fn new(store: Store) -> Provisioned {
        Provisioned { store }
    }

    async fn all(&self, minute: Instant) -> Vec<Reading> {
        let (mut range, mut readings) = (Range::all(), Vec::new());
        loop {
            let page = match self.store.scan(&TABLES, range, PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "what tables have provisioned was not told");
                    return readings;
                }
            };
            let Some((last, _)) = page.last() else { return readings };
            range = Range::all().after(last);
            for (key, record) in page.iter().filter(|(_, record)| !record.billing.on_demand) {
                of_table(key, record, minute, &mut readings);
            }
        }
    }
}

fn of_table(key: &TableKey, record: &TableRecord, minute: Instant, readings: &mut Vec<Reading>) {
    let mut tell = |throughput: &Throughput, index: Option<&str>| {
        let mut dimensions = vec![("TableName", key.2.clone())];
        dimensions.extend(index.map(|index| ("GlobalSecondaryIndexName", index.to_owned())));
        for (name, units) in [
            ("ProvisionedReadCapacityUnits", throughput.read),
            ("ProvisionedWriteCapacityUnits", throughput.write),
        ] {
            readings.push(Reading {
                owner: Owner { account: key.0, region: key.1 },
                at: minute,
                namespace: "AWS/DynamoDB",
                name,
                unit: Unit::Count,
                dimensions: dimensions.clone(),
                summary: Summary::of(units as f64, 1.0),
            });
        }
    };
    tell(&record.billing.throughput, None);
    for index in record.indexes.iter().filter(|index| index.global) {
        tell(&index.throughput, Some(&index.name));
    }
}

impl Source for Provisioned {
    fn read(&self, minute: Instant) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async move {
            // Told every five minutes, as AWS does.
            match minute.secs().div_euclid(60) % 5 {
                0 => self.all(minute).await,
                _ => Vec::new(),
            }
        })
    }
}
