//! Statements as tokens.

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A keyword, or a name without quotes.
    Word(String),
    /// `"name"`
    Quoted(String),
    /// `'text'`
    Text(String),
    Number(String),
    /// `?`
    Parameter,
    Symbol(&'static str),
    End,
}

/// Longest first.
const SYMBOLS: [&str; 22] = [
    "<<", ">>", "<=", ">=", "<>", "!=", "(", ")", "[", "]", "{", "}", ",", ".", ":", "=", "<", ">", "+", "-",
    "*", ";",
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { break };
        let token;
        (token, rest) = match first {
            '\'' => {
                let (text, rest) = quoted(rest, '\'')?;
                (Token::Text(text), rest)
            }
            '"' => {
                let (name, rest) = quoted(rest, '"')?;
                (Token::Quoted(name), rest)
            }
            '?' => (Token::Parameter, &rest[1..]),
            '0'..='9' => number(rest),
            first if first.is_alphabetic() || matches!(first, '_' | '$' | '@') => {
                let end = rest
                    .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '@')))
                    .unwrap_or(rest.len());
                (Token::Word(rest[..end].to_owned()), &rest[end..])
            }
            _ => match SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
                Some(symbol) => (Token::Symbol(symbol), &rest[symbol.len()..]),
                None => return Err(format!("Unexpected character '{first}'")),
            },
        };
        tokens.push(token);
    }
    tokens.push(Token::End);
    Ok(tokens)
}

/// What stands between quotes, of which two mean one.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut rest = &text[1..];
    loop {
        let Some(at) = rest.find(quote) else { return Err("Unterminated string".to_owned()) };
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix(quote) {
            Some(after) => {
                out.push(quote);
                rest = after;
            }
            None => return Ok((out, rest)),
        }
    }
}

fn number(text: &str) -> (Token, &str) {
    let bytes = text.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    (Token::Number(text[..end].to_owned()), &text[end..])
}
