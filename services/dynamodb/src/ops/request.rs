//! What the requests of several operations have in common.

use haneul_dynamodb_wire::shapes::{AttributeValue, ExpectedAttributeValue};
use haneul_kit::Result;
use haneul_shape::value::Map;

use crate::error::validation;
use crate::expression::{Condition, Placeholders, legacy};

/// The parameters by which a write is made conditional.
pub(super) struct Conditional<'a> {
    pub(super) expression: Option<&'a str>,
    pub(super) expected: Option<Map<ExpectedAttributeValue>>,
    pub(super) operator: Option<&'a str>,
}

impl Conditional<'_> {
    pub(super) fn condition(self, placeholders: &Placeholders) -> Result<Option<Condition>> {
        if let Some(expression) = self.expression {
            return Condition::parse("ConditionExpression", expression, placeholders).map(Some);
        }
        legacy::expected(self.expected.unwrap_or_default(), self.operator)
    }
}

/// For operations whose only expression is the condition.
pub(super) fn condition_only(
    conditional: Conditional<'_>,
    names: Option<Map<String>>,
    values: Option<Map<AttributeValue>>,
) -> Result<Option<Condition>> {
    let expression = conditional.expression;
    legacy::check_mix(
        &[
            ("Expected", conditional.expected.is_some()),
            ("ConditionalOperator", conditional.operator.is_some()),
        ],
        &[("ConditionExpression", expression.is_some())],
    )?;
    let placeholders = Placeholders::of(names, values, &[("ConditionExpression", expression.is_some())])?;
    let condition = conditional.condition(&placeholders)?;
    placeholders.check_used()?;
    Ok(condition)
}

pub(super) fn returns_old_or_nothing(return_values: Option<&str>) -> Result<bool> {
    match return_values {
        None | Some("NONE") => Ok(false),
        Some("ALL_OLD") => Ok(true),
        Some(_) => Err(validation("Return values set to invalid value")),
    }
}

pub(super) fn asks_for(wanted: Option<&str>) -> bool {
    wanted.is_some_and(|wanted| wanted != "NONE")
}
