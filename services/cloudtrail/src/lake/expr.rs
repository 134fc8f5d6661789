use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::Value as Json;

use super::cast::Type;
use super::functions::{Function, LARGEST, Lambda, Matcher};
use super::run::answers::Answers;
use super::run::budget::Fuel;
use super::value::Value;

/// What is evaluated for a row, or for a group of rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// A column of a relation, both by number.
    Column(usize, usize),
    /// What is evaluated on the row that a subquery is asked for.
    Outer(Box<Expr>),
    Literal(Value),
    /// A parameter of a lambda expression, by number from the outermost on.
    Parameter(usize),
    /// A field of a row; names are the same in any case.
    Field(Box<Expr>, String),
    Element(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    /// AND and OR.
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// IS DISTINCT FROM.
    Differs(Box<Expr>, Box<Expr>),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    /// A text, a pattern, and what makes the next character of the pattern mean itself.
    Like(Box<Expr>, Box<Expr>, Option<char>),
    IsNull(Box<Expr>),
    /// Conditions with their results, and else.
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    Cast(Box<Expr>, Type),
    Array(Vec<Expr>),
    Call(Function, Vec<Expr>),
    /// A function of a regular expression.
    Match(Matcher, Vec<Expr>),
    /// A function of a lambda expression: what it is applied to, and to what end.
    Apply(Lambda, Vec<Expr>, Box<Expr>),
    Subquery(Box<Subquery>),
}

/// A subquery by number, asked for one row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subquery {
    pub(crate) number: usize,
    pub(crate) kind: SubqueryKind,
    /// What its rows are found by.
    pub(crate) keys: Vec<Expr>,
    /// What holds between its row and ours besides.
    pub(crate) residual: Vec<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SubqueryKind {
    Exists,
    In(Expr),
    /// With its value where there is no row.
    Scalar(Value),
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

/// The columns of one relation in a row.
pub(crate) type Segment = Arc<Vec<Value>>;

/// What an expression is evaluated on.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    /// By relation; one without a row has none, and all its columns are NULL.
    pub(crate) segments: &'a [Segment],
    pub(crate) outer: &'a [Segment],
    pub(crate) answers: &'a Answers,
    pub(crate) parameters: &'a [Value],
    pub(crate) fuel: &'a Fuel,
}

impl<'a> Row<'a> {
    pub(crate) fn of(segments: &'a [Segment], answers: &'a Answers, fuel: &'a Fuel) -> Row<'a> {
        Row { segments, outer: &[], answers, parameters: &[], fuel }
    }
}

impl Expr {
    pub(crate) fn value(&self, row: Row<'_>) -> Value {
        match self {
            Expr::Column(relation, column) => {
                let segment = row.segments.get(*relation);
                segment.and_then(|segment| segment.get(*column)).cloned().unwrap_or(Value::Null)
            }
            Expr::Outer(inner) => inner.value(Row { segments: row.outer, ..row }),
            Expr::Literal(value) => value.clone(),
            Expr::Parameter(at) => row.parameters.get(*at).cloned().unwrap_or(Value::Null),
            Expr::Field(inner, name) => field(&inner.value(row), name),
            Expr::Element(inner, key) => element(&inner.value(row), &key.value(row)),
            Expr::Not(inner) => inner.value(row).truth().map_or(Value::Null, |flag| Value::Bool(!flag)),
            Expr::Negative(inner) => match inner.value(row) {
                Value::Int(int) => int.checked_neg().map_or(Value::Null, Value::Int),
                other => other.number().map_or(Value::Null, |number| Value::Float(-number)),
            },
            Expr::All(all) => until(all, row, false),
            Expr::Any(all) => until(all, row, true),
            Expr::Compare(comparison, one, other) => {
                let found = one.value(row).compare(&other.value(row));
                found.map_or(Value::Null, |order| Value::Bool(comparison.holds(order)))
            }
            Expr::Differs(one, other) => Value::Bool(!one.value(row).same(&other.value(row))),
            Expr::Arithmetic(arithmetic, one, other) => arithmetic.of(&one.value(row), &other.value(row)),
            Expr::In(inner, list) => {
                let value = inner.value(row);
                is_in(&value, list.iter().map(|one| one.value(row)))
            }
            Expr::Like(inner, pattern, escape) => {
                match (inner.value(row).text(), pattern.value(row).text()) {
                    (Some(text), Some(pattern)) => Value::Bool(like(&text, &pattern, *escape)),
                    _ => Value::Null,
                }
            }
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
            Expr::Array(all) => {
                let all: Vec<Value> = all.iter().map(|one| one.value(row)).collect();
                let fits = all.iter().map(Value::weight).sum::<usize>() <= LARGEST;
                if fits { Value::Array(all) } else { Value::Null }
            }
            Expr::Call(function, arguments) => {
                let arguments: Vec<Value> = arguments.iter().map(|argument| argument.value(row)).collect();
                function.call(&arguments)
            }
            Expr::Match(matcher, arguments) => {
                let arguments: Vec<Value> = arguments.iter().map(|argument| argument.value(row)).collect();
                matcher.call(&arguments)
            }
            Expr::Apply(lambda, arguments, body) => {
                let arguments: Vec<Value> = arguments.iter().map(|argument| argument.value(row)).collect();
                lambda.call(&arguments, |own: &[Value]| {
                    if !row.fuel.burn(1) {
                        return Value::Null;
                    }
                    let parameters: Vec<Value> = row.parameters.iter().chain(own).cloned().collect();
                    body.value(Row { parameters: &parameters, ..row })
                })
            }
            Expr::Subquery(subquery) => subquery.value(row),
        }
    }

    pub(crate) fn holds(&self, row: Row<'_>) -> bool {
        self.value(row).truth() == Some(true)
    }

