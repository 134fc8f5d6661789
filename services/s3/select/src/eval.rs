//! What an expression says of a record.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::ast::{Binary, Expr, Name, Step, Type};
use crate::error::{Result, cast_failed, invalid_type, overflow};
use crate::functions;
use crate::timestamp::Timestamp;
use crate::value::{Value, boolean, compare_numbers, exact, normal, rescale};

/// One record.
#[derive(Clone, Copy, Debug)]
pub enum Row<'r> {
    /// Fields, and the names of the columns where there are any.
    Columns(&'r [Value], &'r [String]),
    Value(&'r Value),
}

/// Where an expression is evaluated.
#[derive(Clone, Copy)]
pub struct Scope<'r> {
    pub row: Row<'r>,
    /// The results of aggregates, at the end.
    pub aggregates: &'r [Value],
    pub now: Timestamp,
}

/// Longest string that is made of others, in bytes.
const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

static MISSING: Value = Value::Missing;

impl<'r> Scope<'r> {
    pub fn eval(&self, expr: &'r Expr) -> Result<Cow<'r, Value>> {
        let owned = |value: Value| Ok(Cow::Owned(value));
        match expr {
            Expr::Literal(value) => Ok(Cow::Borrowed(value)),
            Expr::Column(at) => Ok(Cow::Borrowed(match self.row {
                Row::Columns(fields, _) => fields.get(*at).unwrap_or(&MISSING),
                Row::Value(_) => &MISSING,
            })),
            Expr::Path(steps) => Ok(self.path(steps)),
            Expr::Aggregate(at) => Ok(Cow::Borrowed(self.aggregates.get(*at).unwrap_or(&MISSING))),
            Expr::Not(inner) => owned(match self.truth(inner)? {
                Some(truth) => Value::Bool(!truth),
                None => Value::Null,
            }),
            Expr::Negate(inner) => owned(negate(&*self.eval(inner)?)?),
            Expr::All(all) => owned(self.connect(all, false)?),
            Expr::Any(any) => owned(self.connect(any, true)?),
            Expr::Binary(operator, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                owned(binary(*operator, &left, &right)?)
            }
            Expr::Like { value, pattern, escape, not } => {
                let (value, pattern) = (self.eval(value)?, self.eval(pattern)?);
                let escape = escape.as_ref().map(|escape| self.eval(escape)).transpose()?;
                owned(inverted(functions::like(&value, &pattern, escape.as_deref())?, *not))
            }
            Expr::Between { value, low, high, not } => {
                let (value, low, high) = (self.eval(value)?, self.eval(low)?, self.eval(high)?);
                let within = match (value.compare(&low), value.compare(&high)) {
                    (Some(low), Some(high)) => Some(low != Ordering::Less && high != Ordering::Greater),
                    (Some(Ordering::Less), None) | (None, Some(Ordering::Greater)) => Some(false),
                    _ => None,
                };
                owned(inverted(within, *not))
            }
            Expr::In { value, list, not } => owned(inverted(self.is_in(value, list)?, *not)),
            Expr::Is { value, missing_only, not } => {
                let value = self.eval(value)?;
                let is = if *missing_only { matches!(*value, Value::Missing) } else { value.is_absent() };
                owned(Value::Bool(is != *not))
            }
            Expr::Case { operand, arms, otherwise } => {
                let operand = operand.as_ref().map(|operand| self.eval(operand)).transpose()?;
                for (when, then) in arms {
                    let holds = match &operand {
                        Some(operand) => operand.compare(&*self.eval(when)?) == Some(Ordering::Equal),
                        None => self.truth(when)? == Some(true),
                    };
                    if holds {
                        return self.eval(then);
                    }
                }
                match otherwise {
                    Some(otherwise) => self.eval(otherwise),
                    None => owned(Value::Null),
                }
            }
            Expr::Cast(value, to) => owned(cast(&*self.eval(value)?, *to)?),
            Expr::Call(function, arguments) => {
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    values.push(self.eval(argument)?);
                }
                owned(functions::call(*function, &values, self.now)?)
            }
        }
    }

    /// Whether it holds; `None` for unknown.
    pub fn truth(&self, expr: &'r Expr) -> Result<Option<bool>> {
        match &*self.eval(expr)? {
            Value::Bool(truth) => Ok(Some(*truth)),
            Value::Null | Value::Missing => Ok(None),
            Value::Text(text) => {
                boolean(text).map(Some).ok_or_else(|| invalid_type("a condition is no boolean"))
            }
            _ => Err(invalid_type("a condition is no boolean")),
        }
    }

    /// OR when `decisive` is true, AND when it is false: the first such value decides.
    fn connect(&self, all: &'r [Expr], decisive: bool) -> Result<Value> {
        let mut unknown = false;
        for one in all {
            match self.truth(one)? {
                Some(truth) if truth == decisive => return Ok(Value::Bool(decisive)),
                Some(_) => {}
                None => unknown = true,
            }
        }
        Ok(if unknown { Value::Null } else { Value::Bool(!decisive) })
    }

