//! A chunk: events of one stream, columns of times and lengths, then the messages, compressed by LZ4 where it helps, and sealed
//! where the group has a key of KMS.
//!
//! ```text
//! version u8 = 2 · flags u8 (1 LZ4, 2 sealed, 4 transformed) · ingested i64 · count u32 · plain length u32
//!   · [transformer u64] · [data key u64] · content
//! content: count × (time delta, varint) · count × (length, varint) · the messages in a row
//!          · number of masks, varint · masks × (event, start, length, varints)
//! ```
//! Version 1 has no masks and was never sealed. A mask is what a data protection policy found, in bytes of the message.
//! A chunk lies within one stretch of [`SPAN_MS`], so that what reaches into a range of time is found near its ends.

use haneul_store::StoreError;

use super::{Event, Mask, Place};
use crate::keys::DataKey;

/// No chunk crosses a multiple of this.
pub(crate) const SPAN_MS: i64 = 600_000;

const VERSION: u8 = 2;
const HEAD: usize = 18;
const PACKED: u8 = 1;
const SEALED: u8 = 2;
/// By a transformer, whenever they are looked at.
const TRANSFORMED: u8 = 4;
const NUMBER_LENGTH: usize = 8;
/// Shorter content does not shrink.
const PACK_FROM: usize = 128;
/// More than one batch can have, with a mask for every other byte of it; a larger number is damage.
const CONTENT_MAX: usize = 4 * 1024 * 1024;

/// Where a chunk lies; what is sealed is bound to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) stream: u64,
    pub(crate) sequence: u64,
}

/// Events to pack. `masks` are by event, in their order.
pub(crate) struct Batch<'e> {
    pub(crate) ingested_ms: i64,
    pub(crate) events: &'e [(i64, &'e str)],
    pub(crate) masks: Vec<(usize, Mask)>,
    pub(crate) transformer: Option<u64>,
}

/// # Errors
/// For more than can be read again.
pub(crate) fn encode(at: At, batch: &Batch<'_>, key: Option<(u64, &DataKey)>) -> Result<Vec<u8>, StoreError> {
    let events = batch.events;
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
    varint(batch.masks.len() as u64, &mut content);
    for (event, mask) in &batch.masks {
        for number in [*event as u64, u64::from(mask.start), u64::from(mask.length)] {
            varint(number, &mut content);
        }
    }
    if content.len() > CONTENT_MAX {
        let (what, size) = ("chunk of log events", content.len());
        return Err(StoreError::TooLarge { what, size, max: CONTENT_MAX });
    }
    let packed = (content.len() >= PACK_FROM).then(|| lz4_flex::block::compress(&content));
    let packed = packed.filter(|packed| packed.len() < content.len());
    let flag = |flag: u8, is_set: bool| if is_set { flag } else { 0 };
    let flags = flag(PACKED, packed.is_some())
        | flag(SEALED, key.is_some())
        | flag(TRANSFORMED, batch.transformer.is_some());
    let mut out = Vec::with_capacity(HEAD + content.len());
    out.extend_from_slice(&[VERSION, flags]);
    out.extend_from_slice(&batch.ingested_ms.to_be_bytes());
    out.extend_from_slice(&(events.len() as u32).to_be_bytes());
    out.extend_from_slice(&(content.len() as u32).to_be_bytes());
    if let Some(transformer) = batch.transformer {
        out.extend_from_slice(&transformer.to_be_bytes());
    }
    let plain = packed.as_ref().unwrap_or(&content);
    match key {
        None => out.extend_from_slice(plain),
        Some((number, key)) => {
            out.extend_from_slice(&number.to_be_bytes());
            let sealed = key.seal(&bound(at, &out), plain);
            out.extend_from_slice(&sealed);
        }
    }
    Ok(out)
}

/// The data key that a chunk is sealed with.
pub(crate) fn sealed_by(bytes: &[u8]) -> Option<u64> {
    let (version, flags) = (*bytes.first()?, *bytes.get(1)?);
    let from = if flags & TRANSFORMED == 0 { HEAD } else { HEAD + NUMBER_LENGTH };
    number_at(bytes, from).filter(|_| version >= 2 && flags & SEALED != 0)
}

fn number_at(bytes: &[u8], from: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(from..from + NUMBER_LENGTH)?.try_into().ok()?))
}

pub(crate) fn decode(at: At, bytes: &[u8], key: Option<&DataKey>) -> Result<Vec<Event>, StoreError> {
    let damaged =
        || StoreError::Damaged(format!("the log events of stream {} at {}", at.stream, at.sequence));
    parse(at, bytes, key).ok_or_else(damaged)
}

/// The head of a chunk and its place: nothing sealed opens anywhere else.
fn bound(at: At, head: &[u8]) -> Vec<u8> {
    [&at.stream.to_be_bytes(), &at.sequence.to_be_bytes(), head].concat()
}

