use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::S3;

/// Writes down the requests that were counted for S3 Storage Lens, also while buckets are walked over.
pub(super) struct Counts {
    s3: Arc<S3>,
}

impl Counts {
    pub(super) fn new(s3: Arc<S3>) -> Counts {
        Counts { s3 }
    }
}

impl Reconciler for Counts {
    fn name(&self) -> &'static str {
        "s3 activity"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            self.s3.activity.write(&self.s3.records, self.s3.platform.env.now()).await?;
            Ok(self.s3.activity.next())
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.activity
    }
}
