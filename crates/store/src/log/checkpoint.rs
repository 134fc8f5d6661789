//! A checkpoint: a stream in a file that is replaced whole. After a crash it is the old one or the new one.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use haneul_env::Fs;
use haneul_env::fs::{File, Open};

use crate::StoreError;
use crate::log::stream::{StreamReader, StreamWriter};

/// Writes a checkpoint beside the old one; [`CheckpointWriter::finish`] puts it in its place. Blocks.
pub struct CheckpointWriter {
    fs: Fs,
    path: PathBuf,
    temporary: PathBuf,
    stream: StreamWriter<BufWriter<At>>,
}

const BUFFER: usize = 256 * 1024;

impl CheckpointWriter {
    /// `kind` says what the records are and in which version. One writer per path at a time.
    pub fn create(fs: &Fs, path: &Path, kind: &str) -> Result<CheckpointWriter, StoreError> {
        let temporary = path.with_extension("new");
        let file = fs.open(&temporary, Open::Create)?;
        file.set_len(0)?;
        let stream = StreamWriter::new(BufWriter::with_capacity(BUFFER, At { file, offset: 0 }), kind)?;
        Ok(CheckpointWriter { fs: fs.clone(), path: path.to_owned(), temporary, stream })
    }

    pub fn write(&mut self, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.stream.write(parts)
    }

    /// Durable, and in place of the old one, on return.
    pub fn finish(self) -> Result<(), StoreError> {
        let written = self.stream.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        written.file.sync_data()?;
        self.fs.rename(&self.temporary, &self.path)?;
        if let Some(dir) = self.path.parent() {
            self.fs.sync_dir(dir)?;
        }
        Ok(())
    }
}

/// Reads a checkpoint.
pub type CheckpointReader = StreamReader<BufReader<At>>;

/// Opens the checkpoint at `path`; `None` when none was ever finished.
pub fn open(fs: &Fs, path: &Path) -> Result<Option<CheckpointReader>, StoreError> {
    let file = match fs.open(path, Open::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    StreamReader::new(BufReader::with_capacity(BUFFER, At { file, offset: 0 })).map(Some)
}

/// A place in a file.
pub struct At {
    file: File,
    offset: u64,
}

impl Write for At {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(bytes, self.offset)?;
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for At {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(into, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
