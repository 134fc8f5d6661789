//! Item collection metrics: how large all items of one partition key are, with their entries in local indexes.

use haneul_dynamodb_wire::shapes::ItemCollectionMetrics;
use haneul_kit::Result;

use super::Dynamodb;
use crate::engine::keys;
use crate::store::read::{self, Span};
use crate::table::TableInfo;
use crate::value::{Attrs, Value, wire};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

impl Dynamodb {
    /// `None` when they were not asked for, or when the table has no local index.
    pub(super) async fn collection_metrics(
        &self,
        table: &TableInfo,
        key: &Attrs,
        wanted: Option<&str>,
    ) -> Result<Option<ItemCollectionMetrics>> {
        if wanted != Some("SIZE") || !table.has_local_indexes() {
            return Ok(None);
        }
        let partition: Vec<Value> =
            table.schema.hash.iter().filter_map(|attribute| key.get(&attribute.name).cloned()).collect();
        let local = table.indexes.iter().filter(|index| !index.record.global);
        let spaces = local.map(|index| index.record.space).chain([table.record.space]);
        let snapshot = self.db.snapshot().await?;
        let mut bytes = 0;
        for space in spaces {
            let prefix = keys::of_partition(space, &partition);
            let mut span = Span::prefix(prefix);
            loop {
                let page = read::page(&snapshot, table, span.clone(), usize::MAX).await?;
                bytes += page.entries.iter().map(|(_, size)| size).sum::<usize>();
                let (Some((last, _)), true) = (page.entries.last(), page.more) else { break };
                let at = table
                    .indexes
                    .iter()
                    .find(|index| index.record.space == space)
                    .and_then(|index| keys::of_entry(index, &table.schema, last))
                    .unwrap_or_else(|| keys::of_item(space, &table.schema, last));
                span = span.after(&at);
            }
        }
        let low = (bytes as f64 / GIB).floor();
        let entries = table.schema.hash.iter().zip(partition);
        let key: Attrs = entries.map(|(attribute, value)| (attribute.name.clone(), value)).collect();
        Ok(Some(ItemCollectionMetrics {
            item_collection_key: Some(wire::attrs_to_wire(key)),
            size_estimate_range_gb: Some(vec![low, low + 1.0]),
        }))
    }
}
