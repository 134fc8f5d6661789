use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use haneul_env::{Clock, Env, Rng, Tasks, clock};
use haneul_front::serve::{Settings, Workers, tls};
use haneul_front::{Cloud, Control, Options};
use haneul_kit::{ApiError, BoxFuture};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{Auth, ServeOptions, Tls};
use crate::config::Config;
use crate::{Result, banner, cloud, code_pages, data, logging, root};

/// In-flight requests are given this long to finish when the program is told to stop.
const DRAIN: Duration = Duration::from_secs(20);

pub(crate) fn run(options: ServeOptions) -> Result<()> {
    let config = Config::from(options)?;
    logging::start(&config.log, config.log_format)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    runtime.block_on(serve(&config))
}

async fn serve(config: &Config) -> Result<()> {
    let began = clock::monotonic();
    let mut stop_signals = StopSignals::listen();
    let listener = TcpListener::bind(config.listen)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|error| {
            format!("cannot listen on {}: {error}; --listen names another address", config.listen)
        })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let lock = config.data_dir.as_deref().map(data::open).transpose()?;
    let the_clock = config.data_dir.as_deref().map_or_else(|| Ok(Clock::real()), data::clock)?;
    let rng = Rng::real();
    let settings = settings(config)?;
    let mut first = true;
    loop {
        // Each life of the cloud has tasks of its own; a reset ends one life and begins the next on the same socket.
        let env = Env { clock: the_clock.clone(), rng: rng.clone(), tasks: Tasks::default(), ..Env::real() };
        let again = Arc::new(Reset {
            asked: AtomicBool::new(false),
            env: env.clone(),
            data_dir: config.data_dir.clone(),
        });
        let life = begin(config, &env, again.clone(), address, first.then_some(began)).await?;
        first = false;
        let listener = listener
            .try_clone()
            .and_then(tokio::net::TcpListener::from_std)
            .map_err(|error| format!("cannot listen: {error}"))?;
        tokio::select! {
            () = haneul_front::serve(life.clone(), listener, settings.clone()) => {}
            () = stop_signals.received() => tracing::info!("stopping; in-flight requests are finished first"),
        }
        if !env.tasks.stop(&clock_of_the_host(), DRAIN).await {
            tracing::warn!("some requests had not ended after {} s and are cut off", DRAIN.as_secs());
        }
        life.platform().store.close().await.map_err(|error| error.to_string())?;
        drop(life);
        if !again.asked.load(Ordering::SeqCst) {
            break;
        }
        if let Some(dir) = config.data_dir.as_deref() {
            data::wipe(dir)?;
        }
    }
    drop(lock);
    Ok(())
}

/// When what a start begins in the background has run once.
const START_SETTLES: Duration = Duration::from_secs(1);

/// Makes one life of the cloud, and for the first one says where it is.
async fn begin(
    config: &Config,
    env: &Env,
    control: Arc<Reset>,
    address: SocketAddr,
    announce: Option<std::time::Instant>,
) -> Result<Arc<Cloud>> {
    let dir = config.data_dir.as_deref().map(data::cloud_dir);
    let dir = dir.as_deref();
    let engines = cloud::open_engines(env, dir, &config.pools).await?;
    let root = root::access(config, &engines.0, &env.rng).await.map_err(|error| error.to_string())?;
    let mut root_keys = config.root_keys.clone();
    root_keys.retain(|key| key.account != root.key.account);
    root_keys.push(root.key.clone());
    let options = Options { version: env!("CARGO_PKG_VERSION"), control, ..Options::default() };
    let relaxed = config.auth == Auth::Relaxed;
    let master = config.master_key.as_ref();
    let sandbox = cloud::sandbox(env, dir, config.sandbox);
    let catalog = config.iam_catalog.as_deref();
    let cloud =
        cloud::assemble(env.clone(), engines, dir, root_keys, relaxed, options, master, sandbox, catalog)
            .await?;
    if let Some(began) = announce {
        banner::print(config, address, &root, began.elapsed().as_millis());
        env.spawn("code pages", async {
            clock_of_the_host().sleep(START_SETTLES).await;
            code_pages::let_go();
        });
    }
    Ok(cloud)
}

fn settings(config: &Config) -> Result<Settings> {
    let tls = match (config.tls, &config.tls_files) {
        (Tls::Off, _) => None,
        (Tls::Own, _) => {
            let Some(dir) = &config.data_dir else {
                return Err(
                    "--tls own keeps its authority in the data directory; with --ephemeral use --tls files"
                        .into(),
                );
            };
            let dir = dir.join("tls");
            Some(
                tls::own_authority(&dir, &[])
                    .map_err(|error| format!("TLS in {}: {error}", dir.display()))?,
            )
        }
        (Tls::Files, Some((certificate, key))) => Some(given(certificate, key)?),
        (Tls::Files, None) => return Err("--tls files needs --tls-cert and --tls-key".into()),
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = Workers::start(threads).map_err(|error| format!("cannot start threads: {error}"))?;
    Ok(Settings { tls, workers: Some(Arc::new(workers)), ..Settings::default() })
}

fn given(certificate: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>> {
    tls::from_files(certificate, key)
        .map_err(|error| format!("{} and {}: {error}", certificate.display(), key.display()))
}

/// The drain is timed by the host: the cloud's own clock may stand still.
fn clock_of_the_host() -> Clock {
    Clock::real()
}

/// SIGTERM and SIGINT. Listened to before anybody is told that we are up, so that who stops us at once is heard too.
struct StopSignals(Option<(Signal, Signal)>);

impl StopSignals {
    /// Without handlers the default action of the signals stands: the process ends, and durable state survives that.
    fn listen() -> StopSignals {
        StopSignals(signal(SignalKind::terminate()).ok().zip(signal(SignalKind::interrupt()).ok()))
    }

    async fn received(&mut self) {
        let Some((terminate, interrupt)) = &mut self.0 else { return std::future::pending().await };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// `POST /_haneul/reset`: ends this life of the cloud; the loop above wipes the state and begins another.
struct Reset {
    asked: AtomicBool,
    env: Env,
    data_dir: Option<PathBuf>,
}

impl Control for Reset {
    fn reset(&self) -> BoxFuture<'_, std::result::Result<(), ApiError>> {
        Box::pin(async {
            self.asked.store(true, Ordering::SeqCst);
            self.env.tasks.begin_stop();
            Ok(())
        })
    }

    fn clock_moved(&self) -> Result<()> {
        self.data_dir.as_deref().map_or(Ok(()), |dir| data::keep_clock(dir, &self.env.clock))
    }
}
