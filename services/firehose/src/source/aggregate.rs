//! Records that the Kinesis Producer Library put together into one. Source: its "KPL Aggregated Record Format": four bytes
//! of magic, a message of protobuf, and the message's MD5.

use bytes::Bytes;
use md5::{Digest, Md5};

const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
const MD5_LENGTH: usize = 16;

/// What is in an aggregated record, each with its partition key. `None` for any other record.
pub(super) fn user_records(data: &Bytes) -> Option<Vec<(String, Bytes)>> {
    let length = data.strip_prefix(&MAGIC)?.len().checked_sub(MD5_LENGTH)?;
    let message = data.slice(MAGIC.len()..MAGIC.len() + length);
    if Md5::digest(&message)[..] != data[MAGIC.len() + length..] {
        return None;
    }
    let (mut keys, mut records) = (Vec::new(), Vec::new());
    for field in fields(message)? {
        match field {
            (1, Value::Bytes(key)) => keys.push(String::from_utf8(key.to_vec()).ok()?),
            (3, Value::Bytes(record)) => records.push(record),
            // The explicit hash keys had their say when the record found its shard.
            _ => {}
        }
    }
    records.into_iter().map(|record| user_record(record, &keys)).collect()
}

fn user_record(record: Bytes, keys: &[String]) -> Option<(String, Bytes)> {
    let (mut key, mut data) = (None, None);
    for field in fields(record)? {
        match field {
            (1, Value::Number(index)) => key = keys.get(usize::try_from(index).ok()?),
            (3, Value::Bytes(bytes)) => data = Some(bytes),
            _ => {}
        }
    }
    Some((key?.clone(), data?))
}

enum Value {
    Number(u64),
    Bytes(Bytes),
}

/// The fields of a message by their numbers.
fn fields(mut message: Bytes) -> Option<Vec<(u64, Value)>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = number(&mut message)?;
        let value = match tag & 7 {
            0 => Value::Number(number(&mut message)?),
            2 => {
                let length = usize::try_from(number(&mut message)?).ok()?;
                Value::Bytes(if length <= message.len() { message.split_to(length) } else { return None })
            }
            _ => return None,
        };
        fields.push((tag >> 3, value));
    }
    Some(fields)
}

fn number(message: &mut Bytes) -> Option<u64> {
    let length = 1 + message.iter().take(10).position(|byte| byte & 0x80 == 0)?;
    let bytes = message.split_to(length);
    Some(bytes.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        assert!(bytes.len() < 128);
        [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
    }

    /// As the library would write them.
    pub(crate) fn aggregated(records: &[(&str, &str)]) -> Vec<u8> {
        let mut message: Vec<u8> = records.iter().flat_map(|(key, _)| field(1, key.as_bytes())).collect();
        for (index, (_, data)) in records.iter().enumerate() {
            message.extend(field(3, &[&[1 << 3, index as u8], &field(3, data.as_bytes())[..]].concat()));
        }
        [&MAGIC[..], &message, &Md5::digest(&message)].concat()
    }

    #[test]
    fn what_was_aggregated_is_taken_apart_and_nothing_else() {
        let whole = aggregated(&[("a", "one"), ("b", "two")]);
        let read = user_records(&whole.clone().into()).unwrap();
        assert_eq!(read, [("a".to_owned(), Bytes::from("one")), ("b".to_owned(), Bytes::from("two"))]);
        for end in 0..whole.len() {
            assert_eq!(user_records(&Bytes::copy_from_slice(&whole[..end])), None);
        }
        // Whatever has the right sum is read without a panic.
        for message in [&b"\x1a\x05"[..], b"\x80", b"\x1a\x02\x08\x09", b"\x0b", &[0xff; 12]] {
            let whole = [&MAGIC[..], message, &Md5::digest(message)].concat();
            assert_eq!(user_records(&whole.into()), None);
        }
    }
}
