//! Organizational units.

use haneul_kit::Result;
use haneul_store::Reads;

use super::{State, members, organization, tree};
use crate::error;
use crate::kinds::KINDS;
use crate::model::{ATTACHMENTS, Node, Organization, Tags, UNITS, Unit};
use crate::quotas;

/// What is attached to everything new: the default policies of the types that are enabled.
pub(crate) fn new_node(organization: &Organization, tags: Tags) -> Node {
    let enabled = KINDS.iter().filter(|kind| organization.enabled_types.contains(kind.name));
    let attached = enabled.filter_map(|kind| kind.default_policy()).map(|policy| policy.id.to_owned());
    Node { attached: attached.collect(), tags }
}

impl State {
    pub(crate) async fn create_unit(
        &self,
        id: &str,
        unit_id: &str,
        parent: &str,
        name: &str,
        tags: &Tags,
    ) -> Result<(Organization, Unit)> {
        self.store
            .transact(|tx| async move {
                let record = organization(&tx, id).await?;
                let above = tree::above(&tx, id, &record, parent).await?;
                if above.is_empty() {
                    return Err(error::parent_not_found());
                }
                // The root is no level of its own.
                if above.len() > quotas::DEPTH_MAX {
                    return Err(error::constraint(
                        "OU_DEPTH_LIMIT_EXCEEDED",
                        "You cannot add an organizational unit to the specified parent because it would exceed the max depth allowed.",
                    ));
                }
                let units = tree::units(&tx, id).await?;
                if units.iter().any(|(_, unit)| unit.parent == parent && unit.name == name) {
                    return Err(error::duplicate_unit());
                }
                if units.len() >= quotas::UNITS_MAX {
                    return Err(error::constraint(
                        "OU_NUMBER_LIMIT_EXCEEDED",
                        "You have exceeded the number of organizational units that you can have in an organization.",
                    ));
                }
                let node = new_node(&record, tags.clone());
                for policy in &node.attached {
                    tx.put(&ATTACHMENTS, &(id, policy, unit_id), &())?;
                }
                let unit = Unit { name: name.to_owned(), parent: parent.to_owned(), node };
                tx.put(&UNITS, &(id, unit_id), &unit)?;
                Ok((record, unit))
            })
            .await
    }

    pub(crate) async fn rename_unit(
        &self,
        id: &str,
        unit_id: &str,
        name: Option<&str>,
    ) -> Result<(Organization, Unit)> {
        self.store
            .transact(|tx| async move {
                let record = organization(&tx, id).await?;
                let found: Option<Unit> = tx.get(&UNITS, &(id, unit_id)).await?;
                let mut unit = found.ok_or_else(error::unit_not_found)?;
                let Some(name) = name.filter(|name| *name != unit.name) else { return Ok((record, unit)) };
                let units = tree::units(&tx, id).await?;
                if units.iter().any(|(_, other)| other.parent == unit.parent && other.name == name) {
                    return Err(error::duplicate_unit());
                }
                unit.name = name.to_owned();
                tx.put(&UNITS, &(id, unit_id), &unit)?;
                Ok((record, unit))
            })
            .await
    }

    pub(crate) async fn delete_unit(&self, id: &str, unit_id: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let found: Option<Unit> = tx.get(&UNITS, &(id, unit_id)).await?;
                let unit = found.ok_or_else(error::unit_not_found)?;
                let units = tree::units(&tx, id).await?;
                let accounts = members(&tx, id).await?;
                let holds = units.iter().any(|(_, other)| other.parent == unit_id)
                    || accounts
                        .iter()
                        .any(|(_, a)| a.seat.as_ref().is_some_and(|seat| seat.parent == unit_id));
                if holds {
                    return Err(error::unit_not_empty());
                }
                for policy in &unit.node.attached {
                    tx.delete(&ATTACHMENTS, &(id, policy, unit_id))?;
                }
                Ok(tx.delete(&UNITS, &(id, unit_id))?)
            })
            .await
    }
}
