use std::sync::Arc;

use haneul_base::{AccountId, Instant, Region};
use haneul_meter::{Counters, Place};
pub use haneul_meter::{Held, UsageType};
use haneul_store::key::Key;
use haneul_store::{Range, Reads, Record, Store, Table};
use parking_lot::Mutex;

use crate::{BoxFuture, Result};

/// Tells what a service holds at the moment.
pub type Holds = Arc<dyn Fn() -> BoxFuture<'static, Result<Vec<Held>>> + Send + Sync>;

/// What the services say of what is used. Cheap to clone; clones share everything.
#[derive(Clone, Default)]
pub struct Meter {
    counters: Arc<Counters>,
    holders: Arc<Mutex<Vec<(&'static str, Holds)>>>,
}

impl Meter {
    /// What was counted and is to be written down: for the front door.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Counts what was used of a resource by an operation.
    pub fn used(
        &self,
        at: Instant,
        owner: (AccountId, Region),
        (service, operation, resource): (&str, &str, &str),
        kind: UsageType,
        amount: u64,
    ) {
        if amount > 0 {
            self.counters.add(Place::new(at, owner, service, operation, resource), kind, amount);
        }
    }

    /// Said once by each service that holds what is paid for by the hour, when it is made.
    pub fn holds(&self, service: &'static str, holds: Holds) {
        self.holders.lock().push((service, holds));
    }

    pub fn holders(&self) -> Vec<(&'static str, Holds)> {
        self.holders.lock().clone()
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
