//! Global tables of version 2017.11.29: groups of tables that were made one by one. CreateGlobalTable, UpdateGlobalTable,
//! DescribeGlobalTable and ListGlobalTables.

use std::collections::BTreeMap;

use haneul_dynamodb_wire::operations::{
    CreateGlobalTable, DescribeGlobalTable, ListGlobalTables, UpdateGlobalTable,
};
use haneul_dynamodb_wire::shapes as s;
use haneul_dynamodb_wire::values::error as code;
use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Instant, Region, Result};
use haneul_store::{Range, Reads};

use super::Dynamodb;
use super::replicas::region_of;
use crate::error::{self, invalid};
use crate::model::{GlobalVersion, IndexRecord, TABLES, TableRecord};
use crate::store::replicas::VIEW;
use crate::table::name::{self, TableId};
use crate::table::{KeySchema, TableInfo};

/// Names that one answer has. Source: the API reference.
const NAMES_MAX: i32 = 100;

const PAGE: usize = 500;

impl Handle<CreateGlobalTable> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::CreateGlobalTableInput) -> Result<Vec<Access>> {
        let regions =
            input.replication_group.iter().filter_map(|replica| replica.region_name.clone()).collect();
        self.on_group(cx, "dynamodb:CreateGlobalTable", &input.global_table_name, regions).await
    }

    async fn call(&self, cx: &Cx, input: s::CreateGlobalTableInput) -> Result<s::CreateGlobalTableOutput> {
        let id = named(cx, &input.global_table_name)?;
        let mut group: Vec<Region> = Vec::new();
        for replica in &input.replication_group {
            let region = region_of(replica.region_name.as_deref().unwrap_or_default())?;
            if group.contains(&region) {
                return Err(invalid(format!("Replica {} is specified more than once", region.as_str())));
            }
            group.push(region);
        }
        if group.is_empty() {
            return Err(invalid("ReplicationGroup must have at least one member"));
        }
        self.db.join_replicas(&id, None, &group, fits).await?;
        Ok(s::CreateGlobalTableOutput {
            global_table_description: Some(self.group_of(&(id.0, group[0], id.2), "CREATING").await?),
        })
    }
}

impl Handle<UpdateGlobalTable> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::UpdateGlobalTableInput) -> Result<Vec<Access>> {
        let regions = input
            .replica_updates
            .iter()
            .filter_map(|update| match (&update.create, &update.delete) {
                (Some(create), _) => Some(create.region_name.clone()),
                (None, Some(delete)) => Some(delete.region_name.clone()),
                (None, None) => None,
            })
            .collect();
        self.on_group(cx, "dynamodb:UpdateGlobalTable", &input.global_table_name, regions).await
    }

    async fn call(&self, cx: &Cx, input: s::UpdateGlobalTableInput) -> Result<s::UpdateGlobalTableOutput> {
        let mut info = self.legacy(cx, &input.global_table_name).await?;
        let mut status = "UPDATING";
        for update in &input.replica_updates {
            // The last replica may have left by now.
            if info.record.global.is_none() {
                return Err(error::no_global_table(&info.name));
            }
            let group = members(&info);
            match (&update.create, &update.delete) {
                (Some(create), None) => {
                    let region = region_of(&create.region_name)?;
                    if group.contains(&region) {
                        return Err(ApiError::new(
                            code::REPLICA_ALREADY_EXISTS_EXCEPTION,
                            format!("Replica with region: '{}' already exists", region.as_str()),
                        ));
                    }
                    let id = (info.account, info.region, info.name.clone());
                    self.db.join_replicas(&id, Some(id.1), &[region], fits).await?;
                    info = self.db.named_table(&id).await?;
                }
                (None, Some(delete)) => {
                    let region = region_of(&delete.region_name)?;
                    if !group.contains(&region) {
                        return Err(no_replica(region));
                    }
                    let id = (info.account, region, info.name.clone());
                    self.db.carry_all(&id).await?;
                    let left = self.db.leave_replicas(&id).await?;
                    info = match group.iter().find(|other| **other != region) {
                        Some(other) => self.db.named_table(&(id.0, *other, id.2)).await?,
                        None => {
                            status = "DELETING";
                            left
                        }
                    };
                }
                _ => {
                    return Err(invalid("Exactly one of Create and Delete must be specified in each update"));
                }
            }
        }
        let description = self.description(&info, status).await?;
        Ok(s::UpdateGlobalTableOutput { global_table_description: Some(description) })
    }
}

