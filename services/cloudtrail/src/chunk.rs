//! A chunk: some records of one account and Region in the order in which they came, compressed by LZ4.
//!
//! ```text
//! version u8 = 1 · count u32 · first time i64 · last time i64 · plain length u32 · LZ4 of count × (length u32, JSON)
//! ```

use haneul_store::StoreError;

const VERSION: u8 = 1;
const HEAD: usize = 25;
/// A chunk is closed when it holds so many bytes.
pub(crate) const BYTES: usize = 512 * 1024;
/// More than a chunk and the longest record can have; a larger number is damage.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a chunk tells without being unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) count: u32,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    length: u32,
}

pub(crate) fn encode<'a>(records: impl Iterator<Item = (i64, &'a [u8])> + Clone) -> Vec<u8> {
    let length = records.clone().map(|(_, json)| 4 + json.len()).sum();
    let mut content = Vec::with_capacity(length);
    let (mut count, mut first_ms, mut last_ms) = (0u32, i64::MAX, i64::MIN);
    for (at_ms, json) in records {
        content.extend_from_slice(&(json.len() as u32).to_be_bytes());
        content.extend_from_slice(json);
        count += 1;
        (first_ms, last_ms) = (first_ms.min(at_ms), last_ms.max(at_ms));
    }
    let packed = lz4_flex::block::compress(&content);
    let mut out = Vec::with_capacity(HEAD + packed.len());
    out.push(VERSION);
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(&first_ms.to_be_bytes());
    out.extend_from_slice(&last_ms.to_be_bytes());
    out.extend_from_slice(&(content.len() as u32).to_be_bytes());
    out.extend_from_slice(&packed);
    out
}

pub(crate) fn head(chunk: &[u8]) -> Result<Head, StoreError> {
    let parse = || {
        let bytes: &[u8; HEAD] = chunk.first_chunk()?;
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let long = |at: usize| i64::from_be_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
        let head = Head { count: word(1), first_ms: long(5), last_ms: long(13), length: word(21) };
        (bytes[0] == VERSION && head.length as usize <= BYTES_MAX).then_some(head)
    };
    parse().ok_or_else(damaged)
}

/// The records, in order.
pub(crate) fn decode(chunk: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
    let head = head(chunk)?;
    let content = lz4_flex::block::decompress(&chunk[HEAD..], head.length as usize).map_err(|_| damaged())?;
    let mut rest = &content[..];
    let mut records = Vec::with_capacity((head.count as usize).min(rest.len() / 4));
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (json, after) =
            after.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(damaged)?;
        records.push(json.to_vec());
        rest = after;
    }
    if records.len() == head.count as usize && rest.is_empty() { Ok(records) } else { Err(damaged()) }
}

fn damaged() -> StoreError {
    StoreError::Damaged("a chunk of trail records".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_read(records in prop::collection::vec((0i64..1000, prop::collection::vec(any::<u8>(), 0..60)), 1..30)) {
            let chunk = encode(records.iter().map(|(at, json)| (*at, &json[..])));
            let read = head(&chunk).unwrap();
            prop_assert_eq!(read.first_ms, records.iter().map(|r| r.0).min().unwrap());
            prop_assert_eq!(read.last_ms, records.iter().map(|r| r.0).max().unwrap());
            let expected: Vec<Vec<u8>> = records.into_iter().map(|(_, json)| json).collect();
            prop_assert_eq!(decode(&chunk).unwrap(), expected);
        }

        #[test]
        fn damage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100), flip in 0usize..1000) {
            let _ = decode(&bytes);
            let mut chunk = encode([(1, &b"{\"a\":1,\"a\":1,\"a\":1}"[..]); 5].into_iter());
            let bit = flip % (chunk.len() * 8);
            chunk[bit / 8] ^= 1 << (bit % 8);
            let _ = decode(&chunk);
        }
    }
}
