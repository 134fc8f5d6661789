//! Functions on the values of one row. Source: Trino, "Functions and operators", which the User Guide names.
//!
//! Reading order: [`text`], [`math`], [`times`], [`format`], [`json`], [`url`], [`collections`], [`matching`] (regular expressions),
//! [`lambda`].

mod collections;
mod format;
mod json;
mod lambda;
mod matching;
mod math;
mod text;
mod times;
mod url;

use std::fmt;

pub(crate) use self::lambda::Lambda;
pub(crate) use self::matching::Matcher;
use super::value::Value;

/// Bytes that a text or an array may become; what would be larger is NULL.
pub(in crate::lake) const LARGEST: usize = 4 * 1024 * 1024;
/// Elements that a function makes. Source: Trino, "Array functions and operators", `sequence`.
const ELEMENTS_MAX: usize = 10_000;

/// A function, with the numbers of arguments that it takes.
pub(super) struct Entry {
    name: &'static str,
    least: usize,
    most: usize,
    /// Whether it is asked when an argument is NULL; others are NULL then.
    nulls: bool,
    /// `None` is NULL: the arguments do not fit.
    call: fn(&[Value]) -> Option<Value>,
}

type Call = fn(&[Value]) -> Option<Value>;

const fn entry(name: &'static str, least: usize, most: usize, call: Call) -> Entry {
    Entry { name, least, most, nulls: false, call }
}

const fn with_nulls(name: &'static str, least: usize, most: usize, call: Call) -> Entry {
    Entry { name, least, most, nulls: true, call }
}

const MANY: usize = 100;

const GENERAL: &[Entry] = &[
    with_nulls("coalesce", 1, MANY, |all| all.iter().find(|value| **value != Value::Null).cloned()),
    with_nulls("nullif", 2, 2, |all| (!all[0].equals(&all[1])).then(|| all[0].clone())),
    with_nulls("if", 2, 3, |all| match all[0].truth() {
        Some(true) => Some(all[1].clone()),
        _ => all.get(2).cloned(),
    }),
    with_nulls("try", 1, 1, |all| Some(all[0].clone())),
    entry("greatest", 1, MANY, |all| all.iter().max_by(|one, other| one.order(other)).cloned()),
    entry("least", 1, MANY, |all| all.iter().min_by(|one, other| one.order(other)).cloned()),
];

#[derive(Clone, Copy)]
pub(crate) struct Function(&'static Entry);

impl Function {
    /// The function of that name; an error tells why not.
    pub(crate) fn named(name: &str, arguments: usize) -> Result<Function, String> {
        let tables = [
            GENERAL,
            text::TABLE,
            math::TABLE,
            times::TABLE,
            format::TABLE,
            json::TABLE,
            url::TABLE,
            collections::TABLE,
        ];
        let known = tables.into_iter().flatten().find(|entry| entry.name.eq_ignore_ascii_case(name));
        let entry = known.ok_or_else(|| format!("Function '{name}' not registered"))?;
        if (entry.least..=entry.most).contains(&arguments) {
            return Ok(Function(entry));
        }
        Err(format!("Unexpected number of parameters ({arguments}) for function {name}"))
    }

    pub(crate) fn name(self) -> &'static str {
        self.0.name
    }

    pub(crate) fn call(self, arguments: &[Value]) -> Value {
        if !self.0.nulls && arguments.contains(&Value::Null) {
            return Value::Null;
        }
        (self.0.call)(arguments).unwrap_or(Value::Null)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Function) -> bool {
        self.0.name == other.0.name
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

fn text(arguments: &[Value], at: usize) -> Option<String> {
    arguments.get(at)?.text()
}

/// A text that is not too large.
fn fits(text: String) -> Option<Value> {
    (text.len() <= LARGEST).then_some(Value::Text(text))
}
