//! Buckets as bytes: columns, so that what is alike lies together, then LZ4.
//!
//! Head: version, whether packed, length of the columns (4 bytes). Columns: number of buckets; times as differences; one byte each for tier and
//! unit, and for the kind of summary; then the numbers of each summary, every float XORed with the one before in its column.

use haneul_kit::metrics::{Summary, Unit, Values};
use haneul_store::StoreError;

use super::{Bucket, Tier};

const VERSION: u8 = 1;
const HEAD: usize = 6;

/// Largest content that is unpacked, in bytes.
const CONTENT_MAX: usize = 64 * 1024 * 1024;

const ONE: u8 = 0;
const ONE_ONCE: u8 = 1;
const MANY: u8 = 2;
const UNKNOWN: u8 = 3;

/// The buckets of one series.
pub(crate) fn encode(buckets: &[Bucket]) -> Vec<u8> {
    let mut content = Vec::with_capacity(buckets.len() * 16);
    columns(buckets, &mut content);
    pack(content)
}

/// Buckets of many series, as a journal has them.
pub(crate) fn encode_batch(rows: &[(u64, Bucket)]) -> Vec<u8> {
    let mut content = Vec::with_capacity(rows.len() * 24);
    for (series, _) in rows {
        content.extend_from_slice(&series.to_be_bytes());
    }
    let buckets: Vec<Bucket> = rows.iter().map(|(_, bucket)| bucket.clone()).collect();
    let mut out = Vec::with_capacity(content.len() + buckets.len() * 16);
    varint(rows.len() as u64, &mut out);
    out.extend_from_slice(&content);
    columns(&buckets, &mut out);
    pack(out)
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Bucket>, StoreError> {
    let read = || {
        let content = unpack(bytes)?;
        let mut rest = &content[..];
        let buckets = read_columns(&mut rest)?;
        rest.is_empty().then_some(buckets)
    };
    read().ok_or_else(|| StoreError::Damaged("a chunk of metric data".to_owned()))
}

pub(crate) fn decode_batch(bytes: &[u8]) -> Result<Vec<(u64, Bucket)>, StoreError> {
    let read = || {
        let content = unpack(bytes)?;
        let mut rest = &content[..];
        let count = usize::try_from(read_varint(&mut rest)?).ok()?;
        let (ids, columns) = rest.split_at_checked(count.checked_mul(8)?)?;
        rest = columns;
        let buckets = read_columns(&mut rest)?;
        let ids = ids.chunks_exact(8).map(|id| u64::from_be_bytes(id.try_into().unwrap_or_default()));
        (rest.is_empty() && buckets.len() == count).then(|| ids.zip(buckets).collect())
    };
    read().ok_or_else(|| StoreError::Damaged("a batch of metric data".to_owned()))
}

fn pack(content: Vec<u8>) -> Vec<u8> {
    let packed = Some(lz4_flex::block::compress(&content)).filter(|packed| packed.len() < content.len());
    let mut out = Vec::with_capacity(HEAD + packed.as_ref().map_or(content.len(), Vec::len));
    out.extend_from_slice(&[VERSION, u8::from(packed.is_some())]);
    out.extend_from_slice(&(content.len() as u32).to_be_bytes());
    out.extend_from_slice(packed.as_ref().unwrap_or(&content));
    out
}

fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let (head, content) = bytes.split_at_checked(HEAD)?;
    let length = u32::from_be_bytes(head[2..6].try_into().ok()?) as usize;
    if head[0] != VERSION || length > CONTENT_MAX {
        return None;
    }
    let content = match head[1] {
        0 => content.to_vec(),
        1 => lz4_flex::block::decompress(content, length).ok()?,
        _ => return None,
    };
    (content.len() == length).then_some(content)
}

fn columns(buckets: &[Bucket], out: &mut Vec<u8>) {
    varint(buckets.len() as u64, out);
    let mut before = 0i64;
    for bucket in buckets {
        varint(zigzag(bucket.at.wrapping_sub(before)), out);
        before = bucket.at;
    }
    out.extend(buckets.iter().map(|bucket| bucket.tier.number()));
    out.extend(buckets.iter().map(|bucket| bucket.unit.number()));
    out.extend(buckets.iter().map(|bucket| kind(&bucket.summary)));
    let mut floats = Floats::default();
    for Bucket { summary, .. } in buckets {
        floats.write(0, summary.min, out);
        match &summary.values {
            Values::One if summary.count == 1.0 => {}
            Values::One => floats.write(1, summary.count, out),
            Values::Many(values) => {
                floats.write(2, summary.max, out);
                floats.write(3, summary.sum, out);
                floats.write(1, summary.count, out);
                varint(values.len() as u64, out);
                for (value, count) in values {
                    floats.write(4, *value, out);
                    floats.write(5, *count, out);
                }
            }
            Values::Unknown => {
                floats.write(2, summary.max, out);
                floats.write(3, summary.sum, out);
                floats.write(1, summary.count, out);
            }
        }
    }
}

fn kind(summary: &Summary) -> u8 {
    match &summary.values {
        Values::One if summary.count == 1.0 => ONE_ONCE,
        Values::One => ONE,
        Values::Many(_) => MANY,
        Values::Unknown => UNKNOWN,
    }
}

