//! Keys as bytes whose order is the order of the values, so that sort keys lie in order on disk.
//!
//! Strings and binaries: each 0x00 is followed by 0xFF, and 0x00 0x01 ends them. Numbers: a byte for the sign, two for
//! the magnitude, the digits in pairs plus one, and 0x00; all but the sign inverted for negative numbers.

use super::{Number, Value};

const ESCAPE: u8 = 0x00;
const ESCAPED_NUL: u8 = 0xFF;
const END: u8 = 0x01;

/// Appends a value that can be a key (S, N, B); anything else appends nothing.
pub(crate) fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::S(text) => bytes(text.as_bytes(), out),
        Value::B(binary) => bytes(binary, out),
        Value::N(number) => encode_number(number, out),
        _ => {}
    }
}

/// What the encodings of all strings and binaries that begin with `start` begin with.
pub(crate) fn encode_start(start: &[u8], out: &mut Vec<u8>) {
    for part in start.split_inclusive(|b| *b == ESCAPE) {
        out.extend_from_slice(part);
        if part.last() == Some(&ESCAPE) {
            out.push(ESCAPED_NUL);
        }
    }
}

fn bytes(value: &[u8], out: &mut Vec<u8>) {
    encode_start(value, out);
    out.extend_from_slice(&[ESCAPE, END]);
}

fn encode_number(number: &Number, out: &mut Vec<u8>) {
    if number.is_zero() {
        out.push(1);
        return;
    }
    out.push(if number.is_negative() { 0 } else { 2 });
    let start = out.len();
    out.extend_from_slice(&((number.magnitude() + 1000) as u16).to_be_bytes());
    let (_, coefficient, _) = number.parts();
    let digits = number.digits();
    // From the leading digit down, two at a time.
    let mut rest = if digits % 2 == 1 { coefficient * 10 } else { coefficient };
    let mut power = 100u128.pow(digits.div_ceil(2) - 1);
    while power > 0 {
        out.push((rest / power) as u8 + 1);
        rest %= power;
        power /= 100;
    }
    out.push(0);
    if number.is_negative() {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}
