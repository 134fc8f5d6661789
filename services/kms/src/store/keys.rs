use haneul_kit::{ApiError, Instant, Region, Result};
use haneul_store::{Range, Reads, Tx};

use super::State;
use crate::crypto::material;
use crate::error;
use crate::model::{
    ALIASES, ALIASES_OF_KEY, DUE, GRANTS, KEYS, KeyName, KeyRecord, LAST_USES, MaterialRecord, MaterialState,
    RotationType,
};

pub(crate) const DAY_MS: i64 = 86_400_000;

/// Keys that one run of the reconciler settles.
const SETTLED_AT_ONCE: usize = 1000;

/// Keys of one account and Region (quota "KMS keys").
const KEYS_MAX: usize = 100_000;

impl State {
    /// Writes a new key. `false`: one of this id is there already.
    pub(crate) async fn create_key(&self, name: &KeyName, record: &KeyRecord) -> Result<bool> {
        self.store
            .transact(|tx| async move {
                if tx.get(&KEYS, &name.row()).await?.is_some() {
                    return Ok(false);
                }
                put(&tx, name, None, record)?;
                Ok(true)
            })
            .await
    }

    /// Changes a key as it is now. `edit` may run several times.
    pub(crate) async fn change_key<T: Send>(
        &self,
        name: &KeyName,
        edit: impl Fn(&mut KeyRecord) -> Result<T> + Send + Sync,
    ) -> Result<T> {
        let edit = &edit;
        self.store
            .transact(|tx| async move {
                let before =
                    tx.get(&KEYS, &name.row()).await?.ok_or_else(|| error::key_not_found(&name.arn()))?;
                let mut record = before.clone();
                let done = edit(&mut record)?;
                if record != before {
                    put(&tx, name, Some(&before), &record)?;
                    share(&tx, name, &record).await?;
                }
                Ok(done)
            })
            .await
    }

    /// Makes a replica and tells all related keys of it.
    pub(crate) async fn replicate(
        &self,
        primary: &KeyName,
        region: Region,
        replica: &KeyRecord,
    ) -> Result<KeyRecord> {
        let to = &primary.in_region(region);
        self.store
            .transact(|tx| async move {
                if tx.get(&KEYS, &to.row()).await?.is_some() {
                    return Err(error::already_exists(format!(
                        "A related multi-Region key already exists in {region}."
                    )));
                }
                let arn = primary.arn();
                let before =
                    tx.get(&KEYS, &primary.row()).await?.ok_or_else(|| error::key_not_found(&arn))?;
                let mut record = before.clone();
                if let Some(multi) = &mut record.multi_region {
                    multi.replicas.push(region.as_str().to_owned());
                }
                let replica = KeyRecord {
                    materials: if record.imported { Vec::new() } else { record.materials.clone() },
                    rotation: record.rotation.clone(),
                    multi_region: record.multi_region.clone(),
                    ..replica.clone()
                };
                put(&tx, primary, Some(&before), &record)?;
                put(&tx, to, None, &replica)?;
                share(&tx, primary, &record).await?;
                Ok(replica)
            })
            .await
    }

