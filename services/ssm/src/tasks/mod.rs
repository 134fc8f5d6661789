//! Deletes parameters whose Expiration policy is due.

use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::parameters::Parameters;

pub(crate) struct Due {
    parameters: Arc<Parameters>,
}

impl Due {
    pub(crate) fn new(parameters: Arc<Parameters>) -> Due {
        Due { parameters }
    }
}

impl Reconciler for Due {
    fn name(&self) -> &'static str {
        "ssm.due"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.parameters.state.expire(self.parameters.platform.env.now()))
    }

    fn signal(&self) -> &Signal {
        &self.parameters.due
    }
}
