use regex::Regex;

use super::lexer::quoted;
use super::{Parsed, REGEX_MAX, regex};

/// Words that a message must have, must not have, or of which it must have one.
#[derive(Default)]
pub(crate) struct Terms {
    all: Vec<Term>,
    none: Vec<Term>,
    /// Looked at only when it stands alone: with other terms beside them, AWS ignores the optional ones.
    any: Vec<Term>,
}

enum Term {
    Text(String),
    Regex(Regex),
}

impl Terms {
    pub(super) fn parse(text: &str) -> Parsed<Terms> {
        let mut terms = Terms::default();
        let (mut rest, mut regexes) = (text, 0);
        loop {
            rest = rest.trim_start();
            let Some(first) = rest.chars().next() else { return Ok(terms) };
            let list = match first {
                '-' => &mut terms.none,
                '?' => &mut terms.any,
                _ => &mut terms.all,
            };
            if matches!(first, '-' | '?') {
                rest = &rest[1..];
            }
            let (term, length) = match rest.chars().next() {
                None => return Err(format!("a term is missing after {first}")),
                Some('"') => {
                    let (text, length) = quoted(rest)?;
                    (Term::Text(text), length)
                }
                Some('%') => {
                    let end = rest[1..].find('%').ok_or("a regular expression has no closing %")?;
                    regexes += 1;
                    if regexes > REGEX_MAX {
                        return Err("it has more than two regular expressions".into());
                    }
                    (Term::Regex(regex(&rest[1..=end])?), end + 2)
                }
                Some(_) => {
                    let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
                    let word = &rest[..length];
                    if let Some(bad) = word.chars().find(|c| !c.is_alphanumeric() && *c != '_') {
                        return Err(format!(
                            "the term {word} has the character {bad}: put it in double quotes"
                        ));
                    }
                    (Term::Text(word.to_owned()), length)
                }
            };
            list.push(term);
            rest = &rest[length..];
        }
    }

    pub(super) fn regexes(&self) -> Vec<String> {
        let all = self.all.iter().chain(&self.none).chain(&self.any);
        let regex = |term: &Term| match term {
            Term::Regex(regex) => Some(regex.as_str().to_owned()),
            Term::Text(_) => None,
        };
        all.filter_map(regex).collect()
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let any = !self.all.is_empty() || !self.none.is_empty() || self.any.iter().any(|t| t.is_in(message));
        any && self.all.iter().all(|term| term.is_in(message))
            && !self.none.iter().any(|term| term.is_in(message))
    }
}

impl Term {
    fn is_in(&self, message: &str) -> bool {
        match self {
            Term::Text(text) => message.contains(text.as_str()),
            Term::Regex(regex) => regex.is_match(message),
        }
    }
}
