//! The LSM tree behind the log: the only file that knows the `lsm-tree` crate.
//!
//! Two rules of the crate that are easy to break. A snapshot reads the newest state of the tree older than itself, so
//! a memtable may only be rotated between commits, by the thread that commits. And the crate raises a "visible" counter
//! of its own when it flushes, even in the middle of a commit: it gets one that nobody reads.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use lsm_tree::compaction::Leveled;
use lsm_tree::config::PartitioningPolicy;
use lsm_tree::{AbstractTree, AnyTree, Cache, Config, Guard, SequenceNumberCounter};

use crate::StoreError;
use crate::engine::{KeyRange, Pair, Version, Write};

pub(super) struct Tree {
    tree: AnyTree,
    dir: PathBuf,
    /// Versions and the tree's own changes of state take their numbers from here.
    numbers: SequenceNumberCounter,
    strategy: Arc<Leveled>,
}

/// A range that is being read, as of one version.
pub(super) struct Walk {
    /// What was not read yet.
    pub(super) left: KeyRange,
    pairs: Box<dyn DoubleEndedIterator<Item = lsm_tree::IterGuardImpl> + Send>,
}

/// Tables up to this size in all are read and checked whole at the start.
const VERIFIED_AT_START_BYTES: u64 = 32 * 1024 * 1024;

/// Of tables: as the strategy that merges has it.
const TABLE_BYTES: u64 = 64 * 1024 * 1024;

/// More than this is not merged at once: commits may have to wait for it.
const SETTLED_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

impl Tree {
    pub(super) fn create(dir: &Path, cache_bytes: u64) -> Result<Tree, StoreError> {
        Tree::with(dir, cache_bytes)
    }

    /// Opens a tree that must be there.
    pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<Tree, StoreError> {
        check_version_file(dir)?;
        // The crate expects some things of files whose checksum it has not looked at yet.
        let opened = std::panic::catch_unwind(|| Tree::with(dir, cache_bytes));
        let tree = opened.unwrap_or_else(|_| Err(damaged(dir, "it does not open")))?;
        if let Some(highest) = tree.highest_in_tables() {
            tree.numbers.fetch_max(highest + 1);
        }
        tree.verify(VERIFIED_AT_START_BYTES)?;
        Ok(tree)
    }

    fn with(dir: &Path, cache_bytes: u64) -> Result<Tree, StoreError> {
        let numbers = SequenceNumberCounter::new(1);
        let unread = SequenceNumberCounter::default();
        let config = Config::new(dir, numbers.clone(), unread)
            .use_cache(Arc::new(Cache::with_capacity_bytes(cache_bytes)))
            .index_block_partitioning_policy(in_parts())
            .filter_block_partitioning_policy(in_parts());
        let tree = config.open().map_err(|error| failure(dir, error, true))?;
        Ok(Tree { tree, dir: dir.to_owned(), numbers, strategy: Arc::default() })
    }

    pub(super) fn next_version(&self) -> Version {
        self.numbers.next()
    }

    /// The number before the next one: nothing newer is in the tree.
    pub(super) fn last_number(&self) -> Version {
        self.numbers.get() - 1
    }

    pub(super) fn raise_numbers(&self, above: Version) {
        self.numbers.fetch_max(above + 1);
    }

    /// Everything up to here is in tables.
    pub(super) fn highest_in_tables(&self) -> Option<Version> {
        self.tree.get_highest_persisted_seqno()
    }

    pub(super) fn get(&self, key: &[u8], version: Version) -> Result<Option<Bytes>, StoreError> {
        let found = self.tree.get(key, version + 1).map_err(|error| failure(&self.dir, error, false))?;
        Ok(found.map(Bytes::from))
    }

    /// Begins to read a range.
    pub(super) fn walk(&self, range: &KeyRange, version: Version) -> Walk {
        let pairs = self.tree.range(range.start.clone()..range.end.clone(), version + 1, None);
        Walk { left: range.clone(), pairs }
    }

    /// The next pairs, fewer than `limit` at the end.
    pub(super) fn advance(&self, walk: &mut Walk, limit: usize) -> Result<Vec<Pair>, StoreError> {
        let pair = |guard: lsm_tree::IterGuardImpl| {
            let (key, value) = guard.into_inner().map_err(|error| failure(&self.dir, error, false))?;
            Ok((Bytes::from(key), Bytes::from(value)))
        };
        let found: Result<Vec<Pair>, StoreError> = if walk.left.reverse {
            walk.pairs.by_ref().rev().take(limit).map(pair).collect()
        } else {
            walk.pairs.by_ref().take(limit).map(pair).collect()
        };
        if let Ok(found) = &found
            && let Some((last, _)) = found.last()
        {
            walk.left.pass(last);
        }
        found
    }

    /// All pairs of a range, if they have no more than `bytes_max` bytes.
    pub(super) fn scan_whole(
        &self,
        range: &KeyRange,
        bytes_max: usize,
        version: Version,
    ) -> Result<Option<Vec<Pair>>, StoreError> {
        let (mut all, mut bytes) = (Vec::new(), 0);
        for guard in self.tree.range(range.start.clone()..range.end.clone(), version + 1, None) {
            let (key, value) = guard.into_inner().map_err(|error| failure(&self.dir, error, false))?;
            bytes += key.len() + value.len();
            if bytes > bytes_max {
                return Ok(None);
            }
            all.push((Bytes::from(key), Bytes::from(value)));
        }
        Ok(Some(all))
    }

