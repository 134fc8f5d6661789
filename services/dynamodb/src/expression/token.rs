//! Expressions as tokens.

/// What a token is. Its text is the span in the expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An attribute's name, a keyword or a function's name.
    Word,
    /// `#name`
    Name,
    /// `:value`
    Value,
    Number,
    /// `( ) [ ] , . = < > <= >= <> + -`
    Symbol,
    /// A character that no expression has.
    Bad,
    End,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// All tokens, the last one `End`.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let run = |from: usize| {
            from + bytes[from..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count()
        };
        let kind = match bytes[at] {
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                at = run(at);
                Kind::Word
            }
            b'0'..=b'9' => {
                at += bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
                Kind::Number
            }
            sigil @ (b'#' | b':') => {
                at = run(at + 1);
                match (at - start > 1, sigil) {
                    (false, _) => Kind::Bad,
                    (true, b'#') => Kind::Name,
                    (true, _) => Kind::Value,
                }
            }
            b'<' => {
                at += if matches!(bytes.get(at + 1), Some(b'=' | b'>')) { 2 } else { 1 };
                Kind::Symbol
            }
            b'>' => {
                at += if bytes.get(at + 1) == Some(&b'=') { 2 } else { 1 };
                Kind::Symbol
            }
            b'(' | b')' | b'[' | b']' | b',' | b'.' | b'=' | b'+' | b'-' => {
                at += 1;
                Kind::Symbol
            }
            _ => {
                // A whole character, however many bytes it has.
                at += text[at..].chars().next().map_or(1, char::len_utf8);
                Kind::Bad
            }
        };
        tokens.push(Token { kind, start, end: at });
    }
    tokens.push(Token { kind: Kind::End, start: bytes.len(), end: bytes.len() });
    tokens
}
