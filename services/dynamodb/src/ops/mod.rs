//! The API: one file for each operation, or for a few that belong together.

use std::sync::Arc;

use haneul_dynamodb_wire as wire;
use haneul_dynamodb_wire::operations::*;
use haneul_kit::{Platform, Result, Service};

use crate::store::Db;

mod access;
mod batch_get_item;
mod batch_write_item;
mod delete_item;
mod digest;
mod get_item;
mod limits;
mod metrics;
mod put_item;
mod query;
mod request;
mod scan;
mod select;
mod tables;
mod transact_get_items;
mod transact_write_items;
mod update_item;
mod update_table;

/// The state of the service.
pub struct Dynamodb {
    #[expect(dead_code, reason = "calls to other services come with exports")]
    platform: Platform,
    db: Db,
}

/// The APIs of this state: DynamoDB, and DynamoDB Streams.
pub async fn services(platform: &Platform) -> Result<Vec<Service>> {
    let db = Db::new(platform.store.clone(), platform.env.clone());
    let tokens = Arc::new(crate::tasks::tokens::Tokens::new(db.clone()));
    let upkeep = Arc::new(crate::tasks::upkeep::Upkeep::new(db.clone()));
    let state = Arc::new(Dynamodb { platform: platform.clone(), db });
    Ok(vec![
        Service::of(&wire::SERVICE, state.clone())
            .op::<BatchGetItem>()
            .op::<BatchWriteItem>()
            .op::<CreateTable>()
            .op::<DeleteItem>()
            .op::<DeleteTable>()
            .op::<DescribeEndpoints>()
            .op::<DescribeLimits>()
            .op::<DescribeTable>()
            .op::<GetItem>()
            .op::<ListTables>()
            .op::<PutItem>()
            .op::<Query>()
            .op::<Scan>()
            .op::<TransactGetItems>()
            .op::<TransactWriteItems>()
            .op::<UpdateItem>()
            .op::<UpdateTable>()
            .reconciler(tokens)
            .reconciler(upkeep)
            .build(),
        Service::of(&haneul_dynamodbstreams_wire::SERVICE, state).build(),
    ])
}
