//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::{STORES, TRAILS};
use crate::names::{store_arn, trail_arn};

const TRAIL: Kind = Kind::new("cloudtrail:trail", "AWS::CloudTrail::Trail");
const STORE: Kind = Kind::new("cloudtrail:eventdatastore", "AWS::CloudTrail::EventDataStore");
pub(crate) const KINDS: &[Kind] = &[TRAIL, STORE];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        let mut all = rows(store, &TRAILS, (account, region), |(account, region, name), trail| {
            TRAIL.resource(trail_arn(account, region, &name), trail.tags)
        })
        .await?;
        let stores = rows(store, &STORES, (account, region), |(account, region, id), store| {
            STORE.resource(store_arn(account, region, &id), store.tags)
        });
        all.extend(stores.await?);
        Ok(all)
    })
}
