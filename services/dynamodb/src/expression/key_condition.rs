//! Key conditions: which keys a query reads.

use haneul_kit::Result;

use super::condition::{Comparator, Condition, Operand};
use super::path::Path;
use crate::error::validation;
use crate::table::KeySchema;
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

impl KeyRange {
    pub(crate) fn of_expression(condition: &Condition, schema: &KeySchema) -> Result<KeyRange> {
        let mut terms = Vec::new();
        collect(condition, &mut terms)?;
        KeyRange::of_terms(terms, schema)
    }

    pub(crate) fn of_terms(terms: Vec<KeyTerm>, schema: &KeySchema) -> Result<KeyRange> {
        for (i, term) in terms.iter().enumerate() {
            if terms[..i].iter().any(|other| other.name == term.name) {
                return Err(validation("KeyConditionExpressions must only contain one condition per key"));
            }
        }
        let single = schema.hash.len() == 1 && schema.range.len() <= 1;
        if single && terms.len() > 2 {
            return Err(validation("Conditions can be of length 1 or 2 only"));
        }
        let missed = |name: &str| validation(format!("Query condition missed key schema element: {name}"));
        let find = |name: &str| terms.iter().find(|term| term.name == name);
        let mut partition = Vec::new();
        for key in &schema.hash {
            let term = find(&key.name).ok_or_else(|| missed(&key.name))?;
            let KeyTest::Eq(value) = &term.test else {
                return Err(validation("Query key condition not supported"));
            };
            check_key(value, key.kind)?;
            partition.push(value.clone());
        }
        let mut range = KeyRange { partition, sort: Vec::new(), last: None };
        let mut used = schema.hash.len();
        for key in &schema.range {
            let Some(term) = find(&key.name) else { break };
            used += 1;
            match &term.test {
                KeyTest::Eq(value) => {
                    check_key(value, key.kind)?;
                    range.sort.push(value.clone());
                }
                KeyTest::Sort(condition) => {
                    condition.values().into_iter().try_for_each(|value| check_key(value, key.kind))?;
                    if matches!((condition, key.kind), (SortCondition::BeginsWith(_), "N")) {
                        return Err(validation(TYPE_MISMATCH));
                    }
                    range.last = Some(condition.clone());
                    break;
                }
                KeyTest::Other => return Err(validation("Query key condition not supported")),
            }
        }
        if used < terms.len() {
            let missing = schema.range.get(used - schema.hash.len()).or(schema.range.last());
            return Err(match missing {
                Some(key) => missed(&key.name),
                None => validation("Query key condition not supported"),
            });
        }
        Ok(range)
    }
}

impl SortCondition {
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

fn check_key(value: &Value, kind: &str) -> Result<()> {
    if value.type_name() != kind {
        return Err(validation(TYPE_MISMATCH));
    }
    let empty = match value {
        Value::S(text) => text.is_empty(),
        Value::B(bytes) => bytes.is_empty(),
        _ => false,
    };
    match empty {
        true => Err(validation(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
             empty string value.",
        )),
        false => Ok(()),
    }
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
            let (path, value, comparator) = match (a, b) {
                (Operand::Path(path), Operand::Value(value)) => (path, value, *comparator),
                (Operand::Value(value), Operand::Path(path)) => (path, value, mirrored(*comparator)),
                (a, b) => return Err(not_one_attribute(&[a, b])),
            };
            let value = value.clone();
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
        Condition::Between(Operand::Path(path), Operand::Value(low), Operand::Value(high)) => {
            push(path, KeyTest::Sort(SortCondition::Between(low.clone(), high.clone())), terms)
        }
        Condition::Between(a, b, c) => Err(not_one_attribute(&[a, b, c])),
        Condition::BeginsWith(Operand::Path(path), Operand::Value(start)) => {
            push(path, KeyTest::Sort(SortCondition::BeginsWith(start.clone())), terms)
        }
        Condition::BeginsWith(a, b) => Err(not_one_attribute(&[a, b])),
    }
}

fn push(path: &Path, test: KeyTest, terms: &mut Vec<KeyTerm>) -> Result<()> {
    if path.is_nested() {
        return Err(validation("KeyConditionExpressions cannot have conditions on nested attributes"));
    }
    terms.push(KeyTerm { name: path.attribute().to_owned(), test });
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

fn not_one_attribute(operands: &[&Operand]) -> haneul_kit::ApiError {
    if operands.iter().any(|operand| matches!(operand, Operand::Size(_))) {
        return validation("KeyConditionExpressions cannot contain nested operations");
    }
    let paths = operands.iter().filter(|operand| matches!(operand, Operand::Path(_))).count();
    validation(match paths {
        0 => "Invalid condition in KeyConditionExpression: No key attribute specified",
        1 => "Invalid condition in KeyConditionExpression: Key attribute must be the first operand",
        _ => "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
    })
}
