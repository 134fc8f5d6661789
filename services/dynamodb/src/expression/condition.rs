//! Conditions and filters, ready to be evaluated.

use haneul_kit::Result;

use super::invalid;
use super::names::Placeholders;
use super::path::Path;
use super::raw::{self, RawCondition, RawOperand};
use crate::value::{Value, wire};

#[derive(Clone, Debug)]
pub(crate) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Comparator, Operand, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Path),
    NotExists(Path),
    HasType(Operand, String),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Path(Path),
    Value(Value),
    Size(Box<Operand>),
}

/// Source: "Quotas", "IN comparator".
const IN_MAX: usize = 100;

const TYPES: [&str; 10] = ["B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"];

const FUNCTIONS: [&str; 6] =
    ["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"];

type Checked<T> = std::result::Result<T, String>;

impl Condition {
    /// `kind` is the parameter, as `ConditionExpression`.
    pub(crate) fn parse(kind: &str, text: &str, placeholders: &Placeholders) -> Result<Condition> {
        raw::condition(text)
            .and_then(|raw| {
                check_words(&raw, placeholders)?;
                resolve(&raw, placeholders)
            })
            .map_err(|why| invalid(kind, why))
    }

    /// Calls `visit` for each path that it reads.
    pub(crate) fn paths<'a>(&'a self, visit: &mut dyn FnMut(&'a Path)) {
        fn operand<'a>(operand: &'a Operand, visit: &mut dyn FnMut(&'a Path)) {
            match operand {
                Operand::Path(path) => visit(path),
                Operand::Size(of) => self::operand_paths(of, visit),
                Operand::Value(_) => {}
            }
        }
        match self {
            Condition::And(all) | Condition::Or(all) => all.iter().for_each(|one| one.paths(visit)),
            Condition::Not(one) => one.paths(visit),
            Condition::Compare(_, a, b) | Condition::BeginsWith(a, b) | Condition::Contains(a, b) => {
                operand(a, visit);
                operand(b, visit);
            }
            Condition::Between(a, b, c) => [a, b, c].into_iter().for_each(|one| operand(one, visit)),
            Condition::In(a, all) => {
                operand(a, visit);
                all.iter().for_each(|one| operand(one, visit));
            }
            Condition::Exists(path) | Condition::NotExists(path) => visit(path),
            Condition::HasType(of, _) => operand(of, visit),
        }
    }
}

fn operand_paths<'a>(operand: &'a Operand, visit: &mut dyn FnMut(&'a Path)) {
    match operand {
        Operand::Path(path) => visit(path),
        Operand::Size(of) => operand_paths(of, visit),
        Operand::Value(_) => {}
    }
}

/// Reserved words and unknown functions come before everything else that may be wrong.
fn check_words(raw: &RawCondition<'_>, placeholders: &Placeholders) -> Checked<()> {
    let operand = |operand: &RawOperand<'_>| check_operand_words(operand, placeholders);
    match raw {
        RawCondition::And(all) | RawCondition::Or(all) => {
            all.iter().try_for_each(|one| check_words(one, placeholders))
        }
        RawCondition::Not(one) => check_words(one, placeholders),
        RawCondition::Compare(_, a, b) => operand(a).and_then(|()| operand(b)),
        RawCondition::Between(a, b, c) => [a, b, c].into_iter().try_for_each(operand),
        RawCondition::In(a, all) => operand(a).and_then(|()| all.iter().try_for_each(operand)),
        RawCondition::Function(name, operands) => {
            check_function(name)?;
            operands.iter().try_for_each(operand)
        }
    }
}

fn check_operand_words(raw: &RawOperand<'_>, placeholders: &Placeholders) -> Checked<()> {
    match raw {
        RawOperand::Path(steps) => placeholders.check_path(steps),
        RawOperand::Value(_) => Ok(()),
        RawOperand::Function(name, operands) => {
            check_function(name)?;
            operands.iter().try_for_each(|one| check_operand_words(one, placeholders))
        }
        RawOperand::Arithmetic(_, a, b) => {
            check_operand_words(a, placeholders).and_then(|()| check_operand_words(b, placeholders))
        }
    }
}

