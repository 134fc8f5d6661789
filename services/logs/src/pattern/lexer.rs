use super::Parsed;

/// What a pattern in braces or brackets is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// `$.a.b[0]`, from the dollar on.
    Selector(String),
    /// In double quotes, without them.
    Quoted(String),
    /// Between percent signs, without them.
    Regex(String),
    /// Anything else up to a space or sign.
    Word(String),
    /// `&&`, `||`, `(`, `)`, `=`, `!=`, `<`, `<=`, `>`, `>=`, `,`, `...`
    Sign(&'static str),
}

const SIGNS: [&str; 12] = ["...", "&&", "||", "!=", "<=", ">=", "=", "<", ">", "(", ")", ","];

/// Cuts what stands between the outer braces or brackets.
pub(super) fn tokens(text: &str) -> Parsed<Vec<Token>> {
    let mut rest = text;
    let mut tokens = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
            continue;
        }
        let (token, length) = match first {
            '"' => {
                let (text, length) = quoted(rest)?;
                (Token::Quoted(text), length)
            }
            '%' => {
                let end = rest[1..].find('%').ok_or("a regular expression has no closing %")?;
                (Token::Regex(rest[1..=end].to_owned()), end + 2)
            }
            '$' => {
                let length = selector(rest)?;
                (Token::Selector(rest[..length].to_owned()), length)
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "()=<>!&|,\"%".contains(c));
                let length = end.unwrap_or(rest.len());
                if length == 0 {
                    return Err(format!("unexpected character {first}"));
                }
                (Token::Word(rest[..length].to_owned()), length)
            }
        };
        tokens.push(token);
        rest = &rest[length..];
    }
}

/// A string in double quotes with `\"` and `\\`; gives its content and how much of the text it took.
pub(super) fn quoted(text: &str) -> Parsed<(String, usize)> {
    let mut content = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((content, at + 1)),
            '\\' => match chars.next() {
                Some((_, escaped @ ('"' | '\\'))) => content.push(escaped),
                Some((_, other)) => content.extend(['\\', other]),
                None => break,
            },
            other => content.push(other),
        }
    }
    Err("a quoted string has no end".into())
}

/// How long the selector at the start of `text` is: names, `[…]`, and what is quoted within brackets.
fn selector(text: &str) -> Parsed<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '[' => loop {
                match chars.next() {
                    Some((_, ']')) => break,
                    Some((_, '"')) => {
                        if !chars.any(|(_, c)| c == '"') {
                            return Err("a selector's bracket has no end".into());
                        }
                    }
                    Some(_) => {}
                    None => return Err("a selector's bracket has no end".into()),
                }
            },
            c if c.is_whitespace() || "()=<>!&|,".contains(c) => return Ok(at),
            _ => {}
        }
    }
    Ok(text.len())
}
