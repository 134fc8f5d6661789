use haneul_kit::{AccountId, Arn, Result};
use haneul_store::{Range, Reads};

use super::{LIST_MAX, State, key, list};
use crate::model::{OIDC_PROVIDERS, OidcProvider, SAML_PROVIDERS, SamlProvider};
use crate::{error, quotas};

/// The name in `arn:aws:iam::<account>:saml-provider/<name>`, or the place in an `oidc-provider` one.
pub(crate) fn named<'a>(account: AccountId, noun: &str, arn: &'a str) -> Option<&'a str> {
    let rest = arn.strip_prefix("arn:aws:iam::")?;
    let (owner, resource) = rest.split_once(':')?;
    let name = resource.strip_prefix(noun)?.strip_prefix('/')?;
    (owner == account.to_string() && !name.is_empty()).then_some(name)
}

pub(crate) const SAML: &str = "saml-provider";
pub(crate) const OIDC: &str = "oidc-provider";

/// The provider of that ARN, in the account that it names.
pub(crate) async fn saml(reads: &impl Reads, arn: &Arn) -> Result<Option<SamlProvider>> {
    let Some(account) = arn.account_id() else { return Ok(None) };
    let Some(name) = named(account, SAML, arn.as_str()) else { return Ok(None) };
    let found = reads.get(&SAML_PROVIDERS, &key(account, name)).await?;
    Ok(found.filter(|provider| provider.arn(account) == *arn))
}

pub(crate) async fn oidc(reads: &impl Reads, arn: &Arn) -> Result<Option<OidcProvider>> {
    let Some(account) = arn.account_id() else { return Ok(None) };
    let Some(place) = named(account, OIDC, arn.as_str()) else { return Ok(None) };
    let found = reads.get(&OIDC_PROVIDERS, &key(account, place)).await?;
    Ok(found.filter(|provider| provider.arn(account) == *arn))
}

impl State {
    /// A provider of the account itself.
    pub(crate) async fn find_saml_provider(
        &self,
        account: AccountId,
        arn: &str,
    ) -> Result<Option<SamlProvider>> {
        match named(account, SAML, arn) {
            Some(name) => Ok(self.store.get(&SAML_PROVIDERS, &key(account, name)).await?),
            None => Ok(None),
        }
    }

    pub(crate) async fn saml_provider(&self, account: AccountId, arn: &str) -> Result<SamlProvider> {
        self.find_saml_provider(account, arn).await?.ok_or_else(|| error::no_such_saml_provider(arn))
    }

    pub(crate) async fn saml_providers(&self, account: AccountId) -> Result<Vec<SamlProvider>> {
        Ok(list(&self.store, &SAML_PROVIDERS, account).await?.into_iter().map(|(_, of)| of).collect())
    }

    pub(crate) async fn create_saml_provider(
        &self,
        account: AccountId,
        provider: &SamlProvider,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let at = key(account, &provider.name);
                if tx.get(&SAML_PROVIDERS, &at).await?.is_some() {
                    return Err(error::saml_provider_exists(&provider.name));
                }
                let count = tx.scan_keys(&SAML_PROVIDERS, Range::prefix((account,)), LIST_MAX).await?.len();
                if count >= quotas::PROVIDERS {
                    return Err(error::quota("SAMLProvidersPerAccount", quotas::PROVIDERS));
                }
                Ok(tx.put(&SAML_PROVIDERS, &at, provider)?)
            })
            .await
    }

    pub(crate) async fn change_saml_provider(
        &self,
        account: AccountId,
        arn: &str,
        change: impl Fn(&mut SamlProvider) -> Result<()> + Send + Sync,
    ) -> Result<()> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let missing = || error::no_such_saml_provider(arn);
                let at = key(account, named(account, SAML, arn).ok_or_else(missing)?);
                let mut provider = tx.get(&SAML_PROVIDERS, &at).await?.ok_or_else(missing)?;
                change(&mut provider)?;
                Ok(tx.put(&SAML_PROVIDERS, &at, &provider)?)
            })
            .await
    }

    pub(crate) async fn delete_saml_provider(&self, account: AccountId, arn: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let missing = || error::no_such_saml_provider(arn);
                let at = key(account, named(account, SAML, arn).ok_or_else(missing)?);
                tx.get(&SAML_PROVIDERS, &at).await?.ok_or_else(missing)?;
                Ok(tx.delete(&SAML_PROVIDERS, &at)?)
            })
            .await
    }

    pub(crate) async fn find_oidc_provider(
        &self,
        account: AccountId,
        arn: &str,
    ) -> Result<Option<OidcProvider>> {
        match named(account, OIDC, arn) {
            Some(place) => Ok(self.store.get(&OIDC_PROVIDERS, &key(account, place)).await?),
            None => Ok(None),
        }
    }

    pub(crate) async fn oidc_provider(&self, account: AccountId, arn: &str) -> Result<OidcProvider> {
        self.find_oidc_provider(account, arn).await?.ok_or_else(|| error::no_such_oidc_provider(arn))
    }

    pub(crate) async fn oidc_providers(&self, account: AccountId) -> Result<Vec<OidcProvider>> {
        Ok(list(&self.store, &OIDC_PROVIDERS, account).await?.into_iter().map(|(_, of)| of).collect())
    }

    pub(crate) async fn create_oidc_provider(
        &self,
        account: AccountId,
        provider: &OidcProvider,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let at = key(account, provider.place());
                if tx.get(&OIDC_PROVIDERS, &at).await?.is_some() {
                    return Err(error::oidc_provider_exists(&provider.url));
                }
                let count = tx.scan_keys(&OIDC_PROVIDERS, Range::prefix((account,)), LIST_MAX).await?.len();
                if count >= quotas::PROVIDERS {
                    return Err(error::quota("OpenIdConnectProvidersPerAccount", quotas::PROVIDERS));
                }
                Ok(tx.put(&OIDC_PROVIDERS, &at, provider)?)
            })
            .await
    }

    pub(crate) async fn change_oidc_provider(
        &self,
        account: AccountId,
        arn: &str,
        change: impl Fn(&mut OidcProvider) -> Result<()> + Send + Sync,
    ) -> Result<()> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let missing = || error::no_such_oidc_provider(arn);
                let at = key(account, named(account, OIDC, arn).ok_or_else(missing)?);
                let mut provider = tx.get(&OIDC_PROVIDERS, &at).await?.ok_or_else(missing)?;
                change(&mut provider)?;
                Ok(tx.put(&OIDC_PROVIDERS, &at, &provider)?)
            })
            .await
    }

    /// Nothing happens when there is none: AWS says so.
    pub(crate) async fn delete_oidc_provider(&self, account: AccountId, arn: &str) -> Result<()> {
        let place = named(account, OIDC, arn).ok_or_else(|| error::no_such_oidc_provider(arn))?;
        let at = key(account, place);
        let mut batch = haneul_store::Batch::default();
        batch.delete(&OIDC_PROVIDERS, &at)?;
        Ok(self.store.write(batch).await?)
    }
}
