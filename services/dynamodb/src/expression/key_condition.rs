//! Key conditions: which keys a query reads.

use haneul_kit::Result;

use super::condition::{Comparator, Condition, Operand};
use super::path::Path;
use crate::error::validation;
use crate::table::{KeyAttribute, KeySchema};
use crate::value::Value;

/// The keys that a query asks for, in the terms of one key schema.
#[derive(Clone, Debug)]
pub(crate) struct KeyRange {
    /// The partition key, each attribute's value.
    pub(crate) partition: Vec<Value>,
    /// The sort key's first attributes, by equality.
    pub(crate) sort: Vec<Value>,
    /// What the next attribute of the sort key must meet.
    pub(crate) last: Option<SortCondition>,
}

#[derive(Clone, Debug)]
pub(crate) enum SortCondition {
    Lt(Value),
    Le(Value),
    Gt(Value),
    Ge(Value),
    Between(Value, Value),
    BeginsWith(Value),
}

/// A condition on one attribute.
pub(crate) struct KeyTerm {
    pub(crate) name: String,
    pub(crate) test: KeyTest,
}

pub(crate) enum KeyTest {
    Eq(Value),
    Sort(SortCondition),
    /// An operator that no key can be found by.
    Other,
}

const TYPE_MISMATCH: &str =
    "One or more parameter values were invalid: Condition parameter type does not match schema type";

/// The conditions of a KeyConditionExpression, one for each attribute.
pub(crate) fn terms(condition: &Condition) -> Result<Vec<KeyTerm>> {
    let mut terms = Vec::new();
    collect(condition, &mut terms)?;
    Ok(terms)
}

impl KeyRange {
    pub(crate) fn of_terms(terms: Vec<KeyTerm>, schema: &KeySchema) -> Result<KeyRange> {
        let unsupported = || validation("Query key condition not supported");
        let single = schema.hash.len() == 1 && schema.range.len() <= 1;
        if terms.is_empty() || single && terms.len() > 2 {
            return Err(validation("Conditions can be of length 1 or 2 only"));
        }
        if schema.len() == 1 && terms.len() > 1 {
            return Err(unsupported());
        }
        let missed = |name: &str| validation(format!("Query condition missed key schema element: {name}"));
        let find = |name: &str| terms.iter().find(|term| term.name == name);
        let mut partition = Vec::new();
        for key in &schema.hash {
            let term = find(&key.name).ok_or_else(|| missed(&key.name))?;
            term.test.values().into_iter().try_for_each(|value| check_key(value, key, true))?;
            let KeyTest::Eq(value) = &term.test else { return Err(unsupported()) };
            partition.push(value.clone());
        }
        let mut range = KeyRange { partition, sort: Vec::new(), last: None };
        let mut used = schema.hash.len();
        for key in &schema.range {
            let Some(term) = find(&key.name) else { break };
            used += 1;
            term.test.values().into_iter().try_for_each(|value| check_key(value, key, false))?;
            match &term.test {
                KeyTest::Eq(value) => range.sort.push(value.clone()),
                KeyTest::Sort(condition) => {
                    if matches!((condition, key.kind), (SortCondition::BeginsWith(_), "N")) {
                        return Err(validation(TYPE_MISMATCH));
                    }
                    range.last = Some(condition.clone());
                    break;
                }
                KeyTest::Other => return Err(unsupported()),
            }
        }
        if used < terms.len() {
            let missing = schema.range.get(used - schema.hash.len()).or(schema.range.last());
            return Err(missing.map_or_else(unsupported, |key| missed(&key.name)));
        }
        Ok(range)
    }

    /// Whether a sort key's attributes are within what the range asks of them.
    pub(crate) fn allows(&self, sort: &[&Value]) -> bool {
        let fixed = self.sort.iter().zip(sort).all(|(wanted, value)| wanted == *value);
        fixed
            && match (&self.last, sort.get(self.sort.len())) {
                (Some(condition), Some(value)) => condition.holds(value),
                _ => true,
            }
    }

    /// Whether all attributes of the sort key are fixed, so that there is at most one item.
    pub(crate) fn is_one_item(&self, schema: &KeySchema) -> bool {
        !schema.range.is_empty() && self.sort.len() == schema.range.len()
    }
}

impl KeyTest {
    fn values(&self) -> Vec<&Value> {
        match self {
            KeyTest::Eq(value) => vec![value],
            KeyTest::Sort(condition) => condition.values(),
            KeyTest::Other => Vec::new(),
        }
    }
}

impl SortCondition {
    fn holds(&self, value: &Value) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let is = |other: &Value, wanted: &[std::cmp::Ordering]| {
            value.compare(other).is_some_and(|order| wanted.contains(&order))
        };
        match self {
            SortCondition::Lt(bound) => is(bound, &[Less]),
            SortCondition::Le(bound) => is(bound, &[Less, Equal]),
            SortCondition::Gt(bound) => is(bound, &[Greater]),
            SortCondition::Ge(bound) => is(bound, &[Greater, Equal]),
            SortCondition::Between(low, high) => is(low, &[Greater, Equal]) && is(high, &[Less, Equal]),
            SortCondition::BeginsWith(start) => match (value, start) {
                (Value::S(value), Value::S(start)) => value.starts_with(start.as_str()),
                (Value::B(value), Value::B(start)) => value.starts_with(start),
                _ => false,
            },
        }
    }

    fn values(&self) -> Vec<&Value> {
        match self {
            SortCondition::Lt(value)
            | SortCondition::Le(value)
            | SortCondition::Gt(value)
            | SortCondition::Ge(value)
            | SortCondition::BeginsWith(value) => vec![value],
            SortCondition::Between(low, high) => vec![low, high],
        }
    }
}

