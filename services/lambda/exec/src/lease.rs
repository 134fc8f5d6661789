use std::sync::Arc;

use crate::environment::Environment;
use crate::fleet::Place;
use crate::pool::Pool;

/// An environment for one invocation; given back when dropped.
pub(crate) struct Lease {
    /// Where it goes back to, if it is not kept by a fleet.
    pool: Option<Arc<Pool>>,
    environment: Option<Arc<Environment>>,
    place: Option<Place>,
}

impl Lease {
    pub(crate) fn of_pool(pool: &Arc<Pool>, environment: Arc<Environment>) -> Lease {
        Lease { pool: Some(pool.clone()), environment: Some(environment), place: None }
    }

    /// One of several in an environment of a fleet.
    pub(crate) fn of_fleet(environment: Arc<Environment>, place: Place) -> Lease {
        Lease { pool: None, environment: Some(environment), place: Some(place) }
    }

    /// The place in the environment, for who knows when the runtime is done with it.
    pub(crate) fn take_place(&mut self) -> Option<Place> {
        self.place.take()
    }

    /// Of a lease that nobody took.
    pub(crate) fn take_environment(&mut self) -> Option<Arc<Environment>> {
        self.environment.take()
    }

    pub(crate) fn environment(&self) -> &Arc<Environment> {
        // Taken by `drop` alone.
        self.environment.as_ref().expect("a lease has its environment until it is dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let (Some(pool), Some(environment)) = (&self.pool, self.environment.take()) {
            pool.release(environment);
        }
    }
}
