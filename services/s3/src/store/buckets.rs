use haneul_kit::{AccountId, Result};
use haneul_store::{Range, Reads};

use super::tables::{BUCKETS, COMPLETED, CURRENT, DOORS, OWNED, STATES, STORED, UPLOADS, VERSIONS};
use super::{Records, metadata};
use crate::error::{self, Failure};
use crate::model::{BucketRecord, Versioning};

/// What CreateBucket found.
#[derive(Debug)]
pub(crate) enum Creation {
    Created,
    /// The name is taken, by this bucket.
    Taken(Box<BucketRecord>),
}

impl Records {
    pub(crate) async fn bucket(&self, name: &str) -> Result<Option<BucketRecord>> {
        self.store.get(&BUCKETS, name).await.map_err(error::store)
    }

    pub(crate) async fn create_bucket(&self, name: &str, record: &BucketRecord) -> Result<Creation> {
        let owner = AccountId::new(record.owner).unwrap_or_default();
        let done = self.store.transact(|tx| async move {
            if let Some(taken) = tx.get(&BUCKETS, name).await? {
                return Ok(Creation::Taken(Box::new(taken)));
            }
            tx.put(&BUCKETS, name, record)?;
            tx.put(&OWNED, &(owner, name), &())?;
            tx.put(&STATES, &record.id, &record.versioning.number())?;
            Ok::<_, Failure>(Creation::Created)
        });
        Ok(done.await?)
    }

    /// Deletes an empty bucket.
    pub(crate) async fn delete_bucket(&self, name: &str) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            let Some(record) = tx.get(&BUCKETS, name).await? else {
                return Err(Failure::Api(error::no_such_bucket(name)));
            };
            let id = record.id;
            let versioned = record.versioning != Versioning::Off;
            // Unfinished uploads do not keep a bucket: S3 lets it go only without them, too, but says the same.
            if !tx.scan_keys(&CURRENT, Range::prefix((id,)), 1).await?.is_empty()
                || !tx.scan_keys(&VERSIONS, Range::prefix((id,)), 1).await?.is_empty()
                || !tx.scan_keys(&UPLOADS, Range::prefix((id,)), 1).await?.is_empty()
            {
                return Err(Failure::Api(error::bucket_not_empty(name, versioned)));
            }
            if !tx.scan_keys(&DOORS, Range::prefix((id,)), 1).await?.is_empty() {
                return Err(Failure::Api(error::bucket_has_access_points(name)));
            }
            for (bucket, upload) in tx.scan_keys(&COMPLETED, Range::prefix((id,)), COMPLETED_MAX).await? {
                tx.delete(&COMPLETED, &(bucket, upload))?;
            }
            if let Some(metadata) = &record.features.metadata {
                metadata::close_in(&tx, metadata.feed).await?;
            }
            tx.delete(&BUCKETS, name)?;
            tx.delete(&OWNED, &(AccountId::new(record.owner).unwrap_or_default(), name))?;
            tx.delete(&STATES, &id)?;
            tx.delete(&STORED, name)?;
            Ok(())
        });
        Ok(done.await?)
    }

    /// Changes the record of a bucket. `change` may run more than once.
    pub(crate) async fn change_bucket(
        &self,
        name: &str,
        change: impl Fn(&mut BucketRecord) -> Result<()> + Sync,
    ) -> Result<()> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let Some(mut record) = tx.get(&BUCKETS, name).await? else {
                return Err(Failure::Api(error::no_such_bucket(name)));
            };
            let before = record.versioning;
            change(&mut record)?;
            tx.put(&BUCKETS, name, &record)?;
            if record.versioning != before {
                tx.put(&STATES, &record.id, &record.versioning.number())?;
            }
            Ok(())
        });
        Ok(done.await?)
    }

    /// Names of an account's buckets in order, after `after`, at most `limit`.
    pub(crate) async fn owned_buckets(
        &self,
        owner: AccountId,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        let mut range = Range::prefix((owner,)).text(prefix);
        if let Some(after) = after {
            range = range.after(&(owner, after));
        }
        let keys = self.store.scan_keys(&OWNED, range, limit).await.map_err(error::store)?;
        Ok(keys.into_iter().map(|(_, name)| name).collect())
    }

    /// Every bucket there is, page by page; for the tasks.
    pub(crate) async fn all_buckets(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, BucketRecord)>> {
        let range = match after {
            Some(after) => Range::all().after(after),
            None => Range::all(),
        };
        self.store.scan(&BUCKETS, range, limit).await.map_err(error::store)
    }
}

/// Remembered completions that go with their bucket; the reconciler removes any that are left.
const COMPLETED_MAX: usize = 10_000;
