//! Wildcard patterns as sets of texts.

/// What a pattern is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Letter(char),
    /// `?`
    One,
    /// `*`
    Star,
    /// `${aws:username}`: some text that both sides of a comparison see alike.
    Variable(String),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("${")
            && let Some((name, left)) = after.split_once('}')
        {
            tokens.push(match name {
                "*" | "?" | "$" => Token::Letter(name.chars().next().unwrap_or('$')),
                _ => Token::Variable(name.to_lowercase()),
            });
            rest = left;
            continue;
        }
        tokens.push(match first {
            '*' => Token::Star,
            '?' => Token::One,
            letter => Token::Letter(letter),
        });
        rest = &rest[first.len_utf8()..];
    }
    tokens.dedup_by(|a, b| *a == Token::Star && *b == Token::Star);
    tokens
}

/// Patterns longer than this are not compared: nothing is certain of them.
const TOKENS_MAX: usize = 2048;

/// Whether every text of `inner` is one of `outer`. May say no where it is so, never yes where it is not.
pub(crate) fn covers(outer: &str, inner: &str) -> bool {
    if outer == "*" || outer == inner {
        return true;
    }
    let (outer, inner) = (tokens(outer), tokens(inner));
    if outer.len() > TOKENS_MAX || inner.len() > TOKENS_MAX {
        return false;
    }
    // `row[j]`: the outer tokens so far can take the first `j` inner ones.
    let mut row = vec![false; inner.len() + 1];
    row[0] = true;
    for token in &outer {
        let mut next = vec![false; inner.len() + 1];
        if *token == Token::Star {
            let mut reached = false;
            for j in 0..=inner.len() {
                reached |= row[j];
                next[j] = reached;
            }
        } else {
            for j in 0..inner.len() {
                next[j + 1] = row[j]
                    && match (token, &inner[j]) {
                        (Token::One, Token::One | Token::Letter(_)) => true,
                        (a, b) => a == b && *a != Token::Star,
                    };
            }
        }
        row = next;
    }
    row[inner.len()]
}

/// Whether some text may be of both. May say yes where there is none, never no where there is one.
pub(crate) fn may_meet(a: &str, b: &str) -> bool {
    let (a, b) = (tokens(a), tokens(b));
    if a.len() > TOKENS_MAX || b.len() > TOKENS_MAX {
        return true;
    }
    let is_any = |token: &Token| matches!(token, Token::Star | Token::Variable(_));
    // `row[j]`: the first `i` tokens of `a` and the first `j` of `b` can be of one text.
    let mut row = vec![false; b.len() + 1];
    row[0] = true;
    for j in 0..b.len() {
        row[j + 1] = row[j] && is_any(&b[j]);
    }
    for x in &a {
        let mut next = vec![false; b.len() + 1];
        next[0] = row[0] && is_any(x);
        for j in 0..b.len() {
            let y = &b[j];
            let same = match (x, y) {
                (Token::Letter(x), Token::Letter(y)) => x == y,
                _ => true,
            };
            next[j + 1] = (row[j] && same) || (row[j + 1] && is_any(x)) || (next[j] && is_any(y));
            // What stands for any text takes letters of the other side without end.
            if is_any(x) {
                next[j + 1] |= next[j];
            }
            if is_any(y) {
                next[j + 1] |= row[j + 1];
            }
        }
        row = next;
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn inclusion_and_overlap() {
        for (outer, inner, yes) in [
            ("*", "anything*", true),
            ("s3:Get*", "s3:GetObject", true),
            ("s3:Get*", "s3:GetObject*", true),
            ("s3:*Object", "s3:Get*Object", true),
            ("s3:GetObject", "s3:Get*", false),
            ("a?c", "abc", true),
            ("a?c", "a*c", false),
            ("a*", "a?", true),
            ("${aws:username}/*", "${aws:username}/x", true),
            ("??????????????", "${aws:userid}", false),
            ("a${*}", "ab", false),
            ("*a*b*", "*xaxbx*", true),
        ] {
            assert_eq!(covers(outer, inner), yes, "{outer} {inner}");
        }
        for (a, b, yes) in [
            ("a*", "*b", true),
            ("a*", "b*", false),
            ("ab", "a?", true),
            ("a", "ab", false),
            ("${aws:username}", "zzz", true),
            ("x*y", "x", false),
            ("*", "", true),
        ] {
            assert_eq!(may_meet(a, b), yes, "{a} {b}");
            assert_eq!(may_meet(b, a), yes, "{b} {a}");
        }
    }

    /// The naive matcher, for texts.
    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some(b'*'), _) => {
                matches(&pattern[1..], text) || (!text.is_empty() && matches(pattern, &text[1..]))
            }
            (Some(b'?'), Some(_)) => matches(&pattern[1..], &text[1..]),
            (Some(p), Some(t)) if p == t => matches(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
        #[test]
        fn never_wrong(outer in "[ab*?]{0,5}", inner in "[ab*?]{0,5}", text in "[ab]{0,6}") {
            let (in_outer, in_inner) =
                (matches(outer.as_bytes(), text.as_bytes()), matches(inner.as_bytes(), text.as_bytes()));
            if covers(&outer, &inner) && in_inner {
                prop_assert!(in_outer, "{outer} {inner} {text}");
            }
            if in_outer && in_inner {
                prop_assert!(may_meet(&outer, &inner), "{outer} {inner} {text}");
            }
        }
    }
}
