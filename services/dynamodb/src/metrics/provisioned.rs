//! Tells what tables and accounts may use. Source: DynamoDB Developer Guide, "DynamoDB metrics and dimensions", with its usage
//! metrics.

use std::collections::BTreeMap;

use haneul_kit::metrics::{Owner, Reading, Source, Summary, Unit};
use haneul_kit::{BoxFuture, Instant};
use haneul_store::{Range, Reads, Store};

use super::NAMESPACE;
use crate::model::{TABLES, TableKey, TableRecord, Throughput};

/// Units of an account and of one of its tables. Source: "Quotas", the initial quotas.
pub(crate) const ACCOUNT_MAX: i64 = 80_000;
pub(crate) const TABLE_MAX: i64 = 40_000;

/// Knows the store and nothing else: what is told to the metrics must not keep them.
pub(crate) struct Provisioned {
    store: Store,
}

const PAGE: usize = 500;

/// What the tables of one account have provisioned in one Region.
#[derive(Default)]
struct Account {
    tables: u64,
    sum: Throughput,
    largest: Throughput,
}

impl Provisioned {
    pub(crate) fn new(store: Store) -> Provisioned {
        Provisioned { store }
    }

    async fn all(&self, minute: Instant) -> Vec<Reading> {
        let mut told = Told { minute, readings: Vec::new() };
        let (mut range, mut accounts) = (Range::all(), BTreeMap::<Owner, Account>::new());
        loop {
            let page = match self.store.scan(&TABLES, range, PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "what tables have provisioned was not told");
                    return told.readings;
                }
            };
            let Some((last, _)) = page.last() else { break };
            range = Range::all().after(last);
            for (key, record) in &page {
                told.table(key, record);
                accounts.entry(Owner { account: key.0, region: key.1 }).or_default().add(record);
            }
        }
        accounts.iter().for_each(|(owner, account)| told.account(*owner, account));
        told.readings
    }
}

impl Account {
    fn add(&mut self, record: &TableRecord) {
        self.tables += 1;
        if record.billing.on_demand {
            return;
        }
        for (_, throughput) in all_of(record) {
            self.sum.read = self.sum.read.saturating_add(throughput.read);
            self.sum.write = self.sum.write.saturating_add(throughput.write);
            self.largest.read = self.largest.read.max(throughput.read);
            self.largest.write = self.largest.write.max(throughput.write);
        }
    }
}

/// The throughput of a table and of its global indexes.
fn all_of(record: &TableRecord) -> impl Iterator<Item = (Option<&str>, &Throughput)> {
    let indexes = record.indexes.iter().filter(|index| index.global);
    let indexes = indexes.map(|index| (Some(index.name.as_str()), &index.throughput));
    std::iter::once((None, &record.billing.throughput)).chain(indexes)
}

struct Told {
    minute: Instant,
    readings: Vec<Reading>,
}

impl Told {
    fn table(&mut self, key: &TableKey, record: &TableRecord) {
        let owner = Owner { account: key.0, region: key.1 };
        for (index, throughput) in all_of(record) {
            let mut dimensions = vec![("TableName", key.2.clone())];
            dimensions.extend(index.map(|index| ("GlobalSecondaryIndexName", index.to_owned())));
            let told = match record.billing.on_demand {
                false => [
                    ("ProvisionedReadCapacityUnits", throughput.read),
                    ("ProvisionedWriteCapacityUnits", throughput.write),
                ],
                true => [
                    ("OnDemandMaxReadRequestUnits", throughput.read_max),
                    ("OnDemandMaxWriteRequestUnits", throughput.write_max),
                ],
            };
            for (name, units) in told {
                // Without a maximum there is nothing to tell.
                if record.billing.on_demand && units <= 0 {
                    continue;
                }
                self.tell(owner, NAMESPACE, (name, Unit::Count), dimensions.clone(), units as f64);
            }
        }
    }

    fn account(&mut self, owner: Owner, account: &Account) {
        let percent = |units: i64, of: i64| units as f64 * 100.0 / of as f64;
        let Account { tables, sum, largest } = account;
        for (name, unit, value) in [
            ("AccountMaxReads", Unit::Count, ACCOUNT_MAX as f64),
            ("AccountMaxWrites", Unit::Count, ACCOUNT_MAX as f64),
            ("AccountMaxTableLevelReads", Unit::Count, TABLE_MAX as f64),
            ("AccountMaxTableLevelWrites", Unit::Count, TABLE_MAX as f64),
            ("AccountProvisionedReadCapacityUtilization", Unit::Percent, percent(sum.read, ACCOUNT_MAX)),
            ("AccountProvisionedWriteCapacityUtilization", Unit::Percent, percent(sum.write, ACCOUNT_MAX)),
            ("MaxProvisionedTableReadCapacityUtilization", Unit::Percent, percent(largest.read, TABLE_MAX)),
            ("MaxProvisionedTableWriteCapacityUtilization", Unit::Percent, percent(largest.write, TABLE_MAX)),
        ] {
            self.tell(owner, NAMESPACE, (name, unit), Vec::new(), value);
        }
        for (resource, value) in [
            ("AccountProvisionedReadCapacityUnits", sum.read as f64),
            ("AccountProvisionedWriteCapacityUnits", sum.write as f64),
            ("TableCount", *tables as f64),
        ] {
            let dimensions =
                [("Class", "None"), ("Resource", resource), ("Service", "DynamoDB"), ("Type", "Resource")];
            let dimensions = dimensions.map(|(name, value)| (name, value.to_owned())).to_vec();
            self.tell(owner, "AWS/Usage", ("ResourceCount", Unit::Count), dimensions, value);
        }
    }

    fn tell(
        &mut self,
        owner: Owner,
        namespace: &'static str,
        (name, unit): (&'static str, Unit),
        dimensions: Vec<(&'static str, String)>,
        value: f64,
    ) {
        let summary = Summary::of(value, 1.0);
        self.readings.push(Reading { owner, at: self.minute, namespace, name, unit, dimensions, summary });
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
