//! ReplicaUpdates of UpdateTable, and what DescribeTable says of replicas: global tables of version 2019.11.21.

use haneul_dynamodb_wire::shapes as s;
use haneul_dynamodb_wire::values::multi_region_consistency::{EVENTUAL, STRONG};
use haneul_dynamodb_wire::values::replica_status as status;
use haneul_kit::{Access, ApiError, Cx, Instant, Region, Result};

use super::{Dynamodb, strong};
use crate::error::{self, invalid, validation};
use crate::model::{GlobalVersion, ReplicaSettings, ReplicaUnits, TableRecord};
use crate::store::replicas::NewReplica;
use crate::store::tables::Change;
use crate::table::TableInfo;
use crate::table::describe;
use crate::table::name::{self, TableId};

/// One update of a group of replicas, looked at.
pub(super) enum Update<'a> {
    Create(Region, Asked<'a>),
    Change(Region, Asked<'a>),
    Delete(Region),
    Leave,
}

/// What a replica is to have of its own.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    key: Option<&'a str>,
    throughput: Option<&'a s::ProvisionedThroughputOverride>,
    on_demand: Option<&'a s::OnDemandThroughputOverride>,
    indexes: Option<&'a [s::ReplicaGlobalSecondaryIndex]>,
    table_class: Option<&'a str>,
}

