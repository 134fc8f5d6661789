//! The executor of a cloud that cannot run code: it has no runtimes, so no function can be made.

use std::sync::Arc;

use crate::exec::{
    Available, BoxFuture, ExecError, Executor, Fleet, Invocation, Outcome, Runtime, Spec, Standing,
};

/// With the reason.
pub(crate) struct Absent(pub(crate) String);

impl Executor for Absent {
    fn invoke(&self, _: Arc<Spec>, _: Invocation) -> BoxFuture<'_, Result<Outcome, ExecError>> {
        Box::pin(async { Err(ExecError::RuntimeUnavailable(self.0.clone())) })
    }

    fn provision(&self, _: Arc<Spec>, _: u32) -> BoxFuture<'_, Result<(), ExecError>> {
        Box::pin(async { Err(ExecError::RuntimeUnavailable(self.0.clone())) })
    }

    fn provisioned(&self, _: &str) -> u32 {
        0
    }

    fn keep(&self, _: Arc<Spec>, _: Fleet) {}

    fn kept<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), ExecError>> {
        Box::pin(async { Err(ExecError::RuntimeUnavailable(self.0.clone())) })
    }

    fn standing(&self, _: &str) -> Option<Standing> {
        None
    }

    fn retire(&self, _: &str) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn available(&self) -> Vec<Available> {
        Runtime::all().map(|runtime| Available { runtime, missing: Some(self.0.clone()) }).collect()
    }
}
