//! A table's record as the API shows it.

use haneul_dynamodb_wire::shapes as s;
use haneul_kit::Instant;

use super::TableInfo;
use crate::model::{IndexRecord, KeyRecord, TableRecord, Throughput};

/// Items and bytes, of the table and of each index by its space.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) of_space: Vec<(u64, i64, i64)>,
}

/// What a table on demand is always ready for. Source: "Initial throughput for on-demand capacity mode".
const WARM_READ: i64 = 12_000;
const WARM_WRITE: i64 = 4_000;

pub(crate) fn table(info: &TableInfo, status: &str, counts: &Counts) -> s::TableDescription {
    let record = &info.record;
    let (items, bytes) = counts.of(record.space);
    let billing = &record.billing;
    let (local, global): (Vec<_>, Vec<_>) = record.indexes.iter().partition(|index| !index.global);
    let local: Vec<_> = local.into_iter().map(|index| local_index(info, index, counts)).collect();
    let global: Vec<_> = global.into_iter().map(|index| global_index(info, index, status, counts)).collect();
    s::TableDescription {
        attribute_definitions: Some(definitions(&record.attributes)),
        table_name: Some(info.name.clone()),
        key_schema: Some(keys(&record.key_schema)),
        table_status: Some(status.to_owned()),
        creation_date_time: Some(Instant::from_millis(record.created_ms)),
        provisioned_throughput: Some(throughput(&billing.throughput)),
        table_size_bytes: Some(bytes),
        item_count: Some(items),
        table_arn: Some(info.arn().to_string()),
        table_id: Some(record.id.clone()),
        billing_mode_summary: billing.named.then(|| s::BillingModeSummary {
            billing_mode: Some(if billing.on_demand { "PAY_PER_REQUEST" } else { "PROVISIONED" }.to_owned()),
            last_update_to_pay_per_request_date_time: billing.on_demand_since_ms.map(Instant::from_millis),
        }),
        local_secondary_indexes: (!local.is_empty()).then_some(local),
        global_secondary_indexes: (!global.is_empty()).then_some(global),
        stream_specification: stream(record),
        latest_stream_label: record.stream.as_ref().map(|stream| stream.label.clone()),
        latest_stream_arn: record
            .stream
            .as_ref()
            .map(|stream| format!("{}/stream/{}", info.arn(), stream.label)),
        restore_summary: record.restored.as_ref().map(|restored| s::RestoreSummary {
            source_backup_arn: restored.backup_arn.clone(),
            source_table_arn: Some(restored.table_arn.clone()),
            restore_date_time: Instant::from_millis(restored.at_ms),
            restore_in_progress: record.restoring.is_some(),
        }),
        table_class_summary: record.table_class.as_ref().map(|class| s::TableClassSummary {
            table_class: Some(class.clone()),
            last_update_date_time: record.table_class_ms.map(Instant::from_millis),
        }),
        sse_description: sse(record),
        deletion_protection_enabled: Some(record.deletion_protection),
        on_demand_throughput: on_demand(&billing.throughput),
        warm_throughput: Some(table_warm(record)),
        ..Default::default()
    }
}

pub(crate) fn stream(record: &TableRecord) -> Option<s::StreamSpecification> {
    record.stream.as_ref().map(|stream| s::StreamSpecification {
        stream_enabled: true,
        stream_view_type: Some(stream.view.clone()),
    })
}

pub(crate) fn sse(record: &TableRecord) -> Option<s::SSEDescription> {
    record.sse.as_ref().filter(|sse| sse.on || !sse.settled).map(|sse| s::SSEDescription {
        status: Some(if sse.settled { "ENABLED" } else { "UPDATING" }.to_owned()),
        sse_type: Some("KMS".to_owned()),
        kms_master_key_arn: Some(sse.key_arn.clone()),
        inaccessible_encryption_date_time: sse.inaccessible_ms.map(Instant::from_millis),
    })
}

pub(crate) fn time_to_live(record: &TableRecord) -> s::TimeToLiveDescription {
    let status = match &record.ttl {
        None => "DISABLED",
        Some(ttl) if ttl.ready => "ENABLED",
        Some(_) => "ENABLING",
    };
    s::TimeToLiveDescription {
        time_to_live_status: Some(status.to_owned()),
        attribute_name: record.ttl.as_ref().map(|ttl| ttl.attribute.clone()),
    }
}

pub(crate) fn table_warm(record: &TableRecord) -> s::TableWarmThroughputDescription {
    let billing = &record.billing;
    s::TableWarmThroughputDescription {
        read_units_per_second: Some(warm_read(billing.on_demand, &billing.throughput)),
        write_units_per_second: Some(warm_write(billing.on_demand, &billing.throughput)),
        status: Some("ACTIVE".to_owned()),
    }
}

