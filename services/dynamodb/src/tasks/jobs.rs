//! Exports and imports: which of them run, and what becomes of those that a stop interrupted.

use std::collections::BTreeSet;
use std::time::Duration;

use haneul_kit::{ApiError, BoxFuture, Instant, Reconciler, Result, Signal};
use haneul_store::{Batch, Range, Reads};
use parking_lot::Mutex;

use crate::error;
use crate::model::{EXPORTS, IMPORTS, JobKey, JobStatus, TABLES};
use crate::ops::TRANSFERS_LISTED_MS;
use crate::store::Db;

/// Those that run in this program.
#[derive(Default)]
pub(crate) struct Running(Mutex<BTreeSet<JobKey>>);

impl Running {
    pub(crate) fn begin(&self, key: &JobKey) {
        self.0.lock().insert(key.clone());
    }

    pub(crate) fn end(&self, key: &JobKey) {
        self.0.lock().remove(key);
    }

    fn has(&self, key: &JobKey) -> bool {
        self.0.lock().contains(key)
    }
}

pub(crate) struct Jobs {
    db: Db,
    signal: Signal,
}

/// How often what nobody lists any more is forgotten.
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);

const PAGE: usize = 500;

impl Jobs {
    pub(crate) fn new(db: Db) -> Jobs {
        Jobs { db, signal: Signal::default() }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let (db, now) = (&self.db, self.db.env.now());
        let old_ms = now.millis() - TRANSFERS_LISTED_MS;
        let mut range = Range::all();
        loop {
            let page = db.store.scan(&EXPORTS, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { break };
            range = Range::all().after(last);
            let mut batch = Batch::default();
            for (key, mut record) in page {
                if record.started_ms < old_ms && record.status != JobStatus::InProgress {
                    batch.delete(&EXPORTS, &key).map_err(error::store)?;
                } else if record.status == JobStatus::InProgress && !db.jobs().has(&key) {
                    record.status = JobStatus::Failed;
                    record.ended_ms = Some(now.millis());
                    record.failure = Some(super::export::failure(&interrupted()));
                    batch.put(&EXPORTS, &key, &record).map_err(error::store)?;
                }
            }
            db.store.write(batch).await.map_err(error::store)?;
        }
        self.drop_abandoned().await?;
        let mut range = Range::all();
        loop {
            let page = db.store.scan(&IMPORTS, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { break };
            range = Range::all().after(last);
            for (key, mut record) in page {
                if record.started_ms < old_ms && record.status != JobStatus::InProgress {
                    db.store.delete(&IMPORTS, &key).await.map_err(error::store)?;
                } else if record.status == JobStatus::InProgress && !db.jobs().has(&key) {
                    db.end_import(&key, &mut record, Err(interrupted())).await?;
                }
            }
        }
        Ok(Some(now + EVERY))
    }
}

impl Jobs {
    /// Tables whose import was interrupted.
    async fn drop_abandoned(&self) -> Result<()> {
        let mut range = Range::all();
        loop {
            let page = self.db.store.scan(&TABLES, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            range = Range::all().after(last);
            for (id, record) in page {
                let Some(import) = record.importing else { continue };
                if !self.db.jobs().has(&(id.0, id.1, id.2.clone(), import)) {
                    self.db.delete_table(&id).await?;
                }
            }
        }
    }
}

fn interrupted() -> ApiError {
    ApiError::new("Interrupted", "The program was stopped while this was under way. Start it again.")
}

impl Reconciler for Jobs {
    fn name(&self) -> &'static str {
        "dynamodb jobs"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
