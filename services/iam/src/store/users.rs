use haneul_kit::{AccountId, Result};
use haneul_store::Reads;

use super::{State, credentials, entities, key};
use crate::error;
use crate::model::{ACCESS_KEYS, MEMBERS, USERS, User};

impl State {
    pub(crate) async fn create_user(&self, account: AccountId, user: &User) -> Result<()> {
        self.store.transact(|tx| async move { entities::create(&tx, account, user).await }).await
    }

    pub(crate) async fn update_user(
        &self,
        account: AccountId,
        name: &str,
        new_path: Option<&str>,
        new_name: Option<&str>,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut user: User = entities::get(&tx, account, name).await?;
                if let Some(path) = new_path {
                    user.entity.path = path.to_owned();
                }
                if let Some(new_name) = new_name {
                    let (from, to) = (key(account, name).1, key(account, new_name).1);
                    entities::rename(&tx, account, &mut user, new_name).await?;
                    credentials::rename(&tx, account, &from, &to).await?;
                    for group in &user.groups {
                        tx.delete(&MEMBERS, &(account, group, &from))?;
                        tx.put(&MEMBERS, &(account, group, &to), &())?;
                    }
                    for id in &user.access_keys {
                        if let Some(mut access_key) = tx.get(&ACCESS_KEYS, id).await? {
                            access_key.user = Some(to.clone());
                            tx.put(&ACCESS_KEYS, id, &access_key)?;
                        }
                    }
                }
                Ok(tx.put(&USERS, &key(account, &user.entity.name), &user)?)
            })
            .await
    }

    pub(crate) async fn delete_user(&self, account: AccountId, name: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let user: User = entities::get(&tx, account, name).await?;
                if !user.groups.is_empty() {
                    return Err(error::must_remove_users());
                }
                if !user.access_keys.is_empty() {
                    return Err(error::must_delete_access_keys());
                }
                credentials::must_be_gone(&tx, account, name).await?;
                entities::delete(&tx, account, &user).await
            })
            .await
    }
}
