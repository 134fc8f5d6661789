//! UpdateTable.

use std::sync::Arc;

use haneul_dynamodb_wire::operations::UpdateTable;
use haneul_dynamodb_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};

use super::tables::stream_view;
use super::{Dynamodb, strong};
use crate::error::{self, invalid, validation};
use crate::model::{TableRecord, Throughput};
use crate::store::tables::{Change, Numbers};
use crate::table::{TableInfo, define, describe, name};

impl Handle<UpdateTable> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::UpdateTableInput) -> Result<Vec<Access>> {
        let mut needed = self.on_table(cx, "dynamodb:UpdateTable", &input.table_name).await?;
        needed.extend(self.on_replicas(cx, input).await?);
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: s::UpdateTableInput) -> Result<s::UpdateTableOutput> {
        refuse(&input)?;
        let id = name::of(cx, &input.table_name)?;
        if let Some(updates) = &input.replica_updates {
            if self.is_of_strong(&id, &input).await? {
                let made = self.update_strong(cx, &id, &input).await?;
                let info = self.db.named_table(&id).await?;
                let mut output = self.updating(&info).await?;
                strong::begun(&mut output, made);
                return Ok(output);
            }
            self.update_replicas(cx, &id, updates).await?;
            let info = self.db.named_table(&id).await?;
            return self.updating(&info).await;
        }
        if let Some(info) = self.db.find_table(&id).await? {
            self.check_settled(&info).await?;
        }
        let now_ms = cx.now().millis();
        let stream = stream_view(input.stream_specification.as_ref())?;
        let encryption = match &input.sse_specification {
            Some(given) => Some(self.changed_encryption(cx, &id, given).await?),
            None => None,
        };
        let input = &input;
        let edit = move |record: &mut TableRecord, numbers: &mut Numbers| {
            let mut change = Change::default();
            if !record.is_made() {
                return Err(error::being_created(&input.table_name));
            }
            if let Some(given) = &input.stream_specification {
                change.stream = Some(match (&record.stream, given.stream_enabled) {
                    (Some(_), true) => {
                        return Err(validation("Table already has an enabled stream"));
                    }
                    (None, false) => {
                        return Err(validation("Table is already in desired state: the stream is disabled"));
                    }
                    (None, true) => stream.clone(),
                    (Some(_), false) if record.told().is_some() => {
                        return Err(validation(
                            "The stream of a replica of a global table cannot be disabled",
                        ));
                    }
                    (Some(_), false) => None,
                });
            }
            definitions(record, input)?;
            billing(record, input, now_ms)?;
            change.dropped = indexes(record, input, numbers, now_ms)?;
            if input.billing_mode.is_some() {
                define::check_index_units(record)?;
            }
            forget_definitions(record);
            define::check_projected(&record.indexes)?;
            if encryption.is_some() {
                record.sse.clone_from(&encryption);
            }
            if let Some(class) = &input.table_class {
                record.table_class = Some(class.clone());
            }
            if let Some(protected) = input.deletion_protection_enabled {
                record.deletion_protection = protected;
            }
            Ok(change)
        };
        let info = self.db.change_table(&id, edit).await?;
        self.updating(&info).await
    }
}

impl Dynamodb {
    async fn updating(&self, info: &Arc<TableInfo>) -> Result<s::UpdateTableOutput> {
        let counts = self.db.counts(info).await?;
        let mut description = describe::table(info, "UPDATING", &counts);
        self.describe_replicas(info, &mut description).await?;
        Ok(s::UpdateTableOutput { table_description: Some(description) })
    }
}

fn refuse(input: &s::UpdateTableInput) -> Result<()> {
    let others = input.attribute_definitions.is_some()
        || input.billing_mode.is_some()
        || input.provisioned_throughput.is_some()
        || input.global_secondary_index_updates.as_ref().is_some_and(|updates| !updates.is_empty())
        || input.stream_specification.is_some()
        || input.sse_specification.is_some()
        || input.table_class.is_some()
        || input.deletion_protection_enabled.is_some()
        || input.on_demand_throughput.is_some()
        || input.warm_throughput.is_some()
        || input.vector_index_updates.is_some();
    let nothing = !others
        && input.replica_updates.is_none()
        && input.multi_region_consistency.is_none()
        && input.global_table_witness_updates.is_none()
        && input.global_table_settings_replication_mode.is_none()
        && input.disassociation_protection_enabled.is_none();
    if nothing {
        return Err(validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or \
             SSESpecification or ReplicaUpdates is required",
        ));
    }
    if input.global_table_settings_replication_mode.is_some()
        || input.disassociation_protection_enabled.is_some()
    {
        return Err(error::not_here("global tables of several accounts"));
    }
    match &input.replica_updates {
        Some(updates) if updates.is_empty() => {
            return Err(invalid("ReplicaUpdates must have at least one member"));
        }
        Some(_) if others => {
            return Err(invalid("ReplicaUpdates cannot be combined with other changes of the table"));
        }
        None if input.multi_region_consistency.is_some() => {
            return Err(invalid("MultiRegionConsistency can only be specified with ReplicaUpdates"));
        }
        None if input.global_table_witness_updates.is_some() => {
            return Err(invalid("GlobalTableWitnessUpdates can only be specified with ReplicaUpdates"));
        }
        _ => {}
    }
    if input.vector_index_updates.as_ref().is_some_and(|updates| !updates.is_empty()) {
        return Err(error::not_here("vector indexes"));
    }
    let warms = |update: &s::GlobalSecondaryIndexUpdate| {
        update.create.as_ref().is_some_and(|create| create.warm_throughput.is_some())
            || update.update.as_ref().is_some_and(|update| update.warm_throughput.is_some())
    };
    let indexes = input.global_secondary_index_updates.iter().flatten();
    define::check_warm(input.warm_throughput.is_some() || indexes.into_iter().any(warms))
}

