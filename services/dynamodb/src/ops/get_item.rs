//! GetItem.

use haneul_dynamodb_wire::operations::GetItem;
use haneul_dynamodb_wire::shapes::{GetItemInput, GetItemOutput};
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::value::Map;

use super::Dynamodb;
use super::access::{Facts, named};
use crate::engine::capacity::{self, Used};
use crate::engine::keys;
use crate::error::invalid;
use crate::expression::{Placeholders, Projection, check_takers, legacy};
use crate::value::{size, wire};

impl Handle<GetItem> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &GetItemInput) -> Result<Vec<Access>> {
        let specific = input.projection_expression.is_some() || input.attributes_to_get.is_some();
        let facts = Facts {
            keys: vec![&input.key],
            attributes: named(
                [input.projection_expression.as_ref()],
                input.expression_attribute_names.as_ref(),
                input.attributes_to_get.iter().flatten().map(String::as_str),
            ),
            select: specific.then_some("SPECIFIC_ATTRIBUTES"),
            return_consumed_capacity: input.return_consumed_capacity.as_deref(),
            ..Facts::default()
        };
        Ok(vec![self.on_items(cx, "dynamodb:GetItem", &input.table_name, facts).await?])
    }

    async fn call(&self, cx: &Cx, input: GetItemInput) -> Result<GetItemOutput> {
        check_given(
            input.projection_expression.is_some(),
            input.attributes_to_get.is_some(),
            input.expression_attribute_names.is_some(),
        )?;
        let key = wire::attrs(input.key)?;
        let projection = projection(
            input.projection_expression.as_deref(),
            input.attributes_to_get,
            input.expression_attribute_names,
        )?;
        let table = self.table(cx, &input.table_name).await?;
        keys::check_key(&table.schema, &key)?;
        let throttled = |_: &_| self.db.note_throttled(&table, None, &key);
        self.db.admit_read(&table, None).inspect_err(throttled)?;
        let item = self.db.get(&table, &keys::of_item(table.record.space, &table.schema, &key)).await?;
        let bytes = item.as_ref().map_or(0, size::of_item);
        let used = Used::of_table(capacity::of_read(bytes, input.consistent_read.unwrap_or(false)));
        self.db.charge_read(&table, &used);
        self.db.note_read(&table, None, &key, used.table);
        let item = match &projection {
            Some(projection) => item.map(|item| projection.apply(&item)),
            None => item,
        };
        Ok(GetItemOutput {
            item: item.map(wire::attrs_to_wire),
            consumed_capacity: used.report(&table, input.return_consumed_capacity.as_deref(), None),
        })
    }
}

/// What a read that has no other expression cannot be given together.
pub(super) fn check_given(expression: bool, attributes_to_get: bool, names: bool) -> Result<()> {
    let expressions = [("ProjectionExpression", expression)];
    legacy::check_mix(&[("AttributesToGet", attributes_to_get)], &expressions)?;
    check_takers(names, false, &expressions)
}

/// Of a read that has no other expression.
pub(super) fn projection(
    expression: Option<&str>,
    attributes_to_get: Option<Vec<String>>,
    names: Option<Map<String>>,
) -> Result<Option<Projection>> {
    check_given(expression.is_some(), attributes_to_get.is_some(), names.is_some())?;
    let placeholders = Placeholders::of(names, None, &[("ProjectionExpression", expression.is_some())])?;
    if let Some(expression) = expression {
        let projection = Projection::parse(expression, &placeholders)?;
        placeholders.check_used()?;
        return Ok(Some(projection));
    }
    attributes_to_get.map(|names| of_attributes(&names)).transpose()
}

pub(super) fn of_attributes(names: &[String]) -> Result<Projection> {
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            return Err(invalid(format!("Duplicate value in attribute name: {name}")));
        }
    }
    Ok(Projection::of_attributes(names))
}
