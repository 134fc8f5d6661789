//! Wildcards: `*` is any run of characters (also none), `?` is exactly one.
//!
//! A pattern is split at its stars when compiled. Matching takes the first and last run at the two ends and
//! then looks for each middle run leftmost-first; a run has a fixed number of characters, so leftmost is
//! never worse and there is nothing to back-track over. Cost: at most text × longest run.

/// What a pattern is made of; `S` is owned when compiled, borrowed when variables were just filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token<S> {
    Text(S),
    /// `?`
    One,
    /// `*`
    Star,
}

/// A compiled pattern. The common shapes are told apart so that most comparisons are one `memcmp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    Any,
    Exact(Box<str>),
    Prefix(Box<str>),
    Glob(Box<[Token<Box<str>>]>),
}

impl Pattern {
    pub(crate) fn new(source: &str) -> Self {
        Self::from_tokens(tokenize(source))
    }

    pub(crate) fn from_tokens(tokens: Vec<Token<Box<str>>>) -> Self {
        match tokens.as_slice() {
            [] => Self::Exact("".into()),
            [Token::Star] => Self::Any,
            [Token::Text(text)] => Self::Exact(text.clone()),
            [Token::Text(text), Token::Star] => Self::Prefix(text.clone()),
            _ => Self::Glob(tokens.into()),
        }
    }

    #[inline]
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => **exact == *text,
            Self::Prefix(prefix) => text.starts_with(&**prefix),
            Self::Glob(tokens) => matches(tokens, text),
        }
    }
}

/// Splits a pattern into text and wildcards; runs of stars become one.
pub(crate) fn tokenize(source: &str) -> Vec<Token<Box<str>>> {
    let mut tokens = Vec::new();
    push_tokens(&mut tokens, source);
    tokens
}

pub(crate) fn push_tokens(tokens: &mut Vec<Token<Box<str>>>, source: &str) {
    let mut rest = source;
    while let Some(at) = rest.find(['*', '?']) {
        push_text(tokens, &rest[..at]);
        if rest.as_bytes()[at] == b'?' {
            tokens.push(Token::One);
        } else if tokens.last() != Some(&Token::Star) {
            tokens.push(Token::Star);
        }
        rest = &rest[at + 1..];
    }
    push_text(tokens, rest);
}

pub(crate) fn push_text(tokens: &mut Vec<Token<Box<str>>>, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some(Token::Text(last)) = tokens.last_mut() {
        *last = format!("{last}{text}").into();
    } else {
        tokens.push(Token::Text(text.into()));
    }
}

/// Whether the tokens match all of `text`.
pub(crate) fn matches<S: AsRef<str>>(tokens: &[Token<S>], text: &str) -> bool {
    let is_star = |t: &Token<S>| matches!(t, Token::Star);
    let Some(first_star) = tokens.iter().position(is_star) else {
        return match_run(tokens, text) == Some(text.len());
    };
    let last_star = tokens.len() - 1 - tokens.iter().rev().position(is_star).unwrap_or(0);
    let Some(start) = match_run(&tokens[..first_star], text) else { return false };
    let Some(mut middle) = strip_run_end(&tokens[last_star + 1..], &text[start..]) else { return false };
    if first_star == last_star {
        return true;
    }
    for run in tokens[first_star + 1..last_star].split(is_star) {
        match find_run(run, middle) {
            Some(end) => middle = &middle[end..],
            None => return false,
        }
    }
    true
}

/// Matches a star-free run at the start of `text`; the length matched.
fn match_run<S: AsRef<str>>(run: &[Token<S>], text: &str) -> Option<usize> {
    let mut rest = text;
    for token in run {
        rest = match token {
            Token::Text(t) => rest.strip_prefix(t.as_ref())?,
            Token::One => {
                let mut chars = rest.chars();
                chars.next()?;
                chars.as_str()
            }
            Token::Star => return None,
        };
    }
    Some(text.len() - rest.len())
}

/// Matches a star-free run at the end of `text`; what is left before it.
fn strip_run_end<'t, S: AsRef<str>>(run: &[Token<S>], text: &'t str) -> Option<&'t str> {
    let mut rest = text;
    for token in run.iter().rev() {
        rest = match token {
            Token::Text(t) => rest.strip_suffix(t.as_ref())?,
            Token::One => {
                let mut chars = rest.chars();
                chars.next_back()?;
                chars.as_str()
            }
            Token::Star => return None,
        };
    }
    Some(rest)
}

/// Finds the leftmost match of a star-free run; the offset after it.
fn find_run<S: AsRef<str>>(run: &[Token<S>], text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        if let Some(Token::Text(first)) = run.first() {
            from += find(&text[from..], first.as_ref())?;
        }
        if let Some(length) = match_run(run, &text[from..]) {
            return Some(from + length);
        }
        from += text[from..].chars().next()?.len_utf8();
    }
}

/// For a short needle a plain scan beats setting up the standard library's two-way search, whose set-up is
/// most of the cost of matching an ARN; a long one could make a plain scan quadratic.
#[inline]
fn find(text: &str, needle: &str) -> Option<usize> {
    const SHORT: usize = 24;
    let (text_bytes, bytes) = (text.as_bytes(), needle.as_bytes());
    match bytes {
        [] => Some(0),
        [first, ..] if bytes.len() <= SHORT => {
            let last = text_bytes.len().checked_sub(bytes.len())?;
            (0..=last).find(|&at| text_bytes[at] == *first && text_bytes[at..at + bytes.len()] == *bytes)
        }
        _ => text.find(needle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        let yes = [
            ("*", ""),
            ("*", "a:b"),
            ("a", "a"),
            ("", ""),
            ("a*", "a"),
            ("*a", "ba"),
            ("a?c", "aéc"),
            ("a*b*c", "aXbYc"),
            ("**", "x"),
            ("?*", "x"),
            ("*?", "xyz"),
            ("a*a", "aa"),
            ("*ab?d*", "xabcabcd"),
            ("*a?*b", "aaab"),
        ];
        let no = [
            ("a", "A"),
            ("a*a", "a"),
            ("?", ""),
            ("?", "ab"),
            ("a?c", "ac"),
            ("*b", "ba"),
            ("a*b*c", "acb"),
            ("*?a", "a"),
        ];
        for (pattern, text) in yes {
            assert!(Pattern::new(pattern).matches(text), "{pattern} should match {text}");
        }
        for (pattern, text) in no {
            assert!(!Pattern::new(pattern).matches(text), "{pattern} should not match {text}");
        }
    }

    /// The classic that hangs a backtracking matcher.
    #[test]
    fn hostile_patterns_end() {
        let text = "a".repeat(2000);
        assert!(!Pattern::new(&format!("{}b", "a*".repeat(1000))).matches(&text));
        assert!(!Pattern::new(&format!("{}b*", "*a?".repeat(600))).matches(&text));
    }
}
