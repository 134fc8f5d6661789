//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, Arn, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::TABLES;

const TABLE: Kind = Kind::new("dynamodb", "AWS::DynamoDB::Table");
pub(crate) const KINDS: &[Kind] = &[TABLE];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        rows(store, &TABLES, (account, region), |(account, region, name), table| {
            TABLE.resource(Arn::new("dynamodb", region, account, format_args!("table/{name}")), table.tags)
        })
        .await
    })
}
