//! The parameters that expressions replaced: Expected, AttributeUpdates, KeyConditions, QueryFilter and ScanFilter.
//! Source: DynamoDB Developer Guide, "Legacy DynamoDB conditional parameters".

use haneul_dynamodb_wire::shapes::{
    AttributeValue, AttributeValueUpdate, Condition as WireCondition, ExpectedAttributeValue,
};
use haneul_kit::Result;
use haneul_shape::value::Map;

use super::Update;
use super::condition::{Comparator, Condition, Operand};
use super::key_condition::{KeyTerm, KeyTest, SortCondition};
use super::path::Path;
use crate::error::validation;
use crate::value::{Value, wire};

const INVALID: &str = "One or more parameter values were invalid:";

/// A request has either kind of parameters; `(name, is given)` of each.
pub(crate) fn check_mix(legacy: &[(&str, bool)], modern: &[(&str, bool)]) -> Result<()> {
    let given = |all: &[(&str, bool)]| {
        all.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    let (legacy, modern) = (given(legacy), given(modern));
    if legacy.is_empty() || modern.is_empty() {
        return Ok(());
    }
    Err(validation(format!(
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
         {{{legacy}}} Expression parameters: {{{modern}}}"
    )))
}

/// Expected, with ConditionalOperator.
pub(crate) fn expected(
    expected: Map<ExpectedAttributeValue>,
    operator: Option<&str>,
) -> Result<Option<Condition>> {
    check_operator(operator, expected.len())?;
    let mut all = Vec::with_capacity(expected.len());
    for (name, expected) in expected {
        all.push(one_expected(name, expected)?);
    }
    Ok(joined(all, operator))
}

/// QueryFilter or ScanFilter, with ConditionalOperator.
pub(crate) fn filter(filter: Map<WireCondition>, operator: Option<&str>) -> Result<Option<Condition>> {
    check_operator(operator, filter.len())?;
    let mut all = Vec::with_capacity(filter.len());
    for (name, condition) in filter {
        let values = values(condition.attribute_value_list)?;
        all.push(comparison(&name, &condition.comparison_operator, values)?);
    }
    Ok(joined(all, operator))
}

/// KeyConditions.
pub(crate) fn key_terms(conditions: Map<WireCondition>) -> Result<Vec<KeyTerm>> {
    let mut terms = Vec::with_capacity(conditions.len());
    for (name, condition) in conditions {
        let operator = condition.comparison_operator.as_str();
        let values = values(condition.attribute_value_list)?;
        check_arguments(operator, &values)?;
        let mut values = values.into_iter();
        let (first, second) = (values.next(), values.next());
        let test = match (operator, first, second) {
            ("EQ", Some(value), _) => KeyTest::Eq(value),
            ("LT", Some(value), _) => KeyTest::Sort(SortCondition::Lt(value)),
            ("LE", Some(value), _) => KeyTest::Sort(SortCondition::Le(value)),
            ("GT", Some(value), _) => KeyTest::Sort(SortCondition::Gt(value)),
            ("GE", Some(value), _) => KeyTest::Sort(SortCondition::Ge(value)),
            ("BEGINS_WITH", Some(value), _) => KeyTest::Sort(SortCondition::BeginsWith(value)),
            ("BETWEEN", Some(low), Some(high)) => KeyTest::Sort(SortCondition::Between(low, high)),
            _ => return Err(validation("Attempted conditional constraint is not an indexable operation")),
        };
        terms.push(KeyTerm { name, test });
    }
    Ok(terms)
}

/// AttributeUpdates. An ADD makes what is not there, PUT replaces, DELETE removes an attribute or elements of a set.
pub(crate) fn updates(updates: Map<AttributeValueUpdate>) -> Result<Update> {
    let mut update = Update { legacy: true, ..Update::default() };
    for (name, change) in updates {
        if name.is_empty() {
            return Err(validation(format!("{INVALID} An attribute name cannot be empty")));
        }
        let path = Path::of_name(name);
        let value = change.value.map(wire::value).transpose()?;
        match (change.action.as_deref().unwrap_or("PUT"), value) {
            ("DELETE", None) => update.remove.push(path),
            ("DELETE", Some(value)) => {
                if !matches!(value, Value::Ss(_) | Value::Ns(_) | Value::Bs(_)) {
                    return Err(validation(format!(
                        "{INVALID} DELETE action with value is not supported for the type {}",
                        value.type_name()
                    )));
                }
                update.delete.push((path, value));
            }
            ("ADD", Some(value)) => {
                if !matches!(value, Value::N(_) | Value::Ss(_) | Value::Ns(_) | Value::Bs(_) | Value::L(_)) {
                    return Err(validation(format!(
                        "{INVALID} ADD action is not supported for the type {}",
                        value.type_name()
                    )));
                }
                update.add.push((path, value));
            }
            ("PUT", Some(value)) => update.set.push((path, super::update::Term::Value(value))),
            (_, None) => {
                return Err(validation(format!(
                    "{INVALID} Only DELETE action is allowed when no attribute value is specified"
                )));
            }
            (action, _) => {
                return Err(validation(format!("{INVALID} Unknown attribute update action: {action}")));
            }
        }
    }
    Ok(update)
}

fn check_operator(operator: Option<&str>, conditions: usize) -> Result<()> {
    match operator {
        Some(_) if conditions == 0 => {
            Err(validation("ConditionalOperator cannot be used without Filter or Expected"))
        }
        Some(_) if conditions == 1 => Err(validation(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        )),
        _ => Ok(()),
    }
}

fn joined(mut all: Vec<Condition>, operator: Option<&str>) -> Option<Condition> {
    match (all.len(), operator) {
        (0, _) => None,
        (1, _) => all.pop(),
        (_, Some("OR")) => Some(Condition::Or(all)),
        _ => Some(Condition::And(all)),
    }
}

fn one_expected(name: String, expected: ExpectedAttributeValue) -> Result<Condition> {
    let ExpectedAttributeValue { value, exists, comparison_operator, attribute_value_list } = expected;
    let Some(operator) = comparison_operator else {
        if attribute_value_list.is_some() {
            return Err(validation(format!(
                "{INVALID} AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}"
            )));
        }
        return match (value, exists) {
            (Some(_), Some(false)) => Err(validation(format!(
                "{INVALID} Value cannot be used when Exists is false for Attribute: {name}"
            ))),
            (Some(value), _) => {
                let operand = Operand::Path(Path::of_name(name));
                Ok(Condition::Compare(Comparator::Eq, operand, Operand::Value(wire::value(value)?)))
            }
            (None, Some(false)) => Ok(Condition::NotExists(Path::of_name(name))),
            (None, exists) => Err(validation(format!(
                "{INVALID} Value must be provided when Exists is {} for Attribute: {name}",
                exists.map_or("null".to_owned(), |exists| exists.to_string())
            ))),
        };
    };
    if exists.is_some() {
        return Err(validation(format!(
            "{INVALID} Exists and ComparisonOperator cannot be used together for Attribute: {name}"
        )));
    }
    if value.is_some() && attribute_value_list.is_some() {
        return Err(validation(format!(
            "{INVALID} Value and AttributeValueList cannot be used together for Attribute: {name}"
        )));
    }
    if value.is_none() && attribute_value_list.is_none() && !matches!(operator.as_str(), "NULL" | "NOT_NULL")
    {
        return Err(validation(format!(
            "{INVALID} Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}"
        )));
    }
    let list = attribute_value_list.or(value.map(|value| vec![value]));
    comparison(&name, &operator, values(list)?)
}

fn values(list: Option<Vec<AttributeValue>>) -> Result<Vec<Value>> {
    list.into_iter().flatten().map(wire::value).collect()
}

fn check_arguments(operator: &str, values: &[Value]) -> Result<()> {
    let fits = match operator {
        "NULL" | "NOT_NULL" => values.is_empty(),
        "BETWEEN" => values.len() == 2,
        "IN" => !values.is_empty(),
        _ => values.len() == 1,
    };
    if !fits {
        return Err(validation(format!(
            "{INVALID} Invalid number of argument(s) for the {operator} ComparisonOperator"
        )));
    }
    if values.windows(2).any(|pair| pair[0].type_name() != pair[1].type_name()) {
        return Err(validation(format!(
            "{INVALID} AttributeValues inside AttributeValueList must be of same type"
        )));
    }
    let scalar = |value: &Value| matches!(value, Value::S(_) | Value::N(_) | Value::B(_));
    for value in values {
        let fits = match operator {
            "LT" | "LE" | "GT" | "GE" | "BETWEEN" | "IN" => scalar(value),
            "CONTAINS" | "NOT_CONTAINS" => scalar(value) || matches!(value, Value::Bool(_) | Value::Null),
            "BEGINS_WITH" => matches!(value, Value::S(_) | Value::B(_)),
            _ => true,
        };
        if !fits {
            return Err(validation(format!(
                "{INVALID} ComparisonOperator {operator} is not valid for {} AttributeValue type",
                value.type_name()
            )));
        }
    }
    match (operator, values) {
        ("BETWEEN", [low, high]) if low.compare(high) == Some(std::cmp::Ordering::Greater) => {
            Err(validation(
                "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
            ))
        }
        _ => Ok(()),
    }
}

fn comparison(name: &str, operator: &str, values: Vec<Value>) -> Result<Condition> {
    check_arguments(operator, &values)?;
    let path = Path::of_name(name);
    let attribute = Operand::Path(path.clone());
    let mut values = values.into_iter().map(Operand::Value);
    let compare = |comparator, value| Condition::Compare(comparator, attribute.clone(), value);
    if operator == "IN" {
        return Ok(Condition::In(attribute, values.collect()));
    }
    let (first, second) = (values.next(), values.next());
    Ok(match (operator, first, second) {
        ("NULL", ..) => Condition::NotExists(path),
        ("NOT_NULL", ..) => Condition::Exists(path),
        ("EQ", Some(value), _) => compare(Comparator::Eq, value),
        ("NE", Some(value), _) => compare(Comparator::Ne, value),
        ("LT", Some(value), _) => compare(Comparator::Lt, value),
        ("LE", Some(value), _) => compare(Comparator::Le, value),
        ("GT", Some(value), _) => compare(Comparator::Gt, value),
        ("GE", Some(value), _) => compare(Comparator::Ge, value),
        ("BETWEEN", Some(low), Some(high)) => Condition::Between(attribute, low, high),
        ("BEGINS_WITH", Some(value), _) => Condition::BeginsWith(attribute, value),
        ("CONTAINS", Some(value), _) => Condition::Contains(attribute, value),
        ("NOT_CONTAINS", Some(value), _) => Condition::Not(Box::new(Condition::Contains(attribute, value))),
        _ => return Err(validation(format!("{INVALID} Unknown ComparisonOperator: {operator}"))),
    })
}
