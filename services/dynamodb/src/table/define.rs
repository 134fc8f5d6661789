//! What CreateTable and UpdateTable ask for, checked against AWS's rules and put into the words of the records.

use haneul_dynamodb_wire::shapes as s;
use haneul_kit::{ApiError, Result};

use super::{describe, name};
use crate::error::{self, invalid, validation};
use crate::model::{Billing, IndexRecord, KeyRecord, TableRecord, Throughput};

/// Sources: "Quotas", "Secondary indexes per table".
pub(crate) const LOCAL_INDEXES_MAX: usize = 5;
pub(crate) const GLOBAL_INDEXES_MAX: usize = 20;
const PROJECTED_MAX: usize = 100;

/// Attributes of each half of a global index's key. Source: "Multi-attribute keys pattern".
const INDEX_KEY_ATTRIBUTES_MAX: usize = 4;

/// Units in a second that one table may have. Source: "Quotas", the initial table quota.
const THROUGHPUT_MAX: i64 = 40_000;

/// The record of a new table, its spaces still without a number.
pub(crate) fn table(input: &s::CreateTableInput) -> Result<TableRecord> {
    name::check_new(&input.table_name)?;
    refuse(input)?;
    let billing = billing(input)?;
    let attributes = definitions(input.attribute_definitions.as_deref())?;
    let Some(keys) = &input.key_schema else {
        return Err(invalid("KeySchema is required"));
    };
    let key_schema = table_key_schema(keys, &attributes)?;
    let (local, global) = (&input.local_secondary_indexes, &input.global_secondary_indexes);
    if local.is_none() && global.is_none() && attributes.len() != key_schema.len() {
        return Err(invalid(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in \
             AttributeDefinitions",
        ));
    }
    let of_local = local.iter().flatten().flat_map(|index| &index.key_schema);
    let of_global = global.iter().flatten().flat_map(|index| &index.key_schema);
    check_definitions_used(&attributes, keys.iter().chain(of_local).chain(of_global))?;
    let mut indexes = Vec::new();
    if let Some(local) = local {
        if local.is_empty() {
            return Err(invalid("List of LocalSecondaryIndexes is empty"));
        }
        if key_schema.len() < 2 {
            return Err(invalid(
                "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
            ));
        }
        for index in local {
            indexes.push(local_index(index, &key_schema, &attributes, &indexes)?);
        }
        if local.len() > LOCAL_INDEXES_MAX {
            return Err(invalid(format!(
                "Number of LocalSecondaryIndexes exceeds per-table limit of {LOCAL_INDEXES_MAX}"
            )));
        }
    }
    if let Some(global) = global {
        if global.is_empty() {
            return Err(invalid("List of GlobalSecondaryIndexes is empty"));
        }
        for index in global {
            let new = NewIndex {
                name: &index.index_name,
                keys: &index.key_schema,
                projection: &index.projection,
                throughput: index.provisioned_throughput.as_ref(),
                on_demand: index.on_demand_throughput.as_ref(),
                warm: index.warm_throughput.as_ref(),
            };
            indexes.push(global_index(&new, &attributes, &indexes, billing.on_demand)?);
        }
        if global.len() > GLOBAL_INDEXES_MAX {
            return Err(invalid(format!(
                "GlobalSecondaryIndex count exceeds the per-table limit of {GLOBAL_INDEXES_MAX}"
            )));
        }
    }
    check_projected(&indexes)?;
    Ok(TableRecord {
        space: 0,
        id: String::new(),
        created_ms: 0,
        attributes,
        key_schema,
        indexes,
        billing,
        table_class: input.table_class.clone(),
        deletion_protection: input.deletion_protection_enabled.unwrap_or(false),
        tags: Default::default(),
        stream: None,
        ttl: None,
        ttl_changed_ms: None,
        resource_policy: None,
        pitr: None,
        restored: None,
        restoring: None,
        sse: None,
        importing: None,
        global: None,
        insights: Vec::new(),
        destinations: Vec::new(),
        table_class_ms: None,
    })
}

