use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use haneul_env::fs::{File, Open};
use haneul_env::{Fs, Rng};
use parking_lot::{Condvar, Mutex};

use super::packs;
use crate::id::PACK;
use crate::{BlobError, BlobId};

/// Blobs in one directory before the next is begun.
pub const DIR_FILES_MAX: u32 = 16 * 1024;

/// The directories of one root, as one writer sees them: where the blob's name was given, it makes that one.
#[derive(Clone)]
pub(crate) struct Dirs {
    tree: Arc<Tree>,
    named: Option<BlobId>,
}

/// The directories and the names in them.
pub(crate) struct Tree {
    fs: Fs,
    rng: Rng,
    root: PathBuf,
    /// The first directory of this run.
    first_of_run: u32,
    current: Mutex<Current>,
    syncs: Mutex<BTreeMap<u32, Arc<DirSync>>>,
    /// Directories that were made for names that were given.
    made: Mutex<BTreeSet<u32>>,
    /// The file `suspects` says that there are packs, which versions before them do not know.
    has_packs: Mutex<bool>,
}

/// Set in the number of a directory whose blobs are in one pool only; the next seven bits say which. The rest counts.
const ONE_POOL: u32 = 1 << 31;
const COUNT_BITS: u32 = 24;

/// The number of a directory for blobs of one pool.
pub(crate) fn of_one_pool(pool: usize, count: u32) -> u32 {
    ONE_POOL | (pool as u32) << COUNT_BITS | count
}

/// The pool that has the only copy of what is in a directory.
pub(crate) fn only_pool(dir: u32) -> Option<usize> {
    (dir & ONE_POOL != 0).then_some((dir >> COUNT_BITS & 0x7f) as usize)
}

/// How a directory counts among those of all runs.
fn count_of(dir: u32) -> u32 {
    if dir & ONE_POOL != 0 { dir & ((1 << COUNT_BITS) - 1) } else { dir & !PACK }
}

/// What the file `suspects` begins with.
const WITHOUT_PACKS: &str = "haneul-blobs 1 ";
const WITH_PACKS: &str = "haneul-blobs 2 ";

struct Current {
    dir: u32,
    files: u32,
}

/// The syncs of one directory. Who comes while one runs waits for the next, which does for all who wait.
#[derive(Default)]
struct DirSync {
    state: Mutex<DirSyncState>,
    ended: Condvar,
}

#[derive(Default)]
struct DirSyncState {
    started: u64,
    finished: u64,
    running: bool,
    /// A sync that failed says nothing about the names any more: nor may a later one.
    failed: Option<BlobError>,
}

impl Dirs {
    pub(crate) fn open(fs: Fs, rng: Rng, root: &Path) -> Result<Dirs, BlobError> {
        fs.create_dir_all_synced(root)?;
        let first_of_run = last(&fs, root)? + 1;
        Dirs::open_from(fs, rng, root, first_of_run)
    }

    /// With the number of this run's first directory, which several roots have in common.
    pub(crate) fn open_from(fs: Fs, rng: Rng, root: &Path, first_of_run: u32) -> Result<Dirs, BlobError> {
        let last = first_of_run - 1;
        let fs_of_packs = fs.clone();
        let dirs = Tree {
            fs,
            rng,
            root: root.to_owned(),
            first_of_run,
            current: Mutex::new(Current { dir: first_of_run, files: 0 }),
            syncs: Mutex::default(),
            made: Mutex::new(BTreeSet::from([first_of_run])),
            has_packs: Mutex::new(!packs::numbers(&fs_of_packs, root)?.is_empty()),
        };
        dirs.fs.create_dir_all_synced(&dirs.path(first_of_run))?;
        if dirs.first_suspect()?.is_none() {
            // A directory of blobs without it is one that lost it: then everything is suspect.
            dirs.set_first_suspect(if last == 0 { first_of_run } else { 1 })?;
        }
        Ok(Dirs { tree: Arc::new(dirs), named: None })
    }

    /// The same for a blob whose name is known before it is made.
    pub(crate) fn named(&self, id: BlobId) -> Dirs {
        Dirs { tree: self.tree.clone(), named: Some(id) }
    }

    /// Makes the file of a new blob.
    pub(crate) fn create(&self) -> Result<(BlobId, File), BlobError> {
        match self.named {
            Some(id) => Ok((id, self.tree.create_as(id)?)),
            None => self.tree.create(),
        }
    }
}

