//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, Arn, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::QUEUES;

const QUEUE: Kind = Kind::new("sqs", "AWS::SQS::Queue");
pub(crate) const KINDS: &[Kind] = &[QUEUE];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        rows(store, &QUEUES, (account, region), |(account, region, name), queue| {
            QUEUE.resource(Arn::new("sqs", region, account, name), queue.tags)
        })
        .await
    })
}
