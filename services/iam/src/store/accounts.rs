use haneul_kit::{AccountId, Instant, Result};
use haneul_store::{Range, Reads};

use super::State;
use crate::error;
use crate::model::{ACCOUNTS, ALIASES, Account, OUTBOUND_ISSUERS, OutboundFederation};

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

    /// Turns outbound federation on. The issuer stays the one that it was, for those who trust it already; `fresh` gives the
    /// id and the URL of a new one.
    pub(crate) async fn enable_outbound(&self, account: AccountId, fresh: (&str, &str)) -> Result<String> {
        self.store
            .transact(|tx| async move {
                let mut record = tx.get(&ACCOUNTS, &account).await?.unwrap_or_default();
                let issuer = match record.outbound.take() {
                    Some(before) if before.enabled => return Err(error::outbound_enabled()),
                    Some(before) => before.issuer,
                    None => {
                        let (id, issuer) = fresh;
                        tx.put(&OUTBOUND_ISSUERS, id, &account.number())?;
                        issuer.to_owned()
                    }
                };
                record.outbound = Some(OutboundFederation { issuer: issuer.clone(), enabled: true });
                tx.put(&ACCOUNTS, &account, &record)?;
                Ok(issuer)
            })
            .await
    }

    /// The issuer of that id, of whatever account.
    pub(crate) async fn outbound_issuer_of(&self, id: &str) -> Result<Option<String>> {
        let Some(account) = self.store.get(&OUTBOUND_ISSUERS, id).await? else { return Ok(None) };
        let Some(account) = AccountId::new(account) else { return Ok(None) };
        Ok(self.account(account).await?.outbound.map(|outbound| outbound.issuer))
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
