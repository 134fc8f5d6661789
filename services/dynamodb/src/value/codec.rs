//! An item as bytes on disk: a byte for each type, lengths in LEB128, names and values one after the other. Not JSON: an
//! item is read far more often than anything else here, and this is a third of the size.

use bytes::Bytes;

use super::size::{CONTAINER_BYTES, ELEMENT_BYTES, of_number};
use super::{Attrs, Number, Value};

/// Nesting that is read back; what is written has at most 32 levels.
const DEPTH_MAX: usize = 64;

mod tag {
    pub(super) const S: u8 = 0;
    pub(super) const N: u8 = 1;
    pub(super) const B: u8 = 2;
    pub(super) const FALSE: u8 = 3;
    pub(super) const TRUE: u8 = 4;
    pub(super) const NULL: u8 = 5;
    pub(super) const M: u8 = 6;
    pub(super) const L: u8 = 7;
    pub(super) const SS: u8 = 8;
    pub(super) const NS: u8 = 9;
    pub(super) const BS: u8 = 10;
}

pub(crate) fn encode(item: &Attrs, out: &mut Vec<u8>) {
    length(item.len(), out);
    for (name, value) in item.iter() {
        bytes(name.as_bytes(), out);
        encode_value(value, out);
    }
}

/// `None` when these are not the bytes of an item.
pub(crate) fn decode(mut from: &[u8]) -> Option<Attrs> {
    let item = take_attrs(&mut from, 0)?;
    from.is_empty().then_some(item)
}

/// The size of the item that these are the bytes of, as [`super::size::of_item`] has it: found without making the item.
pub(crate) fn size(mut from: &[u8]) -> Option<usize> {
    let size = size_of_attrs(&mut from, 0, 0)?;
    from.is_empty().then_some(size)
}

fn size_of_attrs(from: &mut &[u8], depth: usize, each: usize) -> Option<usize> {
    sum(from, |from| {
        let name = take_bytes(from)?.len();
        Some(name + size_of_value(from, depth)? + each)
    })
}

fn size_of_value(from: &mut &[u8], depth: usize) -> Option<usize> {
    if depth > DEPTH_MAX {
        return None;
    }
    let (tag, rest) = from.split_first()?;
    *from = rest;
    Some(match *tag {
        tag::S | tag::B => take_bytes(from)?.len(),
        tag::N => of_number(&take_number(from)?),
        tag::FALSE | tag::TRUE | tag::NULL => 1,
        tag::M => CONTAINER_BYTES + size_of_attrs(from, depth + 1, ELEMENT_BYTES)?,
        tag::L => CONTAINER_BYTES + sum(from, |from| Some(size_of_value(from, depth + 1)? + ELEMENT_BYTES))?,
        tag::SS | tag::BS => sum(from, |from| Some(take_bytes(from)?.len()))?,
        tag::NS => sum(from, |from| Some(of_number(&take_number(from)?)))?,
        _ => return None,
    })
}

fn sum(from: &mut &[u8], mut take: impl FnMut(&mut &[u8]) -> Option<usize>) -> Option<usize> {
    let count = take_length(from)?;
    let mut sum = 0;
    for _ in 0..count {
        sum += take(from)?;
    }
    Some(sum)
}

pub(crate) fn encode_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::S(text) => {
            out.push(tag::S);
            bytes(text.as_bytes(), out);
        }
        Value::N(number) => {
            out.push(tag::N);
            encode_number(number, out);
        }
        Value::B(binary) => {
            out.push(tag::B);
            bytes(binary, out);
        }
        Value::Bool(false) => out.push(tag::FALSE),
        Value::Bool(true) => out.push(tag::TRUE),
        Value::Null => out.push(tag::NULL),
        Value::M(map) => {
            out.push(tag::M);
            encode(map, out);
        }
        Value::L(list) => {
            out.push(tag::L);
            length(list.len(), out);
            list.iter().for_each(|value| encode_value(value, out));
        }
        Value::Ss(set) => {
            out.push(tag::SS);
            length(set.len(), out);
            set.iter().for_each(|text| bytes(text.as_bytes(), out));
        }
        Value::Ns(set) => {
            out.push(tag::NS);
            length(set.len(), out);
            set.iter().for_each(|number| encode_number(number, out));
        }
        Value::Bs(set) => {
            out.push(tag::BS);
            length(set.len(), out);
            set.iter().for_each(|binary| bytes(binary, out));
        }
    }
}

fn take_value(from: &mut &[u8], depth: usize) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    let (tag, rest) = from.split_first()?;
    *from = rest;
    Some(match *tag {
        tag::S => Value::S(take_text(from)?),
        tag::N => Value::N(take_number(from)?),
        tag::B => Value::B(Bytes::copy_from_slice(take_bytes(from)?)),
        tag::FALSE => Value::Bool(false),
        tag::TRUE => Value::Bool(true),
        tag::NULL => Value::Null,
        tag::M => Value::M(take_attrs(from, depth + 1)?),
        tag::L => Value::L(take_all(from, |from| take_value(from, depth + 1))?),
        tag::SS => Value::Ss(take_all(from, take_text)?),
        tag::NS => Value::Ns(take_all(from, take_number)?),
        tag::BS => Value::Bs(take_all(from, |from| take_bytes(from).map(Bytes::copy_from_slice))?),
        _ => return None,
    })
}

fn take_attrs(from: &mut &[u8], depth: usize) -> Option<Attrs> {
    let entries = take_all(from, |from| {
        let name = take_text(from)?;
        Some((name, take_value(from, depth)?))
    })?;
    Some(Attrs::of(entries))
}

fn take_all<T>(from: &mut &[u8], mut take: impl FnMut(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    let count = take_length(from)?;
    // Each element has at least one byte, so a damaged count cannot ask for more memory than there is data.
    if count > from.len() {
        return None;
    }
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        all.push(take(from)?);
    }
    Some(all)
}

/// Sign and length of the coefficient, exponent, coefficient without leading zero bytes.
fn encode_number(number: &Number, out: &mut Vec<u8>) {
    let (negative, coefficient, exponent) = number.parts();
    let len = 16 - coefficient.leading_zeros() as usize / 8;
    out.push(u8::from(negative) << 7 | len as u8);
    out.extend_from_slice(&exponent.to_le_bytes());
    out.extend_from_slice(&coefficient.to_le_bytes()[..len]);
}

fn take_number(from: &mut &[u8]) -> Option<Number> {
    let (head, rest) = from.split_first()?;
    let (exponent, rest) = rest.split_first_chunk::<2>()?;
    let len = usize::from(head & 0x7f);
    if len > 16 || len > rest.len() {
        return None;
    }
    let mut coefficient = [0; 16];
    coefficient[..len].copy_from_slice(&rest[..len]);
    *from = &rest[len..];
    Number::of_parts(head & 0x80 != 0, u128::from_le_bytes(coefficient), i16::from_le_bytes(*exponent))
}

pub(crate) fn bytes(value: &[u8], out: &mut Vec<u8>) {
    length(value.len(), out);
    out.extend_from_slice(value);
}

pub(crate) fn take_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = take_length(from)?;
    let (taken, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(taken)
}

fn take_text(from: &mut &[u8]) -> Option<String> {
    String::from_utf8(take_bytes(from)?.to_vec()).ok()
}

pub(crate) fn length(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn take_length(from: &mut &[u8]) -> Option<usize> {
    let mut value = 0usize;
    for shift in (0..56).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