fn check_function(name: &str) -> Checked<()> {
    match FUNCTIONS.contains(&name) {
        true => Ok(()),
        false => Err(format!("Invalid function name; function: {name}")),
    }
}

fn resolve(raw: &RawCondition<'_>, placeholders: &Placeholders) -> Checked<Condition> {
    let operand = |raw: &RawOperand<'_>| resolve_operand(raw, placeholders);
    Ok(match raw {
        RawCondition::And(all) => {
            Condition::And(all.iter().map(|one| resolve(one, placeholders)).collect::<Checked<_>>()?)
        }
        RawCondition::Or(all) => {
            Condition::Or(all.iter().map(|one| resolve(one, placeholders)).collect::<Checked<_>>()?)
        }
        RawCondition::Not(one) => Condition::Not(Box::new(resolve(one, placeholders)?)),
        RawCondition::Compare(symbol, a, b) => {
            let (a, b) = (operand(a)?, operand(b)?);
            let comparator = comparator(symbol);
            if !matches!(comparator, Comparator::Eq | Comparator::Ne) {
                [&a, &b].into_iter().try_for_each(|one| check_type(symbol, one, &["S", "N", "B"]))?;
            }
            check_distinct(symbol, &a, &[&b])?;
            Condition::Compare(comparator, a, b)
        }
        RawCondition::Between(a, b, c) => {
            let (a, b, c) = (operand(a)?, operand(b)?, operand(c)?);
            [&a, &b, &c].into_iter().try_for_each(|one| check_type("BETWEEN", one, &["S", "N", "B"]))?;
            check_bounds(&b, &c)?;
            check_distinct("BETWEEN", &a, &[&b, &c])?;
            Condition::Between(a, b, c)
        }
        RawCondition::In(a, all) => {
            if all.len() > IN_MAX {
                return Err(format!(
                    "The IN operator is provided with too many operands; number of operands: {}",
                    all.len()
                ));
            }
            let a = operand(a)?;
            let all = all.iter().map(operand).collect::<Checked<Vec<_>>>()?;
            check_distinct("IN", &a, &all.iter().collect::<Vec<_>>())?;
            Condition::In(a, all)
        }
        RawCondition::Function(name, operands) => function(name, operands, placeholders)?,
    })
}

