//! Policies of the organization, and AWS's own.

use haneul_kit::{Instant, Result};
use haneul_store::{Range, Reads};

use super::{LIST_MAX, State, organization};
use crate::error;
use crate::kinds::{self, AWS_MANAGED, Kind};
use crate::model::{ATTACHMENTS, Millis, POLICIES, Policy};

/// A policy by its id, AWS's own too.
pub(crate) async fn find(reads: &impl Reads, id: &str, policy: &str) -> Result<Option<Policy>> {
    match kinds::aws_managed(policy) {
        Some(managed) => Ok(Some(of_aws(managed))),
        None => Ok(reads.get(&POLICIES, &(id, policy)).await?),
    }
}

fn of_aws(managed: &kinds::AwsManaged) -> Policy {
    Policy {
        name: managed.name.to_owned(),
        description: managed.description.to_owned(),
        kind: managed.kind.to_owned(),
        content: managed.content.to_owned(),
        updated: Millis::from(Instant::from_millis(0)),
        tags: Vec::new(),
    }
}

/// All of a type, AWS's own first.
pub(crate) async fn of_kind(reads: &impl Reads, id: &str, kind: &str) -> Result<Vec<(String, Policy)>> {
    let own = reads.scan(&POLICIES, Range::prefix((id,)), LIST_MAX).await?;
    let own = own.into_iter().map(|((_, policy), record)| (policy, record));
    let managed = AWS_MANAGED.iter().map(|managed| (managed.id.to_owned(), of_aws(managed)));
    Ok(managed.chain(own).filter(|(_, policy)| policy.kind == kind).collect())
}

/// What is to change; `None` leaves it.
pub(crate) struct Change<'a> {
    pub name: Option<&'a str>,
    pub description: Option<&'a str>,
    pub content: Option<&'a str>,
    pub at: Instant,
}

impl State {
    pub(crate) async fn create_policy(
        &self,
        id: &str,
        kind: &Kind,
        policy: &str,
        made: &Policy,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let record = organization(&tx, id).await?;
                if !record.all_features {
                    return Err(error::type_not_available());
                }
                let others = of_kind(&tx, id, kind.name).await?;
                if others.iter().any(|(_, other)| other.name == made.name) {
                    return Err(error::duplicate_policy());
                }
                if others.len() >= kind.policies_max {
                    return Err(error::constraint(
                        "POLICY_NUMBER_LIMIT_EXCEEDED",
                        "You have exceeded the number of policies that you can have in an organization.",
                    ));
                }
                Ok(tx.put(&POLICIES, &(id, policy), made)?)
            })
            .await
    }

    pub(crate) async fn update_policy(&self, id: &str, policy: &str, change: &Change<'_>) -> Result<Policy> {
        self.store
            .transact(|tx| async move {
                let found: Option<Policy> = tx.get(&POLICIES, &(id, policy)).await?;
                let mut record = found.ok_or_else(error::policy_not_found)?;
                if let Some(name) = change.name.filter(|name| *name != record.name) {
                    let others = of_kind(&tx, id, &record.kind).await?;
                    if others.iter().any(|(_, other)| other.name == name) {
                        return Err(error::duplicate_policy());
                    }
                    record.name = name.to_owned();
                }
                if let Some(description) = change.description {
                    record.description = description.to_owned();
                }
                if let Some(content) = change.content {
                    record.content = content.to_owned();
                    record.updated = change.at.into();
                }
                tx.put(&POLICIES, &(id, policy), &record)?;
                Ok(record)
            })
            .await
    }

    pub(crate) async fn delete_policy(&self, id: &str, policy: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let found: Option<Policy> = tx.get(&POLICIES, &(id, policy)).await?;
                found.ok_or_else(error::policy_not_found)?;
                if !tx.scan(&ATTACHMENTS, Range::prefix((id, policy)), 1).await?.is_empty() {
                    return Err(error::policy_in_use());
                }
                Ok(tx.delete(&POLICIES, &(id, policy))?)
            })
            .await
    }
}
