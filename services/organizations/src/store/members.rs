//! Accounts come, move and go.

use haneul_kit::{AccountId, Instant, Result};
use haneul_store::Tx;

use super::units::new_node;
use super::{State, member, organization, tree};
use crate::error;
use crate::model::{ACCOUNTS, ATTACHMENTS, Account, EMAILS, MEMBERS, Organization, Seat, Status, Tags};

/// Seats an account under the root.
pub(crate) fn seat(
    tx: &Tx,
    id: &str,
    organization: &Organization,
    number: AccountId,
    account: &mut Account,
    how: Joining,
) -> Result<()> {
    let node = new_node(organization, how.tags);
    for policy in &node.attached {
        tx.put(&ATTACHMENTS, &(id, policy, number.to_string()), &())?;
    }
    account.seat = Some(Seat {
        organization: id.to_owned(),
        parent: organization.root.clone(),
        node,
        created: how.created,
        joined: how.at.into(),
        delegations: Default::default(),
    });
    tx.put(&MEMBERS, &(id, number), &())?;
    tx.put(&EMAILS, &account.email.to_lowercase(), &number.number())?;
    Ok(tx.put(&ACCOUNTS, &number, account)?)
}

/// How an account comes to its seat.
pub(crate) struct Joining {
    pub created: bool,
    pub at: Instant,
    pub tags: Tags,
}

/// Takes the seat away, with all that hangs on it.
pub(crate) fn unseat(tx: &Tx, id: &str, number: AccountId, account: &mut Account) -> Result<()> {
    if let Some(seat) = account.seat.take() {
        for policy in &seat.node.attached {
            tx.delete(&ATTACHMENTS, &(id, policy, number.to_string()))?;
        }
    }
    tx.delete(&MEMBERS, &(id, number))?;
    Ok(tx.put(&ACCOUNTS, &number, account)?)
}

impl State {
    pub(crate) async fn move_account(&self, id: &str, number: AccountId, from: &str, to: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let record = organization(&tx, id).await?;
                let mut account = member(&tx, id, number).await?.ok_or_else(error::account_not_found)?;
                if !tree::exists(&tx, id, &record, from).await? {
                    return Err(error::source_parent_not_found());
                }
                if !tree::exists(&tx, id, &record, to).await? {
                    return Err(error::destination_parent_not_found());
                }
                let Some(seat) = &mut account.seat else { return Err(error::account_not_found()) };
                if seat.parent != from {
                    // The account is somewhere else, or already there.
                    return Err(match seat.parent == to {
                        true => error::duplicate_account(),
                        false => error::source_parent_not_found(),
                    });
                }
                if from == to {
                    return Err(error::duplicate_account());
                }
                seat.parent = to.to_owned();
                Ok(tx.put(&ACCOUNTS, &number, &account)?)
            })
            .await
    }

    pub(crate) async fn remove_account(&self, id: &str, number: AccountId) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let record = organization(&tx, id).await?;
                if record.management() == number {
                    return Err(error::master_cannot_leave());
                }
                let mut account = member(&tx, id, number).await?.ok_or_else(error::account_not_found)?;
                if account.status != Status::Active {
                    return Err(error::constraint(
                        "ACCOUNT_CANNOT_LEAVE_ORGANIZATION",
                        "You can't remove an account that is closed from an organization.",
                    ));
                }
                if account.seat.as_ref().is_some_and(|seat| !seat.delegations.is_empty()) {
                    return Err(error::constraint(
                        "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG",
                        "You can't remove an account that is a delegated administrator. First deregister it.",
                    ));
                }
                unseat(&tx, id, number, &mut account)
            })
            .await
    }
}
