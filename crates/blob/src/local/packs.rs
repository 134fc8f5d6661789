//! Small blobs, many in one file: what a file of its own costs each (a name, an inode, a sync of both) these share.
//!
//! A pack is a file of pages. An entry begins at a page and takes whole ones: the blob's id, then what would be in a file of its
//! own ([`super::format`]), then zeros. Its place is in the id, so nothing has to be looked up. One thread writes what has
//! gathered while the last sync ran, and syncs once for all. A deleted blob's pages are punched out of the file, and a pack without
//! pages is removed: nothing is ever moved.
//!
//! Packs count with the directories of the runs, and like these belong to one run: a sweep after a crash looks only at those of
//! the runs that nobody has vouched for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use haneul_env::Fs;
use haneul_env::fs::{File, Open};
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::dirs::Dirs;
use super::format::{BLOCK, HEADER, STORED_BLOCK_MAX};
use super::pool::Pool;
use super::writing::Writing;
use crate::id::{PACK, Place};
use crate::{BlobError, BlobId};

/// Content bytes of the largest blob in a pack: one block.
pub(crate) const PACKED_MAX: usize = BLOCK;

/// What entries are multiples of, and file systems give back.
pub(crate) const PAGE: usize = 4096;

/// Bytes of the id before the blob's header.
pub(crate) const ENTRY_HEAD: usize = 16;

/// Pages of a pack before the next is begun: 256 MiB.
const PACK_PAGES_MAX: u32 = 64 * 1024;

/// Packs that are held open.
const OPEN_MAX: usize = 128;

/// The packs of one root.
pub(crate) struct Packs {
    shared: Arc<Shared>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

pub(super) struct Shared {
    fs: Fs,
    dirs: Dirs,
    root: PathBuf,
    pub(super) state: Mutex<State>,
    pub(super) wake: Condvar,
    pub(super) pool: Arc<Pool>,
    open: Mutex<BTreeMap<u32, File>>,
}

pub(super) struct State {
    /// Where the next entry goes.
    pack: u32,
    page: u32,
    pub(super) waiting: Vec<Job>,
    /// Entries that have a place and are not written yet, by pack: such a pack is not empty, whatever is in it.
    under_way: BTreeMap<u32, usize>,
    pub(super) closing: bool,
}

/// An entry on its way to the disk.
pub(super) struct Job {
    pub(super) given: Given,
    pub(super) entry: Vec<u8>,
    pub(super) done: oneshot::Sender<Result<(), BlobError>>,
}

/// A place that nobody else is given.
pub(crate) struct Given {
    shared: Arc<Shared>,
    pub(crate) place: Place,
}

impl Packs {
    /// `None` where the file system gives no room of a file back.
    pub(crate) fn open(
        fs: &Fs,
        dirs: &Dirs,
        root: &Path,
        pool: &Arc<Pool>,
    ) -> Result<Option<Packs>, BlobError> {
        if numbers(fs, root)?.is_empty() && !punches(fs, root) {
            return Ok(None);
        }
        let state = State {
            pack: PACK | dirs.first_of_run(),
            page: 0,
            waiting: Vec::new(),
            under_way: BTreeMap::new(),
            closing: false,
        };
        let shared = Arc::new(Shared {
            fs: fs.clone(),
            dirs: dirs.clone(),
            root: root.to_owned(),
            state: Mutex::new(state),
            wake: Condvar::new(),
            pool: pool.clone(),
            open: Mutex::default(),
        });
        Ok(Some(Packs { shared, thread: Mutex::default() }))
    }

    /// A place for an entry of so many bytes.
    pub(crate) fn give(&self, bytes: usize) -> Given {
        let pages = bytes.div_ceil(PAGE).max(1) as u8;
        let mut state = self.shared.state.lock();
        if state.page + u32::from(pages) > PACK_PAGES_MAX {
            state.pack += 1;
            state.page = 0;
        }
        let place = Place { pack: state.pack, page: state.page, pages };
        state.page += u32::from(pages);
        *state.under_way.entry(place.pack).or_default() += 1;
        drop(state);
        Given { shared: self.shared.clone(), place }
    }

    /// Writes an entry to its place. It is durable when the answer says so.
    pub(crate) fn write(
        &self,
        given: Given,
        entry: Vec<u8>,
    ) -> Result<oneshot::Receiver<Result<(), BlobError>>, BlobError> {
        let (done, written) = oneshot::channel();
        {
            let mut thread = self.thread.lock();
            if thread.is_none() {
                let writing = Writing::new(self.shared.clone());
                *thread =
                    Some(std::thread::Builder::new().name("packs".to_owned()).spawn(move || writing.run())?);
            }
        }
        let mut state = self.shared.state.lock();
        state.waiting.push(Job { given, entry, done });
        // The thread sleeps only when nothing waits.
        if state.waiting.len() == 1 {
            self.shared.wake.notify_one();
        }
        Ok(written)
    }

