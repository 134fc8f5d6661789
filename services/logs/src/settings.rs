//! The policies of accounts that every batch of events is held against: compiled once, and again when they change.

use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::{AccountId, Region, Result};
use haneul_store::TableVersion;
use parking_lot::Mutex;

use crate::model::ACCOUNT_POLICIES;
use crate::ops::account_policies::{DATA_PROTECTION, SUBSCRIPTION, Selection};
use crate::protect::policy::Policy;
use crate::store::Records;

/// What the policies of an account in a Region ask for.
#[derive(Default)]
pub(crate) struct AccountSettings {
    /// Id, name, and which groups.
    pub(crate) subscriptions: Vec<(u64, String, Selection)>,
    /// Data protection for all groups.
    pub(crate) protection: Option<Policy>,
}

pub(crate) struct Settings {
    version: TableVersion,
    kept: Mutex<Kept>,
    /// Data protection policies of groups, by their documents.
    protections: Mutex<HashMap<String, Arc<Policy>>>,
}

/// At a version of the table.
type Kept = (u64, HashMap<(AccountId, Region), Arc<AccountSettings>>);

const PROTECTIONS_MAX: usize = 200;
/// Accounts that are remembered.
const ACCOUNTS_MAX: usize = 10_000;

impl Settings {
    pub(crate) fn new(records: &Records) -> Settings {
        Settings {
            version: records.store.table_version(&ACCOUNT_POLICIES),
            kept: Mutex::default(),
            protections: Mutex::default(),
        }
    }

    /// A group's data protection policy, compiled.
    pub(crate) fn protection(&self, document: &str) -> Result<Arc<Policy>> {
        if let Some(found) = self.protections.lock().get(document) {
            return Ok(found.clone());
        }
        let policy = Arc::new(Policy::parse(document)?);
        let mut kept = self.protections.lock();
        if kept.len() >= PROTECTIONS_MAX {
            kept.clear();
        }
        kept.insert(document.to_owned(), policy.clone());
        Ok(policy)
    }

    pub(crate) async fn of(
        &self,
        records: &Records,
        owner: (AccountId, Region),
    ) -> Result<Arc<AccountSettings>> {
        let version = self.version.get();
        {
            let kept = self.kept.lock();
            if kept.0 == version
                && let Some(found) = kept.1.get(&owner)
            {
                return Ok(found.clone());
            }
        }
        let mut settings = AccountSettings::default();
        for (name, policy) in records.account_policies(owner, SUBSCRIPTION).await? {
            let selection = Selection::parse(policy.selection.as_deref())?;
            settings.subscriptions.push((policy.id, name, selection));
        }
        for (_, policy) in records.account_policies(owner, DATA_PROTECTION).await? {
            settings.protection = Some(Policy::parse(&policy.document)?);
        }
        let settings = Arc::new(settings);
        let mut kept = self.kept.lock();
        if kept.0 != version || kept.1.len() >= ACCOUNTS_MAX {
            *kept = (version, HashMap::new());
        }
        kept.1.insert(owner, settings.clone());
        Ok(settings)
    }
}