fn refuse(input: &s::CreateTableInput) -> Result<()> {
    if input.vector_indexes.as_ref().is_some_and(|indexes| !indexes.is_empty()) {
        return Err(error::not_here("vector indexes"));
    }
    if input.global_table_source_arn.is_some() || input.global_table_settings_replication_mode.is_some() {
        return Err(error::not_here("replicas of global tables"));
    }
    Ok(())
}

/// Makes a table or an index warmer; it cannot become cooler again. What is throttled follows the units and bounds alone.
/// Source: Developer Guide, "Understanding DynamoDB warm throughput".
pub(crate) fn warm_up(
    units: &mut Throughput,
    on_demand: bool,
    index: Option<&str>,
    given: Option<&s::WarmThroughput>,
) -> Result<()> {
    let Some(given) = given else { return Ok(()) };
    let of = index.map_or("table".to_owned(), |index| format!("index : {index}"));
    let (read, write) = (describe::warm_read(on_demand, units), describe::warm_write(on_demand, units));
    let pairs = [
        (given.read_units_per_second, read, &mut units.warm_read, "ReadUnitsPerSecond"),
        (given.write_units_per_second, write, &mut units.warm_write, "WriteUnitsPerSecond"),
    ];
    for (given, current, warm, name) in pairs {
        match given {
            Some(value) if value > THROUGHPUT_MAX => {
                return Err(error::limit_exceeded(format!(
                    "The requested warm throughput exceeds the limit of {THROUGHPUT_MAX} units for one table"
                )));
            }
            Some(value) if value < current => {
                return Err(invalid(format!(
                    "Requested {name} for WarmThroughput for {of} is lower than current WarmThroughput, decreasing \
                     WarmThroughput is not supported"
                )));
            }
            Some(value) => *warm = value,
            None => {}
        }
    }
    Ok(())
}

/// What is asked for of encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encryption<'a> {
    /// With the cloud's own key, which every disk has: nothing more is to be done.
    Own,
    /// With a key of KMS, by default the account's for DynamoDB.
    Kms(Option<&'a str>),
}

pub(crate) fn encryption(specification: &s::SSESpecification) -> Result<Encryption<'_>> {
    let key = specification.kms_master_key_id.as_deref();
    match (specification.enabled, specification.sse_type.as_deref()) {
        (Some(true), None) if key.is_some() => {
            Err(invalid("SSEType KMS is required if KMSMasterKeyId is specified"))
        }
        (Some(true), None | Some("KMS")) => Ok(Encryption::Kms(key)),
        (Some(true), Some(other)) => Err(invalid(format!("SSEType {other} is not supported"))),
        (_, Some(_)) => Err(invalid("SSEType can not be specified if Enabled is false")),
        (_, None) if key.is_some() => Err(invalid("KMSMasterKeyId can not be specified if Enabled is false")),
        _ => Ok(Encryption::Own),
    }
}

pub(crate) fn definitions(given: Option<&[s::AttributeDefinition]>) -> Result<Vec<(String, String)>> {
    let mut attributes: Vec<(String, String)> = Vec::new();
    for definition in given.unwrap_or_default() {
        let s::AttributeDefinition { attribute_name: name, attribute_type: kind, .. } = definition;
        match attributes.iter().find(|(other, _)| other == name) {
            None => attributes.push((name.clone(), kind.clone())),
            Some(_) => return Err(validation(format!("Attribute Name is duplicated: {name}"))),
        }
    }
    Ok(attributes)
}

/// The key of a table, in the order in which AWS looks at it.
fn table_key_schema(keys: &[s::KeySchemaElement], attributes: &[(String, String)]) -> Result<Vec<KeyRecord>> {
    if keys.len() > 2 {
        return Err(validation(format!(
            "1 validation error detected: Value '{}' at 'keySchema' failed to satisfy constraint: Member must have length \
             less than or equal to 2",
            shown_keys(keys)
        )));
    }
    let missing = keys.iter().any(|key| !is_defined(key, attributes));
    let twice = matches!(keys, [first, second] if first.attribute_name == second.attribute_name);
    if keys.len() == 2 && (missing || twice && attributes.len() == 1) {
        return Err(validation("Invalid KeySchema: Some index key attribute have no definition"));
    }
    if missing {
        return Err(undefined(keys, attributes));
    }
    if twice {
        return Err(same_name());
    }
    check_roles(keys)?;
    Ok(keys.iter().map(key_record).collect())
}

