//! Text that is not ASCII, in headers that are: encoded words (RFC 2047).
//!
//! S3 writes them as JavaMail does, which is to be seen in its User Guide ("Working with object metadata") and in answers that
//! people have shown: base64 where most characters are not printable ASCII and quoted otherwise, all of the text in words,
//! and what is too long for one halved until it is not.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// RFC 2047, section 2: a word has 75 characters, of which `=?UTF-8?B?` and `?=` are 12.
const PAYLOAD_MAX: usize = 75 - 12;

/// What ASCII can show stays as it is.
pub(crate) fn encode(text: &str) -> Cow<'_, str> {
    let (plain, others): (Vec<char>, Vec<char>) = text.chars().partition(|c| is_plain(*c));
    if others.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut words = Vec::new();
    let characters: Vec<char> = text.chars().collect();
    push_words(&characters, others.len() >= plain.len(), &mut words);
    Cow::Owned(words.join(" "))
}

/// Text with the words in it decoded; what is none, or of a character set that is not known, stays as it is.
pub(crate) fn decode(text: &str) -> String {
    if !text.contains("=?") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut after_word) = (text, false);
    while !rest.is_empty() {
        let (space, after) = rest.split_at(rest.find(|c| !is_space(c)).unwrap_or(rest.len()));
        let (token, after) = after.split_at(after.find(is_space).unwrap_or(after.len()));
        let word = decode_word(token);
        // Space between two words only parts them (section 6.2).
        if !(after_word && word.is_some()) {
            out.push_str(space);
        }
        after_word = word.is_some();
        out.push_str(word.as_deref().unwrap_or(token));
        rest = after;
    }
    out
}

/// Line ends and tabs stand in a header as they are, where they can.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~' | '\r' | '\n' | '\t')
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn push_words(text: &[char], base64: bool, words: &mut Vec<String>) {
    let bytes = String::from_iter(text);
    let (name, payload) = if base64 { ('B', STANDARD.encode(bytes)) } else { ('Q', quoted(&bytes)) };
    if payload.len() > PAYLOAD_MAX && text.len() > 1 {
        let (first, second) = text.split_at(text.len() / 2);
        push_words(first, base64, words);
        push_words(second, base64, words);
    } else {
        words.push(format!("=?UTF-8?{name}?{payload}?="));
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('_'),
            b'=' | b'?' | b'_' => out.push_str(&format!("={byte:02X}")),
            b'!'..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("={byte:02X}")),
        }
    }
    out
}

fn decode_word(token: &str) -> Option<String> {
    let mut fields = token.strip_prefix("=?")?.strip_suffix("?=")?.split('?');
    let (charset, encoding, payload) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() {
        return None;
    }
    let bytes = match encoding {
        "B" | "b" => PADDED_OR_NOT.decode(payload).ok()?,
        "Q" | "q" => unquoted(payload)?,
        _ => return None,
    };
    // A language may follow (RFC 2231, section 5).
    match charset.split('*').next()?.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => String::from_utf8(bytes).ok(),
        "us-ascii" if bytes.is_ascii() => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

const PADDED_OR_NOT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn unquoted(payload: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(payload.len());
    let mut rest = payload.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'_' => out.push(b' '),
            b'=' => {
                let (pair, after) = rest.split_at_checked(2)?;
                out.extend(hex::decode(pair).ok()?);
                rest = after;
            }
            byte => out.push(*byte),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn as_s3_writes_them() {
        // The first as the User Guide shows it: what came in as UTF-8 is read as Latin-1.
        let amazon: String = "ÄMÄZÕÑ S3".bytes().map(char::from).collect();
        for (text, expected) in [
            (amazon.as_str(), "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?="),
            ("AMAZONS3", "AMAZONS3"),
            ("", ""),
            ("Mini\u{c3}\u{b6}", "=?UTF-8?Q?Mini=C3=83=C2=B6?="),
            ("\u{c3}\u{b6}", "=?UTF-8?B?w4PCtg==?="),
            ("\u{4}meta", "=?UTF-8?Q?=04meta?="),
            ("a_b=c? é", "=?UTF-8?Q?a=5Fb=3Dc=3F_=C3=A9?="),
            ("=?UTF-8?Q?plain?=", "=?UTF-8?Q?plain?="),
        ] {
            assert_eq!(encode(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_too_long_is_halved() {
        let long = "leted the \u{201c}Finding Vocal Freedom Workout\u{201d}.  Make su";
        let expected =
            "=?UTF-8?Q?leted_the_=E2=80=9CFinding_Vocal_?= =?UTF-8?Q?Freedom_Workout=E2=80=9D.__Make_su?=";
        assert_eq!(encode(long), expected);
        assert_eq!(decode(expected), long);
    }

    #[test]
    fn words_of_clients() {
        for (text, expected) in [
            ("=?UTF-8?B?w7Y=?=", "ö"),
            ("=?utf-8?b?w7Y?=", "ö"),
            ("=?ISO-8859-1?Q?J=F8rn?=", "Jørn"),
            ("=?ISO-8859-1*da?Q?J=F8rn?=", "Jørn"),
            ("=?US-ASCII?Q?Keith_M?=", "Keith M"),
            ("a =?UTF-8?Q?b?= c", "a b c"),
            ("=?UTF-8?Q?a?=  =?UTF-8?Q?b?=", "ab"),
            ("=?UTF-8?Q??=", ""),
            // No words, and so as they are.
            ("=?UTF-8?Q?a?=b", "=?UTF-8?Q?a?=b"),
            ("=?UTF-8?Q?=C3?=", "=?UTF-8?Q?=C3?="),
            ("=?UTF-8?Q?=C?=", "=?UTF-8?Q?=C?="),
            ("=?UTF-8?Q?=é?=", "=?UTF-8?Q?=é?="),
            ("=?UTF-8?B?!?=", "=?UTF-8?B?!?="),
            ("=?UTF-8?X?a?=", "=?UTF-8?X?a?="),
            ("=?UTF-8?Q?a?b?=", "=?UTF-8?Q?a?b?="),
            ("=?KOI8-R?Q?a?=", "=?KOI8-R?Q?a?="),
            ("=?=", "=?="),
            (" =? ", " =? "),
        ] {
            assert_eq!(decode(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn come_back(text in "(\\PC|\\x00|é|=\\?| ){0,120}\u{e9}") {
            let words = encode(&text);
            prop_assert!(words.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert!(words.split(' ').all(|word| word.len() <= 75));
            prop_assert_eq!(decode(&words), text);
        }

        #[test]
        fn anything_is_decoded(text in "(=\\?|\\?=|\\?|UTF-8|B|Q|=C3|=|_| |é|\\PC){0,30}") {
            let _ = decode(&text);
        }
    }
}
