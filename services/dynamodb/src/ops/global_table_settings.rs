//! DescribeGlobalTableSettings and UpdateGlobalTableSettings: the capacity of global tables of version 2017.11.29.

use std::collections::BTreeMap;

use haneul_dynamodb_wire::operations::{DescribeGlobalTableSettings, UpdateGlobalTableSettings};
use haneul_dynamodb_wire::shapes as s;
use haneul_dynamodb_wire::values::error as code;
use haneul_kit::{Access, ApiError, Cx, Handle, Instant, Region, Result};

use super::Dynamodb;
use super::global_tables::{members, no_replica};
use super::replicas::region_of;
use super::update_table::{change_mode, change_throughput};
use crate::error::{self, invalid};
use crate::model::{IndexRecord, TableRecord, Throughput};
use crate::table::{TableInfo, define};

impl Handle<DescribeGlobalTableSettings> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::DescribeGlobalTableSettingsInput) -> Result<Vec<Access>> {
        self.on_group(cx, "dynamodb:DescribeGlobalTableSettings", &input.global_table_name, Vec::new()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeGlobalTableSettingsInput,
    ) -> Result<s::DescribeGlobalTableSettingsOutput> {
        let info = self.legacy(cx, &input.global_table_name).await?;
        Ok(s::DescribeGlobalTableSettingsOutput {
            global_table_name: Some(input.global_table_name),
            replica_settings: Some(self.settings(&info).await?),
        })
    }
}

impl Handle<UpdateGlobalTableSettings> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::UpdateGlobalTableSettingsInput) -> Result<Vec<Access>> {
        let info = self.legacy(cx, &input.global_table_name).await;
        let group = info.map(|info| members(&info)).unwrap_or_default();
        let regions = group.iter().map(|region| region.as_str().to_owned()).collect();
        self.on_group(cx, "dynamodb:UpdateGlobalTableSettings", &input.global_table_name, regions).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateGlobalTableSettingsInput,
    ) -> Result<s::UpdateGlobalTableSettingsOutput> {
        refuse(&input)?;
        let info = self.legacy(cx, &input.global_table_name).await?;
        let mut of_replicas: Vec<(Region, &s::ReplicaSettingsUpdate)> = Vec::new();
        for update in input.replica_settings_update.iter().flatten() {
            let region = region_of(&update.region_name)?;
            if of_replicas.iter().any(|(other, _)| *other == region) {
                return Err(invalid(format!("Replica {} is specified more than once", region.as_str())));
            }
            of_replicas.push((region, update));
        }
        let (input, of_replicas, now_ms) = (&input, &of_replicas, cx.now().millis());
        let edit = move |group: &[Region], at: Region, record: &mut TableRecord| {
            if let Some((region, _)) = of_replicas.iter().find(|(region, _)| !group.contains(region)) {
                return Err(no_replica(*region));
            }
            let own = of_replicas.iter().find(|(region, _)| *region == at).map(|(_, update)| *update);
            change(record, input, own, now_ms)
        };
        self.db.change_replicas(&(info.account, info.region, info.name.clone()), edit).await?;
        Ok(s::UpdateGlobalTableSettingsOutput {
            global_table_name: Some(input.global_table_name.clone()),
            replica_settings: Some(self.settings(&info).await?),
        })
    }
}

fn refuse(input: &s::UpdateGlobalTableSettingsInput) -> Result<()> {
    let indexes = input.global_table_global_secondary_index_settings_update.iter().flatten();
    let replicas = input.replica_settings_update.iter().flatten();
    let of_replica = |update: &s::ReplicaSettingsUpdate| {
        let indexes = update.replica_global_secondary_index_settings_update.iter().flatten();
        update.replica_provisioned_read_capacity_auto_scaling_settings_update.is_some()
            || indexes
                .into_iter()
                .any(|index| index.provisioned_read_capacity_auto_scaling_settings_update.is_some())
    };
    let scaled = input.global_table_provisioned_write_capacity_auto_scaling_settings_update.is_some()
        || indexes
            .into_iter()
            .any(|index| index.provisioned_write_capacity_auto_scaling_settings_update.is_some())
        || replicas.into_iter().any(of_replica);
    if scaled {
        return Err(error::not_here("auto scaling by UpdateGlobalTableSettings"));
    }
    Ok(())
}

