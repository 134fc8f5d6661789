use haneul_kit::{AccountId, ApiError, Result};
use haneul_store::{Range, Reads, Tx};

use super::{LIST_MAX, State, entities, key};
use crate::model::{
    ACCESS_KEYS, ACCESSES, ACCOUNTS, AccessKey, AccessedKey, LAST_USES, LastUse, USERS, User,
};
use crate::secret::Secret;
use crate::{error, quotas};

/// Whose keys: a user's by name, or the root user's.
pub(crate) type Holder<'a> = Option<&'a str>;

/// The key, when it is the holder's.
async fn held(tx: &Tx, account: AccountId, holder: Holder<'_>, id: &str) -> Result<AccessKey> {
    let user = match holder {
        Some(name) => Some(key(account, &entities::get::<User>(tx, account, name).await?.entity.name).1),
        None => None,
    };
    let found = tx.get(&ACCESS_KEYS, id).await?;
    found
        .filter(|found| found.account() == account && found.user == user)
        .ok_or_else(|| error::no_such_access_key(id))
}

impl State {
    /// Seals the secrets that an older version kept as they are.
    pub(crate) async fn seal_access_keys(&self) -> Result<()> {
        let all = self.store.scan(&ACCESS_KEYS, Range::all(), LIST_MAX).await?;
        for (id, found) in all {
            if matches!(found.secret, Secret::Sealed(_)) {
                continue;
            }
            self.store
                .transact(|tx| {
                    let id = &id;
                    async move {
                        let Some(mut access_key) = tx.get(&ACCESS_KEYS, id).await? else { return Ok(()) };
                        let secret = access_key.secret.open(&self.seal)?;
                        access_key.secret = Secret::seal(&self.seal, &secret);
                        Ok::<_, ApiError>(tx.put(&ACCESS_KEYS, id, &access_key)?)
                    }
                })
                .await?;
        }
        Ok(())
    }

    pub(crate) async fn access_key(&self, id: &str) -> Result<Option<AccessKey>> {
        Ok(self.store.get(&ACCESS_KEYS, id).await?)
    }

    pub(crate) async fn create_access_key(
        &self,
        account: AccountId,
        holder: Holder<'_>,
        id: &str,
        access_key: &AccessKey,
    ) -> Result<()> {
        let full = || error::quota("AccessKeysPerUser", quotas::ACCESS_KEYS_PER_USER);
        self.store
            .transact(|tx| async move {
                match holder {
                    Some(name) => {
                        let mut user: User = entities::get(&tx, account, name).await?;
                        if user.access_keys.len() >= quotas::ACCESS_KEYS_PER_USER {
                            return Err(full());
                        }
                        user.access_keys.push(id.to_owned());
                        tx.put(&USERS, &key(account, name), &user)?;
                    }
                    None => {
                        let mut record = tx.get(&ACCOUNTS, &account).await?.unwrap_or_default();
                        if record.root_access_keys.len() >= quotas::ACCESS_KEYS_PER_USER {
                            return Err(full());
                        }
                        record.root_access_keys.push(id.to_owned());
                        tx.put(&ACCOUNTS, &account, &record)?;
                    }
                }
                Ok(tx.put(&ACCESS_KEYS, id, access_key)?)
            })
            .await
    }

    pub(crate) async fn set_access_key_active(
        &self,
        account: AccountId,
        holder: Holder<'_>,
        id: &str,
        active: bool,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut access_key = held(&tx, account, holder, id).await?;
                access_key.active = active;
                Ok(tx.put(&ACCESS_KEYS, id, &access_key)?)
            })
            .await
    }

    pub(crate) async fn delete_access_key(
        &self,
        account: AccountId,
        holder: Holder<'_>,
        id: &str,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                held(&tx, account, holder, id).await?;
                match holder {
                    Some(name) => {
                        let mut user: User = entities::get(&tx, account, name).await?;
                        user.access_keys.retain(|other| other != id);
                        tx.put(&USERS, &key(account, name), &user)?;
                    }
                    None => {
                        let mut record = tx.get(&ACCOUNTS, &account).await?.unwrap_or_default();
                        record.root_access_keys.retain(|other| other != id);
                        tx.put(&ACCOUNTS, &account, &record)?;
                    }
                }
                tx.delete(&LAST_USES, id)?;
                Ok(tx.delete(&ACCESS_KEYS, id)?)
            })
            .await
    }

    /// Oldest first.
    pub(crate) async fn access_keys(
        &self,
        account: AccountId,
        holder: Holder<'_>,
    ) -> Result<Vec<(String, AccessKey)>> {
        let snapshot = self.store.snapshot().await?;
        let ids = match holder {
            Some(name) => entities::get::<User>(&snapshot, account, name).await?.access_keys,
            None => snapshot.get(&ACCOUNTS, &account).await?.unwrap_or_default().root_access_keys,
        };
        let mut found = Vec::new();
        for id in ids {
            if let Some(access_key) = snapshot.get(&ACCESS_KEYS, &id).await? {
                found.push((id, access_key));
            }
        }
        Ok(found)
    }

    /// By access key id or role id.
    pub(crate) async fn last_use(&self, id: &str) -> Result<Option<LastUse>> {
        Ok(self.store.get(&LAST_USES, id).await?)
    }

    pub(crate) async fn put_last_uses(
        &self,
        uses: &[(String, LastUse)],
        accesses: &[(AccessedKey, LastUse)],
    ) -> Result<()> {
        let mut batch = haneul_store::Batch::default();
        for (id, last) in uses {
            batch.put(&LAST_USES, id, last)?;
        }
        for (key, last) in accesses {
            batch.put(&ACCESSES, key, last)?;
        }
        Ok(self.store.write(batch).await?)
    }

    pub(crate) async fn accesses(&self, account: AccountId) -> Result<Vec<(AccessedKey, LastUse)>> {
        Ok(self.store.scan(&ACCESSES, Range::prefix((account,)), LIST_MAX).await?)
    }

    /// Of one principal, by its unique id.
    pub(crate) async fn accesses_of(
        &self,
        account: AccountId,
        id: &str,
    ) -> Result<Vec<(AccessedKey, LastUse)>> {
        Ok(self.store.scan(&ACCESSES, Range::prefix((account, id)), LIST_MAX).await?)
    }
}
