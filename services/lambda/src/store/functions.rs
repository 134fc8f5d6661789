use haneul_kit::{AccountId, Instant, Region, Result};
use haneul_store::{Range, Reads, Tx};

use super::capacity::{attach, detach, forget_previous};
use super::{Records, refer};
use crate::error;
use crate::model::durable::GONE;
use crate::model::function::{
    ALIASES, AliasRecord, FUNCTIONS, FunctionRecord, State, UNSETTLED, Update, VERSIONS, VersionRecord,
};
use crate::model::{URLS, UrlTarget};
use crate::names::{FunctionName, version_text};

/// Functions of one account and Region that a listing looks at.
const FUNCTIONS_MAX: usize = 100_000;
/// Versions or aliases of one function.
pub(crate) const VERSIONS_MAX: usize = 10_000;

/// A row of [`VERSIONS`].
pub(super) fn version_row(name: &FunctionName, number: u64) -> (AccountId, Region, &str, u64) {
    (name.account, name.region, &name.name, number)
}

fn alias_row<'a>(name: &'a FunctionName, alias: &'a str) -> (AccountId, Region, &'a str, &'a str) {
    (name.account, name.region, &name.name, alias)
}

impl Records {
    pub(crate) async fn function(&self, name: &FunctionName) -> Result<Option<FunctionRecord>> {
        Ok(self.store.get(&FUNCTIONS, &name.row()).await?)
    }

    pub(crate) async fn get(&self, name: &FunctionName) -> Result<FunctionRecord> {
        self.function(name).await?.ok_or_else(|| error::no_function(name))
    }

    pub(crate) async fn version(&self, name: &FunctionName, number: u64) -> Result<Option<VersionRecord>> {
        Ok(self.store.get(&VERSIONS, &version_row(name, number)).await?)
    }

    pub(crate) async fn alias(&self, name: &FunctionName, alias: &str) -> Result<Option<AliasRecord>> {
        Ok(self.store.get(&ALIASES, &alias_row(name, alias)).await?)
    }

