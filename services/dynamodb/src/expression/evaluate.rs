//! Whether an item meets a condition.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::condition::{Comparator, Condition, Operand};
use crate::value::{Attrs, Number, Value};

impl Condition {
    pub(crate) fn holds(&self, item: &Attrs) -> bool {
        match self {
            Condition::And(all) => all.iter().all(|one| one.holds(item)),
            Condition::Or(all) => all.iter().any(|one| one.holds(item)),
            Condition::Not(one) => !one.holds(item),
            Condition::Compare(comparator, a, b) => {
                compare(*comparator, a.get(item).as_deref(), b.get(item).as_deref())
            }
            Condition::Between(value, low, high) => {
                let value = value.get(item);
                compare(Comparator::Ge, value.as_deref(), low.get(item).as_deref())
                    && compare(Comparator::Le, value.as_deref(), high.get(item).as_deref())
            }
            Condition::In(value, all) => {
                let Some(value) = value.get(item) else { return false };
                all.iter().any(|one| one.get(item).is_some_and(|one| *one == *value))
            }
            Condition::Exists(path) => path.get(item).is_some(),
            Condition::NotExists(path) => path.get(item).is_none(),
            Condition::HasType(of, name) => of.get(item).is_some_and(|value| value.type_name() == name),
            Condition::BeginsWith(value, start) => {
                match (value.get(item).as_deref(), start.get(item).as_deref()) {
                    (Some(Value::S(value)), Some(Value::S(start))) => value.starts_with(start.as_str()),
                    (Some(Value::B(value)), Some(Value::B(start))) => value.starts_with(start),
                    _ => false,
                }
            }
            Condition::Contains(all, one) => match (all.get(item), one.get(item)) {
                (Some(all), Some(one)) => contains(&all, &one),
                _ => false,
            },
        }
    }
}

impl Operand {
    fn get<'a>(&'a self, item: &'a Attrs) -> Option<Cow<'a, Value>> {
        match self {
            Operand::Path(path) => path.get(item).map(Cow::Borrowed),
            Operand::Value(value) => Some(Cow::Borrowed(value)),
            Operand::Size(of) => size(&*of.get(item)?).map(Cow::Owned),
        }
    }
}

fn compare(comparator: Comparator, a: Option<&Value>, b: Option<&Value>) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        // What is not there differs from everything, and has no place in any order.
        return comparator == Comparator::Ne;
    };
    match comparator {
        Comparator::Eq => a == b,
        Comparator::Ne => a != b,
        Comparator::Lt => a.compare(b) == Some(Ordering::Less),
        Comparator::Le => matches!(a.compare(b), Some(Ordering::Less | Ordering::Equal)),
        Comparator::Gt => a.compare(b) == Some(Ordering::Greater),
        Comparator::Ge => matches!(a.compare(b), Some(Ordering::Greater | Ordering::Equal)),
    }
}

fn contains(all: &Value, one: &Value) -> bool {
    match (all, one) {
        (Value::S(all), Value::S(one)) => all.contains(one.as_str()),
        (Value::B(all), Value::B(one)) => {
            one.is_empty() || all.windows(one.len()).any(|window| window == &one[..])
        }
        (Value::Ss(all), Value::S(one)) => all.contains(one),
        (Value::Ns(all), Value::N(one)) => all.contains(one),
        (Value::Bs(all), Value::B(one)) => all.contains(one),
        (Value::L(all), one) => all.contains(one),
        _ => false,
    }
}

fn size(value: &Value) -> Option<Value> {
    let size = match value {
        Value::S(text) => text.encode_utf16().count(),
        Value::B(bytes) => bytes.len(),
        Value::Ss(set) => set.len(),
        Value::Ns(set) => set.len(),
        Value::Bs(set) => set.len(),
        Value::L(list) => list.len(),
        Value::M(map) => map.len(),
        Value::N(_) | Value::Bool(_) | Value::Null => return None,
    };
    Some(Value::N(Number::of_i64(size as i64)))
}
