use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use haneul_env::clock::monotonic;
use haneul_sandbox::{Error, Exit, Listener, Started};
use parking_lot::Mutex;
use serde_json::json;

use super::exchange::{Exchange, Fault, Init};
use super::{Environment, Rest, Shared, api};
use crate::collector::Collector;
use crate::lines::Status;
use crate::telemetry::Telemetry;
use crate::{ExecError, LogTarget, Spec, program};

/// How long an init on demand may take (Lambda, "Init phase"). What takes longer goes on within the timeout of the
/// invocation that waits for it.
pub(crate) const INIT_MAX: Duration = Duration::from_secs(10);
/// Of a provisioned environment.
const PROVISIONED_INIT_MAX: Duration = Duration::from_secs(15 * 60);
/// Of one of a capacity provider, at least (Lambda, "Understanding the Lambda Managed Instances execution environment").
const MANAGED_INIT_MAX: Duration = Duration::from_secs(130);
/// It is ready when one of its workers is. The others are waited for as long as one after the other comes, so that who calls at
/// once finds them, but not for longer than an init may take elsewhere.
const WORKERS_PATIENCE: Duration = Duration::from_secs(1);
const WORKERS_WAIT_MAX: Duration = INIT_MAX;
/// No environment is used longer, and none longer than its credentials are good.
const AGE_MAX: Duration = Duration::from_secs(6 * 3600);

/// A new environment that could not be made ready.
pub(crate) enum StartError {
    /// The host could not start it.
    Host(ExecError),
    /// The function's own init failed.
    Function(Box<InitFailure>),
}

pub(crate) struct InitFailure {
    pub(crate) environment: Arc<Environment>,
    pub(crate) fault: Fault,
    pub(crate) took: Duration,
    pub(crate) timed_out: bool,
}

/// Starts an environment and waits until it is ready.
pub(crate) async fn start(shared: &Arc<Shared>, spec: &Arc<Spec>) -> Result<Arc<Environment>, StartError> {
    let began = monotonic();
    let environment = launch(shared, spec).await.map_err(StartError::Host)?;
    let limit = match (&spec.managed, spec.provisioned) {
        (Some(_), _) => MANAGED_INIT_MAX.max(spec.timeout),
        (None, true) => PROVISIONED_INIT_MAX,
        (None, false) => INIT_MAX + spec.timeout,
    };
    let failed = |fault: Fault, timed_out| {
        let took = began.elapsed();
        let status = if timed_out { Status::Timeout } else { Status::Error(fault.kind.clone()) };
        environment.collector.write(environment.lines().init_done(took, &status));
        let environment = environment.clone();
        Err(StartError::Function(Box::new(InitFailure { environment, fault, took, timed_out })))
    };
    let decided = tokio::select! {
        biased;
        init = environment.exchange.initialised() => Some(init),
        exit = environment.process.wait() => {
            environment.dead.store(true, Ordering::SeqCst);
            // It may have said why before it went.
            match environment.exchange.init() {
                Init::Failed(fault) => Some(Init::Failed(fault)),
                _ => Some(Init::Failed(environment.exited("", exit))),
            }
        }
        () = shared.host.sleep(limit) => None,
    };
    match decided {
        Some(Init::Ready) => {
            let took = began.elapsed();
            if let Some(managed) = &spec.managed {
                let workers = managed.concurrency as usize;
                let waits = (WORKERS_PATIENCE, WORKERS_WAIT_MAX);
                environment.exchange.many_ask(workers, waits, &shared.host).await;
            }
            environment.collector.end(environment.lines().init_done(took, &Status::Success), None).await;
            environment.telemetry.close_subscriptions();
            let on_demand = !spec.provisioned && spec.managed.is_none();
            *environment.init.lock() = on_demand.then(|| began.elapsed());
            Ok(environment)
        }
        Some(Init::Failed(fault)) => {
            // The runtime is given a moment to write what it has to say, and to go by itself.
            shared.host.timeout(Duration::from_millis(100), environment.process.wait()).await;
            environment.kill();
            failed(fault, false)
        }
        Some(Init::Going) | None => {
            environment.kill();
            let fault = Fault { kind: "Sandbox.Timedout".into(), body: Bytes::new(), by_platform: true };
            failed(fault, true)
        }
    }
}

