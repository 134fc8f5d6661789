use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Range, Reads, Tx};

use super::functions::{get_in, put_changed, version_row};
use super::refer;
use super::{PAGE, Records};
use crate::capacity::ProviderName;
use crate::error;
use crate::model::capacity::{
    ATTACHED, CapacityUse, PREVIOUS, PROVIDERS, ProviderRecord, Scaling, ScalingRecord,
};
use crate::model::function::{FUNCTIONS, State, Update, VERSIONS, VersionRecord};
use crate::names::{FunctionName, PUBLISHED_NUMBER, version_text};

/// Source: Developer Guide, "Lambda Managed Instances quotas".
const PROVIDERS_MAX: usize = 1000;
const VERSIONS_MAX: usize = 100;

/// The reason code of a version that its provider has too few processors for.
pub(crate) const TOO_FEW_CPUS: &str = "CapacityProviderScalingLimitExceeded";

type AttachedRow<'a> = (AccountId, Region, &'a str, &'a str, u64);

fn attached_row<'a>(name: &'a FunctionName, provider: &'a str, number: u64) -> AttachedRow<'a> {
    (name.account, name.region, provider, &name.name, number)
}

/// A version that runs on a provider.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    pub(crate) function: FunctionName,
    pub(crate) number: u64,
}

impl Records {
    pub(crate) async fn find_provider(&self, name: &ProviderName) -> Result<Option<ProviderRecord>> {
        Ok(self.store.get(&PROVIDERS, &name.row()).await?)
    }

    pub(crate) async fn provider(&self, name: &ProviderName) -> Result<ProviderRecord> {
        self.find_provider(name).await?.ok_or_else(|| error::no_provider(name))
    }

    pub(crate) async fn create_provider(&self, name: &ProviderName, record: &ProviderRecord) -> Result<()> {
        self.store
            .transact(|tx| async move {
                if tx.get(&PROVIDERS, &name.row()).await?.is_some() {
                    return Err(error::conflict(format!("Capacity provider already exists: {}", name.arn())));
                }
                let all = Range::prefix((name.account, name.region));
                if tx.scan_keys(&PROVIDERS, all, PROVIDERS_MAX).await?.len() >= PROVIDERS_MAX {
                    return Err(error::providers_exceeded(format!(
                        "The maximum number of capacity providers for your account has been exceeded: {PROVIDERS_MAX}."
                    )));
                }
                Ok(tx.put(&PROVIDERS, &name.row(), record)?)
            })
            .await
    }

    pub(crate) async fn change_provider<T: Send>(
        &self,
        name: &ProviderName,
        edit: impl Fn(&mut ProviderRecord) -> Result<T> + Send + Sync,
    ) -> Result<T> {
        let edit = &edit;
        self.store
            .transact(|tx| async move {
                let found = tx.get(&PROVIDERS, &name.row()).await?;
                let before = found.ok_or_else(|| error::no_provider(name))?;
                let mut record = before.clone();
                let done = edit(&mut record)?;
                tx.put(&PROVIDERS, &name.row(), &record)?;
                if record.scaling.cpus_max != before.scaling.cpus_max {
                    revive(&tx, name).await?;
                }
                Ok(done)
            })
            .await
    }

    /// Deletes a provider that no function uses.
    pub(crate) async fn delete_provider(&self, name: &ProviderName) -> Result<ProviderRecord> {
        self.store
            .transact(|tx| async move {
                let found = tx.get(&PROVIDERS, &name.row()).await?;
                let record = found.ok_or_else(|| error::no_provider(name))?;
                let used = Range::prefix((name.account, name.region, name.name.as_str()));
                if let Some((_, _, _, function, _)) = tx.scan_keys(&ATTACHED, used, 1).await?.pop() {
                    return Err(error::conflict(format!(
                        "Capacity provider {} cannot be deleted: it is used by functions, as {function}.",
                        name.arn()
                    )));
                }
                tx.delete(&PROVIDERS, &name.row())?;
                Ok(record)
            })
            .await
    }

    pub(crate) async fn providers(
        &self,
        account: AccountId,
        region: Region,
    ) -> Result<Vec<(ProviderName, ProviderRecord)>> {
        let range = Range::prefix((account, region));
        let rows = self.store.scan(&PROVIDERS, range, PROVIDERS_MAX).await?;
        let named = |(account, region, name)| ProviderName { account, region, name };
        Ok(rows.into_iter().map(|(row, record)| (named(row), record)).collect())
    }

    /// The published versions on a provider.
    pub(crate) async fn attached_to(&self, name: &ProviderName) -> Result<Vec<Attached>> {
        Ok(published(rows_of(&self.store, name).await?))
    }

    /// Those of all providers of the cloud.
    pub(crate) async fn attached(&self) -> Result<Vec<Attached>> {
        Ok(published(rows_in(&self.store, Range::all).await?))
    }

