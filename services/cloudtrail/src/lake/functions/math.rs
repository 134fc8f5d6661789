//! Source: Trino, "Mathematical functions and operators".

use super::{Entry, entry};
use crate::lake::value::Value;

/// A function of a number, by one of [`f64`].
macro_rules! float {
    ($name:literal, $call:expr) => {
        entry($name, 1, 1, |all| {
            let call: fn(f64) -> f64 = $call;
            Some(Value::Float(call(all[0].number()?)))
        })
    };
}

/// A function that leaves whole numbers as they are.
macro_rules! rounding {
    ($name:literal, $call:expr) => {
        entry($name, 1, 1, |all| match &all[0] {
            Value::Int(int) => Some(Value::Int(*int)),
            other => {
                let call: fn(f64) -> f64 = $call;
                Some(Value::Float(call(other.number()?)))
            }
        })
    };
}

pub(super) const TABLE: &[Entry] = &[
    entry("abs", 1, 1, |all| match &all[0] {
        Value::Int(int) => Some(Value::Int(int.checked_abs()?)),
        other => Some(Value::Float(other.number()?.abs())),
    }),
    float!("cbrt", f64::cbrt),
    rounding!("ceil", f64::ceil),
    rounding!("ceiling", f64::ceil),
    float!("degrees", f64::to_degrees),
    entry("e", 0, 0, |_| Some(Value::Float(std::f64::consts::E))),
    float!("exp", f64::exp),
    rounding!("floor", f64::floor),
    entry("is_nan", 1, 1, |all| Some(Value::Bool(all[0].number()?.is_nan()))),
    float!("ln", f64::ln),
    entry("log", 2, 2, |all| Some(Value::Float(all[1].number()?.log(all[0].number()?)))),
    float!("log10", f64::log10),
    float!("log2", f64::log2),
    entry("mod", 2, 2, |all| match (&all[0], &all[1]) {
        (Value::Int(one), Value::Int(other)) => Some(Value::Int(one.checked_rem(*other)?)),
        (one, other) => Some(Value::Float(one.number()? % other.number()?)),
    }),
    entry("pi", 0, 0, |_| Some(Value::Float(std::f64::consts::PI))),
    entry("pow", 2, 2, power),
    entry("power", 2, 2, power),
    float!("radians", f64::to_radians),
    entry("round", 1, 2, |all| {
        let digits = all.get(1).map_or(Some(0), Value::whole)?;
        match &all[0] {
            Value::Int(int) if digits >= 0 => Some(Value::Int(*int)),
            other => {
                let scale = 10f64.powi(i32::try_from(digits).ok()?.clamp(-300, 300));
                Some(Value::Float((other.number()? * scale).round() / scale))
            }
        }
    }),
    entry("sign", 1, 1, |all| match &all[0] {
        Value::Int(int) => Some(Value::Int(int.signum())),
        other => {
            let number = other.number()?;
            Some(Value::Float(if number == 0.0 { 0.0 } else { number.signum() }))
        }
    }),
    float!("sqrt", f64::sqrt),
    rounding!("truncate", f64::trunc),
];

fn power(all: &[Value]) -> Option<Value> {
    Some(Value::Float(all[0].number()?.powf(all[1].number()?)))
}
