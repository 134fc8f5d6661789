//! Every read and write of our tables; nothing else opens a transaction.

mod findings;
mod generations;

use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Range, Reads, Record, Store, Table};

use crate::error;
use crate::model::{ANALYZERS, Analyzer, FINDINGS, PREVIEWS, PartKey, RECOMMENDATIONS, RESOURCES};

pub(crate) use findings::Look;

/// More than any quota allows of one noun in one analyzer.
pub(crate) const LIST_MAX: usize = 100_000;

/// Analyzers of one account in one Region.
const ANALYZERS_MAX: usize = 20;
/// Of the same type whose zone of trust is the account, in one Region.
const ACCOUNT_ANALYZERS_MAX: usize = 1;
pub(crate) const RULES_MAX: usize = 100;

/// Our data.
#[derive(Clone)]
pub(crate) struct State {
    pub store: Store,
}

impl State {
    pub(crate) async fn find(
        &self,
        account: AccountId,
        region: Region,
        name: &str,
    ) -> Result<Option<Analyzer>> {
        Ok(self.store.get(&ANALYZERS, &(account, region, name)).await?)
    }

    pub(crate) async fn list(&self, account: AccountId, region: Region) -> Result<Vec<(String, Analyzer)>> {
        let found = self.store.scan(&ANALYZERS, Range::prefix((account, region)), LIST_MAX).await?;
        Ok(found.into_iter().map(|((_, _, name), analyzer)| (name, analyzer)).collect())
    }

    pub(crate) async fn create(
        &self,
        account: AccountId,
        region: Region,
        name: &str,
        analyzer: &Analyzer,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                if tx.get(&ANALYZERS, &(account, region, name)).await?.is_some() {
                    return Err(error::conflict(name, "ANALYZER"));
                }
                let others = tx.scan(&ANALYZERS, Range::prefix((account, region)), LIST_MAX).await?;
                let kind = |one: &Analyzer| (one.organization.is_some(), one.unused.is_some());
                let same = others.iter().filter(|(_, other)| kind(other) == kind(analyzer));
                let limit =
                    if analyzer.organization.is_some() { ANALYZERS_MAX } else { ACCOUNT_ANALYZERS_MAX };
                if same.count() >= limit {
                    let message = "The maximum number of analyzers has been reached.";
                    return Err(error::quota(name, "ANALYZER", message));
                }
                Ok(tx.put(&ANALYZERS, &(account, region, name), analyzer)?)
            })
            .await
    }

    /// Changes an analyzer that is there.
    pub(crate) async fn change<T>(
        &self,
        account: AccountId,
        region: Region,
        name: &str,
        change: impl Fn(&mut Analyzer) -> Result<T>,
    ) -> Result<T> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let found: Option<Analyzer> = tx.get(&ANALYZERS, &(account, region, name)).await?;
                let mut analyzer = found.ok_or_else(|| error::not_found(name, "ANALYZER"))?;
                let done = change(&mut analyzer)?;
                tx.put(&ANALYZERS, &(account, region, name), &analyzer)?;
                Ok(done)
            })
            .await
    }

    /// With all that it found.
    pub(crate) async fn delete(&self, account: AccountId, region: Region, name: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                if tx.get(&ANALYZERS, &(account, region, name)).await?.is_none() {
                    return Err(error::not_found(name, "ANALYZER"));
                }
                for (key, _) in tx.scan(&FINDINGS, Range::prefix((account, region, name)), LIST_MAX).await? {
                    tx.delete(&FINDINGS, &key)?;
                }
                for (key, _) in tx.scan(&RESOURCES, Range::prefix((account, region, name)), LIST_MAX).await? {
                    tx.delete(&RESOURCES, &key)?;
                }
                for (key, _) in tx.scan(&PREVIEWS, Range::prefix((account, region, name)), LIST_MAX).await? {
                    tx.delete(&PREVIEWS, &key)?;
                }
                let all = Range::prefix((account, region, name));
                for (key, _) in tx.scan(&RECOMMENDATIONS, all, LIST_MAX).await? {
                    tx.delete(&RECOMMENDATIONS, &key)?;
                }
                Ok(tx.delete(&ANALYZERS, &(account, region, name))?)
            })
            .await
    }

    /// The parts of one analyzer, by their ids.
    pub(crate) async fn parts<V: Record>(
        &self,
        table: &Table<PartKey, V>,
        account: AccountId,
        region: Region,
        name: &str,
    ) -> Result<Vec<(String, V)>> {
        let found = self.store.scan(table, Range::prefix((account, region, name)), LIST_MAX).await?;
        Ok(found.into_iter().map(|((_, _, _, id), part)| (id, part)).collect())
    }
}
