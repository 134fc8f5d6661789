use haneul_kit::{AccountId, ApiError, Region, Result};
use haneul_store::{Range, Reads};

use super::Records;
use super::tables::{GRANTEES, GRANTS, GRANTS_INSTANCES, GRANTS_LOCATIONS};
use crate::error::{self, Failure};
use crate::model::grant::{Grant, GrantsInstance, GrantsLocation};

/// S3 User Guide, "S3 Access Grants limitations".
pub(crate) const LOCATIONS_MAX: u32 = 1000;
pub(crate) const GRANTS_MAX: u32 = 100_000;

pub(crate) type InstanceRow = (AccountId, Region);
/// (account, Region, id)
pub(crate) type GrantRow = (AccountId, Region, String);

const SCAN: usize = 1000;

impl Records {
    pub(crate) async fn grants_instance(&self, row: &InstanceRow) -> Result<Option<GrantsInstance>> {
        self.store.get(&GRANTS_INSTANCES, row).await.map_err(error::store)
    }

    pub(crate) async fn create_grants_instance(
        &self,
        row: &InstanceRow,
        instance: &GrantsInstance,
    ) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            if tx.get(&GRANTS_INSTANCES, row).await?.is_some() {
                let message = "Access Grants Instance already exists";
                return Err(Failure::Api(error::new("AccessGrantsInstanceAlreadyExists", 409, message)));
            }
            tx.put(&GRANTS_INSTANCES, row, instance)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn change_grants_instance(
        &self,
        row: &InstanceRow,
        change: impl Fn(&mut GrantsInstance) -> Result<()> + Sync,
    ) -> Result<()> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let Some(mut instance) = tx.get(&GRANTS_INSTANCES, row).await? else {
                return Err(Failure::Api(no_such_instance()));
            };
            change(&mut instance)?;
            tx.put(&GRANTS_INSTANCES, row, &instance)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn delete_grants_instance(&self, row: &InstanceRow) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            let Some(instance) = tx.get(&GRANTS_INSTANCES, row).await? else {
                return Err(Failure::Api(no_such_instance()));
            };
            if instance.locations > 0 {
                let message = "Please clean up locations before deleting the access grants instance";
                return Err(Failure::Api(error::new("AccessGrantsInstanceNotEmptyError", 400, message)));
            }
            tx.delete(&GRANTS_INSTANCES, row)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn grants_location(&self, row: &GrantRow) -> Result<Option<GrantsLocation>> {
        self.store.get(&GRANTS_LOCATIONS, row).await.map_err(error::store)
    }

    pub(crate) async fn create_grants_location(
        &self,
        row: &GrantRow,
        location: &GrantsLocation,
    ) -> Result<()> {
        let of = &(row.0, row.1);
        let done = self.store.transact(|tx| async move {
            let Some(mut instance) = tx.get(&GRANTS_INSTANCES, of).await? else {
                return Err(Failure::Api(no_such_instance()));
            };
            let there = tx.scan(&GRANTS_LOCATIONS, Range::prefix(*of), LOCATIONS_MAX as usize).await?;
            if there.iter().any(|(_, other)| other.scope == location.scope) {
                let message = "The specified access grants location already exists";
                return Err(Failure::Api(error::new("AccessGrantsLocationAlreadyExistsError", 409, message)));
            }
            if instance.locations >= LOCATIONS_MAX {
                let message = format!(
                    "The access grants location quota has been exceeded. Access Grants Locations Quota: \
                     {LOCATIONS_MAX}. Please reach out to S3 if an increase is required."
                );
                return Err(Failure::Api(error::new(
                    "AccessGrantsLocationsQuotaExceededError",
                    409,
                    message,
                )));
            }
            instance.locations += 1;
            tx.put(&GRANTS_INSTANCES, of, &instance)?;
            tx.put(&GRANTS_LOCATIONS, row, location)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn change_grants_location(
        &self,
        row: &GrantRow,
        change: impl Fn(&mut GrantsLocation) -> Result<()> + Sync,
    ) -> Result<GrantsLocation> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let Some(mut location) = tx.get(&GRANTS_LOCATIONS, row).await? else {
                return Err(Failure::Api(no_such_location()));
            };
            change(&mut location)?;
            tx.put(&GRANTS_LOCATIONS, row, &location)?;
            Ok(location)
        });
        Ok(done.await?)
    }

