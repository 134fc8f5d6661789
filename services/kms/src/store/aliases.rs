use haneul_kit::{AccountId, Arn, Region, Result};
use haneul_store::{Range, Reads};

use super::State;
use crate::error;
use crate::live::ALIASES_MAX;
use crate::model::{ALIASES, ALIASES_OF_KEY, AliasRecord, KEYS, KeyName};

pub(crate) fn alias_arn(account: AccountId, region: Region, alias: &str) -> Arn {
    Arn::new("kms", region, account, alias)
}

impl State {
    pub(crate) async fn alias(
        &self,
        account: AccountId,
        region: Region,
        alias: &str,
    ) -> Result<Option<AliasRecord>> {
        Ok(self.store.get(&ALIASES, &(account, region, alias)).await?)
    }

    /// Gives `name` an alias. With `managed`, one that is there already is no error.
    pub(crate) async fn create_alias(
        &self,
        name: &KeyName,
        alias: &str,
        now_ms: i64,
        managed: bool,
    ) -> Result<()> {
        let (account, region, id) = name.row();
        self.store
            .transact(|tx| async move {
                if tx.get(&ALIASES, &(account, region, alias)).await?.is_some() {
                    let exists = || error::exists(&alias_arn(account, region, alias));
                    return if managed { Ok(()) } else { Err(exists()) };
                }
                let others = tx.scan_keys(&ALIASES_OF_KEY, Range::prefix(name.row()), ALIASES_MAX).await?;
                if others.len() >= ALIASES_MAX {
                    return Err(error::limit("The maximum number of aliases of the key is reached."));
                }
                if tx.get(&KEYS, &name.row()).await?.is_none() {
                    return Err(error::key_not_found(&name.arn()));
                }
                let record = AliasRecord { key_id: id.to_owned(), created_ms: now_ms, updated_ms: now_ms };
                tx.put(&ALIASES, &(account, region, alias), &record)?;
                Ok(tx.put(&ALIASES_OF_KEY, &(account, region, id, alias), &())?)
            })
            .await
    }

    /// Points an alias to another key.
    pub(crate) async fn update_alias(&self, name: &KeyName, alias: &str, now_ms: i64) -> Result<()> {
        let (account, region, id) = name.row();
        self.store
            .transact(|tx| async move {
                let missing = || error::alias_not_found(&alias_arn(account, region, alias));
                let mut record = tx.get(&ALIASES, &(account, region, alias)).await?.ok_or_else(missing)?;
                let others = tx.scan_keys(&ALIASES_OF_KEY, Range::prefix(name.row()), ALIASES_MAX).await?;
                if others.len() >= ALIASES_MAX && record.key_id != id {
                    return Err(error::limit("The maximum number of aliases of the key is reached."));
                }
                tx.delete(&ALIASES_OF_KEY, &(account, region, record.key_id.as_str(), alias))?;
                record.key_id = id.to_owned();
                record.updated_ms = now_ms;
                tx.put(&ALIASES, &(account, region, alias), &record)?;
                Ok(tx.put(&ALIASES_OF_KEY, &(account, region, id, alias), &())?)
            })
            .await
    }

    pub(crate) async fn delete_alias(&self, account: AccountId, region: Region, alias: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let missing = || error::alias_not_found(&alias_arn(account, region, alias));
                let record = tx.get(&ALIASES, &(account, region, alias)).await?.ok_or_else(missing)?;
                tx.delete(&ALIASES, &(account, region, alias))?;
                Ok(tx.delete(&ALIASES_OF_KEY, &(account, region, record.key_id.as_str(), alias))?)
            })
            .await
    }

    pub(crate) async fn aliases_after(
        &self,
        (account, region): (AccountId, Region),
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, AliasRecord)>> {
        let range = Range::prefix((account, region));
        let range = match after {
            Some(after) => range.after(&(account, region, after)),
            None => range,
        };
        let rows = self.store.scan(&ALIASES, range, limit).await?;
        Ok(rows.into_iter().map(|((_, _, alias), record)| (alias, record)).collect())
    }
}
