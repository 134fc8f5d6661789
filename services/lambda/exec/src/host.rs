use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use haneul_env::{Clock, Env};
use haneul_kit::Platform;
use haneul_sandbox::{Connection, Network, Sandbox};

use crate::environment::init::{InitFailure, StartError};
use crate::environment::invoke::{Invoked, failed_init, invoke};
use crate::environment::{Endpoint, Shared};
use crate::fleet::Fleets;
use crate::interpreters::Sdks;
use crate::pool::Pool;
use crate::runtimes::Runtimes;
use crate::{
    Available, Body, BoxFuture, ExecError, Executor, Fleet, Invocation, LogSink, Outcome, Runtime, Spec,
    Standing,
};

/// How long an environment may be idle, by the cloud's clock. AWS says nothing of it; it is minutes there.
const IDLE_MAX: Duration = Duration::from_secs(10 * 60);
/// Environments that may die under one event before they have seen it.
const TRIES: usize = 3;

/// Runs functions in sandboxes on this host.
pub struct HostExecutor {
    pool: Arc<Pool>,
    fleets: Arc<Fleets>,
}

pub struct Settings {
    pub env: Env,
    pub sandbox: Arc<dyn Sandbox>,
    pub logs: Arc<dyn LogSink>,
    /// How functions reach us.
    pub endpoint: Arc<dyn Endpoint>,
    /// A folder of ours for the bootstraps.
    pub state_dir: PathBuf,
    /// Whether that folder goes when the cloud stops.
    pub ephemeral: bool,
    /// Where the SDKs lie that AWS's runtimes come with.
    pub sdks: Sdks,
    /// What all environments together may have; `None` for three quarters of the host's memory.
    pub memory_mb_max: Option<u64>,
    pub idle_max: Duration,
    /// Whether functions get no more of the processors than AWS would give them (1,769 MB for a whole one), even when
    /// nobody else wants them.
    pub cpu_hard: bool,
}

impl Settings {
    pub fn new(
        env: &Env,
        sandbox: Arc<dyn Sandbox>,
        logs: Arc<dyn LogSink>,
        endpoint: Arc<dyn Endpoint>,
        state_dir: PathBuf,
    ) -> Settings {
        let env = env.clone();
        Settings {
            env,
            sandbox,
            logs,
            endpoint,
            state_dir,
            ephemeral: false,
            sdks: Sdks::of_environment(),
            memory_mb_max: None,
            idle_max: IDLE_MAX,
            cpu_hard: false,
        }
    }
}

impl HostExecutor {
    /// The executor of a cloud, in its sandbox, whose functions reach its front door.
    ///
    /// # Errors
    /// When the cloud has no sandbox, or the bootstraps cannot be written.
    pub fn on(platform: &Platform, logs: Arc<dyn LogSink>) -> std::io::Result<HostExecutor> {
        let sandbox = platform.sandbox().ok_or_else(|| std::io::Error::other("nothing can be run here"))?;
        let (state_dir, ephemeral) = match &platform.data_dir {
            Some(dir) => (dir.join("lambda-runtimes"), false),
            // A name that nobody can have put there before.
            None => (std::env::temp_dir().join(format!("haneul-lambda-{}", platform.env.rng.uuid())), true),
        };
        let endpoint = Arc::new(FrontDoor(platform.clone()));
        let settings = Settings::new(&platform.env, sandbox.clone(), logs, endpoint, state_dir);
        HostExecutor::new(Settings { ephemeral, ..settings })
    }

    /// Within a runtime: its background tasks begin at once.
    ///
    /// # Errors
    /// None yet; the bootstraps are written when the first function runs.
    pub fn new(settings: Settings) -> std::io::Result<HostExecutor> {
        let runtimes = Runtimes::new(&settings.state_dir, settings.sdks);
        if settings.ephemeral {
            let (tasks, folder) = (settings.env.tasks.clone(), settings.state_dir.clone());
            settings.env.spawn("bootstraps", async move {
                tasks.stopping().await;
                let _ = std::fs::remove_dir_all(folder);
            });
        }
        let shared = Arc::new(Shared {
            env: settings.env,
            host: Clock::real(),
            sandbox: settings.sandbox,
            logs: settings.logs,
            endpoint: settings.endpoint,
            runtimes,
            cpu_hard: settings.cpu_hard,
        });
        let memory_mb_max = settings.memory_mb_max.unwrap_or_else(|| host_memory_mb() * 3 / 4);
        let pool = Pool::new(shared, memory_mb_max, settings.idle_max);
        let fleets = Fleets::new(&pool);
        Ok(HostExecutor { pool, fleets })
    }

    fn missing_sandbox(&self) -> Option<String> {
        let sandbox = &self.pool.shared.sandbox;
        if !sandbox.isolates() {
            return Some("functions need a file system of their own: start without --sandbox none".into());
        }
        sandbox.missing_for(&Network::Loopback(vec![crate::program::RUNTIME_PORT]))
    }

