//! PutItem.

use haneul_dynamodb_wire::operations::PutItem;
use haneul_dynamodb_wire::shapes::{PutItemInput, PutItemOutput};
use haneul_kit::{Access, Cx, Handle, Result};

use super::Dynamodb;
use super::access::{Facts, named};
use super::request::{Written, parameters};
use crate::engine::plan::Write;
use crate::value::{size, wire};

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
        let parameters = parameters!(input);
        parameters.check()?;
        let item = wire::attrs(input.item)?;
        parameters.returns_old()?;
        size::check(&item)?;
        let write = |table, condition| Write::put(table, item, condition);
        let Written { attributes, consumed_capacity, item_collection_metrics } =
            self.write_item(cx, parameters, write).await?;
        Ok(PutItemOutput { attributes, consumed_capacity, item_collection_metrics })
    }
}