    /// Makes the replica in `region` the primary key, and `name` its replica.
    pub(crate) async fn make_primary(&self, name: &KeyName, region: Region) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let before =
                    tx.get(&KEYS, &name.row()).await?.ok_or_else(|| error::key_not_found(&name.arn()))?;
                let mut record = before.clone();
                if let Some(multi) = &mut record.multi_region {
                    multi.replicas.retain(|replica| replica != region.as_str());
                    multi.replicas.push(name.region.as_str().to_owned());
                    multi.primary = region.as_str().to_owned();
                }
                let to = name.in_region(region);
                let promoted =
                    tx.get(&KEYS, &to.row()).await?.ok_or_else(|| error::key_not_found(&to.arn()))?;
                let new = KeyRecord { multi_region: record.multi_region.clone(), ..promoted.clone() };
                put(&tx, name, Some(&before), &record)?;
                put(&tx, &to, Some(&promoted), &new)?;
                share(&tx, &to, &new).await
            })
            .await
    }

    /// Does what has fallen due on a key: expiry, rotation, deletion. Idempotent.
    pub(crate) async fn settle(&self, name: &KeyName, now: Instant) -> Result<()> {
        let Some(record) = self.store.get(&KEYS, &name.row()).await? else { return Ok(()) };
        if record.due_ms().is_none_or(|due_ms| due_ms > now.millis()) {
            return Ok(());
        }
        let fresh = self.fresh_material(name, &record, now).await?;
        let fresh = &fresh;
        self.store
            .transact(|tx| async move {
                let Some(before) = tx.get(&KEYS, &name.row()).await? else { return Ok::<_, ApiError>(()) };
                if before.is_gone(now) {
                    return remove(&tx, name, &before, now).await;
                }
                let mut record = before.clone();
                for material in &mut record.materials {
                    if material.valid_to_ms.is_some_and(|at_ms| at_ms <= now.millis()) {
                        material.sealed = None;
                        material.valid_to_ms = None;
                    }
                }
                let due = record.rotation.as_ref().is_some_and(|rotation| rotation.next_ms <= now.millis());
                if due && record.rotates() {
                    let at_ms = record.rotation.as_ref().map_or(0, |rotation| rotation.next_ms);
                    if let (Some(fresh), false) = (fresh, record.is_replica_in(name.region)) {
                        rotate(&mut record, fresh.clone(), RotationType::Automatic, at_ms);
                    }
                    if let Some(rotation) = &mut record.rotation {
                        let period_ms = i64::from(rotation.period_days) * DAY_MS;
                        // Periods that passed while nothing ran make one rotation.
                        rotation.next_ms += period_ms * ((now.millis() - rotation.next_ms) / period_ms + 1);
                    }
                }
                put(&tx, name, Some(&before), &record)?;
                share(&tx, name, &record).await
            })
            .await
    }

    /// Settles every key that is due; when the next one will be.
    pub(crate) async fn settle_due(&self, now: Instant) -> Result<Option<Instant>> {
        loop {
            let rows = self.store.scan_keys(&DUE, Range::all(), SETTLED_AT_ONCE).await?;
            for (due_ms, account, region, id) in rows.iter().cloned() {
                if due_ms > now.millis() {
                    return Ok(Some(Instant::from_millis(due_ms)));
                }
                self.settle(&KeyName { account, region, id }, now).await?;
            }
            if rows.len() < SETTLED_AT_ONCE {
                let next = self.store.scan_keys(&DUE, Range::all(), 1).await?;
                return Ok(next.first().map(|(due_ms, ..)| Instant::from_millis(*due_ms)));
            }
        }
    }

    /// New material for a rotation, with its id.
    pub(crate) async fn fresh_material(
        &self,
        name: &KeyName,
        record: &KeyRecord,
        now: Instant,
    ) -> Result<Option<MaterialRecord>> {
        if record.imported || record.is_gone(now) {
            return Ok(None);
        }
        let secret = material::generate(&self.env, record.spec()).await.map_err(error::broken)?;
        self.record_of(name, &secret).await.map(Some)
    }

    /// Material as it is stored, current.
    pub(crate) async fn record_of(&self, name: &KeyName, secret: &[u8]) -> Result<MaterialRecord> {
        let id = self.material_id(name, secret).await?;
        Ok(MaterialRecord {
            sealed: Some(self.seal(name, &id, secret)),
            id,
            state: MaterialState::Current,
            rotated: None,
            valid_to_ms: None,
            description: None,
        })
    }

    pub(crate) async fn keys_after(
        &self,
        (account, region): (haneul_kit::AccountId, Region),
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, KeyRecord)>> {
        let range = Range::prefix((account, region));
        let range = match after {
            Some(after) => range.after(&(account, region, after)),
            None => range,
        };
        let rows = self.store.scan(&KEYS, range, limit.min(KEYS_MAX)).await?;
        Ok(rows.into_iter().map(|((_, _, id), record)| (id, record)).collect())
    }
}

