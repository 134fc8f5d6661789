use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Range, Reads};

use super::Records;
use super::access_points::{PointRow, no_such_access_point};
use super::tables::{OBJECT_LAMBDA_ALIASES, OBJECT_LAMBDA_POINTS};
use crate::error::{self, Failure};
use crate::model::object_lambda::ObjectLambdaRecord;

impl Records {
    pub(crate) async fn object_lambda_point(&self, row: &PointRow) -> Result<Option<ObjectLambdaRecord>> {
        self.store.get(&OBJECT_LAMBDA_POINTS, row).await.map_err(error::store)
    }

    pub(crate) async fn object_lambda_by_alias(&self, alias: &str) -> Result<Option<ObjectLambdaRecord>> {
        let Some(text) = self.store.get(&OBJECT_LAMBDA_ALIASES, alias).await.map_err(error::store)? else {
            return Ok(None);
        };
        let mut parts = text.splitn(3, ' ');
        let (Some(account), Some(region), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return Ok(None);
        };
        let (Ok(account), Ok(region)) = (account.parse(), region.parse()) else { return Ok(None) };
        self.object_lambda_point(&(account, region, name.to_owned())).await
    }

    /// Gives false when there is one of that name.
    pub(crate) async fn create_object_lambda(
        &self,
        row: &PointRow,
        point: &ObjectLambdaRecord,
    ) -> Result<bool> {
        let (account, region, name) = row;
        let done = self.store.transact(|tx| async move {
            if tx.get(&OBJECT_LAMBDA_POINTS, row).await?.is_some() {
                return Ok(false);
            }
            tx.put(&OBJECT_LAMBDA_POINTS, row, point)?;
            tx.put(&OBJECT_LAMBDA_ALIASES, &point.alias, &format!("{account} {region} {name}"))?;
            Ok::<_, Failure>(true)
        });
        Ok(done.await?)
    }

    pub(crate) async fn change_object_lambda(
        &self,
        row: &PointRow,
        change: impl Fn(&mut ObjectLambdaRecord) + Sync,
    ) -> Result<()> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let Some(mut point) = tx.get(&OBJECT_LAMBDA_POINTS, row).await? else {
                return Err(Failure::Api(no_such_access_point(&row.2)));
            };
            change(&mut point);
            tx.put(&OBJECT_LAMBDA_POINTS, row, &point)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn delete_object_lambda(&self, row: &PointRow) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            let Some(point) = tx.get(&OBJECT_LAMBDA_POINTS, row).await? else {
                return Err(Failure::Api(no_such_access_point(&row.2)));
            };
            tx.delete(&OBJECT_LAMBDA_POINTS, row)?;
            tx.delete(&OBJECT_LAMBDA_ALIASES, &point.alias)?;
            Ok(())
        });
        Ok(done.await?)
    }

    /// Those of an account in a Region, after the one named `after`.
    pub(crate) async fn object_lambda_points(
        &self,
        account: AccountId,
        region: Region,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ObjectLambdaRecord>> {
        let mut range = Range::prefix((account, region));
        if let Some(after) = after {
            range = range.after(&(account, region, after));
        }
        let rows = self.store.scan(&OBJECT_LAMBDA_POINTS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|(_, point)| point).collect())
    }
}
