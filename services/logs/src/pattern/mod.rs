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

/// Why a pattern does not parse.
type Parsed<T> = std::result::Result<T, String>;

fn regex(source: &str) -> Parsed<Regex> {
    RegexBuilder::new(source)
        .size_limit(REGEX_SIZE_MAX)
        .build()
        .map_err(|_| format!("the regular expression %{source}% is not valid"))
}

#[cfg(test)]
mod tests;
