use haneul_kit::{AccountId, Result};
use haneul_store::{Range, Reads};

use super::{LIST_MAX, State, key, list};
use crate::model::{SERVER_CERTIFICATES, ServerCertificate};
use crate::{error, quotas};

impl State {
    pub(crate) async fn find_server_certificate(
        &self,
        account: AccountId,
        name: &str,
    ) -> Result<Option<ServerCertificate>> {
        Ok(self.store.get(&SERVER_CERTIFICATES, &key(account, name)).await?)
    }

    pub(crate) async fn server_certificate(
        &self,
        account: AccountId,
        name: &str,
    ) -> Result<ServerCertificate> {
        let found = self.find_server_certificate(account, name).await?;
        found.ok_or_else(|| error::no_such_server_certificate(name))
    }

    /// By name.
    pub(crate) async fn server_certificates(&self, account: AccountId) -> Result<Vec<ServerCertificate>> {
        Ok(list(&self.store, &SERVER_CERTIFICATES, account).await?.into_iter().map(|(_, of)| of).collect())
    }

    pub(crate) async fn create_server_certificate(
        &self,
        account: AccountId,
        new: &ServerCertificate,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let at = key(account, &new.name);
                if tx.get(&SERVER_CERTIFICATES, &at).await?.is_some() {
                    return Err(error::server_certificate_exists(&new.name));
                }
                let all = Range::prefix((account,));
                if tx.scan_keys(&SERVER_CERTIFICATES, all, LIST_MAX).await?.len()
                    >= quotas::SERVER_CERTIFICATES
                {
                    return Err(error::quota("ServerCertificatesPerAccount", quotas::SERVER_CERTIFICATES));
                }
                Ok(tx.put(&SERVER_CERTIFICATES, &at, new)?)
            })
            .await
    }

    pub(crate) async fn update_server_certificate(
        &self,
        account: AccountId,
        name: &str,
        new_path: Option<&str>,
        new_name: Option<&str>,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let from = key(account, name);
                let found = tx.get(&SERVER_CERTIFICATES, &from).await?;
                let mut found = found.ok_or_else(|| error::no_such_server_certificate(name))?;
                if let Some(path) = new_path {
                    found.path = path.to_owned();
                }
                if let Some(new_name) = new_name {
                    let to = key(account, new_name);
                    if from != to && tx.get(&SERVER_CERTIFICATES, &to).await?.is_some() {
                        return Err(error::server_certificate_exists(new_name));
                    }
                    found.name = new_name.to_owned();
                    tx.delete(&SERVER_CERTIFICATES, &from)?;
                }
                Ok(tx.put(&SERVER_CERTIFICATES, &key(account, &found.name), &found)?)
            })
            .await
    }

    pub(crate) async fn delete_server_certificate(&self, account: AccountId, name: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let at = key(account, name);
                let found = tx.get(&SERVER_CERTIFICATES, &at).await?;
                found.ok_or_else(|| error::no_such_server_certificate(name))?;
                Ok(tx.delete(&SERVER_CERTIFICATES, &at)?)
            })
            .await
    }
}