/// The key of an index; each half may have up to `each_max` attributes.
fn index_key_schema(
    keys: &[s::KeySchemaElement],
    attributes: &[(String, String)],
    each_max: usize,
) -> Result<Vec<KeyRecord>> {
    let bad = |why: &str| Err(validation(format!("Invalid KeySchema: {why}")));
    if keys.iter().any(|key| !is_defined(key, attributes)) {
        return Err(undefined(keys, attributes));
    }
    for (i, key) in keys.iter().enumerate() {
        if keys[..i].iter().any(|other| other.attribute_name == key.attribute_name) {
            return Err(match keys.len() {
                2 => same_name(),
                _ => validation("The KeySchema contains multiple key attributes with the same name"),
            });
        }
    }
    if each_max == 1 || keys.len() <= 2 && keys.iter().filter(|key| key.key_type == "HASH").count() == 1 {
        check_roles(keys)?;
    } else {
        let hashes = keys.iter().take_while(|key| key.key_type == "HASH").count();
        if hashes == 0 {
            return bad("The first KeySchemaElement is not a HASH key type");
        }
        if keys[hashes..].iter().any(|key| key.key_type != "RANGE") {
            return Err(invalid(
                "All HASH key attributes must precede RANGE key attributes in the KeySchema",
            ));
        }
        for (count, role) in [(hashes, "HASH"), (keys.len() - hashes, "RANGE")] {
            if count > each_max {
                return Err(invalid(format!(
                    "The KeySchema exceeds the maximum allowed number of {role} key attributes"
                )));
            }
        }
    }
    Ok(keys.iter().map(key_record).collect())
}

