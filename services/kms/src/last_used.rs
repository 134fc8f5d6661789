//! When keys were last used: noted in memory, written once a minute. At worst a crash forgets the last minute of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{BoxFuture, Cx, Instant, Reconciler, Result, Signal};
use haneul_store::{Batch, Reads};
use parking_lot::Mutex;

use crate::model::{KeyName, LAST_USES, LastUse};
use crate::store::State;

/// Between two writes.
const INTERVAL: Duration = Duration::from_secs(60);

/// Keys noted between two writes; more are not.
const NOTED_MAX: usize = 100_000;

pub(crate) struct LastUsed {
    state: Arc<State>,
    signal: Signal,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    uses: HashMap<KeyName, LastUse>,
    written_at: Option<Instant>,
}

impl LastUsed {
    pub(crate) fn new(state: Arc<State>) -> LastUsed {
        LastUsed { state, signal: Signal::default(), noted: Mutex::default() }
    }

    pub(crate) fn note(&self, cx: &Cx, key: &KeyName, operation: &str) {
        let used = LastUse {
            operation: operation.to_owned(),
            at_ms: cx.now().millis(),
            request_id: cx.request_id().to_owned(),
        };
        let mut noted = self.noted.lock();
        if let Some(before) = noted.uses.get_mut(key) {
            *before = used;
        } else if noted.uses.len() < NOTED_MAX {
            noted.uses.insert(key.clone(), used);
            if noted.uses.len() == 1 {
                self.signal.wake();
            }
        }
    }

    pub(crate) async fn get(&self, key: &KeyName) -> Result<Option<LastUse>> {
        let noted = self.noted.lock().uses.get(key).cloned();
        match noted {
            Some(used) => Ok(Some(used)),
            None => Ok(self.state.store.get(&LAST_USES, &key.row()).await?),
        }
    }

    async fn write(&self) -> Result<Option<Instant>> {
        let now = self.state.env.now();
        let uses = {
            let mut noted = self.noted.lock();
            if noted.uses.is_empty() {
                return Ok(None);
            }
            if let Some(due) = noted.written_at.map(|at| at + INTERVAL).filter(|due| *due > now) {
                return Ok(Some(due));
            }
            noted.written_at = Some(now);
            noted.uses.clone()
        };
        let mut batch = Batch::default();
        for (key, used) in &uses {
            batch.put(&LAST_USES, &key.row(), used)?;
        }
        self.state.store.write(batch).await?;
        let mut noted = self.noted.lock();
        noted.uses.retain(|key, used| uses.get(key) != Some(used));
        Ok((!noted.uses.is_empty()).then(|| now + INTERVAL))
    }
}

impl Reconciler for LastUsed {
    fn name(&self) -> &'static str {
        "kms.last-used"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.write())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