    fn is_in(&self, value: &'r Expr, list: &'r [Expr]) -> Result<Option<bool>> {
        let value = self.eval(value)?;
        let mut unknown = value.is_absent();
        for one in list {
            let one = self.eval(one)?;
            match value.compare(&one) {
                Some(Ordering::Equal) => return Ok(Some(true)),
                Some(_) => {}
                None => unknown |= one.is_absent(),
            }
        }
        Ok(if unknown { None } else { Some(false) })
    }

    fn path(&self, steps: &'r [Step]) -> Cow<'r, Value> {
        let (mut value, rest) = match self.row {
            Row::Value(value) => (value, steps),
            Row::Columns(fields, names) => match steps {
                [] => return Cow::Owned(record(fields, names)),
                // A field is a text: there is nothing in it.
                [Step::Name(name)] => {
                    return Cow::Borrowed(
                        column(name, names).and_then(|at| fields.get(at)).unwrap_or(&MISSING),
                    );
                }
                _ => return Cow::Borrowed(&MISSING),
            },
        };
        for step in rest {
            value = match (step, value) {
                (Step::Name(name), Value::Struct(members)) => member(members, name),
                (Step::Index(at), Value::List(items)) => items.get(*at).unwrap_or(&MISSING),
                _ => &MISSING,
            };
        }
        Cow::Borrowed(value)
    }
}

/// A record of CSV as a structure.
pub fn record(fields: &[Value], names: &[String]) -> Value {
    let name = |at: usize| names.get(at).cloned().unwrap_or_else(|| format!("_{}", at + 1));
    Value::Struct(fields.iter().enumerate().map(|(at, field)| (name(at), field.clone())).collect())
}

/// Exactly so, or else in any case.
pub fn member<'v>(members: &'v [(String, Value)], name: &Name) -> &'v Value {
    let exact = members.iter().find(|(key, _)| *key == name.text);
    let found = exact.or_else(|| members.iter().find(|(key, _)| name.is(key)));
    found.map_or(&MISSING, |(_, value)| value)
}

/// The place of a column by its name, or by `_1`.
pub fn column(name: &Name, names: &[String]) -> Option<usize> {
    let exact = names.iter().position(|column| *column == name.text);
    let found = exact.or_else(|| names.iter().position(|column| name.is(column)));
    found.or_else(|| {
        let place: usize = name.text.strip_prefix('_')?.parse().ok()?;
        place.checked_sub(1)
    })
}

fn inverted(truth: Option<bool>, not: bool) -> Value {
    truth.map_or(Value::Null, |truth| Value::Bool(truth != not))
}

fn negate(value: &Value) -> Result<Value> {
    if value.is_absent() {
        return Ok(Value::Null);
    }
    match value.as_number() {
        Some(Value::Int(int)) => int.checked_neg().map(Value::Int).ok_or_else(overflow),
        Some(Value::Float(float)) => Ok(Value::Float(-float)),
        Some(Value::Decimal(digits, scale)) => Ok(normal(-digits, scale)),
        _ => Err(invalid_type("a number was expected")),
    }
}

fn binary(operator: Binary, left: &Value, right: &Value) -> Result<Value> {
    use Binary::*;
    if left.is_absent() || right.is_absent() {
        return Ok(Value::Null);
    }
    match operator {
        Equal | Unequal | Less | LessEqual | Greater | GreaterEqual => {
            let Some(order) = left.compare(right) else {
                // Things of different kinds are not equal, and not in any order.
                return Ok(match operator {
                    Equal => Value::Bool(false),
                    Unequal => Value::Bool(true),
                    _ => Value::Null,
                });
            };
            Ok(Value::Bool(match operator {
                Equal => order == Ordering::Equal,
                Unequal => order != Ordering::Equal,
                Less => order == Ordering::Less,
                LessEqual => order != Ordering::Greater,
                Greater => order == Ordering::Greater,
                _ => order != Ordering::Less,
            }))
        }
        Concat => match (left, right) {
            (Value::Text(left), Value::Text(right)) if left.len() + right.len() > TEXT_BYTES_MAX => {
                Err(crate::csv::too_long())
            }
            (Value::Text(left), Value::Text(right)) => Ok(Value::Text(format!("{left}{right}"))),
            _ => Err(invalid_type("|| joins strings")),
        },
        Add | Subtract | Multiply | Divide | Modulo => {
            let number =
                |value: &Value| value.as_number().ok_or_else(|| invalid_type("a number was expected"));
            arithmetic(operator, &number(left)?, &number(right)?)
        }
    }
}

