//! Services that the organization trusts, and members that administer them.

use haneul_kit::{AccountId, Instant, Result};

use super::{State, member, members, organization};
use crate::error;
use crate::model::{ACCOUNTS, ORGANIZATIONS, ResourcePolicy, Status};
use crate::quotas;

impl State {
    pub(crate) async fn trust_service(&self, id: &str, service: &str, now: Instant) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut record = organization(&tx, id).await?;
                if !record.all_features {
                    return Err(error::constraint(
                        "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE",
                        "This operation requires that all features are enabled in the organization.",
                    ));
                }
                record.services.entry(service.to_owned()).or_insert(now.into());
                Ok(tx.put(&ORGANIZATIONS, id, &record)?)
            })
            .await
    }

    pub(crate) async fn distrust_service(&self, id: &str, service: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut record = organization(&tx, id).await?;
                let delegated = members(&tx, id).await?.iter().any(|(_, account)| {
                    account.seat.as_ref().is_some_and(|seat| seat.delegations.contains_key(service))
                });
                if delegated {
                    return Err(error::constraint(
                        "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE",
                        "You can't disable service access while there is a delegated administrator of the service.",
                    ));
                }
                record.services.remove(service);
                Ok(tx.put(&ORGANIZATIONS, id, &record)?)
            })
            .await
    }

    pub(crate) async fn delegate(
        &self,
        id: &str,
        number: AccountId,
        service: &str,
        now: Instant,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let record = organization(&tx, id).await?;
                if record.management() == number {
                    return Err(error::constraint(
                        "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
                        "You cannot register management account/yourself as delegated administrator for your organization.",
                    ));
                }
                let mut account =
                    member(&tx, id, number).await?.ok_or_else(error::account_not_found)?;
                if account.status != Status::Active {
                    return Err(error::constraint(
                        "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR",
                        "You can't register a suspended account as a delegated administrator.",
                    ));
                }
                if !record.services.contains_key(service) {
                    return Err(error::constraint(
                        "SERVICE_ACCESS_NOT_ENABLED",
                        "You must enable service access before you register a delegated administrator.",
                    ));
                }
                let of_service = members(&tx, id).await?;
                let of_service = of_service.iter().filter(|(_, account)| {
                    account.seat.as_ref().is_some_and(|seat| seat.delegations.contains_key(service))
                });
                let full = of_service.count() >= quotas::DELEGATES_PER_SERVICE;
                let Some(seat) = &mut account.seat else { return Err(error::account_not_found()) };
                if seat.delegations.contains_key(service) {
                    return Err(error::already_registered());
                }
                if full {
                    return Err(error::constraint(
                        "MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED",
                        "You have exceeded the number of delegated administrators of the service.",
                    ));
                }
                seat.delegations.insert(service.to_owned(), now.into());
                Ok(tx.put(&ACCOUNTS, &number, &account)?)
            })
            .await
    }

    pub(crate) async fn undelegate(&self, id: &str, number: AccountId, service: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut account = member(&tx, id, number).await?.ok_or_else(error::account_not_found)?;
                let seat = account.seat.as_mut();
                if seat.and_then(|seat| seat.delegations.remove(service)).is_none() {
                    return Err(error::not_registered());
                }
                Ok(tx.put(&ACCOUNTS, &number, &account)?)
            })
            .await
    }

    /// Sets or, with `None`, takes away the organization's resource policy.
    pub(crate) async fn put_resource_policy(
        &self,
        id: &str,
        policy: Option<&ResourcePolicy>,
    ) -> Result<Option<ResourcePolicy>> {
        self.store
            .transact(|tx| async move {
                let mut record = organization(&tx, id).await?;
                let before = record.resource_policy.take();
                record.resource_policy = match (policy, &before) {
                    (None, None) => return Err(error::resource_policy_not_found()),
                    (None, Some(_)) => None,
                    (Some(policy), None) => Some(policy.clone()),
                    (Some(policy), Some(before)) => {
                        if !policy.tags.is_empty() {
                            let message = "You can't specify tags when you update a resource policy.";
                            return Err(error::invalid("INVALID_RESOURCE_POLICY_JSON", message));
                        }
                        Some(ResourcePolicy { content: policy.content.clone(), ..before.clone() })
                    }
                };
                tx.put(&ORGANIZATIONS, id, &record)?;
                Ok(record.resource_policy)
            })
            .await
    }
}
