//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, Arn, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::GROUPS;

const GROUP: Kind = Kind::new("logs", "AWS::Logs::LogGroup");
pub(crate) const KINDS: &[Kind] = &[GROUP];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        rows(store, &GROUPS, (account, region), |(account, region, name), group| {
            GROUP.resource(Arn::new("logs", region, account, format_args!("log-group:{name}")), group.tags)
        })
        .await
    })
}
