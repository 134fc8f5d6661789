use std::sync::Arc;

use haneul_meter::Counters;
pub use haneul_meter::{At, Held, UsageType};
use haneul_store::key::Key;
use haneul_store::{Range, Reads, Record, Store, Table};
use parking_lot::Mutex;

use crate::{BoxFuture, Result};

type Holder = Arc<dyn Fn() -> BoxFuture<'static, Result<Vec<Held>>> + Send + Sync>;

/// What the services say of what is used. Cheap to clone; clones share everything.
#[derive(Clone, Default)]
pub struct Meter {
    counters: Arc<Counters>,
    holders: Arc<Mutex<Vec<(&'static str, Holder)>>>,
}

impl Meter {
    /// What was counted and is to be written down: for the front door.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Counts what was used of a resource by an operation.
    pub fn used(&self, at: At<'_>, kind: UsageType, amount: u64) {
        self.counters.add(&at, kind, amount);
    }

    /// Said once by each service that holds what is paid for by the hour, when it is made: `held` tells of it, as long as
    /// `state` is there.
    pub fn holds<S: Send + Sync + 'static>(
        &self,
        service: &'static str,
        state: &Arc<S>,
        held: for<'a> fn(&'a S) -> BoxFuture<'a, Result<Vec<Held>>>,
    ) {
        let state = Arc::downgrade(state);
        let holder = move || -> BoxFuture<'static, Result<Vec<Held>>> {
            let state = state.upgrade();
            Box::pin(async move {
                match &state {
                    Some(state) => held(state).await,
                    None => Ok(Vec::new()),
                }
            })
        };
        self.holders.lock().push((service, Arc::new(holder)));
    }

    /// What each service holds at the moment.
    ///
    /// # Errors
    /// When a service cannot tell.
    pub async fn held(&self) -> Result<Vec<Held>> {
        let (holders, mut all) = (self.holders.lock().clone(), Vec::new());
        for (service, holder) in holders {
            let held = holder().await;
            all.extend(held.inspect_err(|error| {
                tracing::warn!(%error, service, "what is held could not be told");
            })?);
        }
        Ok(all)
    }
}

/// Rows of a table that are read at once.
const PAGE: usize = 1000;

/// What the rows of a table say that is held.
///
/// # Errors
/// When the store cannot be read.
pub async fn held_by_rows<K: Key, V: Record>(
    store: &Store,
    table: &Table<K, V>,
    mut each: impl FnMut(K, V, &mut Vec<Held>),
) -> Result<Vec<Held>> {
    let (mut all, mut range) = (Vec::new(), Range::all());
    loop {
        let page = store.scan(table, range, PAGE).await?;
        let full = page.len() == PAGE;
        range = match page.last() {
            Some((last, _)) => Range::all().after(last),
            None => return Ok(all),
        };
        page.into_iter().for_each(|(key, row)| each(key, row, &mut all));
        if !full {
            return Ok(all);
        }
    }
}
