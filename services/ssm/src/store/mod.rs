//! Every read and write of the store.

use haneul_kit::{AccountId, ApiError, Instant, Region, Result};
use haneul_store::{Range, Reads, Store, Tx};

use crate::error;
use crate::model::{
    DUE, FullName, PARAMETERS, ParameterRecord, SETTINGS, STANDARD, SettingRecord, VERSIONS, VersionRecord,
};

pub(crate) struct State {
    pub(crate) store: Store,
}

/// Versions of one parameter.
const VERSIONS_MAX: usize = 100;

/// Parameters of one account and Region: quotas of both tiers.
const STANDARD_MAX: usize = 10_000;
const PARAMETERS_MAX: usize = 110_000;

/// Rows read at once.
const PAGE: usize = 1000;

impl State {
    pub(crate) async fn parameter(&self, name: &FullName) -> Result<Option<ParameterRecord>> {
        Ok(self.store.get(&PARAMETERS, &name.row()).await?)
    }

    pub(crate) async fn version(&self, name: &FullName, version: u64) -> Result<Option<VersionRecord>> {
        let (account, region, text) = name.row();
        Ok(self.store.get(&VERSIONS, &(account, region, text, version)).await?)
    }

    /// All versions that are kept, oldest first.
    pub(crate) async fn versions(&self, name: &FullName) -> Result<Vec<(u64, VersionRecord)>> {
        let rows = self.store.scan(&VERSIONS, Range::prefix(name.row()), VERSIONS_MAX + 1).await?;
        Ok(rows.into_iter().map(|((_, _, _, version), record)| (version, record)).collect())
    }

    /// Adds a version to a parameter, or makes the parameter. `before` is the version that the caller has seen: when
    /// another came between, `None` is returned and nothing is done.
    pub(crate) async fn put(
        &self,
        name: &FullName,
        before: Option<u64>,
        version: &VersionRecord,
        tags: &std::collections::BTreeMap<String, String>,
    ) -> Result<Option<u64>> {
        let (account, region, text) = name.row();
        self.store
            .transact(|tx| async move {
                let old = tx.get(&PARAMETERS, &name.row()).await?;
                if old.as_ref().map(|old| old.version) != before {
                    return Ok(None);
                }
                let mut record = match &old {
                    Some(old) => old.clone(),
                    None => ParameterRecord {
                        version: 0,
                        latest: version.clone(),
                        labels: Default::default(),
                        tags: tags.clone(),
                        resource_policy: None,
                    },
                };
                record.version += 1;
                record.latest = version.clone();
                let rows = tx.scan_keys(&VERSIONS, Range::prefix(name.row()), VERSIONS_MAX).await?;
                if rows.len() >= VERSIONS_MAX
                    && let Some(oldest) = rows.first()
                {
                    if record.labels.values().any(|labelled| *labelled == oldest.3) {
                        return Err(error::versions_limit(&name.name, oldest.3));
                    }
                    tx.delete(&VERSIONS, oldest)?;
                }
                tx.put(&VERSIONS, &(account, region, text, record.version), version)?;
                write(&tx, name, old.as_ref(), &record)?;
                Ok(Some(record.version))
            })
            .await
    }

    /// Changes what is not part of a version: labels, tags, the resource policy.
    pub(crate) async fn change<T: Send>(
        &self,
        name: &FullName,
        edit: impl Fn(&mut ParameterRecord) -> Result<T> + Send + Sync,
    ) -> Result<T> {
        let edit = &edit;
        self.store
            .transact(|tx| async move {
                let before = tx.get(&PARAMETERS, &name.row()).await?;
                let before = before.ok_or_else(error::not_found)?;
                let mut record = before.clone();
                let done = edit(&mut record)?;
                write(&tx, name, Some(&before), &record)?;
                Ok(done)
            })
            .await
    }

    /// `false`: there was none.
    pub(crate) async fn remove(&self, name: &FullName) -> Result<bool> {
        let (account, region, text) = name.row();
        self.store
            .transact(|tx| async move {
                let Some(before) = tx.get(&PARAMETERS, &name.row()).await? else {
                    return Ok::<_, ApiError>(false);
                };
                if let Some(due_ms) = before.latest.expires_ms {
                    tx.delete(&DUE, &(due_ms, account, region, text))?;
                }
                tx.delete(&PARAMETERS, &name.row())?;
                for row in tx.scan_keys(&VERSIONS, Range::prefix(name.row()), PAGE).await? {
                    tx.delete(&VERSIONS, &row)?;
                }
                Ok(true)
            })
            .await
    }

    /// Up to `limit` parameters after a name, of those that begin with `prefix`.
    pub(crate) async fn after(
        &self,
        (account, region): (AccountId, Region),
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, ParameterRecord)>> {
        let range = Range::prefix((account, region)).text(prefix);
        let range = match after {
            Some(after) => range.after(&(account, region, after)),
            None => range,
        };
        let rows = self.store.scan(&PARAMETERS, range, limit.min(PARAMETERS_MAX)).await?;
        Ok(rows.into_iter().map(|((_, _, name), record)| (name, record)).collect())
    }

    /// Whether the quota of standard parameters is used up.
    pub(crate) async fn standard_is_full(&self, account: AccountId, region: Region) -> Result<bool> {
        let keys = self.store.scan_keys(&PARAMETERS, Range::prefix((account, region)), STANDARD_MAX).await?;
        if keys.len() < STANDARD_MAX {
            return Ok(false);
        }
        let all = self.store.scan(&PARAMETERS, Range::prefix((account, region)), PARAMETERS_MAX).await?;
        Ok(all.iter().filter(|(_, record)| record.latest.tier == STANDARD).count() >= STANDARD_MAX)
    }

    /// Deletes what has expired, and says when the next one does.
    pub(crate) async fn expire(&self, now: Instant) -> Result<Option<Instant>> {
        loop {
            let rows = self.store.scan_keys(&DUE, Range::all(), PAGE).await?;
            if rows.is_empty() {
                return Ok(None);
            }
            for (due_ms, account, region, name) in rows {
                if due_ms > now.millis() {
                    return Ok(Some(Instant::from_millis(due_ms)));
                }
                self.remove(&FullName { account, region, name }).await?;
            }
        }
    }

    pub(crate) async fn setting(
        &self,
        account: AccountId,
        region: Region,
        id: &str,
    ) -> Result<Option<SettingRecord>> {
        Ok(self.store.get(&SETTINGS, &(account, region, id)).await?)
    }

    pub(crate) async fn put_setting(
        &self,
        (account, region): (AccountId, Region),
        id: &str,
        setting: Option<&SettingRecord>,
    ) -> Result<()> {
        match setting {
            Some(setting) => self.store.put(&SETTINGS, &(account, region, id), setting).await?,
            None => self.store.delete(&SETTINGS, &(account, region, id)).await?,
        }
        Ok(())
    }
}

fn write(tx: &Tx, name: &FullName, before: Option<&ParameterRecord>, record: &ParameterRecord) -> Result<()> {
    let (account, region, text) = name.row();
    let (old, new) = (before.and_then(|before| before.latest.expires_ms), record.latest.expires_ms);
    if old != new {
        if let Some(due_ms) = old {
            tx.delete(&DUE, &(due_ms, account, region, text))?;
        }
        if let Some(due_ms) = new {
            tx.put(&DUE, &(due_ms, account, region, text), &())?;
        }
    }
    Ok(tx.put(&PARAMETERS, &name.row(), record)?)
}
