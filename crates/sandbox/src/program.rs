use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What to run.
#[derive(Clone)]
pub struct Program {
    /// For logs and the names of control groups: letters, digits, `-`.
    pub name: String,
    /// The program, by its path inside, and its arguments.
    pub command: Vec<String>,
    /// All of its environment; nothing of ours is inherited.
    pub environment: BTreeMap<String, String>,
    pub working_directory: PathBuf,
    pub root: Root,
    /// In this order, later ones over earlier ones.
    pub mounts: Vec<Mount>,
    pub limits: Limits,
    pub network: Network,
    /// Standard error goes where standard output goes, in order.
    pub merge_output: bool,
    /// Further pipes that the program writes and we read, as descriptors [`FIRST_PIPE`] and up.
    pub pipes: usize,
}

/// The descriptor of the first of [`Program::pipes`] in the program.
pub const FIRST_PIPE: i32 = 3;

/// What the program takes for `/`. Always read-only: what it may write is mounted.
#[derive(Clone, Debug)]
pub enum Root {
    /// The host's `/usr`, and an `/etc` with what interpreters need and nothing that is the host's own.
    Host,
    /// A file system in a folder, which has `proc`, `dev` and what is mounted over.
    Directory(PathBuf),
    /// Folders over one another, the last on top: an unpacked image ([`crate::image::Image::unpack`]).
    Layers(Vec<PathBuf>),
}

#[derive(Clone, Debug)]
pub enum Mount {
    ReadOnly {
        source: PathBuf,
        target: PathBuf,
    },
    Writable {
        source: PathBuf,
        target: PathBuf,
    },
    /// A file system in memory of at most `bytes`, writable by the program.
    Memory {
        target: PathBuf,
        bytes: u64,
    },
    /// Directories over one another, the last on top, read-only.
    Layers {
        sources: Vec<PathBuf>,
        target: PathBuf,
    },
    Symlink {
        to: PathBuf,
        at: PathBuf,
    },
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of all processes together, without what lies in [`Mount::Memory`]; more ends the program
    /// ([`crate::Exit::OutOfMemory`]).
    pub memory_bytes: u64,
    /// Processes and threads.
    pub processes_max: u32,
    pub open_files_max: u64,
    /// Largest file that may be written.
    pub file_bytes_max: Option<u64>,
    /// A share of the processors when they are wanted by many: 1024 is one full share.
    pub cpu_weight: u32,
    /// At most so many thousandths of one processor; `None` for what is idle.
    pub cpu_millis: Option<u32>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory_bytes: 512 << 20,
            processes_max: 1024,
            open_files_max: 1024,
            file_bytes_max: None,
            cpu_weight: 1024,
            cpu_millis: None,
        }
    }
}

#[derive(Clone, Debug)]
pub enum Network {
    /// A loopback interface of its own, and nobody on it.
    None,
    /// A loopback interface of its own, on which we listen on these TCP ports.
    Loopback(Vec<u16>),
    /// The host's network, all of it, and we listen on ports that the host chooses.
    Host(usize),
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Program({} {:?}, environment withheld)", self.name, self.command)
    }
}