/// What is the same in all replicas, and what this one has of its own.
fn change(
    record: &mut TableRecord,
    input: &s::UpdateGlobalTableSettingsInput,
    own: Option<&s::ReplicaSettingsUpdate>,
    now_ms: i64,
) -> Result<()> {
    let mode = input.global_table_billing_mode.as_deref();
    let turned = mode.is_some_and(|mode| change_mode(record, mode, now_ms)) && !record.billing.on_demand;
    let write = input.global_table_provisioned_write_capacity_units;
    if turned && write.is_none() {
        return Err(invalid(
            "GlobalTableProvisionedWriteCapacityUnits must be specified when the billing mode becomes PROVISIONED",
        ));
    }
    let read = own.and_then(|own| own.replica_provisioned_read_capacity_units);
    if read.or(write).is_some() {
        provisioned(record)?;
        set(&mut record.billing.throughput, (read, write), now_ms)?;
    }
    let of_all = input.global_table_global_secondary_index_settings_update.iter().flatten();
    let of_one =
        own.iter().flat_map(|own| own.replica_global_secondary_index_settings_update.iter().flatten());
    let mut units: BTreeMap<&str, Asked> = BTreeMap::new();
    for update in of_all {
        units.entry(&update.index_name).or_default().1 = update.provisioned_write_capacity_units;
    }
    for update in of_one {
        units.entry(&update.index_name).or_default().0 = update.provisioned_read_capacity_units;
    }
    for (name, asked) in units {
        provisioned(record)?;
        set(&mut index(record, name)?.throughput, asked, now_ms)?;
    }
    define::check_index_units(record)?;
    if let Some(class) = own.and_then(|own| own.replica_table_class.as_ref()) {
        record.table_class = Some(class.clone());
    }
    Ok(())
}

/// Units for reading and for writing.
type Asked = (Option<i64>, Option<i64>);

/// What is not asked for stays; where there is nothing yet, as many are read as are written.
fn set(units: &mut Throughput, (read, write): Asked, now_ms: i64) -> Result<()> {
    let write = write.unwrap_or(units.write);
    let before = if units.read == 0 { write } else { units.read };
    let given =
        s::ProvisionedThroughput { read_capacity_units: read.unwrap_or(before), write_capacity_units: write };
    change_throughput(units, &given, now_ms)
}

fn provisioned(record: &TableRecord) -> Result<()> {
    match record.billing.on_demand {
        true => Err(invalid("Capacity units cannot be specified when BillingMode is PAY_PER_REQUEST")),
        false => Ok(()),
    }
}

fn index<'a>(record: &'a mut TableRecord, name: &str) -> Result<&'a mut IndexRecord> {
    let found = record.indexes.iter_mut().find(|index| index.global && index.name == name);
    found.ok_or_else(|| ApiError::new(code::INDEX_NOT_FOUND_EXCEPTION, format!("Index not found: {name}")))
}

impl Dynamodb {
    async fn settings(&self, info: &TableInfo) -> Result<Vec<s::ReplicaSettingsDescription>> {
        let mut group = members(info);
        group.sort_unstable_by_key(|region| region.as_str());
        let mut settings = Vec::with_capacity(group.len());
        for region in group {
            let id = (info.account, region, info.name.clone());
            if let Some(replica) = self.db.find_table(&id).await? {
                settings.push(of_replica(&replica));
            }
        }
        Ok(settings)
    }
}

fn of_replica(replica: &TableInfo) -> s::ReplicaSettingsDescription {
    let (record, billing) = (&replica.record, &replica.record.billing);
    let indexes: Vec<_> = record
        .indexes
        .iter()
        .filter(|index| index.global)
        .map(|index| s::ReplicaGlobalSecondaryIndexSettingsDescription {
            index_name: index.name.clone(),
            index_status: Some(if index.ready { "ACTIVE" } else { "CREATING" }.to_owned()),
            provisioned_read_capacity_units: (!billing.on_demand).then_some(index.throughput.read),
            provisioned_write_capacity_units: (!billing.on_demand).then_some(index.throughput.write),
            ..Default::default()
        })
        .collect();
    s::ReplicaSettingsDescription {
        region_name: replica.region.as_str().to_owned(),
        replica_status: Some("ACTIVE".to_owned()),
        replica_billing_mode_summary: billing.named.then(|| s::BillingModeSummary {
            billing_mode: Some(if billing.on_demand { "PAY_PER_REQUEST" } else { "PROVISIONED" }.to_owned()),
            last_update_to_pay_per_request_date_time: billing.on_demand_since_ms.map(Instant::from_millis),
        }),
        replica_provisioned_read_capacity_units: Some(billing.throughput.read),
        replica_provisioned_write_capacity_units: Some(billing.throughput.write),
        replica_global_secondary_index_settings: (!indexes.is_empty()).then_some(indexes),
        replica_table_class_summary: record.table_class.as_ref().map(|class| s::TableClassSummary {
            table_class: Some(class.clone()),
            last_update_date_time: None,
        }),
        ..Default::default()
    }
}