impl Deref for Dirs {
    type Target = Tree;

    fn deref(&self) -> &Tree {
        &self.tree
    }
}

impl Tree {
    /// Makes the file of a blob of this name. The root must be there: what is in its place when a disk is gone is not it.
    pub(crate) fn create_as(&self, id: BlobId) -> Result<File, BlobError> {
        let dir = id.dir();
        if !self.made.lock().contains(&dir) {
            self.fs.list(&self.root)?;
            self.fs.create_dir_all(&self.path(dir))?;
            self.fs.sync_dir(&self.root)?;
            self.made.lock().insert(dir);
        }
        Ok(self.fs.open(&self.blob_path(id), Open::CreateNew)?)
    }

    /// The number of the first directory and the first pack of this run.
    pub(crate) fn first_of_run(&self) -> u32 {
        self.first_of_run
    }

    pub(crate) fn rng(&self) -> &Rng {
        &self.rng
    }

    /// To be called before the first pack is made: from then on a version that does not know packs refuses the directory,
    /// instead of missing what is in them.
    pub(crate) fn note_packs(&self) -> Result<(), BlobError> {
        let mut noted = self.has_packs.lock();
        if !*noted {
            let first = self.first_suspect()?.unwrap_or(1);
            self.write_first_suspect(first, WITH_PACKS)?;
            *noted = true;
        }
        Ok(())
    }

    /// The numbers of all directories, in order.
    pub(crate) fn numbers(&self) -> Result<Vec<u32>, BlobError> {
        numbers(&self.fs, &self.root)
    }

