//! Every read and write of the store.

use haneul_kit::{AccountId, ApiError, Instant, Region, Result};
use haneul_store::{Range, Reads, Store, Tx};

use crate::error;
use crate::model::{DUE, SECRETS, SecretName, SecretRecord, VALUES, ValueRecord};

pub(crate) struct State {
    pub(crate) store: Store,
}

/// Secrets of one account and Region (quota "Secrets").
const SECRETS_MAX: usize = 500_000;

/// Values of one secret.
const VALUES_MAX: usize = 1000;

/// Rows read at once.
const PAGE: usize = 1000;

/// A change's second half: values that come and versions that go.
#[derive(Clone, Default)]
pub(crate) struct Values {
    pub(crate) put: Vec<(String, ValueRecord)>,
    pub(crate) gone: Vec<String>,
}

impl State {
    pub(crate) async fn secret(&self, name: &SecretName) -> Result<Option<SecretRecord>> {
        Ok(self.store.get(&SECRETS, &name.row()).await?)
    }

    pub(crate) async fn value(&self, name: &SecretName, version_id: &str) -> Result<Option<ValueRecord>> {
        let (account, region, text) = name.row();
        Ok(self.store.get(&VALUES, &(account, region, text, version_id)).await?)
    }

    pub(crate) async fn create(
        &self,
        name: &SecretName,
        record: &SecretRecord,
        values: &Values,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                if let Some(before) = tx.get(&SECRETS, &name.row()).await? {
                    return Err(match before.deletion {
                        Some(_) => error::name_scheduled_for_deletion(),
                        None => error::exists(&name.name),
                    });
                }
                put(&tx, name, None, record)?;
                put_values(&tx, name, values)
            })
            .await
    }

    /// Makes or overwrites a replica.
    pub(crate) async fn put_replica(
        &self,
        name: &SecretName,
        record: &SecretRecord,
        values: &Values,
        overwrite: bool,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let before = tx.get(&SECRETS, &name.row()).await?;
                let other = before.as_ref().is_some_and(|before| {
                    before.suffix != record.suffix || before.primary_region != record.primary_region
                });
                if other && !overwrite {
                    return Err(error::exists(&name.name));
                }
                if other {
                    remove_values(&tx, name).await?;
                }
                put(&tx, name, before.as_ref(), record)?;
                put_values(&tx, name, values)
            })
            .await
    }

    /// Changes a secret as it is now. `edit` may run several times.
    pub(crate) async fn change<T: Send>(
        &self,
        name: &SecretName,
        edit: impl Fn(&mut SecretRecord) -> Result<(T, Values)> + Send + Sync,
    ) -> Result<T> {
        let edit = &edit;
        self.store
            .transact(|tx| async move {
                let before = tx.get(&SECRETS, &name.row()).await?.ok_or_else(error::not_found)?;
                let mut record = before.clone();
                let (done, values) = edit(&mut record)?;
                if record != before {
                    put(&tx, name, Some(&before), &record)?;
                }
                put_values(&tx, name, &values)?;
                Ok(done)
            })
            .await
    }

    pub(crate) async fn remove(&self, name: &SecretName) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let Some(before) = tx.get(&SECRETS, &name.row()).await? else { return Ok::<_, ApiError>(()) };
                if let Some(due_ms) = before.due_ms() {
                    tx.delete(&DUE, &due_row(name, due_ms))?;
                }
                tx.delete(&SECRETS, &name.row())?;
                remove_values(&tx, name).await
            })
            .await
    }

    pub(crate) async fn all(
        &self,
        account: AccountId,
        region: Region,
    ) -> Result<Vec<(String, SecretRecord)>> {
        let rows = self.store.scan(&SECRETS, Range::prefix((account, region)), SECRETS_MAX).await?;
        Ok(rows.into_iter().map(|((_, _, name), record)| (name, record)).collect())
    }

    /// Secrets that are due, and when the next one will be.
    pub(crate) async fn due(&self, now: Instant) -> Result<(Vec<SecretName>, Option<Instant>)> {
        let rows = self.store.scan_keys(&DUE, Range::all(), PAGE).await?;
        let mut due = Vec::new();
        for (due_ms, account, region, name) in rows {
            if due_ms > now.millis() {
                return Ok((due, Some(Instant::from_millis(due_ms))));
            }
            due.push(SecretName { account, region, name });
        }
        Ok((due, None))
    }
}

fn due_row(name: &SecretName, due_ms: i64) -> (i64, AccountId, Region, String) {
    (due_ms, name.account, name.region, name.name.clone())
}

fn put(tx: &Tx, name: &SecretName, before: Option<&SecretRecord>, record: &SecretRecord) -> Result<()> {
    let (old, new) = (before.and_then(SecretRecord::due_ms), record.due_ms());
    if old != new {
        if let Some(due_ms) = old {
            tx.delete(&DUE, &due_row(name, due_ms))?;
        }
        if let Some(due_ms) = new {
            tx.put(&DUE, &due_row(name, due_ms), &())?;
        }
    }
    Ok(tx.put(&SECRETS, &name.row(), record)?)
}

fn put_values(tx: &Tx, name: &SecretName, values: &Values) -> Result<()> {
    let (account, region, text) = name.row();
    for (id, value) in &values.put {
        tx.put(&VALUES, &(account, region, text, id.as_str()), value)?;
    }
    for id in &values.gone {
        tx.delete(&VALUES, &(account, region, text, id.as_str()))?;
    }
    Ok(())
}

async fn remove_values(tx: &Tx, name: &SecretName) -> Result<()> {
    for row in tx.scan_keys(&VALUES, Range::prefix(name.row()), VALUES_MAX).await? {
        tx.delete(&VALUES, &row)?;
    }
    Ok(())
}
