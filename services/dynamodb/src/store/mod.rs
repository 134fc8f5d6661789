//! Every transaction on the store.
//!
//! Reading order: this file (the state that all of it shares), [`tables`] (records of tables, and what is kept of them in
//! memory), [`write`](mod@write) (items), [`read`] (pages of items), [`counts`] (how many there are).

pub(crate) mod counts;
pub(crate) mod read;
pub(crate) mod tables;
pub(crate) mod write;

use std::sync::Arc;

use haneul_kit::{Env, Signal};
use haneul_store::Store;

use crate::engine::locks::KeyLocks;
use crate::stream::sequence::Sequences;

/// The tables of the cloud. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct Db {
    pub(crate) store: Store,
    pub(crate) env: Env,
    shared: Arc<Shared>,
}

struct Shared {
    tables: tables::Cache,
    locks: KeyLocks,
    sequences: Sequences,
    counts: counts::Cache,
    /// Wakes the reconciler that fills indexes and empties spaces.
    upkeep: Signal,
}

impl Db {
    pub(crate) fn new(store: Store, env: Env) -> Db {
        let shared = Shared {
            tables: tables::Cache::new(&store),
            locks: KeyLocks::new(),
            sequences: Sequences::default(),
            counts: counts::Cache::new(&store),
            upkeep: Signal::default(),
        };
        Db { store, env, shared: Arc::new(shared) }
    }

    pub(crate) fn upkeep(&self) -> &Signal {
        &self.shared.upkeep
    }

    pub(crate) fn sequences(&self) -> &Sequences {
        &self.shared.sequences
    }
}
