use regex::Regex;

use super::lexer::Token;
use super::{Parsed, regex};

/// What a field is compared with.
pub(super) enum Value {
    Number(f64),
    /// Pieces between asterisks; one piece for a text without.
    Text(Vec<String>),
    Regex(Regex),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    pub(super) fn of(sign: &str) -> Option<Operator> {
        Some(match sign {
            "=" => Operator::Equal,
            "!=" => Operator::NotEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            _ => return None,
        })
    }
}

pub(super) struct Comparison {
    operator: Operator,
    value: Value,
}

impl Comparison {
    pub(super) fn new(operator: Operator, token: &Token) -> Parsed<Comparison> {
        let value = match token {
            Token::Quoted(text) => Value::Text(text.split('*').map(str::to_owned).collect()),
            Token::Regex(source) => Value::Regex(regex(source)?),
            Token::Word(word) => match word.parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Number(number),
                _ => Value::Text(word.split('*').map(str::to_owned).collect()),
            },
            _ => return Err("a value is missing after an operator".into()),
        };
        let ordered = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if ordered && !matches!(value, Value::Number(_)) {
            return Err("only numbers can be compared by < and >".into());
        }
        Ok(Comparison { operator, value })
    }

    /// `text` is the field as it was written; `number` its value when it is one.
    pub(super) fn holds(&self, text: &str, number: Option<f64>) -> bool {
        let equal = match &self.value {
            Value::Number(wanted) => {
                let Some(number) = number else { return self.operator == Operator::NotEqual };
                match self.operator {
                    Operator::Less => return number < *wanted,
                    Operator::LessOrEqual => return number <= *wanted,
                    Operator::Greater => return number > *wanted,
                    Operator::GreaterOrEqual => return number >= *wanted,
                    Operator::Equal | Operator::NotEqual => number == *wanted,
                }
            }
            Value::Text(pieces) => glob(pieces, text),
            Value::Regex(regex) => regex.is_match(text),
        };
        equal == (self.operator == Operator::Equal)
    }
}

/// Whether `text` is `pieces` with anything between them.
fn glob(pieces: &[String], text: &str) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return text.is_empty() };
    let Some((last, middle)) = rest.split_last() else { return text == first };
    let Some(mut text) = text.strip_prefix(first.as_str()) else { return false };
    for piece in middle {
        match text.find(piece.as_str()) {
            Some(at) => text = &text[at + piece.len()..],
            None => return false,
        }
    }
    text.ends_with(last.as_str())
}
