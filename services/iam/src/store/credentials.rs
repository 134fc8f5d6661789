use haneul_kit::{AccountId, Result};
use haneul_store::{Reads, Tx};

use super::{State, entities, key, service_credentials};
use crate::error;
use crate::model::{CREDENTIALS, Credentials, HolderKey, MFA_DEVICES, User};

/// `holder` is a user's name, or `None` for the root user.
pub(crate) fn holder_key(account: AccountId, holder: Option<&str>) -> HolderKey {
    (account, holder.map(str::to_ascii_lowercase).unwrap_or_default())
}

/// All credentials of a user who must exist, or of the root user.
pub(super) async fn of_holder(
    reads: &impl Reads,
    account: AccountId,
    holder: Option<&str>,
) -> Result<Credentials> {
    if let Some(name) = holder {
        let _: User = entities::get(reads, account, name).await?;
    }
    Ok(reads.get(&CREDENTIALS, &holder_key(account, holder)).await?.unwrap_or_default())
}

pub(super) fn put_credentials(
    tx: &Tx,
    account: AccountId,
    holder: Option<&str>,
    credentials: &Credentials,
) -> Result<()> {
    let at = holder_key(account, holder);
    if credentials.is_empty() {
        return Ok(tx.delete(&CREDENTIALS, &at)?);
    }
    Ok(tx.put(&CREDENTIALS, &at, credentials)?)
}

/// What must be gone before a user can be deleted.
pub(super) async fn must_be_gone(tx: &Tx, account: AccountId, user: &str) -> Result<()> {
    let left = of_holder(tx, account, Some(user)).await?;
    let Credentials { login, mfa, ssh_keys, signing_certificates, service_specific } = left;
    if login.is_some() {
        return Err(error::must_delete_login_profile());
    }
    if !mfa.is_empty() {
        return Err(error::must_delete_mfa_device());
    }
    if !signing_certificates.is_empty() {
        return Err(error::must_delete_signing_certificates());
    }
    if !ssh_keys.is_empty() || !service_specific.is_empty() {
        return Err(error::must_remove_referenced_objects());
    }
    Ok(())
}

/// Follows a user to another name.
pub(super) async fn rename(tx: &Tx, account: AccountId, from: &str, to: &str) -> Result<()> {
    let (from, to) = (key(account, from), key(account, to));
    let Some(credentials) = tx.get(&CREDENTIALS, &from).await?.filter(|_| from != to) else { return Ok(()) };
    for name in &credentials.mfa {
        if let Some(mut device) = tx.get(&MFA_DEVICES, &(account, name)).await? {
            if let Some(enabled) = &mut device.enabled {
                enabled.holder.clone_from(&to.1);
            }
            tx.put(&MFA_DEVICES, &(account, name), &device)?;
        }
    }
    for credential in &credentials.service_specific {
        service_credentials::put_owner(tx, account, &to.1, credential)?;
    }
    tx.delete(&CREDENTIALS, &from)?;
    Ok(tx.put(&CREDENTIALS, &to, &credentials)?)
}

impl State {
    pub(crate) async fn credentials(&self, account: AccountId, holder: Option<&str>) -> Result<Credentials> {
        of_holder(&self.store, account, holder).await
    }

    /// Changes a holder's credentials by `change`, which may refuse.
    pub(crate) async fn change_credentials<R: Send>(
        &self,
        account: AccountId,
        holder: Option<&str>,
        change: impl Fn(&mut Credentials) -> Result<R> + Send + Sync,
    ) -> Result<R> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let mut credentials = of_holder(&tx, account, holder).await?;
                let answer = change(&mut credentials)?;
                put_credentials(&tx, account, holder, &credentials)?;
                Ok(answer)
            })
            .await
    }
}
