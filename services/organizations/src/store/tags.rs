//! Tags of targets, policies and the resource policy.

use haneul_kit::Result;
use haneul_store::{Reads, Tx};

use super::{State, organization, transfers, tree};
use crate::error;
use crate::ids::Target;
use crate::kinds;
use crate::model::{ORGANIZATIONS, Organization, POLICIES, Policy, TRANSFERS, Tags};
use crate::quotas;

impl State {
    pub(crate) async fn tags(&self, id: &str, resource: &str) -> Result<Tags> {
        let record = organization(&self.store, id).await?;
        read(&self.store, id, &record, resource).await
    }

    pub(crate) async fn tag(&self, id: &str, resource: &str, added: &Tags) -> Result<()> {
        self.change_tags(id, resource, |tags| {
            for (key, value) in added {
                match tags.iter_mut().find(|(before, _)| before == key) {
                    Some((_, before)) => value.clone_into(before),
                    None => tags.push((key.clone(), value.clone())),
                }
            }
        })
        .await
    }

    pub(crate) async fn untag(&self, id: &str, resource: &str, keys: &[String]) -> Result<()> {
        self.change_tags(id, resource, |tags| tags.retain(|(key, _)| !keys.contains(key))).await
    }

    async fn change_tags(&self, id: &str, resource: &str, change: impl Fn(&mut Tags)) -> Result<()> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let mut record = organization(&tx, id).await?;
                let mut tags = read(&tx, id, &record, resource).await?;
                change(&mut tags);
                if tags.len() > quotas::TAGS_MAX {
                    return Err(error::constraint(
                        "MAX_TAG_LIMIT_EXCEEDED",
                        "You have exceeded the number of tags allowed on this resource.",
                    ));
                }
                write(&tx, id, &mut record, resource, tags).await
            })
            .await
    }
}

async fn read(reads: &impl Reads, id: &str, record: &Organization, resource: &str) -> Result<Tags> {
    if resource.starts_with("rp-") {
        let policy = record.resource_policy.as_ref().filter(|policy| policy.id == resource);
        return policy.map(|policy| policy.tags.clone()).ok_or_else(error::target_not_found);
    }
    if resource.starts_with("p-") {
        if kinds::is_aws_managed(resource) {
            return Err(error::immutable_policy());
        }
        let policy: Option<Policy> = reads.get(&POLICIES, &(id, resource)).await?;
        return policy.map(|policy| policy.tags).ok_or_else(error::target_not_found);
    }
    if resource.starts_with("rt-") {
        let found = transfers::of(reads, id, record.management(), resource).await?;
        return found.map(|(transfer, _)| transfer.tags_of(id)).ok_or_else(error::target_not_found);
    }
    let target = Target::parse(resource).ok_or_else(error::target_not_found)?;
    let node = tree::node(reads, id, record, &target).await?;
    node.map(|node| node.tags).ok_or_else(error::target_not_found)
}

async fn write(tx: &Tx, id: &str, record: &mut Organization, resource: &str, tags: Tags) -> Result<()> {
    if resource.starts_with("rp-") {
        if let Some(policy) = &mut record.resource_policy {
            policy.tags = tags;
        }
        return Ok(tx.put(&ORGANIZATIONS, id, record)?);
    }
    if resource.starts_with("p-") {
        if let Some(mut policy) = tx.get(&POLICIES, &(id, resource)).await? {
            policy.tags = tags;
            tx.put(&POLICIES, &(id, resource), &policy)?;
        }
        return Ok(());
    }
    if resource.starts_with("rt-") {
        let found = transfers::of(tx, id, record.management(), resource).await?;
        let (mut transfer, _) = found.ok_or_else(error::target_not_found)?;
        transfer.tags.insert(id.to_owned(), tags);
        return Ok(tx.put(&TRANSFERS, resource, &transfer)?);
    }
    let target = Target::parse(resource).ok_or_else(error::target_not_found)?;
    let node = tree::node(tx, id, record, &target).await?;
    let mut node = node.ok_or_else(error::target_not_found)?;
    node.tags = tags;
    tree::put_node(tx, id, record, &target, node).await
}
