use std::sync::Arc;

use haneul_base::{AccountId, Instant, Region};
use haneul_meter::{Counters, Held, Place, UsageType};
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