/// Exact where both are exact and the result is.
pub fn arithmetic(operator: Binary, left: &Value, right: &Value) -> Result<Value> {
    if let (Value::Int(a), Value::Int(b)) = (left, right) {
        let result = match operator {
            Binary::Add => a.checked_add(*b),
            Binary::Subtract => a.checked_sub(*b),
            Binary::Multiply => a.checked_mul(*b),
            Binary::Divide if *b == 0 => return Err(division_by_zero()),
            Binary::Modulo if *b == 0 => return Err(division_by_zero()),
            Binary::Divide => a.checked_div(*b),
            _ => a.checked_rem(*b),
        };
        return result.map(Value::Int).ok_or_else(overflow);
    }
    if let (Some((a, from)), Some((b, to))) = (exact(left), exact(right))
        && let Some(value) = decimal(operator, (a, from), (b, to))?
    {
        return Ok(value);
    }
    let (Some(a), Some(b)) = (left.as_float(), right.as_float()) else {
        return Err(invalid_type("a number was expected"));
    };
    if b == 0.0 && matches!(operator, Binary::Divide | Binary::Modulo) {
        return Err(division_by_zero());
    }
    let value = match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        _ => a % b,
    };
    if value.is_finite() { Ok(Value::Float(value)) } else { Err(overflow()) }
}

/// `None` where the result needs more digits than there are.
fn decimal(operator: Binary, left: (i128, u32), right: (i128, u32)) -> Result<Option<Value>> {
    use crate::value::SCALE_MAX;
    let ((a, from), (b, to)) = (left, right);
    if operator == Binary::Multiply {
        let product = a.checked_mul(b).filter(|_| from + to <= SCALE_MAX);
        return Ok(product.map(|product| Value::Decimal(product, from + to)));
    }
    let scale = from.max(to);
    let (Some(a), Some(b)) = (rescale(a, from, scale), rescale(b, to, scale)) else { return Ok(None) };
    Ok(match operator {
        Binary::Add => a.checked_add(b).map(|sum| Value::Decimal(sum, scale)),
        Binary::Subtract => a.checked_sub(b).map(|rest| Value::Decimal(rest, scale)),
        _ if b == 0 => return Err(division_by_zero()),
        Binary::Modulo => a.checked_rem(b).map(|rest| Value::Decimal(rest, scale)),
        _ => {
            // As many digits as there are; fewer where they run out evenly.
            let shifted = rescale(a, 0, SCALE_MAX);
            shifted.filter(|shifted| shifted % b == 0).map(|shifted| normal(shifted / b, SCALE_MAX))
        }
    })
}

fn division_by_zero() -> crate::SelectError {
    crate::SelectError::new("EvaluatorDivideByZero", "Division by zero in the SQL expression.")
}

pub fn cast(value: &Value, to: Type) -> Result<Value> {
    if value.is_absent() {
        return Ok(value.clone());
    }
    let cast = match (to, value) {
        (Type::Bool, Value::Bool(_)) => Some(value.clone()),
        (Type::Bool, Value::Text(text)) => boolean(text).map(Value::Bool),
        (Type::Bool, Value::Int(int)) => Some(Value::Bool(*int != 0)),
        (Type::Int, Value::Bool(truth)) => Some(Value::Int(i64::from(*truth))),
        (Type::Int, _) => value.as_number().and_then(|number| to_int(&number)),
        (Type::Float, Value::Bool(truth)) => Some(Value::Float(f64::from(u8::from(*truth)))),
        (Type::Float, _) => value.as_number().and_then(|number| number.as_float()).map(Value::Float),
        (Type::Decimal(scale), _) => value.as_number().and_then(|number| to_decimal(&number, scale)),
        (Type::Text(length), _) => {
            let text = value.to_text();
            Some(Value::Text(match length {
                Some(length) => text.chars().take(length).collect(),
                None => text,
            }))
        }
        (Type::Timestamp, Value::Timestamp(_)) => Some(value.clone()),
        (Type::Timestamp, Value::Text(text)) => Timestamp::parse(text).map(Value::Timestamp),
        _ => None,
    };
    cast.ok_or_else(cast_failed)
}

fn to_int(number: &Value) -> Option<Value> {
    match number {
        Value::Int(_) => Some(number.clone()),
        Value::Decimal(digits, scale) => {
            i64::try_from(digits / 10i128.checked_pow(*scale)?).ok().map(Value::Int)
        }
        Value::Float(float) => {
            let whole = float.trunc();
            // 2^63 itself is one too many.
            (whole >= -(2f64.powi(63)) && whole < 2f64.powi(63)).then_some(Value::Int(whole as i64))
        }
        _ => None,
    }
}

fn to_decimal(number: &Value, scale: Option<u32>) -> Option<Value> {
    let (digits, from) = match number {
        Value::Float(float) => {
            let text = crate::value::float_text(*float);
            match Value::number(&text)? {
                Value::Float(_) => return Some(number.clone()),
                other => exact(&other)?,
            }
        }
        other => exact(other)?,
    };
    let Some(to) = scale else { return Some(Value::Decimal(digits, from)) };
    if to >= from {
        return rescale(digits, from, to).map(|digits| Value::Decimal(digits, to));
    }
    let unit = 10i128.checked_pow(from - to)?;
    let (whole, rest) = (digits / unit, digits % unit);
    let up = if rest.abs() * 2 >= unit { digits.signum() } else { 0 };
    Some(Value::Decimal(whole + up, to))
}

/// For MIN, MAX and whatever orders values of one kind.
pub fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a.as_number(), b.as_number()) {
        (Some(a), Some(b)) => compare_numbers(&a, &b),
        _ => a.compare(b),
    }
}
