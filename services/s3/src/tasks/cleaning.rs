use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use super::BATCH;
use crate::S3;

/// How long the same CompleteMultipartUpload again gets the same answer.
const COMPLETED_REMEMBERED_S: i64 = 24 * 3600;

/// Frees what is no longer needed: once after a start, the blobs that a crash left without a record; then those that
/// a reader had kept, or a storage pool that was not there; and, daily, completions that were remembered long enough.
pub(super) struct Cleaning {
    s3: Arc<S3>,
    swept: AtomicBool,
}

impl Cleaning {
    pub(super) fn new(s3: Arc<S3>) -> Cleaning {
        Cleaning { s3, swept: AtomicBool::new(false) }
    }

    /// Gives when the next one falls due.
    async fn forget_completions(&self, now: Instant) -> Result<Option<i64>> {
        let records = &self.s3.records;
        let mut after = None;
        let mut next: Option<i64> = None;
        loop {
            let rows = records.completed(after.as_ref(), BATCH).await?;
            for (row, completed) in &rows {
                let due_s = completed.completed_ms.div_euclid(1000) + COMPLETED_REMEMBERED_S;
                if due_s <= now.secs() {
                    records.forget_completed(row).await?;
                } else {
                    next = Some(next.map_or(due_s, |next| next.min(due_s)));
                }
            }
            after = rows.last().map(|(row, _)| row.clone());
            if rows.len() < BATCH {
                return Ok(next);
            }
        }
    }
}

impl Reconciler for Cleaning {
    fn name(&self) -> &'static str {
        "s3 cleaning"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            if !self.swept.load(Ordering::Acquire) {
                self.s3.content.retire_freed().await?;
                let swept = self.s3.content.sweep().await?;
                self.swept.store(true, Ordering::Release);
                if swept.removed > 0 {
                    tracing::info!(
                        removed = swept.removed,
                        kept = swept.kept,
                        "removed blobs that no object owns"
                    );
                }
            }
            self.s3.content.delete_left().await?;
            let readers = &self.s3.content.readers;
            let gathered = readers.gathered_until(self.s3.platform.env.now());
            if gathered.is_none() {
                self.s3.content.delete_retired().await;
            }
            self.s3.content.forget_deleted().await?;
            let now = self.s3.platform.env.now();
            let next_s = self.forget_completions(now).await?;
            // Those that are completed from now on fall due within a day.
            let tomorrow_s = now.secs() + COMPLETED_REMEMBERED_S;
            let next = Instant::from_secs(next_s.map_or(tomorrow_s, |next| next.min(tomorrow_s)));
            let waiting = [readers.left_until(), gathered];
            Ok(Some(waiting.into_iter().flatten().fold(next, Instant::min)))
        })
    }

    fn signal(&self) -> &Signal {
        &self.s3.tasks.cleaning
    }
}
