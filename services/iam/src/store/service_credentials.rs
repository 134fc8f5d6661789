use std::sync::Arc;

use haneul_kit::{AccountId, Result};
use haneul_store::{Range, Reads, Tx};

use super::credentials::{of_holder, put_credentials};
use super::{LIST_MAX, State, entities, key};
use crate::model::{
    CREDENTIALS, Credentials, SERVICE_CREDENTIALS, ServiceCredential, ServiceCredentialOwner, User,
};
use crate::{error, quotas};

/// Notes whose a credential is; `user` in lower case.
pub(super) fn put_owner(
    tx: &Tx,
    account: AccountId,
    user: &str,
    credential: &ServiceCredential,
) -> Result<()> {
    let owner = ServiceCredentialOwner { account: account.number(), user: user.to_owned() };
    Ok(tx.put(&SERVICE_CREDENTIALS, &(&credential.service, &credential.name), &owner)?)
}

impl State {
    /// Adds a credential under the first free of the user's names: `jane-at-123456789012`, then `jane+1-at-123456789012`.
    /// Gives the user and the credential as they are now.
    pub(crate) async fn create_service_credential(
        &self,
        account: AccountId,
        user: &str,
        new: &ServiceCredential,
    ) -> Result<(User, ServiceCredential)> {
        self.store
            .transact(|tx| async move {
                let owner: User = entities::get(&tx, account, user).await?;
                let mut credentials = of_holder(&tx, account, Some(user)).await?;
                let mine = credentials.service_specific.iter().filter(|other| other.service == new.service);
                if mine.count() >= quotas::SERVICE_CREDENTIALS {
                    let limit = quotas::SERVICE_CREDENTIALS;
                    return Err(error::quota("ServiceSpecificCredentialsPerUser", limit));
                }
                let mut new = new.clone();
                let name = &owner.entity.name;
                for at in 0.. {
                    new.name = match at {
                        0 => format!("{name}-at-{account}"),
                        at => format!("{name}+{at}-at-{account}"),
                    };
                    if tx.get(&SERVICE_CREDENTIALS, &(&new.service, &new.name)).await?.is_none() {
                        break;
                    }
                }
                put_owner(&tx, account, &key(account, name).1, &new)?;
                credentials.service_specific.push(new.clone());
                put_credentials(&tx, account, Some(user), &credentials)?;
                Ok((owner, new))
            })
            .await
    }

    /// Changes one credential of a user by `change`; gives the user and the credential as they are now.
    pub(crate) async fn change_service_credential(
        &self,
        account: AccountId,
        user: &str,
        id: &str,
        change: impl Fn(&mut ServiceCredential) + Send + Sync,
    ) -> Result<(User, ServiceCredential)> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let owner: User = entities::get(&tx, account, user).await?;
                let mut credentials = of_holder(&tx, account, Some(user)).await?;
                let found = credentials.service_specific.iter_mut().find(|one| one.id == id);
                let found = found.ok_or_else(|| error::no_such_service_credential(id))?;
                change(found);
                let changed = found.clone();
                put_credentials(&tx, account, Some(user), &credentials)?;
                Ok((owner, changed))
            })
            .await
    }

    pub(crate) async fn delete_service_credential(
        &self,
        account: AccountId,
        user: &str,
        id: &str,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut credentials = of_holder(&tx, account, Some(user)).await?;
                let at = credentials.service_specific.iter().position(|one| one.id == id);
                let at = at.ok_or_else(|| error::no_such_service_credential(id))?;
                let gone = credentials.service_specific.remove(at);
                tx.delete(&SERVICE_CREDENTIALS, &(&gone.service, &gone.name))?;
                put_credentials(&tx, account, Some(user), &credentials)
            })
            .await
    }

    /// Of one user, or of all in the order of their names; oldest first.
    pub(crate) async fn service_credentials(
        &self,
        account: AccountId,
        user: Option<&str>,
    ) -> Result<Vec<(Arc<str>, ServiceCredential)>> {
        let snapshot = self.store.snapshot().await?;
        let mut all: Vec<(String, Credentials)> = Vec::new();
        match user {
            Some(user) => all.push((user.to_owned(), of_holder(&snapshot, account, Some(user)).await?)),
            None => {
                let found = snapshot.scan(&CREDENTIALS, Range::prefix((account,)), LIST_MAX).await?;
                all.extend(found.into_iter().map(|((_, user), credentials)| (user, credentials)));
            }
        }
        let mut found = Vec::new();
        for (user, credentials) in all {
            if credentials.service_specific.is_empty() {
                continue;
            }
            let shown: User = entities::get(&snapshot, account, &user).await?;
            let name: Arc<str> = shown.entity.name.into();
            found.extend(credentials.service_specific.into_iter().map(|one| (name.clone(), one)));
        }
        Ok(found)
    }

    /// The credential of that service and name, and whose it is.
    pub(crate) async fn service_credential_named(
        &self,
        service: &str,
        name: &str,
    ) -> Result<Option<(AccountId, User, ServiceCredential)>> {
        let snapshot = self.store.snapshot().await?;
        let Some(owner) = snapshot.get(&SERVICE_CREDENTIALS, &(service, name)).await? else {
            return Ok(None);
        };
        let Some(account) = AccountId::new(owner.account) else { return Ok(None) };
        let user: User = entities::get(&snapshot, account, &owner.user).await?;
        let credentials = of_holder(&snapshot, account, Some(&owner.user)).await?;
        let mut all = credentials.service_specific.into_iter();
        Ok(all.find(|one| one.service == service && one.name == name).map(|found| (account, user, found)))
    }
}
