//! The records of a file: its lines, uncompressed as they are read, so that a file never stands in memory uncompressed.

use std::io::{BufRead, BufReader, Read as _};

use flate2::read::MultiGzDecoder;

use super::Read;

/// Bytes of one line: an item of 400 KB as base64 or with escapes stays below.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
}

pub(crate) struct Lines<'a>(Box<dyn BufRead + Send + 'a>);

impl<'a> Lines<'a> {
    pub(crate) fn new(file: &'a [u8], compression: Compression) -> Lines<'a> {
        Lines(match compression {
            Compression::None => Box::new(file),
            Compression::Gzip => Box::new(BufReader::new(MultiGzDecoder::new(file))),
        })
    }

    /// The next line without its end; `Err` when nothing more can be read of the file.
    pub(crate) fn next(&mut self) -> Option<Read<String>> {
        let mut line = Vec::new();
        match (&mut self.0).take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line) {
            Err(error) => Some(Err(error.to_string())),
            Ok(0) => None,
            Ok(read) if read as u64 > LINE_BYTES_MAX => Some(Err("A line is too long".to_owned())),
            Ok(_) => {
                while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                    line.pop();
                }
                Some(String::from_utf8(line).map_err(|_| "A line is not UTF-8".to_owned()))
            }
        }
    }
}
