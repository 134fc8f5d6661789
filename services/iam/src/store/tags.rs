use haneul_kit::{AccountId, ApiError, Result};
use haneul_store::{Reads, Record, Table};

use super::{Identity, State, key};
use crate::model::{
    INSTANCE_PROFILES, InstanceProfile, Key, MFA_DEVICES, ManagedPolicy, MfaDevice, OIDC_PROVIDERS,
    OidcProvider, POLICIES, ROLES, Role, SAML_PROVIDERS, SERVER_CERTIFICATES, SamlProvider,
    ServerCertificate, USERS, User,
};
use crate::{error, quotas};

/// What can be tagged.
pub(crate) trait Tagged: Record + Clone + 'static {
    const TABLE: &'static Table<Key, Self>;
    fn tags_mut(&mut self) -> &mut Vec<(String, String)>;
    fn missing(name: &str) -> ApiError;
}

macro_rules! tagged {
    ($($record:ty, $table:ident, $missing:expr;)*) => {$(
        impl Tagged for $record {
            const TABLE: &'static Table<Key, $record> = &$table;

            fn tags_mut(&mut self) -> &mut Vec<(String, String)> {
                &mut self.tags
            }

            fn missing(name: &str) -> ApiError {
                let missing: fn(&str) -> ApiError = $missing;
                missing(name)
            }
        }
    )*};
}

tagged! {
    User, USERS, |name| error::no_such_entity(User::KIND, name);
    Role, ROLES, |name| error::no_such_entity(Role::KIND, name);
    ManagedPolicy, POLICIES, error::no_such_policy;
    InstanceProfile, INSTANCE_PROFILES, error::no_such_instance_profile;
    MfaDevice, MFA_DEVICES, error::no_such_mfa_device;
    SamlProvider, SAML_PROVIDERS, error::no_such_saml_provider;
    OidcProvider, OIDC_PROVIDERS, error::no_such_oidc_provider;
    ServerCertificate, SERVER_CERTIFICATES, error::no_such_server_certificate;
}

impl State {
    /// Adds or replaces tags. `shown` names the resource in an error.
    pub(crate) async fn tag<T: Tagged>(
        &self,
        account: AccountId,
        name: &str,
        shown: &str,
        tags: &[(String, String)],
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let at = key(account, name);
                let mut record: T = tx.get(T::TABLE, &at).await?.ok_or_else(|| T::missing(shown))?;
                merge(record.tags_mut(), tags)?;
                Ok(tx.put(T::TABLE, &at, &record)?)
            })
            .await
    }

    pub(crate) async fn untag<T: Tagged>(
        &self,
        account: AccountId,
        name: &str,
        shown: &str,
        keys: &[String],
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let at = key(account, name);
                let mut record: T = tx.get(T::TABLE, &at).await?.ok_or_else(|| T::missing(shown))?;
                let tags = record.tags_mut();
                tags.retain(|(tag, _)| !keys.iter().any(|key| key.eq_ignore_ascii_case(tag)));
                Ok(tx.put(T::TABLE, &at, &record)?)
            })
            .await
    }
}

/// Keys are the same when they differ in case only; the later spelling stays. Kept in order of the keys.
fn merge(tags: &mut Vec<(String, String)>, more: &[(String, String)]) -> Result<()> {
    for (key, value) in more {
        tags.retain(|(before, _)| !before.eq_ignore_ascii_case(key));
        tags.push((key.clone(), value.clone()));
    }
    if tags.len() > quotas::TAGS {
        return Err(error::too_many_tags());
    }
    tags.sort();
    Ok(())
}

/// The tags of a request that makes or tags something.
pub(crate) fn check(tags: Vec<(String, String)>) -> Result<Vec<(String, String)>> {
    for (at, (key, _)) in tags.iter().enumerate() {
        if key.len() >= 4 && key.as_bytes()[..4].eq_ignore_ascii_case(b"aws:") {
            return Err(error::invalid_input("Aws system tags cannot be added or removed by users."));
        }
        if tags[..at].iter().any(|(before, _)| before.eq_ignore_ascii_case(key)) {
            return Err(error::invalid_input(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    let mut checked = Vec::new();
    merge(&mut checked, &tags)?;
    Ok(checked)
}