/// New definitions add to those there are; what is defined already must be the same.
fn definitions(record: &mut TableRecord, input: &s::UpdateTableInput) -> Result<()> {
    for (name, kind) in define::definitions(input.attribute_definitions.as_deref())? {
        match record.attributes.iter().find(|(other, _)| *other == name) {
            None => record.attributes.push((name, kind)),
            Some((_, other)) if *other == kind => {}
            Some((_, other)) => {
                return Err(invalid(format!(
                    "Attribute {name} is defined as {other} already and cannot become {kind}"
                )));
            }
        }
    }
    Ok(())
}

fn billing(record: &mut TableRecord, input: &s::UpdateTableInput, now_ms: i64) -> Result<()> {
    let given = input.provisioned_throughput.as_ref();
    if let Some(mode) = &input.billing_mode
        && change_mode(record, mode, now_ms)
        && !record.billing.on_demand
        && given.is_none()
    {
        return Err(invalid(
            "ProvisionedThroughput must be specified when BillingMode changes to PROVISIONED",
        ));
    }
    let billing = &mut record.billing;
    if let Some(given) = given {
        if billing.on_demand {
            return Err(invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
            ));
        }
        let same = billing.throughput.read == given.read_capacity_units
            && billing.throughput.write == given.write_capacity_units;
        if same && input.global_secondary_index_updates.is_none() && input.billing_mode.is_none() {
            return Err(validation(format!(
                "The provisioned throughput for the table will not change. The requested value equals the current \
                 value. Current ReadCapacityUnits provisioned for the table: {0}. Requested ReadCapacityUnits: {0}. \
                 Current WriteCapacityUnits provisioned for the table: {1}. Requested WriteCapacityUnits: {1}. Refer \
                 to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
                given.read_capacity_units, given.write_capacity_units
            )));
        }
        change_throughput(&mut billing.throughput, given, now_ms)?;
    }
    if let Some(bounds) = &input.on_demand_throughput {
        if !billing.on_demand {
            return Err(invalid(
                "OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST",
            ));
        }
        define::on_demand_bounds(&mut billing.throughput, Some(bounds))?;
    }
    Ok(())
}

/// Whether the billing mode is another one than before.
pub(super) fn change_mode(record: &mut TableRecord, mode: &str, now_ms: i64) -> bool {
    let before = record.billing.on_demand;
    let on_demand = mode == "PAY_PER_REQUEST";
    if on_demand && !before {
        record.billing.on_demand_since_ms = Some(now_ms);
        record.billing.throughput = Throughput::default();
        record.indexes.iter_mut().for_each(|index| index.throughput = Throughput::default());
    }
    (record.billing.on_demand, record.billing.named) = (on_demand, true);
    on_demand != before
}

/// Decreases of one UTC day that are free; every further one waits for an hour. Source: "Quotas", "Decreasing provisioned
/// throughput".
const DECREASES_FREE: i64 = 4;
const HOUR_MS: i64 = 60 * 60 * 1000;

/// The one way to other units, of tables and of indexes.
pub(super) fn change_throughput(
    units: &mut Throughput,
    given: &s::ProvisionedThroughput,
    now_ms: i64,
) -> Result<()> {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let new = define::provisioned(Some(given))?;
    if new.read < units.read || new.write < units.write {
        let today = units.decreased_ms.is_some_and(|at| at.div_euclid(DAY_MS) == now_ms.div_euclid(DAY_MS));
        if let Some(last_ms) = units.decreased_ms
            && today
            && units.decreases_today >= DECREASES_FREE
            && now_ms < last_ms + HOUR_MS
        {
            return Err(error::decreased_too_often(units.decreases_today, last_ms, last_ms + HOUR_MS));
        }
        units.decreases_today = if today { units.decreases_today + 1 } else { 1 };
        units.decreased_ms = Some(now_ms);
    }
    if new.read > units.read || new.write > units.write {
        units.increased_ms = Some(now_ms);
    }
    (units.read, units.write) = (new.read, new.write);
    Ok(())
}