    /// The blobs of a directory in order, finished or not; none of one that is not there.
    pub(crate) fn blobs_in(&self, dir: u32) -> Result<Vec<BlobId>, BlobError> {
        let names = match self.fs.list(&self.path(dir)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let ids = names.iter().filter_map(|entry| entry.name.parse::<BlobId>().ok());
        let mut ids: Vec<BlobId> = ids.filter(|id| id.dir() == dir).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Makes the file of a new blob, of a name of our own.
    fn create(&self) -> Result<(BlobId, File), BlobError> {
        let dir = {
            let mut current = self.current.lock();
            if current.files >= DIR_FILES_MAX {
                let next = current.dir + 1;
                self.fs.create_dir_all(&self.path(next))?;
                self.fs.sync_dir(&self.root)?;
                *current = Current { dir: next, files: 0 };
            }
            current.files += 1;
            current.dir
        };
        let id = BlobId::new(dir, u128::from_be_bytes(self.rng.bytes()));
        let file = self.fs.open(&self.blob_path(id), Open::CreateNew)?;
        Ok((id, file))
    }

    /// Makes the name of a blob durable.
    pub(crate) fn sync_name(&self, id: BlobId) -> Result<(), BlobError> {
        self.sync(id.dir())
    }

    /// Takes an unfinished blob back. Best effort: what stays is swept after the next start.
    pub(crate) fn discard(&self, id: BlobId) {
        let _ = self.fs.remove_file(&self.blob_path(id));
    }

    pub(crate) fn open_blob(&self, id: BlobId) -> Result<File, BlobError> {
        match self.fs.open(&self.blob_path(id), Open::Read) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(BlobError::NotFound(id)),
            other => Ok(other?),
        }
    }

    /// The same without waiting for the disk; `None` says nothing about the blob.
    pub(crate) fn open_blob_cached(&self, id: BlobId) -> Result<Option<File>, BlobError> {
        match self.fs.open_cached(&self.blob_path(id)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(BlobError::NotFound(id)),
            other => Ok(other?),
        }
    }

    pub(crate) fn check_room(&self, len: u64) -> Result<(), BlobError> {
        if self.fs.free_bytes(&self.root)? < len { Err(BlobError::Full) } else { Ok(()) }
    }

    pub(crate) fn delete(&self, ids: &[BlobId]) -> Result<(), BlobError> {
        let mut touched: Vec<u32> = Vec::new();
        for id in ids {
            match self.fs.remove_file(&self.blob_path(*id)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                other => other?,
            }
            touched.push(id.dir());
        }
        touched.sort_unstable();
        touched.dedup();
        for dir in touched {
            match self.sync(dir) {
                // A directory that is not there holds no name.
                Err(BlobError::NotFound(_)) => {}
                other => other?,
            }
        }
        Ok(())
    }

    pub(crate) fn suspects(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobId>, BlobError> {
        let from = self.first_suspect()?.unwrap_or(1);
        let mut found = Vec::new();
        for dir in numbers(&self.fs, &self.root)? {
            // A page begins where the last one ended, in the order of the names.
            let is_seen = after.is_some_and(|after| dir < after.dir());
            let count = count_of(dir);
            if is_seen || count < from || count >= self.first_of_run || found.len() >= limit {
                continue;
            }
            let names = self.fs.list(&self.path(dir))?;
            let ids = names.iter().filter_map(|entry| entry.name.parse::<BlobId>().ok());
            found.extend(ids.filter(|id| id.dir() == dir && Some(*id) > after));
        }
        found.sort_unstable();
        found.truncate(limit);
        Ok(found)
    }

    pub(crate) fn swept(&self) -> Result<(), BlobError> {
        let from = self.first_suspect()?.unwrap_or(1);
        for dir in numbers(&self.fs, &self.root)? {
            // Directories that a start made and nothing was left in.
            if (from..self.first_of_run).contains(&count_of(dir)) && self.fs.list(&self.path(dir))?.is_empty()
            {
                self.fs.remove_dir_all(&self.path(dir))?;
            }
        }
        self.set_first_suspect(self.first_of_run)
    }

    pub(crate) fn first_suspect(&self) -> Result<Option<u32>, BlobError> {
        let Some(bytes) = self.fs.read(&self.root.join("suspects"), 64)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        let rest = text.strip_prefix(WITHOUT_PACKS).or_else(|| text.strip_prefix(WITH_PACKS));
        let number = rest.and_then(|rest| rest.trim_end().parse().ok());
        number.map(Some).ok_or_else(|| {
            let path = self.root.display();
            BlobError::Unusable(format!("{path} is not a blob directory that this version of haneul can use"))
        })
    }

    fn set_first_suspect(&self, dir: u32) -> Result<(), BlobError> {
        let noted = self.has_packs.lock();
        self.write_first_suspect(dir, if *noted { WITH_PACKS } else { WITHOUT_PACKS })
    }

    fn write_first_suspect(&self, dir: u32, format: &str) -> Result<(), BlobError> {
        Ok(self.fs.replace(&self.root.join("suspects"), format!("{format}{dir}\n").as_bytes())?)
    }

    fn sync(&self, dir: u32) -> Result<(), BlobError> {
        let sync = self.syncs.lock().entry(dir).or_default().clone();
        let path = self.path(dir);
        let done = sync.wait(|| match self.fs.sync_dir(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => Ok(other?),
        });
        // The map must not grow with every directory that was ever deleted from.
        if count_of(dir) < self.current.lock().dir {
            self.syncs.lock().remove(&dir);
        }
        done
    }

    fn path(&self, dir: u32) -> PathBuf {
        self.root.join(format!("{dir:08x}"))
    }

    fn blob_path(&self, id: BlobId) -> PathBuf {
        let mut path = self.path(id.dir());
        path.push(id.to_string());
        path
    }
}

impl DirSync {
    fn wait(&self, sync: impl Fn() -> Result<(), BlobError>) -> Result<(), BlobError> {
        let mut state = self.state.lock();
        // One that has started already may have missed what this caller did.
        let wanted = state.started + 1;
        loop {
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            if state.finished >= wanted {
                return Ok(());
            }
            if state.running {
                self.ended.wait(&mut state);
                continue;
            }
            state.running = true;
            state.started += 1;
            let number = state.started;
            drop(state);
            let done = sync();
            state = self.state.lock();
            state.running = false;
            match done {
                Ok(()) => state.finished = number,
                Err(error) => state.failed = Some(error),
            }
            self.ended.notify_all();
        }
    }
}

/// The highest count of a directory or pack that is there.
pub(crate) fn last(fs: &Fs, root: &Path) -> Result<u32, BlobError> {
    let all = numbers(fs, root)?.into_iter().chain(packs::numbers(fs, root)?);
    Ok(all.map(count_of).max().unwrap_or(0))
}

/// The directories' numbers, in order.
fn numbers(fs: &Fs, root: &Path) -> Result<Vec<u32>, BlobError> {
    let entries = fs.list(root)?;
    let dirs = entries.iter().filter(|entry| entry.is_dir && entry.name.len() == 8);
    let mut numbers: Vec<u32> = dirs.filter_map(|entry| u32::from_str_radix(&entry.name, 16).ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}
