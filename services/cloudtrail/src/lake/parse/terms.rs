//! Operators, literals, types and intervals.

use sqlparser::ast;

use super::Result;
use crate::lake::expr::{Arithmetic, Comparison, Expr, Type};
use crate::lake::functions::Function;
use crate::lake::value::Value;

/// `INTERVAL '7' DAY` before or after a time.
pub(super) fn shifted(time: Expr, interval: &ast::Interval, back: bool) -> Result<Expr> {
    let text = match &*interval.value {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::SingleQuotedString(text) | ast::Value::Number(text, _) => text.trim().to_owned(),
            _ => String::new(),
        },
        _ => String::new(),
    };
    let number: Option<i64> = text.parse().ok();
    let (Some(number), Some(unit), None) = (number, &interval.leading_field, &interval.last_field) else {
        return Err(format!("{interval} is not supported"));
    };
    let unit = Expr::Literal(Value::Text(unit.to_string()));
    let number = Expr::Literal(Value::Int(if back { -number } else { number }));
    Ok(Expr::Call(Function::DateAdd, vec![unit, number, time]))
}

pub(super) fn negate(negated: bool, expr: Expr) -> Expr {
    if negated { Expr::Not(Box::new(expr)) } else { expr }
}

pub(super) fn binary(op: &ast::BinaryOperator, one: Box<Expr>, other: Box<Expr>) -> Result<Expr> {
    use ast::BinaryOperator as Op;
    Ok(match op {
        Op::And => Expr::And(one, other),
        Op::Or => Expr::Or(one, other),
        Op::Eq => Expr::Compare(Comparison::Equal, one, other),
        Op::NotEq => Expr::Compare(Comparison::NotEqual, one, other),
        Op::Lt => Expr::Compare(Comparison::Less, one, other),
        Op::LtEq => Expr::Compare(Comparison::LessOrEqual, one, other),
        Op::Gt => Expr::Compare(Comparison::Greater, one, other),
        Op::GtEq => Expr::Compare(Comparison::GreaterOrEqual, one, other),
        Op::Plus => Expr::Arithmetic(Arithmetic::Add, one, other),
        Op::Minus => Expr::Arithmetic(Arithmetic::Subtract, one, other),
        Op::Multiply => Expr::Arithmetic(Arithmetic::Multiply, one, other),
        Op::Divide => Expr::Arithmetic(Arithmetic::Divide, one, other),
        Op::Modulo => Expr::Arithmetic(Arithmetic::Remainder, one, other),
        Op::StringConcat => Expr::Concat(one, other),
        other => return Err(format!("The operator {other} is not supported")),
    })
}

pub(super) fn literal(value: &ast::Value) -> Result<Value> {
    Ok(match value {
        ast::Value::Number(text, _) => match text.parse() {
            Ok(int) => Value::Int(int),
            Err(_) => Value::Float(text.parse().map_err(|_| format!("{text} is not a number"))?),
        },
        ast::Value::SingleQuotedString(text) => Value::Text(text.clone()),
        ast::Value::Boolean(flag) => Value::Bool(*flag),
        ast::Value::Null => Value::Null,
        other => return Err(format!("{other} is not supported")),
    })
}

pub(super) fn type_of(name: &str) -> Result<Type> {
    let name = name.to_ascii_uppercase();
    Ok(match name.split(['(', ' ']).next().unwrap_or_default() {
        "VARCHAR" | "CHAR" | "STRING" | "TEXT" | "JSON" => Type::Text,
        "BIGINT" | "INTEGER" | "INT" | "SMALLINT" | "TINYINT" => Type::Int,
        "DOUBLE" | "REAL" | "FLOAT" | "DECIMAL" => Type::Float,
        "BOOLEAN" | "BOOL" => Type::Bool,
        "TIMESTAMP" | "DATE" => Type::Time,
        _ => return Err(format!("CAST to {name} is not supported")),
    })
}