    pub(crate) async fn versions(
        &self,
        name: &FunctionName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<VersionRecord>> {
        let range = Range::prefix(name.row()).after(&version_row(name, after));
        let rows = self.store.scan(&VERSIONS, range, limit).await?;
        Ok(rows.into_iter().map(|(_, version)| version).collect())
    }

    pub(crate) async fn aliases(
        &self,
        name: &FunctionName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, AliasRecord)>> {
        let mut range = Range::prefix(name.row());
        if let Some(after) = after {
            range = range.after(&alias_row(name, after));
        }
        let rows = self.store.scan(&ALIASES, range, limit).await?;
        Ok(rows.into_iter().map(|((_, _, _, alias), record)| (alias, record)).collect())
    }

    pub(crate) async fn functions(
        &self,
        account: AccountId,
        region: Region,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(FunctionName, FunctionRecord)>> {
        let mut range = Range::prefix((account, region));
        if let Some(after) = after {
            range = range.after(&(account, region, after));
        }
        let rows = self.store.scan(&FUNCTIONS, range, limit.min(FUNCTIONS_MAX)).await?;
        let named = |(account, region, name)| FunctionName { account, region, name };
        Ok(rows.into_iter().map(|(row, record)| (named(row), record)).collect())
    }

    /// Every function of the cloud for which environments are to be kept ready.
    pub(crate) async fn provisioned(&self) -> Result<Vec<(FunctionName, FunctionRecord)>> {
        let rows = self.store.scan(&FUNCTIONS, Range::all(), FUNCTIONS_MAX).await?;
        let named = |(account, region, name)| FunctionName { account, region, name };
        let wanted = rows.into_iter().filter(|(_, record)| !record.provisioned.is_empty());
        Ok(wanted.map(|(row, record)| (named(row), record)).collect())
    }

    /// All versions of an account's functions, for what it uses.
    pub(crate) async fn all_versions(
        &self,
        account: AccountId,
        region: Region,
    ) -> Result<Vec<(FunctionName, VersionRecord)>> {
        let rows = self.store.scan(&VERSIONS, Range::prefix((account, region)), FUNCTIONS_MAX).await?;
        let named = |account, region, name| FunctionName { account, region, name };
        Ok(rows.into_iter().map(|((a, r, n, _), version)| (named(a, r, n), version)).collect())
    }

    /// Makes a function, with its first version when it is to be published.
    pub(crate) async fn create(&self, name: &FunctionName, record: &FunctionRecord) -> Result<()> {
        self.store
            .transact(|tx| async move {
                if tx.get(&FUNCTIONS, &name.row()).await?.is_some() {
                    return Err(error::conflict(format!("Function already exist: {}", name.name)));
                }
                refer(&tx, record.latest.blobs(), std::iter::empty()).await?;
                if let Some(capacity) = &record.latest.capacity {
                    attach(&tx, name, 0, capacity).await?;
                }
                tx.put(&UNSETTLED, &version_row(name, 0), &())?;
                Ok(tx.put(&FUNCTIONS, &name.row(), record)?)
            })
            .await
    }

    /// Changes a function as it is now. `edit` may run several times.
    pub(crate) async fn change<T: Send>(
        &self,
        name: &FunctionName,
        edit: impl Fn(&mut FunctionRecord) -> Result<T> + Send + Sync,
    ) -> Result<T> {
        let edit = &edit;
        self.store
            .transact(|tx| async move {
                let before = get_in(&tx, name).await?;
                let mut record = before.clone();
                let done = edit(&mut record)?;
                put_changed(&tx, name, &before, &record).await?;
                Ok(done)
            })
            .await
    }

    /// Publishes the unpublished version, unless it is like the last one. Gives the version and whether it is new.
    pub(crate) async fn publish(
        &self,
        name: &FunctionName,
        check: impl Fn(&VersionRecord) -> Result<()> + Send + Sync,
        make: impl Fn(&VersionRecord, u64) -> VersionRecord + Send + Sync,
    ) -> Result<VersionRecord> {
        let (check, make) = (&check, &make);
        self.store
            .transact(|tx| async move {
                let before = get_in(&tx, name).await?;
                check(&before.latest)?;
                let last = before.next_version - 1;
                let published = match last {
                    0 => None,
                    _ => tx.get(&VERSIONS, &version_row(name, last)).await?,
                };
                if let Some(published) = published.filter(|published| before.latest.same_as(published)) {
                    return Ok(published);
                }
                let number = before.next_version;
                let version = make(&before.latest, number);
                let mut record = before.clone();
                record.next_version += 1;
                refer(&tx, version.blobs(), std::iter::empty()).await?;
                tx.put(&VERSIONS, &version_row(name, number), &version)?;
                match &version.capacity {
                    // Its code is ready; it is pending until its environments are.
                    Some(capacity) => attach(&tx, name, number, capacity).await?,
                    None if version.state == State::Pending => {
                        tx.put(&UNSETTLED, &version_row(name, number), &())?;
                    }
                    None => {}
                }
                tx.put(&FUNCTIONS, &name.row(), &record)?;
                Ok(version)
            })
            .await
    }

    /// Writes what came of preparing a version's code, if that is still the version that was prepared.
    pub(crate) async fn settle(
        &self,
        name: &FunctionName,
        number: u64,
        revision: &str,
        failed: Option<(String, String)>,
        new_revision: &str,
    ) -> Result<()> {
        let failed = &failed;
        self.store
            .transact(|tx| async move {
                let row = version_row(name, number);
                let settle = |version: &mut VersionRecord| {
                    match (&version.state, failed) {
                        (State::Pending, None) => version.state = State::Active,
                        (State::Pending, Some((code, reason))) => {
                            version.state = State::Failed { code: code.clone(), reason: reason.clone() };
                        }
                        _ => {}
                    }
                    version.update = match failed {
                        None => Update::Done,
                        Some((code, reason)) => Update::Failed { code: code.clone(), reason: reason.clone() },
                    };
                    version.revision = new_revision.to_owned();
                };
                if number == 0 {
                    match tx.get(&FUNCTIONS, &name.row()).await? {
                        Some(mut record) if record.latest.revision == revision => {
                            settle(&mut record.latest);
                            tx.put(&FUNCTIONS, &name.row(), &record)?;
                        }
                        // Changed since: it is looked at once more.
                        Some(_) => return Ok(()),
                        None => {}
                    }
                } else if let Some(mut version) = tx.get(&VERSIONS, &row).await? {
                    settle(&mut version);
                    tx.put(&VERSIONS, &row, &version)?;
                }
                Ok(tx.delete(&UNSETTLED, &row)?)
            })
            .await
    }

    pub(crate) async fn unsettled(&self) -> Result<Vec<(FunctionName, u64)>> {
        let rows = self.store.scan_keys(&UNSETTLED, Range::all(), super::PAGE).await?;
        let named = |account, region, name| FunctionName { account, region, name };
        Ok(rows.into_iter().map(|(a, r, n, number)| (named(a, r, n), number)).collect())
    }

    /// Deletes a function with all versions and aliases.
    pub(crate) async fn delete(&self, name: &FunctionName, now: Instant) -> Result<FunctionRecord> {
        self.store
            .transact(|tx| async move {
                let record = get_in(&tx, name).await?;
                let mut lost: Vec<_> = record.latest.blobs().collect();
                for (row, version) in tx.scan(&VERSIONS, Range::prefix(name.row()), VERSIONS_MAX).await? {
                    lost.extend(version.blobs());
                    forget_previous(&tx, name, row.3, None).await?;
                    if let Some(capacity) = &version.capacity {
                        detach(&tx, name, row.3, capacity)?;
                    }
                    tx.delete(&VERSIONS, &row)?;
                    tx.delete(&UNSETTLED, &row)?;
                }
                for row in tx.scan_keys(&ALIASES, Range::prefix(name.row()), VERSIONS_MAX).await? {
                    tx.delete(&ALIASES, &row)?;
                }
                for url in record.urls.values() {
                    tx.delete(&URLS, &url.id)?;
                }
                refer(&tx, std::iter::empty(), lost.into_iter()).await?;
                if record.latest.durable.is_some() {
                    tx.put(&GONE, &name.row(), &now.millis().max(0).unsigned_abs())?;
                }
                if let Some(capacity) = &record.latest.capacity {
                    detach(&tx, name, 0, capacity)?;
                }
                tx.delete(&UNSETTLED, &version_row(name, 0))?;
                tx.delete(&FUNCTIONS, &name.row())?;
                Ok(record)
            })
            .await
    }

    /// Deletes a published version that no alias refers to.
    pub(crate) async fn delete_version(&self, name: &FunctionName, number: u64) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let before = get_in(&tx, name).await?;
                let text = version_text(number);
                for ((_, _, _, alias), record) in
                    tx.scan(&ALIASES, Range::prefix(name.row()), VERSIONS_MAX).await?
                {
                    let used =
                        record.version == text || record.weights.iter().any(|(other, _)| *other == text);
                    if used {
                        return Err(error::conflict(format!(
                            "Cannot delete a version that is being used by an alias: {}",
                            name.qualified(&alias)
                        )));
                    }
                }
                let row = version_row(name, number);
                let Some(version) = tx.get(&VERSIONS, &row).await? else { return Ok(()) };
                refer(&tx, std::iter::empty(), version.blobs()).await?;
                forget_previous(&tx, name, number, None).await?;
                if let Some(capacity) = &version.capacity {
                    detach(&tx, name, number, capacity)?;
                }
                tx.delete(&VERSIONS, &row)?;
                tx.delete(&UNSETTLED, &row)?;
                let mut record = before.clone();
                record.policies.remove(&text);
                record.invoke_configs.remove(&text);
                record.provisioned.remove(&text);
                record.runtime_updates.remove(&text);
                record.scaling.remove(&text);
                put_changed(&tx, name, &before, &record).await
            })
            .await
    }

    pub(crate) async fn put_alias<T: Send>(
        &self,
        name: &FunctionName,
        alias: &str,
        edit: impl Fn(Option<AliasRecord>) -> Result<(AliasRecord, T)> + Send + Sync,
    ) -> Result<T> {
        let edit = &edit;
        self.store
            .transact(|tx| async move {
                get_in(&tx, name).await?;
                let row = alias_row(name, alias);
                let (record, done) = edit(tx.get(&ALIASES, &row).await?)?;
                for version in std::iter::once(&record.version).chain(record.weights.iter().map(|(v, _)| v)) {
                    let number = crate::names::version_number(version);
                    let found = match number {
                        Some(number) => tx.get(&VERSIONS, &version_row(name, number)).await?.is_some(),
                        None => true,
                    };
                    if !found {
                        return Err(error::no_function(name.qualified(version)));
                    }
                }
                tx.put(&ALIASES, &row, &record)?;
                Ok(done)
            })
            .await
    }

    pub(crate) async fn delete_alias(&self, name: &FunctionName, alias: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let Some(before) = tx.get(&FUNCTIONS, &name.row()).await? else { return Ok(()) };
                let mut record = before.clone();
                record.policies.remove(alias);
                record.invoke_configs.remove(alias);
                record.provisioned.remove(alias);
                record.urls.remove(alias);
                tx.delete(&ALIASES, &alias_row(name, alias))?;
                put_changed(&tx, name, &before, &record).await
            })
            .await
    }

    pub(crate) async fn url(&self, id: &str) -> Result<Option<(FunctionName, String)>> {
        let Some(target) = self.store.get(&URLS, id).await? else { return Ok(None) };
        let (Some(account), Ok(region)) = (AccountId::new(target.account), target.region.parse()) else {
            return Ok(None);
        };
        Ok(Some((FunctionName { account, region, name: target.name }, target.qualifier)))
    }
}

