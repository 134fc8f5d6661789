//! On-demand backups: CreateBackup, DescribeBackup, ListBackups, DeleteBackup and RestoreTableFromBackup.

use std::collections::BTreeSet;

use haneul_dynamodb_wire::operations::{
    CreateBackup, DeleteBackup, DescribeBackup, ListBackups, RestoreTableFromBackup,
};
use haneul_dynamodb_wire::shapes as s;
use haneul_dynamodb_wire::values::error as code;
use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Instant, Result};
use haneul_store::{Range, Reads};

use super::Dynamodb;
use super::update_table::forget_definitions;
use crate::error::{self, invalid, validation};
use crate::model::{
    BACKUPS, BackupKey, BackupRecord, IndexRecord, KeyRecord, RestoreSource, RestoredFrom, TableRecord,
    Throughput,
};
use crate::store::Db;
use crate::store::sources::Source;
use crate::table::describe::{self, Counts};
use crate::table::{define, name};

/// Backups that one answer lists.
const LISTED_MAX: i32 = 100;

/// Backups that are looked through at once.
const PAGE: usize = 200;

impl Handle<CreateBackup> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::CreateBackupInput) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:CreateBackup", &input.table_name).await
    }

    async fn call(&self, cx: &Cx, input: s::CreateBackupInput) -> Result<s::CreateBackupOutput> {
        let id = name::of(cx, &input.table_name)?;
        let info = self.db.find_table(&id).await?.ok_or_else(|| error::no_source_table(&id.2))?;
        if !info.record.is_made() {
            return Err(ApiError::new(
                code::TABLE_IN_USE_EXCEPTION,
                format!("Table is being created: {}", id.2),
            ));
        }
        let now_ms = cx.now().millis();
        let key = Db::new_backup(&id, now_ms, self.platform.env.rng.u64() as u32);
        let record = BackupRecord {
            space: 0,
            name: input.backup_name,
            created_ms: now_ms,
            ready: false,
            items: 0,
            bytes: 0,
            expires_ms: None,
            record: info.record.clone(),
        };
        let record = self.db.create_backup(&key, record).await?;
        Ok(s::CreateBackupOutput { backup_details: Some(details(&key, &record)) })
    }
}

impl Handle<DescribeBackup> for Dynamodb {
    async fn access(&self, _: &Cx, input: &s::DescribeBackupInput) -> Result<Vec<Access>> {
        on_backup("dynamodb:DescribeBackup", &input.backup_arn)
    }

    async fn call(&self, _: &Cx, input: s::DescribeBackupInput) -> Result<s::DescribeBackupOutput> {
        let (key, record) = self.backup(&input.backup_arn).await?;
        Ok(s::DescribeBackupOutput { backup_description: Some(description(&key, &record)) })
    }
}

impl Handle<DeleteBackup> for Dynamodb {
    async fn access(&self, _: &Cx, input: &s::DeleteBackupInput) -> Result<Vec<Access>> {
        on_backup("dynamodb:DeleteBackup", &input.backup_arn)
    }

    async fn call(&self, _: &Cx, input: s::DeleteBackupInput) -> Result<s::DeleteBackupOutput> {
        let (key, record) = self.backup(&input.backup_arn).await?;
        if !record.ready {
            return Err(ApiError::new(code::BACKUP_IN_USE_EXCEPTION, "The backup is still being created"));
        }
        self.db.delete_backup(&key, &record).await?;
        let mut description = description(&key, &record);
        if let Some(details) = &mut description.backup_details {
            details.backup_status = "DELETED".to_owned();
        }
        Ok(s::DeleteBackupOutput { backup_description: Some(description) })
    }
}

