//! Files. Everything durable goes through [`Fs`], so that a test can put a lossy disk under it.
//!
//! The API is synchronous: callers run it on threads of their own, never on the async runtime's. What is promised is
//! what POSIX promises and no more: bytes are safe after [`File::sync_data`], names after [`Fs::sync_dir`] of the
//! directory that holds them. [`SimDisk`] takes away everything else.
//!
//! Reading order: this file (the handles), [`real`], [`sim`] (the control of the lossy disk), [`gather`] (many callers, one sync),
//! [`direct`] (durable writes past the cache).

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::Rng;

mod direct;
mod gather;
mod real;
mod sim;
mod sim_tree;

pub use direct::{BLOCK, DIRECT_BYTES_MAX, Direct};
pub use gather::Gather;
pub use sim::{Fault, SimDisk};

/// The file system of one cloud. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Fs {
    disk: Arc<dyn Disk>,
    sim: Option<SimDisk>,
    /// Directories whose names, up to the root, were made safe through this. A simulated disk crashes under
    /// a running process, and has none.
    safe: Arc<Mutex<BTreeSet<PathBuf>>>,
}

/// How to open a file. Every form but `Read` can write too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// It must exist.
    Read,
    /// It must exist.
    Write,
    /// Made when it does not exist.
    Create,
    /// It must not exist.
    CreateNew,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub is_dir: bool,
}

/// An open file. Cheap to clone; closed when the last clone is dropped.
#[derive(Clone)]
pub struct File(Arc<dyn FileIo>);

/// Holds an exclusive lock until dropped, or until the process ends.
pub struct Lock {
    _held: Box<dyn Send + Sync>,
}

/// What a disk must be able to do; [`Fs`] adds the conveniences.
trait Disk: Send + Sync {
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn FileIo>>;
    /// See [`Fs::open_cached`].
    fn open_cached(&self, path: &Path) -> io::Result<Option<Arc<dyn FileIo>>>;
    /// See [`Fs::open_direct`].
    fn open_direct(&self, path: &Path) -> io::Result<Option<Arc<dyn FileIo>>>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>>;
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>>;
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

trait FileIo: Send + Sync {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
    /// See [`File::read_cached_at`].
    fn read_cached_at(&self, into: &mut [u8], offset: u64) -> io::Result<bool>;
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    fn set_len(&self, len: u64) -> io::Result<()>;
    fn len(&self) -> io::Result<u64>;
    fn sync_data(&self) -> io::Result<()>;
    /// See [`File::punch`].
    fn punch(&self, offset: u64, len: u64) -> io::Result<bool>;
    fn allocated(&self) -> io::Result<u64>;
}

impl Fs {
    /// The host's file system.
    pub fn real() -> Fs {
        Fs { disk: Arc::new(real::RealDisk), sim: None, safe: Arc::default() }
    }

    /// An empty disk in memory that keeps what is synced apart from what is not; see [`Fs::sim`].
    pub fn simulated(rng: Rng) -> Fs {
        let sim = SimDisk::new(rng);
        Fs { disk: Arc::new(sim.clone()), sim: Some(sim), safe: Arc::default() }
    }

    /// The control of a simulated disk: crashes and faults. `None` for the host's file system.
    pub fn sim(&self) -> Option<&SimDisk> {
        self.sim.as_ref()
    }

    /// Makes the directory and its parents. Their names are safe only after [`Fs::sync_dir`] of each parent;
    /// [`Fs::create_dir_all_synced`] does both.
    pub fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir_all(path)
    }

