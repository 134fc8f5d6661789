use std::ffi::OsString;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, memfd_create};

use super::etc;
use crate::{Mount, Network, Program, Root};

/// The user and group that AWS runs functions as.
pub const INSIDE_UID: u32 = 993;
pub const INSIDE_GID: u32 = 990;

/// Descriptors of bubblewrap's own. High, so that they never meet those of the program.
pub(super) const ARGS_FD: i32 = 60;
pub(super) const INFO_FD: i32 = 61;
pub(super) const BLOCK_FD: i32 = 62;
pub(super) const ALLOWED_FD: i32 = 63;
pub(super) const MISSING_FD: i32 = 64;
/// Of what bubblewrap starts before the program ([`super::landlock`]).
pub(super) const STEP_FD: i32 = 65;

/// A mount whose source is what bubblewrap will find it at.
pub(super) enum Placed {
    ReadOnly { source: PathBuf, target: PathBuf },
    Writable { source: PathBuf, target: PathBuf },
    Memory { target: PathBuf, bytes: u64 },
    Symlink { to: PathBuf, at: PathBuf },
}

/// What bubblewrap is told, but for the program itself: given by descriptor, because argument lists can be read by
/// every user of the host and the environment holds credentials.
pub(super) fn arguments(program: &Program, mounts: &[Placed], filtered: bool) -> Vec<OsString> {
    let mut args = Args::default();
    args.all(["--unshare-user", "--uid", &INSIDE_UID.to_string(), "--gid", &INSIDE_GID.to_string()]);
    args.all(["--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"]);
    args.all(["--die-with-parent", "--new-session", "--as-pid-1", "--hostname", "sandbox", "--clearenv"]);
    if !matches!(program.network, Network::Host(_)) {
        args.all(["--unshare-net"]);
    }
    for (name, value) in &program.environment {
        args.all(["--setenv", name, value]);
    }
    for mount in mounts {
        match mount {
            Placed::ReadOnly { source, target } => args.paths("--ro-bind", source, target),
            Placed::Writable { source, target } => args.paths("--bind", source, target),
            Placed::Symlink { to, at } => args.paths("--symlink", to, at),
            Placed::Memory { target, bytes } => {
                args.all(["--perms", "0700", "--size", &bytes.to_string(), "--tmpfs"]);
                args.path(target);
            }
        }
    }
    // After the root's own, so that an image cannot bring devices or a /proc of its own.
    args.all(["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]);
    args.all(["--remount-ro", "/", "--chdir"]);
    args.path(&program.working_directory);
    args.all(["--info-fd", &INFO_FD.to_string(), "--block-fd", &BLOCK_FD.to_string()]);
    if filtered {
        args.all(["--add-seccomp-fd", &ALLOWED_FD.to_string(), "--add-seccomp-fd", &MISSING_FD.to_string()]);
    }
    args.0
}

/// Where the root's own parts come from, before the program's mounts.
pub(super) fn root_mounts(root: &Root, etc: &Path) -> Vec<Mount> {
    let read_only = |source: PathBuf, target: PathBuf| Mount::ReadOnly { source, target };
    match root {
        Root::Directory(folder) => vec![read_only(folder.clone(), "/".into())],
        Root::Layers(layers) => vec![Mount::Layers { sources: layers.clone(), target: "/".into() }],
        Root::Host => {
            let mut mounts = vec![read_only("/usr".into(), "/usr".into())];
            for name in ["bin", "sbin", "lib", "lib32", "lib64"] {
                let (at, usr) = (Path::new("/").join(name), Path::new("usr").join(name));
                match std::fs::symlink_metadata(&at) {
                    Ok(known) if known.is_symlink() => mounts.push(Mount::Symlink { to: usr, at }),
                    // A host whose /usr is not merged.
                    Ok(_) => mounts.push(read_only(at.clone(), at)),
                    Err(_) => {}
                }
            }
            mounts.extend(etc::mounts(etc).map(|(source, target)| read_only(source, target)));
            mounts
        }
    }
}

/// The arguments as `--args` wants them.
pub(super) fn sealed(args: &[OsString]) -> std::io::Result<OwnedFd> {
    let mut bytes = Vec::new();
    for arg in args {
        if arg.as_bytes().contains(&0) {
            return Err(std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                "an argument, a path or a variable contains a zero byte",
            ));
        }
        bytes.extend_from_slice(arg.as_bytes());
        bytes.push(0);
    }
    in_memory("arguments", &bytes)
}

pub(super) fn in_memory(name: &str, bytes: &[u8]) -> std::io::Result<OwnedFd> {
    let mut file = std::fs::File::from(memfd_create(name, MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    std::io::Seek::rewind(&mut file)?;
    Ok(file.into())
}

#[derive(Default)]
struct Args(Vec<OsString>);

impl Args {
    fn all<const N: usize>(&mut self, words: [&str; N]) {
        self.0.extend(words.into_iter().map(OsString::from));
    }

    fn path(&mut self, path: &Path) {
        self.0.push(path.as_os_str().to_owned());
    }

    fn paths(&mut self, option: &str, from: &Path, to: &Path) {
        self.0.push(option.into());
        self.path(from);
        self.path(to);
    }
}
