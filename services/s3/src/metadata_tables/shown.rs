//! A configuration as it is read back, with how far its tables are.

use haneul_s3_wire::shapes as s;

use crate::bucket::Bucket;
use crate::model::metadata::{MetadataFeed, TableError, TableProgress, TableStatus};
use crate::tables::BucketName;

fn lake(bucket: &Bucket, feed: &MetadataFeed) -> BucketName {
    BucketName { account: bucket.owner, region: bucket.region, name: feed.configuration.lake.clone() }
}

pub(crate) fn v2(bucket: &Bucket, feed: &MetadataFeed) -> s::MetadataConfigurationResult {
    let configuration = &feed.configuration;
    let lake = lake(bucket, feed);
    let arn = |progress: &TableProgress| progress.table.as_ref().map(|id| lake.table_arn(id));
    let journal = s::JournalTableConfigurationResult {
        table_status: status(feed.journal.status).to_owned(),
        error: error(&feed.journal),
        table_name: configuration.journal.name.clone(),
        table_arn: arn(&feed.journal),
        record_expiration: s::RecordExpiration {
            expiration: state(configuration.expiration_days.is_some()),
            days: configuration.expiration_days.map(|days| days as i32),
        },
    };
    let inventory = configuration.inventory.as_ref().filter(|inventory| inventory.enabled);
    let inventory = s::InventoryTableConfigurationResult {
        configuration_state: state(inventory.is_some()),
        table_status: inventory.map(|_| status(feed.inventory.status).to_owned()),
        error: inventory.and_then(|_| error(&feed.inventory)),
        table_name: inventory.map(|inventory| inventory.name.clone()),
        table_arn: inventory.and_then(|_| arn(&feed.inventory)),
    };
    let progress = &feed.annotations.table;
    let enabled = configuration.annotations.as_ref().filter(|own| own.table.enabled);
    let annotations = configuration.annotations.as_ref().map(|own| s::AnnotationTableConfigurationResult {
        configuration_state: state(enabled.is_some()),
        table_status: enabled.map(|_| status(progress.status).to_owned()),
        error: enabled.and_then(|_| error(progress)),
        table_name: enabled.map(|own| own.table.name.clone()),
        table_arn: enabled.and_then(|_| arn(progress)),
        role: Some(own.role.clone()).filter(|role| !role.is_empty()),
    });
    s::MetadataConfigurationResult {
        destination_result: s::DestinationResult {
            table_bucket_type: Some(if configuration.is_v1 { "customer" } else { "aws" }.to_owned()),
            table_bucket_arn: Some(lake.to_string()),
            table_namespace: Some(configuration.namespace.clone()),
        },
        journal_table_configuration_result: Some(journal),
        inventory_table_configuration_result: (!configuration.is_v1).then_some(inventory),
        annotation_table_configuration_result: annotations,
    }
}

pub(crate) fn v1(bucket: &Bucket, feed: &MetadataFeed) -> s::GetBucketMetadataTableConfigurationResult {
    let lake = lake(bucket, feed);
    let name = feed.configuration.journal.name.clone();
    // Until there is a table, there is no id of one.
    let id = feed.journal.table.clone().unwrap_or_else(|| name.clone());
    s::GetBucketMetadataTableConfigurationResult {
        metadata_table_configuration_result: s::MetadataTableConfigurationResult {
            s3_tables_destination_result: s::S3TablesDestinationResult {
                table_bucket_arn: lake.to_string(),
                table_arn: lake.table_arn(&id),
                table_name: name,
                table_namespace: feed.configuration.namespace.clone(),
            },
        },
        status: status(feed.journal.status).to_owned(),
        error: error(&feed.journal),
    }
}

fn state(is_on: bool) -> String {
    if is_on { "ENABLED" } else { "DISABLED" }.to_owned()
}

fn status(status: TableStatus) -> &'static str {
    match status {
        TableStatus::Creating => "CREATING",
        TableStatus::Backfilling => "BACKFILLING",
        TableStatus::Active => "ACTIVE",
        TableStatus::Failed => "FAILED",
    }
}

/// Source: S3 API Reference, ErrorDetails.
fn error(table: &TableProgress) -> Option<s::ErrorDetails> {
    let (code, message) = match table.error? {
        TableError::AccessDeniedCreatingResources => (
            "AccessDeniedCreatingResources",
            "You don't have sufficient permissions to create the required resources.",
        ),
        TableError::AccessDeniedWritingToTable => (
            "AccessDeniedWritingToTable",
            "Unable to write to the metadata table because of missing resource permissions.",
        ),
        TableError::DestinationTableNotFound => {
            ("DestinationTableNotFound", "The destination table doesn't exist.")
        }
        TableError::TableAlreadyExists => (
            "TableAlreadyExists",
            "The table that you specified already exists in the table bucket's namespace.",
        ),
        TableError::JournalTableAlreadyExists => (
            "JournalTableAlreadyExists",
            "A journal table already exists in the Amazon Web Services managed table bucket's namespace.",
        ),
        TableError::InventoryTableAlreadyExists => (
            "InventoryTableAlreadyExists",
            "An inventory table already exists in the Amazon Web Services managed table bucket's namespace.",
        ),
        TableError::JournalTableNotAvailable => (
            "JournalTableNotAvailable",
            "The journal table that the inventory table relies on has a FAILED status.",
        ),
        TableError::TableBucketNotFound => (
            "TableBucketNotFound",
            "The table bucket that you specified doesn't exist in this Amazon Web Services Region and account.",
        ),
    };
    Some(s::ErrorDetails { error_code: Some(code.to_owned()), error_message: Some(message.to_owned()) })
}
