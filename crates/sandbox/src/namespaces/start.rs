use std::io::{PipeReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use haneul_env::Env;
use tokio::io::AsyncReadExt;

use super::bwrap::{self, Placed};
use super::running::Running;
use super::{Ready, Uid, inside};
use crate::process::{Reader, reader};
use crate::program::FIRST_PIPE;
use crate::{Error, Guard, Limits, Listener, Mount, Network, Program, Root, Started, spawner};

/// How long bubblewrap may take to say that the namespaces are made. On a healthy host it takes milliseconds.
const SETUP_MAX: Duration = Duration::from_secs(30);

/// Runs the program as a child of a shell that waits for it, so that somebody collects its orphans. The shell also sets
/// the kernel's limits on each process, beside those of the control groups on all: it may lower its own limits, while
/// we may not set another user's without CAP_SYS_RESOURCE. It is the first process, and runs nothing before them.
fn first_process(limits: &Limits, merge_output: bool) -> String {
    let Limits { processes_max, open_files_max, .. } = limits;
    let merge = if merge_output { " 2>&1" } else { "" };
    let file =
        limits.file_bytes_max.map_or(String::new(), |bytes| format!("ulimit -f {};", bytes.div_ceil(512)));
    format!(
        "set -e; ulimit -c 0; ulimit -n {open_files_max}; ulimit -l 64; {file} \
         if (ulimit -u {processes_max}) 2>/dev/null; then ulimit -u {processes_max}; else ulimit -p {processes_max}; fi; \
         set +e; \"$@\"{merge} & child=$!; wait \"$child\""
    )
}

static NEXT: AtomicU64 = AtomicU64::new(1);

pub(super) async fn start(ready: Arc<Ready>, env: &Env, program: Program) -> Result<Started, Error> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let uid = match ready.host.is_root {
        true => Some(ready.take_uid().ok_or_else(|| Error::Failed("too many sandboxes".into()))?),
        false => None,
    };
    let wanted = bwrap::root_mounts(&program.root, &ready.etc);
    let staged = Staged::new(ready.clone(), number);
    let mounts = staged.place(wanted.into_iter().chain(program.mounts.iter().cloned()).collect()).await?;
    let mut plumbing = Plumbing::lay(&ready, &program, &mounts)?;
    let command = command(&ready, &program, uid.as_ref(), &mut plumbing)?;
    let child = ready.spawner.run(move || {
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true).spawn()
    });
    let child = child.await.map_err(|error| Error::Failed(format!("cannot start bubblewrap: {error}")))?;
    let Plumbing { stdout, stderr, pipes, info, mut go, .. } = plumbing;
    let (stdout, mut stderr) = (reader(stdout)?, reader(stderr)?);
    let pid = match env_timeout(info_pid(info)).await {
        Some(Ok(pid)) => pid,
        Some(Err(_)) | None => {
            // It ended without namespaces, and has said why.
            drop(child);
            return Err(Error::Failed(format!("bubblewrap: {}", said(&mut stderr).await)));
        }
    };
    // Bubblewrap has its own copy of the mounts once there is a process in its mount namespace.
    let running = Running::new(ready.clone(), env, child, pid, number, &program, uid, staged)?;
    let listeners = listen(pid, &program.network).await?;
    go.write_all(b"!")?;
    drop(go);
    let pipes = pipes.into_iter().map(reader).collect::<std::io::Result<Vec<Reader>>>()?;
    Ok(Started { process: Box::new(running), stdout, stderr, pipes, listeners })
}

/// The ends of all pipes.
struct Plumbing {
    stdout: PipeReader,
    stderr: PipeReader,
    pipes: Vec<PipeReader>,
    info: PipeReader,
    go: std::io::PipeWriter,
    out: Option<(OwnedFd, OwnedFd)>,
    mappings: Vec<FdMapping>,
    /// What bubblewrap starts, before the program's own words.
    step: Vec<std::ffi::OsString>,
}