    /// Publishes the unpublished version as the latest published one, in place of that, unless it is like it.
    pub(crate) async fn republish(
        &self,
        name: &FunctionName,
        check: impl Fn(&VersionRecord) -> Result<()> + Send + Sync,
        make: impl Fn(&VersionRecord) -> VersionRecord + Send + Sync,
    ) -> Result<VersionRecord> {
        let (check, make) = (&check, &make);
        self.store
            .transact(|tx| async move {
                let record = get_in(&tx, name).await?;
                check(&record.latest)?;
                let row = version_row(name, PUBLISHED_NUMBER);
                let before = tx.get(&VERSIONS, &row).await?;
                let failed = |version: &VersionRecord| {
                    matches!(
                        (&version.state, &version.update),
                        (State::Failed { .. }, _) | (_, Update::Failed { .. })
                    )
                };
                if let Some(before) =
                    before.as_ref().filter(|before| record.latest.same_as(before) && !failed(before))
                {
                    return Ok(before.clone());
                }
                let mut version = make(&record.latest);
                refer(&tx, version.blobs(), std::iter::empty()).await?;
                if let Some(capacity) = &version.capacity {
                    attach(&tx, name, PUBLISHED_NUMBER, capacity).await?;
                }
                if let Some(before) = &before {
                    let previous = tx.get(&PREVIOUS, &row).await?;
                    // What answers calls goes on to do so.
                    if before.state == State::Active {
                        (version.state, version.update) = (State::Active, Update::InProgress);
                    }
                    match previous {
                        None if before.state == State::Active => tx.put(&PREVIOUS, &row, before)?,
                        previous => {
                            let rest: Vec<_> = previous.iter().chain([&version]).collect();
                            give_up(&tx, name, PUBLISHED_NUMBER, before, &rest).await?;
                        }
                    }
                }
                tx.put(&VERSIONS, &row, &version)?;
                Ok(version)
            })
            .await
    }

    /// Says how many environments a version is to have. Gives the state in which it is by then.
    pub(crate) async fn scale(&self, name: &FunctionName, number: u64, requested: Scaling) -> Result<State> {
        let qualifier = &version_text(number);
        self.store
            .transact(|tx| async move {
                let before = get_in(&tx, name).await?;
                let row = version_row(name, number);
                let found = tx.get(&VERSIONS, &row).await?;
                let mut version = found.ok_or_else(|| error::no_function(name.qualified(qualifier)))?;
                if version.capacity.is_none() {
                    return Err(error::parameter(
                        "A scaling configuration is only supported for functions with a capacity provider.",
                    ));
                }
                let state = match (&version.state, requested.is_off()) {
                    (State::Deactivated, true) => State::Deactivated,
                    (_, true) => State::Deactivating,
                    (State::Active, false) => State::Active,
                    (_, false) => State::Pending,
                };
                if requested.is_off() {
                    forget_previous(&tx, name, number, Some(&version)).await?;
                }
                if state != version.state {
                    version.state = state;
                    tx.put(&VERSIONS, &row, &version)?;
                }
                let mut record = before.clone();
                let entry = record.scaling.entry(qualifier.clone()).or_default();
                entry.requested = requested;
                put_changed(&tx, name, &before, &record).await?;
                Ok(version.state)
            })
            .await
    }

    /// What answers until a version that took its place is ready.
    pub(crate) async fn previous(&self, name: &FunctionName, number: u64) -> Result<Option<VersionRecord>> {
        Ok(self.store.get(&PREVIOUS, &version_row(name, number)).await?)
    }

    /// Writes what came of keeping environments of a version, if it is still that version and that is still asked for. One that
    /// fails gives its place back to what answered before.
    pub(crate) async fn settle_managed(
        &self,
        name: &FunctionName,
        number: u64,
        as_it_was: (u64, Scaling),
        outcome: (State, Update),
        revision: &str,
    ) -> Result<()> {
        let (qualifier, outcome) = (&version_text(number), &outcome);
        let (setting, scaling) = as_it_was;
        self.store
            .transact(|tx| async move {
                let Some(before) = tx.get(&FUNCTIONS, &name.row()).await? else { return Ok(()) };
                let row = version_row(name, number);
                let Some(mut version) = tx.get(&VERSIONS, &row).await? else { return Ok(()) };
                let mut record = before.clone();
                let requested = record.scaling.get(qualifier).map(|scaling| scaling.requested);
                if version.setting != setting || requested.unwrap_or_default() != scaling {
                    return Ok(());
                }
                if let State::Failed { code, reason } = &outcome.0
                    && let Some(mut previous) = tx.get(&PREVIOUS, &row).await?
                {
                    tx.delete(&PREVIOUS, &row)?;
                    give_up(&tx, name, number, &version, &[&previous]).await?;
                    previous.update = Update::Failed { code: code.clone(), reason: reason.clone() };
                    previous.revision = revision.to_owned();
                    return Ok(tx.put(&VERSIONS, &row, &previous)?);
                }
                forget_previous(&tx, name, number, Some(&version)).await?;
                if (&version.state, &version.update) != (&outcome.0, &outcome.1) {
                    (version.state, version.update) = outcome.clone();
                    version.revision = revision.to_owned();
                    tx.put(&VERSIONS, &row, &version)?;
                }
                if matches!(outcome, (State::Active | State::Deactivated, Update::Done)) {
                    let entry = record.scaling.entry(qualifier.clone());
                    *entry.or_default() = ScalingRecord { requested: scaling, applied: Some(scaling) };
                    put_changed(&tx, name, &before, &record).await?;
                }
                Ok(())
            })
            .await
    }
}