fn check_key(value: &Value, key: &KeyAttribute, of_partition: bool) -> Result<()> {
    if value.type_name() != key.kind {
        return Err(validation(TYPE_MISMATCH));
    }
    crate::engine::keys::check_not_empty(value, &key.name)?;
    crate::engine::keys::check_size(value, of_partition)
}

fn collect(condition: &Condition, terms: &mut Vec<KeyTerm>) -> Result<()> {
    let bad = |name: &str| validation(format!("Invalid operator used in KeyConditionExpression: {name}"));
    match condition {
        Condition::And(all) => all.iter().try_for_each(|one| collect(one, terms)),
        Condition::Or(_) => Err(bad("OR")),
        Condition::Not(_) => Err(bad("NOT")),
        Condition::In(..) => Err(bad("IN")),
        Condition::Exists(_) => Err(bad("attribute_exists")),
        Condition::NotExists(_) => Err(bad("attribute_not_exists")),
        Condition::HasType(..) => Err(bad("attribute_type")),
        Condition::Contains(..) => Err(bad("contains")),
        Condition::Compare(Comparator::Ne, ..) => Err(bad("<>")),
        Condition::Compare(comparator, a, b) => {
            let (path, values, mirror) = key_operands("", &[a, b])?;
            let comparator = if mirror { mirrored(*comparator) } else { *comparator };
            let value = values.into_iter().next().ok_or_else(no_key)?;
            let test = match comparator {
                Comparator::Eq => KeyTest::Eq(value),
                Comparator::Lt => KeyTest::Sort(SortCondition::Lt(value)),
                Comparator::Le => KeyTest::Sort(SortCondition::Le(value)),
                Comparator::Gt => KeyTest::Sort(SortCondition::Gt(value)),
                Comparator::Ge => KeyTest::Sort(SortCondition::Ge(value)),
                Comparator::Ne => KeyTest::Other,
            };
            push(path, test, terms)
        }
        Condition::Between(a, b, c) => {
            let (path, values, _) = key_operands("BETWEEN", &[a, b, c])?;
            let [low, high] = <[Value; 2]>::try_from(values).map_err(|_| no_key())?;
            push(path, KeyTest::Sort(SortCondition::Between(low, high)), terms)
        }
        Condition::BeginsWith(a, b) => {
            let (path, values, _) = key_operands("begins_with", &[a, b])?;
            let start = values.into_iter().next().ok_or_else(no_key)?;
            push(path, KeyTest::Sort(SortCondition::BeginsWith(start)), terms)
        }
    }
}

/// The one attribute among the operands of a condition, the values beside it, and whether it comes after one of them,
/// which an operator that is `named` does not allow.
fn key_operands<'a>(named: &str, operands: &[&'a Operand]) -> Result<(&'a Path, Vec<Value>, bool)> {
    let bad = |why: &str| validation(format!("Invalid condition in KeyConditionExpression: {why}"));
    let (mut path, mut values, mut mirror) = (None, Vec::new(), false);
    for operand in operands {
        match operand {
            Operand::Path(_) if path.is_some() => {
                return Err(bad("Multiple attribute names used in one condition"));
            }
            Operand::Path(own) if own.is_nested() => {
                return Err(validation(
                    "KeyConditionExpressions cannot have conditions on nested attributes",
                ));
            }
            Operand::Path(own) => path = Some(own),
            Operand::Value(_) if path.is_none() && !named.is_empty() => {
                return Err(bad(&format!(
                    "{named} operator must have the key attribute as its first operand"
                )));
            }
            Operand::Value(value) => {
                mirror |= path.is_none();
                values.push(value.clone());
            }
            Operand::Size(_) => {
                return Err(validation("KeyConditionExpressions cannot contain nested operations"));
            }
        }
    }
    Ok((path.ok_or_else(no_key)?, values, mirror))
}

fn no_key() -> haneul_kit::ApiError {
    validation("Invalid condition in KeyConditionExpression: No key attribute specified")
}

fn push(path: &Path, test: KeyTest, terms: &mut Vec<KeyTerm>) -> Result<()> {
    let name = path.attribute().to_owned();
    if terms.iter().any(|term| term.name == name) {
        return Err(validation("KeyConditionExpressions must only contain one condition per key"));
    }
    terms.push(KeyTerm { name, test });
    Ok(())
}

fn mirrored(comparator: Comparator) -> Comparator {
    match comparator {
        Comparator::Lt => Comparator::Gt,
        Comparator::Le => Comparator::Ge,
        Comparator::Gt => Comparator::Lt,
        Comparator::Ge => Comparator::Le,
        other => other,
    }
}
