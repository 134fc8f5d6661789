//! Functions, versions and aliases as calls need them, from memory for as long as their tables stay the same.

use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Store, TableVersion};
use parking_lot::Mutex;

use crate::lambda::Known;
use crate::model::function::{ALIASES, AliasRecord, FUNCTIONS, VERSIONS, VersionRecord};
use crate::names::FunctionName;
use crate::store::Records;

/// Entries kept; beyond, all go.
const ENTRIES_MAX: usize = 10_000;

pub(crate) struct Cache {
    tables: [TableVersion; 3],
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    seen: [u64; 3],
    functions: HashMap<FunctionName, Option<Arc<Known>>>,
    versions: HashMap<(FunctionName, u64), Option<Arc<VersionRecord>>>,
    aliases: HashMap<(FunctionName, String), Option<Arc<AliasRecord>>>,
    reserved: HashMap<(AccountId, Region), u32>,
}

impl Cache {
    pub(crate) fn new(store: &Store) -> Cache {
        let tables =
            [store.table_version(&FUNCTIONS), store.table_version(&VERSIONS), store.table_version(&ALIASES)];
        Cache { tables, kept: Mutex::default() }
    }

    fn now(&self) -> [u64; 3] {
        [0, 1, 2].map(|at| self.tables[at].get())
    }

    /// What was kept, if it is still true; otherwise the state of the tables to keep the answer under.
    fn look<T>(&self, find: impl FnOnce(&Kept) -> Option<T>) -> std::result::Result<T, [u64; 3]> {
        let now = self.now();
        let mut kept = self.kept.lock();
        let entries = kept.functions.len() + kept.versions.len() + kept.aliases.len();
        if kept.seen != now || entries > ENTRIES_MAX {
            *kept = Kept { seen: now, ..Kept::default() };
            return Err(now);
        }
        find(&kept).ok_or(now)
    }

    fn keep(&self, seen: [u64; 3], put: impl FnOnce(&mut Kept)) {
        let mut kept = self.kept.lock();
        if kept.seen == seen {
            put(&mut kept);
        }
    }

    pub(crate) async fn function(
        &self,
        records: &Records,
        name: &FunctionName,
    ) -> Result<Option<Arc<Known>>> {
        match self.look(|kept| kept.functions.get(name).cloned()) {
            Ok(found) => Ok(found),
            Err(seen) => {
                let found = records.function(name).await?;
                let found = found.map(|record| Arc::new(Known::of(name.clone(), record)));
                self.keep(seen, |kept| drop(kept.functions.insert(name.clone(), found.clone())));
                Ok(found)
            }
        }
    }

    pub(crate) async fn version(
        &self,
        records: &Records,
        name: &FunctionName,
        number: u64,
    ) -> Result<Option<Arc<VersionRecord>>> {
        let key = (name.clone(), number);
        match self.look(|kept| kept.versions.get(&key).cloned()) {
            Ok(found) => Ok(found),
            Err(seen) => {
                let found = records.version(name, number).await?.map(Arc::new);
                self.keep(seen, |kept| drop(kept.versions.insert(key, found.clone())));
                Ok(found)
            }
        }
    }

    pub(crate) async fn alias(
        &self,
        records: &Records,
        name: &FunctionName,
        alias: &str,
    ) -> Result<Option<Arc<AliasRecord>>> {
        let key = (name.clone(), alias.to_owned());
        match self.look(|kept| kept.aliases.get(&key).cloned()) {
            Ok(found) => Ok(found),
            Err(seen) => {
                let found = records.alias(name, alias).await?.map(Arc::new);
                self.keep(seen, |kept| drop(kept.aliases.insert(key, found.clone())));
                Ok(found)
            }
        }
    }

    /// What is reserved for functions of an account in a Region, all together.
    pub(crate) async fn reserved(
        &self,
        records: &Records,
        account: AccountId,
        region: Region,
    ) -> Result<u32> {
        match self.look(|kept| kept.reserved.get(&(account, region)).copied()) {
            Ok(found) => Ok(found),
            Err(seen) => {
                let all = records.functions(account, region, None, usize::MAX).await?;
                let sum = all.iter().filter_map(|(_, record)| record.reserved).sum();
                self.keep(seen, |kept| {
                    kept.reserved.insert((account, region), sum);
                });
                Ok(sum)
            }
        }
    }
}
