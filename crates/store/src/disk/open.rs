use std::path::Path;
use std::sync::Arc;

use haneul_env::{Env, Fs};
use parking_lot::{Condvar, Mutex};

use super::committer::Committer;
use super::manifest::{FORMAT, MIGRATIONS, Manifest};
use super::rows::Rows;
use super::tree::Tree;
use super::{Checkpoint, DiskEngine, Shared, wal};
use crate::StoreError;
use crate::log::{Log, LogOptions, Position};

#[derive(Debug, Clone)]
pub struct DiskOptions {
    /// A memtable of this size goes to disk.
    pub memtable_bytes: u64,
    /// Blocks of tables kept in memory.
    pub cache_bytes: u64,
    /// Rows kept in memory.
    pub rows_bytes: u64,
    pub log: LogOptions,
}

impl Default for DiskOptions {
    fn default() -> DiskOptions {
        let log = LogOptions { segment_bytes: 32 * 1024 * 1024, ..LogOptions::default() };
        let memory = memory_bytes();
        let (cache_bytes, rows_bytes) = (cache_bytes(memory), rows_bytes(memory));
        DiskOptions { memtable_bytes: 16 * 1024 * 1024, cache_bytes, rows_bytes, log }
    }
}

/// Blocks in the cache are unpacked and checked, which those in the system's page cache are not: a random read of a table
/// that is larger than this costs half as much again. It fills only as far as there is something to read.
fn cache_bytes(memory: Option<u64>) -> u64 {
    const MIB: u64 = 1024 * 1024;
    (memory.unwrap_or(0) / 32).clamp(64 * MIB, 512 * MIB)
}

/// An eighth of the memory: what a database takes by itself for the same is a quarter to a half. It fills only with what
/// is read and written.
fn rows_bytes(memory: Option<u64>) -> u64 {
    const MIB: u64 = 1024 * 1024;
    (memory.unwrap_or(0) / 8).clamp(64 * MIB, 4096 * MIB)
}

/// Of the machine, or what a control group leaves us of it.
fn memory_bytes() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = machine.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let machine = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group = group.and_then(|max| max.trim().parse().ok()).unwrap_or(u64::MAX);
    Some(machine.min(group))
}

impl DiskEngine {
    /// Opens the data directory, making it when it does not exist or is empty. Blocks.
    pub fn open(env: &Env, dir: &Path, options: DiskOptions) -> Result<(DiskEngine, Manifest), StoreError> {
        let fs = &env.fs;
        if fs.sim().is_some() {
            let what = "the tree's files are on the host's disk; a simulated one cannot hold them";
            return Err(StoreError::Unusable(what.to_owned()));
        }
        fs.create_dir_all_synced(dir)?;
        let Some(lock) = fs.try_lock(&dir.join("lock"))? else {
            let what = format!("{} is in use by another haneul: stop that one first", dir.display());
            return Err(StoreError::Locked(what));
        };
        let (manifest, made) = manifest(env, dir)?;
        let store = dir.join("store");
        let (log, tree, checkpoint) =
            if made { create(env, &store, &options)? } else { open(fs, &store, &options)? };
        if made {
            // The manifest comes last: from here on, all must be there.
            Manifest { complete: true, ..manifest.clone() }.write(fs, dir)?;
        }
        let visible = replay(&log, &tree, checkpoint)?;
        let rows = Rows::new(options.rows_bytes, env.rng.u64());
        let shared = Arc::new(Shared {
            fs: fs.clone(),
            dir: store,
            options,
            tree,
            rows,
            live: Default::default(),
            visible: visible.into(),
            scans: Default::default(),
            feed: Default::default(),
            queue: Mutex::default(),
            queued: Condvar::new(),
            committer: Mutex::default(),
            upkeep: Mutex::default(),
            upkeep_changed: Condvar::new(),
            wanted: Mutex::default(),
            wanted_changed: Condvar::new(),
            poisoned: Mutex::new(None),
            threads: Mutex::default(),
            lock: Mutex::new(Some(lock)),
        });
        shared.start_unsettled();
        let engine = DiskEngine { shared: shared.clone() };
        *shared.committer.lock() = Some(Committer::new(shared.clone(), log));
        engine.start("store-commit", {
            let shared = shared.clone();
            move || shared.run_commit()
        })?;
        engine.start("store-flush", {
            let shared = shared.clone();
            move || shared.run_flush()
        })?;
        engine.start("store-pages", {
            let shared = shared.clone();
            move || shared.run_pages()
        })?;
        engine.start("store-merge", move || shared.run_merge())?;
        Ok((engine, manifest))
    }

    fn start(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work)?;
        self.shared.threads.lock().push(thread);
        Ok(())
    }
}

