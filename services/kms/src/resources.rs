//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, Arn, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::KEYS;

const KEY: Kind = Kind::new("kms", "AWS::KMS::Key");
pub(crate) const KINDS: &[Kind] = &[KEY];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        rows(store, &KEYS, (account, region), |(account, region, id), key| {
            KEY.resource(Arn::new("kms", region, account, format_args!("key/{id}")), key.tags)
        })
        .await
    })
}
