//! What clients write on their objects: `x-amz-meta-…`.
//!
//! It is kept as text, and in headers it is ASCII: encoded words stand for what is none.
//! Source: S3 User Guide, "Working with object metadata".

use haneul_kit::Result;
use haneul_shape::value::Map;
use http::{HeaderName, HeaderValue};

use crate::{encoded_words, error};

/// The names, without their prefix, and their values, in UTF-8: in bytes.
const BYTES_MAX: usize = 2 * 1024;

/// As it is kept. Names are kept in lower case, as HTTP/2 has them.
pub(crate) fn of_request(given: Option<Map<String>>) -> Vec<(String, String)> {
    let given = given.into_iter().flatten();
    given.map(|(name, value)| (name.to_ascii_lowercase(), encoded_words::decode(&value))).collect()
}

pub(crate) fn check(metadata: &[(String, String)]) -> Result<()> {
    let size: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > BYTES_MAX { Err(error::metadata_too_large(size, BYTES_MAX)) } else { Ok(()) }
}

/// As headers have it, and how many entries no header can hold (`x-amz-missing-meta`): forms may bring such.
pub(crate) fn shown(metadata: &[(String, String)]) -> (Map<String>, Option<i32>) {
    let headers = metadata.iter().map(|(name, value)| (name, encoded_words::encode(value)));
    let shown: Map<String> = headers
        .filter(|(name, value)| {
            let is_name = !name.is_empty() && HeaderName::from_bytes(name.as_bytes()).is_ok();
            is_name && HeaderValue::from_str(value).is_ok()
        })
        .map(|(name, value)| (name.clone(), value.into_owned()))
        .collect();
    let missing = metadata.len() - shown.len();
    (shown, i32::try_from(missing).ok().filter(|missing| *missing > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn limit() {
        for (value, expected) in [
            ("v".repeat(2047), "ok"),
            ("v".repeat(2048), "MetadataTooLarge"),
            ("é".repeat(1023), "ok"),
            ("é".repeat(1024), "MetadataTooLarge"),
        ] {
            let said = check(&of("k", &value)).map_or_else(|e| e.code().to_owned(), |()| "ok".into());
            assert_eq!(said, expected, "{}", value.len());
        }
        // What counts is the text, not the words that stand for it.
        let words = encoded_words::encode(&"é".repeat(1023)).into_owned();
        let given = [("k".to_owned(), words.clone())].into_iter().collect();
        assert!(words.len() > BYTES_MAX && check(&of_request(Some(given))).is_ok());
    }

    #[test]
    fn what_no_header_can_hold_is_counted() {
        for (name, value, expected) in [
            ("a", "b", Some("b")),
            ("a", "", Some("")),
            ("a", "é", Some("=?UTF-8?B?w6k=?=")),
            ("a", "b\tc", Some("b\tc")),
            ("a", "b\r\nx: y", None),
            ("", "b", None),
            ("é", "b", None),
            ("a b", "c", None),
        ] {
            let (shown, missing) = shown(&of(name, value));
            assert_eq!(shown.get(name).map(String::as_str), expected, "{name} {value}");
            assert_eq!(missing, expected.is_none().then_some(1), "{name} {value}");
        }
    }
}
