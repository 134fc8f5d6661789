//! Programs in namespaces of their own, built by bubblewrap as an unprivileged user.
//!
//! [`host`] finds out what there is; [`etc`] writes the little `/etc` that programs see; [`bwrap`] words what
//! bubblewrap is to do; [`seccomp`] says which system calls there are, [`landlock`] which files; [`start`] puts a program together and lets it
//! go once its limits hold; [`control_group`] limits memory, processes and processors; [`running`] is what runs.
//!
//! As root every sandbox runs as a user of the host that nothing else belongs to, mapped to the user 993 that AWS's
//! functions run as; otherwise as ourselves, mapped alike. Inside there is no capability, no way to gain one
//! (`no_new_privs`), no system call that makes namespaces, mounts or traces, and no network but a loopback interface
//! on which we listen. The listeners are made by us inside the sandbox's network namespace, so there is no proxy.
//!
//! What must never happen here: a program that runs before its limits hold; an environment variable of a program in
//! the environment of anything outside the sandbox (`LD_PRELOAD`); a secret in an argument list.

pub mod bwrap;
pub mod control_group;
pub mod etc;
pub mod host;
pub mod inside;
pub mod landlock;
pub mod running;
pub mod seccomp;
pub mod start;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use haneul_env::Env;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::spawner::Spawner;
use crate::{BoxFuture, Error, Exit, Guard, Network, Options, Program, Sandbox, Started, Usage, tree};

use control_group::Hierarchies;
use host::Host;
use landlock::Landlock;

pub struct Namespaces {
    pub(crate) env: Env,
    options: Options,
    ready: OnceCell<Result<Arc<Ready>, String>>,
}

/// What all sandboxes share, made when the first one is started.
pub(crate) struct Ready {
    pub(crate) host: Host,
    pub(crate) spawner: Spawner,
    pub(crate) groups: Option<Hierarchies>,
    /// The folder of the spawner's private mounts; `None` when we are not root.
    pub(crate) stage: Option<PathBuf>,
    pub(crate) etc: PathBuf,
    pub(crate) filters: seccomp::Filters,
    pub(crate) landlock: Option<Landlock>,
    pub(crate) without: Vec<Guard>,
    uids: Mutex<BTreeSet<u32>>,
    first_uid: u32,
}

/// Sandboxes at a time, and so user ids that are used.
const SANDBOXES_MAX: u32 = 50_000;

impl Namespaces {
    pub fn new(env: &Env, options: Options) -> Namespaces {
        Namespaces { env: env.clone(), options, ready: OnceCell::new() }
    }

    pub(crate) async fn ready(&self) -> Result<&Arc<Ready>, Error> {
        let made = self.ready.get_or_init(|| async {
            let options = self.options.clone();
            let made = tokio::task::spawn_blocking(move || Ready::make(&options)).await;
            made.map_err(|error| error.to_string())?.map(Arc::new)
        });
        made.await.as_ref().map_err(|why| Error::Unavailable(why.clone()))
    }
}

impl Ready {
    fn make(options: &Options) -> Result<Ready, String> {
        let host = Host::look()?;
        let state = &options.state_dir;
        let stage = if host.is_root { Some(host::stage()?) } else { None };
        let spawner = Spawner::start(stage.as_deref())
            .map_err(|error| format!("cannot make a private mount namespace: {error}"))?;
        // On the private stage, where every sandbox's user can read it; without one, in our folder.
        let folder = stage.as_deref().unwrap_or(state).to_path_buf();
        let (done, written) = std::sync::mpsc::channel();
        spawner.later(move || {
            let _ = done.send(etc::write(&folder));
        });
        let etc = match written.recv() {
            Ok(Ok(etc)) => etc,
            Ok(Err(error)) => return Err(format!("cannot write the /etc of sandboxes: {error}")),
            Err(_) => return Err("the thread that starts programs has ended".into()),
        };
        let groups = Hierarchies::find();
        if let Some(groups) = &groups {
            groups.sweep();
        }
        let filters = seccomp::Filters::compile()?;
        let (uids, first_uid) = (Mutex::default(), options.first_uid);
        let without = options.without.clone();
        let landlock = Landlock::look().filter(|_| !without.contains(&Guard::Landlock));
        Ok(Ready { host, spawner, groups, stage, etc, filters, landlock, without, uids, first_uid })
    }

    /// A user id that no other sandbox runs as.
    pub(crate) fn take_uid(self: &Arc<Ready>) -> Option<Uid> {
        let mut taken = self.uids.lock();
        let free = (0..SANDBOXES_MAX).map(|n| self.first_uid + n).find(|uid| !taken.contains(uid))?;
        taken.insert(free);
        Some(Uid { ready: self.clone(), uid: free })
    }
}

/// A user id of the host, ours until it is dropped.
pub(crate) struct Uid {
    ready: Arc<Ready>,
    pub(crate) uid: u32,
}

impl Drop for Uid {
    fn drop(&mut self) {
        self.ready.uids.lock().remove(&self.uid);
    }
}

impl Sandbox for Namespaces {
    fn start(&self, program: Program) -> BoxFuture<'_, Result<Started, Error>> {
        Box::pin(async move { start::start(self.ready().await?.clone(), &self.env, program).await })
    }

    fn describe(&self) -> String {
        match self.ready.get() {
            Some(Ok(ready)) => ready.describe(),
            Some(Err(why)) => why.clone(),
            None => match Host::look() {
                Ok(host) => format!("namespaces by {}, {}", host.version, landlock_of(Landlock::look())),
                Err(why) => why,
            },
        }
    }

    fn isolates(&self) -> bool {
        true
    }

    fn missing(&self) -> Option<String> {
        match self.ready.get() {
            Some(made) => made.as_ref().err().cloned(),
            None => Host::look().err(),
        }
    }

    fn missing_for(&self, network: &Network) -> Option<String> {
        let as_root = rustix::process::geteuid().is_root();
        let listens = matches!(network, Network::Loopback(ports) if !ports.is_empty());
        let why = "programs that reach us need root: start the server as root, so that it can listen in their network";
        self.missing().or_else(|| (listens && !as_root).then(|| why.into()))
    }
}

impl Ready {
    fn describe(&self) -> String {
        let user = if self.host.is_root { "a user of its own" } else { "our own user" };
        let groups =
            self.groups.as_ref().map_or("no control groups: limits are watched", |groups| groups.name());
        let landlock = landlock_of(self.landlock);
        format!("namespaces by {}, {user}, seccomp, {landlock}, {groups}", self.host.version)
    }
}

fn landlock_of(landlock: Option<Landlock>) -> String {
    match landlock {
        Some(Landlock { abi }) => format!("Landlock ABI {abi}"),
        None => "no Landlock".into(),
    }
}

/// Bubblewrap and our own shell report a signal as 128 and its number.
pub(crate) fn exit_of(status: std::io::Result<std::process::ExitStatus>) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    let Ok(status) = status else { return Exit::Signal(9) };
    match (status.code(), status.signal()) {
        (Some(code), _) if (129..=128 + 64).contains(&code) => Exit::Signal(code - 128),
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Signal(9),
    }
}

/// What `/proc` says of a tree of processes.
pub(crate) fn usage_of_tree(root: u32) -> Usage {
    let mut usage = Usage::default();
    for pid in tree::processes(root) {
        let memory = tree::memory(pid);
        usage.memory_bytes_max += memory.peak;
        usage.memory_bytes += memory.resident;
        usage.processes += 1;
    }
    usage
}
