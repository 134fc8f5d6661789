use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use haneul_env::Env;

use crate::namespaces::Namespaces;
use crate::plain::Plain;
use crate::{BoxFuture, Network, Program, Started};

/// Starts programs. One for each host; shared by all that run something.
pub trait Sandbox: Send + Sync {
    fn start(&self, program: Program) -> BoxFuture<'_, Result<Started, Error>>;

    /// What keeps a program here from everything else, in words for the operator.
    fn describe(&self) -> String;

    /// Whether a program sees a file system of its own, so that mounts can be placed anywhere in it.
    fn isolates(&self) -> bool;

    /// Why nothing can be started on this host, with what to install; `None` when all is there.
    fn missing(&self) -> Option<String>;

    /// As [`Sandbox::missing`], for programs with this network.
    fn missing_for(&self, _network: &Network) -> Option<String> {
        self.missing()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The host lacks something; the sentence says what to install or to set.
    Unavailable(String),
    /// The [`Program`] cannot be run as it is.
    Invalid(String),
    /// It may work another time.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unavailable(why) | Error::Invalid(why) | Error::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        Error::Failed(error.to_string())
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Namespaces; nothing runs where they are not to be had.
    #[default]
    Namespaces,
    /// None at all: programs are children of ours with our own rights. Only for who trusts all of them.
    None,
}

#[derive(Clone, Debug)]
pub struct Options {
    pub isolation: Isolation,
    /// A folder of ours for files that all sandboxes share; made when it is not there.
    pub state_dir: PathBuf,
    /// The first of a range of user ids of the host that belong to nobody else; each sandbox runs as one of them.
    /// Only used by root.
    pub first_uid: u32,
    /// Guards that are left out: for tests, which show by it what each of them keeps in. Never for programs of others.
    pub without: Vec<Guard>,
}

/// One layer among those around a program in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The list of system calls.
    Seccomp,
    /// The list of files.
    Landlock,
}

impl Options {
    pub fn new(state_dir: PathBuf) -> Options {
        Options { isolation: Isolation::default(), state_dir, first_uid: 0x4841_0000, without: Vec::new() }
    }
}

/// The sandbox of this host.
pub fn detect(env: &Env, options: Options) -> Arc<dyn Sandbox> {
    match options.isolation {
        Isolation::Namespaces => Arc::new(Namespaces::new(env, options)),
        Isolation::None => {
            tracing::warn!("programs of users run WITHOUT ANY ISOLATION, with the rights of this process");
            Arc::new(Plain::new(env))
        }
    }
}
