/// A piece of a query, with where it stands, in characters.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) from: usize,
    pub(super) to: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A field, command, function or keyword.
    Word(String),
    /// A field in backticks: never a keyword.
    Field(String),
    Text(String),
    /// Between slashes.
    Regex(String),
    Number(f64),
    /// A length of time such as `5m`, in milliseconds.
    Span(i64),
    Sign(&'static str),
    End,
}

/// What goes wrong, and where.
pub(super) type Malformed = (String, (usize, usize));

const SIGNS: [&str; 19] =
    ["!=", "<=", ">=", "=~", "==", "=", "<", ">", "(", ")", "[", "]", ",", "|", "+", "-", "*", "%", "^"];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Malformed> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let (c, from) = (chars[at], at);
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        if c == '#' {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
            continue;
        }
        let kind = if c == '"' || c == '\'' {
            let (text, end) = enclosed(&chars, at, c, true)?;
            at = end;
            Kind::Text(text)
        } else if c == '`' {
            let (text, end) = enclosed(&chars, at, '`', false)?;
            at = end;
            Kind::Field(text)
        } else if c == '/' && regex_may_follow(tokens.last()) {
            let (text, end) = enclosed(&chars, at, '/', false)?;
            at = end;
            Kind::Regex(text)
        } else if c == '/' {
            at += 1;
            Kind::Sign("/")
        } else if c.is_ascii_digit() || c == '.' && chars.get(at + 1).is_some_and(char::is_ascii_digit) {
            number(&chars, &mut at)?
        } else if c.is_alphabetic() || c == '_' || c == '@' || c == '$' {
            while at < chars.len() && (chars[at].is_alphanumeric() || "_@.$:".contains(chars[at])) {
                at += 1;
            }
            Kind::Word(chars[from..at].iter().collect())
        } else {
            let rest: String = chars[at..chars.len().min(at + 2)].iter().collect();
            let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) else {
                return Err((format!("unexpected symbol found {c}"), (at, at + 1)));
            };
            at += sign.len();
            Kind::Sign(sign)
        };
        tokens.push(Token { kind, from, to: at });
    }
    tokens.push(Token { kind: Kind::End, from: chars.len(), to: chars.len() });
    Ok(tokens)
}

/// A slash divides after a value, and begins a regular expression elsewhere.
fn regex_may_follow(before: Option<&Token>) -> bool {
    match before.map(|token| &token.kind) {
        Some(Kind::Word(word)) => {
            matches!(word.to_ascii_lowercase().as_str(), "like" | "parse" | "@message" | "or" | "and")
        }
        Some(Kind::Sign(sign)) => matches!(*sign, "=~" | "(" | ","),
        Some(Kind::Field(_)) => true,
        _ => false,
    }
}

fn enclosed(chars: &[char], from: usize, end: char, escapes: bool) -> Result<(String, usize), Malformed> {
    let mut text = String::new();
    let mut at = from + 1;
    while at < chars.len() {
        match chars[at] {
            c if c == end => return Ok((text, at + 1)),
            '\\' if at + 1 < chars.len() && (escapes || chars[at + 1] == end) => {
                match chars[at + 1] {
                    'n' if escapes => text.push('\n'),
                    't' if escapes => text.push('\t'),
                    c if c == end || c == '\\' && escapes => text.push(c),
                    c => text.extend(['\\', c]),
                }
                at += 2;
            }
            '\\' if at + 1 < chars.len() => {
                text.extend(['\\', chars[at + 1]]);
                at += 2;
            }
            c => {
                text.push(c);
                at += 1;
            }
        }
    }
    Err((format!("missing closing {end}"), (from, chars.len())))
}

fn number(chars: &[char], at: &mut usize) -> Result<Kind, Malformed> {
    let from = *at;
    while *at < chars.len() && (chars[*at].is_ascii_digit() || chars[*at] == '.') {
        *at += 1;
    }
    let digits: String = chars[from..*at].iter().collect();
    let unit_from = *at;
    while *at < chars.len() && chars[*at].is_ascii_alphabetic() {
        *at += 1;
    }
    let unit: String = chars[unit_from..*at].iter().collect();
    let number: f64 = digits.parse().map_err(|_| (format!("{digits} is not a number"), (from, *at)))?;
    let ms = match unit.to_ascii_lowercase().as_str() {
        "" => return Ok(Kind::Number(number)),
        "ms" | "msec" => 1.0,
        "s" | "sec" | "second" | "seconds" => 1e3,
        "m" | "min" | "minute" | "minutes" => 6e4,
        "h" | "hr" | "hour" | "hours" => 3.6e6,
        "d" | "day" | "days" => 8.64e7,
        "w" | "week" | "weeks" => 6.048e8,
        "mo" | "mon" | "month" | "months" => 2.592e9,
        "q" | "qtr" | "quarter" | "quarters" => 7.776e9,
        "y" | "yr" | "year" | "years" => 3.1536e10,
        _ => return Err((format!("{digits}{unit} is neither a number nor a length of time"), (from, *at))),
    };
    Ok(Kind::Span((number * ms) as i64))
}
