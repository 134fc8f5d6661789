//! What the clock does to keys: deletion after the waiting period, rotation, expiry of imported key material.

use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::store::State;

pub(crate) struct Due {
    state: Arc<State>,
    signal: Signal,
}

impl Due {
    pub(crate) fn new(state: Arc<State>, signal: Signal) -> Due {
        Due { state, signal }
    }
}

impl Reconciler for Due {
    fn name(&self) -> &'static str {
        "kms.due"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.state.settle_due(self.state.env.now()))
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
