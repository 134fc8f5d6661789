//! The names of buckets and the keys of objects.

use haneul_kit::{ApiError, Result};

use crate::error;

/// Longest key in bytes of UTF-8 (S3 User Guide, "Naming Amazon S3 objects").
pub(crate) const KEY_BYTES_MAX: usize = 1024;

const NAME_LENGTH_MIN: usize = 3;
const NAME_LENGTH_MAX: usize = 63;

/// Beginnings and endings that S3 keeps for itself (S3 User Guide, "General purpose bucket naming rules").
const PREFIXES_RESERVED: &[&str] = &["xn--", "sthree-", "amzn-s3-demo-"];
const SUFFIXES_RESERVED: &[&str] = &["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// Whether a new bucket may have this name.
pub(crate) fn check_bucket_name(name: &str) -> Result<()> {
    if is_bucket_name(name) { Ok(()) } else { Err(error::invalid_bucket_name(name)) }
}

fn is_bucket_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    (NAME_LENGTH_MIN..=NAME_LENGTH_MAX).contains(&bytes.len())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
        && edge(bytes.first())
        && edge(bytes.last())
        && !["..", ".-", "-."].iter().any(|pair| name.contains(pair))
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !PREFIXES_RESERVED.iter().any(|prefix| name.starts_with(prefix))
        && !SUFFIXES_RESERVED.iter().any(|suffix| name.ends_with(suffix))
}

/// A key is any text of a limited length: `//` and a leading slash mean nothing. Only must it not lead out of the
/// bucket, were it a path: counted from the left, `..` must never exceed the other elements (S3 User Guide, "Naming
/// Amazon S3 objects").
pub(crate) fn check_key(key: &str) -> Result<()> {
    if key.len() > KEY_BYTES_MAX {
        return Err(error::key_too_long(key.len()));
    }
    if key.is_empty() {
        return Err(empty_key());
    }
    if leads_out(key) { Err(error::invalid_uri()) } else { Ok(()) }
}

pub(crate) fn leads_out(key: &str) -> bool {
    let mut depth = 0_usize;
    key.split('/').any(|element| {
        let Some(now) = (if element == ".." { depth.checked_sub(1) } else { Some(depth + 1) }) else {
            return true;
        };
        depth = now;
        false
    })
}

fn empty_key() -> ApiError {
    error::new("UserKeyMustBeSpecified", 400, "The bucket POST must contain the specified field name.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names() {
        let good = ["abc", "a-b", "a.b.c", "0ab", "my-bucket-1", "192.168.5", "1.2.3.4.5", &"a".repeat(63)];
        let bad = [
            "ab",
            "",
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "ab.",
            "a..b",
            "abc.-def",
            "abc-.def",
            "192.168.5.4",
            "xn--abc",
            "sthree-x",
            "amzn-s3-demo-x",
            "x-s3alias",
            "x--ol-s3",
            "x.mrap",
            "x--use1-az1--x-s3",
            "a b",
            "é-bucket",
            "a/b",
            &"a".repeat(64),
        ];
        for name in good {
            assert!(check_bucket_name(name).is_ok(), "{name}");
        }
        for name in bad {
            assert_eq!(check_bucket_name(name).unwrap_err().code(), "InvalidBucketName", "{name}");
        }
    }

    #[test]
    fn keys() {
        for key in [
            "a",
            "/",
            "//",
            "a/../b",
            "a/b/../../c",
            "..a",
            "a..",
            "/../x",
            "./x",
            "키",
            "a\0b",
            " ",
            "a?b#c",
            &"k".repeat(1024),
        ] {
            assert!(check_key(key).is_ok(), "{key}");
        }
        for key in ["..", "../a", "../../etc/passwd", "a/../../b", "a/../.."] {
            assert_eq!(check_key(key).unwrap_err().code(), "InvalidURI", "{key}");
        }
        assert_eq!(check_key(&"k".repeat(1025)).unwrap_err().code(), "KeyTooLongError");
        // 342 characters of three bytes are 1,026 bytes.
        assert_eq!(check_key(&"하".repeat(342)).unwrap_err().code(), "KeyTooLongError");
    }
}
