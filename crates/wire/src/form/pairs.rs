use std::borrow::Cow;
use std::cmp::Ordering;

use crate::error::WireError;

/// One parameter, decoded.
pub(crate) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The parameters of a form or query string in the order in which they came.
pub(crate) fn parse(text: &str) -> Result<Vec<Pair<'_>>, WireError> {
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decode(key)?, decode(value)?))
        })
        .collect()
}

/// Percent-decodes, with `+` for a space.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, WireError> {
    if !text.bytes().any(|b| b == b'%' || b == b'+') {
        return Ok(Cow::Borrowed(text));
    }
    decode_bytes(text, true).map(Cow::Owned)
}

/// Percent-decodes a segment of a path, where `+` is itself.
pub(crate) fn decode_path(text: &str) -> Result<Cow<'_, str>, WireError> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    decode_bytes(text, false).map(Cow::Owned)
}

fn decode_bytes(text: &str, plus: bool) -> Result<String, WireError> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'%' => {
                let digit = |at: usize| bytes.get(at).and_then(|b| (*b as char).to_digit(16));
                let (Some(high), Some(low)) = (digit(i + 1), digit(i + 2)) else {
                    return Err(WireError::serialization("A percent sign is not followed by two hex digits"));
                };
                out.push((high << 4 | low) as u8);
                i += 3;
            }
            b'+' if plus => {
                out.push(b' ');
                i += 1;
            }
            b => {
                out.push(b);
                i += 1;
            }
        }
    }
    String::from_utf8(out).map_err(|_| WireError::serialization("A percent-encoded text is not valid UTF-8"))
}

/// Orders keys so that all that begin with one segment stand together: a dot sorts before everything.
pub(crate) fn by_segment(a: &str, b: &str) -> Ordering {
    let dot_first = |b: u8| if b == b'.' { 0 } else { b };
    a.bytes().map(dot_first).cmp(b.bytes().map(dot_first))
}

/// All parameters that share the segment after a prefix.
#[derive(Clone, Copy)]
pub(crate) struct Group<'p> {
    pub(crate) name: &'p str,
    /// The value of the key that ends with this segment; the last one counts.
    pub(crate) value: Option<&'p str>,
    /// The keys that go on after it.
    pub(crate) rest: &'p [Pair<'p>],
    /// Where in those keys the next segment begins.
    pub(crate) at: usize,
}

/// Splits sorted parameters by the segment that begins at byte `at` of their keys.
pub(crate) fn groups<'p>(mut pairs: &'p [Pair<'p>], at: usize) -> impl Iterator<Item = Group<'p>> {
    std::iter::from_fn(move || {
        let key = pairs.first()?.0.get(at..)?;
        let name = key.split('.').next().unwrap_or(key);
        let end = at + name.len();
        let of_group = |key: &str| {
            key.get(at..).is_some_and(|k| k.starts_with(name))
                && matches!(key.as_bytes().get(end), None | Some(b'.'))
        };
        let len = pairs.iter().take_while(|(key, _)| of_group(key)).count().max(1);
        let (group, after) = pairs.split_at(len);
        pairs = after;
        let exact = group.iter().take_while(|(key, _)| key.len() == end).count();
        let value = exact.checked_sub(1).map(|last| &*group[last].1);
        Some(Group { name, value, rest: &group[exact..], at: end + 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stand_together() {
        let mut pairs = parse("A.10=x&B=y&A.2.C=z&A-b=q&A=w&A=v&A.2.B=%26+%2B").unwrap();
        pairs.sort_by(|a, b| by_segment(&a.0, &b.0));
        let top: Vec<_> = groups(&pairs, 0).map(|g| (g.name, g.value, g.rest.len())).collect();
        assert_eq!(top, [("A", Some("v"), 3), ("A-b", Some("q"), 0), ("B", Some("y"), 0)]);
        let a = groups(&pairs, 0).next().unwrap();
        let inner: Vec<_> = groups(a.rest, a.at).map(|g| (g.name, g.value, g.rest.len())).collect();
        assert_eq!(inner, [("10", Some("x"), 0), ("2", None, 2)]);
        assert_eq!(a.rest[1].1, "& +");
    }

    #[test]
    fn bad_escapes() {
        for text in ["%", "%4", "%zz", "a%ff"] {
            assert!(decode(text).is_err(), "{text}");
        }
        assert_eq!(decode("a+b%2Bc").unwrap(), "a b+c");
        assert_eq!(decode_path("a+b%2Fc").unwrap(), "a+b/c");
    }
}