fn check_roles(keys: &[s::KeySchemaElement]) -> Result<()> {
    let role = |at: usize| keys.get(at).map(|key| key.key_type.as_str());
    match (role(0), role(1)) {
        (Some("HASH"), None | Some("RANGE")) => Ok(()),
        (Some("HASH"), _) => {
            Err(validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"))
        }
        _ => Err(validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")),
    }
}

fn is_defined(key: &s::KeySchemaElement, attributes: &[(String, String)]) -> bool {
    attributes.iter().any(|(name, _)| *name == key.attribute_name)
}

fn undefined(keys: &[s::KeySchemaElement], attributes: &[(String, String)]) -> ApiError {
    let keys: Vec<&str> = keys.iter().map(|key| key.attribute_name.as_str()).collect();
    let defined: Vec<&str> = attributes.iter().map(|(name, _)| name.as_str()).collect();
    invalid(format!(
        "Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], AttributeDefinitions: [{}]",
        keys.join(", "),
        defined.join(", ")
    ))
}

fn same_name() -> ApiError {
    validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
}

fn key_record(key: &s::KeySchemaElement) -> KeyRecord {
    KeyRecord { name: key.attribute_name.clone(), role: key.key_type.clone() }
}

fn shown_keys(keys: &[s::KeySchemaElement]) -> String {
    let one = |key: &s::KeySchemaElement| {
        format!("KeySchemaElement(attributeName={}, keyType={})", key.attribute_name, key.key_type)
    };
    format!("[{}]", keys.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn billing(input: &s::CreateTableInput) -> Result<Billing> {
    let throughput = input.provisioned_throughput.as_ref();
    let on_demand = input.billing_mode.as_deref() == Some("PAY_PER_REQUEST");
    if on_demand
        && throughput.is_some_and(|given| given.read_capacity_units != 0 || given.write_capacity_units != 0)
    {
        return Err(invalid(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ));
    }
    if !on_demand && throughput.is_none() {
        return Err(invalid(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ));
    }
    if let (false, Some(given)) = (on_demand, &input.on_demand_throughput) {
        return Err(invalid(format!(
            "{} for OnDemandThroughput cannot be specified when table BillingMode is PROVISIONED.",
            first_bound(given)
        )));
    }
    let mut units = if on_demand { Throughput::default() } else { provisioned(throughput)? };
    on_demand_bounds(&mut units, None, input.on_demand_throughput.as_ref())?;
    warm_up(&mut units, on_demand, None, input.warm_throughput.as_ref())?;
    Ok(Billing {
        on_demand,
        throughput: units,
        on_demand_since_ms: None,
        named: input.billing_mode.is_some() && on_demand,
    })
}

pub(crate) fn provisioned(given: Option<&s::ProvisionedThroughput>) -> Result<Throughput> {
    let Some(given) = given else { return Ok(Throughput::default()) };
    let (read, write) = (given.read_capacity_units, given.write_capacity_units);
    if read > THROUGHPUT_MAX || write > THROUGHPUT_MAX {
        return Err(error::limit_exceeded(format!(
            "The requested throughput exceeds the limit of {THROUGHPUT_MAX} units for one table"
        )));
    }
    Ok(Throughput { read, write, ..Throughput::default() })
}

/// Every global index of a provisioned table has units of its own.
pub(crate) fn check_index_units(record: &TableRecord) -> Result<()> {
    let without =
        |index: &&IndexRecord| index.global && index.throughput.read.min(index.throughput.write) < 1;
    match record.indexes.iter().find(without) {
        Some(index) if !record.billing.on_demand => {
            Err(invalid(format!("ProvisionedThroughput is not specified for index: {}", index.name)))
        }
        _ => Ok(()),
    }
}

/// Bounds are for what is paid by the request, of the table or of one of its indexes.
pub(crate) fn check_on_demand(
    on_demand: bool,
    index: Option<&str>,
    given: Option<&s::OnDemandThroughput>,
) -> Result<()> {
    let Some(given) = given.filter(|_| !on_demand) else { return Ok(()) };
    let name = first_bound(given);
    let of = index.map(|index| format!(" for index : {index}")).unwrap_or_default();
    Err(invalid(format!(
        "{name} for OnDemandThroughput{of} cannot be specified when the table BillingMode is PROVISIONED"
    )))
}

fn first_bound(given: &s::OnDemandThroughput) -> &'static str {
    match given.max_read_request_units {
        Some(_) => "MaxReadRequestUnits",
        None => "MaxWriteRequestUnits",
    }
}

/// −1 takes the bound away.
pub(crate) fn on_demand_bounds(
    units: &mut Throughput,
    index: Option<&str>,
    given: Option<&s::OnDemandThroughput>,
) -> Result<()> {
    let Some(given) = given else { return Ok(()) };
    let pairs = [
        (given.max_read_request_units, &mut units.read_max, "MaxReadRequestUnits"),
        (given.max_write_request_units, &mut units.write_max, "MaxWriteRequestUnits"),
    ];
    for (given, bound, name) in pairs {
        match given {
            Some(-1) => *bound = 0,
            Some(value) if value >= 1 => *bound = value,
            Some(_) => {
                let of = index.map_or("table".to_owned(), |index| format!("index : {index}"));
                return Err(invalid(format!(
                    "Requested {name} for OnDemandThroughput for {of} is outside of valid range"
                )));
            }
            None => {}
        }
    }
    Ok(())
}

fn local_index(
    index: &s::LocalSecondaryIndex,
    table: &[KeyRecord],
    attributes: &[(String, String)],
    others: &[IndexRecord],
) -> Result<IndexRecord> {
    let name = &index.index_name;
    let keys = index_key_schema(&index.key_schema, attributes, 1)?;
    if keys.len() < 2 {
        return Err(invalid(format!("Index KeySchema does not have a range key for index: {name}")));
    }
    if keys[0].name != table[0].name {
        return Err(invalid(format!(
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. index hash \
             key: {}, table hash key: {}",
            keys[0].name, table[0].name
        )));
    }
    new_index(name, false, keys, &index.projection, others, Throughput::default())
}

/// A global index that is to be made, with a table or later.
pub(crate) struct NewIndex<'a> {
    pub(crate) name: &'a str,
    pub(crate) keys: &'a [s::KeySchemaElement],
    pub(crate) projection: &'a s::Projection,
    pub(crate) throughput: Option<&'a s::ProvisionedThroughput>,
    pub(crate) on_demand: Option<&'a s::OnDemandThroughput>,
    pub(crate) warm: Option<&'a s::WarmThroughput>,
}

pub(crate) fn global_index(
    index: &NewIndex<'_>,
    attributes: &[(String, String)],
    others: &[IndexRecord],
    on_demand: bool,
) -> Result<IndexRecord> {
    let name = index.name;
    let keys = index_key_schema(index.keys, attributes, INDEX_KEY_ATTRIBUTES_MAX)?;
    match (on_demand, index.throughput) {
        (false, None) => {
            return Err(invalid(format!("ProvisionedThroughput is not specified for index: {name}")));
        }
        (true, Some(given)) if given.read_capacity_units != 0 || given.write_capacity_units != 0 => {
            return Err(invalid(format!(
                "ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
            )));
        }
        _ => {}
    }
    check_on_demand(on_demand, Some(name), index.on_demand)?;
    let mut units = if on_demand { Throughput::default() } else { provisioned(index.throughput)? };
    on_demand_bounds(&mut units, Some(name), index.on_demand)?;
    warm_up(&mut units, on_demand, Some(name), index.warm)?;
    new_index(name, true, keys, index.projection, others, units)
}

fn new_index(
    name: &str,
    global: bool,
    key_schema: Vec<KeyRecord>,
    projection: &s::Projection,
    others: &[IndexRecord],
    throughput: Throughput,
) -> Result<IndexRecord> {
    let kind = projection.projection_type.clone();
    let attributes = projection.non_key_attributes.clone();
    match (kind.as_deref(), &attributes) {
        (None, _) => return Err(invalid("Unknown ProjectionType: null")),
        (Some("INCLUDE"), None) => {
            return Err(invalid("ProjectionType is INCLUDE, but NonKeyAttributes is not specified"));
        }
        (Some("INCLUDE"), Some(names)) => {
            let twice = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name));
            if let Some((_, name)) = twice {
                return Err(invalid(format!("Duplicate element in NonKeyAttributes: {name}")));
            }
        }
        (Some(kind), Some(_)) => {
            return Err(invalid(format!("ProjectionType is {kind}, but NonKeyAttributes is specified")));
        }
        _ => {}
    }
    if others.iter().any(|other| other.name == name) {
        return Err(invalid(format!("Duplicate index name: {name}")));
    }
    Ok(IndexRecord {
        name: name.to_owned(),
        space: 0,
        global,
        key_schema,
        projection: kind.unwrap_or_default(),
        non_key_attributes: attributes.unwrap_or_default(),
        throughput,
        ready: true,
    })
}

pub(crate) fn check_projected(indexes: &[IndexRecord]) -> Result<()> {
    let projected: usize = indexes.iter().map(|index| index.non_key_attributes.len()).sum();
    match projected > PROJECTED_MAX {
        true => Err(invalid(format!(
            "Total number of projected attributes across all indexes exceeds the limit of {PROJECTED_MAX}"
        ))),
        false => Ok(()),
    }
}

/// All that is defined must be part of some key: told before anything of the indexes, but for keys that are not defined.
fn check_definitions_used<'a>(
    attributes: &[(String, String)],
    keys: impl Iterator<Item = &'a s::KeySchemaElement>,
) -> Result<()> {
    let mut used: Vec<&str> = keys.map(|key| key.attribute_name.as_str()).collect();
    used.sort_unstable();
    used.dedup();
    let defined: Vec<&str> = attributes.iter().map(|(name, _)| name.as_str()).collect();
    match defined.iter().all(|name| used.contains(name)) || used.iter().any(|name| !defined.contains(name)) {
        true => Ok(()),
        false => Err(unused(&defined, &used)),
    }
}

fn unused(defined: &[&str], used: &[&str]) -> ApiError {
    invalid(format!(
        "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
        defined.join(", "),
        used.join(", ")
    ))
}