    /// Makes the directory and its parents, and makes sure that they survive a crash. One that is there already may not
    /// have been synced by who made it: each is synced once by each process.
    pub fn create_dir_all_synced(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir_all(path)?;
        for dir in path.ancestors() {
            let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) else { break };
            if self.safe.lock().contains(dir) {
                break;
            }
            match self.disk.sync_dir(parent) {
                // A parent that may not be opened (`/` in a container, say) was not made here either.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
                other => other?,
            }
        }
        if self.sim.is_none() {
            self.safe.lock().extend(path.ancestors().map(Path::to_owned));
        }
        Ok(())
    }

    pub fn open(&self, path: &Path, how: Open) -> io::Result<File> {
        self.disk.open(path, how).map(File)
    }

    /// Opens a file for reading if that can be done without waiting for the disk: it may be called on the runtime's
    /// threads. `None` says nothing about the file.
    pub fn open_cached(&self, path: &Path) -> io::Result<Option<File>> {
        Ok(self.disk.open_cached(path)?.map(File))
    }

    /// Opens a file that exists for durable writes past the page cache. What is read through another handle is what was
    /// written. `None` where the file system cannot do that.
    pub fn open_direct(&self, path: &Path) -> io::Result<Option<Direct>> {
        Ok(self.disk.open_direct(path)?.map(Direct::new))
    }

    /// Replaces `to` when it exists.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    pub fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_file(path)
    }

    /// Removes the directory with all it holds; no error when it does not exist.
    pub fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.safe.lock().retain(|safe| !safe.starts_with(path));
        match self.disk.remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// The names in a directory, sorted. Names that are not UTF-8 are left out: we make none.
    pub fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = self.disk.list(dir)?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Makes creations, renames and removals in `dir` survive a crash.
    pub fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }

    /// Takes the lock on the file `path`, making it when needed. `None` when another holder has it, in this process or
    /// in another. The lock goes with the process, however it ends.
    pub fn try_lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        Ok(self.disk.try_lock(path)?.map(|held| Lock { _held: held }))
    }

    /// Bytes that an unprivileged process can still write to the file system of `path`.
    pub fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.disk.free_bytes(path)
    }

    /// Whole content of a file of at most `max` bytes; `None` when it does not exist.
    pub fn read(&self, path: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
        let file = match self.open(path, Open::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let len = file.len()?;
        if len > max {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("{len} bytes, expected at most {max}"),
            ));
        }
        let mut bytes = vec![0; len as usize];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(Some(bytes))
    }

    /// Puts `bytes` in place of `path` at once: after a crash the file is the old one or the new one, whole.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let Some(dir) = path.parent() else { return Err(io::ErrorKind::InvalidInput.into()) };
        let temporary = path.with_extension("new");
        let file = self.open(&temporary, Open::Create)?;
        file.set_len(0)?;
        file.write_at(bytes, 0)?;
        file.sync_data()?;
        self.rename(&temporary, path)?;
        self.sync_dir(dir)
    }
}

impl File {
    /// Reads up to `into.len()` bytes; fewer only at the end of the file.
    pub fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < into.len() {
            match self.0.read_at(&mut into[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    pub fn read_exact_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        if self.read_at(into, offset)? < into.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Fills `into` if that can be done without waiting for the disk, and says whether it did: the one call of a file
    /// that may be made on the runtime's threads, as [`Fs::open_cached`] may.
    pub fn read_cached_at(&self, into: &mut [u8], offset: u64) -> io::Result<bool> {
        self.0.read_cached_at(into, offset)
    }

    /// Writes all of `bytes`, extending the file when needed.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    pub fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    pub fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    pub fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Makes the content and the length survive a crash. After an error nothing is known of what was written since
    /// the last success, and a second call may lie: give up on the file.
    pub fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    /// Gives back the room of a range inside the file, which reads as zeros from then on; durable with the next
    /// [`File::sync_data`]. `false` when the file system cannot do that: then nothing has changed.
    pub fn punch(&self, offset: u64, len: u64) -> io::Result<bool> {
        self.0.punch(offset, len)
    }

    /// Bytes of the disk that the content takes, without what was punched out and never written.
    pub fn allocated(&self) -> io::Result<u64> {
        self.0.allocated()
    }
}