impl Dynamodb {
    /// What must be allowed besides dynamodb:UpdateTable. Source: Developer Guide, "DynamoDB global tables security".
    pub(super) async fn on_replicas(&self, cx: &Cx, input: &s::UpdateTableInput) -> Result<Vec<Access>> {
        let mut needed = Vec::new();
        for update in input.replica_updates.iter().flatten() {
            let (region, actions): (_, &[&'static str]) =
                match (&update.create, &update.update, &update.delete) {
                    (Some(create), ..) => {
                        (&create.region_name, &["dynamodb:CreateTable", "dynamodb:CreateTableReplica"])
                    }
                    (_, Some(update), _) => (&update.region_name, &["dynamodb:UpdateTable"]),
                    (.., Some(delete)) => {
                        (&delete.region_name, &["dynamodb:DeleteTable", "dynamodb:DeleteTableReplica"])
                    }
                    _ => continue,
                };
            let id = name::of(cx, &input.table_name)?;
            let table = name::arn(&(id.0, region_of(region)?, id.2)).to_string();
            for action in actions {
                needed.extend(self.on_table(cx, action, &table).await?);
            }
        }
        needed.extend(self.on_witnesses(cx, input).await?);
        Ok(needed)
    }

    pub(super) async fn update_replicas(
        &self,
        cx: &Cx,
        id: &TableId,
        updates: &[s::ReplicationGroupUpdate],
    ) -> Result<()> {
        let info = self.db.named_table(id).await?;
        if info.record.global.as_ref().is_some_and(|global| global.version == GlobalVersion::Legacy) {
            return Err(validation(
                "The table is a replica of a global table of version 2017.11.29, which UpdateGlobalTable changes",
            ));
        }
        self.check_settled(&info).await?;
        let updates = looked_at(id, updates)?;
        let peers = info.record.global.as_ref().map(|global| global.peers.clone()).unwrap_or_default();
        let mut asked_of = Vec::new();
        for update in &updates {
            match update {
                Update::Create(region, asked) => asked_of.push((*region, *asked)),
                Update::Change(region, _) | Update::Delete(region) if !peers.contains(region) => {
                    return Err(validation(
                        "Replica specified in the Replica Update or Replica Delete action of the request was not \
                         found.",
                    ));
                }
                Update::Leave if updates.len() > 1 => {
                    return Err(invalid("Disassociate must be the only replica update of a request"));
                }
                Update::Leave if peers.is_empty() => {
                    return Err(validation("The table is not a replica of a global table"));
                }
                _ => {}
            }
        }
        if !asked_of.is_empty() {
            let new = self.new_replicas(cx, &info, asked_of).await?;
            let added = self.db.add_replicas(id, &new).await;
            self.settled(&new, added).await?;
        }
        for update in updates {
            match update {
                Update::Create(..) => {}
                Update::Change(region, asked) => self.change_replica(cx, id, region, asked).await?,
                Update::Delete(region) => {
                    self.remove_table(&(id.0, region, id.2.clone())).await?;
                }
                Update::Leave => {
                    self.db.carry_all(id).await?;
                    self.db.leave_replicas(id).await?;
                }
            }
        }
        Ok(())
    }

    /// While a replica is being made, the group does not change.
    pub(super) async fn check_settled(&self, info: &TableInfo) -> Result<()> {
        match info.record.global.is_none() || info.record.is_made() && !self.makes_replicas(info).await? {
            true => Ok(()),
            false => Err(error::being_updated(&info.name)),
        }
    }

    /// Whether replicas of it are still being filled.
    pub(super) async fn makes_replicas(&self, info: &TableInfo) -> Result<bool> {
        for peer in info.record.global.iter().flat_map(|global| &global.peers) {
            let peer = self.db.find_table(&(info.account, *peer, info.name.clone())).await?;
            let global = peer.as_ref().and_then(|peer| peer.record.global.as_ref());
            if global.is_some_and(|global| !global.active) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Deletes a table, after it told other replicas what they do not know yet.
    pub(super) async fn remove_table(&self, id: &TableId) -> Result<std::sync::Arc<TableInfo>> {
        if let Some(info) = self.db.find_table(id).await?
            && info.record.global.is_some()
            && info.record.is_made()
            && !info.record.deletion_protection
        {
            self.check_settled(&info).await?;
            if let Err(error) = self.db.carry_all(id).await {
                tracing::warn!(table = id.2, %error, "a replica goes with writes that others were not told");
            }
        }
        let gone = self.db.delete_table(id).await?;
        self.retire_key(&gone).await?;
        Ok(gone)
    }

    /// Gives back what let a table that is gone use its key.
    pub(super) async fn retire_key(&self, gone: &TableInfo) -> Result<()> {
        let id = (gone.account, gone.region, gone.name.clone());
        if let Some(sse) = &gone.record.sse
            && !self.db.needs_grant(&id, sse).await?
        {
            self.db.retire(sse).await;
        }
        Ok(())
    }

    /// What new replicas are to be. None is, when one cannot be.
    pub(super) async fn new_replicas(
        &self,
        cx: &Cx,
        source: &TableInfo,
        asked_of: Vec<(Region, Asked<'_>)>,
    ) -> Result<Vec<NewReplica>> {
        let mut new = Vec::with_capacity(asked_of.len());
        for (region, asked) in asked_of {
            match self.new_replica(cx, source, region, asked).await {
                Ok(one) => new.push(one),
                Err(refused) => return self.settled(&new, Err(refused)).await,
            }
        }
        Ok(new)
    }

    /// Gives grants on keys back when there will be no such replicas.
    pub(super) async fn settled<T>(&self, new: &[NewReplica], made: Result<T>) -> Result<T> {
        if made.is_err() {
            for sse in new.iter().filter_map(|one| one.sse.as_ref()) {
                self.db.retire(sse).await;
            }
        }
        made
    }

    async fn new_replica(
        &self,
        cx: &Cx,
        source: &TableInfo,
        region: Region,
        asked: Asked<'_>,
    ) -> Result<NewReplica> {
        if !source.record.billing.on_demand && !self.db.write_is_scaled(cx, source).await? {
            return Err(validation("Table write capacity should either be Pay-Per-Request or AutoScaled."));
        }
        let own = asked.settings(&source.record, ReplicaSettings::default())?;
        let id = (source.account, region, source.name.clone());
        if self.db.find_table(&id).await?.is_some() {
            return Err(validation(format!(
                "Failed to create a the new replica of table with name: '{}' because one or more replicas already \
                 existed as tables.",
                id.2
            )));
        }
        let encrypted = source.record.sse.as_ref().is_some_and(|sse| sse.on);
        let specification = match (encrypted, asked.key) {
            (false, Some(_)) => {
                return Err(invalid(
                    "KMSMasterKeyId can only be specified for a replica when the table is encrypted with a key of KMS",
                ));
            }
            (false, None) => None,
            (true, key) => Some(s::SSESpecification {
                enabled: Some(true),
                sse_type: Some("KMS".to_owned()),
                kms_master_key_id: key.map(str::to_owned),
            }),
        };
        let sse = self.new_encryption(cx, &id, specification.as_ref(), None).await?;
        Ok(NewReplica { region, own, sse })
    }

    pub(super) async fn change_replica(
        &self,
        cx: &Cx,
        id: &TableId,
        region: Region,
        asked: Asked<'_>,
    ) -> Result<()> {
        let id = (id.0, region, id.2.clone());
        let sse = match asked.key {
            Some(key) => {
                let given = s::SSESpecification {
                    enabled: Some(true),
                    sse_type: Some("KMS".to_owned()),
                    kms_master_key_id: Some(key.to_owned()),
                };
                Some(self.changed_encryption(cx, &id, &given).await?)
            }
            None => None,
        };
        self.db
            .change_table(&id, |record, _| {
                let before = record.global.as_ref().map(|global| global.own.clone()).unwrap_or_default();
                let own = asked.settings(record, before)?;
                if sse.is_some() {
                    record.sse.clone_from(&sse);
                }
                if let Some(class) = &own.table_class {
                    record.table_class = Some(class.clone());
                }
                if let (Some(read), false) = (own.units.read, record.billing.on_demand) {
                    record.billing.throughput.read = read;
                }
                if let (Some(read_max), true) = (own.units.read_max, record.billing.on_demand) {
                    record.billing.throughput.read_max = read_max;
                }
                for index in record.indexes.iter_mut().filter(|index| index.global) {
                    let units = own.indexes.get(&index.name).copied().unwrap_or_default();
                    index.throughput.read = units.read.unwrap_or(index.throughput.read);
                    index.throughput.read_max = units.read_max.unwrap_or(index.throughput.read_max);
                }
                record.global.iter_mut().for_each(|global| global.own = own.clone());
                Ok(Change::default())
            })
            .await?;
        Ok(())
    }

    /// Says in a table's description which replicas it has.
    pub(super) async fn describe_replicas(
        &self,
        info: &TableInfo,
        description: &mut s::TableDescription,
    ) -> Result<()> {
        let Some(global) =
            info.record.global.as_ref().filter(|global| global.version != GlobalVersion::Legacy)
        else {
            return Ok(());
        };
        description.global_table_version = Some(global.version.name().to_owned());
        let consistency = if info.record.strong().is_some() { STRONG } else { EVENTUAL };
        description.multi_region_consistency = Some(consistency.to_owned());
        description.global_table_witnesses = strong::witnesses(global);
        description.global_table_settings_replication_mode = Some("ENABLED_WITH_OVERRIDES".to_owned());
        description.replicas = Some(self.replicas(info, false).await?);
        Ok(())
    }

    /// The other replicas of a table, and itself where `all` are wanted.
    pub(super) async fn replicas(&self, info: &TableInfo, all: bool) -> Result<Vec<s::ReplicaDescription>> {
        let Some(global) = &info.record.global else { return Ok(Vec::new()) };
        let mut regions = global.peers.clone();
        if all {
            regions.push(info.region);
        }
        regions.sort_unstable_by_key(|region| region.as_str());
        let mut replicas = Vec::with_capacity(regions.len());
        for region in regions {
            let id = (info.account, region, info.name.clone());
            if let Some(peer) = self.db.find_table(&id).await? {
                replicas.push(described(&peer));
            }
        }
        Ok(replicas)
    }
}

impl Asked<'_> {
    fn settings(&self, record: &TableRecord, before: ReplicaSettings) -> Result<ReplicaSettings> {
        let on_demand = record.billing.on_demand;
        let units = |provisioned: Option<&s::ProvisionedThroughputOverride>,
                     bounds: Option<&s::OnDemandThroughputOverride>,
                     before: ReplicaUnits| {
            if on_demand && provisioned.is_some_and(|given| given.read_capacity_units.is_some()) {
                return Err(invalid(
                    "ProvisionedThroughputOverride cannot be specified when BillingMode is PAY_PER_REQUEST",
                ));
            }
            if !on_demand && bounds.is_some() {
                return Err(invalid(
                    "OnDemandThroughputOverride can only be specified when BillingMode is PAY_PER_REQUEST",
                ));
            }
            let read_max = match bounds.and_then(|bounds| bounds.max_read_request_units) {
                Some(-1) => Some(0),
                Some(units) if units < 1 => {
                    return Err(invalid("MaxReadRequestUnits must be -1 or at least 1"));
                }
                units => units.or(before.read_max),
            };
            let read = provisioned.and_then(|given| given.read_capacity_units).or(before.read);
            Ok(ReplicaUnits { read, read_max })
        };
        let mut own = ReplicaSettings {
            table_class: self.table_class.map(str::to_owned).or(before.table_class),
            key: self.key.map(str::to_owned).or(before.key),
            units: units(self.throughput, self.on_demand, before.units)?,
            indexes: before.indexes,
        };
        for index in self.indexes.unwrap_or_default() {
            let name = &index.index_name;
            if !record.indexes.iter().any(|other| other.global && other.name == *name) {
                return Err(validation(format!("The table does not have the specified index: {name}")));
            }
            let before = own.indexes.get(name).copied().unwrap_or_default();
            let (provisioned, bounds) =
                (&index.provisioned_throughput_override, &index.on_demand_throughput_override);
            let units = units(provisioned.as_ref(), bounds.as_ref(), before)?;
            own.indexes.insert(name.clone(), units);
        }
        Ok(own)
    }
}

/// The updates of a request, each of another Region.
pub(super) fn looked_at<'a>(
    id: &TableId,
    updates: &'a [s::ReplicationGroupUpdate],
) -> Result<Vec<Update<'a>>> {
    let updates: Vec<Update<'_>> = updates.iter().map(one_looked_at).collect::<Result<_>>()?;
    let mut named: Vec<Region> = Vec::new();
    for update in &updates {
        let region = match update {
            Update::Create(region, _) | Update::Change(region, _) | Update::Delete(region) => *region,
            Update::Leave => id.1,
        };
        if region == id.1 && !matches!(update, Update::Leave) {
            return Err(validation(
                "Cannot add, delete, or update the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or \
                 UpdateTable as required.",
            ));
        }
        if named.contains(&region) {
            return Err(invalid(format!(
                "Only one replica update per Region is allowed in one request. Region: {}",
                region.as_str()
            )));
        }
        named.push(region);
    }
    Ok(updates)
}

fn one_looked_at(update: &s::ReplicationGroupUpdate) -> Result<Update<'_>> {
    match (&update.create, &update.update, &update.delete, &update.disassociate) {
        (Some(create), None, None, None) => Ok(Update::Create(
            region_of(&create.region_name)?,
            Asked {
                key: create.kms_master_key_id.as_deref(),
                throughput: create.provisioned_throughput_override.as_ref(),
                on_demand: create.on_demand_throughput_override.as_ref(),
                indexes: create.global_secondary_indexes.as_deref(),
                table_class: create.table_class_override.as_deref(),
            },
        )),
        (None, Some(update), None, None) => {
            let asked = Asked {
                key: update.kms_master_key_id.as_deref(),
                throughput: update.provisioned_throughput_override.as_ref(),
                on_demand: update.on_demand_throughput_override.as_ref(),
                indexes: update.global_secondary_indexes.as_deref(),
                table_class: update.table_class_override.as_deref(),
            };
            let nothing = asked.key.is_none()
                && asked.throughput.is_none()
                && asked.on_demand.is_none()
                && asked.indexes.is_none()
                && asked.table_class.is_none();
            if nothing {
                return Err(invalid("Replica update has no actions specified"));
            }
            Ok(Update::Change(region_of(&update.region_name)?, asked))
        }
        (None, None, Some(delete), None) => Ok(Update::Delete(region_of(&delete.region_name)?)),
        (None, None, None, Some(_)) => Ok(Update::Leave),
        _ => Err(invalid(
            "Exactly one of Create, Update, Delete and Disassociate must be specified in each replica update",
        )),
    }
}

pub(super) fn region_of(given: &str) -> Result<Region> {
    given
        .parse()
        .map_err(|_| -> ApiError { validation(format!("Invalid Request: Unsupported region: {given}")) })
}

fn described(peer: &TableInfo) -> s::ReplicaDescription {
    let record = &peer.record;
    let (active, own) = match &record.global {
        Some(global) => (global.active, global.own.clone()),
        None => (true, ReplicaSettings::default()),
    };
    let inaccessible = describe::inaccessible_ms(peer).map(Instant::from_millis);
    let state = match (active, inaccessible) {
        (_, Some(_)) => status::INACCESSIBLE_ENCRYPTION_CREDENTIALS,
        (false, None) => status::CREATING,
        (true, None) => status::ACTIVE,
    };
    let provisioned = |units: ReplicaUnits| {
        units.read.map(|read| s::ProvisionedThroughputOverride { read_capacity_units: Some(read) })
    };
    let bounds = |units: ReplicaUnits| {
        let shown = |units| if units == 0 { -1 } else { units };
        units.read_max.map(|most| s::OnDemandThroughputOverride { max_read_request_units: Some(shown(most)) })
    };
    let indexes: Vec<_> = record
        .indexes
        .iter()
        .filter(|index| index.global)
        .map(|index| {
            let units = own.indexes.get(&index.name).copied().unwrap_or_default();
            s::ReplicaGlobalSecondaryIndexDescription {
                index_name: Some(index.name.clone()),
                provisioned_throughput_override: provisioned(units),
                on_demand_throughput_override: bounds(units),
                warm_throughput: Some(describe::index_warm(record, index)),
            }
        })
        .collect();
    s::ReplicaDescription {
        region_name: Some(peer.region.as_str().to_owned()),
        replica_status: Some(state.to_owned()),
        replica_arn: Some(peer.arn().to_string()),
        kms_master_key_id: record
            .sse
            .as_ref()
            .filter(|sse| sse.on && own.key.is_some())
            .map(|sse| sse.key_arn.clone()),
        provisioned_throughput_override: provisioned(own.units),
        on_demand_throughput_override: bounds(own.units),
        warm_throughput: Some(describe::table_warm(record)),
        global_secondary_indexes: (!indexes.is_empty()).then_some(indexes),
        replica_inaccessible_date_time: inaccessible,
        replica_table_class_summary: own
            .table_class
            .map(|class| s::TableClassSummary { table_class: Some(class), last_update_date_time: None }),
        ..Default::default()
    }
}
