//! Hexadecimal and the percent encodings that canonical requests are made of.

use std::borrow::Cow;

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// RFC 3986 §2.3: what SigV4 never percent-encodes.
const UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        table[i] = b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        i += 1;
    }
    table
};

pub(crate) fn hex_32(bytes: &[u8; 32]) -> [u8; 64] {
    let mut out = [0; 64];
    for (pair, b) in out.chunks_exact_mut(2).zip(bytes) {
        pair[0] = LOWER[usize::from(b >> 4)];
        pair[1] = LOWER[usize::from(b & 15)];
    }
    out
}

/// The text of what [`hex_32`] made.
pub(crate) fn ascii(hex: &[u8; 64]) -> &str {
    str::from_utf8(hex).unwrap_or_default()
}

/// 64 hexadecimal digits of either case.
pub(crate) fn unhex_32(text: &str) -> Option<[u8; 32]> {
    let text: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut out = [0; 32];
    for (b, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        *b = unhex(pair[0])? << 4 | unhex(pair[1])?;
    }
    Some(out)
}

/// Percent-encodes everything but unreserved characters (and `/`, where asked); a `%` becomes `%25`.
pub(crate) fn push_encoded(out: &mut Vec<u8>, bytes: &[u8], keep_slash: bool) {
    for &b in bytes {
        push_byte(out, b, keep_slash);
    }
}

/// Encodes what is already percent-encoded, in part or in other ways, into the one spelling SigV4 signs: escapes of
/// unreserved characters are undone, other escapes get upper-case digits, and whatever should have been escaped is.
/// A `%` that starts no escape is data.
pub(crate) fn push_reencoded(out: &mut Vec<u8>, bytes: &[u8], place: Place) {
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'%' => match escape_at(bytes, i) {
                // An escaped slash stays escaped: it is data, a bare one is structure.
                Some(b) => {
                    push_byte(out, b, false);
                    i += 3;
                    continue;
                }
                None => out.extend_from_slice(b"%25"),
            },
            b'+' if place == Place::Query => out.extend_from_slice(b"%20"),
            b => push_byte(out, b, place == Place::Path),
        }
        i += 1;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    /// A bare `+` is a space, as the services that we sign for read it.
    Query,
}

/// Decodes one name or value of a query. Bytes that are not UTF-8 become U+FFFD: no authentication parameter has any.
pub(crate) fn decode_query(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|b| matches!(b, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match (bytes[i], escape_at(bytes, i)) {
            (b'%', Some(b)) => {
                out.push(b);
                i += 2;
            }
            (b'+', _) => out.push(b' '),
            (b, _) => out.push(b),
        }
        i += 1;
    }
    Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
    })
}

/// `61 62 63`: how S3's error details show the bytes of a string.
pub(crate) fn spaced_hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 3);
    for (i, b) in bytes.iter().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        out.push(char::from(LOWER[usize::from(b >> 4)]));
        out.push(char::from(LOWER[usize::from(b & 15)]));
    }
    out
}

fn push_byte(out: &mut Vec<u8>, b: u8, keep_slash: bool) {
    if UNRESERVED[usize::from(b)] || (keep_slash && b == b'/') {
        out.push(b);
    } else {
        out.extend_from_slice(&[b'%', UPPER[usize::from(b >> 4)], UPPER[usize::from(b & 15)]]);
    }
}

fn escape_at(bytes: &[u8], i: usize) -> Option<u8> {
    match bytes.get(i..i + 3)? {
        [b'%', high, low] => Some(unhex(*high)? << 4 | unhex(*low)?),
        _ => None,
    }
}

fn unhex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reencode(text: &str, place: Place) -> String {
        let mut out = Vec::new();
        push_reencoded(&mut out, text.as_bytes(), place);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_spelling_for_equivalents() {
        let cases = [
            ("a%2fb", "a%2Fb", "a%2Fb"),
            ("a/b", "a/b", "a%2Fb"),
            ("%61%7e%2D", "a~-", "a~-"),
            ("a+b", "a%2Bb", "a%20b"),
            ("a%2Bb", "a%2Bb", "a%2Bb"),
            ("100%", "100%25", "100%25"),
            ("%zz%4", "%25zz%254", "%25zz%254"),
            ("é", "%C3%A9", "%C3%A9"),
            ("%ff", "%FF", "%FF"),
            ("a=b&c", "a%3Db%26c", "a%3Db%26c"),
        ];
        for (text, path, query) in cases {
            assert_eq!(reencode(text, Place::Path), path, "{text}");
            assert_eq!(reencode(text, Place::Query), query, "{text}");
        }
    }

    #[test]
    fn decoding_never_loses_its_place() {
        for (text, expected) in [
            ("a%2Fb", "a/b"),
            ("a+b%20c", "a b c"),
            ("%", "%"),
            ("%2", "%2"),
            ("%ff", "\u{fffd}"),
            ("%%41", "%A"),
        ] {
            assert_eq!(decode_query(text), expected, "{text}");
        }
    }
}
