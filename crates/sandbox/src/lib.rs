//! Runs somebody's program where it can harm nobody.
//!
//! A [`Program`] says what to run, over which files, with which limits and which network; a [`Sandbox`] starts it and
//! hands back a [`Started`]: its standard streams, the sockets that it can reach us by, and a [`Process`] to freeze,
//! measure, kill and wait for it.
//!
//! Reading order: [`program`] (what to run), [`process`] (what runs), [`sandbox`] (the trait and how a host's driver is
//! chosen); the drivers: [`namespaces`] (user, mount, pid, net, ipc, uts and cgroup namespaces, seccomp, control
//! groups, Landlock), [`plain`] (a child process without any isolation, for who asked for that), [`simulated`] (no process at
//! all, for tests). [`image`] unpacks directories, tar files and OCI layouts to run programs over. A driver of micro
//! virtual machines has its place beside them.
//!
//! What must never happen here: knowledge of who runs programs; a program that was started without one of the limits
//! that its [`Program`] names, unless the caller asked for no isolation at all; a process that outlives us.

pub mod connection;
pub mod image;
pub mod namespaces;
pub mod plain;
pub mod process;
pub mod program;
pub mod sandbox;
pub mod simulated;
mod spawner;
mod tree;

pub use connection::{Connection, Listener};
pub use process::{Exit, Process, Started, Usage};
pub use program::{Limits, Mount, Network, Program, Root};
pub use sandbox::{Error, Guard, Isolation, Options, Sandbox, detect};

/// A boxed future, for traits that must be object-safe.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
