/// A token and where it begins, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(String),
    Word(String),
    Symbol(&'static str),
}

const SYMBOLS: [&str; 19] =
    ["==", "!=", "<=", ">=", "&&", "||", "+", "-", "*", "/", "^", "<", ">", "(", ")", "[", "]", ",", "="];

/// Longest expression, in bytes; the model allows 2,048 characters.
const LENGTH_MAX: usize = 16 * 1024;

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    if text.len() > LENGTH_MAX {
        return Err("The expression is too long".to_owned());
    }
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if first == '"' || first == '\'' {
            let end = rest[1..].find(first).ok_or("A string is not closed")?;
            (Token::Text(rest[1..=end].to_owned()), end + 2)
        } else if first.is_ascii_digit() || first == '.' {
            number(rest)?
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            (Token::Word(rest[..length].to_owned()), length)
        } else {
            let found = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
            let symbol = found.ok_or_else(|| format!("Unexpected character {first:?}"))?;
            (Token::Symbol(symbol), symbol.len())
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let digits = |from: usize| from + rest[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    if rest[end..].starts_with('.') {
        end = digits(end + 1);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    let value: f64 = rest[..end].parse().map_err(|_| format!("{} is no number", &rest[..end]))?;
    if value.is_finite() {
        Ok((Token::Number(value), end))
    } else {
        Err(format!("{} is too large", &rest[..end]))
    }
}