/// Puts `fresh` into use.
pub(crate) fn rotate(record: &mut KeyRecord, fresh: MaterialRecord, kind: RotationType, at_ms: i64) {
    for material in &mut record.materials {
        if material.state == MaterialState::Current {
            material.state = MaterialState::NonCurrent;
        }
    }
    record.materials.push(MaterialRecord { rotated: Some((kind, at_ms)), ..fresh });
}

fn put(tx: &Tx, name: &KeyName, before: Option<&KeyRecord>, record: &KeyRecord) -> Result<()> {
    let row = |due_ms: i64| (due_ms, name.account, name.region, name.id.clone());
    let (old, new) = (before.and_then(KeyRecord::due_ms), record.due_ms());
    if old != new {
        if let Some(due_ms) = old {
            tx.delete(&DUE, &row(due_ms))?;
        }
        if let Some(due_ms) = new {
            tx.put(&DUE, &row(due_ms), &())?;
        }
    }
    Ok(tx.put(&KEYS, &name.row(), record)?)
}

/// Copies what related multi-Region keys share from the primary key to its replicas. Source: KMS Developer Guide,
/// "Multi-Region keys: shared properties".
async fn share(tx: &Tx, name: &KeyName, record: &KeyRecord) -> Result<()> {
    let Some(multi) = &record.multi_region else { return Ok(()) };
    if record.is_replica_in(name.region) {
        return Ok(());
    }
    for region in multi.replicas.iter().filter_map(|region| region.parse().ok()) {
        let to = name.in_region(region);
        let Some(before) = tx.get(&KEYS, &to.row()).await? else { continue };
        let mut replica = before.clone();
        replica.multi_region = record.multi_region.clone();
        replica.rotation = record.rotation.clone();
        replica.on_demand_rotations = record.on_demand_rotations;
        if !record.imported {
            replica.materials = record.materials.clone();
        }
        if replica != before {
            put(tx, &to, Some(&before), &replica)?;
        }
    }
    Ok(())
}

/// Deletes a key with all that is its own. The last replica's end begins the waiting period of its primary key.
async fn remove(tx: &Tx, name: &KeyName, record: &KeyRecord, now: Instant) -> Result<()> {
    if let Some(due_ms) = record.due_ms() {
        tx.delete(&DUE, &(due_ms, name.account, name.region, name.id.clone()))?;
    }
    tx.delete(&KEYS, &name.row())?;
    tx.delete(&LAST_USES, &name.row())?;
    let (account, region, id) = name.row();
    for (_, _, _, alias) in tx.scan_keys(&ALIASES_OF_KEY, Range::prefix(name.row()), KEYS_MAX).await? {
        tx.delete(&ALIASES, &(account, region, alias.as_str()))?;
        tx.delete(&ALIASES_OF_KEY, &(account, region, id, alias.as_str()))?;
    }
    for (_, _, _, grant) in tx.scan_keys(&GRANTS, Range::prefix(name.row()), KEYS_MAX).await? {
        tx.delete(&GRANTS, &(account, region, id, grant.as_str()))?;
    }
    let Some(multi) = record.multi_region.as_ref().filter(|_| record.is_replica_in(name.region)) else {
        return Ok(());
    };
    let Ok(primary) = multi.primary.parse() else { return Ok(()) };
    let primary = name.in_region(primary);
    let Some(before) = tx.get(&KEYS, &primary.row()).await? else { return Ok(()) };
    let mut record = before.clone();
    if let Some(multi) = &mut record.multi_region {
        multi.replicas.retain(|replica| replica != name.region.as_str());
        if let (true, Some(deletion)) = (multi.replicas.is_empty(), &mut record.deletion) {
            deletion.at_ms.get_or_insert(now.millis() + i64::from(deletion.window_days) * DAY_MS);
        }
    }
    put(tx, &primary, Some(&before), &record)?;
    share(tx, &primary, &record).await
}
