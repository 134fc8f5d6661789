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
use crate::table::describe::{self, Counts};
use crate::table::{TableInfo, define, name};

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
        let before = self.db.find_table(&id).await?;
        if let Some(info) = &before {
            self.check_settled(info).await?;
        }
        let now_ms = cx.now().millis();
        let stream = stream_view(input.stream_specification.as_ref(), false)?;
        let encryption = match &input.sse_specification {
            Some(given) => Some(self.changed_encryption(cx, &id, given).await?),
            None => None,
        };
        let input = &input;
        let named = id.2.clone();
        let edit = move |record: &mut TableRecord, numbers: &mut Numbers| {
            let mut change = Change::default();
            if !record.is_made() {
                return Err(error::being_created(&input.table_name));
            }
            if let Some(given) = &input.stream_specification {
                change.stream = Some(match (&record.stream, given.stream_enabled) {
                    (Some(_), true) => {
                        return Err(validation(format!(
                            "Table already has an enabled stream: TableName: {named}"
                        )));
                    }
                    (None, false) => {
                        return Err(validation(format!(
                            "Table has no stream to disable: TableName: {named}"
                        )));
                    }
                    (None, true) => stream.clone(),
                    (Some(_), false) if record.told().is_some() => {
                        return Err(invalid("Disabling Stream is not allowed for a Global Table replica."));
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
                record.table_class_ms = Some(now_ms);
            }
            if let Some(protected) = input.deletion_protection_enabled {
                record.deletion_protection = protected;
            }
            Ok(change)
        };
        let info = self.db.change_table(&id, edit).await?;
        let mut output = self.updating(&info).await?;
        if let (Some(before), Some(table)) = (before, &mut output.table_description) {
            show_deleted(table, &before, &info);
            show_unbound(table, input.on_demand_throughput.as_ref());
            // What is to be an index is allocated first, and filled then.
            let indexes = table.global_secondary_indexes.iter_mut().flatten();
            indexes.filter_map(|index| index.backfilling.as_mut()).for_each(|filling| *filling = false);
        }
        Ok(output)
    }
}

/// An index that goes is told of once more.
fn show_deleted(table: &mut s::TableDescription, before: &TableInfo, after: &TableInfo) {
    let is_gone =
        |name: &Option<String>| !after.record.indexes.iter().any(|index| Some(&index.name) == name.as_ref());
    let old = describe::table(before, "UPDATING", &Counts::default()).global_secondary_indexes;
    let mut gone = old.unwrap_or_default();
    gone.retain(|index| is_gone(&index.index_name));
    gone.iter_mut().for_each(|index| index.index_status = Some("DELETING".to_owned()));
    if !gone.is_empty() {
        table.global_secondary_indexes.get_or_insert_default().extend(gone);
    }
}

/// A bound that was taken away is told of once more.
fn show_unbound(table: &mut s::TableDescription, given: Option<&s::OnDemandThroughput>) {
    let Some(given) = given else { return };
    let is_none = |bound: Option<i64>| bound == Some(-1);
    let (read, write) = (given.max_read_request_units, given.max_write_request_units);
    if is_none(read) || is_none(write) {
        let shown = table.on_demand_throughput.get_or_insert_default();
        shown.max_read_request_units = shown.max_read_request_units.or(read);
        shown.max_write_request_units = shown.max_write_request_units.or(write);
    }
}

impl Dynamodb {
    async fn updating(&self, info: &Arc<TableInfo>) -> Result<s::UpdateTableOutput> {
        let counts = self.db.counts(info).await?;
        let mut description = describe::table(info, "UPDATING", &counts);
        self.describe_replicas(info, &mut description).await?;
        self.describe_last_stream(info, &mut description).await?;
        Ok(s::UpdateTableOutput { table_description: Some(description) })
    }
}

fn refuse(input: &s::UpdateTableInput) -> Result<()> {
    // Definitions alone change nothing, and neither does the consistency of replicas that are not named.
    let others = input.billing_mode.is_some()
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
        && input.global_table_witness_updates.is_none()
        && input.global_table_settings_replication_mode.is_none()
        && input.disassociation_protection_enabled.is_none();
    if nothing {
        let consistency =
            if input.multi_region_consistency.is_some() { "" } else { " MultiRegionConsistency," };
        return Err(validation(format!(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, \
             SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn,{consistency} \
             DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required"
        )));
    }
    check_alone(input)?;
    if input.global_table_settings_replication_mode.is_some()
        || input.disassociation_protection_enabled.is_some()
    {
        return Err(error::not_here("global tables of several accounts"));
    }
    match &input.replica_updates {
        Some(updates) if updates.is_empty() => {
            return Err(invalid("ReplicaUpdates must have at least one member"));
        }
        Some(_) if others || input.attribute_definitions.is_some() => {
            return Err(invalid("Replica modification must be the only operation in the request"));
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
    Ok(())
}

/// What cannot be changed together with other things.
fn check_alone(input: &s::UpdateTableInput) -> Result<()> {
    let given = [
        input.billing_mode.is_some() || input.provisioned_throughput.is_some(),
        input.global_secondary_index_updates.as_ref().is_some_and(|updates| !updates.is_empty()),
        input.stream_specification.is_some(),
        input.sse_specification.is_some(),
        input.replica_updates.is_some(),
        input.table_class.is_some(),
        input.deletion_protection_enabled.is_some(),
        input.on_demand_throughput.is_some(),
        input.warm_throughput.is_some(),
    ];
    let several = given.into_iter().filter(|given| *given).count() > 1;
    for (given, what) in [
        (input.sse_specification.is_some(), "Server-Side Encryption"),
        (input.table_class.is_some(), "TableClass"),
        (input.deletion_protection_enabled.is_some(), "DeletionProtection"),
    ] {
        if given && several {
            return Err(invalid(format!("{what} modification must be the only operation in the request")));
        }
    }
    let updates = input.global_secondary_index_updates.as_deref().unwrap_or_default();
    let changes = updates.iter().any(|update| update.create.is_some() || update.delete.is_some());
    let (units, stream) = (input.provisioned_throughput.is_some(), input.stream_specification.is_some());
    if units && stream {
        return Err(invalid("You cannot modify stream status while updating table IOPS"));
    }
    if units && changes && input.billing_mode.is_none() {
        return Err(invalid("You cannot create or delete index while updating table IOPS"));
    }
    if stream && changes {
        return Err(invalid("You cannot create or delete index while changing stream status"));
    }
    Ok(())
}

/// New definitions add to those there are; what is defined already must be the same. They are for a new index: without one
/// nobody looks at them.
fn definitions(record: &mut TableRecord, input: &s::UpdateTableInput) -> Result<()> {
    let updates = input.global_secondary_index_updates.as_deref().unwrap_or_default();
    if updates.iter().all(|update| update.create.is_none()) {
        return Ok(());
    }
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
        return Err(invalid("ProvisionedThroughput must be specified when BillingMode is PROVISIONED"));
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
            return Err(unchanged("table", "table", given));
        }
        change_throughput(&mut billing.throughput, given, now_ms)?;
    }
    if let Some(bounds) = &input.on_demand_throughput {
        define::check_on_demand(billing.on_demand, None, Some(bounds))?;
        define::on_demand_bounds(&mut billing.throughput, None, Some(bounds))?;
    }
    define::warm_up(&mut billing.throughput, billing.on_demand, None, input.warm_throughput.as_ref())
}

/// Whether the billing mode is another one than before.
pub(super) fn change_mode(record: &mut TableRecord, mode: &str, now_ms: i64) -> bool {
    let before = record.billing.on_demand;
    let on_demand = mode == "PAY_PER_REQUEST";
    if on_demand && !before {
        record.billing.on_demand_since_ms = Some(now_ms);
        record.billing.throughput = record.billing.throughput.cleared();
        record.indexes.iter_mut().for_each(|index| index.throughput = index.throughput.cleared());
    }
    if before && !on_demand {
        record.billing.throughput.unbound();
        record.indexes.iter_mut().for_each(|index| index.throughput.unbound());
    }
    // Of the mode is told from the first time on that it is on demand.
    record.billing.named |= on_demand;
    record.billing.on_demand = on_demand;
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
    // What was there once stays warm.
    units.warm_read = units.warm_read.max(units.read);
    units.warm_write = units.warm_write.max(units.write);
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
                        "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of {}",
                        define::GLOBAL_INDEXES_MAX
                    )));
                }
                if record.indexes.iter().any(|index| index.name == create.index_name) {
                    return Err(validation("Attempting to create an index which already exists"));
                }
                let new = define::NewIndex {
                    name: &create.index_name,
                    keys: &create.key_schema,
                    projection: &create.projection,
                    throughput: create.provisioned_throughput.as_ref(),
                    on_demand: create.on_demand_throughput.as_ref(),
                    warm: create.warm_throughput.as_ref(),
                };
                let on_demand = record.billing.on_demand;
                if input.attribute_definitions.is_none() {
                    return Err(invalid(format!(
                        "AttributeDefinitions is not specified for index: {}",
                        create.index_name
                    )));
                }
                // The request itself must define the new key, even where the table does already.
                let defined = define::definitions(input.attribute_definitions.as_deref())?;
                let mut index = define::global_index(&new, &defined, &record.indexes, on_demand)?;
                index.space = numbers.next();
                index.ready = false;
                record.indexes.push(index);
            }
            (None, Some(update), None) => {
                let on_demand = record.billing.on_demand;
                let index = global_index(record, &update.index_name, "update")?;
                let (name, bounds) = (update.index_name.as_str(), update.on_demand_throughput.as_ref());
                if let Some(given) = &update.provisioned_throughput {
                    if on_demand {
                        return Err(invalid(format!(
                            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {name} when \
                             BillingMode is PAY_PER_REQUEST"
                        )));
                    }
                    let (read, write) = (given.read_capacity_units, given.write_capacity_units);
                    if (index.throughput.read, index.throughput.write) == (read, write)
                        && input.provisioned_throughput.is_none()
                        && input.billing_mode.is_none()
                    {
                        return Err(unchanged(&format!("index {name}"), "index", given));
                    }
                    change_throughput(&mut index.throughput, given, now_ms)?;
                }
                define::check_on_demand(on_demand, Some(name), bounds)?;
                define::on_demand_bounds(&mut index.throughput, Some(name), bounds)?;
                let warm = update.warm_throughput.as_ref();
                define::warm_up(&mut index.throughput, on_demand, Some(name), warm)?;
            }
            (None, None, Some(delete)) => {
                dropped.push(global_index(record, &delete.index_name, "delete")?.space);
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
            (None, None, None) => return Err(one_of_each()),
            _ => {
                return Err(invalid(
                    "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
                ));
            }
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

/// Units that are what they are already.
fn unchanged(what: &str, kind: &str, given: &s::ProvisionedThroughput) -> haneul_kit::ApiError {
    validation(format!(
        "The provisioned throughput for the {what} will not change. The requested value equals the current value. \
         Current ReadCapacityUnits provisioned for the {kind}: {0}. Requested ReadCapacityUnits: {0}. Current \
         WriteCapacityUnits provisioned for the {kind}: {1}. Requested WriteCapacityUnits: {1}. Refer to the Amazon \
         DynamoDB Developer Guide for current limits and how to request higher limits.",
        given.read_capacity_units, given.write_capacity_units
    ))
}

fn one_of_each() -> haneul_kit::ApiError {
    invalid(
        "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, \
         GlobalSecondaryIndexUpdate.Delete must not be null",
    )
}

fn global_index<'a>(
    record: &'a mut TableRecord,
    name: &str,
    verb: &str,
) -> Result<&'a mut crate::model::IndexRecord> {
    if record.indexes.iter().any(|index| !index.global && index.name == name) {
        return Err(validation(format!("Cannot {verb} an index that is not a GlobalSecondaryIndex: {name}")));
    }
    record
        .indexes
        .iter_mut()
        .find(|index| index.global && index.name == name)
        .ok_or_else(|| error::not_found("Requested resource not found".to_owned()))
}

/// Definitions that no key uses any more go with the index.
pub(super) fn forget_definitions(record: &mut TableRecord) {
    let (table, indexes) = (&record.key_schema, &record.indexes);
    let used = |name: &String| {
        table.iter().chain(indexes.iter().flat_map(|index| &index.key_schema)).any(|key| key.name == *name)
    };
    record.attributes.retain(|(name, _)| used(name));
}
