//! UpdateTable of global tables with multi-Region strong consistency: exactly three Regions, all of them at once.
//!
//! Source: DynamoDB Developer Guide, "How DynamoDB global tables work", "Multi-Region strong consistency (MRSC)". AWS does not
//! document the messages of its refusals; these are ours.

use haneul_dynamodb_wire::shapes as s;
use haneul_dynamodb_wire::values::multi_region_consistency::STRONG;
use haneul_dynamodb_wire::values::{replica_status, witness_status};
use haneul_kit::{Access, ApiError, Cx, Region, Result};

use super::Dynamodb;
use super::replicas::{Update, looked_at, region_of};
use crate::error::{self, invalid, validation};
use crate::model::{GlobalRecord, TableRecord};
use crate::table::name::{self, TableId};

/// A global table lies within one of these.
const SETS: [&[&str]; 3] = [
    &["us-east-1", "us-east-2", "us-west-2"],
    &["eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"],
    &["ap-northeast-1", "ap-northeast-2", "ap-northeast-3"],
];

/// Regions beside the one that is asked: of two replicas, or of a replica and a witness.
const OTHERS: usize = 2;

/// For [`refuse`].
pub(super) const TRANSACTIONS: &str = "Transactional operations are";

/// What is asked of the one witness that a request may speak of.
enum Witness {
    Create(Region),
    Delete(Region),
}

impl Dynamodb {
    /// What must be allowed in every Region that takes part, that of the witness among them. Source: "DynamoDB global tables
    /// security", "Additional permissions for MRSC global tables using a witness".
    pub(super) async fn on_witnesses(&self, cx: &Cx, input: &s::UpdateTableInput) -> Result<Vec<Access>> {
        let (region, action) = match witness(input)? {
            Some(Witness::Create(region)) => (region, "dynamodb:CreateGlobalTableWitness"),
            Some(Witness::Delete(region)) => (region, "dynamodb:DeleteGlobalTableWitness"),
            None => return Ok(Vec::new()),
        };
        let id = name::of(cx, &input.table_name)?;
        let mut regions = vec![id.1, region];
        for update in input.replica_updates.iter().flatten() {
            let create = update.create.iter().map(|create| &create.region_name);
            for region in create.chain(update.delete.iter().map(|delete| &delete.region_name)) {
                regions.push(region_of(region)?);
            }
        }
        let mut needed = Vec::new();
        for region in regions {
            let table = name::arn(&(id.0, region, id.2.clone())).to_string();
            needed.extend(self.on_table(cx, action, &table).await?);
        }
        Ok(needed)
    }

    /// Whether a request is about strong consistency: it asks for it, or the table has it.
    pub(super) async fn is_of_strong(&self, id: &TableId, input: &s::UpdateTableInput) -> Result<bool> {
        let asked = input.multi_region_consistency.as_deref() == Some(STRONG);
        let info = self.db.named_table(id).await?;
        let strong = asked || info.record.strong().is_some();
        match !strong && input.global_table_witness_updates.is_some() {
            true => Err(invalid(
                "GlobalTableWitnessUpdates can only be specified for a global table with multi-Region strong consistency",
            )),
            false => Ok(strong),
        }
    }

    /// Whether it made the global table.
    pub(super) async fn update_strong(
        &self,
        cx: &Cx,
        id: &TableId,
        input: &s::UpdateTableInput,
    ) -> Result<bool> {
        let updates = looked_at(id, input.replica_updates.as_deref().unwrap_or_default())?;
        let witness = witness(input)?;
        let creates = updates.iter().any(|update| matches!(update, Update::Create(..)));
        if input.multi_region_consistency.is_some() && !creates {
            return Err(invalid(
                "MultiRegionConsistency can only be specified with Create actions in ReplicaUpdates",
            ));
        }
        let info = self.db.named_table(id).await?;
        let Some(strong) = info.record.strong() else {
            self.make_strong(cx, id, updates, witness).await?;
            return Ok(true);
        };
        self.check_settled(&info).await?;
        if creates || matches!(witness, Some(Witness::Create(_))) {
            return Err(validation(
                "Replicas and witnesses cannot be added to a global table with multi-Region strong consistency",
            ));
        }
        let peers = info.record.mirrors();
        let (mut deletes, mut changes) = (Vec::new(), Vec::new());
        for update in updates {
            match update {
                Update::Delete(region) | Update::Change(region, _) if !peers.contains(&region) => {
                    return Err(validation(
                        "Replica specified in the Replica Update or Replica Delete action of the request was not found.",
                    ));
                }
                Update::Delete(region) => deletes.push(region),
                Update::Change(region, asked) => changes.push((region, asked)),
                Update::Create(..) | Update::Leave => {
                    return Err(validation(
                        "A replica cannot leave a global table with multi-Region strong consistency",
                    ));
                }
            }
        }
        let witnesses: Vec<Region> = match witness {
            Some(Witness::Delete(region)) => vec![region],
            _ => Vec::new(),
        };
        if deletes.is_empty() && witnesses.is_empty() {
            for (region, asked) in changes {
                self.change_replica(cx, id, region, asked).await?;
            }
            return Ok(false);
        }
        if !changes.is_empty() {
            return Err(invalid("Replicas cannot be updated in the request that deletes others"));
        }
        if witnesses.iter().any(|witness| !strong.witnesses.contains(witness)) {
            return Err(validation("The witness specified in the request was not found."));
        }
        if witnesses != strong.witnesses {
            return Err(crate::store::strong::none_alone());
        }
        for gone in self.db.end_strong(id, &deletes).await? {
            self.retire_key(&gone).await?;
        }
        Ok(false)
    }

