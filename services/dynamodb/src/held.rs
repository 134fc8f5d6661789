//! What tables and backups cost by the hour. Source: Amazon DynamoDB pricing: storage of items and index entries with 100 bytes
//! for each, what is provisioned, backups, and what point-in-time recovery can give back.

use std::collections::BTreeMap;

use haneul_kit::meter::{Held, UsageType, held_by_rows};
use haneul_kit::{Arn, Result};

use crate::model::{BACKUPS, BackupRecord, TABLES, TableKey, TableRecord};
use crate::store::Db;

const STORED: UsageType = UsageType::new("TimedStorage-ByteHrs", "Byte-Hours");
const STORED_INFREQUENT: UsageType = UsageType::new("IA-TimedStorage-ByteHrs", "Byte-Hours");
const RECOVERABLE: UsageType = UsageType::new("TimedPITRStorage-ByteHrs", "Byte-Hours");
const BACKED_UP: UsageType = UsageType::new("TimedBackupStorage-ByteHrs", "Byte-Hours");
const READ_UNITS: UsageType = UsageType::new("ReadCapacityUnit-Hrs", "ReadCapacityUnit-Hours");
const WRITE_UNITS: UsageType = UsageType::new("WriteCapacityUnit-Hrs", "WriteCapacityUnit-Hours");
/// Of each item and index entry, beside its own bytes.
const OVERHEAD: i64 = 100;

pub(crate) async fn held(db: &Db) -> Result<Vec<Held>> {
    let mut tables = Vec::new();
    let mut all = held_by_rows(&db.store, &TABLES, |key, table: TableRecord, all| {
        provisioned(&key, &table, all);
        tables.push(key);
    })
    .await?;
    for key in tables {
        let Some(info) = db.find_table(&key).await? else { continue };
        let counts = db.counts_of_a_day(&info).await?;
        let bytes: i64 = counts.of_space.iter().map(|(_, items, bytes)| bytes + OVERHEAD * items).sum();
        let kind = match info.record.table_class.as_deref() {
            Some("STANDARD_INFREQUENT_ACCESS") => STORED_INFREQUENT,
            _ => STORED,
        };
        add(&key, kind, bytes, &mut all);
        if info.record.pitr.is_some() {
            add(&key, RECOVERABLE, bytes, &mut all);
        }
    }
    // A table's backups are one row.
    let mut backed_up: BTreeMap<TableKey, i64> = BTreeMap::new();
    held_by_rows(&db.store, &BACKUPS, |(account, region, name, _), backup: BackupRecord, _| {
        // That of a deleted table costs nothing.
        if backup.ready && backup.expires_ms.is_none() {
            *backed_up.entry((account, region, name)).or_default() += backup.bytes;
        }
    })
    .await?;
    backed_up.iter().for_each(|(key, bytes)| add(key, BACKED_UP, *bytes, &mut all));
    Ok(all)
}

fn provisioned(key: &TableKey, table: &TableRecord, all: &mut Vec<Held>) {
    if table.billing.on_demand {
        return;
    }
    let global = table.indexes.iter().filter(|index| index.global).map(|index| &index.throughput);
    let (read, write) = global
        .chain([&table.billing.throughput])
        .fold((0, 0), |(read, write), units| (read + units.read, write + units.write));
    add(key, READ_UNITS, read, all);
    add(key, WRITE_UNITS, write, all);
}

fn add((account, region, name): &TableKey, kind: UsageType, amount: i64, all: &mut Vec<Held>) {
    let Some(amount) = u64::try_from(amount).ok().filter(|amount| *amount > 0) else { return };
    all.push(Held {
        account: *account,
        region: *region,
        service: "dynamodb",
        operation: if kind == READ_UNITS || kind == WRITE_UNITS {
            "CommittedThroughput"
        } else {
            "StandardStorage"
        },
        resource: Arn::new("dynamodb", *region, *account, format_args!("table/{name}")).to_string(),
        kind,
        amount,
    });
}
