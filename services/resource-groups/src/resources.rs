//! Which resources there are, for the tagging API and the groups themselves.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, Arn, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::GROUPS;

const GROUP: Kind = Kind::new("resource-groups", "AWS::ResourceGroups::Group");
pub(crate) const KINDS: &[Kind] = &[GROUP];

pub(crate) fn arn(account: AccountId, region: Region, name: &str) -> Arn {
    Arn::new("resource-groups", region, account, format_args!("group/{name}"))
}

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        rows(store, &GROUPS, (account, region), |(account, region, name), group| {
            GROUP.resource(arn(account, region, &name), group.tags)
        })
        .await
    })
}
