//! TransactGetItems: all items as of one moment.

use std::sync::Arc;

use haneul_dynamodb_wire::operations::TransactGetItems;
use haneul_dynamodb_wire::shapes::{
    AttributeValue, ItemResponse, TransactGetItemsInput, TransactGetItemsOutput,
};
use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_shape::value::Map;

use super::access::{Facts, named};
use super::get_item::projection;
use super::transact_write_items::cancelled;
use super::{Dynamodb, strong};
use crate::engine::capacity::{self, Direction, Used, UsedTables};
use crate::engine::keys;
use crate::engine::plan::Refusal;
use crate::error::validation;
use crate::store::read;
use crate::table::TableInfo;
use crate::value::{Attrs, size, wire};

impl Handle<TransactGetItems> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &TransactGetItemsInput) -> Result<Vec<Access>> {
        let mut all = Vec::new();
        for item in &input.transact_items {
            let get = &item.get;
            let facts = Facts {
                keys: vec![&get.key],
                attributes: named(
                    [get.projection_expression.as_ref()],
                    get.expression_attribute_names.as_ref(),
                    [],
                ),
                select: get.projection_expression.as_ref().map(|_| "SPECIFIC_ATTRIBUTES"),
                return_consumed_capacity: input.return_consumed_capacity.as_deref(),
                enclosing: Some("TransactGetItems"),
                ..Facts::default()
            };
            all.push(self.on_items(cx, "dynamodb:GetItem", &get.table_name, facts).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: TransactGetItemsInput) -> Result<TransactGetItemsOutput> {
        let mut reads: Vec<(Arc<TableInfo>, Vec<u8>, Attrs, _)> =
            Vec::with_capacity(input.transact_items.len());
        let mut reasons = Vec::with_capacity(reads.capacity());
        for item in input.transact_items {
            let get = item.get;
            let key = wire::attrs(get.key)?;
            // Names that are for nothing, a transaction does not mind.
            let names = get.expression_attribute_names.filter(|_| get.projection_expression.is_some());
            let projection = projection(get.projection_expression.as_deref(), None, names)?;
            let table = self.table(cx, &get.table_name).await?;
            strong::refuse(&table.record, strong::TRANSACTIONS)?;
            keys::check_empty(&table, &key)?;
            // A key that is none of the table's cancels the transaction, rather than being the request's fault.
            let wrong = keys::check_key(&table.schema, &key).err();
            let reason = |error: &ApiError| Refusal::Invalid(error.message().to_owned());
            reasons.push(wrong.as_ref().map(reason));
            if wrong.is_some() {
                continue;
            }
            let at = keys::of_item(table.record.space, &table.schema, &key);
            if reads.iter().any(|(_, other, ..)| *other == at) {
                return Err(validation("Transaction request cannot include multiple operations on one item"));
            }
            reads.push((table, at, key, projection));
        }
        if reasons.iter().any(Option::is_some) {
            return Err(cancelled(reasons, &[]));
        }
        reads.iter().try_for_each(|(table, _, key, _)| {
            let throttled = |_: &_| self.db.note_throttled(table, None, key);
            self.db.admit_read(table, None).inspect_err(throttled)
        })?;
        let snapshot = self.db.snapshot().await?;
        let mut responses = Vec::with_capacity(reads.len());
        let (mut sums, mut bytes) = (UsedTables::default(), 0);
        for (table, at, key, projection) in reads {
            let item = read::get(&snapshot, &table, &at).await?;
            let size = item.as_ref().map_or(0, size::of_item);
            bytes += size;
            size::check_transaction(bytes)?;
            let used = Used::of_table(capacity::of_read(size, true)).doubled();
            self.db.charge_read(&table, &used);
            self.db.note_read(&table, None, &key, used.table);
            sums.add(&table, &used);
            let item = match &projection {
                Some(projection) => item.map(|item| projection.apply(&item)),
                None => item,
            };
            responses.push(ItemResponse { item: shown(item) });
        }
        let wanted = input.return_consumed_capacity.as_deref();
        Ok(TransactGetItemsOutput {
            consumed_capacity: sums.report(wanted, Some(Direction::Read)),
            responses: Some(responses),
        })
    }
}

/// An item of which nothing was wanted that it has is not there.
pub(super) fn shown(item: Option<Attrs>) -> Option<Map<AttributeValue>> {
    item.filter(|item| !item.is_empty()).map(wire::attrs_to_wire)
}
