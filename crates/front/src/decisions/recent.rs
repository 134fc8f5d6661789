use std::collections::VecDeque;
use std::sync::Arc;

use haneul_kit::directory::PrincipalPolicies;
use haneul_kit::{Access, Cx, Standing};
use parking_lot::Mutex;

/// Denied calls that are remembered. With each stay its head and its accesses: a few kilobytes, at most some sixty.
const DENIED_MAX: usize = 1024;
/// The same of those that were allowed. Fewer, because each call makes one: what falls out should still be in the core's
/// cache.
const ALLOWED_MAX: usize = 256;

/// What was asked for one call (or by one question of its handler), and of which policies.
pub(crate) struct Decided {
    pub cx: Cx,
    pub policies: Arc<PrincipalPolicies>,
    /// Where the caller's account stood in its organization.
    pub standing: Option<Arc<Standing>>,
    /// The same of the accounts that own the resources, by the position of the access, where it is not the caller's.
    pub owners: Vec<(usize, Arc<Standing>)>,
    pub accesses: Vec<Access>,
}

impl Decided {
    /// Where the account stands that owns the resource of the access at this position.
    pub(crate) fn owner(&self, at: usize) -> Option<&Standing> {
        let is_own = self.accesses[at].resource_account.is_none_or(|account| account == self.cx.account());
        if is_own {
            return self.standing.as_deref();
        }
        self.owners.iter().find(|(of, _)| *of == at).map(|(_, standing)| &**standing)
    }
}

/// The last calls, oldest first.
#[derive(Default)]
pub(super) struct Recent {
    denied: Ring,
    allowed: Ring,
}

type Ring = Mutex<VecDeque<Arc<Decided>>>;

impl Recent {
    pub(super) fn keep(&self, decided: Decided, allowed: bool) {
        let decided = Arc::new(decided);
        let (ring, max) = if allowed { (&self.allowed, ALLOWED_MAX) } else { (&self.denied, DENIED_MAX) };
        // What falls out is dropped after the lock.
        let _oldest = {
            let mut calls = ring.lock();
            calls.push_back(decided);
            if calls.len() > max { calls.pop_front() } else { None }
        };
    }

    /// All of one request, in the order in which they were asked; what was denied comes last.
    pub(super) fn of_request(&self, request_id: &str) -> Vec<Arc<Decided>> {
        let of = |ring: &Ring| -> Vec<Arc<Decided>> {
            let calls = ring.lock();
            calls.iter().filter(|decided| decided.cx.request_id() == request_id).cloned().collect()
        };
        [of(&self.allowed), of(&self.denied)].concat()
    }
}
