//! What policies are attached to.

use haneul_kit::Result;
use haneul_store::{Range, Reads};

use super::{LIST_MAX, State, organization, policies, tree};
use crate::error;
use crate::ids::Target;
use crate::kinds::{self, RCP_FULL_ACCESS};
use crate::model::ATTACHMENTS;

impl State {
    pub(crate) async fn attach(&self, id: &str, policy: &str, target: &Target) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut record = organization(&tx, id).await?;
                let found = policies::find(&tx, id, policy).await?.ok_or_else(error::policy_not_found)?;
                let node = tree::node(&tx, id, &record, target).await?;
                let mut node = node.ok_or_else(error::target_not_found)?;
                if !record.enabled_types.contains(&found.kind) {
                    return Err(error::type_not_enabled());
                }
                if node.attached.iter().any(|attached| attached == policy) {
                    return Err(error::already_attached());
                }
                let mut same = 0;
                for attached in &node.attached {
                    let other = policies::find(&tx, id, attached).await?;
                    same += usize::from(other.is_some_and(|other| other.kind == found.kind));
                }
                let kind = kinds::find(&found.kind);
                if kind.is_some_and(|kind| same >= kind.attached_max) {
                    return Err(error::constraint(
                        "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                        "You have attempted to exceed the number of policies of a certain type that can be attached to \
                         an entity at one time.",
                    ));
                }
                node.attached.push(policy.to_owned());
                tx.put(&ATTACHMENTS, &(id, policy, target.id()), &())?;
                tree::put_node(&tx, id, &mut record, target, node).await
            })
            .await
    }

    pub(crate) async fn detach(&self, id: &str, policy: &str, target: &Target) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut record = organization(&tx, id).await?;
                let found = policies::find(&tx, id, policy).await?.ok_or_else(error::policy_not_found)?;
                let node = tree::node(&tx, id, &record, target).await?;
                let mut node = node.ok_or_else(error::target_not_found)?;
                if !node.attached.iter().any(|attached| attached == policy) {
                    return Err(error::not_attached());
                }
                if policy == RCP_FULL_ACCESS {
                    let message = "You can't detach the RCPFullAWSAccess policy.";
                    return Err(error::invalid("NON_DETACHABLE_POLICY", message));
                }
                if found.kind == kinds::SCP {
                    let mut left = 0;
                    for attached in node.attached.iter().filter(|attached| *attached != policy) {
                        let other = policies::find(&tx, id, attached).await?;
                        left += usize::from(other.is_some_and(|other| other.kind == found.kind));
                    }
                    if left == 0 {
                        return Err(error::constraint(
                            "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                            "You cannot remove the last policy attached to the specified target. You must have at least \
                             one attached at all times.",
                        ));
                    }
                }
                node.attached.retain(|attached| attached != policy);
                tx.delete(&ATTACHMENTS, &(id, policy, target.id()))?;
                tree::put_node(&tx, id, &mut record, target, node).await
            })
            .await
    }

    pub(crate) async fn targets(&self, id: &str, policy: &str) -> Result<Vec<Target>> {
        let found = self.store.scan(&ATTACHMENTS, Range::prefix((id, policy)), LIST_MAX).await?;
        Ok(found.into_iter().filter_map(|((_, _, target), ())| Target::parse(&target)).collect())
    }
}
