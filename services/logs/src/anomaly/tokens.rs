//! Messages in tokens and what stands between them.

use serde::{Deserialize, Serialize};

/// Tokens that are told apart; what follows is one more.
const TOKENS_MAX: usize = 80;
/// Longer ones vary.
const TOKEN_CHARS_MAX: usize = 40;

/// A token, and what stands before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Token<'m> {
    pub(crate) glue: &'m str,
    pub(crate) text: &'m str,
}

impl Token<'_> {
    /// Numbers, addresses, times and identifiers have digits in them.
    pub(crate) fn varies(&self) -> bool {
        self.text.len() > TOKEN_CHARS_MAX || self.text.bytes().any(|b| b.is_ascii_digit())
    }
}

/// The tokens, and what stands behind the last. `time:` is the token `time`; what ends it belongs to what stands between.
pub(crate) fn tokens(message: &str) -> (Vec<Token<'_>>, &str) {
    let mut all: Vec<Token<'_>> = Vec::new();
    // Where the glue of the next token begins, and from where the token is looked for.
    let (mut glue, mut from) = (0, 0);
    loop {
        let Some(start) = message[from..].find(|c| !is_glue(c)).map(|at| from + at) else {
            return (all, &message[glue..]);
        };
        let last = all.len() >= TOKENS_MAX;
        let end = if last { None } else { message[start..].find(is_glue).map(|at| start + at) };
        let end = end.unwrap_or(message.len());
        let word = message[start..end].trim_end_matches([':', '.', '!', '?']).len();
        let word_end = if word == 0 { end } else { start + word };
        all.push(Token { glue: &message[glue..start], text: &message[start..word_end] });
        (glue, from) = (word_end, end);
    }
}

fn is_glue(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '[' | ']' | '(' | ')' | '{' | '}' | '<' | '>' | '"' | '\'' | ',' | ';' | '=' | '|')
}

/// How bad a message says that it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Level {
    #[default]
    None,
    Warning,
    Error,
    Fatal,
}

pub(crate) fn level(tokens: &[Token<'_>]) -> Level {
    let of = |token: &Token<'_>| match token.text.to_ascii_uppercase().as_str() {
        "FATAL" | "CRITICAL" | "EMERGENCY" | "PANIC" => Level::Fatal,
        "ERROR" | "SEVERE" | "ERR" => Level::Error,
        "WARN" | "WARNING" => Level::Warning,
        text if text.ends_with("EXCEPTION") => Level::Error,
        _ => Level::None,
    };
    tokens.iter().filter(|token| token.text.len() <= TOKEN_CHARS_MAX).map(of).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_come_apart() {
        let texts = |message| tokens(message).0.iter().map(|token| token.text.to_owned()).collect::<Vec<_>>();
        for (message, expected) in [
            ("[INFO] Request time: 327 ms", vec!["INFO", "Request", "time", "327", "ms"]),
            (r#"{"level":"error","n":3}"#, vec!["level", ":", "error", "n", ":3"]),
            ("a=1, b=two.", vec!["a", "1", "b", "two"]),
            ("", vec![]),
            ("...", vec!["..."]),
        ] {
            assert_eq!(texts(message), expected, "{message}");
        }
        assert_eq!(level(&tokens("2026 [ERROR] x").0), Level::Error);
        assert_eq!(level(&tokens("java.io.IOException: gone").0), Level::Error);
        assert_eq!(level(&tokens("all errors are gone").0), Level::None);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(message in "\\PC{0,300}") {
            let (all, tail) = tokens(&message);
            let mut whole = String::new();
            for token in &all {
                whole.push_str(token.glue);
                whole.push_str(token.text);
                prop_assert!(!token.text.is_empty());
            }
            whole.push_str(tail);
            prop_assert_eq!(&whole, &message);
            prop_assert!(all.len() <= TOKENS_MAX + 1);
        }
    }
}
