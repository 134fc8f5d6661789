//! BatchWriteItem. All writes go into one commit; what AWS promises is only that each is atomic by itself.

use std::sync::Arc;

use haneul_dynamodb_wire::operations::BatchWriteItem;
use haneul_dynamodb_wire::shapes::{BatchWriteItemInput, BatchWriteItemOutput, WriteRequest};
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::value::Map;

use super::Dynamodb;
use super::access::Facts;
use super::request::asks_for;
use crate::engine::capacity::Used;
use crate::engine::keys;
use crate::engine::plan::{Action, Write};
use crate::error::validation;
use crate::store::write::Batch;
use crate::table::TableInfo;
use crate::value::{size, wire};

/// Source: the API reference.
const WRITES_MAX: usize = 25;

impl Handle<BatchWriteItem> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &BatchWriteItemInput) -> Result<Vec<Access>> {
        let mut all = Vec::new();
        for (table, requests) in input.request_items.iter() {
            let of = |request: &'_ WriteRequest| -> Vec<String> {
                let put = request.put_request.iter().flat_map(|put| put.item.iter());
                let delete = request.delete_request.iter().flat_map(|delete| delete.key.iter());
                put.chain(delete).map(|(name, _)| name.to_owned()).collect()
            };
            let keys = requests.iter().flat_map(|request| {
                let put = request.put_request.as_ref().map(|put| &put.item);
                put.into_iter().chain(request.delete_request.as_ref().map(|delete| &delete.key))
            });
            let facts = Facts {
                keys: keys.collect(),
                attributes: requests.iter().flat_map(of).collect(),
                return_consumed_capacity: input.return_consumed_capacity.as_deref(),
                ..Facts::default()
            };
            all.push(self.on_items(cx, "dynamodb:BatchWriteItem", table, facts).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: BatchWriteItemInput) -> Result<BatchWriteItemOutput> {
        let count: usize = input.request_items.iter().map(|(_, requests)| requests.len()).sum();
        if count > WRITES_MAX {
            return Err(validation("Too many items requested for the BatchWriteItem call"));
        }
        let mut writes = Vec::with_capacity(count);
        let mut tables: Vec<(String, Arc<TableInfo>)> = Vec::new();
        let (mut unprocessed, mut throttled) = (Map::default(), None);
        for (given, requests) in input.request_items {
            let table = self.table(cx, &given).await?;
            if let Err(error) = self.db.admit_write(&table, || self.note_batch_throttled(&table, &requests)) {
                throttled = Some(error);
                unprocessed.0.push((given, requests));
                continue;
            }
            for request in requests {
                writes.push(write(&table, request)?);
            }
            // One that is named twice, by its name and its ARN, is told of once.
            if tables.iter().all(|(_, other)| other.record.space != table.record.space) {
                tables.push((given, table));
            }
        }
        if let (true, Some(error)) = (writes.is_empty(), throttled) {
            return Err(error);
        }
        for (i, write) in writes.iter().enumerate() {
            if writes[..i].iter().any(|other| other.at == write.at) {
                return Err(validation("Provided list of item keys contains duplicates"));
            }
        }
        let capacity = input.return_consumed_capacity.as_deref();
        let metrics = input.return_item_collection_metrics.as_deref();
        let keys: Vec<_> = writes.iter().map(|write| (write.table.record.space, write.key.clone())).collect();
        let batch = Batch { writes, wants_old: asks_for(capacity), ..Batch::default() };
        let outcomes = self.db.write(batch).await?;
        let (mut consumed, mut collections) = (Vec::new(), Map::default());
        for (given, table) in tables {
            let mut used = Used::default();
            let mut of_table = Vec::new();
            for ((space, key), outcome) in keys.iter().zip(&outcomes) {
                if *space != table.record.space {
                    continue;
                }
                used.add(&outcome.used);
                of_table.extend(self.collection_metrics(&table, key, metrics).await?);
            }
            consumed.extend(used.report(&table, capacity, None));
            if !of_table.is_empty() {
                collections.0.push((given, of_table));
            }
        }
        Ok(BatchWriteItemOutput {
            unprocessed_items: Some(unprocessed),
            item_collection_metrics: (!collections.is_empty()).then_some(collections),
            consumed_capacity: (!consumed.is_empty()).then_some(consumed),
        })
    }
}

impl Dynamodb {
    /// Counts the keys of writes that the table's throughput holds back.
    fn note_batch_throttled(&self, table: &Arc<TableInfo>, requests: &[WriteRequest]) {
        if table.record.insights.is_empty() {
            return;
        }
        for request in requests {
            if let Ok(write) = write(table, request.clone()) {
                self.db.note_throttled(table, None, &write.key);
            }
        }
    }
}

fn write(table: &Arc<TableInfo>, request: WriteRequest) -> Result<Write> {
    match (request.put_request, request.delete_request) {
        (Some(put), None) => {
            let item = wire::attrs(put.item)?;
            size::check(&item)?;
            keys::check_has_key(&table.schema, &item)?;
            Write::put(table.clone(), item, None)
        }
        (None, Some(delete)) => Write::of_key(table.clone(), wire::attrs(delete.key)?, Action::Delete, None),
        // AWS's words, which are those for attribute values.
        _ => Err(validation(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported \
             datatypes",
        )),
    }
}