impl Handle<DescribeGlobalTable> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::DescribeGlobalTableInput) -> Result<Vec<Access>> {
        self.on_group(cx, "dynamodb:DescribeGlobalTable", &input.global_table_name, Vec::new()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeGlobalTableInput,
    ) -> Result<s::DescribeGlobalTableOutput> {
        let info = self.legacy(cx, &input.global_table_name).await?;
        let description = self.description(&info, "ACTIVE").await?;
        Ok(s::DescribeGlobalTableOutput { global_table_description: Some(description) })
    }
}

impl Handle<ListGlobalTables> for Dynamodb {
    async fn access(&self, _: &Cx, _: &s::ListGlobalTablesInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("dynamodb:ListGlobalTables")])
    }

    async fn call(&self, cx: &Cx, input: s::ListGlobalTablesInput) -> Result<s::ListGlobalTablesOutput> {
        let region = input.region_name.as_deref().map_or(Ok(cx.region()), region_of)?;
        let limit = usize::try_from(input.limit.unwrap_or(NAMES_MAX).clamp(1, NAMES_MAX)).unwrap_or(1);
        let mut after = input.exclusive_start_global_table_name;
        let mut found = Vec::new();
        while found.len() <= limit {
            let mut range = Range::prefix((cx.account(), region));
            if let Some(after) = &after {
                range = range.after(&(cx.account(), region, after));
            }
            let page = self.db.store.scan(&TABLES, range, PAGE).await.map_err(error::store)?;
            let Some(((.., last), _)) = page.last() else { break };
            after = Some(last.clone());
            let legacy = page.into_iter().filter_map(|((.., name), record)| {
                let global = record.global.filter(|global| global.version == GlobalVersion::Legacy)?;
                Some((name, global.peers))
            });
            found.extend(legacy.map(|(name, mut group)| {
                group.push(region);
                group.sort_unstable_by_key(|region| region.as_str());
                let replica = |region: &Region| s::Replica { region_name: Some(region.as_str().to_owned()) };
                s::GlobalTable {
                    global_table_name: Some(name),
                    replication_group: Some(group.iter().map(replica).collect()),
                }
            }));
        }
        let more = found.len() > limit;
        found.truncate(limit);
        Ok(s::ListGlobalTablesOutput {
            last_evaluated_global_table_name: found
                .last()
                .filter(|_| more)
                .and_then(|last| last.global_table_name.clone()),
            global_tables: Some(found),
        })
    }
}

impl Dynamodb {
    /// The replica of a global table in the Region of the call.
    pub(super) async fn legacy(&self, cx: &Cx, name: &str) -> Result<std::sync::Arc<TableInfo>> {
        let found = self.db.find_table(&named(cx, name)?).await?;
        let legacy = |info: &TableInfo| {
            info.record.global.as_ref().is_some_and(|global| global.version == GlobalVersion::Legacy)
        };
        found.filter(|info| legacy(info)).ok_or_else(|| error::no_global_table(name))
    }

    /// The global table, and the tables in the Regions that are named.
    pub(super) async fn on_group(
        &self,
        cx: &Cx,
        action: &'static str,
        given: &str,
        regions: Vec<String>,
    ) -> Result<Vec<Access>> {
        let id = named(cx, given)?;
        let mut needed = vec![Access::on(action, &group_arn(id.0, &id.2))];
        for region in regions {
            let table = name::arn(&(id.0, region_of(&region)?, id.2.clone())).to_string();
            needed.extend(self.on_table(cx, action, &table).await?);
        }
        Ok(needed)
    }

