//! The end of an account: asked for, suspended, and after some months gone for good.

use haneul_kit::{AccountId, Instant, Result};
use haneul_store::{Range, Reads};

use super::members::unseat;
use super::{LIST_MAX, State, member, members, organization};
use crate::error;
use crate::model::{ACCOUNTS, Account, ORGANIZATIONS, Status};
use crate::quotas;

impl State {
    pub(crate) async fn close_account(&self, id: &str, number: AccountId, now: Instant) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut record = organization(&tx, id).await?;
                if record.management() == number {
                    return Err(error::constraint(
                        "CANNOT_CLOSE_MANAGEMENT_ACCOUNT",
                        "You can't close the management account.",
                    ));
                }
                let mut account =
                    member(&tx, id, number).await?.ok_or_else(error::account_not_found)?;
                if account.status != Status::Active {
                    return Err(error::account_already_closed());
                }
                let others = members(&tx, id).await?;
                let closing = others.iter().filter(|(_, other)| other.status == Status::PendingClosure);
                if closing.count() >= quotas::CLOSING_MAX {
                    return Err(error::constraint(
                        "CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED",
                        "You have exceeded the number of close account requests that can be in progress at a time.",
                    ));
                }
                record.closures.retain(|at| Instant::from(*at) + quotas::CLOSURES_WINDOW > now);
                if record.closures.len() >= quotas::closures_max(others.len() - 1) {
                    return Err(error::constraint(
                        "CLOSE_ACCOUNT_QUOTA_EXCEEDED",
                        "You have exceeded close account quota for the past 30 days.",
                    ));
                }
                record.closures.push(now.into());
                account.status = Status::PendingClosure;
                account.closed = Some(now.into());
                tx.put(&ORGANIZATIONS, id, &record)?;
                Ok(tx.put(&ACCOUNTS, &number, &account)?)
            })
            .await
    }

    /// Suspends what is to be closed and lets go of what was suspended long enough; says when the next is due.
    pub(crate) async fn settle_closures(&self, now: Instant) -> Result<Option<Instant>> {
        self.store
            .transact(|tx| async move {
                let mut next: Option<Instant> = None;
                for (number, mut account) in tx.scan(&ACCOUNTS, Range::all(), LIST_MAX).await? {
                    let Some(closed) = account.closed.map(Instant::from) else { continue };
                    if account.status == Status::PendingClosure {
                        account.status = Status::Suspended;
                        tx.put(&ACCOUNTS, &number, &account)?;
                    }
                    if account.status != Status::Suspended {
                        continue;
                    }
                    let gone = closed + quotas::SUSPENSION;
                    if gone > now {
                        next = Some(next.map_or(gone, |next| next.min(gone)));
                        continue;
                    }
                    account.status = Status::Closed;
                    let organization = account.seat.as_ref().map(|seat| seat.organization.clone());
                    match organization {
                        Some(id) => unseat(&tx, &id, number, &mut account)?,
                        None => tx.put(&ACCOUNTS, &number, &account)?,
                    }
                }
                Ok(next)
            })
            .await
    }

    pub(crate) async fn account(&self, number: AccountId) -> Result<Option<Account>> {
        Ok(self.store.get(&ACCOUNTS, &number).await?)
    }
}
