//! Condition values compiled for their operator, and the comparison itself.

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::date;
use super::network::Network;
use super::operator::Comparison;
use crate::context::Context;
use crate::error::{PolicyError, SYNTAX};
use crate::pattern::{Token, matches};
use crate::template::{Part, Reading, Template, parts, resolve};

/// The values of one key, for one family of operators. The test is always the positive one; negation and sets
/// are the condition's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    /// `StringEquals`, `StringLike`.
    Text(Box<[Template]>),
    /// `StringEqualsIgnoreCase`: lowercased where it has no variables.
    TextIgnoreCase(Box<[Box<[Part]>]>),
    Number(Relation, Box<[f64]>),
    Date(Relation, Box<[date::Nanos]>),
    Bool(Box<[BoolValue]>),
    Binary(Box<[Vec<u8>]>),
    Address(Box<[Network]>),
    Arn(Box<[ArnPattern]>),
    Null(Box<[bool]>),
}

/// The guide allows variables with `Bool`; a plain value is what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BoolValue {
    Is(bool),
    Variable(Box<[Part]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// Six parts between colons, each with wildcards of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ArnPattern {
    Any,
    Fixed(Box<[Template; 6]>),
    /// With variables, whose values may hold colons: split when they are filled in.
    Variable(Box<[Part]>),
    /// Not an ARN: matches nothing.
    Never,
}

impl Values {
    pub(crate) fn new(
        comparison: Comparison,
        values: &[Box<str>],
        variables: bool,
        path: &str,
    ) -> Result<Self, PolicyError> {
        use Comparison as C;
        let refuse = || PolicyError::malformed(path, SYNTAX);
        let literal = Reading { variables, wildcards: false };
        let wild = Reading { variables, wildcards: true };
        let relation = match comparison {
            C::NumericLessThan | C::DateLessThan => Relation::Less,
            C::NumericLessThanEquals | C::DateLessThanEquals => Relation::LessOrEqual,
            C::NumericGreaterThan | C::DateGreaterThan => Relation::Greater,
            C::NumericGreaterThanEquals | C::DateGreaterThanEquals => Relation::GreaterOrEqual,
            _ => Relation::Equal,
        };
        Ok(match comparison {
            C::StringEquals | C::StringNotEquals => {
                Self::Text(values.iter().map(|v| Template::new(v, literal)).collect())
            }
            C::StringLike | C::StringNotLike => {
                Self::Text(values.iter().map(|v| Template::new(v, wild)).collect())
            }
            C::StringEqualsIgnoreCase | C::StringNotEqualsIgnoreCase => {
                Self::TextIgnoreCase(values.iter().map(|v| parts(v, literal).into()).collect())
            }
            C::NumericEquals
            | C::NumericNotEquals
            | C::NumericLessThan
            | C::NumericLessThanEquals
            | C::NumericGreaterThan
            | C::NumericGreaterThanEquals => {
                Self::Number(relation, collect(values, number).ok_or_else(refuse)?)
            }
            C::DateEquals
            | C::DateNotEquals
            | C::DateLessThan
            | C::DateLessThanEquals
            | C::DateGreaterThan
            | C::DateGreaterThanEquals => {
                Self::Date(relation, collect(values, date::parse).ok_or_else(refuse)?)
            }
            C::Bool => Self::Bool(collect(values, |v| bool_value(v, literal)).ok_or_else(refuse)?),
            C::BinaryEquals => Self::Binary(collect(values, |v| BASE64.decode(v).ok()).ok_or_else(refuse)?),
            C::IpAddress | C::NotIpAddress => {
                Self::Address(collect(values, Network::parse).ok_or_else(refuse)?)
            }
            C::ArnEquals | C::ArnLike | C::ArnNotEquals | C::ArnNotLike => {
                Self::Arn(values.iter().map(|v| ArnPattern::new(v, wild)).collect())
            }
            C::Null => Self::Null(collect(values, boolean).ok_or_else(refuse)?),
        })
    }