    async fn group_of(&self, id: &TableId, status: &str) -> Result<s::GlobalTableDescription> {
        let info = self.db.named_table(id).await?;
        self.description(&info, status).await
    }

    async fn description(&self, info: &TableInfo, status: &str) -> Result<s::GlobalTableDescription> {
        let since = info.record.global.as_ref().map(|global| global.since_ms).map(Instant::from_millis);
        let mut replicas = self.replicas(info, true).await?;
        // This version knows no more of its replicas.
        for replica in &mut replicas {
            *replica = s::ReplicaDescription {
                region_name: replica.region_name.take(),
                replica_status: replica.replica_status.take(),
                ..Default::default()
            };
        }
        Ok(s::GlobalTableDescription {
            replication_group: Some(replicas),
            global_table_arn: Some(group_arn(info.account, &info.name).to_string()),
            creation_date_time: since,
            global_table_status: Some(status.to_owned()),
            global_table_name: Some(info.name.clone()),
        })
    }
}

/// Whether a table may be a replica beside the one that is `first`.
fn fits(first: &TableRecord, id: &TableId, record: &TableRecord, empty: bool) -> Result<()> {
    let region = id.1.as_str();
    if record.global.is_some() {
        return Err(ApiError::new(
            code::GLOBAL_TABLE_ALREADY_EXISTS_EXCEPTION,
            format!("Global table with name: '{}' already exists", id.2),
        ));
    }
    if !record.is_made() {
        return Err(error::being_created(&id.2));
    }
    if record.stream.as_ref().is_none_or(|stream| stream.view != VIEW) {
        return Err(invalid(format!(
            "Table {} in Region {region} must have a stream with both new and old images",
            id.2
        )));
    }
    if !empty {
        return Err(invalid(format!("Table {} in Region {region} is not empty", id.2)));
    }
    alike(first, record, region)
}

/// Source: the API reference of UpdateGlobalTable.
fn alike(one: &TableRecord, other: &TableRecord, region: &str) -> Result<()> {
    let units = |record: &TableRecord| (record.billing.on_demand, record.billing.throughput.write);
    // By name: what it is keyed by, and its write capacity.
    let indexes = |record: &TableRecord| {
        let global = record.indexes.iter().filter(|index| index.global);
        let shown = |index: &IndexRecord| {
            let keys = KeySchema::new(&index.key_schema, &record.attributes);
            (index.name.clone(), (keys, index.throughput.write))
        };
        global.map(shown).collect::<BTreeMap<_, _>>()
    };
    let keys = |record: &TableRecord| KeySchema::new(&record.key_schema, &record.attributes);
    if keys(one) != keys(other) {
        return Err(invalid(format!("The table in Region {region} has another key schema than the others")));
    }
    if units(one) != units(other) {
        return Err(invalid(format!(
            "The table in Region {region} has other write capacity than the others"
        )));
    }
    if indexes(one) != indexes(other) {
        return Err(invalid(format!(
            "The table in Region {region} has other global secondary indexes than the others"
        )));
    }
    Ok(())
}

/// `global-table/name`
pub(super) fn group_arn(account: haneul_kit::AccountId, name: &str) -> Arn {
    Arn::global("dynamodb", account, format_args!("global-table/{name}"))
}

pub(super) fn named(cx: &Cx, name: &str) -> Result<TableId> {
    name::check(name)?;
    Ok((cx.account(), cx.region(), name.to_owned()))
}

/// The Regions of all replicas.
pub(super) fn members(info: &TableInfo) -> Vec<Region> {
    let peers = info.record.global.iter().flat_map(|global| global.peers.iter().copied());
    peers.chain([info.region]).collect()
}

pub(super) fn no_replica(region: Region) -> ApiError {
    ApiError::new(
        code::REPLICA_NOT_FOUND_EXCEPTION,
        format!("Replica with region: '{}' does not exist", region.as_str()),
    )
}
