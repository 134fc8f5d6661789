use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::sim_tree::{InodeId, Node, Tree};
use super::{Disk, Entry, FileIo, Open};
use crate::Rng;

/// Controls a disk in memory that loses what was not synced.
///
/// What a crash leaves of unsynced writes and names is drawn from the `Rng`: nothing, the first few, any subset, or
/// everything, with writes torn at any byte or page. Handles and locks from before the crash fail for ever.
#[derive(Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

/// A fault that the next operations meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The n-th operation from now (0 is the next one) that reads or writes fails with EIO.
    IoError { after: u64 },
    /// The n-th sync of a file from now fails; some of what it should have made safe never will be.
    SyncError { after: u64 },
    /// The disk cuts the power before the n-th write, sync or change of names from now: it and all later ones fail.
    PowerCut { after: u64 },
}

struct State {
    tree: Tree,
    rng: Rng,
    /// Counts crashes: a handle of an earlier life is refused.
    life: u64,
    locks: Vec<PathBuf>,
    capacity: u64,
    faults: Vec<Fault>,
    dead: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Read,
    Write,
    Sync,
    Naming,
}

impl SimDisk {
    pub(super) fn new(rng: Rng) -> SimDisk {
        SimDisk(Arc::new(Mutex::new(State {
            tree: Tree::default(),
            rng,
            life: 0,
            locks: Vec::new(),
            capacity: u64::MAX,
            faults: Vec::new(),
            dead: false,
        })))
    }

    /// Cuts the power and turns it on again. Clears the faults.
    pub fn crash(&self) {
        let state = &mut *self.0.lock();
        state.tree.crash(&state.rng);
        state.life += 1;
        state.locks.clear();
        state.faults.clear();
        state.dead = false;
    }

    pub fn inject(&self, fault: Fault) {
        self.0.lock().faults.push(fault);
    }

    /// Writes beyond this many bytes in all fail with ENOSPC.
    pub fn set_capacity(&self, bytes: u64) {
        self.0.lock().capacity = bytes;
    }

    /// Damages the durable content of a file.
    pub fn flip_bit(&self, path: &Path, offset: u64, bit: u8) {
        let state = &mut *self.0.lock();
        if let Some(Node::File(id)) = state.tree.names.get(path)
            && let Some(inode) = state.tree.inodes.get_mut(id)
        {
            inode.flip_bit(offset as usize, bit);
        }
    }

    /// All files by name, with their current length.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let state = self.0.lock();
        let files = state.tree.names.iter().filter_map(|(path, node)| match node {
            Node::File(id) => Some((path.clone(), state.tree.inodes[id].current.len() as u64)),
            Node::Dir => None,
        });
        files.collect()
    }
}

impl State {
    /// Meets the faults that are due.
    fn enter(&mut self, operation: Operation) -> io::Result<()> {
        if self.dead {
            return Err(io::Error::other("the simulated power is off"));
        }
        let mut failed = None;
        self.faults.retain_mut(|fault| {
            let (after, hit) = match fault {
                Fault::IoError { after } => (after, operation != Operation::Naming),
                Fault::SyncError { after } => (after, operation == Operation::Sync),
                Fault::PowerCut { after } => (after, operation != Operation::Read),
            };
            if hit && *after == 0 {
                failed = Some(*fault);
                return false;
            }
            if hit {
                *after -= 1;
            }
            true
        });
        match failed {
            None => Ok(()),
            Some(Fault::PowerCut { .. }) => {
                self.dead = true;
                Err(io::Error::other("the simulated power went off"))
            }
            Some(_) => Err(io::Error::from_raw_os_error(EIO)),
        }
    }

    fn room_for(&self, more: u64) -> io::Result<()> {
        if self.capacity != u64::MAX && self.tree.bytes_used().saturating_add(more) > self.capacity {
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        Ok(())
    }
}

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

impl Disk for SimDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.enter(Operation::Naming)?;
        let mut missing: Vec<&Path> = path.ancestors().take_while(|p| !state.tree.is_dir(p)).collect();
        while let Some(dir) = missing.pop() {
            if state.tree.names.contains_key(dir) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            state.tree.make_dir(dir);
        }
        Ok(())
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn FileIo>> {
        let mut state = self.0.lock();
        let found = state.tree.names.get(path).copied();
        let inode = match (found, how) {
            (Some(Node::Dir), _) => return Err(io::ErrorKind::IsADirectory.into()),
            (Some(Node::File(_)), Open::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(Node::File(id)), _) => id,
            (None, Open::Read | Open::Write) => return Err(io::ErrorKind::NotFound.into()),
            (None, Open::Create | Open::CreateNew) => {
                if !path.parent().is_some_and(|dir| state.tree.is_dir(dir)) {
                    return Err(io::ErrorKind::NotFound.into());
                }
                state.enter(Operation::Naming)?;
                state.tree.make_file(path)
            }
        };
        Ok(Arc::new(SimFile { disk: self.clone(), inode, life: state.life }))
    }

