//! The tables of a configuration come to be: S3 makes them on the account of the bucket's owner.

use haneul_kit::{ApiError, Cx, Instant, Result};
use serde_json::json;

use super::writing::is_refusal;
use super::{PRINCIPAL, annotations, inventory, journal};
use crate::S3;
use crate::model::metadata::{MetadataFeed, TableError, TableStatus};
use crate::model::table::{Namespace, TableBucket, TableRecord};
use crate::store::metadata::NewMetadataTable;
use crate::tables::BucketName;

/// One of a configuration's tables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Journal,
    Inventory,
    Annotations,
}

impl S3 {
    /// Makes a table, or says for good why it cannot be made.
    pub(crate) async fn make_table(
        &self,
        id: u64,
        feed: &MetadataFeed,
        which: Which,
        now: Instant,
    ) -> Result<std::result::Result<(), TableError>> {
        let cx = self.metadata_cx(feed, now)?;
        let lake = BucketName::own(&cx, &feed.configuration.lake);
        let rng = &self.platform.env.rng;
        let (configured, schema) = match which {
            Which::Journal => (Some(&feed.configuration.journal), journal::schema()),
            Which::Inventory => (feed.configuration.inventory.as_ref(), inventory::schema()),
            Which::Annotations => {
                (feed.configuration.annotations.as_ref().map(|own| &own.table), annotations::schema())
            }
        };
        let configured = configured.ok_or_else(|| ApiError::internal("a table that is not configured"))?;
        let mut table = TableRecord {
            managed_by: Some(PRINCIPAL.to_owned()),
            encryption: configured.encryption.clone(),
            ..self.new_table(String::new(), cx.account(), now)
        };
        table.policy = Some(policy(&cx, &lake.table_arn(&table.id)));
        let (location, metadata) = match self
            .first_metadata(&cx, cx.account(), &table, schema, Default::default())
            .await
        {
            Ok(first) => first,
            Err(refused) if is_refusal(&refused) => {
                tracing::warn!(error = %refused, bucket = feed.bucket, "a table of S3 Metadata cannot be encrypted");
                return Ok(Err(TableError::AccessDeniedCreatingResources));
            }
            Err(error) => return Err(error),
        };
        table.metadata_location = Some(location);
        let managed =
            TableBucket { id: rng.uuid(), created_ms: now.millis(), managed: true, ..TableBucket::default() };
        let namespace =
            Namespace { id: rng.uuid(), created_ms: now.millis(), created_by: cx.account().number() };
        let new = NewMetadataTable {
            feed: id,
            lake: &lake.row(),
            managed: (!feed.configuration.is_v1).then_some(&managed),
            namespace: (&feed.configuration.namespace, &namespace),
            name: &configured.name,
            table: &table,
            metadata: &metadata,
            now,
        };
        let made = self
            .records
            .make_metadata_table(&new, |feed| {
                let (progress, status) = match which {
                    Which::Journal => (&mut feed.journal, TableStatus::Active),
                    Which::Inventory => (&mut feed.inventory, TableStatus::Backfilling),
                    Which::Annotations => (&mut feed.annotations.table, TableStatus::Backfilling),
                };
                progress.table = Some(table.id.clone());
                progress.status = status;
            })
            .await;
        if !matches!(made, Ok(Ok(()))) {
            self.discard_files(std::slice::from_ref(&metadata)).await;
        }
        let is_v1 = feed.configuration.is_v1;
        Ok(made?.map_err(|error| match (error, which) {
            (TableError::TableAlreadyExists, Which::Journal) if !is_v1 => {
                TableError::JournalTableAlreadyExists
            }
            (TableError::TableAlreadyExists, Which::Inventory) => TableError::InventoryTableAlreadyExists,
            (error, _) => error,
        }))
    }
}

/// What lets S3 Metadata write the table: without it, it does not.
fn policy(cx: &Cx, arn: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": PRINCIPAL },
            "Action": [
                "s3tables:GetTable",
                "s3tables:GetTableData",
                "s3tables:GetTableMetadataLocation",
                "s3tables:PutTableData",
                "s3tables:UpdateTableMetadataLocation",
            ],
            "Resource": arn,
            "Condition": { "StringEquals": { "aws:SourceAccount": cx.account().to_string() } },
        }],
    })
    .to_string()
}