impl Handle<ListBackups> for Dynamodb {
    async fn access(&self, _: &Cx, _: &s::ListBackupsInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("dynamodb:ListBackups")])
    }

    async fn call(&self, cx: &Cx, input: s::ListBackupsInput) -> Result<s::ListBackupsOutput> {
        let limit = usize::try_from(input.limit.unwrap_or(LISTED_MAX).clamp(1, LISTED_MAX)).unwrap_or(1);
        let (account, region) = (cx.account(), cx.region());
        let table = input.table_name.as_deref().map(|given| name::of(cx, given)).transpose()?;
        let all = || match &table {
            Some(table) => Range::prefix((account, region, table.2.clone())),
            None => Range::prefix((account, region)),
        };
        let mut range = match &input.exclusive_start_backup_arn {
            Some(arn) => all().after(&of_arn(arn)?),
            None => all(),
        };
        let is_wanted = |record: &BackupRecord| {
            let is_meant = match input.backup_type.as_deref() {
                None | Some("USER") => record.expires_ms.is_none(),
                Some("SYSTEM") => record.expires_ms.is_some(),
                Some("ALL") => true,
                _ => false,
            };
            let at = Instant::from_millis(record.created_ms);
            is_meant
                && input.time_range_lower_bound.is_none_or(|bound| at >= bound)
                && input.time_range_upper_bound.is_none_or(|bound| at < bound)
        };
        let mut found: Vec<(BackupKey, BackupRecord)> = Vec::new();
        // One more than is listed tells that there is more.
        while found.len() <= limit {
            let page = self.db.store.scan(&BACKUPS, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { break };
            range = all().after(last);
            found.extend(page.into_iter().filter(|(_, record)| is_wanted(record)));
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more).map(|(key, _)| arn(key).to_string());
        let summaries = found.iter().map(|(key, record)| summary(key, record));
        Ok(s::ListBackupsOutput {
            backup_summaries: Some(summaries.collect()),
            last_evaluated_backup_arn: last,
        })
    }
}

impl Handle<RestoreTableFromBackup> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::RestoreTableFromBackupInput) -> Result<Vec<Access>> {
        let action = "dynamodb:RestoreTableFromBackup";
        let mut needed = on_backup(action, &input.backup_arn)?;
        let target = name::arn(&(cx.account(), cx.region(), input.target_table_name.clone()));
        needed.push(Access::on(action, &target));
        Ok(needed)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::RestoreTableFromBackupInput,
    ) -> Result<s::RestoreTableFromBackupOutput> {
        let (key, backup) = self.backup(&input.backup_arn).await?;
        if !backup.ready {
            return Err(ApiError::new(code::BACKUP_IN_USE_EXCEPTION, "The backup is still being created"));
        }
        let overrides = Overrides {
            billing_mode: input.billing_mode_override,
            provisioned: input.provisioned_throughput_override,
            on_demand: input.on_demand_throughput_override,
            global: input.global_secondary_index_override,
            local: input.local_secondary_index_override,
        };
        let mut record = restored(&backup.record, overrides)?;
        let sse = backup.record.sse.clone();
        record.restoring = Some(RestoreSource { space: backup.space, log: None, sse: sse.clone() });
        record.restored = Some(RestoredFrom {
            backup_arn: Some(input.backup_arn),
            table_arn: name::arn(&(key.0, key.1, key.2.clone())).to_string(),
            at_ms: backup.created_ms,
        });
        name::check(&input.target_table_name)?;
        let target = (cx.account(), cx.region(), input.target_table_name);
        record.sse = self
            .restored_encryption(cx, &target, input.sse_specification_override.as_ref(), sse.as_ref())
            .await?;
        let made = self.db.restore_table(&target, record, &Source::Backup(key)).await.map_err(exists)?;
        self.db.upkeep().wake();
        Ok(s::RestoreTableFromBackupOutput {
            table_description: Some(describe::table(&made, "CREATING", &Counts::default())),
        })
    }
}

impl Dynamodb {
    async fn backup(&self, given: &str) -> Result<(BackupKey, BackupRecord)> {
        let key = of_arn(given)?;
        let found = self.db.store.get(&BACKUPS, &key).await.map_err(error::store)?;
        let record = found.ok_or_else(|| error::no_backup(given))?;
        Ok((key, record))
    }
}

/// What a restore may change of the table.
pub(super) struct Overrides {
    pub(super) billing_mode: Option<String>,
    pub(super) provisioned: Option<s::ProvisionedThroughput>,
    pub(super) on_demand: Option<s::OnDemandThroughput>,
    pub(super) global: Option<Vec<s::GlobalSecondaryIndex>>,
    pub(super) local: Option<Vec<s::LocalSecondaryIndex>>,
}

