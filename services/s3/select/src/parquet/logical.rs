//! Bytes to values, by the types of columns.

use super::{invalid, unsupported_type};
use crate::csv::{RECORD_BYTES_MAX, invalid_encoding, too_long};
use crate::error::Result;
use crate::timestamp::{Precision, Timestamp};
use crate::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Physical {
    Bool,
    Int32,
    Int64,
    Int96,
    Float,
    Double,
    Bytes,
    Fixed,
}

/// Longest value of a fixed length, in bytes.
const FIXED_BYTES_MAX: usize = RECORD_BYTES_MAX;

impl Physical {
    pub(super) fn new(number: i64) -> Option<Physical> {
        use Physical::*;
        let all = [Bool, Int32, Int64, Int96, Float, Double, Bytes, Fixed];
        all.get(usize::try_from(number).ok()?).copied()
    }

    /// Of each value, in bytes; none for those that differ, and for bits.
    pub(super) fn length(self, fixed: usize) -> Result<usize> {
        match self {
            Physical::Bool | Physical::Bytes => Ok(0),
            Physical::Int32 | Physical::Float => Ok(4),
            Physical::Int64 | Physical::Double => Ok(8),
            Physical::Int96 => Ok(12),
            Physical::Fixed if (1..=FIXED_BYTES_MAX).contains(&fixed) => Ok(fixed),
            Physical::Fixed => Err(invalid("a column's values have no length that there is")),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Logical {
    #[default]
    None,
    Text,
    List,
    Map,
    Decimal,
    Date,
    Time(Unit),
    Timestamp(Unit),
    Unsigned,
    Uuid,
    Float16,
    /// Only nulls.
    Nothing,
    /// AWS has none, and neither have we.
    Unsupported,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    /// In a second, and digits.
    fn of_second(self) -> (i64, u8) {
        match self {
            Unit::Millis => (1_000, 3),
            Unit::Micros => (1_000_000, 6),
            Unit::Nanos => (1_000_000_000, 9),
        }
    }

    fn parts(self, count: i64) -> (i64, u32, u8) {
        let (each, digits) = self.of_second();
        let rest = count.rem_euclid(each) as u32;
        (count.div_euclid(each), rest * 10u32.pow(9 - u32::from(digits)), digits)
    }
}

/// A value as it is stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'b> {
    /// Of 32 bits or 64.
    Int(i64),
    /// Little-endian, of a length that [`Physical`] tells.
    Bytes(&'b [u8]),
}

const DAY_S: i64 = 86_400;

/// Of the epoch: days are counted from noon, and this one began at midnight.
const JULIAN_EPOCH: i64 = 2_440_588;

pub(super) fn value(raw: Raw<'_>, physical: Physical, logical: Logical, scale: u32) -> Result<Value> {
    match (raw, physical) {
        (Raw::Int(int), _) => of_int(int, physical, logical, scale),
        (Raw::Bytes(bytes), Physical::Float) => match bytes.try_into() {
            Ok(bytes) => Ok(Value::Float(f64::from(f32::from_le_bytes(bytes)))),
            Err(_) => Err(invalid("a value is cut off")),
        },
        (Raw::Bytes(bytes), Physical::Double) => match bytes.try_into() {
            Ok(bytes) => Ok(Value::Float(f64::from_le_bytes(bytes))),
            Err(_) => Err(invalid("a value is cut off")),
        },
        (Raw::Bytes(bytes), Physical::Int96) => int96(bytes),
        (Raw::Bytes(bytes), _) => of_bytes(bytes, logical, scale),
    }
}

fn of_int(int: i64, physical: Physical, logical: Logical, scale: u32) -> Result<Value> {
    Ok(match logical {
        Logical::Decimal => Value::Decimal(i128::from(int), scale),
        Logical::Date => return timestamp(int.saturating_mul(DAY_S), 0, Precision::Day),
        Logical::Timestamp(unit) => {
            let (secs, nanos, digits) = unit.parts(int);
            return timestamp(secs, nanos, Precision::Fraction(digits));
        }
        Logical::Time(unit) => {
            let (secs, nanos, digits) = unit.parts(int);
            let (hours, minutes, secs) =
                (secs.rem_euclid(DAY_S) / 3600, secs.rem_euclid(3600) / 60, secs.rem_euclid(60));
            let part = nanos / 10u32.pow(9 - u32::from(digits));
            Value::Text(format!(
                "{hours:02}:{minutes:02}:{secs:02}.{part:0width$}",
                width = usize::from(digits)
            ))
        }
        Logical::Unsigned if physical == Physical::Int32 => Value::Int(i64::from(int as u32)),
        Logical::Unsigned if int < 0 => Value::Decimal(i128::from(int as u64), 0),
        Logical::Unsupported => return Err(unsupported_type("one of its logical types")),
        _ => Value::Int(int),
    })
}

/// A timestamp of the years 1 to 9999, as there are in Ion.
fn timestamp(secs: i64, nanos: u32, precision: Precision) -> Result<Value> {
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_300_799;
    if !(FIRST..=LAST).contains(&secs) {
        return Err(unsupported_type("a timestamp that is in no year from 1 to 9999"));
    }
    Ok(Value::Timestamp(Timestamp { secs, nanos, offset_min: 0, precision }))
}

/// Nanoseconds of a day, and the Julian day, as Impala and Spark wrote them.
fn int96(bytes: &[u8]) -> Result<Value> {
    let (Some(nanos), Some(day)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<4>()) else {
        return Err(invalid("a value is cut off"));
    };
    let (nanos, day) = (i64::from_le_bytes(*nanos), i64::from(i32::from_le_bytes(*day)));
    let secs = (day - JULIAN_EPOCH) * DAY_S + nanos.div_euclid(1_000_000_000);
    timestamp(secs, nanos.rem_euclid(1_000_000_000) as u32, Precision::Fraction(9))
}

fn of_bytes(bytes: &[u8], logical: Logical, scale: u32) -> Result<Value> {
    match logical {
        Logical::Decimal => decimal(bytes, scale),
        Logical::Uuid if bytes.len() == 16 => {
            let mut text = String::with_capacity(36);
            for (at, byte) in bytes.iter().enumerate() {
                if matches!(at, 4 | 6 | 8 | 10) {
                    text.push('-');
                }
                text.push_str(&format!("{byte:02x}"));
            }
            Ok(Value::Text(text))
        }
        Logical::Float16 => match bytes.try_into() {
            Ok(bytes) => Ok(Value::Float(half(u16::from_le_bytes(bytes)))),
            Err(_) => Err(invalid("a value is cut off")),
        },
        Logical::Unsupported => Err(unsupported_type("one of its logical types")),
        _ if bytes.len() > RECORD_BYTES_MAX => Err(too_long()),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => Err(invalid_encoding()),
        },
    }
}

/// Big-endian, in two's complement.
fn decimal(bytes: &[u8], scale: u32) -> Result<Value> {
    const DIGITS_MAX: i128 = 10i128.pow(38);
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let sign: u8 = if negative { 0xff } else { 0 };
    let extra = bytes.len().saturating_sub(16);
    let (extra, bytes) = bytes.split_at(extra);
    let mut wide = [sign; 16];
    wide[16 - bytes.len()..].copy_from_slice(bytes);
    let digits = i128::from_be_bytes(wide);
    let fits = extra.iter().all(|byte| *byte == sign) && (digits < 0) == negative;
    if !fits || digits >= DIGITS_MAX || digits <= -DIGITS_MAX {
        return Err(unsupported_type("a decimal of more than 38 digits"));
    }
    Ok(Value::Decimal(digits, scale))
}

fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, part) = (i32::from(bits >> 10 & 31), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => part * 2f64.powi(-24),
        31 if part == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + part / 1024.0) * 2f64.powi(exponent - 15),
    }
}
