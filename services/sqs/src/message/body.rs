/// Largest message, its attributes included, in bytes (SQS Developer Guide, "Message quotas").
pub(crate) const MESSAGE_BYTES_MAX: usize = 1_048_576;

/// Whether every character may be in a message: `#x9 | #xA | #xD | #x20–#xD7FF | #xE000–#xFFFD | #x10000–#x10FFFF`.
/// Source: API reference, SendMessage.
pub(crate) fn is_allowed(text: &str) -> bool {
    // Plain text has none of the bytes that could begin a forbidden character.
    if text.bytes().all(|b| (0x20..0xEF).contains(&b)) {
        return true;
    }
    text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_characters() {
        for good in ["", "\t\r\n ", "a\u{7f}", "\u{d7ff}\u{e000}\u{fffd}", "\u{10000}\u{10ffff}", "하늘"] {
            assert!(is_allowed(good), "{good:?}");
        }
        for bad in ["\0", "\u{1}", "\u{8}", "\u{b}", "\u{c}", "\u{1f}", "\u{fffe}", "a\u{ffff}"] {
            assert!(!is_allowed(bad), "{bad:?}");
        }
    }
}
