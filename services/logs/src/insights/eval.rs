use std::borrow::Cow;

use super::plan::{Expr, Operator};
use super::record::Record;
use super::value::Value;

/// What an expression is worth for one record. `now_ms` is the time of the query.
pub(super) fn eval<'v>(expr: &'v Expr, record: &'v Record, now_ms: i64) -> Cow<'v, Value> {
    match expr {
        Expr::Field(name) => record.get(name),
        Expr::Literal(value) => Cow::Borrowed(value),
        Expr::Span(ms) => Cow::Owned(Value::Number(*ms as f64)),
        Expr::Not(inner) => Cow::Owned(Value::Bool(!eval(inner, record, now_ms).truth())),
        Expr::Negate(inner) => {
            let number = eval(inner, record, now_ms).number();
            Cow::Owned(number.map_or(Value::Missing, |number| Value::Number(-number)))
        }
        Expr::Like(left, regex) => {
            let left = eval(left, record, now_ms);
            Cow::Owned(Value::Bool(left.text().is_some_and(|text| regex.is_match(&text))))
        }
        Expr::In(left, list) => {
            let left = eval(left, record, now_ms);
            let found = !left.is_missing() && list.iter().any(|one| eval(one, record, now_ms).same(&left));
            Cow::Owned(Value::Bool(found))
        }
        Expr::Binary(operator, left, right) => Cow::Owned(binary(*operator, left, right, record, now_ms)),
        Expr::Call(function, arguments) => {
            let values = arguments.iter().map(|argument| eval(argument, record, now_ms)).collect::<Vec<_>>();
            Cow::Owned(function.call(&values, record, now_ms))
        }
    }
}

fn binary(operator: Operator, left: &Expr, right: &Expr, record: &Record, now_ms: i64) -> Value {
    let left = eval(left, record, now_ms);
    match operator {
        Operator::Or => return Value::Bool(left.truth() || eval(right, record, now_ms).truth()),
        Operator::And => return Value::Bool(left.truth() && eval(right, record, now_ms).truth()),
        _ => {}
    }
    let right = eval(right, record, now_ms);
    if left.is_missing() || right.is_missing() {
        return match operator {
            Operator::NotEqual => Value::Bool(left.is_missing() != right.is_missing()),
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
