//! One execution environment: a sandbox with a runtime in it, from its start over its invocations to its end.
//!
//! [`init`] starts it and waits until the runtime and the extensions are ready; [`invoke`] runs one event; [`api`] is
//! the HTTP that runtime and extensions speak with us, [`extensions`] and [`listeners`] the parts of it that are theirs;
//! [`exchange`] holds what they wait for.

pub(crate) mod api;
pub(crate) mod exchange;
pub(crate) mod extensions;
pub(crate) mod init;
pub(crate) mod invoke;
pub(crate) mod listeners;
pub(crate) mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use haneul_env::{Clock, Env};
use haneul_kit::Instant;
use haneul_sandbox::{Connection, Process, Sandbox};
use parking_lot::Mutex;

use crate::collector::Collector;
use crate::lines::Lines;
use crate::telemetry::Telemetry;
use crate::{BoxFuture, LogSink, Spec};

use exchange::Exchange;

/// What all environments of a host share.
pub(crate) struct Shared {
    pub(crate) env: Env,
    /// Of the host: how long a program takes is not the cloud's time.
    pub(crate) host: Clock,
    pub(crate) sandbox: Arc<dyn Sandbox>,
    pub(crate) logs: Arc<dyn LogSink>,
    pub(crate) endpoint: Arc<dyn Endpoint>,
    pub(crate) runtimes: crate::runtimes::Runtimes,
    pub(crate) cpu_hard: bool,
}

/// Our own endpoint, as functions reach it: each connection is handed over, and served until it ends.
pub trait Endpoint: Send + Sync + 'static {
    fn serve(&self, connection: Connection) -> BoxFuture<'static, ()>;
}

/// Closes every connection.
pub struct NoEndpoint;

impl Endpoint for NoEndpoint {
    fn serve(&self, connection: Connection) -> BoxFuture<'static, ()> {
        drop(connection);
        Box::pin(async {})
    }
}

pub(crate) struct Environment {
    pub(crate) spec: Arc<Spec>,
    shared: Arc<Shared>,
    process: Box<dyn Process>,
    collector: Collector,
    telemetry: Arc<Telemetry>,
    exchange: Exchange,
    /// Until when its credentials are good, with room for an invocation.
    expires: Instant,
    /// Until the first invocation has taken it.
    init: Mutex<Option<Duration>>,
    frozen: Mutex<bool>,
    busy: AtomicBool,
    /// No further invocation.
    pub(crate) retired: AtomicBool,
    dead: AtomicBool,
    rest: Mutex<Rest>,
}

/// An environment between invocations.
struct Rest {
    /// Since when it is idle.
    since: std::time::Instant,
    /// When the freezer looked last.
    looked: std::time::Instant,
    /// Whether the freezer knows of it.
    queued: bool,
}

/// How long programs that still work after an invocation (extensions, or a listener that takes its telemetry) keep an
/// environment from being frozen. AWS counts their time to the invocation.
const AFTERWARDS_MAX: Duration = Duration::from_secs(2);

/// How long before its end an environment that is kept is replaced.
const REPLACED_BEFORE: Duration = Duration::from_secs(5 * 60);

/// How long a listener may take for the last events before its extension is told of the end.
const LAST_WORDS_MAX: Duration = Duration::from_millis(500);

/// What came of an attempt to freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freezing {
    Frozen,
    /// It works again, or has ended.
    Unwanted,
    /// Something in it still works; it should be looked at again.
    Later,
}

impl Environment {
    /// It is idle from now on. True when the freezer must be told.
    pub(crate) fn rest(&self) -> bool {
        let (mut rest, now) = (self.rest.lock(), haneul_env::clock::monotonic());
        let told = rest.queued;
        *rest = Rest { since: now, looked: now, queued: true };
        !told
    }

    /// For how long it was left alone, by invocations and by the freezer.
    pub(crate) fn rested(&self, now: std::time::Instant) -> Duration {
        now.saturating_duration_since(self.rest.lock().looked)
    }

    pub(crate) fn set_queued(&self, queued: bool) {
        let mut rest = self.rest.lock();
        rest.queued = queued;
        rest.looked = haneul_env::clock::monotonic();
    }

    /// Whether it can take another invocation at `now`.
    pub(crate) fn is_usable(&self, now: Instant) -> bool {
        !self.dead.load(Ordering::SeqCst) && !self.retired.load(Ordering::SeqCst) && now < self.expires
    }

    /// Whether another one should take its place soon.
    pub(crate) fn is_aging(&self, now: Instant) -> bool {
        now + REPLACED_BEFORE >= self.expires
    }

    /// Returns when its processes have ended.
    pub(crate) async fn ended(&self) {
        self.process.wait().await;
    }

    pub(crate) fn usage(&self) -> haneul_sandbox::Usage {
        self.process.usage()
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    fn lines(&self) -> Lines<'_> {
        Lines { spec: &self.spec, now: self.shared.env.now(), telemetry: &self.telemetry }
    }

    /// Takes the processors away, unless an invocation has come.
    pub(crate) fn freeze(&self) -> Freezing {
        let mut frozen = self.frozen.lock();
        if *frozen || self.busy.load(Ordering::SeqCst) || self.is_dead() {
            return Freezing::Unwanted;
        }
        let over_time = self.rest.lock().since.elapsed() > AFTERWARDS_MAX;
        if !self.exchange.all_wait() || !(self.telemetry.is_settled() || over_time) {
            return if over_time { Freezing::Unwanted } else { Freezing::Later };
        }
        self.telemetry.pause(true);
        self.process.freeze();
        *frozen = true;
        Freezing::Frozen
    }

    fn thaw(&self) {
        self.busy.store(true, Ordering::SeqCst);
        let mut frozen = self.frozen.lock();
        if *frozen {
            self.process.thaw();
            *frozen = false;
            self.telemetry.pause(false);
        }
    }

    /// Resident megabytes at most so far.
    fn memory_mb_max(&self) -> u32 {
        let used = self.process.usage().memory_bytes_max.div_ceil(1 << 20);
        u32::try_from(used).unwrap_or(u32::MAX).clamp(1, self.spec.memory_mb.max(1))
    }

    /// Ends it now.
    pub(crate) fn kill(&self) {
        self.dead.store(true, Ordering::SeqCst);
        self.process.kill();
        self.exchange.close();
    }

    /// Ends it, after its extensions were told and had their two seconds (Lambda, "Shutdown phase").
    pub(crate) async fn shut_down(self: Arc<Environment>, reason: &'static str) {
        self.retired.store(true, Ordering::SeqCst);
        if !self.is_dead() && self.exchange.has_extensions() {
            self.thaw();
            // Who leaves as soon as it is told has heard all by then.
            self.telemetry.flush();
            self.shared.host.timeout(LAST_WORDS_MAX, self.telemetry.settled()).await;
            let deadline = self.shared.host.now() + extensions::SHUTDOWN_MAX;
            self.exchange.shut_down(reason, deadline);
            self.shared.host.timeout(extensions::SHUTDOWN_MAX, self.exchange.extensions_gone()).await;
        }
        self.kill();
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.kill();
    }
}
