//! A chunk: events of one stream, columns of times and lengths, then the messages, compressed by LZ4 where it helps.
//!
//! ```text
//! version u8 = 1 · packed u8 (0 plain, 1 LZ4) · ingested i64 · count u32 · plain length u32 · content
//! content: count × (time delta, varint) · count × (length, varint) · the messages in a row
//! ```
//! A chunk lies within one stretch of [`SPAN_MS`], so that what reaches into a range of time is found near its ends.

use haneul_store::StoreError;

use super::{Event, Place};

/// No chunk crosses a multiple of this.
pub(crate) const SPAN_MS: i64 = 600_000;

const VERSION: u8 = 1;
const HEAD: usize = 18;
/// Shorter content does not shrink.
const PACK_FROM: usize = 128;
/// More than one batch can have; a larger number is damage.
const CONTENT_MAX: usize = 4 * 1024 * 1024;

pub(crate) fn encode(ingested_ms: i64, events: &[(i64, &str)]) -> Vec<u8> {
    let mut content = Vec::with_capacity(events.iter().map(|(_, message)| message.len() + 6).sum());
    let mut before = 0;
    for (time, _) in events {
        varint(time.wrapping_sub(before) as u64, &mut content);
        before = *time;
    }
    for (_, message) in events {
        varint(message.len() as u64, &mut content);
    }
    for (_, message) in events {
        content.extend_from_slice(message.as_bytes());
    }
    let packed = (content.len() >= PACK_FROM).then(|| lz4_flex::block::compress(&content));
    let packed = packed.filter(|packed| packed.len() < content.len());
    let mut out = Vec::with_capacity(HEAD + content.len());
    out.extend_from_slice(&[VERSION, u8::from(packed.is_some())]);
    out.extend_from_slice(&ingested_ms.to_be_bytes());
    out.extend_from_slice(&(events.len() as u32).to_be_bytes());
    out.extend_from_slice(&(content.len() as u32).to_be_bytes());
    out.extend_from_slice(packed.as_ref().unwrap_or(&content));
    out
}

pub(crate) fn decode(stream: u64, sequence: u64, bytes: &[u8]) -> Result<Vec<Event>, StoreError> {
    parse(stream, sequence, bytes)
        .ok_or_else(|| StoreError::Damaged(format!("the log events of stream {stream} at {sequence}")))
}

fn parse(stream: u64, sequence: u64, bytes: &[u8]) -> Option<Vec<Event>> {
    let (head, content) = bytes.split_at_checked(HEAD)?;
    let number = |from: usize| Some(u32::from_be_bytes(head[from..from + 4].try_into().ok()?) as usize);
    let ingested_ms = i64::from_be_bytes(head[2..10].try_into().ok()?);
    let (count, length) = (number(10)?, number(14)?);
    if head[0] != VERSION || length > CONTENT_MAX || count > length {
        return None;
    }
    let unpacked;
    let mut rest = match head[1] {
        0 => content,
        1 => {
            unpacked = lz4_flex::block::decompress(content, length).ok()?;
            &unpacked
        }
        _ => return None,
    };
    if rest.len() != length {
        return None;
    }
    let mut time = 0i64;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        time = time.wrapping_add(read_varint(&mut rest)? as i64);
        times.push(time);
    }
    let mut lengths = Vec::with_capacity(count);
    for _ in 0..count {
        lengths.push(usize::try_from(read_varint(&mut rest)?).ok()?);
    }
    let mut events = Vec::with_capacity(count);
    for (index, (time_ms, length)) in times.into_iter().zip(lengths).enumerate() {
        let (message, after) = rest.split_at_checked(length)?;
        rest = after;
        let place = Place { time_ms, sequence, index: index as u32 };
        let message = String::from_utf8(message.to_vec()).ok()?;
        events.push(Event { place, stream, ingested_ms, message });
    }
    rest.is_empty().then_some(events)
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_varint(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_read(events in prop::collection::vec((0i64..2_000_000_000_000, ".{0,80}"), 0..40)) {
            let given: Vec<(i64, &str)> = events.iter().map(|(time, text)| (*time, text.as_str())).collect();
            let read = decode(7, 9, &encode(5, &given)).unwrap();
            let back: Vec<(i64, &str)> = read.iter().map(|e| (e.place.time_ms, e.message.as_str())).collect();
            prop_assert_eq!(back, given);
        }

        #[test]
        fn damage_is_found_or_harmless(bytes in prop::collection::vec(any::<u8>(), 0..200), flip in 0usize..400) {
            let _ = decode(1, 1, &bytes);
            let mut chunk = encode(5, &[(1, "some words that repeat, some words that repeat"); 8]);
            let bit = flip % (chunk.len() * 8);
            chunk[bit / 8] ^= 1 << (bit % 8);
            let _ = decode(1, 1, &chunk);
        }
    }
}
