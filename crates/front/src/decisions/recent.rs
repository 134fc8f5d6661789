use std::collections::VecDeque;
use std::sync::Arc;

use haneul_kit::directory::PrincipalPolicies;
use haneul_kit::{Access, Cx, Standing};
use parking_lot::Mutex;

/// Calls that are remembered. With each stay its head and its accesses: a few kilobytes, at most some sixty.
const CALLS_MAX: usize = 1024;

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
pub(super) struct Recent(Mutex<VecDeque<Arc<Decided>>>);

impl Recent {
    pub(super) fn keep(&self, decided: Decided) {
        let decided = Arc::new(decided);
        // What falls out is dropped after the lock.
        let _oldest = {
            let mut calls = self.0.lock();
            calls.push_back(decided);
            if calls.len() > CALLS_MAX { calls.pop_front() } else { None }
        };
    }

    pub(super) fn of_request(&self, request_id: &str) -> Vec<Arc<Decided>> {
        let calls = self.0.lock();
        calls.iter().filter(|decided| decided.cx.request_id() == request_id).cloned().collect()
    }
}
