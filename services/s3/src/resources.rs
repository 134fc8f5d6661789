//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::{AccountId, Arn, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::{Range, Reads, Store};

use crate::store::tables::{BUCKETS, OWNED};

const BUCKET: Kind = Kind::new("s3", "AWS::S3::Bucket");
pub(crate) const KINDS: &[Kind] = &[BUCKET];

/// Buckets that an account may have.
const BUCKETS_MAX: usize = 10_000;

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        let mut all = Vec::new();
        for (_, name) in store.scan_keys(&OWNED, Range::prefix((account,)), BUCKETS_MAX).await? {
            let Some(bucket) = store.get(&BUCKETS, &name).await? else { continue };
            if bucket.region == region.as_str() {
                all.push(BUCKET.resource(Arn::bare("s3", name), bucket.tags));
            }
        }
        Ok(all)
    })
}
