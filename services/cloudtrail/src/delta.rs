//! A record as what differs from the one before it. Records of calls that follow one another are mostly the same text: of one
//! caller's records of one operation, a tenth is not.
//!
//! ```text
//! (copied u32 · left out u32 · length u32 · bytes)*, and the rest of the base is copied
//! ```

/// Equal bytes between two differences that are not worth a piece of their own.
const GAP: usize = 16;

/// What makes `base` to `text`; `None` where that is not much shorter.
pub(crate) fn encode(base: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let most = text.len() / 2;
    let mut out = Vec::with_capacity(256.min(most));
    if base.len() != text.len() {
        let front = equal(base, text);
        let back = equal_at_end(&base[front..], &text[front..]);
        piece(&mut out, front, base.len() - front - back, &text[front..text.len() - back]);
        return (out.len() <= most).then_some(out);
    }
    let mut at = 0;
    loop {
        let same = equal(&base[at..], &text[at..]);
        let from = at + same;
        if from == text.len() {
            return Some(out);
        }
        let mut to = from;
        // It ends where enough bytes are equal again.
        loop {
            to += different(&base[to..], &text[to..]);
            let again = equal(&base[to..], &text[to..]);
            if again >= GAP || to + again == text.len() {
                break;
            }
            to += again;
        }
        piece(&mut out, same, to - from, &text[from..to]);
        if out.len() > most {
            return None;
        }
        at = to;
    }
}

/// What [`encode`] was given; `None` of damaged bytes.
pub(crate) fn decode(base: &[u8], mut delta: &[u8]) -> Option<Vec<u8>> {
    let (mut text, mut base) = (Vec::with_capacity(base.len()), base);
    while !delta.is_empty() {
        let mut number = || -> Option<usize> {
            let (bytes, rest) = delta.split_first_chunk::<4>()?;
            delta = rest;
            usize::try_from(u32::from_le_bytes(*bytes)).ok()
        };
        let (copied, left_out, length) = (number()?, number()?, number()?);
        let (same, rest) = base.split_at_checked(copied)?;
        let (_, rest) = rest.split_at_checked(left_out)?;
        let (new, more) = delta.split_at_checked(length)?;
        text.extend_from_slice(same);
        text.extend_from_slice(new);
        (base, delta) = (rest, more);
    }
    text.extend_from_slice(base);
    Some(text)
}

fn piece(out: &mut Vec<u8>, copied: usize, left_out: usize, bytes: &[u8]) {
    for number in [copied, left_out, bytes.len()] {
        // A record is much shorter.
        out.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    }
    out.extend_from_slice(bytes);
}

/// How many bytes the two begin with alike.
fn equal(a: &[u8], b: &[u8]) -> usize {
    let words = a.chunks_exact(32).zip(b.chunks_exact(32)).take_while(|(a, b)| a == b).count() * 32;
    words + a[words..].iter().zip(&b[words..]).take_while(|(a, b)| a == b).count()
}

fn equal_at_end(a: &[u8], b: &[u8]) -> usize {
    a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

fn different(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a != b).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn records_of_one_caller_are_short() {
        let record = |time: &str, id: &str, agent: &str| {
            format!(
                r#"{{"eventVersion":"1.11","userIdentity":{{"type":"Root","arn":"arn:aws:iam::000000000000:root"}},"eventTime":"{time}","userAgent":"{agent}","requestID":"{id}","eventID":"{id}","eventCategory":"Management"}}"#
            )
        };
        let first = record("2026-01-01T00:00:00Z", "0f8fad5b-d9cb-469f-a165-70867728950e", "aws-cli");
        for second in [
            record("2026-01-01T00:00:09Z", "7c9e6679-7425-40de-944b-e07fc1f90ae7", "aws-cli"),
            record("2026-01-01T00:00:00Z", "0f8fad5b-d9cb-469f-a165-70867728950e", "aws-cli/2.9"),
            first.clone(),
        ] {
            let delta = encode(first.as_bytes(), second.as_bytes()).expect("a short one");
            assert!(delta.len() < 150, "{}", delta.len());
            assert_eq!(decode(first.as_bytes(), &delta).unwrap(), second.as_bytes());
        }
        assert_eq!(encode(first.as_bytes(), b"something else that shares nothing with the other"), None);
    }

    proptest! {
        #[test]
        fn what_is_taken_apart_comes_together(base in "[ab]{0,200}", text in "[ab]{0,200}") {
            if let Some(delta) = encode(base.as_bytes(), text.as_bytes()) {
                prop_assert_eq!(decode(base.as_bytes(), &delta).unwrap(), text.as_bytes());
            }
        }

        #[test]
        fn changes_of_the_same_length(base in prop::collection::vec(any::<u8>(), 40..300), at in prop::collection::vec(0usize..300, 0..6)) {
            let mut text = base.clone();
            for at in at {
                let at = at % text.len();
                text[at] = text[at].wrapping_add(1);
            }
            if let Some(delta) = encode(&base, &text) {
                prop_assert_eq!(decode(&base, &delta).unwrap(), text);
            }
        }

        #[test]
        fn damage_never_panics(base in prop::collection::vec(any::<u8>(), 0..60), delta in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(text) = decode(&base, &delta) {
                prop_assert!(text.len() <= base.len() + delta.len());
            }
        }
    }
}
