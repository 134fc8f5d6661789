//! Which keys a statement speaks of.

use haneul_kit::Result;

use crate::error::validation;
use crate::expression::condition::{Comparator, Operand, operand_type};
use crate::expression::key_condition::{KeyRange, KeyTerm, KeyTest, SortCondition};
use crate::expression::{Condition, Path};
use crate::table::KeySchema;
use crate::value::{Attrs, Value};

/// Values of a list of IN: of the partition key, and of anything else.
const IN_HASH_MAX: usize = 50;
const IN_MAX: usize = 100;

/// How a SELECT finds its items.
#[derive(Debug)]
pub(crate) enum Access {
    /// One range of keys for each value of the partition key.
    Keys(Vec<KeyRange>),
    Scan,
}

/// The conditions that all must hold.
fn terms(condition: &Condition) -> Vec<&Condition> {
    match condition {
        Condition::And(all) => all.iter().flat_map(terms).collect(),
        one => vec![one],
    }
}

pub(crate) fn access(condition: Option<&Condition>, schema: &KeySchema) -> Access {
    let Some(condition) = condition else { return Access::Scan };
    let terms = terms(condition);
    let hash: Vec<&str> = schema.hash.iter().map(|key| key.name.as_str()).collect();
    let mut fixed: Vec<(String, Vec<Value>)> = Vec::new();
    for name in &hash {
        let Some(values) = terms.iter().find_map(|term| values_of(term, name)) else { return Access::Scan };
        fixed.push(((*name).to_owned(), values));
    }
    let sort: Vec<(String, KeyTest)> = schema
        .range
        .iter()
        .map_while(|key| {
            let test = terms.iter().find_map(|term| test_of(term, &key.name))?;
            Some((key.name.clone(), test))
        })
        .collect();
    let mut ranges = Vec::new();
    for combination in combinations(&fixed) {
        let mut all: Vec<KeyTerm> =
            combination.into_iter().map(|(name, value)| KeyTerm { name, test: KeyTest::Eq(value) }).collect();
        for (name, test) in &sort {
            let test = match test {
                KeyTest::Eq(value) => KeyTest::Eq(value.clone()),
                KeyTest::Sort(condition) => KeyTest::Sort(condition.clone()),
                KeyTest::Other => continue,
            };
            let ends = matches!(test, KeyTest::Sort(_));
            all.push(KeyTerm { name: name.clone(), test });
            if ends {
                break;
            }
        }
        match KeyRange::of_terms(all, schema) {
            Ok(range) => ranges.push(range),
            // A value of another type is in no key: the condition itself decides, over everything.
            Err(_) => return Access::Scan,
        }
    }
    Access::Keys(ranges)
}

/// Whether no list of IN is too long, and everything that is asked for an order has one. Source: DynamoDB Developer Guide,
/// "PartiQL … operators": "at max 50 hash attribute values or at max 100 non-key attribute values".
pub(crate) fn check_operands(condition: &Condition, schema: &KeySchema) -> Result<()> {
    match condition {
        Condition::And(all) | Condition::Or(all) => {
            all.iter().try_for_each(|one| check_operands(one, schema))
        }
        Condition::Not(one) => check_operands(one, schema),
        Condition::In(of, list) if list.len() > in_max(of, schema) => Err(validation(format!(
            "The IN operator is provided with too many operands; number of operands: {}",
            list.len()
        ))),
        Condition::Compare(comparator, a, b) => match symbol(*comparator) {
            Some(symbol) => [a, b].into_iter().try_for_each(|one| check_order(symbol, one)),
            None => Ok(()),
        },
        Condition::Between(a, b, c) => [a, b, c].into_iter().try_for_each(|one| check_order("BETWEEN", one)),
        _ => Ok(()),
    }
}

/// Whether a list of IN says which partitions are meant.
pub(crate) fn lists_partitions(condition: &Condition, schema: &KeySchema) -> bool {
    match condition {
        Condition::And(all) | Condition::Or(all) => all.iter().any(|one| lists_partitions(one, schema)),
        Condition::In(Operand::Path(path), _) => is_hash(path, schema),
        _ => false,
    }
}

fn is_hash(path: &Path, schema: &KeySchema) -> bool {
    !path.is_nested() && schema.hash.iter().any(|key| key.name == path.attribute())
}

fn symbol(comparator: Comparator) -> Option<&'static str> {
    match comparator {
        Comparator::Eq | Comparator::Ne => None,
        Comparator::Lt => Some("<"),
        Comparator::Le => Some("<="),
        Comparator::Gt => Some(">"),
        Comparator::Ge => Some(">="),
    }
}