fn read_columns(from: &mut &[u8]) -> Option<Vec<Bucket>> {
    let count = usize::try_from(read_varint(from)?).ok()?;
    // Each bucket takes at least five bytes.
    if count > from.len() {
        return None;
    }
    let mut at = 0i64;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        at = at.wrapping_add(unzigzag(read_varint(from)?));
        times.push(at);
    }
    let (tiers, rest) = from.split_at_checked(count)?;
    let (units, rest) = rest.split_at_checked(count)?;
    let (kinds, rest) = rest.split_at_checked(count)?;
    *from = rest;
    let mut floats = Floats::default();
    let mut buckets = Vec::with_capacity(count);
    for i in 0..count {
        let min = floats.read(0, from)?;
        let summary = match kinds[i] {
            ONE_ONCE => Summary::of(min, 1.0),
            ONE => Summary::of(min, floats.read(1, from)?),
            MANY => {
                let (max, sum, number) =
                    (floats.read(2, from)?, floats.read(3, from)?, floats.read(1, from)?);
                let length = usize::try_from(read_varint(from)?).ok()?;
                if length > from.len() {
                    return None;
                }
                let mut values = Vec::with_capacity(length);
                for _ in 0..length {
                    values.push((floats.read(4, from)?, floats.read(5, from)?));
                }
                Summary { count: number, sum, min, max, values: Values::Many(values) }
            }
            UNKNOWN => {
                let (max, sum, number) =
                    (floats.read(2, from)?, floats.read(3, from)?, floats.read(1, from)?);
                Summary { count: number, sum, min, max, values: Values::Unknown }
            }
            _ => return None,
        };
        buckets.push(Bucket {
            at: times[i],
            tier: Tier::from_number(tiers[i])?,
            unit: Unit::from_number(units[i])?,
            summary,
        });
    }
    Some(buckets)
}

/// Floats in columns, each as the bits that differ from the one before it. Whole numbers have their zeros at the end, so the bytes are turned
/// round before they are written as a number of variable length.
#[derive(Default)]
struct Floats {
    before: [u64; 6],
}

impl Floats {
    fn write(&mut self, column: usize, value: f64, out: &mut Vec<u8>) {
        let bits = value.to_bits();
        varint((bits ^ self.before[column]).swap_bytes(), out);
        self.before[column] = bits;
    }

    fn read(&mut self, column: usize, from: &mut &[u8]) -> Option<f64> {
        let bits = read_varint(from)?.swap_bytes() ^ self.before[column];
        self.before[column] = bits;
        Some(f64::from_bits(bits))
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
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

    fn summary() -> impl Strategy<Value = Summary> {
        let float = || prop_oneof![-1e9f64..1e9, (0i32..1000).prop_map(f64::from)];
        prop_oneof![
            float().prop_map(|value| Summary::of(value, 1.0)),
            (float(), 1.0f64..100.0).prop_map(|(value, count)| Summary::of(value, count)),
            (float(), float(), 1.0f64..9.0).prop_map(|(a, b, n)| Summary::of_statistics(
                n,
                a + b,
                a.min(b),
                a.max(b)
            )),
            prop::collection::vec((float(), 1u8..9), 1..20).prop_map(|values| {
                let mut summary = Summary::of(values[0].0, f64::from(values[0].1));
                values[1..].iter().for_each(|(value, count)| summary.add(*value, f64::from(*count)));
                summary
            }),
        ]
    }

    fn bucket() -> impl Strategy<Value = Bucket> {
        (-4_000_000_000i64..4_000_000_000, 0u8..4, 0u8..27, summary()).prop_map(
            |(at, tier, unit, summary)| Bucket {
                at,
                tier: Tier::from_number(tier).unwrap(),
                unit: Unit::from_number(unit).unwrap(),
                summary,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_packed_is_read(rows in prop::collection::vec((any::<u64>(), bucket()), 0..60)) {
            prop_assert_eq!(&decode_batch(&encode_batch(&rows)).unwrap(), &rows);
            let buckets: Vec<Bucket> = rows.into_iter().map(|(_, bucket)| bucket).collect();
            prop_assert_eq!(decode(&encode(&buckets)).unwrap(), buckets);
        }

        #[test]
        fn damage_is_found_or_harmless(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            rows in prop::collection::vec((any::<u64>(), bucket()), 1..20),
            flip in any::<usize>(),
        ) {
            let _ = (decode(&bytes), decode_batch(&bytes));
            let mut chunk = encode_batch(&rows);
            let bit = flip % (chunk.len() * 8);
            chunk[bit / 8] ^= 1 << (bit % 8);
            let _ = (decode(&chunk), decode_batch(&chunk));
        }
    }

    #[test]
    fn a_day_of_minutes_is_small() {
        let bucket = |i: i64| Bucket {
            at: 1_700_000_000 + i * 60,
            tier: Tier::Minute,
            unit: Unit::Count,
            summary: Summary::of((i % 7) as f64, 1.0),
        };
        let day: Vec<Bucket> = (0..1440).map(bucket).collect();
        assert!(encode(&day).len() < 1440 * 2, "{}", encode(&day).len());
    }
}