async fn launch(shared: &Arc<Shared>, spec: &Arc<Spec>) -> Result<Arc<Environment>, ExecError> {
    let interpreter =
        shared.runtimes.interpreter(&spec.runtime).await.map_err(ExecError::RuntimeUnavailable)?;
    let credentials = spec.credentials.credentials().await.map_err(ExecError::NoCredentials)?;
    let now = shared.env.now();
    let stream = format!(
        "{}/[{}]{}",
        now.iso8601()[..10].replace('-', "/"),
        spec.version,
        shared.env.rng.text(b"0123456789abcdef", 32)
    );
    let parts = shared.runtimes.parts().map_err(ExecError::Internal)?;
    let program =
        program::program(spec, interpreter.as_ref(), parts, &credentials, &stream, shared.cpu_hard)?;
    let target = Arc::new(LogTarget { spec: spec.clone(), stream });
    if program.command.is_empty() {
        return Err(ExecError::CodeUnusable(
            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]".into(),
        ));
    }
    let started = shared.sandbox.start(program).await.map_err(|error| match error {
        Error::Unavailable(why) => ExecError::RuntimeUnavailable(why),
        Error::Invalid(why) => ExecError::CodeUnusable(why),
        Error::Failed(why) => ExecError::Internal(why),
    })?;
    let Started { process, stdout, listeners, pipes, .. } = started;
    let (logs, telemetry) = (shared.logs.clone(), Arc::new(Telemetry::new()));
    let sink = move |events| logs.write(&target, events);
    let extensions = pipes.into_iter().next();
    let collector = Collector::start(&shared.env, sink, telemetry.clone(), stdout, extensions);
    let last = credentials.expiration - spec.timeout - Duration::from_secs(60);
    let environment = Arc::new(Environment {
        spec: spec.clone(),
        shared: shared.clone(),
        process,
        collector,
        telemetry,
        exchange: Exchange::new(
            program::extensions(spec),
            spec.managed.map_or(1, |managed| managed.concurrency as usize),
        ),
        expires: last.min(now + AGE_MAX),
        init: Mutex::new(None),
        frozen: Mutex::new(false),
        busy: AtomicBool::new(false),
        retired: AtomicBool::new(false),
        dead: AtomicBool::new(false),
        rest: Mutex::new(Rest { since: monotonic(), looked: monotonic(), queued: false }),
    });
    let version = interpreter.map_or(String::new(), |found| found.version);
    environment.collector.write(environment.lines().init_start(&version));
    let mut listeners = listeners.into_iter();
    if let (Some(runtime), Some(endpoint)) = (listeners.next(), listeners.next()) {
        let weak = Arc::downgrade(&environment);
        shared.env.spawn("runtime api", race(environment_gone(&environment), api::serve(weak, runtime)));
        shared.env.spawn(
            "function endpoint",
            race(environment_gone(&environment), serve_endpoint(shared.clone(), endpoint)),
        );
    }
    Ok(environment)
}

/// Connections of the function to our own endpoint.
async fn serve_endpoint(shared: Arc<Shared>, listener: Listener) {
    while let Some(connection) = listener.accept().await {
        let serving = shared.endpoint.serve(connection);
        shared.env.spawn("function connection", serving);
    }
}

/// Resolves when the environment's processes are gone, without holding the environment.
fn environment_gone(environment: &Arc<Environment>) -> impl Future<Output = ()> + Send + 'static {
    let mut gone = environment.exchange.subscribe();
    async move {
        let _ = gone.wait_for(|closed| *closed).await;
    }
}

async fn race(end: impl Future<Output = ()> + Send, work: impl Future<Output = ()> + Send) {
    tokio::select! {
        () = end => {}
        () = work => {}
    }
}

impl Environment {
    /// The error for a runtime that ended by itself; with an empty request id during the init.
    pub(crate) fn exited(&self, request_id: &str, exit: Exit) -> Fault {
        let (kind, how) = match exit {
            Exit::Code(0) => ("Runtime.ExitError", "Runtime exited without providing a reason".to_owned()),
            Exit::Code(code @ (126 | 127)) if self.spec.runtime.family() == crate::Family::Provided => {
                ("Runtime.InvalidEntrypoint", format!("Runtime exited with error: exit status {code}"))
            }
            Exit::Code(code) => {
                ("Runtime.ExitError", format!("Runtime exited with error: exit status {code}"))
            }
            Exit::Signal(number) => {
                ("Runtime.ExitError", format!("Runtime exited with error: signal: {}", signal(number)))
            }
            Exit::OutOfMemory => {
                ("Runtime.OutOfMemory", "Runtime exited with error: signal: killed".to_owned())
            }
        };
        Fault { kind: kind.into(), body: platform_error(kind, request_id, &how), by_platform: true }
    }
}

/// An error in the platform's own words.
pub(crate) fn platform_error(kind: &str, request_id: &str, how: &str) -> Bytes {
    let message = match request_id {
        "" => how.to_owned(),
        id => format!("RequestId: {id} Error: {how}"),
    };
    // In AWS's order.
    format!("{{\"errorType\":{},\"errorMessage\":{}}}", json!(kind), json!(message)).into()
}

/// As Go names signals, which Lambda's own words come from.
fn signal(number: i32) -> String {
    let name = match number {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        11 => "segmentation fault",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        _ => return format!("signal {number}"),
    };
    name.to_owned()
}