/// The record of a table that is made of another one: without its stream, TTL, tags, policy and recovery settings, which
/// AWS does not restore either. Overrides may leave indexes out and give them other names; they cannot add any.
pub(super) fn restored(source: &TableRecord, overrides: Overrides) -> Result<TableRecord> {
    let mut record = source.clone();
    if let Some(wanted) = &overrides.global {
        let wanted = wanted.iter().map(|one| (&one.index_name, &one.key_schema, &one.projection));
        keep_indexes(&mut record, true, wanted)?;
    }
    if let Some(wanted) = &overrides.local {
        let wanted = wanted.iter().map(|one| (&one.index_name, &one.key_schema, &one.projection));
        keep_indexes(&mut record, false, wanted)?;
    }
    forget_definitions(&mut record);
    record.indexes.iter_mut().for_each(|index| index.ready = true);
    match overrides.billing_mode.as_deref() {
        Some("PAY_PER_REQUEST") => {
            record.billing.on_demand = true;
            record.billing.named = true;
            record.billing.throughput = Throughput::default();
        }
        Some(_) if overrides.provisioned.is_none() && record.billing.on_demand => {
            return Err(validation(
                "Invalid Request: Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED",
            ));
        }
        Some(_) => {
            record.billing.on_demand = false;
            record.billing.throughput.unbound();
            record.indexes.iter_mut().for_each(|index| index.throughput.unbound());
        }
        None => {}
    }
    let on_demand = record.billing.on_demand;
    if on_demand && overrides.provisioned.is_some() {
        return Err(validation(
            "Invalid Request: Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED",
        ));
    }
    if overrides.provisioned.is_some() {
        record.billing.throughput = define::provisioned(overrides.provisioned.as_ref())?;
    }
    let mut of_indexes = overrides.global.iter().flatten();
    if !on_demand
        && (overrides.on_demand.is_some() || of_indexes.any(|one| one.on_demand_throughput.is_some()))
    {
        return Err(invalid("OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST"));
    }
    define::on_demand_bounds(&mut record.billing.throughput, None, overrides.on_demand.as_ref())?;
    for index in record.indexes.iter_mut().filter(|index| index.global) {
        let given = overrides.global.iter().flatten().find(|one| one.index_name == index.name);
        let units = given.and_then(|one| one.provisioned_throughput.as_ref());
        match (on_demand, units) {
            (true, Some(given)) if given.read_capacity_units != 0 || given.write_capacity_units != 0 => {
                return Err(invalid(format!(
                    "ProvisionedThroughput should not be specified for index: {} when BillingMode is PAY_PER_REQUEST",
                    index.name
                )));
            }
            (true, _) => (index.throughput.read, index.throughput.write) = (0, 0),
            (false, Some(_)) => index.throughput = define::provisioned(units)?,
            (false, None) => {}
        }
        let bounds = given.and_then(|one| one.on_demand_throughput.as_ref());
        define::on_demand_bounds(&mut index.throughput, Some(&index.name), bounds)?;
    }
    define::check_index_units(&record)?;
    record.tags.clear();
    (record.stream, record.ttl, record.resource_policy, record.pitr) = (None, None, None, None);
    (record.sse, record.global, record.ttl_changed_ms) = (None, None, None);
    record.deletion_protection = false;
    Ok(record)
}

/// Keeps of the global indexes, or of the local ones, those that are wanted, under the names that they are given. Which is
/// meant its keys and its projection say.
fn keep_indexes<'a>(
    record: &mut TableRecord,
    global: bool,
    wanted: impl Iterator<Item = (&'a String, &'a Vec<s::KeySchemaElement>, &'a s::Projection)>,
) -> Result<()> {
    let (mut of_kind, mut kept): (Vec<_>, Vec<_>) =
        std::mem::take(&mut record.indexes).into_iter().partition(|index| index.global == global);
    for (name, keys, projection) in wanted {
        let is_meant = |index: &IndexRecord| has_keys(index, keys) && projects(index, projection);
        let Some(at) = of_kind.iter().position(is_meant) else {
            return Err(validation(format!(
                "Invalid Request: Index {name} does not match a secondary index that existed in the source table and \
                 cannot be created during the restore operation"
            )));
        };
        kept.push(IndexRecord { name: name.clone(), ..of_kind.swap_remove(at) });
    }
    record.indexes = kept;
    Ok(())
}

fn has_keys(index: &IndexRecord, keys: &[s::KeySchemaElement]) -> bool {
    let is_same = |(one, other): (&KeyRecord, &s::KeySchemaElement)| {
        one.name == other.attribute_name && one.role == other.key_type
    };
    index.key_schema.len() == keys.len() && index.key_schema.iter().zip(keys).all(is_same)
}

fn projects(index: &IndexRecord, projection: &s::Projection) -> bool {
    let of_index: BTreeSet<_> = index.non_key_attributes.iter().collect();
    projection.projection_type.as_ref() == Some(&index.projection)
        && projection.non_key_attributes.iter().flatten().collect::<BTreeSet<_>>() == of_index
}

/// Restores have a code of their own for a name that is taken.
pub(super) fn exists(error: ApiError) -> ApiError {
    match error.code() {
        code::RESOURCE_IN_USE_EXCEPTION => {
            ApiError::new(code::TABLE_ALREADY_EXISTS_EXCEPTION, error.message().to_owned())
        }
        _ => error,
    }
}

