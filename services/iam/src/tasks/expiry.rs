use haneul_kit::{BoxFuture, Instant, Platform, Reconciler, Result, Signal};

use crate::store::State;

/// Drops delegation requests once nobody can look at them any more.
pub(crate) struct Expiry {
    platform: Platform,
    state: State,
    pub signal: Signal,
}

impl Expiry {
    pub(crate) fn new(platform: Platform, state: State) -> Expiry {
        Expiry { platform, state, signal: Signal::default() }
    }
}

impl Reconciler for Expiry {
    fn name(&self) -> &'static str {
        "iam.delegation-expiry"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.state.sweep_delegations(self.platform.env.now()))
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
