use std::sync::Arc;

use haneul_kit::{ApiError, Arn, Cx, Env, Platform, Result};

use crate::crypto::Material;
use crate::error;
use crate::last_used::LastUsed;
use crate::live::{Cache, LiveKey};
use crate::managed::{self, Managed};
use crate::model::{KeyName, KeyState, MaterialRecord};
use crate::reference::Reference;
use crate::store::{State, alias_arn};

/// The state of the service.
pub struct Kms {
    pub(crate) platform: Platform,
    pub(crate) state: Arc<State>,
    pub(crate) cache: Cache,
    pub(crate) last_used: Arc<LastUsed>,
    pub(crate) due: haneul_kit::Signal,
}

/// What a KeyId was found to name.
pub(crate) struct Found {
    /// The key's ARN; the alias's, when it names no key.
    pub(crate) arn: Arn,
    /// With its `alias/`, when the key was named by it.
    pub(crate) alias: Option<String>,
    pub(crate) key: Option<Arc<LiveKey>>,
    /// An AWS managed key that this call may bring into being.
    pub(crate) managed: Option<&'static Managed>,
    pub(crate) account: haneul_kit::AccountId,
}

/// Which forms of a KeyId an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forms {
    /// Key ids and ARNs of keys.
    Key,
    /// Aliases too.
    Alias,
}

impl Kms {
    pub(crate) fn env(&self) -> &Env {
        &self.platform.env
    }

    /// What `text` names, without any change. Errors only for what has no valid form.
    pub(crate) async fn find(&self, cx: &Cx, text: &str, forms: Forms) -> Result<Found> {
        let reference = Reference::parse(cx, text)?;
        let account = reference.account();
        let (name, alias) = match reference {
            Reference::Key(name) => (name, None),
            Reference::Alias(..) if forms == Forms::Key => return Err(error::invalid_key_id(text)),
            Reference::Alias(_, alias) => {
                let Some(record) = self.state.alias(account, cx.region(), &alias).await? else {
                    return Ok(self.unknown_alias(cx, account, alias));
                };
                (KeyName { account, region: cx.region(), id: record.key_id }, Some(alias))
            }
        };
        let key = self.live(cx, &name).await?;
        Ok(Found { arn: name.arn(), alias, key, managed: None, account })
    }

    fn unknown_alias(&self, cx: &Cx, account: haneul_kit::AccountId, alias: String) -> Found {
        let managed = managed::of_alias(&alias).filter(|_| account == cx.account());
        let arn = match managed {
            Some(managed) => managed.key_name(account, cx.region()).arn(),
            None => alias_arn(account, cx.region(), &alias),
        };
        Found { arn, alias: Some(alias), key: None, managed, account }
    }

    pub(crate) async fn live(&self, cx: &Cx, name: &KeyName) -> Result<Option<Arc<LiveKey>>> {
        let key = self.cache.get(&self.state.store, &self.state.seal, name).await?;
        let Some(key) = key else { return Ok(None) };
        if key.record.due_ms().is_none_or(|due_ms| due_ms > cx.now().millis()) {
            return Ok(Some(key));
        }
        // What is due happens as if it had happened on time, whether or not the reconciler was quicker.
        self.state.settle(name, cx.now()).await?;
        self.cache.get(&self.state.store, &self.state.seal, name).await
    }

    /// The key that `text` names, made if it is an AWS managed one.
    pub(crate) async fn key(&self, cx: &Cx, text: &str, forms: Forms) -> Result<Arc<LiveKey>> {
        let found = self.find(cx, text, forms).await?;
        if let Some(managed) = found.managed {
            return self.make_managed(cx, managed).await;
        }
        match (found.key, found.alias) {
            (Some(key), _) => Ok(key),
            (None, Some(alias)) => {
                Err(error::alias_not_found(&alias_arn(found.account, cx.region(), &alias)))
            }
            (None, None) => Err(error::key_not_found(&found.arn)),
        }
    }

    /// A key for a cryptographic operation: it must be enabled and for this usage.
    pub(crate) async fn usable(
        &self,
        cx: &Cx,
        text: &str,
        usage: &str,
        operation: &str,
    ) -> Result<Arc<LiveKey>> {
        let key = self.key(cx, text, Forms::Alias).await?;
        check_enabled(cx, &key)?;
        if key.record.usage != usage {
            return Err(error::usage(&key.name.arn(), &key.record.usage, operation));
        }
        Ok(key)
    }

    /// The current material of a key, with its id.
    pub(crate) fn current(&self, cx: &Cx, key: &LiveKey) -> Result<(String, Arc<Material>)> {
        let lost = || ApiError::internal("an enabled key has no key material");
        let MaterialRecord { id, .. } = key.record.current().ok_or_else(lost)?;
        Ok((id.clone(), key.material(id, cx.now())?.ok_or_else(lost)?))
    }

    /// Ends a call that asked for a dry run, when all else was well.
    pub(crate) fn end_of_dry_run(dry_run: Option<bool>) -> Result<()> {
        if dry_run == Some(true) { Err(error::dry_run()) } else { Ok(()) }
    }
}

/// Refuses keys that cannot be used now.
pub(crate) fn check_enabled(cx: &Cx, key: &LiveKey) -> Result<()> {
    match key.record.state(cx.now()) {
        KeyState::Disabled => Err(error::disabled(&key.name.arn())),
        state => check_there(state, &key.name.arn()),
    }
}

/// Refuses keys that are to be deleted or have no key material.
pub(crate) fn check_there(state: KeyState, arn: &Arn) -> Result<()> {
    match state {
        KeyState::Enabled | KeyState::Disabled => Ok(()),
        KeyState::PendingDeletion => Err(error::invalid_state(arn, "is pending deletion")),
        KeyState::PendingReplicaDeletion => Err(error::invalid_state(arn, "is pending replica deletion")),
        KeyState::PendingImport => Err(error::invalid_state(arn, "is pending import")),
    }
}

/// Refuses keys that are to be deleted.
pub(crate) fn check_not_pending_deletion(state: KeyState, arn: &Arn) -> Result<()> {
    match state {
        KeyState::PendingImport => Ok(()),
        state => check_there(state, arn),
    }
}
