//! A commit as a record of the log: version, then for each write the length of key and value, key, value. A deletion
//! has the value length of all ones. Little-endian.

use bytes::Bytes;

use crate::engine::{Version, Write};

const DELETED: u32 = u32::MAX;

pub(super) fn encode(version: Version, writes: &[Write], out: &mut Vec<u8>) {
    out.extend_from_slice(&version.to_le_bytes());
    for write in writes {
        let value_len = write.value.as_ref().map_or(DELETED, |value| value.len() as u32);
        out.extend_from_slice(&(write.key.len() as u32).to_le_bytes());
        out.extend_from_slice(&value_len.to_le_bytes());
        out.extend_from_slice(&write.key);
        if let Some(value) = &write.value {
            out.extend_from_slice(value);
        }
    }
}

/// Bytes that [`encode`] will write.
pub(super) fn encoded_len(writes: &[Write]) -> usize {
    let len = |write: &Write| 8 + write.key.len() + write.value.as_ref().map_or(0, Bytes::len);
    8 + writes.iter().map(len).sum::<usize>()
}

/// `None` when the record is not a commit.
pub(super) fn decode(mut body: &[u8]) -> Option<(Version, Vec<Write>)> {
    let version = Version::from_le_bytes(take::<8>(&mut body)?);
    let mut writes = Vec::new();
    while !body.is_empty() {
        let key_len = u32::from_le_bytes(take(&mut body)?) as usize;
        let value_len = u32::from_le_bytes(take(&mut body)?);
        let key = Bytes::copy_from_slice(body.split_off(..key_len)?);
        let value = match value_len {
            DELETED => None,
            len => Some(Bytes::copy_from_slice(body.split_off(..len as usize)?)),
        };
        writes.push(Write { key, value });
    }
    Some((version, writes))
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_commit_comes_back(version: u64, writes: Vec<(Vec<u8>, Option<Vec<u8>>)>) {
            let writes: Vec<Write> =
                writes.into_iter().map(|(k, v)| Write { key: k.into(), value: v.map(Bytes::from) }).collect();
            let mut out = Vec::new();
            encode(version, &writes, &mut out);
            prop_assert_eq!(out.len(), encoded_len(&writes));
            prop_assert_eq!(decode(&out), Some((version, writes)));
        }

        #[test]
        fn decoding_never_panics(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