    pub(crate) async fn delete_grants_location(&self, row: &GrantRow) -> Result<()> {
        let of = &(row.0, row.1);
        let done = self.store.transact(|tx| async move {
            let Some(mut instance) = tx.get(&GRANTS_INSTANCES, of).await? else {
                return Err(Failure::Api(no_such_instance()));
            };
            let Some(location) = tx.get(&GRANTS_LOCATIONS, row).await? else {
                return Err(Failure::Api(no_such_location()));
            };
            if location.grants > 0 {
                let message = "Please clean up access grants before deleting access grants location";
                return Err(Failure::Api(error::new("AccessGrantsLocationNotEmptyError", 400, message)));
            }
            instance.locations = instance.locations.saturating_sub(1);
            tx.put(&GRANTS_INSTANCES, of, &instance)?;
            tx.delete(&GRANTS_LOCATIONS, row)?;
            Ok(())
        });
        Ok(done.await?)
    }

    /// The locations of an instance, after the one with the id `after`.
    pub(crate) async fn grants_locations(
        &self,
        row: InstanceRow,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, GrantsLocation)>> {
        let mut range = Range::prefix(row);
        if let Some(after) = after {
            range = range.after(&(row.0, row.1, after));
        }
        let rows = self.store.scan(&GRANTS_LOCATIONS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, _, id), location)| (id, location)).collect())
    }

    pub(crate) async fn grant(&self, row: &GrantRow) -> Result<Option<Grant>> {
        self.store.get(&GRANTS, row).await.map_err(error::store)
    }

    pub(crate) async fn create_grant(&self, row: &GrantRow, grant: &Grant) -> Result<()> {
        let of = &(row.0, row.1);
        let at = &(row.0, row.1, grant.location.clone());
        let index = &(row.0, row.1, of_grantee(grant));
        let done = self.store.transact(|tx| async move {
            let Some(mut instance) = tx.get(&GRANTS_INSTANCES, of).await? else {
                return Err(Failure::Api(no_such_instance()));
            };
            // It was there when the grant's scope was made of it; gone since, it is as one that never was.
            let Some(mut location) = tx.get(&GRANTS_LOCATIONS, at).await? else {
                return Err(Failure::Api(no_such_location()));
            };
            if tx.get(&GRANTEES, index).await?.is_some() {
                let message = "The specified access grant already exists";
                return Err(Failure::Api(error::new("AccessGrantAlreadyExists", 409, message)));
            }
            if instance.grants >= GRANTS_MAX {
                let message = format!(
                    "The access grants quota has been exceeded. Access Grants Quota: {GRANTS_MAX}. Please reach out \
                     to S3 if an increase is required."
                );
                return Err(Failure::Api(error::new("AccessGrantsQuotaExceededError", 409, message)));
            }
            instance.grants += 1;
            location.grants += 1;
            tx.put(&GRANTS_INSTANCES, of, &instance)?;
            tx.put(&GRANTS_LOCATIONS, at, &location)?;
            tx.put(&GRANTS, row, grant)?;
            tx.put(&GRANTEES, index, &row.2)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn change_grant(
        &self,
        row: &GrantRow,
        change: impl Fn(&mut Grant) -> Result<()> + Sync,
    ) -> Result<()> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let Some(mut grant) = tx.get(&GRANTS, row).await? else {
                return Err(Failure::Api(no_such_grant()));
            };
            change(&mut grant)?;
            tx.put(&GRANTS, row, &grant)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn delete_grant(&self, row: &GrantRow) -> Result<()> {
        let of = &(row.0, row.1);
        let done = self.store.transact(|tx| async move {
            let Some(mut instance) = tx.get(&GRANTS_INSTANCES, of).await? else {
                return Err(Failure::Api(no_such_instance()));
            };
            let Some(grant) = tx.get(&GRANTS, row).await? else {
                return Err(Failure::Api(no_such_grant()));
            };
            let at = (row.0, row.1, grant.location.clone());
            if let Some(mut location) = tx.get(&GRANTS_LOCATIONS, &at).await? {
                location.grants = location.grants.saturating_sub(1);
                tx.put(&GRANTS_LOCATIONS, &at, &location)?;
            }
            instance.grants = instance.grants.saturating_sub(1);
            tx.put(&GRANTS_INSTANCES, of, &instance)?;
            tx.delete(&GRANTS, row)?;
            tx.delete(&GRANTEES, &(row.0, row.1, of_grantee(&grant)))?;
            Ok(())
        });
        Ok(done.await?)
    }

    /// The grants of an instance, after the one with the id `after`.
    pub(crate) async fn grants(
        &self,
        row: InstanceRow,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Grant)>> {
        let mut range = Range::prefix(row);
        if let Some(after) = after {
            range = range.after(&(row.0, row.1, after));
        }
        let rows = self.store.scan(&GRANTS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, _, id), grant)| (id, grant)).collect())
    }

    /// The grants of one user or role, by scope, after the place `after` that came with the one before.
    pub(crate) async fn grants_of(
        &self,
        row: InstanceRow,
        grantee: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Grant)>> {
        let mut range = Range::prefix(row).text(&format!("{grantee} "));
        if let Some(after) = after {
            range = range.after(&(row.0, row.1, after));
        }
        let rows = self.store.scan(&GRANTEES, range, limit).await.map_err(error::store)?;
        let mut found = Vec::with_capacity(rows.len());
        for ((_, _, place), id) in rows {
            // Deleted meanwhile, perhaps.
            if let Some(grant) = self.grant(&(row.0, row.1, id)).await? {
                found.push((place, grant));
            }
        }
        Ok(found)
    }

    /// The grant of `grantee` with the longest scope of those that `covers` takes, all of them in `bucket`.
    pub(crate) async fn closest_grant(
        &self,
        row: InstanceRow,
        grantee: &str,
        bucket: &str,
        covers: impl Fn(&Grant) -> bool,
    ) -> Result<Option<Grant>> {
        let within = format!("{grantee} {bucket}/");
        let mut best: Option<Grant> = None;
        let mut after: Option<String> = None;
        loop {
            let mut range = Range::prefix(row).text(&within);
            if let Some(after) = &after {
                range = range.after(&(row.0, row.1, after.as_str()));
            }
            let rows = self.store.scan(&GRANTEES, range, SCAN).await.map_err(error::store)?;
            let more = rows.len() == SCAN;
            for ((_, _, place), id) in rows {
                if let Some(grant) = self.grant(&(row.0, row.1, id)).await?
                    && covers(&grant)
                    && best.as_ref().is_none_or(|best| rank(best) < rank(&grant))
                {
                    best = Some(grant);
                }
                after = Some(place);
            }
            if !more {
                return Ok(best);
            }
        }
    }
}

/// The longer, the closer; of one object before of a prefix.
fn rank(grant: &Grant) -> (usize, bool) {
    (grant.key.len(), !grant.is_prefix)
}

/// Where a grant is among those of its grantee. Names in IAM have no spaces, and paths no line breaks.
fn of_grantee(grant: &Grant) -> String {
    let kind = if grant.is_prefix { '*' } else { '=' };
    let permission = grant.permission.as_str();
    format!("{} {}/{}\n{kind}{permission}", grant.grantee, grant.bucket, grant.key)
}

pub(crate) fn no_such_instance() -> ApiError {
    error::new("AccessGrantsInstanceNotExistsError", 404, "Access Grants Instance does not exist")
}

pub(crate) fn no_such_location() -> ApiError {
    let message = "The specified access grants location does not exist";
    error::new("NoSuchAccessGrantsLocationError", 404, message)
}

pub(crate) fn no_such_grant() -> ApiError {
    error::new("NoSuchAccessGrantError", 404, "The specified access grant does not exist")
}