impl Plumbing {
    fn lay(ready: &Ready, program: &Program, mounts: &[Placed]) -> Result<Plumbing, Error> {
        let (stdout, out) = std::io::pipe()?;
        let (stderr, err) = std::io::pipe()?;
        // With a shell it is the shell that merges them, so that what bubblewrap says is kept apart.
        let merged = program.merge_output && !found(&program.root, Path::new("bin/sh"));
        let err = if merged { out.try_clone()? } else { err };
        let (info, info_end) = std::io::pipe()?;
        let (block_end, go) = std::io::pipe()?;
        let filtered = !ready.without.contains(&Guard::Seccomp);
        let args = bwrap::sealed(&bwrap::arguments(program, mounts, filtered));
        let args = args.map_err(|error| Error::Invalid(error.to_string()))?;
        let mut mappings = vec![
            FdMapping { parent_fd: args, child_fd: bwrap::ARGS_FD },
            FdMapping { parent_fd: info_end.into(), child_fd: bwrap::INFO_FD },
            FdMapping { parent_fd: block_end.into(), child_fd: bwrap::BLOCK_FD },
        ];
        if filtered {
            mappings.push(FdMapping { parent_fd: ready.filters.allowed()?, child_fd: bwrap::ALLOWED_FD });
            mappings.push(FdMapping { parent_fd: ready.filters.missing()?, child_fd: bwrap::MISSING_FD });
        }
        let mut step = Vec::new();
        if let Some(landlock) = &ready.landlock {
            mappings.push(FdMapping { parent_fd: landlock.step()?, child_fd: bwrap::STEP_FD });
            step = landlock.words(mounts);
        }
        let mut pipes = Vec::new();
        for number in 0..program.pipes.min(16) {
            let (ours, theirs) = std::io::pipe()?;
            pipes.push(ours);
            let child_fd = FIRST_PIPE + i32::try_from(number).unwrap_or_default();
            mappings.push(FdMapping { parent_fd: theirs.into(), child_fd });
        }
        Ok(Plumbing { stdout, stderr, pipes, info, go, out: Some((out.into(), err.into())), mappings, step })
    }
}

fn command(
    ready: &Ready,
    program: &Program,
    uid: Option<&Uid>,
    plumbing: &mut Plumbing,
) -> Result<Command, Error> {
    if program.command.is_empty() {
        return Err(Error::Invalid("there is nothing to run".into()));
    }
    let has_shell = found(&program.root, Path::new("bin/sh"));
    let mut command = match has_shell {
        true => Command::new(&ready.host.bwrap),
        // An image without a shell: util-linux sets the limits before bubblewrap.
        false => {
            let Limits { processes_max, open_files_max, .. } = program.limits;
            let mut command = Command::new("/usr/bin/prlimit");
            command.args(["--core=0", "--memlock=65536", &format!("--nofile={open_files_max}")]);
            command.arg(format!("--nproc={processes_max}"));
            if let Some(bytes) = program.limits.file_bytes_max {
                command.arg(format!("--fsize={bytes}"));
            }
            command.arg(&ready.host.bwrap);
            command
        }
    };
    command.args(["--args", &bwrap::ARGS_FD.to_string(), "--"]).args(&plumbing.step);
    if has_shell {
        command.args(["/bin/sh", "-c", &first_process(&program.limits, program.merge_output), "init"]);
    }
    let words = if has_shell { program.command.clone() } else { vec![located(program)?] };
    command
        .args(words)
        .args(if has_shell { &[] } else { &program.command[1..] })
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null());
    if let Some((out, err)) = plumbing.out.take() {
        command.stdout(out).stderr(err);
    }
    if let Some(uid) = uid {
        // The standard library drops the supplementary groups with them.
        command.uid(uid.uid).gid(uid.uid);
    }
    let mappings = std::mem::take(&mut plumbing.mappings);
    command.fd_mappings(mappings).map_err(|error| Error::Failed(error.to_string()))?;
    Ok(command)
}

/// Whether a root has a file, or a link to one; links are not followed out of it.
fn found(root: &Root, path: &Path) -> bool {
    let path = path.strip_prefix("/").unwrap_or(path);
    let there = |folder: &PathBuf| {
        // Where /bin is a link to /usr/bin.
        let others = [folder.join(path), folder.join("usr").join(path)];
        others.iter().any(|file| std::fs::symlink_metadata(file).is_ok_and(|known| !known.is_dir()))
    };
    match root {
        Root::Host => true,
        Root::Directory(folder) => there(folder),
        Root::Layers(layers) => layers.iter().any(there),
    }
}

/// The program by its whole path: without a shell nobody looks for it.
fn located(program: &Program) -> Result<String, Error> {
    let name = &program.command[0];
    if name.contains('/') {
        return Ok(program.working_directory.join(name).display().to_string());
    }
    let path = program.environment.get("PATH").map_or("/usr/local/bin:/usr/bin:/bin", String::as_str);
    let folders = path.split(':').filter(|folder| folder.starts_with('/'));
    let mut places = folders.map(|folder| Path::new(folder).join(name));
    let place = places.find(|place| found(&program.root, place));
    let place = place.ok_or_else(|| Error::Invalid(format!("there is no {name} in the image")))?;
    Ok(place.display().to_string())
}

/// The first process inside, as bubblewrap tells it.
async fn info_pid(info: PipeReader) -> Result<u32, Error> {
    let mut text = Vec::new();
    reader(info)?.take(64 * 1024).read_to_end(&mut text).await?;
    let info: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| Error::Failed(error.to_string()))?;
    let pid = info["child-pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
    pid.ok_or_else(|| Error::Failed("it did not say what it started".into()))
}

async fn said(stderr: &mut Reader) -> String {
    let mut text = Vec::new();
    let _ = env_timeout(stderr.take(4096).read_to_end(&mut text)).await;
    let text = String::from_utf8_lossy(&text);
    if text.trim().is_empty() { "it ended at once".into() } else { text.trim().to_owned() }
}

