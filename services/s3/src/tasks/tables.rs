use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use super::BATCH;
use crate::S3;
use crate::store::uploads::UploadAt;

/// Takes away the files of tables that are gone.
pub(super) struct Abandoned {
    s3: Arc<S3>,
}

impl Abandoned {
    pub(super) fn new(s3: Arc<S3>) -> Abandoned {
        Abandoned { s3 }
    }
}

impl Reconciler for Abandoned {
    fn name(&self) -> &'static str {
        "s3 abandoned tables"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let records = &self.s3.records;
            loop {
                let gone = records.abandoned(BATCH).await?;
                for objects in &gone {
                    while let Some(freed) = records.empty_warehouse(*objects).await? {
                        self.s3.content.free(freed).await;
                    }
                    loop {
                        let uploads = records.uploads_to(*objects, BATCH).await?;
                        for (bucket, key, upload_id) in &uploads {
                            let at = UploadAt { bucket: *bucket, bucket_name: "", key, upload_id };
                            let freed = records.abort_upload(at).await?;
                            self.s3.content.free(freed).await;
                        }
                        if uploads.len() < BATCH {
                            break;
                        }
                    }
                    records.forget_abandoned(*objects).await?;
                }
                if gone.len() < BATCH {
                    return Ok(None);
                }
            }
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.tables
    }
}