    /// What it is made of, on one row; what a subquery asks of its own rows is not.
    pub(in crate::lake) fn parts(&self) -> Vec<&Expr> {
        match self {
            Expr::Column(..) | Expr::Literal(_) | Expr::Parameter(_) => Vec::new(),
            Expr::Outer(one) | Expr::Field(one, _) | Expr::Not(one) | Expr::Negative(one) => vec![one],
            Expr::IsNull(one) | Expr::Cast(one, _) => vec![one],
            Expr::Element(one, other) | Expr::Compare(_, one, other) | Expr::Differs(one, other) => {
                vec![one, other]
            }
            Expr::Arithmetic(_, one, other) | Expr::Like(one, other, _) => vec![one, other],
            Expr::All(all) | Expr::Any(all) | Expr::Array(all) => all.iter().collect(),
            Expr::Call(_, all) | Expr::Match(_, all) => all.iter().collect(),
            Expr::In(one, all) | Expr::Apply(_, all, one) => all.iter().chain([&**one]).collect(),
            Expr::Case(cases, otherwise) => {
                let cases = cases.iter().flat_map(|(condition, result)| [condition, result]);
                cases.chain(otherwise.as_deref()).collect()
            }
            Expr::Subquery(subquery) => {
                let value = match &subquery.kind {
                    SubqueryKind::In(value) => Some(value),
                    _ => None,
                };
                let mut parts: Vec<&Expr> = subquery.keys.iter().chain(value).collect();
                for one in &subquery.residual {
                    one.visit(&mut |part, _| {
                        if let Expr::Outer(of_ours) = part {
                            parts.push(of_ours);
                        }
                    });
                }
                parts
            }
        }
    }

    /// Tells of all that it is made of, and how deep that is; itself first.
    pub(crate) fn visit<'e>(&'e self, tell: &mut dyn FnMut(&'e Expr, usize)) {
        let mut waiting = vec![(self, 0)];
        while let Some((one, depth)) = waiting.pop() {
            tell(one, depth);
            waiting.extend(one.parts().into_iter().map(|part| (part, depth + 1)));
        }
    }
}

/// AND until false, OR until true.
fn until(all: &[Expr], row: Row<'_>, end: bool) -> Value {
    let mut unknown = false;
    for one in all {
        match one.value(row).truth() {
            Some(flag) if flag == end => return Value::Bool(end),
            Some(_) => {}
            None => unknown = true,
        }
    }
    if unknown { Value::Null } else { Value::Bool(!end) }
}

fn is_in(value: &Value, list: impl Iterator<Item = Value>) -> Value {
    let mut unknown = false;
    for one in list {
        match value.compare(&one) {
            Some(Ordering::Equal) => return Value::Bool(true),
            Some(_) => {}
            None => unknown |= *value == Value::Null || one == Value::Null,
        }
    }
    if unknown { Value::Null } else { Value::Bool(false) }
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

/// A field of a row. Names are the same in any case, as in Trino.
pub(super) fn field(value: &Value, name: &str) -> Value {
    let Value::Json(json) = value else { return Value::Null };
    inside(json, name).map_or(Value::Null, Value::of_json)
}

pub(super) fn inside<'a>(json: &'a Json, name: &str) -> Option<&'a Json> {
    let object = json.as_object()?;
    object
        .get(name)
        .or_else(|| object.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The value under a key of a map, or at a place of an array: from 1, or from -1 at the end.
pub(super) fn element(value: &Value, key: &Value) -> Value {
    match value {
        Value::Json(Json::Object(map)) => match key.text().and_then(|key| map.get(&key)) {
            Some(json @ (Json::Object(_) | Json::Array(_))) => Value::Json(json.clone()),
            // The values of a map are texts.
            Some(json) => Value::of_json(json).text().map_or(Value::Null, Value::Text),
            None => Value::Null,
        },
        Value::Map(all) => {
            all.iter().find(|(one, _)| one.equals(key)).map_or(Value::Null, |(_, value)| value.clone())
        }
        Value::Array(all) => {
            let Some(at) = key.whole() else { return Value::Null };
            let at = if at < 0 { all.len() as i64 + at } else { at - 1 };
            usize::try_from(at).ok().and_then(|at| all.get(at)).cloned().unwrap_or(Value::Null)
        }
        Value::Json(Json::Array(all)) => {
            let at = key.whole().and_then(|at| usize::try_from(at - 1).ok());
            at.and_then(|at| all.get(at)).map_or(Value::Null, |json| super::cast::part(json.clone()))
        }
        _ => Value::Null,
    }
}

/// `%` is any text, `_` any character. In time proportional to the product of both lengths.
fn like(text: &str, pattern: &str, escape: Option<char>) -> bool {
    #[derive(Clone, Copy, PartialEq)]
    enum Part {
        Many,
        One,
        Is(char),
    }
    let mut parts = Vec::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        parts.push(match c {
            c if Some(c) == escape => Part::Is(rest.next().unwrap_or(c)),
            '%' => Part::Many,
            '_' => Part::One,
            c => Part::Is(c),
        });
    }
    let text: Vec<char> = text.chars().collect();
    let (mut t, mut p, mut star) = (0, 0, None);
    while t < text.len() {
        match parts.get(p) {
            Some(Part::Many) => {
                star = Some((p, t));
                p += 1;
            }
            Some(Part::One) => (t, p) = (t + 1, p + 1),
            Some(Part::Is(c)) if *c == text[t] => (t, p) = (t + 1, p + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (t, p) = (from + 1, at + 1);
                }
                None => return false,
            },
        }
    }
    parts[p..].iter().all(|part| *part == Part::Many)
}
