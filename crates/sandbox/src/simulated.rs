//! A sandbox without processes: each program is a future that a test gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use haneul_env::Env;
use parking_lot::Mutex;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::{mpsc, watch};

use crate::{
    BoxFuture, Connection, Error, Exit, Listener, Network, Process, Program, Sandbox, Started, Usage,
    process::Reader,
};

/// What a simulated program is given to work with.
pub struct Stage {
    pub program: Program,
    pub stdout: DuplexStream,
    pub stderr: DuplexStream,
    /// The writing ends of [`Program::pipes`].
    pub pipes: Vec<DuplexStream>,
    doors: Vec<mpsc::Sender<DuplexStream>>,
    usage: Arc<Mutex<Usage>>,
}

impl Stage {
    /// Opens a connection to the port `ports[index]` of [`Network::Loopback`]; `None` when nobody listens any more.
    pub async fn connect(&self, index: usize) -> Option<DuplexStream> {
        let (ours, theirs) = duplex(64 * 1024);
        self.doors.get(index)?.send(theirs).await.ok()?;
        Some(ours)
    }

    /// Says what the program uses from now on.
    pub fn use_up(&self, usage: Usage) {
        *self.usage.lock() = usage;
    }
}

type Script = dyn Fn(Stage) -> BoxFuture<'static, Exit> + Send + Sync;

/// Runs every program by one script, which may look at [`Stage::program`] to decide.
pub struct Simulated {
    env: Env,
    script: Arc<Script>,
    started: AtomicU32,
}

impl Simulated {
    pub fn new(
        env: &Env,
        script: impl Fn(Stage) -> BoxFuture<'static, Exit> + Send + Sync + 'static,
    ) -> Simulated {
        Simulated { env: env.clone(), script: Arc::new(script), started: AtomicU32::new(0) }
    }

    /// Programs started so far.
    pub fn started(&self) -> u32 {
        self.started.load(Ordering::SeqCst)
    }
}

impl Sandbox for Simulated {
    fn start(&self, program: Program) -> BoxFuture<'_, Result<Started, Error>> {
        Box::pin(async move {
            if program.command.is_empty() {
                return Err(Error::Invalid("there is nothing to run".into()));
            }
            let id = 1 + self.started.fetch_add(1, Ordering::SeqCst);
            let (stdout, out) = duplex(64 * 1024);
            let (stderr, err) = duplex(64 * 1024);
            let (ours, theirs): (Vec<_>, Vec<_>) = (0..program.pipes).map(|_| duplex(64 * 1024)).unzip();
            let ports = match &program.network {
                Network::None => 0,
                Network::Loopback(ports) => ports.len(),
                Network::Host(count) => *count,
            };
            let (doors, opened): (Vec<_>, Vec<_>) = (0..ports).map(|_| mpsc::channel(64)).unzip();
            let usage = Arc::new(Mutex::new(Usage::default()));
            let stage =
                Stage { program, stdout: out, stderr: err, pipes: theirs, doors, usage: usage.clone() };
            let (ended, exit) = watch::channel(None);
            let (killed, mut kill) = watch::channel(false);
            let frozen = Arc::new(watch::Sender::new(false));
            let running = (self.script)(stage);
            let mut thawed = frozen.subscribe();
            self.env.spawn("simulated program", async move {
                let exit = tokio::select! {
                    biased;
                    _ = kill.wait_for(|killed| *killed) => Exit::Signal(9),
                    exit = while_thawed(running, &mut thawed) => exit,
                };
                ended.send_replace(Some(exit));
            });
            let listeners =
                opened.into_iter().map(|opened| Listener::Memory(tokio::sync::Mutex::new(opened))).collect();
            let pipes = ours.into_iter().map(|end| Box::new(end) as Reader).collect();
            let process = Box::new(Acting { id, killed, frozen, exit, usage });
            Ok(Started { process, stdout: Box::new(stdout), stderr: Box::new(stderr), pipes, listeners })
        })
    }

    fn describe(&self) -> String {
        "simulated".into()
    }

    fn isolates(&self) -> bool {
        true
    }

    fn missing(&self) -> Option<String> {
        None
    }
}

/// Polls `work` only while it is not frozen.
async fn while_thawed(mut work: BoxFuture<'static, Exit>, frozen: &mut watch::Receiver<bool>) -> Exit {
    loop {
        if *frozen.borrow_and_update() {
            if frozen.changed().await.is_err() {
                return Exit::Signal(9);
            }
            continue;
        }
        tokio::select! {
            biased;
            changed = frozen.changed() => if changed.is_err() { return Exit::Signal(9) },
            exit = &mut work => return exit,
        }
    }
}

struct Acting {
    id: u32,
    killed: watch::Sender<bool>,
    frozen: Arc<watch::Sender<bool>>,
    exit: watch::Receiver<Option<Exit>>,
    usage: Arc<Mutex<Usage>>,
}

impl Process for Acting {
    fn id(&self) -> u32 {
        self.id
    }

    fn kill(&self) {
        self.killed.send_replace(true);
    }

    fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    fn thaw(&self) {
        self.frozen.send_replace(false);
    }

    fn usage(&self) -> Usage {
        *self.usage.lock()
    }

    fn connect(&self, _port: u16) -> BoxFuture<'_, std::io::Result<Connection>> {
        // What is simulated opens connections; it listens on nothing.
        Box::pin(async { Err(std::io::ErrorKind::ConnectionRefused.into()) })
    }

    fn wait(&self) -> BoxFuture<'_, Exit> {
        let mut exit = self.exit.clone();
        Box::pin(async move {
            let ended = exit.wait_for(Option::is_some).await;
            ended.ok().and_then(|exit| *exit).unwrap_or(Exit::Signal(9))
        })
    }
}

impl Drop for Acting {
    fn drop(&mut self) {
        self.kill();
    }
}
