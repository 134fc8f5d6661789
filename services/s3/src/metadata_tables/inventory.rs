use haneul_kit::{Instant, Result};
use haneul_s3_iceberg::{Schema, tables};

use super::journal::Outcome;
use super::listing::Listing;
use super::rows;
use crate::S3;
use crate::model::metadata::{MetadataFeed, TableError};
use crate::store::listing::{PAGE_MAX, Query};

const FILE_BYTES_MAX: usize = 64 << 20;

pub(crate) fn schema() -> Schema {
    tables::schema(&tables::INVENTORY)
}

impl S3 {
    /// Lists the bucket anew, and puts that in the place of what the table says.
    pub(crate) async fn write_inventory(
        &self,
        id: u64,
        feed: &mut MetadataFeed,
        now: Instant,
    ) -> Result<Outcome> {
        let table = feed.inventory.table.clone().unwrap_or_default();
        let Some(writer) = self.metadata_writer(feed, &table, now).await? else {
            return Ok(Outcome::Failed(TableError::DestinationTableNotFound));
        };
        let mut listing = Listing::new(self, &writer, schema(), FILE_BYTES_MAX)?;
        if let Err(error) = self.list_all(feed, &mut listing).await {
            listing.discard().await;
            return Err(error);
        }
        feed.is_stale = false;
        feed.listed_ms = now.millis();
        listing.commit((id, feed)).await
    }

    async fn list_all(&self, feed: &MetadataFeed, listing: &mut Listing<'_>) -> Result<()> {
        let versioning = self.records.bucket(&feed.bucket).await?.map(|record| record.versioning);
        let versioning = versioning.unwrap_or_default();
        let query = Query { bucket: feed.bucket_id, prefix: "", delimiter: "", limit: PAGE_MAX };
        let mut marker: (Option<String>, Option<String>) = (None, None);
        loop {
            let (key, version) = (marker.0.as_deref(), marker.1.as_deref());
            let (page, next_version) = self.records.list_versions(query, key, version).await?;
            for (key, record, _) in page.items {
                let row = rows::of_version(&feed.bucket, versioning, key, &record);
                listing.row(row).await?;
            }
            match page.next {
                Some(next) => marker = (Some(next), next_version),
                None => return listing.finish().await,
            }
        }
    }
}
