use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Range, Reads};

use super::Records;
use super::tables::{ACCESS_POINTS, ACCOUNT_BLOCKS, ALIASES, BUCKETS, DOORS};
use crate::error::{self, Failure};
use crate::model::PublicAccessBlock;
use crate::model::access_point::AccessPointRecord;

/// (account, Region, name)
pub(crate) type PointRow = (AccountId, Region, String);

impl Records {
    pub(crate) async fn account_block(&self, account: AccountId) -> Result<Option<PublicAccessBlock>> {
        self.store.get(&ACCOUNT_BLOCKS, &account).await.map_err(error::store)
    }

    pub(crate) async fn set_account_block(
        &self,
        account: AccountId,
        block: Option<&PublicAccessBlock>,
    ) -> Result<()> {
        match block {
            Some(block) => self.store.put(&ACCOUNT_BLOCKS, &account, block).await,
            None => self.store.delete(&ACCOUNT_BLOCKS, &account).await,
        }
        .map_err(error::store)
    }

    pub(crate) async fn access_point(&self, row: &PointRow) -> Result<Option<AccessPointRecord>> {
        self.store.get(&ACCESS_POINTS, row).await.map_err(error::store)
    }

    /// By a name that stands for a bucket's: the alias, or the name in a host.
    pub(crate) async fn access_point_by_alias(&self, alias: &str) -> Result<Option<AccessPointRecord>> {
        let Some(text) = self.store.get(&ALIASES, alias).await.map_err(error::store)? else {
            return Ok(None);
        };
        let mut parts = text.splitn(3, ' ');
        let (Some(account), Some(region), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return Ok(None);
        };
        let (Ok(account), Ok(region)) = (account.parse(), region.parse()) else { return Ok(None) };
        self.access_point(&(account, region, name.to_owned())).await
    }

    /// Gives false when there is one of that name.
    pub(crate) async fn create_access_point(
        &self,
        row: &PointRow,
        point: &AccessPointRecord,
    ) -> Result<bool> {
        let (account, region, name) = row;
        let done = self.store.transact(|tx| async move {
            if tx.get(&ACCESS_POINTS, row).await?.is_some() {
                return Ok(false);
            }
            let bucket = tx.get(&BUCKETS, &point.bucket).await?;
            if bucket.is_none_or(|bucket| bucket.id != point.bucket_id) {
                return Err(Failure::Api(no_bucket_to_reach("created")));
            }
            let target = format!("{account} {region} {name}");
            tx.put(&ACCESS_POINTS, row, point)?;
            tx.put(&ALIASES, &point.alias, &target)?;
            tx.put(&ALIASES, &host_name(point), &target)?;
            tx.put(&DOORS, &(point.bucket_id, target), &())?;
            Ok(true)
        });
        Ok(done.await?)
    }

    pub(crate) async fn change_access_point(
        &self,
        row: &PointRow,
        change: impl Fn(&mut AccessPointRecord) -> Result<()> + Sync,
    ) -> Result<()> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let Some(mut point) = tx.get(&ACCESS_POINTS, row).await? else {
                return Err(Failure::Api(no_such_access_point(&row.2)));
            };
            change(&mut point)?;
            tx.put(&ACCESS_POINTS, row, &point)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn delete_access_point(&self, row: &PointRow) -> Result<()> {
        let (account, region, name) = row;
        let done = self.store.transact(|tx| async move {
            let Some(point) = tx.get(&ACCESS_POINTS, row).await? else {
                return Err(Failure::Api(no_such_access_point(&row.2)));
            };
            tx.delete(&ACCESS_POINTS, row)?;
            tx.delete(&ALIASES, &point.alias)?;
            tx.delete(&ALIASES, &host_name(&point))?;
            tx.delete(&DOORS, &(point.bucket_id, format!("{account} {region} {name}")))?;
            Ok(())
        });
        Ok(done.await?)
    }

    /// The access points of an account in a Region, after the one named `after`.
    pub(crate) async fn access_points(
        &self,
        account: AccountId,
        region: Region,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<AccessPointRecord>> {
        let mut range = Range::prefix((account, region));
        if let Some(after) = after {
            range = range.after(&(account, region, after));
        }
        let rows = self.store.scan(&ACCESS_POINTS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|(_, point)| point).collect())
    }
}

/// How hosts name an access point: `name-account`.
fn host_name(point: &AccessPointRecord) -> String {
    format!("{}-{:012}", point.name, point.account)
}

/// `what` is what cannot be done without the bucket.
pub(crate) fn no_bucket_to_reach(what: &str) -> haneul_kit::ApiError {
    error::invalid_request(format!("Amazon S3 AccessPoint can only be {what} for existing bucket"))
}

pub(crate) fn no_such_access_point(name: &str) -> haneul_kit::ApiError {
    error::new("NoSuchAccessPoint", 404, "The specified accesspoint does not exist")
        .with_field("AccessPointName", name)
}
