//! Records as they lie in the store: rows of parcels, a parcel for each put, its body sealed where the stream is encrypted.
//!
//! A row is what one write made durable for one shard. Its key in the store says the place of its first record; numbers
//! and times of arrival can be read without opening anything.

use bytes::Bytes;
use haneul_store::{Record, record::RecordError};
use serde::{Deserialize, Serialize};

/// Parcels are put together until a row has this many bytes; a single one may have more.
pub(crate) const ROW_BYTES: usize = 512 * 1024;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) parcels: Vec<Parcel>,
}

/// The records of one call for one shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parcel {
    pub(crate) count: u32,
    /// Never earlier than that of the parcel before.
    pub(crate) arrived_ms: i64,
    /// The data key that opens the body, as KMS sealed it.
    pub(crate) seal: Option<Seal>,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Seal {
    pub(crate) key_arn: String,
    pub(crate) data_key: Vec<u8>,
}

/// What a producer puts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) partition_key: Option<String>,
    pub(crate) data: Bytes,
}

impl Entry {
    /// Bytes that count against limits: data and partition key.
    pub(crate) fn size(&self) -> usize {
        self.data.len() + self.partition_key.as_ref().map_or(0, String::len)
    }
}

impl Row {
    pub(crate) fn count(&self) -> u64 {
        self.parcels.iter().map(|parcel| u64::from(parcel.count)).sum()
    }

    pub(crate) fn first_arrived_ms(&self) -> i64 {
        self.parcels.first().map_or(i64::MIN, |parcel| parcel.arrived_ms)
    }

    pub(crate) fn last_arrived_ms(&self) -> i64 {
        self.parcels.last().map_or(i64::MIN, |parcel| parcel.arrived_ms)
    }
}

/// The body of a parcel.
pub(crate) fn pack<'a>(entries: impl Iterator<Item = &'a Entry> + Clone) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.clone().map(|entry| entry.size() + 8).sum());
    for entry in entries {
        // One more than its length; zero when there is none.
        match &entry.partition_key {
            None => put_number(&mut out, 0),
            Some(key) => {
                put_number(&mut out, key.len() as u64 + 1);
                out.extend_from_slice(key.as_bytes());
            }
        }
        put_number(&mut out, entry.data.len() as u64);
        out.extend_from_slice(&entry.data);
    }
    out
}

/// `None` when the body is not that of a parcel of `count`.
pub(crate) fn unpack(count: u32, body: Bytes) -> Option<Vec<Entry>> {
    let mut rest = &body[..];
    // Each takes two bytes at least: a count beyond that is not honest.
    let mut entries = Vec::with_capacity((count as usize).min(rest.len() / 2));
    for _ in 0..count {
        let partition_key = match take_number(&mut rest)? {
            0 => None,
            length => Some(String::from_utf8(take(&mut rest, length - 1)?.to_vec()).ok()?),
        };
        let length = take_number(&mut rest)?;
        let data = body.slice_ref(take(&mut rest, length)?);
        entries.push(Entry { partition_key, data });
    }
    rest.is_empty().then_some(entries)
}

impl Record for Row {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        out.reserve(self.parcels.iter().map(|parcel| parcel.body.len() + 32).sum());
        put_number(out, self.parcels.len() as u64);
        for parcel in &self.parcels {
            put_number(out, u64::from(parcel.count));
            out.extend_from_slice(&parcel.arrived_ms.to_be_bytes());
            let (key_arn, data_key) =
                parcel.seal.as_ref().map_or(("", &[][..]), |seal| (&seal.key_arn, &seal.data_key));
            for bytes in [key_arn.as_bytes(), data_key, &parcel.body] {
                put_number(out, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
        }
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Row, RecordError> {
        read(bytes).ok_or_else(|| RecordError::of("not a row of records"))
    }
}

fn read(mut bytes: &[u8]) -> Option<Row> {
    let from = &mut bytes;
    let count = take_number(from)?;
    let mut parcels = Vec::with_capacity(usize::try_from(count).ok()?.min(from.len() / 12));
    for _ in 0..count {
        let count = u32::try_from(take_number(from)?).ok()?;
        let arrived_ms = i64::from_be_bytes(take(from, 8)?.try_into().ok()?);
        let mut part = || {
            let length = take_number(from)?;
            take(from, length)
        };
        let (key_arn, data_key, body) = (part()?, part()?.to_vec(), part()?.to_vec());
        let key_arn = String::from_utf8(key_arn.to_vec()).ok()?;
        let seal = (!key_arn.is_empty()).then_some(Seal { key_arn, data_key });
        parcels.push(Parcel { count, arrived_ms, seal, body });
    }
    from.is_empty().then_some(Row { parcels })
}

/// LEB128.
fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_number(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn take<'a>(from: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(usize::try_from(length).ok()?)?;
    *from = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let entry = (prop::option::of(".{0,5}"), prop::collection::vec(any::<u8>(), 0..300));
        let entry = entry.prop_map(|(partition_key, data)| Entry { partition_key, data: data.into() });
        prop::collection::vec(entry, 0..5)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(parts in prop::collection::vec((entries(), any::<i64>(), any::<bool>()), 0..4)) {
            let parcel = |(entries, arrived_ms, sealed): &(Vec<Entry>, i64, bool)| Parcel {
                count: entries.len() as u32,
                arrived_ms: *arrived_ms,
                seal: sealed.then(|| Seal { key_arn: "arn".into(), data_key: vec![1, 2] }),
                body: pack(entries.iter()),
            };
            let row = Row { parcels: parts.iter().map(parcel).collect() };
            let mut bytes = Vec::new();
            row.encode(&mut bytes).unwrap();
            prop_assert_eq!(Row::decode(&bytes).unwrap(), row.clone());
            for (parcel, (entries, ..)) in row.parcels.into_iter().zip(parts) {
                prop_assert_eq!(unpack(parcel.count, parcel.body.into()), Some(entries));
            }
        }

        #[test]
        fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..60), count: u32) {
            let _ = Row::decode(&bytes);
            let _ = unpack(count, bytes.into());
        }
    }
}
