//! UpdateItem.

use std::sync::Arc;

use haneul_dynamodb_wire::operations::UpdateItem;
use haneul_dynamodb_wire::shapes::{UpdateItemInput, UpdateItemOutput};
use haneul_kit::{Access, Cx, Handle, Result};

use super::Dynamodb;
use super::access::{Facts, named};
use super::request::{asks_for, to_wire};
use crate::engine::plan::{Action, Outcome, Write};
use crate::expression::{Condition, Placeholders, Projection, Update, check_takers, legacy};
use crate::value::{Attrs, wire};

impl Handle<UpdateItem> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &UpdateItemInput) -> Result<Vec<Access>> {
        let updates = input.attribute_updates.iter().flat_map(|updates| updates.iter()).map(|(name, _)| name);
        let facts = Facts {
            keys: vec![&input.key],
            attributes: named(
                [input.update_expression.as_ref(), input.condition_expression.as_ref()],
                input.expression_attribute_names.as_ref(),
                input.key.iter().map(|(name, _)| name).chain(updates),
            ),
            return_values: input.return_values.as_deref(),
            return_consumed_capacity: input.return_consumed_capacity.as_deref(),
            ..Facts::default()
        };
        Ok(vec![self.on_items(cx, "dynamodb:UpdateItem", &input.table_name, facts).await?])
    }

    async fn call(&self, cx: &Cx, input: UpdateItemInput) -> Result<UpdateItemOutput> {
        let expressions = [
            ("UpdateExpression", input.update_expression.is_some()),
            ("ConditionExpression", input.condition_expression.is_some()),
        ];
        legacy::check_mix(
            &[
                ("AttributeUpdates", input.attribute_updates.is_some()),
                ("Expected", input.expected.is_some()),
                ("ConditionalOperator", input.conditional_operator.is_some()),
            ],
            &expressions,
        )?;
        let (names, values) = (input.expression_attribute_names, input.expression_attribute_values);
        check_takers(names.is_some(), values.is_some(), &expressions)?;
        let key = wire::attrs(input.key)?;
        let legacy_update = legacy::updates(input.attribute_updates.unwrap_or_default())?;
        let expected =
            legacy::expected(input.expected.unwrap_or_default(), input.conditional_operator.as_deref())?;
        let placeholders = Placeholders::of(names, values, &expressions)?;
        let update = match &input.update_expression {
            Some(expression) => Update::parse(expression, &placeholders)?,
            None => legacy_update,
        };
        let condition = match &input.condition_expression {
            Some(text) => Some(Condition::parse("ConditionExpression", text, &placeholders)?),
            None => expected,
        };
        placeholders.check_used()?;
        let table = self.table(cx, &input.table_name).await?;
        let touched = update.touched();
        let write = Write::of_key(table.clone(), key, Action::Update(update), condition)?;
        let (capacity, metrics) =
            (input.return_consumed_capacity.as_deref(), input.return_item_collection_metrics.as_deref());
        let key = asks_for(metrics).then(|| write.key.clone());
        let on_failure = input.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
        let done = self.db.write_one(write, true).await;
        let outcome = done.map_err(|failure| failure.into_api(on_failure))?;
        let consumed_capacity = outcome.used.report(&table, capacity, None);
        let attributes = returned(outcome, input.return_values.as_deref(), &touched);
        Ok(UpdateItemOutput {
            attributes: attributes.map(to_wire),
            consumed_capacity,
            item_collection_metrics: match key {
                Some(key) => self.collection_metrics(&table, &key, metrics).await?,
                None => None,
            },
        })
    }
}

/// What `ReturnValues` asks for; nothing, rather than an empty map.
fn returned(outcome: Outcome, wanted: Option<&str>, touched: &Projection) -> Option<Arc<Attrs>> {
    let part = |item: Option<Arc<Attrs>>| {
        let part = item.map(|item| touched.apply(&item)).filter(|attributes| !attributes.is_empty());
        part.map(Arc::new)
    };
    match wanted {
        Some("ALL_OLD") => outcome.old,
        Some("ALL_NEW") => outcome.new,
        Some("UPDATED_OLD") => part(outcome.old),
        Some("UPDATED_NEW") => part(outcome.new),
        _ => None,
    }
}
