//! The log of one owner: opens and repairs it, appends frames to its last segment, replays, reads, drops.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use haneul_env::Fs;
use haneul_env::fs::{BLOCK, File, Open};
use parking_lot::Mutex;

use crate::StoreError;
use crate::log::Position;
use crate::log::appender::Appender;
use crate::log::frame::{FrameBuilder, RECORD_HEADER, record, record_len, records};
use crate::log::segment::{SEGMENT_HEADER, SegmentHeader, SegmentReader};

#[derive(Debug, Clone)]
pub struct LogOptions {
    /// A segment that has reached this many bytes is followed by a new one.
    pub segment_bytes: u32,
    /// Bytes by which the file is made longer ahead of the writes, and filled with zeros, so that a sync has neither a
    /// length nor a block's place to write besides the data: measured, half of its CPU and wall time.
    pub grow_bytes: u32,
    /// The owner knows that the log was there before: a missing one is damage, not a first start.
    pub must_exist: bool,
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions { segment_bytes: 64 * 1024 * 1024, grow_bytes: 1024 * 1024, must_exist: false }
    }
}

/// A log with one writer. Synchronous: its owner gives it a thread.
pub struct Log {
    files: LogFiles,
    options: LogOptions,
    head: Head,
    file: File,
    appender: Appender,
    offset: u32,
    allocated: u64,
    /// Why nothing is accepted any more.
    poisoned: Option<String>,
    /// An empty frame stands after the last record.
    marked: bool,
    /// The segments before this one were to be deleted, and the disk was too full for it.
    left: u32,
}

/// The segments by number, for readers on any thread.
#[derive(Clone)]
pub struct LogFiles {
    fs: Fs,
    dir: Arc<Path>,
    open: Arc<Mutex<BTreeMap<u32, File>>>,
}

/// Open segments that are kept for reading.
const OPEN_MAX: usize = 64;

struct Head {
    seed: u32,
    first: u32,
    last: u32,
}

impl Log {
    /// Opens the log in `dir`, making it when there is none, and cuts off a torn tail. Damage is refused here when it
    /// is in the last segment, in [`Log::replay`] when it is in another.
    pub fn open(fs: &Fs, dir: &Path, seed: u32, options: LogOptions) -> Result<Log, StoreError> {
        fs.create_dir_all_synced(dir)?;
        let files = LogFiles { fs: fs.clone(), dir: dir.into(), open: Arc::default() };
        let head = match Head::read(fs, dir)? {
            Some(head) => head,
            None if options.must_exist || !files.segments()?.is_empty() => {
                return Err(damaged(dir, "the file `head` is missing"));
            }
            None => {
                let head = Head { seed, first: 1, last: 0 };
                head.write(fs, dir).map_err(|failure| failure.error)?;
                head
            }
        };
        files.check_presence(&head)?;
        if head.last == 0 {
            // The first start, or a crash in it: no segment was ever written to.
            let mut head = head;
            let header =
                SegmentHeader { seed: head.seed, id: 1, previous_end: 0, grow_bytes: options.grow_bytes };
            let file = files.create(&header)?;
            head.last = 1;
            head.write(fs, dir).map_err(|failure| failure.error)?;
            return Log::at(files, options, head, file, SEGMENT_HEADER as u32);
        }
        let file = files.get(head.last)?;
        let end = files.find_end(&head, &file)?;
        Log::at(files, options, head, file, end)
    }

    fn at(
        files: LogFiles,
        options: LogOptions,
        head: Head,
        file: File,
        offset: u32,
    ) -> Result<Log, StoreError> {
        let allocated = file.len()?;
        let appender = files.appender(&options, head.last, &file, offset)?;
        Ok(Log {
            files,
            options,
            head,
            file,
            appender,
            offset,
            allocated,
            poisoned: None,
            marked: false,
            left: 0,
        })
    }

    /// Where the next frame goes: all acknowledged records are before it.
    pub fn end(&self) -> Position {
        Position::new(self.head.last, self.offset)
    }

    /// The first segment that is kept.
    pub fn first_segment(&self) -> u32 {
        self.head.first
    }