type OwnedRow = (AccountId, Region, String, String, u64);

async fn rows_of(reads: &impl Reads, provider: &ProviderName) -> Result<Vec<OwnedRow>> {
    rows_in(reads, || Range::prefix((provider.account, provider.region, provider.name.as_str()))).await
}

/// All of them, page by page.
async fn rows_in(
    reads: &impl Reads,
    range: impl Fn() -> Range<OwnedRow> + Send + Sync,
) -> Result<Vec<OwnedRow>> {
    let mut rows: Vec<OwnedRow> = Vec::new();
    loop {
        let rest = match rows.last() {
            Some(last) => range().after(last),
            None => range(),
        };
        let page = reads.scan_keys(&ATTACHED, rest, PAGE).await?;
        let is_last = page.len() < PAGE;
        rows.extend(page);
        if is_last {
            return Ok(rows);
        }
    }
}

fn published(rows: Vec<OwnedRow>) -> Vec<Attached> {
    let published = rows.into_iter().filter(|(.., number)| *number != 0);
    let named = |(account, region, _, name, number)| Attached {
        function: FunctionName { account, region, name },
        number,
    };
    published.map(named).collect()
}

/// Notes that a version runs on a provider, which must be there.
pub(super) async fn attach(tx: &Tx, name: &FunctionName, number: u64, capacity: &CapacityUse) -> Result<()> {
    let provider = ProviderName::of(name, &capacity.provider);
    if tx.get(&PROVIDERS, &provider.row()).await?.is_none() {
        return Err(error::no_provider(&provider));
    }
    if number != 0 {
        let rows = rows_of(tx, &provider).await?;
        let others =
            rows.iter().filter(|(.., of, at)| *at != 0 && (of.as_str(), *at) != (name.name.as_str(), number));
        if others.count() >= VERSIONS_MAX {
            return Err(error::provider_full(format!(
                "The maximum number of function versions that can be associated with the capacity provider {} has been \
                 exceeded: {VERSIONS_MAX}.",
                provider.arn()
            )));
        }
    }
    Ok(tx.put(&ATTACHED, &attached_row(name, &capacity.provider, number), &())?)
}

pub(super) fn detach(tx: &Tx, name: &FunctionName, number: u64, capacity: &CapacityUse) -> Result<()> {
    Ok(tx.delete(&ATTACHED, &attached_row(name, &capacity.provider, number))?)
}

/// Gives up what a version refers to, as far as none of `kept` has it, which are in its place.
async fn give_up(
    tx: &Tx,
    name: &FunctionName,
    number: u64,
    lost: &VersionRecord,
    kept: &[&VersionRecord],
) -> Result<()> {
    refer(tx, std::iter::empty(), lost.blobs()).await?;
    let Some(capacity) = &lost.capacity else { return Ok(()) };
    let mut others = kept.iter().filter_map(|kept| kept.capacity.as_ref());
    match others.any(|other| other.provider == capacity.provider) {
        true => Ok(()),
        false => detach(tx, name, number, capacity),
    }
}

/// What answered before a version does so no more.
pub(super) async fn forget_previous(
    tx: &Tx,
    name: &FunctionName,
    number: u64,
    kept: Option<&VersionRecord>,
) -> Result<()> {
    let row = version_row(name, number);
    let Some(previous) = tx.get(&PREVIOUS, &row).await? else { return Ok(()) };
    tx.delete(&PREVIOUS, &row)?;
    give_up(tx, name, number, &previous, kept.as_slice()).await
}

/// Versions that a provider had too few processors for are tried again.
async fn revive(tx: &Tx, provider: &ProviderName) -> Result<()> {
    for Attached { function, number } in published(rows_of(tx, provider).await?) {
        let row = version_row(&function, number);
        let Some(mut version) = tx.get(&VERSIONS, &row).await? else { continue };
        if matches!(&version.state, State::Failed { code, .. } if code == TOO_FEW_CPUS) {
            version.state = State::Pending;
            tx.put(&VERSIONS, &row, &version)?;
        }
    }
    Ok(())
}