fn check_order(operator: &str, operand: &Operand) -> Result<()> {
    match operand {
        Operand::Value(value) if !matches!(value, Value::S(_) | Value::N(_) | Value::B(_)) => {
            Err(validation(operand_type(operator, value.type_name())))
        }
        _ => Ok(()),
    }
}

fn in_max(of: &Operand, schema: &KeySchema) -> usize {
    match of {
        Operand::Path(path) if is_hash(path, schema) => IN_HASH_MAX,
        _ => IN_MAX,
    }
}

/// The whole key of one item, when the condition fixes it, and what it asks beside that.
pub(crate) fn key(condition: &Condition, schema: &KeySchema) -> Option<(Attrs, Option<Condition>)> {
    let mut key = Vec::new();
    let mut rest = Vec::new();
    for term in terms(condition) {
        match equality(term) {
            Some((name, value)) if schema.has(name) && !key.iter().any(|(other, _)| other == name) => {
                key.push((name.to_owned(), value.clone()));
            }
            _ => rest.push(term.clone()),
        }
    }
    if key.len() != schema.len() {
        return None;
    }
    let rest = match rest.len() {
        0 => None,
        1 => rest.pop(),
        _ => Some(Condition::And(rest)),
    };
    Some((Attrs::of(key), rest))
}

fn equality(term: &Condition) -> Option<(&str, &Value)> {
    match term {
        Condition::Compare(Comparator::Eq, Operand::Path(path), Operand::Value(value))
        | Condition::Compare(Comparator::Eq, Operand::Value(value), Operand::Path(path))
            if !path.is_nested() =>
        {
            Some((path.attribute(), value))
        }
        _ => None,
    }
}

fn values_of(term: &Condition, name: &str) -> Option<Vec<Value>> {
    if let Some((other, value)) = equality(term) {
        return (other == name).then(|| vec![value.clone()]);
    }
    let (path, all) = match term {
        Condition::In(Operand::Path(path), all) => (path, all),
        // Where each of several alternatives names it, one of those it is.
        Condition::Or(all) => {
            let mut values: Vec<Value> = Vec::new();
            for one in all {
                let more = terms(one).into_iter().find_map(|term| values_of(term, name))?;
                more.into_iter().for_each(|value| {
                    if !values.contains(&value) {
                        values.push(value);
                    }
                });
            }
            return Some(values);
        }
        _ => return None,
    };
    if path.is_nested() || path.attribute() != name {
        return None;
    }
    let value = |operand: &Operand| match operand {
        Operand::Value(value) => Some(value.clone()),
        _ => None,
    };
    let mut values: Vec<Value> = Vec::new();
    for found in all.iter().map(value) {
        let found = found?;
        if !values.contains(&found) {
            values.push(found);
        }
    }
    Some(values)
}

fn test_of(term: &Condition, name: &str) -> Option<KeyTest> {
    if let Some((other, value)) = equality(term) {
        return (other == name).then(|| KeyTest::Eq(value.clone()));
    }
    let is = |operand: &Operand| matches!(operand, Operand::Path(path) if !path.is_nested() && path.attribute() == name);
    let sort = match term {
        Condition::Compare(comparator, of, Operand::Value(value)) if is(of) => {
            let value = value.clone();
            match comparator {
                Comparator::Lt => SortCondition::Lt(value),
                Comparator::Le => SortCondition::Le(value),
                Comparator::Gt => SortCondition::Gt(value),
                Comparator::Ge => SortCondition::Ge(value),
                Comparator::Eq | Comparator::Ne => return None,
            }
        }
        Condition::Between(of, Operand::Value(low), Operand::Value(high)) if is(of) => {
            SortCondition::Between(low.clone(), high.clone())
        }
        Condition::BeginsWith(of, Operand::Value(start)) if is(of) => {
            SortCondition::BeginsWith(start.clone())
        }
        _ => return None,
    };
    Some(KeyTest::Sort(sort))
}

fn combinations(fixed: &[(String, Vec<Value>)]) -> Vec<Vec<(String, Value)>> {
    let mut all: Vec<Vec<(String, Value)>> = vec![Vec::new()];
    for (name, values) in fixed {
        let extend = |before: &Vec<(String, Value)>| {
            let before = before.clone();
            values.iter().map(move |value| {
                let mut with = before.clone();
                with.push((name.clone(), value.clone()));
                with
            })
        };
        all = all.iter().flat_map(extend).collect();
    }
    all
}
