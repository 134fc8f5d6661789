use haneul_kit::Result;
use haneul_store::{Range, Reads};

use super::Records;
use super::tables::{BUCKETS, INVENTORIES};
use crate::error::{self, Failure};
use crate::model::inventory::Inventory;

/// Configurations of a kind that a bucket may have.
const CONFIGURATIONS_MAX: usize = 1000;

impl Records {
    pub(crate) async fn inventory(&self, bucket: &str, id: &str) -> Result<Option<Inventory>> {
        self.store.get(&INVENTORIES, &(bucket, id)).await.map_err(error::store)
    }

    pub(crate) async fn put_inventory(&self, bucket: &str, id: &str, inventory: &Inventory) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            if tx.get(&BUCKETS, bucket).await?.is_none() {
                return Err(Failure::Api(error::no_such_bucket(bucket)));
            }
            let is_new = tx.get(&INVENTORIES, &(bucket, id)).await?.is_none();
            let range = Range::prefix((bucket,));
            if is_new
                && tx.scan_keys(&INVENTORIES, range, CONFIGURATIONS_MAX).await?.len() == CONFIGURATIONS_MAX
            {
                return Err(Failure::Api(error::too_many_configurations()));
            }
            tx.put(&INVENTORIES, &(bucket, id), inventory)?;
            Ok(())
        });
        Ok(done.await?)
    }

    /// Gives whether there was one.
    pub(crate) async fn delete_inventory(&self, bucket: &str, id: &str) -> Result<bool> {
        let done = self.store.transact(|tx| async move {
            let found = tx.get(&INVENTORIES, &(bucket, id)).await?.is_some();
            tx.delete(&INVENTORIES, &(bucket, id))?;
            Ok::<_, Failure>(found)
        });
        Ok(done.await?)
    }

    /// A bucket's, after the one named `after`.
    pub(crate) async fn inventories(
        &self,
        bucket: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Inventory)>> {
        let mut range = Range::prefix((bucket,));
        if let Some(after) = after {
            range = range.after(&(bucket, after));
        }
        let rows = self.store.scan(&INVENTORIES, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, id), inventory)| (id, inventory)).collect())
    }

    /// Every bucket's, for the task that makes them.
    pub(crate) async fn all_inventories(
        &self,
        after: Option<&(String, String)>,
        limit: usize,
    ) -> Result<Vec<((String, String), Inventory)>> {
        let range = match after {
            Some(after) => Range::all().after(after),
            None => Range::all(),
        };
        self.store.scan(&INVENTORIES, range, limit).await.map_err(error::store)
    }

    /// Notes when the next one is due, unless the configuration was changed or taken away meanwhile.
    pub(crate) async fn put_off_inventory(
        &self,
        row: &(String, String),
        before: &Inventory,
        next_s: i64,
    ) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            if tx.get(&INVENTORIES, row).await?.is_some_and(|kept| kept == *before) {
                tx.put(&INVENTORIES, row, &Inventory { next_s, ..before.clone() })?;
            }
            Ok::<_, Failure>(())
        });
        Ok(done.await?)
    }
}