    /// Puts a commit into the memtable; the committer's alone. Returns the memtable's size in bytes.
    pub(super) fn apply(&self, version: Version, writes: &[Write]) -> u64 {
        let mut size = 0;
        for write in writes {
            (_, size) = match &write.value {
                Some(value) => self.tree.insert(write.key.clone(), value.clone(), version),
                None => self.tree.remove(write.key.clone(), version),
            };
        }
        size
    }

    pub(super) fn memtable_bytes(&self) -> u64 {
        self.tree.active_memtable().size()
    }

    /// Begins a new memtable; the committer's alone, between commits. False when there was nothing in it.
    pub(super) fn rotate(&self) -> bool {
        self.tree.rotate_memtable().is_some()
    }

    /// Writes all full memtables to durable tables.
    pub(super) fn flush(&self, oldest: Version) -> Result<(), StoreError> {
        let lock = self.tree.get_flush_lock();
        self.tree.flush(&lock, oldest + 1).map_err(|error| failure(&self.dir, error, false))?;
        Ok(())
    }

    /// Merges tables where the tree's shape asks for it. False when there was nothing to do.
    pub(super) fn compact(&self, oldest: Version) -> Result<bool, StoreError> {
        let before = self.tree.current_version().id();
        self.tree
            .compact(self.strategy.clone(), oldest + 1)
            .map_err(|error| failure(&self.dir, error, false))?;
        Ok(self.tree.current_version().id() != before)
    }

    /// Whether much of the tree is not in its last level, and all of it can be merged in a few seconds.
    pub(super) fn is_worth_settling(&self, from_bytes: u64) -> bool {
        let version = self.tree.current_version();
        let last = version.iter_levels().last();
        let last: u64 = last
            .into_iter()
            .flat_map(|level| level.iter())
            .flat_map(|run| run.iter())
            .map(|table| table.metadata.file_size)
            .sum();
        let total = self.tree.disk_space();
        let recent = total.saturating_sub(last) + self.memtable_bytes();
        recent >= from_bytes.max(total / 16) && total <= SETTLED_BYTES_MAX
    }

    /// Merges all tables into one run of the last level.
    pub(super) fn settle(&self, oldest: Version) -> Result<(), StoreError> {
        self.tree.major_compact(TABLE_BYTES, oldest + 1).map_err(|error| failure(&self.dir, error, false))
    }

    /// Runs of tables that every read has to look into.
    pub(super) fn recent_runs(&self) -> usize {
        self.tree.l0_run_count()
    }

    /// Lets go of states of the tree that only views before `oldest` could see.
    pub(super) fn forget(&self, oldest: Version) -> Result<(), StoreError> {
        let mut states = self.tree.get_version_history_lock();
        states.maintenance(&self.dir, oldest + 1).map_err(|error| failure(&self.dir, error, false))
    }

    /// Reads the tables and compares them with the checksums taken when they were written, if they have at most
    /// `bytes_max` bytes in all. Blocks of a larger tree are checked when they are read.
    pub(super) fn verify(&self, bytes_max: u64) -> Result<(), StoreError> {
        if self.tree.disk_space() > bytes_max {
            return Ok(());
        }
        let version = self.tree.current_version();
        for table in version.iter_tables() {
            if checksum_of(&table.path)? != table.checksum().into_u128() {
                return Err(damaged(&self.dir, &format!("table {} is not what was written", table.id())));
            }
        }
        Ok(())
    }
}

/// Indexes and filters of tables below the first level lie in blocks of 4 KiB. Whole, those of one table are more than
/// a megabyte, and a tree of some gigabytes reads one of them for nearly every key: the cache holds few.
fn in_parts() -> PartitioningPolicy {
    PartitioningPolicy::new([false, true])
}

/// Compares the list of tables with its checksum, which the crate keeps but does not look at.
fn check_version_file(dir: &Path) -> Result<(), StoreError> {
    let current = match std::fs::read(dir.join("current")) {
        Ok(current) => current,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(damaged(dir, "the file `current` is missing"));
        }
        Err(error) => return Err(error.into()),
    };
    let wrong = || damaged(dir, "the file `current` is wrong");
    let (id, rest) = current.split_first_chunk::<8>().ok_or_else(wrong)?;
    let (checksum, kind) = rest.split_first_chunk::<16>().ok_or_else(wrong)?;
    if kind != [0] {
        return Err(wrong());
    }
    let path = dir.join(format!("v{}", u64::from_le_bytes(*id)));
    if !path.try_exists()? || checksum_of(&path)? != u128::from_le_bytes(*checksum) {
        return Err(damaged(dir, "the list of tables is not what was written"));
    }
    Ok(())
}

fn checksum_of(path: &Path) -> Result<u128, StoreError> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.digest128()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn damaged(dir: &Path, what: &str) -> StoreError {
    StoreError::Damaged(format!("tree {}: {what}", dir.display()))
}

fn failure(dir: &Path, error: lsm_tree::Error, opening: bool) -> StoreError {
    match error {
        // When opening, a file that is not there or ends early is one that was.
        lsm_tree::Error::Io(error) if opening && is_of_content(error.kind()) => {
            damaged(dir, &error.to_string())
        }
        lsm_tree::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            damaged(dir, &error.to_string())
        }
        lsm_tree::Error::Io(error) => error.into(),
        other => damaged(dir, &other.to_string()),
    }
}

fn is_of_content(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind;
    matches!(kind, ErrorKind::NotFound | ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::Other)
}