fn function(name: &str, raw: &[RawOperand<'_>], placeholders: &Placeholders) -> Checked<Condition> {
    if name == "size" {
        return Err(not_allowed_so(name));
    }
    let operands = raw.iter().map(|one| resolve_operand(one, placeholders)).collect::<Checked<Vec<_>>>()?;
    let wanted = if name.starts_with("attribute_") && name != "attribute_type" { 1 } else { 2 };
    if operands.len() != wanted {
        return Err(arity(name, operands.len()));
    }
    let mut operands = operands.into_iter();
    let (Some(first), second) = (operands.next(), operands.next()) else { return Err(arity(name, 0)) };
    let needs_path =
        || format!("Operator or function requires a document path; operator or function: {name}");
    match (name, second) {
        ("attribute_exists", _) => match first {
            Operand::Path(path) => Ok(Condition::Exists(path)),
            _ => Err(needs_path()),
        },
        ("attribute_not_exists", _) => match first {
            Operand::Path(path) => Ok(Condition::NotExists(path)),
            _ => Err(needs_path()),
        },
        ("attribute_type", Some(second)) => {
            let Operand::Path(_) = first else { return Err(needs_path()) };
            let Operand::Value(value) = second else {
                return Err(operand_type(name, "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"));
            };
            match value {
                Value::S(text) if TYPES.contains(&text.as_str()) => Ok(Condition::HasType(first, text)),
                Value::S(text) => Err(format!(
                    "Invalid attribute type name found; type: {text}, valid types: {{{}}}",
                    TYPES.join(",")
                )),
                other => Err(operand_type(name, other.type_name())),
            }
        }
        ("begins_with", Some(second)) => {
            [&first, &second].into_iter().try_for_each(|one| check_type(name, one, &["S", "B"]))?;
            check_distinct(name, &first, &[&second])?;
            Ok(Condition::BeginsWith(first, second))
        }
        (_, Some(second)) => {
            check_type(name, &first, &["S", "B", "SS", "NS", "BS", "L"])?;
            check_distinct(name, &first, &[&second])?;
            Ok(Condition::Contains(first, second))
        }
        (_, None) => Err(arity(name, 1)),
    }
}

fn resolve_operand(raw: &RawOperand<'_>, placeholders: &Placeholders) -> Checked<Operand> {
    match raw {
        RawOperand::Path(steps) => placeholders.path(steps).map(Operand::Path),
        RawOperand::Value(name) => placeholders.value(name).map(Operand::Value),
        RawOperand::Function("size", operands) => {
            let [of] = operands.as_slice() else { return Err(arity("size", operands.len())) };
            let of = resolve_operand(of, placeholders)?;
            check_type("size", &of, &["S", "B", "SS", "NS", "BS", "L", "M"])?;
            Ok(Operand::Size(Box::new(of)))
        }
        RawOperand::Function(name, _) => Err(not_allowed_so(name)),
        RawOperand::Arithmetic(sign, ..) => Err(not_allowed_so(sign)),
    }
}

fn comparator(symbol: &str) -> Comparator {
    match symbol {
        "=" => Comparator::Eq,
        "<>" => Comparator::Ne,
        "<" => Comparator::Lt,
        "<=" => Comparator::Le,
        ">" => Comparator::Gt,
        _ => Comparator::Ge,
    }
}

pub(super) fn not_allowed_so(function: &str) -> String {
    format!("The function is not allowed to be used this way in an expression; function: {function}")
}

pub(super) fn arity(name: &str, count: usize) -> String {
    format!(
        "Incorrect number of operands for operator or function; operator or function: {name}, number of operands: \
         {count}"
    )
}

pub(crate) fn operand_type(name: &str, found: &str) -> String {
    format!(
        "Incorrect operand type for operator or function; operator or function: {name}, operand type: {found}"
    )
}

/// Whether a value given in the request, or the number that size gives, is of a type that the operator takes.
fn check_type(name: &str, operand: &Operand, allowed: &[&str]) -> Checked<()> {
    let found = match operand {
        Operand::Path(_) => return Ok(()),
        Operand::Value(value) => value.type_name(),
        Operand::Size(_) => "N",
    };
    if allowed.contains(&found) { Ok(()) } else { Err(operand_type(name, found)) }
}

fn check_bounds(low: &Operand, high: &Operand) -> Checked<()> {
    let (Operand::Value(low), Operand::Value(high)) = (low, high) else { return Ok(()) };
    let shown = || {
        format!(
            "lower bound operand: AttributeValue: {}, upper bound operand: AttributeValue: {}",
            wire::shown(low),
            wire::shown(high)
        )
    };
    match low.compare(high) {
        None => Err(format!(
            "The BETWEEN operator requires same data type for lower and upper bounds; {}",
            shown()
        )),
        Some(std::cmp::Ordering::Greater) => Err(format!(
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {}",
            shown()
        )),
        Some(_) => Ok(()),
    }
}

fn check_distinct(name: &str, first: &Operand, others: &[&Operand]) -> Checked<()> {
    let Operand::Path(path) = first else { return Ok(()) };
    let same = |other: &&Operand| matches!(other, Operand::Path(other) if other == path);
    match others.iter().any(same) {
        true => Err(format!(
            "The first operand must be distinct from the remaining operands for this operator or function; operator: \
             {name}, first operand: {path}"
        )),
        false => Ok(()),
    }
}
