//! BatchGetItem.

use haneul_dynamodb_wire::operations::BatchGetItem;
use haneul_dynamodb_wire::shapes::{BatchGetItemInput, BatchGetItemOutput, KeysAndAttributes};
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::value::Map;

use super::Dynamodb;
use super::access::{Facts, named};
use super::get_item::{check_given, projection};
use crate::engine::capacity::{self, Used, UsedTables};
use crate::engine::keys;
use crate::error::validation;
use crate::value::{Attrs, size, wire};

/// Source: the API reference.
const KEYS_MAX: usize = 100;

/// Decimal, since of 100 items of 300 KB AWS answers 52 "so as not to exceed the 16 MB limit".
const BYTES_MAX: usize = 16_000_000;

impl Handle<BatchGetItem> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &BatchGetItemInput) -> Result<Vec<Access>> {
        let mut all = Vec::new();
        for (table, request) in input.request_items.iter() {
            let specific = request.projection_expression.is_some() || request.attributes_to_get.is_some();
            let facts = Facts {
                keys: request.keys.iter().collect(),
                attributes: named(
                    [request.projection_expression.as_ref()],
                    request.expression_attribute_names.as_ref(),
                    request.attributes_to_get.iter().flatten().map(String::as_str),
                ),
                select: specific.then_some("SPECIFIC_ATTRIBUTES"),
                return_consumed_capacity: input.return_consumed_capacity.as_deref(),
                ..Facts::default()
            };
            all.push(self.on_items(cx, "dynamodb:BatchGetItem", table, facts).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: BatchGetItemInput) -> Result<BatchGetItemOutput> {
        let count: usize = input.request_items.iter().map(|(_, request)| request.keys.len()).sum();
        if count > KEYS_MAX {
            return Err(validation("Too many items requested for the BatchGetItem call"));
        }
        // Neither may two tables be asked for in either way.
        let requests = || input.request_items.iter().map(|(_, request)| request);
        check_given(
            requests().any(|request| request.projection_expression.is_some()),
            requests().any(|request| request.attributes_to_get.is_some()),
            false,
        )?;
        // Whatever is wrong with any request is said before any table is looked for.
        let mut asked = Vec::with_capacity(input.request_items.len());
        for (given, request) in input.request_items {
            let KeysAndAttributes {
                keys: wire_keys,
                attributes_to_get,
                projection_expression,
                expression_attribute_names,
                ..
            } = request.clone();
            check_given(
                projection_expression.is_some(),
                attributes_to_get.is_some(),
                expression_attribute_names.is_some(),
            )?;
            let mut wanted: Vec<Attrs> = Vec::with_capacity(wire_keys.len());
            for key in wire_keys {
                let key = wire::attrs(key)?;
                if wanted.contains(&key) {
                    return Err(validation("Provided list of item keys contains duplicates"));
                }
                wanted.push(key);
            }
            let projection =
                projection(projection_expression.as_deref(), attributes_to_get, expression_attribute_names)?;
            asked.push((given, request, wanted, projection));
        }
        let snapshot = self.db.snapshot().await?;
        let (mut responses, mut unprocessed, mut consumed) =
            (Map::default(), Map::default(), UsedTables::default());
        let (mut bytes, mut read, mut throttled) = (0, 0, None);
        for (given, request, wanted, projection) in asked {
            let table = self.table(cx, &given).await?;
            let mut places: Vec<Vec<u8>> = Vec::with_capacity(wanted.len());
            for key in &wanted {
                keys::check_key(&table.schema, key)?;
                places.push(keys::of_item(table.record.space, &table.schema, key));
            }
            let consistent = request.consistent_read.unwrap_or(false);
            let (mut used, mut items, mut left) = (Used::default(), Vec::new(), Vec::new());
            for (at, key) in places.iter().zip(wanted) {
                let note = |_: &_| self.db.note_throttled(&table, None, &key);
                let refused = self.db.admit_read(&table, None).inspect_err(note).err();
                if bytes > BYTES_MAX || refused.is_some() {
                    throttled = throttled.or(refused);
                    left.push(wire::attrs_to_wire(key));
                    continue;
                }
                let item = crate::store::read::get(&snapshot, &table, at).await?;
                let size = item.as_ref().map_or(0, size::of_item);
                bytes += size;
                // The item that is too many is not answered, nor any after it.
                if bytes > BYTES_MAX {
                    left.push(wire::attrs_to_wire(key));
                    continue;
                }
                let units = capacity::of_read(size, consistent);
                self.db.charge_read(&table, &Used::of_table(units));
                self.db.note_read(&table, None, &key, units);
                used.table += units;
                read += 1;
                if let Some(item) = item {
                    let item = match &projection {
                        Some(part) => part.apply(&item),
                        None => item,
                    };
                    items.push(wire::attrs_to_wire(item));
                }
            }
            responses.0.push((given.clone(), items));
            if !left.is_empty() {
                unprocessed.0.push((given, KeysAndAttributes { keys: left, ..request }));
            }
            consumed.add(&table, &used);
        }
        if let (0, Some(error)) = (read, throttled) {
            return Err(error);
        }
        Ok(BatchGetItemOutput {
            responses: Some(responses),
            unprocessed_keys: Some(unprocessed),
            consumed_capacity: consumed.report(input.return_consumed_capacity.as_deref(), None),
        })
    }
}
