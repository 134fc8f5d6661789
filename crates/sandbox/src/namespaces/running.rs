use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use haneul_env::{Clock, Env};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::sync::watch;

use super::control_group::Group;
use super::start::Staged;
use super::{Ready, Uid, inside, usage_of_tree};
use crate::{BoxFuture, Connection, Error, Exit, Limits, Mount, Network, Process, Program, Usage, tree};

/// How often the memory of a running program is looked at. It may be above its limit for so long, by at most what its
/// file systems in memory may hold: the kernel's own limit is there.
const LOOK: Duration = Duration::from_millis(25);

pub(super) struct Running {
    inner: Arc<Inner>,
    exit: watch::Receiver<Option<Exit>>,
}

struct Inner {
    pid: u32,
    /// Holds the process id: no other process can be meant by it.
    pidfd: OwnedFd,
    group: Option<Group>,
    /// Of its own. Held, because its process id may be another process's by the time we want to enter.
    network: Option<OwnedFd>,
    frozen: watch::Sender<bool>,
    out_of_memory: AtomicBool,
    memory_max: AtomicU64,
    ended: AtomicBool,
    // Until the end: what the sandbox's mounts are shown at, and its user.
    _staged: Staged,
    _uid: Option<Uid>,
}

impl Running {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn new(
        ready: Arc<Ready>,
        env: &Env,
        mut child: tokio::process::Child,
        pid: u32,
        number: u64,
        program: &Program,
        uid: Option<Uid>,
        staged: Staged,
    ) -> Result<Running, Error> {
        let handle = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let handle = handle.ok_or_else(|| Error::Failed("bubblewrap named no process".into()))?;
        let pidfd = pidfd_open(handle, PidfdFlags::empty())
            .map_err(|error| Error::Failed(format!("the sandbox ended at once: {error}")))?;
        let network = match program.network {
            Network::Host(_) => None,
            _ => Some(OwnedFd::from(std::fs::File::open(format!("/proc/{pid}/ns/net"))?)),
        };
        let in_memory = program.mounts.iter().map(|mount| match mount {
            Mount::Memory { bytes, .. } => *bytes,
            _ => 0,
        });
        let in_memory = in_memory.fold(0, u64::saturating_add);
        let group = ready.groups.as_ref().map(|groups| groups.enter(number, pid, &program.limits, in_memory));
        let group = group.transpose();
        let group = group.map_err(|error| Error::Failed(format!("cannot limit a sandbox: {error}")))?;
        let inner = Arc::new(Inner {
            pid,
            pidfd,
            group,
            network,
            frozen: watch::Sender::new(false),
            out_of_memory: AtomicBool::new(false),
            memory_max: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            _staged: staged,
            _uid: uid,
        });
        let (ended, exit) = watch::channel(None);
        env.spawn("sandbox", {
            let (inner, limits) = (inner.clone(), program.limits);
            async move {
                let status = tokio::select! {
                    status = child.wait() => status,
                    () = inner.watch(&limits) => child.wait().await,
                };
                inner.ended.store(true, Ordering::SeqCst);
                let killed = inner.group.as_ref().is_some_and(Group::ran_out_of_memory);
                let exit = match inner.out_of_memory.load(Ordering::SeqCst) || killed {
                    true => Exit::OutOfMemory,
                    false => super::exit_of(status),
                };
                ended.send_replace(Some(exit));
            }
        });
        Ok(Running { inner, exit })
    }
}

impl Inner {
    /// Looks at the memory until there is too much of it, and then kills.
    async fn watch(&self, limits: &Limits) {
        let (clock, mut frozen) = (Clock::real(), self.frozen.subscribe());
        loop {
            if frozen.wait_for(|frozen| !frozen).await.is_err() {
                return;
            }
            let held = match self.group.as_ref().and_then(Group::anonymous_bytes) {
                Some(bytes) => bytes,
                None => tree::processes(self.pid).into_iter().map(|pid| tree::memory(pid).anonymous).sum(),
            };
            if held > limits.memory_bytes {
                self.memory_max.fetch_max(held, Ordering::SeqCst);
                self.out_of_memory.store(true, Ordering::SeqCst);
                self.kill();
                return;
            }
            clock.sleep(LOOK).await;
        }
    }

    fn kill(&self) {
        // The end of the first process of its process id namespace is the end of all others.
        if let Err(error) = pidfd_send_signal(&self.pidfd, Signal::KILL) {
            tracing::debug!(pid = self.pid, %error, "a sandbox could not be killed");
        }
    }
}

impl Process for Running {
    fn id(&self) -> u32 {
        self.inner.pid
    }

    fn kill(&self) {
        self.inner.kill();
    }

    fn freeze(&self) {
        if self.inner.ended.load(Ordering::SeqCst) || *self.inner.frozen.borrow() {
            return;
        }
        if !self.inner.group.as_ref().is_some_and(|group| group.freeze(true)) {
            tree::stop(self.inner.pid);
        }
        self.inner.frozen.send_replace(true);
    }

    fn thaw(&self) {
        if self.inner.ended.load(Ordering::SeqCst) || !*self.inner.frozen.borrow() {
            return;
        }
        if !self.inner.group.as_ref().is_some_and(|group| group.freeze(false)) {
            tree::go_on(self.inner.pid);
        }
        self.inner.frozen.send_replace(false);
    }

    fn usage(&self) -> Usage {
        let mut usage = usage_of_tree(self.inner.pid);
        if let Some(group) = &self.inner.group {
            group.add_usage(&mut usage);
        }
        let seen = self.inner.memory_max.fetch_max(usage.memory_bytes_max, Ordering::SeqCst);
        usage.memory_bytes_max = usage.memory_bytes_max.max(seen);
        usage
    }

    fn connect(&self, port: u16) -> BoxFuture<'_, std::io::Result<Connection>> {
        Box::pin(async move {
            let inner = self.inner.clone();
            let made = tokio::task::spawn_blocking(move || inside::connect(inner.network.as_ref(), port));
            let stream = made.await.map_err(std::io::Error::other)??;
            stream.set_nodelay(true)?;
            Ok(Connection::Tcp(tokio::net::TcpStream::from_std(stream)?))
        })
    }

    fn wait(&self) -> BoxFuture<'_, Exit> {
        let mut exit = self.exit.clone();
        Box::pin(async move {
            let ended = exit.wait_for(Option::is_some).await;
            ended.ok().and_then(|exit| *exit).unwrap_or(Exit::Signal(9))
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.inner.kill();
    }
}
