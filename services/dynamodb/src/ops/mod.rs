//! The API: one file for each operation, or for a few that belong together.

use std::sync::Arc;

use haneul_dynamodb_wire as wire;
use haneul_dynamodb_wire::operations::*;
use haneul_dynamodbstreams_wire::operations::{DescribeStream, GetRecords, GetShardIterator, ListStreams};
use haneul_kit::{Platform, Result, Service};

use crate::store::Db;

mod access;
mod backups;
mod batch_get_item;
mod batch_write_item;
mod continuous_backups;
mod contributor_insights;
mod delete_item;
mod digest;
mod encryption;
mod execute_statement;
mod execute_transaction;
mod exports;
mod get_item;
mod global_table_settings;
mod global_tables;
mod imports;
mod kinesis_destinations;
mod limits;
mod metrics;
mod partiql;
mod put_item;
mod query;
mod replica_auto_scaling;
mod replicas;
mod request;
mod resource_policies;
mod scan;
mod select;
mod streams;
mod strong;
mod tables;
mod tags;
mod time_to_live;
mod transact_get_items;
mod transact_write_items;
mod update_item;
mod update_table;

pub(crate) use exports::{LISTED_MS as TRANSFERS_LISTED_MS, arn as transfer_arn};

/// The state of the service.
pub struct Dynamodb {
    platform: Platform,
    db: Db,
}

/// The APIs of this state: DynamoDB, and DynamoDB Streams.
pub async fn services(platform: &Platform) -> Result<Vec<Service>> {
    platform.tagged.add("dynamodb", crate::resources::KINDS, crate::resources::list);
    let db = Db::new(platform);
    platform
        .metrics
        .register(Arc::new(crate::metrics::provisioned::Provisioned::new(platform.store.clone())));
    let deliver = Arc::new(crate::tasks::deliver::Deliver::new(db.clone(), platform.clone()));
    let expire = Arc::new(crate::tasks::expire::Expire::new(db.clone()));
    let trim = Arc::new(crate::tasks::trim::Trim::new(db.clone()));
    let split = Arc::new(crate::tasks::split::Split::new(db.clone()));
    let tokens = Arc::new(crate::tasks::tokens::Tokens::new(db.clone()));
    let jobs = Arc::new(crate::tasks::jobs::Jobs::new(db.clone()));
    let replicate = Arc::new(crate::tasks::replicate::Replicate::new(db.clone()));
    let insights = Arc::new(crate::tasks::insights::Insights::new(db.clone()));
    let upkeep = Arc::new(crate::tasks::upkeep::Upkeep::new(db.clone()));
    let state = Arc::new(Dynamodb { platform: platform.clone(), db });
    let calls = Arc::new(crate::metrics::watch::Calls::new(platform.metrics.clone()));
    platform.meter.holds("dynamodb", &state, |state| Box::pin(crate::held::held(&state.db)));
    Ok(vec![
        Service::of(&wire::SERVICE, state.clone())
            .op::<BatchExecuteStatement>()
            .op::<BatchGetItem>()
            .op::<BatchWriteItem>()
            .op::<CreateBackup>()
            .op::<CreateGlobalTable>()
            .op::<CreateTable>()
            .op::<DeleteBackup>()
            .op::<DeleteItem>()
            .op::<DeleteResourcePolicy>()
            .op::<DeleteTable>()
            .op::<DescribeBackup>()
            .op::<DescribeContinuousBackups>()
            .op::<DescribeContributorInsights>()
            .op::<DescribeEndpoints>()
            .op::<DescribeExport>()
            .op::<DescribeGlobalTable>()
            .op::<DescribeGlobalTableSettings>()
            .op::<DescribeImport>()
            .op::<DescribeKinesisStreamingDestination>()
            .op::<DescribeLimits>()
            .op::<DescribeTable>()
            .op::<DescribeTableReplicaAutoScaling>()
            .op::<DescribeTimeToLive>()
            .op::<DisableKinesisStreamingDestination>()
            .op::<EnableKinesisStreamingDestination>()
            .op::<ExecuteStatement>()
            .op::<ExecuteTransaction>()
            .op::<ExportTableToPointInTime>()
            .op::<GetItem>()
            .op::<GetResourcePolicy>()
            .op::<ImportTable>()
            .op::<ListBackups>()
            .op::<ListContributorInsights>()
            .op::<ListExports>()
            .op::<ListGlobalTables>()
            .op::<ListImports>()
            .op::<ListTables>()
            .op::<ListTagsOfResource>()
            .op::<PutItem>()
            .op::<PutResourcePolicy>()
            .op::<Query>()
            .op::<RestoreTableFromBackup>()
            .op::<RestoreTableToPointInTime>()
            .op::<Scan>()
            .op::<TagResource>()
            .op::<TransactGetItems>()
            .op::<TransactWriteItems>()
            .op::<UntagResource>()
            .op::<UpdateContinuousBackups>()
            .op::<UpdateContributorInsights>()
            .op::<UpdateGlobalTable>()
            .op::<UpdateGlobalTableSettings>()
            .op::<UpdateItem>()
            .op::<UpdateKinesisStreamingDestination>()
            .op::<UpdateTable>()
            .op::<UpdateTableReplicaAutoScaling>()
            .op::<UpdateTimeToLive>()
            .reconciler(deliver)
            .reconciler(expire)
            .reconciler(insights)
            .reconciler(jobs)
            .reconciler(replicate)
            .reconciler(tokens)
            .reconciler(trim)
            .reconciler(split)
            .reconciler(upkeep)
            .watched(calls.clone())
            .build(),
        Service::of(&haneul_dynamodbstreams_wire::SERVICE, state)
            .op::<DescribeStream>()
            .op::<GetRecords>()
            .op::<GetShardIterator>()
            .op::<ListStreams>()
            .watched(calls)
            .build(),
    ])
}
