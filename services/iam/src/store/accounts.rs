use haneul_kit::{AccountId, Instant, Result};
use haneul_store::{Range, Reads};

use super::State;
use crate::error;
use crate::model::{ACCOUNTS, ALIASES, Account};

impl State {
    pub(crate) async fn account(&self, account: AccountId) -> Result<Account> {
        Ok(self.store.get(&ACCOUNTS, &account).await?.unwrap_or_default())
    }

    /// All accounts of which anything is kept.
    pub(crate) async fn accounts(&self) -> Result<Vec<AccountId>> {
        Ok(self.store.scan_keys(&ACCOUNTS, Range::all(), super::LIST_MAX).await?)
    }

    /// Changes what is kept of an account by `change`, which may refuse.
    pub(crate) async fn change_account<R: Send>(
        &self,
        account: AccountId,
        change: impl Fn(&mut Account) -> Result<R> + Send + Sync,
    ) -> Result<R> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let mut record = tx.get(&ACCOUNTS, &account).await?.unwrap_or_default();
                let answer = change(&mut record)?;
                tx.put(&ACCOUNTS, &account, &record)?;
                Ok(answer)
            })
            .await
    }

    /// Notes since when an account exists, once.
    pub(crate) async fn found_account(&self, account: AccountId, now: Instant) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut record = tx.get(&ACCOUNTS, &account).await?.unwrap_or_default();
                if record.created.is_none() {
                    record.created = Some(now.into());
                    tx.put(&ACCOUNTS, &account, &record)?;
                }
                Ok(())
            })
            .await
    }

    /// An account has one alias: a new one replaces it.
    pub(crate) async fn set_alias(&self, account: AccountId, alias: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                if tx.get(&ALIASES, alias).await?.is_some() {
                    return Err(error::alias_exists(alias));
                }
                let mut record = tx.get(&ACCOUNTS, &account).await?.unwrap_or_default();
                if let Some(before) = record.alias.replace(alias.to_owned()) {
                    tx.delete(&ALIASES, &before)?;
                }
                tx.put(&ALIASES, alias, &account.number())?;
                Ok(tx.put(&ACCOUNTS, &account, &record)?)
            })
            .await
    }

    pub(crate) async fn delete_alias(&self, account: AccountId, alias: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut record: Account = tx.get(&ACCOUNTS, &account).await?.unwrap_or_default();
                if record.alias.as_deref() != Some(alias) {
                    return Err(error::no_such_alias(alias));
                }
                record.alias = None;
                tx.delete(&ALIASES, alias)?;
                Ok(tx.put(&ACCOUNTS, &account, &record)?)
            })
            .await
    }
}
