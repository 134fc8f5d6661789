//! Every read and write of our tables; nothing else opens a transaction.
//!
//! Reading order: [`tree`] (who is below whom), [`organization`], [`units`], [`members`] (accounts come, move and go),
//! [`creation`], [`closure`], [`policies`], [`attachments`], [`handshakes`], [`delegation`], [`transfers`] (who pays), [`tags`].

pub(crate) mod attachments;
pub(crate) mod closure;
pub(crate) mod creation;
pub(crate) mod delegation;
pub(crate) mod handshakes;
pub(crate) mod members;
pub(crate) mod organization;
pub(crate) mod policies;
pub(crate) mod tags;
pub(crate) mod transfers;
pub(crate) mod tree;
pub(crate) mod units;

use haneul_kit::{AccountId, Result};
use haneul_store::{Range, Reads, Store, Tx};

use crate::error;
use crate::model::{ACCOUNTS, Account, MEMBERS, ORGANIZATIONS, Organization};

/// More than any quota allows of one noun in one organization.
pub(crate) const LIST_MAX: usize = 50_000;

/// Our data.
#[derive(Clone)]
pub(crate) struct State {
    pub store: Store,
}

/// The organization as it is within a transaction; it may be gone since the caller was let in.
pub(crate) async fn organization(reads: &impl Reads, id: &str) -> Result<Organization> {
    reads.get(&ORGANIZATIONS, id).await?.ok_or_else(error::not_in_use)
}

/// The account, when it is of this organization.
pub(crate) async fn member(reads: &impl Reads, id: &str, account: AccountId) -> Result<Option<Account>> {
    let found: Option<Account> = reads.get(&ACCOUNTS, &account).await?;
    Ok(found.filter(|found| found.seat.as_ref().is_some_and(|seat| seat.organization == id)))
}

pub(crate) async fn members(reads: &impl Reads, id: &str) -> Result<Vec<(AccountId, Account)>> {
    let mut members = Vec::new();
    for ((_, account), ()) in reads.scan(&MEMBERS, Range::prefix((id,)), LIST_MAX).await? {
        if let Some(found) = member(reads, id, account).await? {
            members.push((account, found));
        }
    }
    Ok(members)
}

pub(crate) async fn count_members(tx: &Tx, id: &str) -> Result<usize> {
    Ok(tx.scan(&MEMBERS, Range::prefix((id,)), LIST_MAX).await?.len())
}