pub(super) async fn get_in(tx: &Tx, name: &FunctionName) -> Result<FunctionRecord> {
    tx.get(&FUNCTIONS, &name.row()).await?.ok_or_else(|| error::no_function(name))
}

/// Writes a changed function with what hangs on it: who refers to blobs, URLs, and versions that are to be prepared.
pub(super) async fn put_changed(
    tx: &Tx,
    name: &FunctionName,
    before: &FunctionRecord,
    record: &FunctionRecord,
) -> Result<()> {
    if before == record {
        return Ok(());
    }
    refer(tx, record.latest.blobs(), before.latest.blobs()).await?;
    if let (Some(old), Some(new)) = (&before.latest.capacity, &record.latest.capacity)
        && old.provider != new.provider
    {
        detach(tx, name, 0, old)?;
        attach(tx, name, 0, new).await?;
    }
    if record.latest.update == Update::InProgress || record.latest.state == State::Pending {
        tx.put(&UNSETTLED, &version_row(name, 0), &())?;
    }
    for (qualifier, url) in &before.urls {
        if record.urls.get(qualifier).is_none_or(|kept| kept.id != url.id) {
            tx.delete(&URLS, &url.id)?;
        }
    }
    for (qualifier, url) in &record.urls {
        if before.urls.get(qualifier).is_none_or(|kept| kept.id != url.id) {
            let target = UrlTarget {
                account: name.account.number(),
                region: name.region.as_str().to_owned(),
                name: name.name.clone(),
                qualifier: qualifier.clone(),
            };
            tx.put(&URLS, &url.id, &target)?;
        }
    }
    Ok(tx.put(&FUNCTIONS, &name.row(), record)?)
}