    /// The file of a pack, and where in it the blob's header is.
    pub(crate) fn file_of(&self, id: BlobId, place: Place) -> Result<(File, u64), BlobError> {
        match self.shared.file(place.pack)? {
            Some(file) => Ok((file, place.content_at())),
            None => Err(BlobError::NotFound(id)),
        }
    }

    /// The same where no disk has to be waited for.
    pub(crate) fn file_of_cached(&self, place: Place) -> Option<(File, u64)> {
        let open = self.shared.open.lock();
        open.get(&place.pack).map(|file| (file.clone(), place.content_at()))
    }

    /// Gives the pages back, durably. What is not there is no error.
    pub(crate) fn delete(&self, mut places: Vec<Place>) -> Result<(), BlobError> {
        places.sort_unstable();
        places.dedup();
        let mut removed = false;
        for places in places.chunk_by(|a, b| a.pack == b.pack) {
            let pack = places[0].pack;
            let Some(file) = self.shared.file(pack)? else { continue };
            for (page, pages) in runs(places) {
                file.punch(u64::from(page) * PAGE as u64, u64::from(pages) * PAGE as u64)?;
            }
            file.sync_data()?;
            removed |= self.shared.remove_if_empty(pack, &file)?;
        }
        if removed {
            self.shared.fs.sync_dir(&self.shared.root)?;
        }
        Ok(())
    }

    /// Takes a blob back of which nobody knows. Best effort.
    pub(crate) fn discard(&self, place: Place) {
        self.shared.discard(place);
    }

    /// Blobs of the packs that count from `from` on, and not yet those of this run: in order, those after `after`. Pages that
    /// no blob claims were being written when the power went; they are given back.
    pub(crate) fn suspects(
        &self,
        from: u32,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<Vec<BlobId>, BlobError> {
        let mut found = Vec::new();
        for pack in self.shared.earlier(from)? {
            if found.len() >= limit || after.is_some_and(|after| pack < after.dir()) {
                continue;
            }
            let Some(file) = self.shared.file(pack)? else { continue };
            let ids = entries(&file, pack)?;
            let taken = ids.iter().filter(|id| Some(**id) > after).take(limit - found.len());
            found.extend(taken);
        }
        Ok(found)
    }

    /// Removes the earlier packs that have no pages.
    pub(crate) fn swept(&self, from: u32) -> Result<(), BlobError> {
        let mut removed = false;
        for pack in self.shared.earlier(from)? {
            if let Some(file) = self.shared.file(pack)? {
                removed |= self.shared.remove_if_empty(pack, &file)?;
            }
        }
        if removed {
            self.shared.fs.sync_dir(&self.shared.root)?;
        }
        Ok(())
    }
}

impl Drop for Packs {
    fn drop(&mut self) {
        self.shared.state.lock().closing = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            // A panic in it has been printed, and every caller was told.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn path(&self, pack: u32) -> PathBuf {
        self.root.join(format!("{pack:08x}.pack"))
    }

