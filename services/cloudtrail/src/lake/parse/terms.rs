//! Operators, literals, types and intervals.

use sqlparser::ast;

use super::Result;
use crate::lake::cast::Type;
use crate::lake::expr::{Arithmetic, Comparison, Expr};
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
        return Err("This INTERVAL is not supported".to_owned());
    };
    let unit = Expr::Literal(Value::Text(unit.to_string()));
    let number = Expr::Literal(Value::Int(if back { number.saturating_neg() } else { number }));
    Ok(Expr::Call(Function::named("date_add", 3)?, vec![unit, number, time]))
}

pub(super) fn negate(negated: bool, expr: Expr) -> Expr {
    if negated { Expr::Not(Box::new(expr)) } else { expr }
}

/// All operators but AND, OR and `||`.
pub(super) fn binary(op: &ast::BinaryOperator, one: Box<Expr>, other: Box<Expr>) -> Result<Expr> {
    use ast::BinaryOperator as Op;
    Ok(match op {
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

/// How deep `array(map(…))` may be.
const TYPE_DEPTH_MAX: usize = 5;

pub(super) fn type_of(name: &str) -> Result<Type> {
    read_type(name, 0).ok_or_else(|| format!("CAST to {name} is not supported"))
}

/// `varchar(10)`, `array(varchar)`, `map(varchar, json)`; the parser writes the last two with brackets of other kinds.
fn read_type(name: &str, depth: usize) -> Option<Type> {
    if depth > TYPE_DEPTH_MAX {
        return None;
    }
    let name = name.trim().to_ascii_uppercase();
    let end = name.find(['(', '<', ' ', '[']).unwrap_or(name.len());
    let (head, rest) = name.split_at(end);
    let inside = || rest.trim().strip_prefix(['(', '<'])?.strip_suffix([')', '>']);
    Some(match head {
        "VARCHAR" | "CHAR" | "STRING" | "TEXT" => Type::Text,
        "BIGINT" | "INTEGER" | "INT" | "SMALLINT" | "TINYINT" => Type::Int,
        "DOUBLE" | "REAL" | "FLOAT" | "DECIMAL" => Type::Float,
        "BOOLEAN" | "BOOL" => Type::Bool,
        "TIMESTAMP" => Type::Time,
        "DATE" => Type::Date,
        "JSON" => Type::Json,
        "ARRAY" => Type::Array(Box::new(read_type(inside()?, depth + 1)?)),
        "MAP" => {
            let inside = inside()?;
            let mut open = 0;
            let comma = inside.find(|c| {
                match c {
                    '(' | '<' => open += 1,
                    ')' | '>' => open -= 1,
                    _ => {}
                }
                c == ',' && open == 0
            })?;
            let (key, value) = inside.split_at(comma);
            Type::Map(Box::new(read_type(key, depth + 1)?), Box::new(read_type(value.get(1..)?, depth + 1)?))
        }
        _ => return None,
    })
}
