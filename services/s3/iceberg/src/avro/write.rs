use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::MAGIC;

/// A block is closed with about so many bytes, before compression.
const BLOCK_BYTES: usize = 64 * 1024;

/// A file that is being written.
pub(crate) struct File {
    out: Vec<u8>,
    block: Encoder,
    records: i64,
    sync: [u8; 16],
}

/// The bytes of a record.
#[derive(Default)]
pub(crate) struct Encoder(Vec<u8>);

impl File {
    /// `sync` is between blocks; the specification has it made by chance.
    pub(crate) fn new(schema: &str, metadata: &[(&str, &str)], sync: [u8; 16]) -> File {
        let mut head = Encoder::default();
        let entries = [("avro.schema", schema), ("avro.codec", "deflate")];
        head.long((entries.len() + metadata.len()) as i64);
        for (key, value) in entries.iter().chain(metadata) {
            head.bytes(key.as_bytes());
            head.bytes(value.as_bytes());
        }
        head.long(0);
        let out = [MAGIC.as_slice(), &head.0, &sync].concat();
        File { out, block: Encoder::default(), records: 0, sync }
    }

    pub(crate) fn record(&mut self, write: impl FnOnce(&mut Encoder)) {
        write(&mut self.block);
        self.records += 1;
        if self.block.0.len() >= BLOCK_BYTES {
            self.close_block();
        }
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.records > 0 {
            self.close_block();
        }
        self.out
    }

    fn close_block(&mut self) {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
        // Writing to memory does not fail.
        let _ = packed.write_all(&self.block.0);
        let packed = packed.finish().unwrap_or_default();
        let mut head = Encoder::default();
        head.long(std::mem::take(&mut self.records));
        head.bytes(&packed);
        self.out.extend_from_slice(&head.0);
        self.out.extend_from_slice(&self.sync);
        self.block.0.clear();
    }
}

impl Encoder {
    #[cfg(test)]
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Of int and long.
    pub(crate) fn long(&mut self, value: i64) {
        let mut rest = ((value << 1) ^ (value >> 63)) as u64;
        while rest >= 0x80 {
            self.0.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.0.push(rest as u8);
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.0.push(u8::from(value));
    }

    /// Of bytes and string.
    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.long(value.len() as i64);
        self.0.extend_from_slice(value);
    }

    /// Of a union of null and something else.
    pub(crate) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Encoder, T)) {
        self.long(i64::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn array<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Encoder, T),
    ) {
        if items.len() > 0 {
            self.long(items.len() as i64);
            items.for_each(|item| write(self, item));
        }
        self.long(0);
    }
}
