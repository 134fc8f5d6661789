//! What an event must have for a query to look at it: what field indexes can tell of a chunk.

use std::collections::HashSet;

use super::plan::{Command, Expr, Operator, Plan};
use super::record::OfGroup;
use super::value::Value;
use crate::index::defaults::{OF_GROUPS, STREAM};

/// A value as `=` sees it: values that it holds for have a mark in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mark {
    /// The bits of a number.
    Number(u64),
    Text(String),
}

/// The marks of a value; none of what is missing.
pub(crate) fn marks(value: &Value) -> Vec<Mark> {
    // There is one zero, and what is no number is compared by its text.
    let number = |number: f64| number.is_finite().then(|| Mark::Number((number + 0.0).to_bits()));
    let text = || value.text().map(Mark::Text);
    match value {
        // A structure is no field of an event.
        Value::Missing | Value::Structure(_) => Vec::new(),
        Value::Text(_) => value.number().and_then(number).or_else(text).into_iter().collect(),
        // Their texts are compared with those of what is no number, and that of a truth value may be one.
        Value::Bool(yes) => number(f64::from(u8::from(*yes))).into_iter().chain(text()).collect(),
        Value::Number(_) | Value::Time(_) => {
            value.number().and_then(number).into_iter().chain(text()).collect()
        }
    }
}

/// What must hold of an event.
#[derive(Debug, PartialEq)]
pub(crate) enum Need {
    /// The field has one of these.
    Has(String, Vec<Mark>),
    All(Vec<Need>),
    Any(Vec<Need>),
}

impl Need {
    pub(crate) fn names(&self, wanted: &str) -> bool {
        match self {
            Need::Has(field, _) => field == wanted,
            Need::All(needs) | Need::Any(needs) => needs.iter().any(|need| need.names(wanted)),
        }
    }

    /// Whether it may hold of an event in a stream of that name.
    pub(crate) fn may_hold_in(&self, stream: &str) -> bool {
        let marks = marks(&Value::Text(stream.to_owned()));
        self.may_hold(&|field, mark| (field == STREAM).then(|| marks.contains(mark)))
    }

    /// Whether it may hold of an event in a group whose events have this in common.
    pub(crate) fn may_hold_among(&self, group: &OfGroup) -> bool {
        let has = |field: &str, mark: &Mark| {
            group.iter().any(|(name, value)| *name == field && marks(value).contains(mark))
        };
        self.may_hold(&|field, mark| OF_GROUPS.contains(&field).then(|| has(field, mark)))
    }

    /// Whether it may hold, by what is known of fields and marks; `None` is nothing.
    pub(crate) fn may_hold(&self, known: &impl Fn(&str, &Mark) -> Option<bool>) -> bool {
        match self {
            Need::Has(field, marks) => marks.iter().any(|mark| known(field, mark) != Some(false)),
            Need::All(needs) => needs.iter().all(|need| need.may_hold(known)),
            Need::Any(needs) => needs.iter().any(|need| need.may_hold(known)),
        }
    }
}

impl Plan {
    /// What its first filters ask of an event; `None` when that is nothing that an index could tell.
    pub(crate) fn need(&self) -> Option<Need> {
        let (mut needs, mut made) = (Vec::new(), HashSet::new());
        for command in &self.commands {
            match command {
                Command::Filter(expr) => needs.extend(of(expr, &made)),
                Command::Compute(list) => made.extend(list.iter().map(|(name, _)| name.as_str())),
                Command::Parse { fields, .. } => made.extend(fields.iter().map(String::as_str)),
                Command::Lookup(lookup) => made.extend(lookup.output.iter().map(String::as_str)),
                Command::Unnest { field, .. } | Command::Expand(field) => {
                    made.insert(field.as_str());
                }
                Command::ParseAll { fields, .. } | Command::ParseCsv { fields, .. } => {
                    made.extend(fields.iter().map(String::as_str));
                }
                Command::ParseLogfmt { into, .. } | Command::Json { into, .. } => {
                    made.insert(into.as_str());
                }
                Command::CidrLookup(lookup) => {
                    made.extend(lookup.output.iter().map(|(_, field)| field.as_str()));
                }
                // What comes behind them no longer looks at each event alone.
                _ => break,
            }
        }
        (!needs.is_empty()).then_some(Need::All(needs))
    }
}

/// `made` are fields that the query itself makes.
fn of(expr: &Expr, made: &HashSet<&str>) -> Option<Need> {
    match expr {
        Expr::Binary(Operator::And, left, right) => {
            let both: Vec<Need> = [of(left, made), of(right, made)].into_iter().flatten().collect();
            (!both.is_empty()).then_some(Need::All(both))
        }
        Expr::Binary(Operator::Or, left, right) => Some(Need::Any(vec![of(left, made)?, of(right, made)?])),
        Expr::Binary(Operator::Equal, left, right) => {
            let ((Expr::Field(field), other) | (other, Expr::Field(field))) = (&**left, &**right) else {
                return None;
            };
            has(field, std::slice::from_ref(other), made)
        }
        Expr::In(left, list) => match &**left {
            Expr::Field(field) => has(field, list, made),
            _ => None,
        },
        _ => None,
    }
}

fn has(field: &str, list: &[Expr], made: &HashSet<&str>) -> Option<Need> {
    // A structure that the query makes has fields below its own name.
    let is_made =
        |name: &&str| field.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if made.iter().any(is_made) {
        return None;
    }
    let mut all = Vec::new();
    for one in list {
        all.extend(match one {
            Expr::Literal(value) => marks(value),
            Expr::Negate(inner) => match &**inner {
                Expr::Literal(Value::Number(number)) => marks(&Value::Number(-number)),
                _ => return None,
            },
            _ => return None,
        });
    }
    Some(Need::Has(field.to_owned(), all))
}

/// Whether a query makes a field, so that it is not that of the events.
pub(super) fn makes(commands: &[Command], field: &str) -> bool {
    commands.iter().any(|command| match command {
        Command::Compute(list) => list.iter().any(|(name, _)| name == field),
        Command::Parse { fields, .. }
        | Command::ParseAll { fields, .. }
        | Command::ParseCsv { fields, .. } => fields.iter().any(|name| name == field),
        Command::ParseLogfmt { into, .. } | Command::Json { into, .. } => into == field,
        Command::CidrLookup(lookup) => lookup.output.iter().any(|(_, made)| made == field),
        Command::Accum { into, .. } => into == field,
        Command::Lookup(lookup) => lookup.output.iter().any(|name| name == field),
        Command::Unnest { field: made, .. } | Command::Expand(made) => made == field,
        Command::Stats { aggregates, by } => {
            let is_alias = |expr: &Expr| !matches!(expr, Expr::Field(own) if own == field);
            aggregates.iter().any(|aggregate| aggregate.name == field)
                || by.iter().any(|(name, expr)| name == field && is_alias(expr))
        }
        _ => false,
    })
}

/// The fields of an expression that is only made of what an index can tell for certain; `None` for another.
pub(super) fn indexed(expr: &Expr) -> Option<Vec<String>> {
    match expr {
        Expr::Binary(Operator::And, left, right) => Some([indexed(left)?, indexed(right)?].concat()),
        Expr::Binary(Operator::Equal, ..) | Expr::In(..) => match of(expr, &HashSet::new())? {
            Need::Has(field, _) => Some(vec![field]),
            _ => None,
        },
        _ => None,
    }
}
