use crate::error::{Result, SelectError};
use crate::value::Value;

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// As it was written; keywords are identifiers until the parser wants one.
    Word(String),
    /// In double quotes: case counts.
    Quoted(String),
    Literal(Value),
    /// An Ion literal, in backticks.
    Ion(String),
    Symbol(&'static str),
}

/// Longest first.
const SYMBOLS: &[&str] =
    &["<=", ">=", "<>", "!=", "||", "(", ")", "[", "]", ",", ".", "*", "=", "<", ">", "+", "-", "/", "%"];

/// Cuts an expression into tokens, each with the position of its first byte, counted from 1.
pub fn tokens(text: &str) -> Result<Vec<(Token, usize)>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let begin = at;
        let byte = bytes[at];
        let token = match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end = text[at + 2..].find("*/").ok_or_else(|| invalid_char(begin))?;
                at += end + 4;
                continue;
            }
            b'\'' => Token::Literal(Value::Text(quoted(text, &mut at, b'\'')?)),
            b'"' => Token::Quoted(quoted(text, &mut at, b'"')?),
            b'`' => Token::Ion(quoted(text, &mut at, b'`')?),
            b'0'..=b'9' => Token::Literal(number(text, &mut at)?),
            b'.' if bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => {
                Token::Literal(number(text, &mut at)?)
            }
            _ if byte == b'_' || byte == b'$' || byte.is_ascii_alphabetic() || byte >= 0x80 => {
                while at < bytes.len()
                    && (bytes[at] == b'_'
                        || bytes[at] == b'$'
                        || bytes[at].is_ascii_alphanumeric()
                        || bytes[at] >= 0x80)
                {
                    at += 1;
                }
                Token::Word(text[begin..at].to_owned())
            }
            _ => {
                let symbol = SYMBOLS.iter().find(|symbol| text[at..].starts_with(**symbol));
                let symbol = symbol.ok_or_else(|| invalid_char(begin))?;
                at += symbol.len();
                Token::Symbol(symbol)
            }
        };
        found.push((token, begin + 1));
    }
    Ok(found)
}

fn invalid_char(at: usize) -> SelectError {
    let message = format!("The SQL expression contains an invalid character at position {}.", at + 1);
    SelectError::new("LexerInvalidChar", message)
}

/// Between two quotes; two of them in a row are one.
fn quoted(text: &str, at: &mut usize, quote: u8) -> Result<String> {
    let begin = *at;
    let bytes = text.as_bytes();
    let mut content = String::new();
    *at += 1;
    loop {
        let end = memchr::memchr(quote, &bytes[*at..]).map(|end| *at + end);
        let end = end.ok_or_else(|| {
            let message =
                format!("The SQL expression contains an invalid literal at position {}.", begin + 1);
            SelectError::new("LexerInvalidLiteral", message)
        })?;
        content.push_str(&text[*at..end]);
        *at = end + 1;
        if bytes.get(*at) != Some(&quote) {
            return Ok(content);
        }
        content.push(char::from(quote));
        *at += 1;
    }
}

fn number(text: &str, at: &mut usize) -> Result<Value> {
    let begin = *at;
    let bytes = text.as_bytes();
    let digits = |at: &mut usize| {
        while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
            *at += 1;
        }
    };
    digits(at);
    if bytes.get(*at) == Some(&b'.') {
        *at += 1;
        digits(at);
    }
    if bytes.get(*at).is_some_and(|byte| matches!(byte, b'e' | b'E')) {
        let mut end = *at + 1;
        if bytes.get(end).is_some_and(|byte| matches!(byte, b'+' | b'-')) {
            end += 1;
        }
        if bytes.get(end).is_some_and(u8::is_ascii_digit) {
            *at = end;
            digits(at);
        }
    }
    let written = &text[begin..*at];
    Value::number(written).ok_or_else(|| {
        let message = format!("The SQL expression contains an invalid literal at position {}.", begin + 1);
        SelectError::new("LexerInvalidLiteral", message)
    })
}