/// The directory's manifest, and whether the store is yet to be made.
fn manifest(env: &Env, dir: &Path) -> Result<(Manifest, bool), StoreError> {
    let fs = &env.fs;
    match Manifest::read(fs, dir)? {
        Some(mut manifest) if manifest.complete => {
            manifest.migrate(fs, dir, &MIGRATIONS)?;
            Ok((manifest, false))
        }
        Some(manifest) => {
            fs.remove_dir_all(&dir.join("store"))?;
            Ok((manifest, true))
        }
        None => {
            let entries = fs.list(dir)?;
            if let Some(other) = entries.iter().find(|entry| !comes_before_the_store(&entry.name)) {
                return Err(StoreError::Unusable(format!(
                    "{} holds `{}` but no manifest: it is not a data directory of haneul, or its manifest is lost. \
                     Give an empty directory, or restore the manifest from a backup",
                    dir.display(),
                    other.name
                )));
            }
            let manifest = Manifest {
                format: FORMAT,
                created_by: env!("CARGO_PKG_VERSION").to_owned(),
                cloud_id: env.rng.uuid(),
                complete: false,
            };
            manifest.write(fs, dir)?;
            Ok((manifest, true))
        }
    }
}

/// Whether a directory with this name in it may still be a new one: what the store itself makes first, and what the
/// program makes around it (`haneul.lock`, the authority of its certificates).
fn comes_before_the_store(name: &str) -> bool {
    matches!(name, "lock" | "manifest.new" | "tls") || name.starts_with("haneul.")
}

fn create(env: &Env, store: &Path, options: &DiskOptions) -> Result<(Log, Tree, Checkpoint), StoreError> {
    env.fs.create_dir_all_synced(store)?;
    let log = Log::open(&env.fs, &store.join("log"), env.rng.u64() as u32, options.log.clone())?;
    let tree = Tree::create(&store.join("tree"), options.cache_bytes)?;
    let checkpoint = Checkpoint { position: Position::START, version: 0 };
    checkpoint.write(&env.fs, store)?;
    Ok((log, tree, checkpoint))
}

fn open(fs: &Fs, store: &Path, options: &DiskOptions) -> Result<(Log, Tree, Checkpoint), StoreError> {
    let checkpoint = Checkpoint::read(fs, store)?;
    // A crash between the two leaves segments that the checkpoint is past.
    let log_dir = store.join("log");
    let mut log = Log::open(fs, &log_dir, 0, LogOptions { must_exist: true, ..options.log.clone() })?;
    if checkpoint.position > log.end() || checkpoint.position.segment().max(1) < log.first_segment() {
        return Err(StoreError::Damaged(format!("{}: commits are missing", log_dir.display())));
    }
    log.drop_before(checkpoint.position.segment())?;
    let tree = Tree::open(&store.join("tree"), options.cache_bytes)?;
    Ok((log, tree, checkpoint))
}

/// Puts what is in the log and not in tables into the memtable. Returns the newest version.
fn replay(log: &Log, tree: &Tree, checkpoint: Checkpoint) -> Result<u64, StoreError> {
    let in_tables = tree.highest_in_tables().unwrap_or(0);
    let mut newest = in_tables.max(checkpoint.version);
    log.replay(checkpoint.position, |position, body| {
        let (version, writes) = wal::decode(body).ok_or_else(|| {
            StoreError::Damaged(format!("the log's record at {position:?} is not a commit"))
        })?;
        // What a table holds already must not come again in a newer one.
        if version > in_tables {
            tree.apply(version, &writes);
        }
        newest = newest.max(version);
        Ok(())
    })?;
    tree.raise_numbers(newest);
    Ok(newest)
}

impl Checkpoint {
    const MAGIC: &[u8; 8] = b"HNLCKPT\x01";

    pub(super) fn write(self, fs: &Fs, dir: &Path) -> Result<(), StoreError> {
        let mut bytes = Checkpoint::MAGIC.to_vec();
        bytes.extend_from_slice(&self.position.to_u64().to_le_bytes());
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        Ok(fs.replace(&dir.join("checkpoint"), &bytes)?)
    }

    fn read(fs: &Fs, dir: &Path) -> Result<Checkpoint, StoreError> {
        let path = dir.join("checkpoint");
        let damaged = || StoreError::Damaged(format!("{} is missing or wrong", path.display()));
        let bytes = fs.read(&path, 28)?.filter(|bytes| bytes.len() == 28).ok_or_else(damaged)?;
        let (content, crc) = bytes.split_at(24);
        if &content[..8] != Checkpoint::MAGIC || crc != crc32c::crc32c(content).to_le_bytes() {
            return Err(damaged());
        }
        let number = |at: usize| u64::from_le_bytes(content[at..at + 8].try_into().expect("eight bytes"));
        Ok(Checkpoint { position: Position::from_u64(number(8)), version: number(16) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_a_small_part_of_the_memory() {
        const GIB: u64 = 1 << 30;
        let sizes = [None, Some(GIB), Some(8 * GIB), Some(24 * GIB)].map(|memory| cache_bytes(memory) >> 20);
        assert_eq!(sizes, [64, 64, 256, 512]);
        let sizes = [None, Some(GIB), Some(8 * GIB), Some(64 * GIB)].map(|memory| rows_bytes(memory) >> 20);
        assert_eq!(sizes, [64, 128, 1024, 4096]);
        if cfg!(target_os = "linux") {
            assert!(memory_bytes().is_some_and(|bytes| bytes > 64 << 20), "{:?}", memory_bytes());
        }
    }
}
