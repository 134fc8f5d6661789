//! PutItem.

use haneul_dynamodb_wire::operations::PutItem;
use haneul_dynamodb_wire::shapes::{PutItemInput, PutItemOutput};
use haneul_kit::{Access, Cx, Handle, Result};

use super::Dynamodb;
use super::access::{Facts, named};
use super::request::{Conditional, asks_for, condition_only, returns_old_or_nothing};
use crate::engine::plan::Write;
use crate::table::name;
use crate::value::wire;

impl Handle<PutItem> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &PutItemInput) -> Result<Vec<Access>> {
        let facts = Facts {
            keys: vec![&input.item],
            attributes: named(
                [input.condition_expression.as_ref()],
                input.expression_attribute_names.as_ref(),
                input.item.iter().map(|(name, _)| name),
            ),
            return_values: input.return_values.as_deref(),
            return_consumed_capacity: input.return_consumed_capacity.as_deref(),
            ..Facts::default()
        };
        Ok(vec![self.on_items(cx, "dynamodb:PutItem", &input.table_name, facts).await?])
    }

    async fn call(&self, cx: &Cx, input: PutItemInput) -> Result<PutItemOutput> {
        let returns_old = returns_old_or_nothing(input.return_values.as_deref())?;
        let conditional = Conditional {
            expression: input.condition_expression.as_deref(),
            expected: input.expected,
            operator: input.conditional_operator.as_deref(),
        };
        let condition =
            condition_only(conditional, input.expression_attribute_names, input.expression_attribute_values)?;
        let item = wire::attrs(input.item)?;
        let table = self.db.table(&name::of(cx, &input.table_name)?).await?;
        let write = Write::put(table.clone(), item, condition)?;
        let (capacity, metrics) =
            (input.return_consumed_capacity.as_deref(), input.return_item_collection_metrics.as_deref());
        let key = write.key.clone();
        let on_failure = input.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
        let done = self.db.write_one(write, returns_old || asks_for(capacity)).await;
        let outcome = done.map_err(|failure| failure.into_api(on_failure))?;
        Ok(PutItemOutput {
            attributes: outcome.old.filter(|_| returns_old).map(wire::attrs_to_wire),
            consumed_capacity: outcome.used.report(&table, capacity, None),
            item_collection_metrics: self.collection_metrics(&table, &key, metrics).await?,
        })
    }
}