    /// The file of a pack to read and to write, if there is one.
    fn file(&self, pack: u32) -> Result<Option<File>, BlobError> {
        if let Some(file) = self.open.lock().get(&pack) {
            return Ok(Some(file.clone()));
        }
        match self.fs.open(&self.path(pack), Open::Write) {
            Ok(file) => {
                self.keep_open(pack, &file);
                Ok(Some(file))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the file of a pack.
    pub(super) fn create(&self, pack: u32) -> Result<File, BlobError> {
        self.dirs.note_packs()?;
        let file = self.fs.open(&self.path(pack), Open::Create)?;
        self.fs.sync_dir(&self.root)?;
        self.keep_open(pack, &file);
        Ok(file)
    }

    fn keep_open(&self, pack: u32, file: &File) {
        let mut open = self.open.lock();
        open.insert(pack, file.clone());
        if open.len() > OPEN_MAX {
            open.pop_first();
        }
    }

    /// The numbers of the packs of earlier runs that count from `from` on, in order.
    fn earlier(&self, from: u32) -> Result<Vec<u32>, BlobError> {
        let mut packs = numbers(&self.fs, &self.root)?;
        packs.retain(|pack| (from..self.dirs.first_of_run()).contains(&(pack & !PACK)));
        Ok(packs)
    }

    pub(super) fn discard(&self, place: Place) {
        if let Ok(Some(file)) = self.file(place.pack) {
            let _ = file.punch(u64::from(place.page) * PAGE as u64, u64::from(place.pages) * PAGE as u64);
        }
    }

    /// Of this pack nothing is known any more: new entries go to the next.
    pub(super) fn give_up(&self, pack: u32) {
        let mut state = self.state.lock();
        if state.pack == pack {
            state.pack += 1;
            state.page = 0;
        }
    }

    fn remove_if_empty(&self, pack: u32, file: &File) -> Result<bool, BlobError> {
        // Under the lock: nobody is given a place in a pack that is not the newest.
        let state = self.state.lock();
        if state.pack == pack || state.under_way.contains_key(&pack) || file.allocated()? > 0 {
            return Ok(false);
        }
        self.open.lock().remove(&pack);
        match self.fs.remove_file(&self.path(pack)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            other => Ok(other.map(|()| true)?),
        }
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        if let Some(count) = state.under_way.get_mut(&self.place.pack) {
            *count -= 1;
            if *count == 0 {
                state.under_way.remove(&self.place.pack);
            }
        }
    }
}

impl Place {
    /// Where the blob's header is in the pack.
    fn content_at(self) -> u64 {
        u64::from(self.page) * PAGE as u64 + ENTRY_HEAD as u64
    }

    /// Bytes from there on that may be the blob's: to the end of its last page, but no more than the largest one has.
    pub(crate) fn room(self) -> usize {
        (usize::from(self.pages) * PAGE - ENTRY_HEAD).min(HEADER + STORED_BLOCK_MAX)
    }
}

/// The numbers of the packs under `root`, in order.
pub(super) fn numbers(fs: &Fs, root: &Path) -> Result<Vec<u32>, BlobError> {
    let entries = fs.list(root)?;
    let names =
        entries.iter().filter(|entry| !entry.is_dir).filter_map(|entry| entry.name.strip_suffix(".pack"));
    let mut numbers: Vec<u32> = names.filter_map(|name| u32::from_str_radix(name, 16).ok()).collect();
    numbers.retain(|number| crate::id::is_pack(*number));
    numbers.sort_unstable();
    Ok(numbers)
}

/// Runs of pages that follow one another.
fn runs(places: &[Place]) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for place in places {
        match runs.last_mut() {
            Some((page, pages)) if *page + *pages == place.page => *pages += u32::from(place.pages),
            _ => runs.push((place.page, u32::from(place.pages))),
        }
    }
    runs
}

/// The blobs of a pack that nobody writes to, whether they were finished or not. What is between them is given back.
fn entries(file: &File, pack: u32) -> Result<Vec<BlobId>, BlobError> {
    let pages = u32::try_from(file.len()?.div_ceil(PAGE as u64)).unwrap_or(u32::MAX);
    let (mut found, mut page) = (Vec::new(), 0);
    let mut unclaimed: Vec<(u32, u32)> = Vec::new();
    while page < pages {
        let mut head = [0; ENTRY_HEAD];
        file.read_at(&mut head, u64::from(page) * PAGE as u64)?;
        let id = BlobId::from_bytes(head);
        match id.place().filter(|place| place.pack == pack && place.page == page) {
            Some(place) => {
                found.push(id);
                page += u32::from(place.pages);
            }
            None => {
                match unclaimed.last_mut() {
                    Some((from, count)) if *from + *count == page => *count += 1,
                    _ => unclaimed.push((page, 1)),
                }
                page += 1;
            }
        }
    }
    for (page, pages) in &unclaimed {
        file.punch(u64::from(*page) * PAGE as u64, u64::from(*pages) * PAGE as u64)?;
    }
    if !unclaimed.is_empty() {
        // Once all is swept nobody looks here again.
        file.sync_data()?;
    }
    Ok(found)
}

/// Whether the file system can take a part out of a file. One on which that cannot be tried, as it is full, is taken for one
/// that cannot: it is asked again at the next start.
fn punches(fs: &Fs, root: &Path) -> bool {
    let path = root.join("punch");
    let punches = fs.open(&path, Open::Create).and_then(|file| file.punch(0, PAGE as u64)).unwrap_or(false);
    let _ = fs.remove_file(&path);
    punches
}

// An entry's pages are counted in one byte of the id.
const _: () = assert!(ENTRY_HEAD + HEADER + STORED_BLOCK_MAX <= 255 * PAGE);
