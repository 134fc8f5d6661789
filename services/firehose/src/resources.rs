//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::firehose::arn;
use crate::model::STREAMS;

const STREAM: Kind = Kind::new("firehose:deliverystream", "AWS::KinesisFirehose::DeliveryStream");
pub(crate) const KINDS: &[Kind] = &[STREAM];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        rows(store, &STREAMS, (account, region), |(account, region, name), stream| {
            STREAM.resource(arn(&(account, region, name)), stream.tags)
        })
        .await
    })
}
