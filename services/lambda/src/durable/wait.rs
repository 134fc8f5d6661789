//! Callers that wait for the end of an execution. They are told of it here: in the store it may be gone when they look.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::names::ExecutionName;
use crate::model::durable::{Outcome, Status};

/// How an execution ended.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) outcome: Outcome,
}

/// How many wait for an execution, and how they are told.
type Told = (usize, watch::Sender<Option<Arc<End>>>);

#[derive(Clone, Default)]
pub(crate) struct Waiters(Arc<Mutex<HashMap<ExecutionName, Told>>>);

/// Somebody who waits.
pub(crate) struct Waiting {
    name: ExecutionName,
    told: watch::Receiver<Option<Arc<End>>>,
    all: Waiters,
}

impl Waiters {
    /// To be called before looking: what ends from here on is told.
    pub(crate) fn join(&self, name: &ExecutionName) -> Waiting {
        let mut all = self.0.lock();
        let (count, sender) = all.entry(name.clone()).or_insert_with(|| (0, watch::channel(None).0));
        *count += 1;
        Waiting { name: name.clone(), told: sender.subscribe(), all: self.clone() }
    }

    pub(crate) fn tell(&self, name: &ExecutionName, end: impl FnOnce() -> End) {
        if let Some((_, sender)) = self.0.lock().get(name) {
            sender.send_replace(Some(Arc::new(end())));
        }
    }

    /// There is no execution any more: whoever was not told of its end has to look.
    pub(crate) fn tell_gone(&self, name: &ExecutionName) {
        if let Some((_, sender)) = self.0.lock().get(name) {
            sender.send_modify(|_| {});
        }
    }
}

impl Waiting {
    /// How the execution with this id ended, if that was told.
    pub(crate) fn end(&self, id: &str) -> Option<Arc<End>> {
        self.told.borrow().as_ref().filter(|end| end.id == id).cloned()
    }

    pub(crate) async fn told(&mut self) {
        // The sender is there as long as somebody waits.
        let _ = self.told.changed().await;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut all = self.all.0.lock();
        if let Some((count, _)) = all.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.name);
            }
        }
    }
}
