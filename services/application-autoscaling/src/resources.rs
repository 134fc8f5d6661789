//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::TARGETS;
use crate::target::arn;

const TARGET: Kind =
    Kind::new("application-autoscaling:scalable-target", "AWS::ApplicationAutoScaling::ScalableTarget");
pub(crate) const KINDS: &[Kind] = &[TARGET];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        rows(store, &TARGETS, (account, region), |(account, region, ..), target| {
            TARGET.resource(arn(account, region, &target.id), target.tags)
        })
        .await
    })
}