pub(crate) fn index_warm(
    record: &TableRecord,
    index: &IndexRecord,
) -> s::GlobalSecondaryIndexWarmThroughputDescription {
    let on_demand = record.billing.on_demand;
    s::GlobalSecondaryIndexWarmThroughputDescription {
        read_units_per_second: Some(warm_read(on_demand, &index.throughput)),
        write_units_per_second: Some(warm_write(on_demand, &index.throughput)),
        status: Some("ACTIVE".to_owned()),
    }
}

/// Since when a table's key cannot be used.
pub(crate) fn inaccessible_ms(info: &TableInfo) -> Option<i64> {
    info.record.sse.as_ref().filter(|sse| sse.on).and_then(|sse| sse.inaccessible_ms)
}

impl Counts {
    pub(crate) fn of(&self, space: u64) -> (i64, i64) {
        let found = self.of_space.iter().find(|(of, ..)| *of == space);
        found.map_or((0, 0), |(_, items, bytes)| (*items, *bytes))
    }
}

/// What reads are there at once: what was asked for, and at least what every table has.
pub(crate) fn warm_read(on_demand: bool, units: &Throughput) -> i64 {
    units.warm_read.max(if on_demand { WARM_READ } else { units.read })
}

pub(crate) fn warm_write(on_demand: bool, units: &Throughput) -> i64 {
    units.warm_write.max(if on_demand { WARM_WRITE } else { units.write })
}

/// By name, in whatever order they were given.
pub(crate) fn definitions(attributes: &[(String, String)]) -> Vec<s::AttributeDefinition> {
    let mut sorted: Vec<_> = attributes.iter().collect();
    sorted.sort_unstable();
    let definition = |(name, kind): &(String, String)| s::AttributeDefinition {
        attribute_name: name.clone(),
        attribute_type: kind.clone(),
    };
    sorted.into_iter().map(definition).collect()
}

pub(crate) fn keys(keys: &[KeyRecord]) -> Vec<s::KeySchemaElement> {
    let key = |key: &KeyRecord| s::KeySchemaElement {
        attribute_name: key.name.clone(),
        key_type: key.role.clone(),
    };
    keys.iter().map(key).collect()
}

/// The attributes by name.
pub(crate) fn projection(index: &IndexRecord) -> s::Projection {
    let mut attributes = index.non_key_attributes.clone();
    attributes.sort_unstable();
    s::Projection {
        projection_type: Some(index.projection.clone()),
        non_key_attributes: (!attributes.is_empty()).then_some(attributes),
    }
}

fn throughput(units: &Throughput) -> s::ProvisionedThroughputDescription {
    s::ProvisionedThroughputDescription {
        last_increase_date_time: units.increased_ms.map(Instant::from_millis),
        last_decrease_date_time: units.decreased_ms.map(Instant::from_millis),
        number_of_decreases_today: Some(units.decreases_today),
        read_capacity_units: Some(units.read),
        write_capacity_units: Some(units.write),
    }
}

pub(crate) fn on_demand(units: &Throughput) -> Option<s::OnDemandThroughput> {
    let bound = |value: i64| (value != 0).then_some(value);
    (units.read_max != 0 || units.write_max != 0).then(|| s::OnDemandThroughput {
        max_read_request_units: bound(units.read_max),
        max_write_request_units: bound(units.write_max),
    })
}

fn local_index(info: &TableInfo, index: &IndexRecord, counts: &Counts) -> s::LocalSecondaryIndexDescription {
    let (items, bytes) = counts.of(index.space);
    s::LocalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: Some(keys(&index.key_schema)),
        projection: Some(projection(index)),
        index_size_bytes: Some(bytes),
        item_count: Some(items),
        index_arn: Some(info.index_arn(&index.name).to_string()),
    }
}

fn global_index(
    info: &TableInfo,
    index: &IndexRecord,
    table_status: &str,
    counts: &Counts,
) -> s::GlobalSecondaryIndexDescription {
    let (items, bytes) = counts.of(index.space);
    let status = match (index.ready, table_status) {
        (false, _) => "CREATING",
        (true, "CREATING" | "DELETING") => table_status,
        _ => "ACTIVE",
    };
    s::GlobalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: Some(keys(&index.key_schema)),
        projection: Some(projection(index)),
        index_status: Some(status.to_owned()),
        backfilling: (!index.ready).then_some(true),
        provisioned_throughput: Some(throughput(&index.throughput)),
        index_size_bytes: Some(bytes),
        item_count: Some(items),
        index_arn: Some(info.index_arn(&index.name).to_string()),
        on_demand_throughput: on_demand(&index.throughput),
        warm_throughput: Some(index_warm(&info.record, index)),
    }
}