fn parse(at: At, bytes: &[u8], key: Option<&DataKey>) -> Option<Vec<Event>> {
    let (head, mut content) = bytes.split_at_checked(HEAD)?;
    let number = |from: usize| Some(u32::from_be_bytes(head[from..from + 4].try_into().ok()?) as usize);
    let ingested_ms = i64::from_be_bytes(head[2..10].try_into().ok()?);
    let (version, flags) = (head[0], head[1]);
    let (count, length) = (number(10)?, number(14)?);
    let known = matches!((version, flags), (1, 0..=1) | (2, 0..=7));
    if !known || length > CONTENT_MAX || count > length {
        return None;
    }
    let transformer = match flags & TRANSFORMED {
        0 => None,
        _ => {
            content = content.get(NUMBER_LENGTH..)?;
            Some(number_at(bytes, HEAD)?)
        }
    };
    let opened;
    if flags & SEALED != 0 {
        let sealed = content.get(NUMBER_LENGTH..)?;
        opened = key?.open(&bound(at, &bytes[..bytes.len() - sealed.len()]), sealed)?;
        content = &opened;
    }
    let unpacked;
    let mut rest = match flags & PACKED {
        0 => content,
        _ => {
            unpacked = lz4_flex::block::decompress(content, length).ok()?;
            &unpacked
        }
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
        let place = Place { time_ms, sequence: at.sequence, index: index as u32 };
        let message = String::from_utf8(message.to_vec()).ok()?;
        events.push(Event { place, stream: at.stream, ingested_ms, message, masks: Vec::new(), transformer });
    }
    if version >= 2 {
        for _ in 0..read_varint(&mut rest)? {
            let event = events.get_mut(usize::try_from(read_varint(&mut rest)?).ok()?)?;
            let start = u32::try_from(read_varint(&mut rest)?).ok()?;
            let length = u32::try_from(read_varint(&mut rest)?).ok()?;
            event.masks.push(Mask { start, length });
        }
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

    const AT: At = At { stream: 7, sequence: 9 };

    fn batch<'e>(events: &'e [(i64, &'e str)]) -> Batch<'e> {
        Batch { ingested_ms: 5, events, masks: Vec::new(), transformer: None }
    }

    #[test]
    fn what_version_1_wrote_is_read() {
        let mut old = vec![1, 0];
        old.extend_from_slice(&5i64.to_be_bytes());
        old.extend_from_slice(&1u32.to_be_bytes());
        old.extend_from_slice(&4u32.to_be_bytes());
        old.extend_from_slice(&[3, 2, b'h', b'i']);
        let read = decode(AT, &old, None).unwrap();
        assert_eq!((read[0].place.time_ms, read[0].message.as_str()), (3, "hi"));
    }

    #[test]
    fn what_is_sealed_opens_only_in_its_place_and_whole() {
        let key = DataKey::new(&[7; 32], &haneul_env::Rng::seeded(1)).unwrap();
        let events = [(1, "a secret that nobody else reads")];
        let masks = vec![(0, Mask { start: 2, length: 6 })];
        let masked = Batch { masks, transformer: Some(4), ..batch(&events) };
        let sealed = encode(AT, &masked, Some((3, &key))).unwrap();
        assert_eq!((sealed_by(&sealed), sealed_by(&encode(AT, &masked, None).unwrap())), (Some(3), None));
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        let mut read = decode(AT, &sealed, Some(&key)).unwrap();
        assert_eq!(read[0].transformer, Some(4));
        read[0].hide();
        assert_eq!(read[0].message, "a ****** that nobody else reads");
        assert!(decode(AT, &sealed, None).is_err());
        assert!(decode(At { sequence: 10, ..AT }, &sealed, Some(&key)).is_err());
        let other = DataKey::new(&[8; 32], &haneul_env::Rng::seeded(1)).unwrap();
        assert!(decode(AT, &sealed, Some(&other)).is_err());
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert!(decode(AT, &changed, Some(&key)).is_err(), "byte {i}");
        }
    }

    #[test]
    fn what_could_not_be_read_is_not_written() {
        let message = "a ".repeat(CONTENT_MAX / 8);
        let masks =
            (0..message.len() as u32).step_by(2).map(|start| (0, Mask { start, length: 1 })).collect();
        let events = [(1, message.as_str())];
        let all = encode(AT, &Batch { masks, ..batch(&events) }, None).unwrap();
        assert_eq!(decode(AT, &all, None).unwrap()[0].masks.len(), message.len() / 2);
        let events = [(1, message.as_str()); 4];
        assert!(encode(AT, &batch(&events), None).is_err());
    }

    proptest! {
        #[test]
        fn what_is_packed_is_read(events in prop::collection::vec((0i64..2_000_000_000_000, ".{0,80}"), 0..40)) {
            let given: Vec<(i64, &str)> = events.iter().map(|(time, text)| (*time, text.as_str())).collect();
            let read = decode(AT, &encode(AT, &batch(&given), None).unwrap(), None).unwrap();
            let back: Vec<(i64, &str)> = read.iter().map(|e| (e.place.time_ms, e.message.as_str())).collect();
            prop_assert_eq!(back, given);
        }

        #[test]
        fn damage_is_found_or_harmless(bytes in prop::collection::vec(any::<u8>(), 0..200), flip in 0usize..400) {
            let _ = decode(AT, &bytes, None);
            let events = [(1, "some words that repeat, some words that repeat"); 8];
            let mut chunk = encode(AT, &batch(&events), None).unwrap();
            let bit = flip % (chunk.len() * 8);
            chunk[bit / 8] ^= 1 << (bit % 8);
            if let Ok(events) = decode(AT, &chunk, None) {
                events.into_iter().for_each(|mut event| event.hide());
            }
        }
    }
}
