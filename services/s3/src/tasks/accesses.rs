use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::S3;
use crate::model::tiering::{AccessTier, Tiered};
use crate::model::{Body, ObjectRecord};
use crate::store::aging::due_row;
use crate::tiering::{self, Accessed};

/// Writes down when objects of Intelligent-Tiering were read: whatever is read goes back to the frequent access tier.
pub(super) struct Noting {
    s3: Arc<S3>,
}

impl Noting {
    pub(super) fn new(s3: Arc<S3>) -> Noting {
        Noting { s3 }
    }

    async fn one(&self, (name, key, seq): &Accessed, at_s: i64) -> Result<()> {
        let bucket = match self.s3.bucket_anywhere(name, &None).await {
            Ok(bucket) => bucket,
            Err(error) if error.code() == "NoSuchBucket" => return Ok(()),
            Err(error) => return Err(error),
        };
        let set = |record: &mut ObjectRecord| {
            let same = record.seq == *seq;
            let watched = |body: &&mut Body| same && tiering::is_watched(body);
            let Some(body) = record.body.as_mut().filter(watched) else { return Ok(false) };
            body.tiered = Some(Tiered { accessed_s: at_s, tier: AccessTier::Frequent });
            body.restore = None;
            Ok(true)
        };
        // Of older versions only the name is known when they are read; they are found by their number.
        let Some(version) = self.s3.records.name_of(bucket.id(), key, *seq).await? else { return Ok(()) };
        let due = |_: &ObjectRecord| vec![due_row(tiering::first_due_s(at_s), name, key)];
        let records = &self.s3.records;
        records.change_object_due(bucket.id(), key, Some(&version), set, None, due).await.map(drop)
    }
}

impl Reconciler for Noting {
    fn name(&self) -> &'static str {
        "s3 accesses"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let mut failed = None;
            for (accessed, at_s) in self.s3.accesses.take() {
                if let Err(error) = self.one(&accessed, at_s).await {
                    // The others go on; this one is tried again.
                    self.s3.accesses.give_back(accessed, at_s);
                    failed = Some(error);
                }
            }
            failed.map_or(Ok(None), Err)
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.accesses
    }
}