    async fn make_strong(
        &self,
        cx: &Cx,
        id: &TableId,
        updates: Vec<Update<'_>>,
        witness: Option<Witness>,
    ) -> Result<()> {
        let info = self.db.named_table(id).await?;
        fits(&info.record)?;
        let witnesses: Vec<Region> = match witness {
            Some(Witness::Create(region)) => vec![region],
            Some(Witness::Delete(_)) => {
                return Err(validation("The witness specified in the request was not found."));
            }
            None => Vec::new(),
        };
        let mut asked_of = Vec::new();
        for update in updates {
            let Update::Create(region, asked) = update else {
                return Err(invalid(
                    "A global table with multi-Region strong consistency is made by Create actions alone",
                ));
            };
            asked_of.push((region, asked));
        }
        let others: Vec<Region> =
            asked_of.iter().map(|(region, _)| *region).chain(witnesses.iter().copied()).collect();
        check_regions(id.1, &others)?;
        let new = self.new_replicas(cx, &info, asked_of).await?;
        let made = self.db.make_strong(id, &new, &witnesses, fits).await;
        self.settled(&new, made).await?;
        Ok(())
    }
}

/// Whether a table may become such a replica.
fn fits(record: &TableRecord) -> Result<()> {
    let refused = |why: &str| Err(invalid(format!("{why} with multi-Region strong consistency")));
    if record.global.is_some() {
        return refused("A table that is a replica already cannot become one of a global table");
    }
    if record.indexes.iter().any(|index| !index.global) {
        return refused("Local secondary indexes are not supported for global tables");
    }
    if record.ttl.is_some() {
        return refused("Time to Live is not supported for global tables");
    }
    Ok(())
}

fn check_regions(home: Region, others: &[Region]) -> Result<()> {
    if others.len() != OTHERS {
        return Err(invalid(
            "A global table with multi-Region strong consistency must be in exactly three Regions: three replicas, or two \
             replicas and a witness",
        ));
    }
    if others.iter().enumerate().any(|(i, other)| *other == home || others[..i].contains(other)) {
        return Err(invalid("A witness must be in another Region than the replicas"));
    }
    let Some(set) = SETS.iter().find(|set| set.contains(&home.as_str())) else {
        return Err(unsupported(home));
    };
    match others.iter().find(|other| !set.contains(&other.as_str())) {
        Some(other) if SETS.iter().any(|set| set.contains(&other.as_str())) => Err(invalid(format!(
            "A global table with multi-Region strong consistency cannot span Region sets: {home}, {other}"
        ))),
        Some(other) => Err(unsupported(*other)),
        None => Ok(()),
    }
}

fn unsupported(region: Region) -> ApiError {
    invalid(format!("Multi-Region strong consistency is not supported in Region {region}"))
}

fn witness(input: &s::UpdateTableInput) -> Result<Option<Witness>> {
    let Some(update) = input.global_table_witness_updates.iter().flatten().next() else { return Ok(None) };
    match (&update.create, &update.delete) {
        (Some(create), None) => Ok(Some(Witness::Create(region_of(&create.region_name)?))),
        (None, Some(delete)) => Ok(Some(Witness::Delete(region_of(&delete.region_name)?))),
        _ => Err(invalid("Exactly one of Create and Delete must be specified in a witness update")),
    }
}

/// The witness as DescribeTable shows it.
pub(super) fn witnesses(global: &GlobalRecord) -> Option<Vec<s::GlobalTableWitnessDescription>> {
    let shown = |region: &Region| s::GlobalTableWitnessDescription {
        region_name: Some(region.as_str().to_owned()),
        witness_status: Some(witness_status::ACTIVE.to_owned()),
    };
    let shown: Vec<_> = global.witnesses.iter().map(shown).collect();
    (!shown.is_empty()).then_some(shown)
}

/// What was made is shown as under way in the answer to the request, as in AWS.
pub(super) fn begun(output: &mut s::UpdateTableOutput, made: bool) {
    let Some(table) = output.table_description.as_mut().filter(|_| made) else { return };
    for replica in table.replicas.iter_mut().flatten() {
        replica.replica_status = Some(replica_status::CREATING.to_owned());
    }
    for witness in table.global_table_witnesses.iter_mut().flatten() {
        witness.witness_status = Some(witness_status::CREATING.to_owned());
    }
}

/// What refuses an operation on a replica that does not support it.
pub(super) fn refuse(record: &TableRecord, what: &str) -> Result<()> {
    match record.strong() {
        Some(_) => Err(error::validation(format!(
            "{what} not supported for global tables with multi-Region strong consistency"
        ))),
        None => Ok(()),
    }
}
