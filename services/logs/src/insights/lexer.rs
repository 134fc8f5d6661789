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
    /// A length of time such as `5m`, in milliseconds; and what functions of dates make of it, which take no more than 60 of
    /// `s` and `m`, 24 of `h` and 1,000 of `ms` (User Guide, "Datetime functions").
    Span {
        ms: i64,
        capped_ms: i64,
    },
    Sign(&'static str),
    End,
}

/// What goes wrong, and where.
pub(super) type Malformed = (String, (usize, usize));

const SIGNS: [&str; 20] =
    ["!=", "!", "<=", ">=", "=~", "==", "=", "<", ">", "(", ")", "[", "]", ",", "|", "+", "-", "*", "%", "^"];

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
        } else if c == '/' && regex_may_follow(&tokens) {
            let (text, end) = enclosed(&chars, at, '/', false)?;
            at = end;
            Kind::Regex(text)
        } else if c == '/' {
            at += 1;
            Kind::Sign("/")
        } else if c.is_ascii_digit() || c == '.' && chars.get(at + 1).is_some_and(char::is_ascii_digit) {
            number(&chars, &mut at)?
        } else if c.is_alphabetic() || c == '_' || c == '@' || c == '$' {
            Kind::Word(word(&chars, &mut at)?)
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

/// A field's name, or a keyword. `list[1]` is `list.1`, and a part between backticks may have any characters.
fn word(chars: &[char], at: &mut usize) -> Result<String, Malformed> {
    let mut text = String::new();
    while *at < chars.len() {
        let c = chars[*at];
        if c.is_alphanumeric() || "_@.$:".contains(c) {
            text.push(c);
            *at += 1;
        } else if c == '`' && text.ends_with('.') {
            let (part, end) = enclosed(chars, *at, '`', false)?;
            text.push_str(&part);
            *at = end;
        } else if let Some((index, end)) = index(chars, *at).filter(|_| !text.eq_ignore_ascii_case("in")) {
            text.push('.');
            text.push_str(&index);
            *at = end;
        } else {
            break;
        }
    }
    Ok(text)
}

/// The number in `[1]`, and where that ends.
fn index(chars: &[char], from: usize) -> Option<(String, usize)> {
    let digits: String = chars.get(from + 1..)?.iter().take(10).take_while(|c| c.is_ascii_digit()).collect();
    let end = from + 1 + digits.len();
    let is_index = chars[from] == '[' && !digits.is_empty() && chars.get(end) == Some(&']');
    is_index.then_some((digits, end + 1))
}

/// A slash divides after a value, and begins a regular expression elsewhere.
fn regex_may_follow(before: &[Token]) -> bool {
    let is = |back: usize, wanted: &str| {
        let token = before.len().checked_sub(back).map(|at| &before[at].kind);
        matches!(token, Some(Kind::Word(word)) if word.eq_ignore_ascii_case(wanted))
    };
    match before.last().map(|token| &token.kind) {
        Some(Kind::Word(_)) => {
            ["like", "parse", "@message", "or", "and"].iter().any(|word| is(1, word)) || is(2, "parse")
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
    let lower = unit.to_ascii_lowercase();
    if lower.is_empty() {
        return Ok(Kind::Number(number));
    }
    let Some((ms, most)) = unit_of(&lower) else {
        return Err((format!("{digits}{unit} is neither a number nor a length of time"), (from, *at)));
    };
    Ok(Kind::Span { ms: (number * ms) as i64, capped_ms: (number.min(most) * ms) as i64 })
}

/// The milliseconds of a unit of time, and how many of it a function of dates takes. More than one letter may end in an s.
fn unit_of(unit: &str) -> Option<(f64, f64)> {
    const ANY: f64 = f64::INFINITY;
    let one = |unit: &str| {
        Some(match unit {
            "ms" | "msec" | "millisecond" => (1.0, 1000.0),
            "s" | "sec" | "second" => (1e3, 60.0),
            "m" | "min" | "minute" => (6e4, 60.0),
            "h" | "hr" | "hour" => (3.6e6, 24.0),
            "d" | "day" => (8.64e7, ANY),
            "w" | "week" => (6.048e8, ANY),
            "mo" | "mon" | "month" => (2.592e9, ANY),
            "q" | "qtr" | "quarter" => (7.776e9, ANY),
            "y" | "yr" | "year" => (3.1536e10, ANY),
            _ => return None,
        })
    };
    one(unit).or_else(|| unit.strip_suffix('s').filter(|rest| rest.len() > 1).and_then(one))
}