/// The spaces of indexes that are dropped.
fn indexes(
    record: &mut TableRecord,
    input: &s::UpdateTableInput,
    numbers: &mut Numbers,
    now_ms: i64,
) -> Result<Vec<u64>> {
    let mut dropped = Vec::new();
    let updates = input.global_secondary_index_updates.as_deref().unwrap_or_default();
    check_updates(updates)?;
    let changes = updates.iter().filter(|update| update.create.is_some() || update.delete.is_some()).count();
    if changes > 1 {
        return Err(error::limit_exceeded(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        ));
    }
    for update in updates {
        match (&update.create, &update.update, &update.delete) {
            (Some(create), None, None) => {
                if record.indexes.iter().any(|index| !index.ready) {
                    return Err(error::limit_exceeded(
                        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per \
                         table",
                    ));
                }
                let count = record.indexes.iter().filter(|index| index.global).count();
                if count >= define::GLOBAL_INDEXES_MAX {
                    return Err(error::limit_exceeded(format!(
                        "GlobalSecondaryIndex count exceeds the per-table limit of {}",
                        define::GLOBAL_INDEXES_MAX
                    )));
                }
                if record.indexes.iter().any(|index| index.name == create.index_name) {
                    return Err(validation(format!(
                        "Attempting to create an index which already exists: {}",
                        create.index_name
                    )));
                }
                let new = define::NewIndex {
                    name: &create.index_name,
                    keys: &create.key_schema,
                    projection: &create.projection,
                    throughput: create.provisioned_throughput.as_ref(),
                    on_demand: create.on_demand_throughput.as_ref(),
                };
                let on_demand = record.billing.on_demand;
                // The request itself must define the new key, even where the table does already.
                let defined = define::definitions(input.attribute_definitions.as_deref())?;
                let mut index = define::global_index(&new, &defined, &record.indexes, on_demand)?;
                index.space = numbers.next();
                index.ready = false;
                record.indexes.push(index);
            }
            (None, Some(update), None) => {
                let on_demand = record.billing.on_demand;
                let index = global_index(record, &update.index_name)?;
                if let Some(given) = &update.provisioned_throughput {
                    if on_demand {
                        return Err(invalid(format!(
                            "ProvisionedThroughput should not be specified for index: {} when BillingMode is \
                             PAY_PER_REQUEST",
                            update.index_name
                        )));
                    }
                    change_throughput(&mut index.throughput, given, now_ms)?;
                }
                define::on_demand_bounds(&mut index.throughput, update.on_demand_throughput.as_ref())?;
            }
            (None, None, Some(delete)) => {
                dropped.push(global_index(record, &delete.index_name)?.space);
                record.indexes.retain(|index| index.name != delete.index_name);
            }
            _ => return Err(one_of_each()),
        }
    }
    Ok(dropped)
}

/// What is refused of index updates before the table is looked at.
fn check_updates(updates: &[s::GlobalSecondaryIndexUpdate]) -> Result<()> {
    let mut seen: Vec<&str> = Vec::with_capacity(updates.len());
    for update in updates {
        let name = match (&update.create, &update.update, &update.delete) {
            (Some(create), None, None) => &create.index_name,
            (None, Some(update), None) => &update.index_name,
            (None, None, Some(delete)) => &delete.index_name,
            _ => return Err(one_of_each()),
        };
        if seen.contains(&name.as_str()) {
            return Err(invalid(format!(
                "Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )));
        }
        seen.push(name);
    }
    Ok(())
}

fn one_of_each() -> haneul_kit::ApiError {
    invalid(
        "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, \
         GlobalSecondaryIndexUpdate.Delete must not be null",
    )
}

fn global_index<'a>(record: &'a mut TableRecord, name: &str) -> Result<&'a mut crate::model::IndexRecord> {
    record
        .indexes
        .iter_mut()
        .find(|index| index.global && index.name == name)
        .ok_or_else(|| error::not_found("Requested resource not found".to_owned()))
}

/// Definitions that no key uses any more go with the index.
fn forget_definitions(record: &mut TableRecord) {
    let (table, indexes) = (&record.key_schema, &record.indexes);
    let used = |name: &String| {
        table.iter().chain(indexes.iter().flat_map(|index| &index.key_schema)).any(|key| key.name == *name)
    };
    record.attributes.retain(|(name, _)| used(name));
}
