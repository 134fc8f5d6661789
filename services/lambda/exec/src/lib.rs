//! Runs the code of functions: what is behind `Invoke`.
//!
//! A [`Spec`] says what one execution environment is: a version's code, runtime, limits and role. An [`Executor`] keeps
//! environments of many specs, starts one when an [`Invocation`] finds none idle, freezes it between invocations, and
//! takes it away when it was idle for long, crashed, or its place is needed. Programs run in a sandbox
//! (`haneul-sandbox`); they talk to us by Lambda's own Runtime, Extensions and Telemetry APIs, so any bootstrap that
//! works on AWS works here, and the managed runtimes are small bootstraps of ours for the interpreters of the host.
//!
//! Reading order: [`spec`], [`invocation`], [`executor`] (the trait and its errors), [`logs`], [`simulated`] (an executor
//! of closures, for tests); then how it is done: `host` (the real executor), `pool` (environments that are started when they
//! are wanted, and who waits), `fleet` (environments of capacity providers, which are kept and shared), `lease`
//! (what an invocation has of either),
//! `environment` (one of them), `program` (what its sandbox runs), `runtimes` and `interpreters` (what this host has),
//! `collector` and `lines` (its log), `telemetry` (what its extensions hear).
//!
//! What must never happen here: a call to another service, or a look at a record; a secret in a log; a function's
//! process that outlives us; an invocation that is answered twice or never.

pub mod executor;
pub mod invocation;
pub mod logs;
pub mod simulated;
pub mod spec;

mod collector;
mod environment;
mod fleet;
mod host;
mod interpreters;
mod lease;
mod lines;
mod pool;
mod program;
mod runtimes;
mod telemetry;

pub use environment::{Endpoint, NoEndpoint};
pub use executor::{Available, ExecError, Executor};
pub use host::{HostExecutor, Settings, runtimes_of_this_host};
pub use interpreters::Sdks;
pub use invocation::{Body, FunctionError, Invocation, Outcome, Piece, Report, StreamEnd, StreamError};
pub use logs::{LogEvent, LogSink, LogTarget, NoLogs};
pub use spec::{
    CredentialSource, Credentials, Family, Fleet, Image, LogFormat, LogLevel, Logging, Managed, Runtime,
    Spec, Standing,
};

pub use haneul_kit::BoxFuture;
/// Container images as a function's root.
pub use haneul_sandbox::image;
