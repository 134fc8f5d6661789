//! Attribute values: what an item is made of.
//!
//! Reading order: this file (values and maps of them), [`number`], [`wire`] (from and to the API's shapes, with all the
//! rules that a value by itself must keep), [`size`] (bytes as AWS counts them), [`codec`] (bytes on disk), [`order`]
//! (bytes whose order is that of keys).

pub(crate) mod codec;
pub(crate) mod number;
pub(crate) mod order;
pub(crate) mod size;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use bytes::Bytes;

pub(crate) use number::Number;

/// One value. Sets keep the order in which they were given and never hold an element twice.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    S(String),
    N(Number),
    B(Bytes),
    Bool(bool),
    Null,
    M(Attrs),
    L(Vec<Value>),
    Ss(Vec<String>),
    Ns(Vec<Number>),
    Bs(Vec<Bytes>),
}

/// Attributes by name, sorted by it: a whole item, or a map inside one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Attrs(Vec<(String, Value)>);

impl Value {
    /// The type's name in the API: `S`, `NS`, …
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Value::S(_) => "S",
            Value::N(_) => "N",
            Value::B(_) => "B",
            Value::Bool(_) => "BOOL",
            Value::Null => "NULL",
            Value::M(_) => "M",
            Value::L(_) => "L",
            Value::Ss(_) => "SS",
            Value::Ns(_) => "NS",
            Value::Bs(_) => "BS",
        }
    }

    /// The order of two values of one type that has an order (S, N, B); `None` for all others.
    pub(crate) fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::S(a), Value::S(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Value::N(a), Value::N(b)) => Some(a.cmp(b)),
            (Value::B(a), Value::B(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// Sets are equal whatever the order of their elements.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        fn same<T: PartialEq>(a: &[T], b: &[T]) -> bool {
            a.len() == b.len() && a.iter().all(|element| b.contains(element))
        }
        match (self, other) {
            (Value::S(a), Value::S(b)) => a == b,
            (Value::N(a), Value::N(b)) => a == b,
            (Value::B(a), Value::B(b)) => a == b,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Null, Value::Null) => true,
            (Value::M(a), Value::M(b)) => a == b,
            (Value::L(a), Value::L(b)) => a == b,
            (Value::Ss(a), Value::Ss(b)) => same(a, b),
            (Value::Ns(a), Value::Ns(b)) => same(a, b),
            (Value::Bs(a), Value::Bs(b)) => same(a, b),
            _ => false,
        }
    }
}

impl Attrs {
    pub(crate) fn new() -> Attrs {
        Attrs::default()
    }

    /// Of entries in any order; the last of those with one name counts.
    pub(crate) fn of(mut entries: Vec<(String, Value)>) -> Attrs {
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            // Stable, so that among equals the last one given is the last.
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.reverse();
            entries.dedup_by(|a, b| a.0 == b.0);
            entries.reverse();
        }
        Attrs(entries)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.find(name).ok().map(|at| &self.0[at].1)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.find(name).ok().map(|at| &mut self.0[at].1)
    }

    pub(crate) fn insert(&mut self, name: &str, value: Value) {
        match self.find(name) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (name.to_owned(), value)),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Value> {
        self.find(name).ok().map(|at| self.0.remove(at).1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_entries(self) -> Vec<(String, Value)> {
        self.0
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(own, _)| own.as_str().cmp(name))
    }
}

impl FromIterator<(String, Value)> for Attrs {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(entries: I) -> Attrs {
        Attrs::of(entries.into_iter().collect())
    }
}