    /// Whether any of the policy's values matches the request's.
    pub(crate) fn any(&self, asked: &str, context: &Context<'_>) -> bool {
        match self {
            Self::Text(values) => values.iter().any(|v| v.matches(asked, context)),
            Self::TextIgnoreCase(values) => {
                values.iter().any(|v| resolve(v, context).is_some_and(|t| equal_ignoring_case(&t, asked)))
            }
            Self::Number(relation, values) => number(asked)
                .is_some_and(|n| values.iter().any(|v| n.partial_cmp(v).is_some_and(|o| relation.holds(o)))),
            Self::Date(relation, values) => {
                date::parse(asked).is_some_and(|d| values.iter().any(|v| relation.holds(d.cmp(v))))
            }
            Self::Bool(values) => boolean(asked).is_some_and(|b| values.iter().any(|v| v.is(b, context))),
            Self::Binary(values) => BASE64.decode(asked).is_ok_and(|bytes| values.contains(&bytes)),
            Self::Address(values) => values.iter().any(|v| v.contains(asked)),
            Self::Arn(values) => values.iter().any(|v| v.matches(asked, context)),
            Self::Null(_) => false,
        }
    }

    pub(crate) fn null(&self, missing: bool) -> bool {
        matches!(self, Self::Null(values) if values.contains(&missing))
    }
}

fn collect<T>(values: &[Box<str>], read: impl Fn(&str) -> Option<T>) -> Option<Box<[T]>> {
    values.iter().map(|v| read(v)).collect()
}

fn number(text: &str) -> Option<f64> {
    // `inf` and `nan` are numbers to Rust, not to IAM.
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if plain { text.parse().ok().filter(|n: &f64| n.is_finite()) } else { None }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        t if t.eq_ignore_ascii_case("true") => Some(true),
        t if t.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn bool_value(text: &str, reading: Reading) -> Option<BoolValue> {
    let parts = parts(text, reading);
    if parts.iter().any(|p| matches!(p, Part::Variable { .. })) {
        return Some(BoolValue::Variable(parts.into()));
    }
    boolean(text).map(BoolValue::Is)
}

impl BoolValue {
    fn is(&self, asked: bool, context: &Context<'_>) -> bool {
        match self {
            Self::Is(value) => *value == asked,
            Self::Variable(parts) => resolve(parts, context)
                .is_some_and(|t| equal_ignoring_case(&t, if asked { "true" } else { "false" })),
        }
    }
}

fn equal_ignoring_case(tokens: &[Token<&str>], text: &str) -> bool {
    let all: String =
        tokens.iter().filter_map(|t| if let Token::Text(s) = t { Some(*s) } else { None }).collect();
    all.eq_ignore_ascii_case(text) || all.to_lowercase() == text.to_lowercase()
}

impl ArnPattern {
    fn new(source: &str, reading: Reading) -> Self {
        if source == "*" {
            return Self::Any;
        }
        let parts = parts(source, reading);
        if parts.iter().any(|p| matches!(p, Part::Variable { .. })) {
            return Self::Variable(parts.into());
        }
        let six: Vec<Template> = source.splitn(6, ':').map(|s| Template::new(s, reading)).collect();
        six.try_into().map_or(Self::Never, |six| Self::Fixed(Box::new(six)))
    }

    fn matches(&self, asked: &str, context: &Context<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Never => false,
            Self::Fixed(six) => {
                let mut segments = asked.splitn(6, ':');
                six.iter().all(|t| segments.next().is_some_and(|s| t.matches(s, context)))
            }
            Self::Variable(parts) => {
                let Some(tokens) = resolve(parts, context) else { return false };
                let six = split_at_colons(&tokens);
                let mut segments = asked.splitn(6, ':');
                six.len() == 6 && six.iter().all(|t| segments.next().is_some_and(|s| matches(t, s)))
            }
        }
    }
}

/// Splits filled-in tokens at the first five colons.
fn split_at_colons<'a>(tokens: &[Token<&'a str>]) -> Vec<Vec<Token<&'a str>>> {
    let mut six = vec![Vec::new()];
    for token in tokens {
        let &Token::Text(mut text) = token else {
            six.last_mut().expect("never empty").push(token.clone());
            continue;
        };
        while six.len() < 6
            && let Some((before, after)) = text.split_once(':')
        {
            six.last_mut().expect("never empty").push(Token::Text(before));
            six.push(Vec::new());
            text = after;
        }
        six.last_mut().expect("never empty").push(Token::Text(text));
    }
    six
}
