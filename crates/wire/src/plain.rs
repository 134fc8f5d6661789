//! How far a text goes without anything that has to be escaped.

/// Bytes that are looked at together: a loop over them without an exit becomes a few vector instructions.
const AT_ONCE: usize = 32;

/// Bytes at the start of `bytes` of which none is `special`.
#[inline]
pub(crate) fn plain_prefix(bytes: &[u8], special: impl Fn(u8) -> bool) -> usize {
    let mut at = 0;
    for chunk in bytes.chunks_exact(AT_ONCE) {
        if chunk.iter().fold(false, |found, byte| found | special(*byte)) {
            break;
        }
        at += AT_ONCE;
    }
    at + bytes[at..].iter().position(|byte| special(*byte)).unwrap_or(bytes.len() - at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::plain_prefix;

    proptest! {
        #[test]
        fn it_is_the_first_special_one(bytes in prop::collection::vec(0u8..40, 0..200)) {
            let special = |byte: u8| byte < 2;
            let expected = bytes.iter().position(|byte| special(*byte)).unwrap_or(bytes.len());
            prop_assert_eq!(plain_prefix(&bytes, special), expected);
        }
    }
}
