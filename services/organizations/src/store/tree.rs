//! The tree of an organization: the root, units, and accounts as leaves.

use haneul_kit::Result;
use haneul_store::{Range, Reads, Tx};

use super::{LIST_MAX, member};
use crate::ids::Target;
use crate::model::{ACCOUNTS, Node, ORGANIZATIONS, Organization, UNITS, Unit};
use crate::quotas;

/// The node of a target of this organization.
pub(crate) async fn node(
    reads: &impl Reads,
    id: &str,
    organization: &Organization,
    target: &Target,
) -> Result<Option<Node>> {
    Ok(match target {
        Target::Root(root) => (*root == organization.root).then(|| organization.root_node.clone()),
        Target::Unit(unit) => reads.get(&UNITS, &(id, unit)).await?.map(|unit| unit.node),
        Target::Account(account) => {
            member(reads, id, *account).await?.and_then(|account| account.seat).map(|seat| seat.node)
        }
    })
}

/// Replaces the node of a target that [`node`] found in the same transaction.
pub(crate) async fn put_node(
    tx: &Tx,
    id: &str,
    organization: &mut Organization,
    target: &Target,
    node: Node,
) -> Result<()> {
    match target {
        Target::Root(_) => {
            organization.root_node = node;
            tx.put(&ORGANIZATIONS, id, organization)?;
        }
        Target::Unit(unit) => {
            if let Some(mut record) = tx.get(&UNITS, &(id, unit)).await? {
                record.node = node;
                tx.put(&UNITS, &(id, unit), &record)?;
            }
        }
        Target::Account(account) => {
            if let Some(mut record) = member(tx, id, *account).await? {
                if let Some(seat) = &mut record.seat {
                    seat.node = node;
                }
                tx.put(&ACCOUNTS, account, &record)?;
            }
        }
    }
    Ok(())
}

/// The nodes from the root down to `parent`, which is the last. Empty when `parent` is not of this organization.
pub(crate) async fn above(
    reads: &impl Reads,
    id: &str,
    organization: &Organization,
    parent: &str,
) -> Result<Vec<(String, Node)>> {
    let mut nodes = Vec::new();
    let mut at = parent.to_owned();
    // One more than there can be, so that damaged data ends too.
    for _ in 0..=quotas::DEPTH_MAX + 1 {
        if at == organization.root {
            nodes.push((at, organization.root_node.clone()));
            nodes.reverse();
            return Ok(nodes);
        }
        let Some(unit) = reads.get(&UNITS, &(id, &at)).await? else { break };
        nodes.push((std::mem::replace(&mut at, unit.parent), unit.node));
    }
    Ok(Vec::new())
}

pub(crate) async fn units(reads: &impl Reads, id: &str) -> Result<Vec<(String, Unit)>> {
    let found = reads.scan(&UNITS, Range::prefix((id,)), LIST_MAX).await?;
    Ok(found.into_iter().map(|((_, unit), record)| (unit, record)).collect())
}

pub(crate) async fn exists(
    reads: &impl Reads,
    id: &str,
    organization: &Organization,
    parent: &str,
) -> Result<bool> {
    Ok(parent == organization.root || reads.get(&UNITS, &(id, parent)).await?.is_some())
}
