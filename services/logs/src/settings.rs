//! The policies of accounts that every batch of events is held against: compiled once, and again when they change.

use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::{AccountId, Region, Result};
use haneul_store::TableVersion;
use parking_lot::Mutex;

use crate::account::documents::extracts;
use crate::account::{Kind, Selection};
use crate::data_source::DataSource;
use crate::index::policy::{Field, fields};
use crate::model::{ACCOUNT_POLICIES, AccountPolicy, Group};
use crate::protect::policy::Policy;
use crate::store::Records;

/// What the policies of an account in a Region ask for.
#[derive(Default)]
pub(crate) struct AccountSettings {
    /// Id, name, and which groups.
    pub(crate) subscriptions: Vec<(u64, String, Selection)>,
    /// Data protection for all groups.
    pub(crate) protection: Option<Policy>,
    indexes: Vec<AccountIndex>,
    /// Which groups, and the number of what transforms their events.
    transformers: Vec<(Selection, u64)>,
    /// Groups whose events in the embedded metric format are no metrics.
    unextracted: Vec<Selection>,
}

/// A field index policy of an account.
pub(crate) struct AccountIndex {
    pub(crate) name: String,
    pub(crate) policy: AccountPolicy,
    pub(crate) fields: Vec<Field>,
    selection: Selection,
}

/// The class of groups that are indexed and transformed.
const STANDARD: &str = "STANDARD";

impl AccountSettings {
    /// The field index policies that a group is indexed by, beside its own: one that selects groups gives way to that, one that
    /// selects a data source does not.
    pub(crate) fn indexes<'a>(
        &'a self,
        name: &'a str,
        group: &'a Group,
    ) -> impl Iterator<Item = &'a AccountIndex> {
        let source = DataSource::of(&group.tags);
        self.indexes.iter().filter(move |index| {
            let selection = &index.selection;
            group.class == STANDARD
                && (group.index.is_none() || selection.is_of_source())
                && selection.has(name, source.as_ref())
        })
    }

    /// The fields that policies have the events of a group indexed by.
    pub(crate) fn indexed_fields(&self, name: &str, group: &Group) -> Result<Vec<Field>> {
        let own = match &group.index {
            Some(index) => fields(&index.document)?,
            None => Vec::new(),
        };
        let of_account = self.indexes(name, group).flat_map(|index| index.fields.iter().cloned());
        let mut all: Vec<Field> = Vec::new();
        for field in own.into_iter().chain(of_account) {
            if !all.iter().any(|one| one.name == field.name) {
                all.push(field);
            }
        }
        Ok(all)
    }

    /// The number of what transforms the events of a group: its own transformer, or else the account's.
    pub(crate) fn transformer(&self, name: &str, group: &Group) -> Option<u64> {
        let of_account = self.transformers.iter().filter(|_| group.class == STANDARD);
        let of_account =
            of_account.filter(|(selection, _)| selection.has(name, None)).map(|(_, number)| *number);
        group.transformer.as_ref().map(|own| own.number).or_else(|| of_account.min())
    }

    /// Whether events of a group in the embedded format become metrics.
    pub(crate) fn extracts(&self, name: &str) -> bool {
        !self.unextracted.iter().any(|selection| selection.has(name, None))
    }
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
        for (name, policy) in records.account_policies(owner, Kind::Subscription).await? {
            let selection = Selection::parse(Kind::Subscription, policy.selection.as_deref())?;
            settings.subscriptions.push((policy.id, name, selection));
        }
        for (_, policy) in records.account_policies(owner, Kind::DataProtection).await? {
            settings.protection = Some(Policy::parse(&policy.document)?);
        }
        for (name, policy) in records.account_policies(owner, Kind::FieldIndex).await? {
            let selection = Selection::parse(Kind::FieldIndex, policy.selection.as_deref())?;
            let fields = fields(&policy.document)?;
            settings.indexes.push(AccountIndex { name, policy, fields, selection });
        }
        for (_, policy) in records.account_policies(owner, Kind::Transformer).await? {
            let selection = Selection::parse(Kind::Transformer, policy.selection.as_deref())?;
            settings.transformers.extend(policy.transformer.map(|number| (selection, number)));
        }
        for (_, policy) in records.account_policies(owner, Kind::MetricExtraction).await? {
            if !extracts(&policy.document)? {
                let selection = Selection::parse(Kind::MetricExtraction, policy.selection.as_deref())?;
                settings.unextracted.push(selection);
            }
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