    /// Whether an earlier failure keeps it from accepting anything.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned.is_some()
    }

    pub fn files(&self) -> &LogFiles {
        &self.files
    }

    /// Makes the frame durable and returns its position; a record's is that plus its offset in the frame. Clears the
    /// frame. After a full disk the log goes on; after any other failure it accepts nothing more.
    pub fn append(&mut self, frame: &mut FrameBuilder) -> Result<Position, StoreError> {
        if let Some(why) = &self.poisoned {
            frame.clear();
            return Err(StoreError::Poisoned(why.clone()));
        }
        let appended = self.try_append(frame);
        frame.clear();
        if let Err(error) = &appended {
            self.note(error);
        }
        appended.map_err(|failure| failure.error)
    }

    fn note(&mut self, failure: &Failure) {
        if failure.unknown {
            self.poisoned = Some(failure.error.to_string());
        }
    }

    fn try_append(&mut self, frame: &mut FrameBuilder) -> Result<Position, Failure> {
        if self.left > 0 {
            // It may need the room, and fails by itself when there is none.
            let _ = self.drop_before(self.left);
        }
        if self.offset > SEGMENT_HEADER as u32
            && u64::from(self.offset) + frame.len() as u64 > u64::from(self.options.segment_bytes)
        {
            self.rotate()?;
        }
        let position = self.end();
        let bytes = frame.seal(self.head.seed, position);
        let end = u64::from(self.offset) + bytes.len() as u64;
        if end > u64::from(u32::MAX) {
            return Err(Failure::clean(StoreError::TooLarge {
                what: "frame",
                size: bytes.len(),
                max: u32::MAX as usize,
            }));
        }
        if end > self.allocated {
            let allocated = end.next_multiple_of(u64::from(self.options.grow_bytes));
            self.file.set_len(allocated).map_err(Failure::of_write)?;
            // Before anything is written behind the old end: what is left of that by a power cut must not make the file
            // longer by less than a step, which would look as if it had been cut short.
            self.file.sync_data().map_err(Failure::of_sync)?;
            if let Err(error) = write_zeros(&self.file, self.allocated, allocated) {
                // What was too little for a step is given back: others may need it to make room.
                let _ = self.file.set_len(self.allocated);
                return Err(Failure::of_write(error));
            }
            // What is written from now on need not go through the cache, where these are.
            self.file.sync_data().map_err(Failure::of_sync)?;
            self.allocated = allocated;
        }
        self.appender.append(bytes, self.offset).map_err(Failure::of_write)?;
        self.offset = end as u32;
        self.marked = false;
        Ok(position)
    }

    fn rotate(&mut self) -> Result<(), Failure> {
        let grow_bytes = self.options.grow_bytes;
        let header = SegmentHeader {
            seed: self.head.seed,
            id: self.head.last + 1,
            previous_end: self.offset,
            grow_bytes,
        };
        let head = Head { seed: self.head.seed, first: self.head.first, last: header.id };
        let make = || {
            let file = self.files.create(&header)?;
            let appender = self.files.appender(&self.options, header.id, &file, SEGMENT_HEADER as u32)?;
            Ok((file, appender))
        };
        let made = make().map_err(Failure::of_create);
        let made = made.and_then(|made| head.write(&self.files.fs, &self.files.dir).map(|()| made));
        let (file, appender) = made.inspect_err(|failure| {
            // Nothing names the new segment: what it has of a full disk is given back. Else it is not known whether the new
            // head is there or the old one; both are right, as long as nothing is appended.
            if !failure.unknown {
                let _ = self.files.remove(header.id);
            }
        })?;
        self.head = head;
        self.file = file;
        self.appender = appender;
        self.offset = SEGMENT_HEADER as u32;
        self.allocated = u64::from(grow_bytes);
        Ok(())
    }

    /// Writes an empty frame after the last record, unsynced, so that damage to that record can be told from a torn
    /// tail. For when nothing else is to be written for a while; the next frame takes its place.
    pub fn mark_end(&mut self) {
        if self.marked || self.poisoned.is_some() {
            return;
        }
        let position = self.end();
        let mut frame = FrameBuilder::new();
        let bytes = frame.seal(self.head.seed, position);
        if u64::from(self.offset) + bytes.len() as u64 <= self.allocated {
            // It is a courtesy: when it fails, the next append finds out what is wrong.
            self.marked = self.file.write_at(bytes, u64::from(self.offset)).is_ok();
        }
    }

    /// Calls `each` with every record at or after `from`, in order. Damage is an error.
    pub fn replay(
        &self,
        from: Position,
        mut each: impl FnMut(Position, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let dir = &self.files.dir;
        let mut previous_end = None;
        for id in self.head.first.max(from.segment())..=self.head.last {
            let file = self.files.get(id)?;
            let header = SegmentHeader::read(&file)?.filter(|h| h.id == id && h.seed == self.head.seed);
            let header =
                header.ok_or_else(|| damaged(dir, &format!("the header of segment {id} is wrong")))?;
            if previous_end.is_some_and(|end| end != header.previous_end) {
                return Err(damaged(dir, &format!("segment {} ends too early", id - 1)));
            }
            let mut reader = SegmentReader::new(file, self.head.seed, id, 0)?;
            while let Some((at, payload)) = reader.next()? {
                for record in records(payload) {
                    let (offset, body) = record?;
                    let position = Position::new(id, at.offset() + offset as u32);
                    if position >= from {
                        each(position, body)?;
                    }
                }
                if id == self.head.last && reader.offset() >= self.offset {
                    break;
                }
            }
            previous_end = Some(reader.offset());
        }
        if previous_end.is_some_and(|end| end < self.offset) {
            return Err(damaged(dir, &format!("segment {} ends too early", self.head.last)));
        }
        Ok(())
    }

    /// Deletes the segments before `segment`; the last one always stays. What a full disk keeps from being deleted is tried
    /// again before each append.
    pub fn drop_before(&mut self, segment: u32) -> Result<(), StoreError> {
        let first = segment.min(self.head.last);
        if first <= self.head.first {
            return Ok(());
        }
        if let Some(why) = &self.poisoned {
            return Err(StoreError::Poisoned(why.clone()));
        }
        self.left = first;
        let head = Head { first, ..self.head };
        // The head goes first: a crash in between leaves files that the next start removes.
        if let Err(failure) = head.write(&self.files.fs, &self.files.dir) {
            self.note(&failure);
            return Err(failure.error);
        }
        self.left = 0;
        let gone = self.head.first..first;
        self.head = head;
        for id in gone {
            self.files.remove(id)?;
        }
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.mark_end();
    }
}

