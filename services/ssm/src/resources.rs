//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::{FullName, PARAMETERS};

const PARAMETER: Kind = Kind::new("ssm", "AWS::SSM::Parameter");
pub(crate) const KINDS: &[Kind] = &[PARAMETER];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        rows(store, &PARAMETERS, (account, region), |(account, region, name), parameter| {
            PARAMETER.resource(FullName { account, region, name }.arn(), parameter.tags)
        })
        .await
    })
}
