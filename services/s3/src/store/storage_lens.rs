use std::collections::HashSet;

use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Batch, Range, Reads};

use super::Records;
use super::tables::{LENS_ACTIVITY, LENS_GROUPS, LENS_REPORTS, LENSES};
use crate::error::{self, Failure};
use crate::model::storage_lens::{ActivityDay, Lens, LensGroup, ReportPart};

/// (account, home Region, id)
pub(crate) type LensRow = (AccountId, Region, String);

/// Configurations, and groups, of an account in a home Region (S3 User Guide, "Understanding S3 Storage Lens").
const LENSES_MAX: usize = 50;

/// Rows that are read or deleted at once.
const BATCH: usize = 200;

impl Records {
    pub(crate) async fn lens(&self, row: &LensRow) -> Result<Option<Lens>> {
        self.store.get(&LENSES, row).await.map_err(error::store)
    }

    /// Makes or changes one; `change` is given what there is.
    pub(crate) async fn put_lens(
        &self,
        row: &LensRow,
        change: impl Fn(Option<Lens>) -> Lens + Sync,
    ) -> Result<()> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let found = tx.get(&LENSES, row).await?;
            if found.is_none() {
                let range = Range::prefix((row.0, row.1));
                if tx.scan_keys(&LENSES, range, LENSES_MAX).await?.len() == LENSES_MAX {
                    return Err(Failure::Api(too_many("Storage Lens configurations")));
                }
            }
            tx.put(&LENSES, row, &change(found))?;
            Ok(())
        });
        Ok(done.await?)
    }

    /// Changes one that is there; gives whether it is.
    pub(crate) async fn change_lens(&self, row: &LensRow, change: impl Fn(&mut Lens) + Sync) -> Result<bool> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let Some(mut lens) = tx.get(&LENSES, row).await? else { return Ok(false) };
            change(&mut lens);
            tx.put(&LENSES, row, &lens)?;
            Ok::<_, Failure>(true)
        });
        Ok(done.await?)
    }

    /// Gives whether there was one.
    pub(crate) async fn delete_lens(&self, row: &LensRow) -> Result<bool> {
        let done = self.store.transact(|tx| async move {
            let found = tx.get(&LENSES, row).await?.is_some();
            tx.delete(&LENSES, row)?;
            Ok::<_, Failure>(found)
        });
        let found = done.await?;
        self.forget_report(row).await?;
        Ok(found)
    }

    /// Those of an account in a Region, after the one named `after`.
    pub(crate) async fn lenses(
        &self,
        account: AccountId,
        region: Region,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Lens)>> {
        let mut range = Range::prefix((account, region));
        if let Some(after) = after {
            range = range.after(&(account, region, after));
        }
        let rows = self.store.scan(&LENSES, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, _, id), lens)| (id, lens)).collect())
    }

    pub(crate) async fn all_lenses(
        &self,
        after: Option<&LensRow>,
        limit: usize,
    ) -> Result<Vec<(LensRow, Lens)>> {
        let range = match after {
            Some(after) => Range::all().after(after),
            None => Range::all(),
        };
        self.store.scan(&LENSES, range, limit).await.map_err(error::store)
    }

    pub(crate) async fn lens_group(&self, row: &LensRow) -> Result<Option<LensGroup>> {
        self.store.get(&LENS_GROUPS, row).await.map_err(error::store)
    }

    pub(crate) async fn create_lens_group(&self, row: &LensRow, group: &LensGroup) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            if tx.get(&LENS_GROUPS, row).await?.is_some() {
                let message = "The specified configuration already exists.";
                return Err(Failure::Api(error::new("ConfigurationAlreadyExists", 409, message)));
            }
            let range = Range::prefix((row.0, row.1));
            if tx.scan_keys(&LENS_GROUPS, range, LENSES_MAX).await?.len() == LENSES_MAX {
                return Err(Failure::Api(too_many("Storage Lens group configurations")));
            }
            tx.put(&LENS_GROUPS, row, group)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn change_lens_group(
        &self,
        row: &LensRow,
        change: impl Fn(&mut LensGroup) -> Result<()> + Sync,
    ) -> Result<()> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let Some(mut group) = tx.get(&LENS_GROUPS, row).await? else {
                return Err(Failure::Api(no_such_lens()));
            };
            change(&mut group)?;
            tx.put(&LENS_GROUPS, row, &group)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn delete_lens_group(&self, row: &LensRow) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            if tx.get(&LENS_GROUPS, row).await?.is_none() {
                return Err(Failure::Api(no_such_lens()));
            }
            tx.delete(&LENS_GROUPS, row)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn lens_groups(
        &self,
        account: AccountId,
        region: Region,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, LensGroup)>> {
        let mut range = Range::prefix((account, region));
        if let Some(after) = after {
            range = range.after(&(account, region, after));
        }
        let rows = self.store.scan(&LENS_GROUPS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, _, name), group)| (name, group)).collect())
    }

    // Reports.

    pub(crate) async fn add_to_report(&self, row: &LensRow, number: u64, part: &ReportPart) -> Result<()> {
        let key = (row.0, row.1, row.2.clone(), number);
        self.store.put(&LENS_REPORTS, &key, part).await.map_err(error::store)
    }

    /// A part of a report, after the one numbered `after`.
    pub(crate) async fn report_part(
        &self,
        row: &LensRow,
        after: Option<u64>,
    ) -> Result<Option<(u64, ReportPart)>> {
        let mut range = Range::prefix((row.0, row.1, row.2.as_str()));
        if let Some(after) = after {
            range = range.after(&(row.0, row.1, row.2.as_str(), after));
        }
        let rows = self.store.scan(&LENS_REPORTS, range, 1).await.map_err(error::store)?;
        Ok(rows.into_iter().next().map(|((_, _, _, number), part)| (number, part)))
    }

    pub(crate) async fn forget_report(&self, row: &LensRow) -> Result<()> {
        loop {
            let range = Range::prefix((row.0, row.1, row.2.as_str()));
            let keys = self.store.scan_keys(&LENS_REPORTS, range, BATCH).await.map_err(error::store)?;
            let mut batch = Batch::default();
            for key in &keys {
                batch.delete(&LENS_REPORTS, key).map_err(error::store)?;
            }
            self.store.write(batch).await.map_err(error::store)?;
            if keys.len() < BATCH {
                return Ok(());
            }
        }
    }

    /// Forgets rows that nobody is to be told of: what deleting or changing a configuration, or a crash, has left.
    pub(crate) async fn forget_untold(&self) -> Result<()> {
        let mut after: Option<(AccountId, Region, String, u64)> = None;
        loop {
            let range = match &after {
                Some(after) => Range::all().after(after),
                None => Range::all(),
            };
            let found = self.store.scan_keys(&LENS_REPORTS, range, 1).await.map_err(error::store)?;
            let Some((account, region, id, _)) = found.into_iter().next() else { return Ok(()) };
            let row = (account, region, id);
            if self.lens(&row).await?.is_none_or(|lens| lens.pending.is_none()) {
                self.forget_report(&row).await?;
            }
            let (account, region, id) = row;
            after = Some((account, region, id, u64::MAX));
        }
    }

    // Activity.

    pub(crate) async fn add_activity(&self, bucket: u64, day: u64, values: &[(&str, u64)]) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            let mut kept = tx.get(&LENS_ACTIVITY, &(day, bucket)).await?.unwrap_or_default();
            for (name, value) in values {
                *kept.values.entry((*name).to_owned()).or_default() += value;
            }
            tx.put(&LENS_ACTIVITY, &(day, bucket), &kept)?;
            Ok::<_, Failure>(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn activity(&self, bucket: u64, day: u64) -> Result<ActivityDay> {
        let kept = self.store.get(&LENS_ACTIVITY, &(day, bucket)).await.map_err(error::store)?;
        Ok(kept.unwrap_or_default())
    }

    /// Forgets what was asked before a day.
    pub(crate) async fn forget_activity(&self, before: u64) -> Result<()> {
        loop {
            let range = Range::all().before(&(before, 0u64));
            let keys = self.store.scan_keys(&LENS_ACTIVITY, range, BATCH).await.map_err(error::store)?;
            let mut batch = Batch::default();
            for key in &keys {
                batch.delete(&LENS_ACTIVITY, key).map_err(error::store)?;
            }
            self.store.write(batch).await.map_err(error::store)?;
            if keys.len() < BATCH {
                return Ok(());
            }
        }
    }

    /// The accounts some configuration of which watches activity.
    pub(crate) async fn watching_accounts(&self) -> Result<HashSet<AccountId>> {
        let (mut watching, mut after) = (HashSet::new(), None);
        loop {
            let page = self.all_lenses(after.as_ref(), BATCH).await?;
            let active = page.iter().filter(|(_, lens)| lens.configuration.watches_activity());
            watching.extend(active.map(|(row, _)| row.0));
            if page.len() < BATCH {
                return Ok(watching);
            }
            after = page.into_iter().last().map(|(row, _)| row);
        }
    }
}

pub(crate) fn no_such_lens() -> haneul_kit::ApiError {
    error::new("NoSuchConfiguration", 404, "The specified configuration does not exist.")
}

fn too_many(what: &str) -> haneul_kit::ApiError {
    let message = format!("You have attempted to create more {what} than the {LENSES_MAX} allowed.");
    error::new("TooManyConfigurations", 400, message)
}
