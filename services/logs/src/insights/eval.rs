use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use super::need::marks;
use super::plan::{Expr, Operator};
use super::record::Record;
use super::value::Value;

/// Bytes of text that expressions may look at for one record. What is beyond has no value: each of a thousand functions may make a
/// copy of a megabyte.
const RECORD_WORK_MAX: u64 = 64 * 1024 * 1024;

/// Of a pattern that is a value.
const PATTERN_MAX: usize = 1000;
const PATTERN_SIZE_MAX: usize = 512 * 1024;
/// What compiling one costs, as bytes that are looked at.
const PATTERN_COST: usize = 1024 * 1024;
const PATTERNS_KEPT: usize = 16;

/// What a query knows beside its records, and what it has spent on the one at hand.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) now_ms: i64,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    spent: Cell<u64>,
    all_spent: Cell<u64>,
    /// Of expressions that records bring; most bring the same.
    regexes: RefCell<HashMap<String, Option<Regex>>>,
}

impl Moment {
    pub(crate) fn new(now_ms: i64, start_ms: i64, end_ms: i64) -> Moment {
        Moment {
            now_ms,
            start_ms,
            end_ms,
            spent: Cell::new(0),
            all_spent: Cell::new(0),
            regexes: RefCell::default(),
        }
    }

    /// A regular expression that is a value, if it is one and not too large.
    pub(super) fn regex(&self, pattern: &str) -> Option<Regex> {
        let mut kept = self.regexes.borrow_mut();
        if let Some(known) = kept.get(pattern) {
            return known.clone();
        }
        if pattern.len() > PATTERN_MAX || !self.spend(PATTERN_COST) {
            return None;
        }
        if kept.len() >= PATTERNS_KEPT {
            kept.clear();
        }
        let made = RegexBuilder::new(pattern).size_limit(PATTERN_SIZE_MAX).build().ok();
        kept.insert(pattern.to_owned(), made.clone());
        made
    }

    /// Counts bytes that are looked at; whether there are that many left for this record.
    pub(super) fn spend(&self, bytes: usize) -> bool {
        self.spent.set(self.spent.get().saturating_add(bytes as u64));
        self.spent.get() <= RECORD_WORK_MAX
    }

    /// The next record.
    pub(super) fn renew(&self) {
        self.all_spent.set(self.all_spent.get().saturating_add(self.spent.take()));
    }

    /// What was spent since somebody asked.
    pub(super) fn take_spent(&self) -> u64 {
        self.renew();
        self.all_spent.take()
    }
}

/// What one step of an expression costs beside the texts.
const STEP: usize = 32;

/// What an expression is worth for one record.
pub(super) fn eval<'v>(expr: &'v Expr, record: &'v Record, at: &Moment) -> Cow<'v, Value> {
    if !at.spend(STEP) {
        return Cow::Owned(Value::Missing);
    }
    match expr {
        Expr::Field(name) => record.get(name),
        Expr::Literal(value) => Cow::Borrowed(value),
        Expr::Span(ms) => Cow::Owned(Value::Number(*ms as f64)),
        Expr::Later(inner, ms) => Cow::Owned(match &*eval(inner, record, at) {
            Value::Time(bin) => Value::Time(bin.saturating_add(*ms)),
            other => other.clone(),
        }),
        Expr::Not(inner) => Cow::Owned(Value::Bool(!eval(inner, record, at).truth())),
        Expr::Negate(inner) => {
            let number = eval(inner, record, at).number();
            Cow::Owned(number.map_or(Value::Missing, |number| Value::Number(-number)))
        }
        Expr::Like(left, regex) => {
            let left = eval(left, record, at);
            let matches = |text: &str| at.spend(text.len()) && regex.is_match(text);
            Cow::Owned(Value::Bool(match &*left {
                Value::Text(text) => matches(text),
                other => other.text().is_some_and(|text| matches(&text)),
            }))
        }
        Expr::In(left, list) => {
            let left = eval(left, record, at);
            let found = !left.is_missing() && list.iter().any(|one| eval(one, record, at).same(&left));
            Cow::Owned(Value::Bool(found))
        }
        Expr::Among(left, found) => {
            let marks = marks(&eval(left, record, at));
            Cow::Owned(Value::Bool(marks.iter().any(|mark| found.has(mark))))
        }
        Expr::Binary(operator, left, right) => Cow::Owned(binary(*operator, left, right, record, at)),
        Expr::Call(function, arguments) => {
            let values = arguments.iter().map(|argument| eval(argument, record, at)).collect::<Vec<_>>();
            Cow::Owned(function.call(&values, record, at))
        }
    }
}

fn binary(operator: Operator, left: &Expr, right: &Expr, record: &Record, at: &Moment) -> Value {
    let left = eval(left, record, at);
    match operator {
        Operator::Or => return Value::Bool(left.truth() || eval(right, record, at).truth()),
        Operator::And => return Value::Bool(left.truth() && eval(right, record, at).truth()),
        _ => {}
    }
    let right = eval(right, record, at);
    // Comparing the maps and lists that `jsonParse` makes is false, whatever with.
    let is_structure = |value: &Value| matches!(value, Value::Structure(_));
    let has_structure = is_structure(&left) || is_structure(&right);
    if has_structure || left.is_missing() || right.is_missing() {
        return match operator {
            Operator::NotEqual => Value::Bool(!has_structure && left.is_missing() != right.is_missing()),
            Operator::Equal
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => Value::Bool(false),
            _ => Value::Missing,
        };
    }
    let order = || left.order(&right);
    match operator {
        Operator::Equal => Value::Bool(left.same(&right)),
        Operator::NotEqual => Value::Bool(!left.same(&right)),
        Operator::Less => Value::Bool(order().is_lt()),
        Operator::LessOrEqual => Value::Bool(order().is_le()),
        Operator::Greater => Value::Bool(order().is_gt()),
        Operator::GreaterOrEqual => Value::Bool(order().is_ge()),
        _ => match (left.number(), right.number()) {
            (Some(a), Some(b)) => arithmetic(operator, a, b),
            _ => Value::Missing,
        },
    }
}

fn arithmetic(operator: Operator, a: f64, b: f64) -> Value {
    let result = match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Remainder => a % b,
        _ => a.powf(b),
    };
    if result.is_finite() { Value::Number(result) } else { Value::Missing }
}
