//! Programs as plain children of ours, for who started us with `--sandbox none`: no isolation at all.
//!
//! Paths of the sandbox that do not exist on the host are not there: a [`crate::Mount`] whose source and target differ
//! is refused, because we will not write into the host's tree.

use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use command_fds::{CommandFdExt, FdMapping};
use haneul_env::Env;
use rustix::process::Signal;
use tokio::sync::watch;

use crate::process::reader;
use crate::program::FIRST_PIPE;
use crate::spawner::Spawner;
use crate::{
    BoxFuture, Connection, Error, Exit, Listener, Mount, Network, Process, Program, Sandbox, Started, Usage,
    tree,
};

pub struct Plain {
    env: Env,
    spawner: Result<Spawner, String>,
}

impl Plain {
    pub fn new(env: &Env) -> Plain {
        Plain { env: env.clone(), spawner: Spawner::start(None).map_err(|error| error.to_string()) }
    }

    async fn run(&self, program: Program) -> Result<Started, Error> {
        let spawner = self.spawner.as_ref().map_err(|why| Error::Failed(why.clone()))?;
        for mount in &program.mounts {
            if !is_there_already(mount) {
                return Err(Error::Invalid(format!("without a sandbox nothing can be mounted: {mount:?}")));
            }
        }
        let ports = match &program.network {
            Network::None => Vec::new(),
            Network::Loopback(ports) => ports.clone(),
            Network::Host(count) => vec![0; *count],
        };
        let mut listeners = Vec::new();
        for port in ports {
            let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
            listeners.push(Listener::Tcp(
                listener.map_err(|error| Error::Failed(format!("cannot listen on port {port}: {error}")))?,
            ));
        }
        let (stdout, out) = std::io::pipe()?;
        let (stderr, err) = std::io::pipe()?;
        let err = if program.merge_output { out.try_clone()? } else { err };
        let mut pipes = Vec::new();
        let mut mappings = Vec::new();
        for number in 0..program.pipes {
            let (ours, theirs) = std::io::pipe()?;
            pipes.push(reader(ours)?);
            let child_fd = FIRST_PIPE + i32::try_from(number).unwrap_or_default();
            mappings.push(FdMapping { parent_fd: theirs.into(), child_fd });
        }
        let Some((path, arguments)) = program.command.split_first() else {
            return Err(Error::Invalid("there is nothing to run".into()));
        };
        let mut command = Command::new(path);
        command
            .args(arguments)
            .env_clear()
            .envs(&program.environment)
            .current_dir(&program.working_directory)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0);
        command.fd_mappings(mappings).map_err(|error| Error::Failed(error.to_string()))?;
        let mut child = spawner
            .run(move || tokio::process::Command::from(command).kill_on_drop(true).spawn())
            .await
            .map_err(|error| Error::Failed(format!("cannot start {path}: {error}")))?;
        let id = child.id().unwrap_or_default();
        let (ended, exit) = watch::channel(None);
        self.env.spawn("plain process", async move {
            let exit = crate::namespaces::exit_of(child.wait().await);
            ended.send_replace(Some(exit));
        });
        let process = Box::new(Child { id, exit });
        Ok(Started { process, stdout: reader(stdout)?, stderr: reader(stderr)?, pipes, listeners })
    }
}

fn is_there_already(mount: &Mount) -> bool {
    match mount {
        Mount::ReadOnly { source, target } | Mount::Writable { source, target } => source == target,
        Mount::Layers { sources, target } => sources.iter().all(|source| source == target),
        // The host's own /tmp stands for it.
        Mount::Memory { target, .. } => target.exists(),
        Mount::Symlink { at, .. } => at.exists(),
    }
}

impl Sandbox for Plain {
    fn start(&self, program: Program) -> BoxFuture<'_, Result<Started, Error>> {
        Box::pin(self.run(program))
    }

    fn describe(&self) -> String {
        "none: programs run with our own rights".into()
    }

    fn isolates(&self) -> bool {
        false
    }

    fn missing(&self) -> Option<String> {
        self.spawner.as_ref().err().cloned()
    }
}

struct Child {
    id: u32,
    exit: watch::Receiver<Option<Exit>>,
}

impl Process for Child {
    fn id(&self) -> u32 {
        self.id
    }

    fn kill(&self) {
        if self.exit.borrow().is_none() {
            for pid in tree::processes(self.id) {
                tree::signal(pid, Signal::KILL);
            }
        }
    }

    fn freeze(&self) {
        tree::stop(self.id);
    }

    fn thaw(&self) {
        tree::go_on(self.id);
    }

    fn usage(&self) -> Usage {
        crate::namespaces::usage_of_tree(self.id)
    }

    fn connect(&self, port: u16) -> BoxFuture<'_, std::io::Result<Connection>> {
        Box::pin(async move {
            let stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
            Ok(Connection::Tcp(stream))
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

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