fn arn(key: &BackupKey) -> Arn {
    Arn::new("dynamodb", key.1, key.0, format_args!("table/{}/backup/{}", key.2, key.3))
}

fn of_arn(given: &str) -> Result<BackupKey> {
    let wrong = || validation("Invalid Backup ARN");
    let (account, region, table) = name::of_part(given).map_err(|_| wrong())?;
    let (_, id) = given.split_once("/backup/").ok_or_else(wrong)?;
    Ok((account, region, table, id.to_owned()))
}

fn on_backup(action: &'static str, given: &str) -> Result<Vec<Access>> {
    Ok(vec![Access::on(action, &arn(&of_arn(given)?))])
}

fn status(record: &BackupRecord) -> String {
    if record.ready { "AVAILABLE" } else { "CREATING" }.to_owned()
}

fn kind(record: &BackupRecord) -> String {
    if record.expires_ms.is_some() { "SYSTEM" } else { "USER" }.to_owned()
}

fn details(key: &BackupKey, record: &BackupRecord) -> s::BackupDetails {
    s::BackupDetails {
        backup_arn: arn(key).to_string(),
        backup_name: record.name.clone(),
        backup_size_bytes: Some(record.bytes),
        backup_status: status(record),
        backup_type: kind(record),
        backup_creation_date_time: Instant::from_millis(record.created_ms),
        backup_expiry_date_time: record.expires_ms.map(Instant::from_millis),
    }
}

fn summary(key: &BackupKey, record: &BackupRecord) -> s::BackupSummary {
    s::BackupSummary {
        table_name: Some(key.2.clone()),
        table_id: Some(record.record.id.clone()),
        table_arn: Some(name::arn(&(key.0, key.1, key.2.clone())).to_string()),
        backup_arn: Some(arn(key).to_string()),
        backup_name: Some(record.name.clone()),
        backup_creation_date_time: Some(Instant::from_millis(record.created_ms)),
        backup_expiry_date_time: record.expires_ms.map(Instant::from_millis),
        backup_status: Some(status(record)),
        backup_type: Some(kind(record)),
        backup_size_bytes: Some(record.bytes),
    }
}

fn description(key: &BackupKey, backup: &BackupRecord) -> s::BackupDescription {
    let record = &backup.record;
    let throughput = |units: &Throughput| s::ProvisionedThroughput {
        read_capacity_units: units.read,
        write_capacity_units: units.write,
    };
    let (global, local): (Vec<_>, Vec<_>) = record.indexes.iter().partition(|index| index.global);
    let global: Vec<_> = global
        .into_iter()
        .map(|index| s::GlobalSecondaryIndexInfo {
            index_name: Some(index.name.clone()),
            key_schema: Some(describe::keys(&index.key_schema)),
            projection: Some(describe::projection(index)),
            provisioned_throughput: Some(throughput(&index.throughput)),
            on_demand_throughput: describe::on_demand(&index.throughput),
        })
        .collect();
    let local: Vec<_> = local
        .into_iter()
        .map(|index| s::LocalSecondaryIndexInfo {
            index_name: Some(index.name.clone()),
            key_schema: Some(describe::keys(&index.key_schema)),
            projection: Some(describe::projection(index)),
        })
        .collect();
    s::BackupDescription {
        backup_details: Some(details(key, backup)),
        source_table_details: Some(s::SourceTableDetails {
            table_name: key.2.clone(),
            table_id: record.id.clone(),
            table_arn: Some(name::arn(&(key.0, key.1, key.2.clone())).to_string()),
            table_size_bytes: Some(backup.bytes),
            key_schema: describe::keys(&record.key_schema),
            table_creation_date_time: Instant::from_millis(record.created_ms),
            provisioned_throughput: throughput(&record.billing.throughput),
            on_demand_throughput: describe::on_demand(&record.billing.throughput),
            item_count: Some(backup.items),
            billing_mode: Some(
                if record.billing.on_demand { "PAY_PER_REQUEST" } else { "PROVISIONED" }.to_owned(),
            ),
        }),
        source_table_feature_details: Some(s::SourceTableFeatureDetails {
            local_secondary_indexes: (!local.is_empty()).then_some(local),
            global_secondary_indexes: (!global.is_empty()).then_some(global),
            stream_description: describe::stream(record),
            time_to_live_description: record.ttl.as_ref().map(|_| describe::time_to_live(record)),
            sse_description: describe::sse(record),
            ..Default::default()
        }),
    }
}