    /// Half of the names are in memory: both ways are to be tested.
    fn open_cached(&self, path: &Path) -> io::Result<Option<Arc<dyn FileIo>>> {
        let cached = path.as_os_str().as_encoded_bytes().last().is_some_and(|byte| byte % 2 == 0);
        if cached { self.open(path, Open::Read).map(Some) } else { Ok(None) }
    }

    fn open_direct(&self, path: &Path) -> io::Result<Option<Arc<dyn FileIo>>> {
        self.open(path, Open::Write).map(Some)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.enter(Operation::Naming)?;
        state.tree.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.enter(Operation::Naming)?;
        match state.tree.names.get(path) {
            Some(Node::File(_)) => {
                state.tree.unlink(path);
                Ok(())
            }
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.enter(Operation::Naming)?;
        let below: Vec<PathBuf> = state.tree.names.keys().filter(|p| p.starts_with(path)).cloned().collect();
        if below.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        for path in below.iter().rev() {
            state.tree.unlink(path);
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut state = self.0.lock();
        state.enter(Operation::Read)?;
        if !state.tree.is_dir(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let entries = state.tree.names.iter().filter(|(path, _)| path.parent() == Some(dir));
        let entries = entries.filter_map(|(path, node)| {
            Some(Entry { name: path.file_name()?.to_str()?.to_owned(), is_dir: *node == Node::Dir })
        });
        Ok(entries.collect())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        if !state.tree.is_dir(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.enter(Operation::Naming)?;
        state.tree.sync_dir(dir);
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        Disk::open(self, path, Open::Create)?;
        let mut state = self.0.lock();
        if state.locks.iter().any(|locked| locked == path) {
            return Ok(None);
        }
        state.locks.push(path.to_owned());
        Ok(Some(Box::new(SimLock { disk: self.clone(), path: path.to_owned(), life: state.life })))
    }

    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        let state = self.0.lock();
        Ok(state.capacity.saturating_sub(state.tree.bytes_used()))
    }
}

struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    life: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.0.lock();
        if state.life == self.life {
            state.locks.retain(|locked| *locked != self.path);
        }
    }
}

struct SimFile {
    disk: SimDisk,
    inode: InodeId,
    life: u64,
}

impl SimFile {
    fn with<T>(
        &self,
        operation: Operation,
        work: impl FnOnce(&mut State, InodeId) -> io::Result<T>,
    ) -> io::Result<T> {
        let state = &mut *self.disk.0.lock();
        if state.life != self.life {
            return Err(io::Error::other("the file was opened before the crash"));
        }
        if let Err(error) = state.enter(operation) {
            if operation == Operation::Sync && !state.dead {
                let rng = state.rng.clone();
                state.tree.inodes.get_mut(&self.inode).expect("open files exist").sync_and_fail(&rng);
            }
            return Err(error);
        }
        work(state, self.inode)
    }
}

impl FileIo for SimFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(Operation::Read, |state, inode| {
            let content = &state.tree.inodes[&inode].current;
            let Some(from) = content.get(offset as usize..) else { return Ok(0) };
            let count = from.len().min(into.len());
            into[..count].copy_from_slice(&from[..count]);
            Ok(count)
        })
    }

    /// Half of the file is in memory: both ways are to be tested.
    fn read_cached_at(&self, into: &mut [u8], offset: u64) -> io::Result<bool> {
        let cached = self.len()? / 2;
        Ok(offset + into.len() as u64 <= cached && self.read_at(into, offset)? == into.len())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.with(Operation::Write, |state, inode| {
            let len = state.tree.inodes[&inode].current.len() as u64;
            state.room_for((offset + bytes.len() as u64).saturating_sub(len))?;
            state.tree.inodes.get_mut(&inode).expect("open files exist").write(offset as usize, bytes);
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with(Operation::Write, |state, inode| {
            let now = state.tree.inodes[&inode].current.len() as u64;
            state.room_for(len.saturating_sub(now))?;
            state.tree.inodes.get_mut(&inode).expect("open files exist").set_len(len as usize);
            Ok(())
        })
    }

    fn len(&self) -> io::Result<u64> {
        self.with(Operation::Read, |state, inode| Ok(state.tree.inodes[&inode].current.len() as u64))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(Operation::Sync, |state, inode| {
            state.tree.inodes.get_mut(&inode).expect("open files exist").sync();
            Ok(())
        })
    }

    fn punch(&self, offset: u64, len: u64) -> io::Result<bool> {
        self.with(Operation::Write, |state, inode| {
            state.tree.inodes.get_mut(&inode).expect("open files exist").punch(offset as usize, len as usize);
            Ok(true)
        })
    }

    fn allocated(&self) -> io::Result<u64> {
        self.with(Operation::Read, |state, inode| Ok(state.tree.inodes[&inode].allocated()))
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
