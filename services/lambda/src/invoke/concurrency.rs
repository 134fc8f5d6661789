use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::{AccountId, Region};
use parking_lot::Mutex;

use crate::error::Throttle;
use crate::names::FunctionName;

/// Runs at once of an account in a Region. Source: Developer Guide, "Lambda quotas": the default, 1,000.
pub(crate) const ACCOUNT_MAX: u32 = 1000;
/// What reservations must leave to the functions without one.
pub(crate) const UNRESERVED_MIN: u32 = 100;

/// Counts the runs that are going on.
#[derive(Default)]
pub(crate) struct Concurrency(Mutex<Running>);

#[derive(Default)]
struct Running {
    functions: HashMap<FunctionName, u32>,
    unreserved: HashMap<(AccountId, Region), u32>,
}

/// A place, until it is dropped.
pub(crate) struct Permit {
    of: Arc<Concurrency>,
    function: FunctionName,
    reserved: bool,
    /// Runs of the function by then, this one too.
    pub(crate) at_once: u32,
    /// The same of all functions of the account without a reservation.
    pub(crate) unreserved: u32,
}

impl Concurrency {
    /// Takes a place for one run. `limit` is what functions without a reservation share.
    pub(crate) fn enter(
        self: &Arc<Concurrency>,
        function: &FunctionName,
        reserved: Option<u32>,
        limit: u32,
    ) -> Result<Permit, Throttle> {
        let running = &mut *self.0.lock();
        let own = running.functions.get(function).copied().unwrap_or_default();
        let place = (function.account, function.region);
        match reserved {
            Some(reserved) if own >= reserved => return Err(Throttle::Function),
            Some(_) => {}
            None => {
                let shared = running.unreserved.entry(place).or_default();
                if *shared >= limit {
                    return Err(Throttle::Account);
                }
                *shared += 1;
            }
        }
        running.functions.insert(function.clone(), own + 1);
        let reserved = reserved.is_some();
        let unreserved = running.unreserved.get(&place).copied().unwrap_or_default();
        Ok(Permit { of: self.clone(), function: function.clone(), reserved, at_once: own + 1, unreserved })
    }

    #[cfg(test)]
    pub(crate) fn running(&self, function: &FunctionName) -> u32 {
        self.0.lock().functions.get(function).copied().unwrap_or_default()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let running = &mut *self.of.0.lock();
        if let Some(own) = running.functions.get_mut(&self.function) {
            *own -= 1;
            if *own == 0 {
                running.functions.remove(&self.function);
            }
        }
        let place = (self.function.account, self.function.region);
        if !self.reserved
            && let Some(shared) = running.unreserved.get_mut(&place)
        {
            *shared = shared.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str) -> FunctionName {
        FunctionName { account: AccountId::DEFAULT, region: Region::US_EAST_1, name: name.into() }
    }

    #[test]
    fn places_are_given_back() {
        let all = Arc::new(Concurrency::default());
        let (a, b) = (function("a"), function("b"));
        let first = all.enter(&a, None, 2).unwrap();
        let _second = all.enter(&b, None, 2).unwrap();
        assert_eq!(all.enter(&a, None, 2).err(), Some(Throttle::Account));
        // A reservation does not take from the others.
        let third = all.enter(&a, Some(2), 2).unwrap();
        assert_eq!(all.enter(&a, Some(2), 2).err(), Some(Throttle::Function));
        assert_eq!(all.enter(&a, Some(0), 2).err(), Some(Throttle::Function));
        drop(first);
        let _fourth = all.enter(&b, None, 2).unwrap();
        assert_eq!(all.running(&a), 1);
        drop(third);
        assert_eq!(all.running(&a), 0);
    }
}
