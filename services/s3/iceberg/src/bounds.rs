//! The bounds of a column, which let a reader pass by a file without reading it.
//!
//! Source: the Iceberg table specification, "Appendix D: Single-value serialization" and "Manifests" (bounds may be
//! truncated; Iceberg's own libraries do it to 16).

use crate::value::Value;

/// Characters of a string, bytes of binary.
const LENGTH: usize = 16;

/// The least and the greatest value there was.
#[derive(Default)]
pub(crate) struct Bounds(Option<(Value, Value)>);

impl Bounds {
    /// A value of the column's type, and not null.
    pub(crate) fn note(&mut self, value: &Value) {
        match &mut self.0 {
            None => self.0 = Some((value.clone(), value.clone())),
            Some((least, greatest)) => {
                if is_less(value, least) {
                    *least = value.clone();
                } else if is_less(greatest, value) {
                    *greatest = value.clone();
                }
            }
        }
    }

    /// As manifests have them.
    pub(crate) fn into_bytes(self) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        let Some((least, greatest)) = self.0 else { return (None, None) };
        (Some(lower(&least)), upper(&greatest))
    }
}

fn is_less(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Boolean(a), Value::Boolean(b)) => a < b,
        (Value::Int(a), Value::Int(b)) => a < b,
        (Value::Long(a), Value::Long(b)) | (Value::Timestamp(a), Value::Timestamp(b)) => a < b,
        (Value::String(a), Value::String(b)) => a < b,
        (Value::Binary(a), Value::Binary(b)) => a < b,
        _ => false,
    }
}

fn serialized(value: &Value) -> Vec<u8> {
    match value {
        Value::Boolean(is) => vec![u8::from(*is)],
        Value::Int(number) => number.to_le_bytes().to_vec(),
        Value::Long(number) | Value::Timestamp(number) => number.to_le_bytes().to_vec(),
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Binary(bytes) => bytes.clone(),
        Value::Null | Value::Map(_) => Vec::new(),
    }
}

fn lower(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.chars().take(LENGTH).collect::<String>().into_bytes(),
        Value::Binary(bytes) => bytes.iter().copied().take(LENGTH).collect(),
        other => serialized(other),
    }
}

/// What is cut off is made up for by the last that can be greater.
fn upper(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) if text.chars().count() > LENGTH => {
            let mut kept: Vec<char> = text.chars().take(LENGTH).collect();
            while let Some(last) = kept.pop() {
                // A range of characters leaves out the surrogates, which are none.
                if let Some(greater) = (last..=char::MAX).nth(1) {
                    kept.push(greater);
                    return Some(kept.into_iter().collect::<String>().into_bytes());
                }
            }
            None
        }
        Value::Binary(bytes) if bytes.len() > LENGTH => {
            let mut kept = bytes[..LENGTH].to_vec();
            while let Some(last) = kept.pop() {
                if let Some(greater) = last.checked_add(1) {
                    kept.push(greater);
                    return Some(kept);
                }
            }
            None
        }
        other => Some(serialized(other)),
    }
}
