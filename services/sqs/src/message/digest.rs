use md5::{Digest, Md5};

use super::{Attribute, Value};

pub(crate) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// The digest of message attributes, in hex; `None` when there are none.
///
/// Sorted by name: for name, type and value each a length of four bytes (big-endian) and the bytes, with one byte
/// before the value that is 1 for text and 2 for bytes. Source: SQS Developer Guide, "Calculating the MD5 message
/// digest for message attributes".
pub(crate) fn attributes_md5<'a>(attributes: impl IntoIterator<Item = &'a Attribute>) -> Option<String> {
    let mut sorted: Vec<&Attribute> = attributes.into_iter().collect();
    if sorted.is_empty() {
        return None;
    }
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hash = Md5::new();
    for attribute in sorted {
        add(&mut hash, attribute.name.as_bytes());
        add(&mut hash, attribute.data_type.as_bytes());
        let (kind, bytes) = match &attribute.value {
            Value::String(text) => (1u8, text.as_bytes()),
            Value::Binary(bytes) => (2, &bytes[..]),
        };
        hash.update([kind]);
        add(&mut hash, bytes);
    }
    Some(hex::encode(hash.finalize()))
}

fn add(hash: &mut Md5, bytes: &[u8]) {
    hash.update((bytes.len() as u32).to_be_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reckoned by hand: the concatenation that the Developer Guide describes.
    #[test]
    fn attributes_digest() {
        let text = |name: &str, value: &str| Attribute {
            name: name.into(),
            data_type: "String".into(),
            value: Value::String(value.into()),
        };
        let expected = hex::encode(md5(
            b"\0\0\0\x01a\0\0\0\x06String\x01\0\0\0\x02v1\0\0\0\x01b\0\0\0\x06Binary\x02\0\0\0\x01\xff",
        ));
        let binary = Attribute {
            name: "b".into(),
            data_type: "Binary".into(),
            value: Value::Binary(vec![0xff].into()),
        };
        assert_eq!(attributes_md5(&[binary, text("a", "v1")]), Some(expected));
        assert_eq!(attributes_md5(&[]), None);
        assert_eq!(hex::encode(md5(b"hello")), "5d41402abc4b2a76b9719d911017c592");
    }
}