    /// Environments that are there: idle and busy.
    pub fn environments(&self) -> (usize, usize) {
        self.pool.counts()
    }

    async fn run(&self, spec: Arc<Spec>, call: Invocation) -> Result<Outcome, ExecError> {
        for _ in 0..TRIES {
            let lease = match self.pool.acquire(&spec, call.wait_max).await {
                Ok(lease) => lease,
                Err(StartError::Host(error)) => return Err(error),
                Err(StartError::Function(failure)) => return Ok(failed_init(*failure, &call).await),
            };
            match invoke(lease, &call).await {
                Invoked::Done(outcome) => return Ok(outcome),
                Invoked::Unseen => {}
            }
        }
        Err(ExecError::Internal("environments of the function end before they take an event".into()))
    }

    async fn run_in_fleet(&self, spec: Arc<Spec>, call: Invocation) -> Result<Outcome, ExecError> {
        let mut tried = Vec::new();
        for _ in 0..TRIES {
            let lease = self.fleets.acquire(&spec, call.wait_max, &tried).await?;
            let environment = lease.environment().clone();
            match invoke(lease, &call).await {
                Invoked::Done(outcome) => return Ok(outcome),
                Invoked::Unseen => tried.push(environment),
            }
        }
        // Their workers are busy with what was given up, or gone.
        Err(ExecError::Saturated)
    }
}

impl Executor for HostExecutor {
    fn invoke(&self, spec: Arc<Spec>, call: Invocation) -> BoxFuture<'_, Result<Outcome, ExecError>> {
        match spec.managed {
            Some(_) => Box::pin(self.run_in_fleet(spec, call)),
            None => Box::pin(self.run(spec, call)),
        }
    }

    fn provision(&self, spec: Arc<Spec>, environments: u32) -> BoxFuture<'_, Result<(), ExecError>> {
        Box::pin(async move {
            match self.pool.provision(&spec, environments).await {
                Ok(()) => Ok(()),
                Err(StartError::Host(error)) => Err(error),
                Err(StartError::Function(failure)) => Err(said_by(*failure, &spec).await),
            }
        })
    }

    fn provisioned(&self, spec_id: &str) -> u32 {
        u32::try_from(self.pool.provisioned(spec_id)).unwrap_or(u32::MAX)
    }

    fn keep(&self, spec: Arc<Spec>, fleet: Fleet) {
        self.fleets.keep(&spec, fleet);
    }

    fn kept<'a>(&'a self, spec_id: &'a str) -> BoxFuture<'a, Result<(), ExecError>> {
        Box::pin(self.fleets.kept(spec_id))
    }

    fn standing(&self, spec_id: &str) -> Option<Standing> {
        self.fleets.standing(spec_id)
    }

    fn retire(&self, prefix: &str) -> BoxFuture<'_, ()> {
        self.pool.retire(prefix);
        self.fleets.retire(prefix);
        Box::pin(async {})
    }

    fn available(&self) -> Vec<Available> {
        let missing = self.missing_sandbox();
        let mut all = self.pool.shared.runtimes.available();
        if let Some(why) = missing {
            all.iter_mut().for_each(|one| one.missing = Some(why.clone()));
        }
        all
    }

    fn missing(&self, runtime: &Runtime) -> Option<String> {
        self.missing_sandbox().or_else(|| self.pool.shared.runtimes.missing(runtime))
    }
}

/// What a function's init said that failed without an invocation that waits for it.
pub(crate) async fn said_by(failure: InitFailure, spec: &Spec) -> ExecError {
    let probe = Invocation::new("provision".into(), spec.function_arn.clone(), "{}".into());
    ExecError::InitFailed(match failed_init(failure, &probe).await.body {
        Body::Whole(body) => String::from_utf8_lossy(&body).into_owned(),
        Body::Stream(_) => String::new(),
    })
}

/// A cloud's own front door.
struct FrontDoor(Platform);

impl Endpoint for FrontDoor {
    fn serve(&self, connection: Connection) -> BoxFuture<'static, ()> {
        match (connection, self.0.guests()) {
            (Connection::Tcp(socket), Some(guests)) => guests.welcome(socket),
            // The cloud stops, or the program is simulated.
            _ => Box::pin(async {}),
        }
    }
}

/// Every runtime, and what this host lacks for it; whether programs can be run at all is another question.
pub fn runtimes_of_this_host() -> Vec<Available> {
    let one = |runtime: Runtime| {
        let missing = crate::interpreters::find(&runtime).err();
        Available { runtime, missing }
    };
    Runtime::all().map(one).collect()
}

fn host_memory_mb() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.map_or(1024, |kilobytes| kilobytes / 1024)
}
