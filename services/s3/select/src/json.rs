//! JSON values, one after the other.

use crate::error::{Result, SelectError};
use crate::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonType {
    Document,
    Lines,
}

/// Longest document, in bytes: it is in memory while it is read. A line is as long as any record at most.
const DOCUMENT_BYTES_MAX: usize = 16 * 1024 * 1024;

impl JsonType {
    pub fn bytes_max(self) -> usize {
        match self {
            JsonType::Document => DOCUMENT_BYTES_MAX,
            JsonType::Lines => crate::csv::RECORD_BYTES_MAX,
        }
    }
}

/// Looks for the end of a value, byte by byte, and remembers how far it came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scanner {
    at: usize,
    depth: u32,
    in_text: bool,
    escaped: bool,
    /// A value that is no structure, list or text: it ends where something else begins.
    bare: bool,
}

impl Scanner {
    /// Where the value that begins `bytes` ends, if it does.
    pub fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(byte) = bytes.get(self.at).copied() {
            if self.in_text {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.in_text = false;
                        if self.depth == 0 {
                            return self.found(self.at + 1);
                        }
                    }
                    _ => {}
                }
                self.at += 1;
                continue;
            }
            if self.bare
                && matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'{' | b'[' | b'"' | b',' | b'}' | b']')
            {
                return self.found(self.at);
            }
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return self.found(self.at + 1);
                    }
                }
                _ if self.depth == 0 => self.bare = true,
                _ => {}
            }
            self.at += 1;
        }
        None
    }

    fn found(&mut self, end: usize) -> Option<usize> {
        *self = Scanner::default();
        Some(end)
    }
}

pub fn parse(bytes: &[u8]) -> Result<Value> {
    std::str::from_utf8(bytes).map_err(|_| crate::csv::invalid_encoding())?;
    serde_json::from_slice(bytes).map_err(|failure| {
        if failure.is_eof() {
            let message = "Object decompression failed or the object ends too early. Check that the object is complete.";
            return SelectError::new("TruncatedInput", message);
        }
        SelectError::new("JSONParsingError", format!("Error parsing JSON file. Please check the file and try again: {failure}"))
    })
}
