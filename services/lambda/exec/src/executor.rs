use std::fmt;
use std::sync::Arc;

use crate::{BoxFuture, Fleet, Invocation, Outcome, Runtime, Spec, Standing};

/// Runs functions. One for each cloud.
pub trait Executor: Send + Sync + 'static {
    /// Runs one event through an environment of `spec`: an idle one, or a new one as soon as there is a place.
    ///
    /// What the function does wrong (it throws, times out, cannot be loaded) is an [`Outcome`] with a
    /// `function_error`; an error is what kept the event from it. An [`ExecError`] means that the function saw nothing
    /// of the event, so it can be tried again.
    fn invoke(&self, spec: Arc<Spec>, call: Invocation) -> BoxFuture<'_, Result<Outcome, ExecError>>;

    /// Keeps `environments` of `spec` initialised and never reaps them; returns when they are. 0 takes that back.
    ///
    /// # Errors
    /// [`ExecError::InitFailed`] with what the function's init said; [`ExecError::NoCapacity`] when the host has no
    /// memory for them. Then none is kept.
    fn provision(&self, spec: Arc<Spec>, environments: u32) -> BoxFuture<'_, Result<(), ExecError>>;

    /// How many environments of the spec with this id are provisioned and initialised now.
    fn provisioned(&self, spec_id: &str) -> u32;

    /// Keeps a fleet of environments of `spec`, which is managed: begins it, or changes its size. They are started behind the
    /// answer, and invocations of `spec` go to them alone.
    fn keep(&self, spec: Arc<Spec>, fleet: Fleet);

    /// Returns when the least number of environments of the fleet is ready.
    ///
    /// # Errors
    /// Why they cannot be started, as [`Executor::provision`] and with [`ExecError::NoProcessors`]; [`ExecError::Ended`] when
    /// the fleet was retired.
    fn kept<'a>(&'a self, spec_id: &'a str) -> BoxFuture<'a, Result<(), ExecError>>;

    /// How a fleet stands; `None` when there is none of this spec.
    fn standing(&self, spec_id: &str) -> Option<Standing>;

    /// Ends the environments of all specs whose [`Spec::id`] begins with `prefix`: idle ones at once, busy ones after
    /// their invocation. New invocations may still come, with newer revisions; they get new environments.
    fn retire(&self, prefix: &str) -> BoxFuture<'_, ()>;

    /// Every runtime, and what this host lacks for it.
    fn available(&self) -> Vec<Available>;

    /// Why `runtime` cannot be run here, with what to install; `None` when it can.
    fn missing(&self, runtime: &Runtime) -> Option<String> {
        let found = self.available().into_iter().find(|one| one.runtime == *runtime);
        match found {
            Some(one) => one.missing,
            None => Some(format!("{runtime} is not supported")),
        }
    }
}

/// One runtime on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Available {
    pub runtime: Runtime,
    /// A sentence for who wants to create a function with it: what to install. `None` when it can be run.
    pub missing: Option<String>,
}

/// What kept an event from the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecError {
    /// No place came free in time. AWS would answer 429 `TooManyRequestsException` or 502 `EC2ThrottledException`; a later
    /// try may do.
    NoCapacity(String),
    /// Every environment of the fleet has as many invocations as it takes: 429 `TooManyRequestsException`.
    Saturated,
    /// The fleet is kept no more, or not yet: 429 `TooManyRequestsException`.
    Ended,
    /// The capacity provider's processors are used up.
    NoProcessors(String),
    /// Of [`Executor::provision`] and [`Executor::kept`]: what the function's init said, as the JSON of its error.
    InitFailed(String),
    /// The package or a layer cannot be used: 502 `InvalidZipFileException` or 400, and trying again does not help.
    CodeUnusable(String),
    /// The host cannot run this runtime or architecture; the sentence says what to install. 502
    /// `InvalidRuntimeException`.
    RuntimeUnavailable(String),
    /// The role gives no credentials: 502 `…AccessDeniedException` or 403.
    NoCredentials(String),
    /// We failed. 500 `ServiceException`.
    Internal(String),
}

impl ExecError {
    pub fn can_be_tried_again(&self) -> bool {
        matches!(
            self,
            ExecError::NoCapacity(_)
                | ExecError::Saturated
                | ExecError::Ended
                | ExecError::NoProcessors(_)
                | ExecError::Internal(_)
                | ExecError::NoCredentials(_)
        )
    }
}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            ExecError::Saturated => "every environment has as many invocations as it takes",
            ExecError::Ended => "no environments of the function are kept",
            ExecError::NoCapacity(why)
            | ExecError::NoProcessors(why)
            | ExecError::InitFailed(why)
            | ExecError::CodeUnusable(why)
            | ExecError::RuntimeUnavailable(why)
            | ExecError::NoCredentials(why)
            | ExecError::Internal(why) => why,
        };
        f.write_str(why)
    }
}

impl std::error::Error for ExecError {}
