use std::marker::PhantomData;

use bytes::Bytes;

use crate::StoreError;
use crate::key::{KEY_BYTES_MAX, Key, KeyOf};
use crate::record::{RECORD_BYTES_MAX, Record};

/// A named table: a static of the service that owns it.
pub struct Table<K, V> {
    name: &'static str,
    _types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Table<K, V> {
    /// `name` is `service.noun`, of `a-z`, `0-9`, `.`, `-` and `_`. It is on disk: never change it.
    pub const fn new(name: &'static str) -> Table<K, V> {
        assert!(is_table_name(name), "a table's name is 1 to 64 of a-z 0-9 . - _");
        Table { name, _types: PhantomData }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }
}

pub(crate) const fn is_table_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if !matches!(bytes[i], b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_') {
            return false;
        }
        i += 1;
    }
    !bytes.is_empty() && bytes.len() <= 64
}

/// Splits a key of the store's key space into table and key.
pub(crate) fn split(full_key: &[u8]) -> Option<(&str, &[u8])> {
    let at = full_key.iter().take(65).position(|b| *b == 0)?;
    Some((std::str::from_utf8(&full_key[..at]).ok()?, &full_key[at + 1..]))
}

impl<K: Key, V: Record> Table<K, V> {
    /// The key in the store's key space.
    pub(crate) fn full_key(&self, key: &(impl KeyOf<K> + ?Sized)) -> Result<Bytes, StoreError> {
        let mut full = Vec::with_capacity(self.name.len() + 64);
        full.extend_from_slice(self.name.as_bytes());
        full.push(0);
        key.encode(&mut full);
        if full.len() > KEY_BYTES_MAX {
            return Err(StoreError::TooLarge { what: "key", size: full.len(), max: KEY_BYTES_MAX });
        }
        Ok(Bytes::from(full))
    }

    pub(crate) fn decode_key(&self, full_key: &[u8]) -> Result<K, StoreError> {
        let mut rest = full_key.get(self.name.len() + 1..).unwrap_or_default();
        match K::decode(&mut rest) {
            Some(key) if rest.is_empty() => Ok(key),
            _ => Err(self.bad("its key is not of the table's type".to_owned())),
        }
    }

    pub(crate) fn encode_value(&self, value: &V) -> Result<Bytes, StoreError> {
        let mut out = Vec::with_capacity(128);
        write_version(V::VERSION, &mut out);
        value.encode(&mut out).map_err(|error| self.bad(error.0))?;
        if out.len() > RECORD_BYTES_MAX {
            return Err(StoreError::TooLarge { what: "record", size: out.len(), max: RECORD_BYTES_MAX });
        }
        Ok(Bytes::from(out))
    }

    pub(crate) fn decode_value(&self, bytes: &[u8]) -> Result<V, StoreError> {
        let (version, body) = read_version(bytes).ok_or_else(|| self.bad("it has no version".to_owned()))?;
        if version > V::VERSION {
            return Err(StoreError::NewerRecord { table: self.name, version, known: V::VERSION });
        }
        let read = if version == V::VERSION { V::decode(body) } else { V::migrate(version, body) };
        read.map_err(|error| self.bad(error.0))
    }

    fn bad(&self, reason: String) -> StoreError {
        StoreError::Decode { table: self.name, reason }
    }
}

/// LEB128: one byte for all versions below 128.
fn write_version(mut version: u32, out: &mut Vec<u8>) {
    while version >= 0x80 {
        out.push(version as u8 | 0x80);
        version >>= 7;
    }
    out.push(version as u8);
}

fn read_version(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut version = 0u32;
    for (i, byte) in bytes.iter().enumerate().take(5) {
        version |= u32::from(byte & 0x7f).checked_shl(7 * i as u32)?;
        if byte & 0x80 == 0 {
            return Some((version, &bytes[i + 1..]));
        }
    }
    None
}
