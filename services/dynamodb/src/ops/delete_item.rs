//! DeleteItem.

use haneul_dynamodb_wire::operations::DeleteItem;
use haneul_dynamodb_wire::shapes::{DeleteItemInput, DeleteItemOutput};
use haneul_kit::{Access, Cx, Handle, Result};

use super::Dynamodb;
use super::access::{Facts, named};
use super::request::{Written, parameters};
use crate::engine::plan::{Action, Write};
use crate::value::wire;

impl Handle<DeleteItem> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &DeleteItemInput) -> Result<Vec<Access>> {
        let facts = Facts {
            keys: vec![&input.key],
            attributes: named(
                [input.condition_expression.as_ref()],
                input.expression_attribute_names.as_ref(),
                input.key.iter().map(|(name, _)| name),
            ),
            return_values: input.return_values.as_deref(),
            return_consumed_capacity: input.return_consumed_capacity.as_deref(),
            ..Facts::default()
        };
        Ok(vec![self.on_items(cx, "dynamodb:DeleteItem", &input.table_name, facts).await?])
    }

    async fn call(&self, cx: &Cx, input: DeleteItemInput) -> Result<DeleteItemOutput> {
        let parameters = parameters!(input);
        parameters.check()?;
        let key = wire::attrs(input.key)?;
        let write = |table, condition| Write::of_key(table, key, Action::Delete, condition);
        let Written { attributes, consumed_capacity, item_collection_metrics } =
            self.write_item(cx, parameters, write).await?;
        Ok(DeleteItemOutput { attributes, consumed_capacity, item_collection_metrics })
    }
}
