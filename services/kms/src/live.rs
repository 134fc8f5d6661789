//! Keys as operations use them: read once, with policy, grants, aliases and key material ready, and dropped when any of
//! the tables changes.

use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::{Policy, Result, Seal};
use haneul_policy::Rules;
use haneul_store::{Reads, Store, TableVersion};
use parking_lot::Mutex;

use crate::crypto::Material;
use crate::error;
use crate::model::{ALIASES_OF_KEY, GRANTS, GrantRecord, KEYS, KeyName, KeyRecord, MaterialRecord};
use crate::store;

/// Keys that are kept; when there are more, all are dropped.
const KEPT_MAX: usize = 10_000;

/// Grants of one key (quota "Grants per KMS key").
pub(crate) const GRANTS_MAX: usize = 50_000;

/// Aliases of one key (quota "Aliases per key").
pub(crate) const ALIASES_MAX: usize = 50;

/// The limit of a key policy: 32 KiB.
pub(crate) const KEY_POLICY: Rules = Rules { size_max: 32_768, ..Rules::RESOURCE };

pub(crate) struct LiveKey {
    pub(crate) name: KeyName,
    pub(crate) record: KeyRecord,
    pub(crate) policy: Arc<Policy>,
    pub(crate) aliases: Vec<String>,
    pub(crate) grants: Vec<(String, GrantRecord)>,
    seal: Seal,
    loaded: Mutex<HashMap<String, Arc<Material>>>,
}

impl LiveKey {
    /// The material with this id, ready for use. `None`: it is not of this key, was deleted or has expired.
    pub(crate) fn material(&self, id: &str, now: haneul_kit::Instant) -> Result<Option<Arc<Material>>> {
        let record = self.record.materials.iter().find(|material| material.id == id);
        let Some(record) = record.filter(|material| material.is_there(now)) else { return Ok(None) };
        if let Some(loaded) = self.loaded.lock().get(id) {
            return Ok(Some(loaded.clone()));
        }
        let loaded = Arc::new(self.load(record)?);
        self.loaded.lock().insert(id.to_owned(), loaded.clone());
        Ok(Some(loaded))
    }

    fn load(&self, record: &MaterialRecord) -> Result<Material> {
        let sealed = record.sealed.as_deref().unwrap_or_default();
        let secret = store::open(&self.seal, &self.name, &record.id, sealed)?;
        Material::load(self.record.spec(), &secret).map_err(error::broken)
    }
}

pub(crate) struct Cache {
    versions: [TableVersion; 3],
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    versions: [u64; 3],
    keys: HashMap<KeyName, Arc<LiveKey>>,
}

impl Cache {
    pub(crate) fn new(store: &Store) -> Cache {
        let versions =
            [store.table_version(&KEYS), store.table_version(&GRANTS), store.table_version(&ALIASES_OF_KEY)];
        Cache { versions, kept: Mutex::default() }
    }

    /// The key as it is now, if it exists.
    pub(crate) async fn get(
        &self,
        store: &Store,
        seal: &Seal,
        name: &KeyName,
    ) -> Result<Option<Arc<LiveKey>>> {
        // Read before the tables, so that what is kept is never newer than its version says.
        let versions = [0, 1, 2].map(|i: usize| self.versions[i].get());
        {
            let mut kept = self.kept.lock();
            if kept.versions != versions {
                kept.keys.clear();
                kept.versions = versions;
            }
            if let Some(key) = kept.keys.get(name) {
                return Ok(Some(key.clone()));
            }
        }
        let Some(key) = read(store, seal, name).await? else { return Ok(None) };
        let key = Arc::new(key);
        let mut kept = self.kept.lock();
        if kept.versions == versions {
            if kept.keys.len() >= KEPT_MAX {
                kept.keys.clear();
            }
            kept.keys.insert(name.clone(), key.clone());
        }
        Ok(Some(key))
    }
}

async fn read(store: &Store, seal: &Seal, name: &KeyName) -> Result<Option<LiveKey>> {
    let snapshot = store.snapshot().await?;
    let Some(record) = snapshot.get(&KEYS, &name.row()).await? else { return Ok(None) };
    let policy = Policy::parse(&record.policy, &KEY_POLICY).map_err(|error| {
        haneul_kit::ApiError::internal(format_args!("a key policy does not parse: {error}"))
    })?;
    let range = || haneul_store::Range::prefix(name.row());
    let aliases = snapshot.scan_keys(&ALIASES_OF_KEY, range(), ALIASES_MAX).await?;
    let grants = snapshot.scan(&GRANTS, haneul_store::Range::prefix(name.row()), GRANTS_MAX).await?;
    Ok(Some(LiveKey {
        name: name.clone(),
        record,
        policy: Arc::new(policy),
        aliases: aliases.into_iter().map(|(_, _, _, alias)| alias).collect(),
        grants: grants.into_iter().map(|((_, _, _, id), grant)| (id, grant)).collect(),
        seal: seal.clone(),
        loaded: Mutex::default(),
    }))
}