async fn env_timeout<T>(work: impl Future<Output = T>) -> Option<T> {
    // The host's time: what is waited for is a process of the host.
    haneul_env::Clock::real().timeout(SETUP_MAX, work).await
}

async fn listen(pid: u32, network: &Network) -> Result<Vec<Listener>, Error> {
    let bound = match network {
        Network::None => return Ok(Vec::new()),
        Network::Loopback(ports) => {
            let ports = ports.clone();
            let bound = tokio::task::spawn_blocking(move || inside::listen(pid, &ports)).await;
            bound.map_err(|error| Error::Failed(error.to_string()))?
        }
        Network::Host(count) => {
            let bind = || {
                let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
                listener.set_nonblocking(true)?;
                Ok(listener)
            };
            (0..*count).map(|_| bind()).collect()
        }
    };
    let bound = bound.map_err(|error| Error::Failed(format!("cannot listen in a sandbox: {error}")))?;
    bound.into_iter().map(|one| Ok(Listener::Tcp(tokio::net::TcpListener::from_std(one)?))).collect()
}

/// The sources of mounts, shown where the sandbox's user can walk to, until they are taken away.
pub(super) struct Staged {
    ready: Arc<Ready>,
    folder: Option<PathBuf>,
    shown: Arc<parking_lot::Mutex<Vec<PathBuf>>>,
}

impl Staged {
    fn new(ready: Arc<Ready>, number: u64) -> Staged {
        let folder = ready.stage.as_ref().map(|stage| stage.join(number.to_string()));
        Staged { ready, folder, shown: Arc::default() }
    }

    async fn place(&self, mounts: Vec<Mount>) -> Result<Vec<Placed>, Error> {
        let (folder, shown) = (self.folder.clone(), self.shown.clone());
        let stage = self.ready.stage.clone();
        let placed = self.ready.spawner.run(move || {
            let Some(folder) = folder else { return mounts.into_iter().map(unstaged).collect() };
            std::fs::create_dir(&folder)?;
            std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
            let mut placed = Vec::new();
            for (number, mount) in mounts.into_iter().enumerate() {
                let at = folder.join(number.to_string());
                placed.push(staged(mount, at, stage.as_deref(), &shown)?);
            }
            Ok(placed)
        });
        placed.await.map_err(|error| Error::Failed(format!("cannot mount: {error}")))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let shown = std::mem::take(&mut *self.shown.lock());
        let folder = self.folder.take();
        self.ready.spawner.later(move || {
            for target in shown.iter().rev() {
                spawner::hide(target);
            }
            if let Some(folder) = folder {
                let _ = std::fs::remove_dir(folder);
            }
        });
    }
}

fn staged(
    mount: Mount,
    at: PathBuf,
    stage: Option<&Path>,
    shown: &parking_lot::Mutex<Vec<PathBuf>>,
) -> std::io::Result<Placed> {
    let show = |source: &PathBuf, at: PathBuf| {
        // Everybody can walk to the system's own.
        let known = stage.is_some_and(|stage| source.starts_with(stage));
        if known || source.starts_with("/usr") || source.starts_with("/etc") {
            return Ok(source.clone());
        }
        spawner::show(source, &at).map_err(|error| of(source, &error))?;
        shown.lock().push(at.clone());
        Ok::<_, std::io::Error>(at)
    };
    Ok(match mount {
        Mount::ReadOnly { source, target } => Placed::ReadOnly { source: show(&source, at)?, target },
        Mount::Writable { source, target } => Placed::Writable { source: show(&source, at)?, target },
        Mount::Layers { sources, target } => match sources.as_slice() {
            [] => Placed::Symlink { to: "/var/empty".into(), at: target },
            [one] => Placed::ReadOnly { source: show(one, at)?, target },
            _ => {
                spawner::show_layers(&sources, &at)?;
                shown.lock().push(at.clone());
                Placed::ReadOnly { source: at, target }
            }
        },
        Mount::Memory { target, bytes } => Placed::Memory { target, bytes },
        Mount::Symlink { to, at } => Placed::Symlink { to, at },
    })
}

fn of(source: &Path, error: &std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), format!("{}: {error}", source.display()))
}

/// Without root there is no stage: paths are as they are.
fn unstaged(mount: Mount) -> std::io::Result<Placed> {
    Ok(match mount {
        Mount::ReadOnly { source, target } => Placed::ReadOnly { source, target },
        Mount::Writable { source, target } => Placed::Writable { source, target },
        Mount::Layers { sources, target } => match <[PathBuf; 1]>::try_from(sources) {
            Ok([source]) => Placed::ReadOnly { source, target },
            Err(_) => return Err(std::io::Error::other("several layers can only be mounted by root")),
        },
        Mount::Memory { target, bytes } => Placed::Memory { target, bytes },
        Mount::Symlink { to, at } => Placed::Symlink { to, at },
    })
}
