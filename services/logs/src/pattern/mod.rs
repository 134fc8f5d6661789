//! Filter patterns: unstructured terms ([`terms`]), JSON selectors ([`json`]) and space-delimited fields ([`space`]).
//!
//! Source: CloudWatch Logs User Guide, "Filter pattern syntax for metric filters, subscription filters, filter log events,
//! and Live Tail".

mod compare;
mod json;
mod lexer;
mod space;
mod terms;

use haneul_kit::Result;
use regex::{Regex, RegexBuilder};

use crate::error;

/// A compiled filter pattern.
pub(crate) enum Pattern {
    /// An empty pattern matches everything.
    All,
    Terms(terms::Terms),
    Json(json::Expression),
    Space(space::Columns),
}

/// Regular expressions in one pattern (User Guide: two).
const REGEX_MAX: usize = 2;
/// Compiled size of one, so that no pattern eats the memory.
const REGEX_SIZE_MAX: usize = 256 * 1024;
/// How deep parentheses may nest.
const DEPTH_MAX: usize = 64;

impl Pattern {
    /// A pattern that a caller gives.
    ///
    /// # Errors
    /// AWS's InvalidParameterException for what does not parse, or AWS does not take.
    pub(crate) fn given(text: &str) -> Result<Pattern> {
        let pattern = Pattern::parse(text)?;
        match regexes(text).iter().find_map(|source| unsupported(source)) {
            Some(why) => Err(error::invalid(format!("Invalid filter pattern: {why}"))),
            None => Ok(pattern),
        }
    }

    /// Any pattern that we can work with: what was put when less was refused stays good.
    ///
    /// # Errors
    /// AWS's InvalidParameterException for what does not parse.
    pub(crate) fn parse(text: &str) -> Result<Pattern> {
        let trimmed = text.trim();
        let parsed = match trimmed.chars().next() {
            None => return Ok(Pattern::All),
            Some('{') => json::Expression::parse(trimmed).map(Pattern::Json),
            Some('[') => space::Columns::parse(trimmed).map(Pattern::Space),
            Some(_) => terms::Terms::parse(trimmed).map(Pattern::Terms),
        };
        parsed.map_err(|why| error::invalid(format!("Invalid filter pattern: {why}")))
    }

    pub(crate) fn matches(&self, message: &str) -> bool {
        match self {
            Pattern::All => true,
            Pattern::Terms(terms) => terms.matches(message),
            Pattern::Json(expression) => expression.matches(message),
            Pattern::Space(columns) => columns.matches(message).is_some(),
        }
    }

    /// What TestMetricFilter tells of a match: the selected fields and their values.
    pub(crate) fn extract(&self, message: &str) -> Vec<(String, String)> {
        match self {
            Pattern::All | Pattern::Terms(_) => Vec::new(),
            Pattern::Json(expression) => expression.extract(message),
            Pattern::Space(columns) => columns.matches(message).unwrap_or_default(),
        }
    }
}

/// A field that a pattern cuts messages into: `$.a.b` of JSON, `$name` of a space-delimited message.
pub(crate) enum Field {
    Json(json::Selector),
    Column(String),
}

impl Pattern {
    /// The field of that name, when messages that match have it: any of a JSON pattern's, the named ones of a space-delimited one.
    pub(crate) fn field(&self, text: &str) -> Option<Field> {
        match self {
            Pattern::Json(_) if text.starts_with("$.") || text.starts_with("$[") => {
                json::Selector::parse(text).ok().map(Field::Json)
            }
            Pattern::Space(columns) if text.starts_with('$') && columns.has(&text[1..]) => {
                Some(Field::Column(text.to_owned()))
            }
            _ => None,
        }
    }

    /// Whether messages have fields at all.
    pub(crate) fn has_fields(&self) -> bool {
        matches!(self, Pattern::Json(_) | Pattern::Space(_))
    }

    /// The values of `fields` in a message; `None` when it does not match.
    pub(crate) fn cut(&self, message: &str, fields: &[&Field]) -> Option<Vec<Option<String>>> {
        match self {
            Pattern::Json(expression) => expression.cut(message, fields),
            Pattern::Space(columns) => {
                let found = columns.matches(message)?;
                let value = |field: &&Field| match field {
                    Field::Column(name) => found.iter().find(|(one, _)| one == name).map(|(_, v)| v.clone()),
                    Field::Json(_) => None,
                };
                Some(fields.iter().map(value).collect())
            }
            _ => self.matches(message).then(|| vec![None; fields.len()]),
        }
    }
}

/// The regular expressions in a pattern that parses.
pub(crate) fn regexes(text: &str) -> Vec<String> {
    let text = text.trim();
    match text.chars().next() {
        Some('{' | '[') => {
            let inner = text[1..].strip_suffix(['}', ']']).unwrap_or_default();
            let tokens = lexer::tokens(inner).unwrap_or_default().into_iter();
            let regex = |token| match token {
                lexer::Token::Regex(source) => Some(source),
                _ => None,
            };
            tokens.filter_map(regex).collect()
        }
        _ => terms::Terms::parse(text).map(|terms| terms.regexes()).unwrap_or_default(),
    }
}

/// Why a pattern does not parse.
type Parsed<T> = std::result::Result<T, String>;

/// What may stand in a regular expression beside letters, digits and what is escaped. Spaces are not in the guide's list, and let through.
const REGEX_SYMBOLS: &str = ":_#=@/;,- ^$?[]{}|\\*+.";

/// Why AWS does not take a regular expression, if it does not.
fn unsupported(source: &str) -> Option<String> {
    let mut escaped = false;
    for found in source.chars() {
        if !found.is_ascii() || !(escaped || found.is_ascii_alphanumeric() || REGEX_SYMBOLS.contains(found)) {
            return Some(format!("the regular expression %{source}% has the unsupported character {found}"));
        }
        escaped = found == '\\' && !escaped;
    }
    None
}

fn regex(source: &str) -> Parsed<Regex> {
    RegexBuilder::new(source)
        .size_limit(REGEX_SIZE_MAX)
        .build()
        .map_err(|_| format!("the regular expression %{source}% is not valid"))
}

#[cfg(test)]
mod tests;
