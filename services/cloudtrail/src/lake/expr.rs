use std::cmp::Ordering;

use serde_json::Value as Json;

use super::functions::Function;
use super::value::Value;

/// What is evaluated for a row, or for a group of rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// A column and what is in it.
    Field(Vec<String>),
    Literal(Value),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    Concat(Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    Like(Box<Expr>, Box<Expr>),
    IsNull(Box<Expr>),
    /// Conditions with their results, and else.
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    Cast(Box<Expr>, Type),
    Element(Box<Expr>, Box<Expr>),
    Call(Function, Vec<Expr>),
    /// The aggregate of this number, or the group's key of this number.
    Aggregate(usize),
    Key(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Int,
    Float,
    Bool,
    Time,
}

/// What an expression is evaluated on.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) event: &'a Json,
    pub(crate) keys: &'a [Value],
    pub(crate) aggregates: &'a [Value],
}

impl<'a> Row<'a> {
    pub(crate) fn of(event: &'a Json) -> Row<'a> {
        Row { event, keys: &[], aggregates: &[] }
    }
}

impl Expr {
    pub(crate) fn value(&self, row: Row<'_>) -> Value {
        match self {
            Expr::Field(path) => field(row.event, path),
            Expr::Literal(value) => value.clone(),
            Expr::Not(inner) => inner.value(row).truth().map_or(Value::Null, |flag| Value::Bool(!flag)),
            Expr::Negative(inner) => match inner.value(row) {
                Value::Int(int) => int.checked_neg().map_or(Value::Null, Value::Int),
                other => other.number().map_or(Value::Null, |number| Value::Float(-number)),
            },
            Expr::And(one, other) => match one.value(row).truth() {
                Some(false) => Value::Bool(false),
                first => match (first, other.value(row).truth()) {
                    (_, Some(false)) => Value::Bool(false),
                    (Some(true), Some(true)) => Value::Bool(true),
                    _ => Value::Null,
                },
            },
            Expr::Or(one, other) => match one.value(row).truth() {
                Some(true) => Value::Bool(true),
                first => match (first, other.value(row).truth()) {
                    (_, Some(true)) => Value::Bool(true),
                    (Some(false), Some(false)) => Value::Bool(false),
                    _ => Value::Null,
                },
            },
            Expr::Compare(comparison, one, other) => {
                let found = one.value(row).compare(&other.value(row));
                found.map_or(Value::Null, |order| Value::Bool(comparison.holds(order)))
            }
            Expr::Arithmetic(arithmetic, one, other) => arithmetic.of(&one.value(row), &other.value(row)),
            Expr::Concat(one, other) => match (one.value(row).text(), other.value(row).text()) {
                (Some(one), Some(other)) => Value::Text(one + &other),
                _ => Value::Null,
            },
            Expr::In(inner, list) => {
                let value = inner.value(row);
                if value == Value::Null {
                    return Value::Null;
                }
                let mut null = false;
                for one in list {
                    match value.compare(&one.value(row)) {
                        Some(Ordering::Equal) => return Value::Bool(true),
                        Some(_) => {}
                        None => null = true,
                    }
                }
                if null { Value::Null } else { Value::Bool(false) }
            }
            Expr::Like(inner, pattern) => match (inner.value(row).text(), pattern.value(row).text()) {
                (Some(text), Some(pattern)) => Value::Bool(like(&text, &pattern)),
                _ => Value::Null,
            },
            Expr::IsNull(inner) => Value::Bool(inner.value(row) == Value::Null),
            Expr::Case(cases, otherwise) => {
                let found = cases.iter().find(|(condition, _)| condition.value(row).truth() == Some(true));
                match (found, otherwise) {
                    (Some((_, result)), _) => result.value(row),
                    (None, Some(otherwise)) => otherwise.value(row),
                    (None, None) => Value::Null,
                }
            }
            Expr::Cast(inner, to) => to.cast(inner.value(row)),
            Expr::Element(inner, key) => element(&inner.value(row), &key.value(row)),
            Expr::Call(function, arguments) => {
                let arguments: Vec<Value> = arguments.iter().map(|argument| argument.value(row)).collect();
                function.call(&arguments)
            }
            Expr::Aggregate(at) => row.aggregates.get(*at).cloned().unwrap_or(Value::Null),
            Expr::Key(at) => row.keys.get(*at).cloned().unwrap_or(Value::Null),
        }
    }
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Arithmetic {
    fn of(self, one: &Value, other: &Value) -> Value {
        if let (Value::Int(one), Value::Int(other)) = (one, other) {
            let found = match self {
                Arithmetic::Add => one.checked_add(*other),
                Arithmetic::Subtract => one.checked_sub(*other),
                Arithmetic::Multiply => one.checked_mul(*other),
                Arithmetic::Divide => one.checked_div(*other),
                Arithmetic::Remainder => one.checked_rem(*other),
            };
            return found.map_or(Value::Null, Value::Int);
        }
        let (Some(one), Some(other)) = (one.number(), other.number()) else { return Value::Null };
        Value::Float(match self {
            Arithmetic::Add => one + other,
            Arithmetic::Subtract => one - other,
            Arithmetic::Multiply => one * other,
            Arithmetic::Divide => one / other,
            Arithmetic::Remainder => one % other,
        })
    }
}

impl Type {
    fn cast(self, value: Value) -> Value {
        if value == Value::Null {
            return Value::Null;
        }
        let found = match self {
            Type::Text => value.text().map(Value::Text),
            Type::Int => match &value {
                Value::Bool(flag) => Some(Value::Int(i64::from(*flag))),
                _ => value.number().map(|number| Value::Int(number.round() as i64)),
            },
            Type::Float => value.number().map(Value::Float),
            Type::Bool => value.truth().map(Value::Bool),
            Type::Time => value.time().map(Value::Time),
        };
        found.unwrap_or(Value::Null)
    }
}

/// Names are the same in any case, as in Trino.
fn field(event: &Json, path: &[String]) -> Value {
    let mut at = event;
    for name in path {
        let Some(object) = at.as_object() else { return Value::Null };
        let found = object.get(name).or_else(|| {
            object.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        });
        let Some(found) = found else { return Value::Null };
        at = found;
    }
    let value = Value::of_json(at);
    let is_time = path.len() == 1 && path[0].eq_ignore_ascii_case("eventTime");
    match value.time().filter(|_| is_time) {
        Some(at) => Value::Time(at),
        None => value,
    }
}

/// The value under a key of a map, or at a place of an array, from 1.
pub(super) fn element(value: &Value, key: &Value) -> Value {
    let Value::Json(json) = value else { return Value::Null };
    match (json, key) {
        (Json::Object(map), key) => {
            let found = key.text().and_then(|key| map.get(&key).cloned());
            // The values of a map are texts.
            match found {
                Some(json @ (Json::Object(_) | Json::Array(_))) => Value::Json(json),
                Some(json) => Value::of_json(&json).text().map_or(Value::Null, Value::Text),
                None => Value::Null,
            }
        }
        (Json::Array(all), Value::Int(at)) => {
            let at = usize::try_from(*at - 1).ok();
            at.and_then(|at| all.get(at)).map_or(Value::Null, Value::of_json)
        }
        _ => Value::Null,
    }
}

/// `%` is any text, `_` any character. In time proportional to the product of both lengths.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut t, mut p, mut star) = (0, 0, None);
    while t < text.len() {
        if pattern.get(p) == Some(&'%') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| *c == '_' || *c == text[t]) {
            (t, p) = (t + 1, p + 1);
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (t, p) = (from + 1, at + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '%')
}