impl LogFiles {
    /// The body of the record at `position`, which must come from this log and not have been dropped.
    pub fn read_at(&self, position: Position) -> Result<Vec<u8>, StoreError> {
        let wrong = || damaged(&self.dir, &format!("there is no whole record at {position:?}"));
        let file = self.get(position.segment())?;
        // One read does for most records.
        let mut bytes = vec![0; 1024];
        let at = u64::from(position.offset());
        let got = file.read_at(&mut bytes, at)?;
        bytes.truncate(got);
        let len = RECORD_HEADER + record_len(&bytes).ok_or_else(wrong)?;
        if len > bytes.len() {
            let had = bytes.len();
            if at + len as u64 > file.len()? {
                return Err(wrong());
            }
            bytes.resize(len, 0);
            file.read_exact_at(&mut bytes[had..], at + had as u64)?;
        }
        record(&bytes).ok_or_else(wrong)?;
        bytes.truncate(len);
        bytes.drain(..RECORD_HEADER);
        Ok(bytes)
    }

    fn get(&self, id: u32) -> Result<File, StoreError> {
        let mut open = self.open.lock();
        if let Some(file) = open.get(&id) {
            return Ok(file.clone());
        }
        let file = self.fs.open(&self.path(id), Open::Write)?;
        while open.len() >= OPEN_MAX {
            open.pop_first();
        }
        open.insert(id, file.clone());
        Ok(file)
    }

    fn path(&self, id: u32) -> PathBuf {
        self.dir.join(format!("{id:08x}.log"))
    }

    fn segments(&self) -> Result<Vec<u32>, StoreError> {
        let entries = self.fs.list(&self.dir)?;
        let ids = entries.iter().filter_map(|e| u32::from_str_radix(e.name.strip_suffix(".log")?, 16).ok());
        Ok(ids.collect())
    }

    /// Every segment that `head` names must be there; others are remains of a crash and go.
    fn check_presence(&self, head: &Head) -> Result<(), StoreError> {
        let found = self.segments()?;
        for id in head.first..=head.last {
            if !found.contains(&id) {
                return Err(damaged(&self.dir, &format!("segment {id} is missing")));
            }
        }
        for id in found {
            if id < head.first || id > head.last {
                self.remove(id)?;
            }
        }
        Ok(())
    }

    fn create(&self, header: &SegmentHeader) -> Result<File, StoreError> {
        let path = self.path(header.id);
        let file = self.fs.open(&path, Open::Create)?;
        file.set_len(0)?;
        file.set_len(u64::from(header.grow_bytes))?;
        write_zeros(&file, 0, u64::from(header.grow_bytes))?;
        file.write_at(&header.encode(), 0)?;
        file.sync_data()?;
        self.fs.sync_dir(&self.dir)?;
        self.open.lock().insert(header.id, file.clone());
        Ok(file)
    }

    fn appender(
        &self,
        options: &LogOptions,
        id: u32,
        file: &File,
        offset: u32,
    ) -> Result<Appender, StoreError> {
        let whole_blocks = (options.grow_bytes as usize).is_multiple_of(BLOCK);
        let direct = if whole_blocks { self.fs.open_direct(&self.path(id))? } else { None };
        Ok(Appender::new(file.clone(), direct, offset)?)
    }

