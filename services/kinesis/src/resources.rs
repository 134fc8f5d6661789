//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, Arn, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::STREAMS;

const STREAM: Kind = Kind::new("kinesis:stream", "AWS::Kinesis::Stream");
pub(crate) const KINDS: &[Kind] = &[STREAM];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        rows(store, &STREAMS, (account, region), |(account, region, name), stream| {
            let arn = Arn::new("kinesis", region, account, format_args!("stream/{name}"));
            STREAM.resource(arn, stream.tags)
        })
        .await
    })
}
