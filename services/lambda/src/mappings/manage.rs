use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Filters, Mapping, named};
use crate::Lambda;
use crate::model::mapping::{Kind, MappingRecord, MappingState};
use crate::store::mappings::MappingRow;

/// After what time a mapping that could not begin is tried again.
const TRIED_AGAIN: Duration = Duration::from_secs(5);

/// Starts and stops pollers as the records say.
pub(crate) struct Mappings {
    lambda: Arc<Lambda>,
    running: Mutex<HashMap<String, Running>>,
}

struct Running {
    /// When the record that it was started with was last changed by a user.
    modified_ms: i64,
    stop: watch::Sender<bool>,
    ended: Arc<AtomicBool>,
}

impl Mappings {
    pub(crate) fn new(lambda: Arc<Lambda>) -> Mappings {
        Mappings { lambda, running: Mutex::default() }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let all = self.lambda.records.all_mappings().await?;
        let mut again = None;
        for (row, record) in &all {
            match record.state {
                MappingState::Creating | MappingState::Enabling | MappingState::Updating => {
                    // One that cannot begin holds up no others.
                    if let Err(error) = self.begin(row, record).await {
                        tracing::warn!(mapping = row.2, %error, "a mapping could not be begun and is tried again");
                        again = Some(self.lambda.platform.env.now() + TRIED_AGAIN);
                    }
                }
                MappingState::Enabled => self.start(row, record)?,
                MappingState::Disabling => {
                    if self.stop(&row.2) {
                        self.become_state(row, MappingState::Disabling, MappingState::Disabled).await?;
                    }
                }
                MappingState::Deleting => {
                    if self.stop(&row.2) {
                        self.lambda.records.remove_mapping(row).await?;
                    }
                }
                MappingState::Disabled => {}
            }
        }
        let gone: Vec<String> = {
            let running = self.running.lock();
            running.keys().filter(|uuid| !all.iter().any(|(row, _)| row.2 == **uuid)).cloned().collect()
        };
        for uuid in gone {
            self.stop(&uuid);
        }
        Ok(again)
    }

    /// A mapping that is to be enabled: where it begins is fixed, then it polls.
    async fn begin(&self, row: &MappingRow, record: &MappingRecord) -> Result<()> {
        if !self.stop(&row.2) {
            // The poller of before ends first, and wakes us then.
            return Ok(());
        }
        if record.state == MappingState::Creating
            && record.kind == Kind::DynamoDb
            && record.start.as_deref() == Some("LATEST")
        {
            let (_stop, stopped) = watch::channel(false);
            let Some(mapping) = self.mapping(row, record, stopped) else { return Ok(()) };
            mapping.begin_at_the_end().await?;
        }
        self.become_state(row, record.state, MappingState::Enabled).await?;
        self.start(row, record)
    }

    async fn become_state(&self, row: &MappingRow, from: MappingState, to: MappingState) -> Result<()> {
        let edit = self.lambda.records.change_mapping(row, |record| {
            // Only what nobody has changed meanwhile.
            if record.state == from {
                record.state = to;
            }
            Ok(())
        });
        match edit.await {
            Err(gone) if gone.fault() == haneul_kit::Fault::Client => Ok(()),
            other => other,
        }
    }

    fn mapping(
        &self,
        row: &MappingRow,
        record: &MappingRecord,
        stop: watch::Receiver<bool>,
    ) -> Option<Mapping> {
        let named = named(row, record).ok()?;
        let filters = Filters::parse(record.kind, &record.filters).ok()?;
        Some(Mapping {
            lambda: self.lambda.clone(),
            row: row.clone(),
            record: Arc::new(record.clone()),
            named,
            filters: Arc::new(filters),
            stop,
        })
    }

    fn start(&self, row: &MappingRow, record: &MappingRecord) -> Result<()> {
        let mut running = self.running.lock();
        if let Some(held) = running.get(&row.2) {
            if held.modified_ms == record.modified_ms && !held.ended.load(Ordering::Acquire) {
                return Ok(());
            }
            if !held.ended.load(Ordering::Acquire) {
                let _ = held.stop.send(true);
                return Ok(());
            }
        }
        let (stop, stopped) = watch::channel(false);
        let Some(mapping) = self.mapping(row, record, stopped) else {
            tracing::error!(mapping = row.2, "a mapping's record makes no sense");
            return Ok(());
        };
        let wake = self.lambda.wake.mappings.clone();
        let ended = Arc::new(AtomicBool::new(false));
        let ends = ended.clone();
        self.lambda.platform.env.spawn("lambda mapping", async move {
            mapping.poll().await;
            ends.store(true, Ordering::Release);
            wake.wake();
        });
        running.insert(row.2.clone(), Running { modified_ms: record.modified_ms, stop, ended });
        Ok(())
    }

    /// Asks a poller to stop, and says whether it has.
    fn stop(&self, uuid: &str) -> bool {
        let mut running = self.running.lock();
        let Some(held) = running.get(uuid) else { return true };
        if held.ended.load(Ordering::Acquire) {
            running.remove(uuid);
            return true;
        }
        let _ = held.stop.send(true);
        false
    }
}

impl Reconciler for Mappings {
    fn name(&self) -> &'static str {
        "lambda mappings"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.lambda.wake.mappings
    }
}