    fn remove(&self, id: u32) -> Result<(), StoreError> {
        self.open.lock().remove(&id);
        match self.fs.remove_file(&self.path(id)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => Ok(other?),
        }
    }

    /// Where the last segment ends. What a crash left after that is overwritten with zeros, durably, so that nothing
    /// of it is ever taken for a frame.
    fn find_end(&self, head: &Head, file: &File) -> Result<u32, StoreError> {
        let header = SegmentHeader::read(file)?.filter(|h| h.id == head.last && h.seed == head.seed);
        let header = header
            .ok_or_else(|| damaged(&self.dir, &format!("the header of segment {} is wrong", head.last)))?;
        if header.grow_bytes == 0 || !file.len()?.is_multiple_of(u64::from(header.grow_bytes)) {
            return Err(damaged(&self.dir, &format!("segment {} is cut short", head.last)));
        }
        let mut reader = SegmentReader::new(file.clone(), head.seed, head.last, 0)?;
        let mut end = reader.offset();
        while let Some((_, payload)) = reader.next()? {
            // An empty frame marks the end and is written over.
            if !payload.is_empty() {
                end = reader.offset();
            }
        }
        if reader.has_later_frame()? {
            let at = reader.offset();
            return Err(damaged(&self.dir, &format!("segment {} is damaged at byte {at}", head.last)));
        }
        let used = reader.used_end(end)?;
        write_zeros(file, u64::from(end), used)?;
        // Also when nothing was torn: what is replayed now counts as acknowledged from here on.
        file.sync_data()?;
        Ok(end)
    }
}

impl Head {
    const MAGIC: &[u8; 8] = b"HNLHEAD\x01";

    fn read(fs: &Fs, dir: &Path) -> Result<Option<Head>, StoreError> {
        let Some(bytes) = fs.read(&dir.join("head"), 24)? else { return Ok(None) };
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if bytes.len() != 24 || &bytes[..8] != Head::MAGIC || word(20) != crc32c::crc32c(&bytes[..20]) {
            return Err(damaged(dir, "the file `head` is wrong"));
        }
        Ok(Some(Head { seed: word(8), first: word(12), last: word(16) }))
    }

    /// After a crash the old head is there or the new one, and after an error that is not unknown, the old one.
    fn write(&self, fs: &Fs, dir: &Path) -> Result<(), Failure> {
        let (path, new) = (dir.join("head"), dir.join("head.new"));
        let mut bytes = Vec::with_capacity(24);
        bytes.extend_from_slice(Head::MAGIC);
        for word in [self.seed, self.first, self.last] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        let prepare = |bytes: &[u8]| {
            let file = fs.open(&new, Open::Create)?;
            file.write_at(bytes, 0)?;
            file.set_len(bytes.len() as u64)?;
            Ok(file)
        };
        prepare(&bytes).and_then(|file| file.sync_data()).map_err(Failure::of_write)?;
        fs.rename(&new, &path).and_then(|()| fs.sync_dir(dir)).map_err(Failure::of_sync)?;
        // The next one has its room already: a disk that is full is made emptier by a head that names fewer segments.
        let _ = prepare(&bytes);
        Ok(())
    }
}

fn write_zeros(file: &File, from: u64, to: u64) -> std::io::Result<()> {
    const ZEROS: &[u8] = &[0; 64 * 1024];
    let mut at = from;
    while at < to {
        let count = (to - at).min(ZEROS.len() as u64);
        file.write_at(&ZEROS[..count as usize], at)?;
        at += count;
    }
    Ok(())
}

fn damaged(dir: &Path, what: &str) -> StoreError {
    StoreError::Damaged(format!("log {}: {what}", dir.display()))
}

struct Failure {
    error: StoreError,
    /// It is not known what is on the disk now.
    unknown: bool,
}

impl Failure {
    fn clean(error: StoreError) -> Failure {
        Failure { error, unknown: false }
    }

    /// A full disk has written nothing that counts: the next frame goes to the same place.
    fn of_write(error: std::io::Error) -> Failure {
        let error = StoreError::from(error);
        Failure { unknown: error != StoreError::Full, error }
    }

    fn of_sync(error: std::io::Error) -> Failure {
        Failure { error: error.into(), unknown: true }
    }

    /// A segment that could not be made is not in use: the next attempt makes it anew.
    fn of_create(error: StoreError) -> Failure {
        Failure { error, unknown: false }
    }
}
