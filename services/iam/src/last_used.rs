//! When keys and roles were last used: noted in memory on every call, written once a minute.
//!
//! At worst a crash forgets the last minute of it; AWS itself is hours behind at times.

use std::collections::HashMap;
use std::time::Duration;

use haneul_kit::{BoxFuture, Caller, Env, Instant, Principal, Reconciler, Result, Signal};
use parking_lot::Mutex;

use crate::model::LastUse;
use crate::store::State;

/// Between two writes.
const INTERVAL: Duration = Duration::from_secs(60);

/// Keys and roles noted between two writes; more are not.
const NOTED_MAX: usize = 100_000;

pub(crate) struct LastUsed {
    env: Env,
    state: State,
    signal: Signal,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    uses: HashMap<String, Use>,
    written_at: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Use {
    at: Instant,
    service: &'static str,
    region: &'static str,
}

impl LastUsed {
    pub(crate) fn new(env: Env, state: State) -> LastUsed {
        LastUsed { env, state, signal: Signal::default(), noted: Mutex::default() }
    }

    pub(crate) fn note(&self, caller: &Caller, service: &'static str, region: &'static str, at: Instant) {
        let id = match (&caller.principal, &caller.session, &caller.access_key_id) {
            (Principal::Role { id, .. }, _, _) => id,
            (Principal::User { .. } | Principal::Root, None, Some(id)) => id,
            _ => return,
        };
        let used = Use { at, service, region };
        let mut noted = self.noted.lock();
        if let Some(before) = noted.uses.get_mut(id) {
            *before = used;
        } else if noted.uses.len() < NOTED_MAX {
            noted.uses.insert(id.clone(), used);
            if noted.uses.len() == 1 {
                self.signal.wake();
            }
        }
    }

    /// What was noted or written of an access key or role.
    pub(crate) async fn get(&self, id: &str) -> Result<Option<LastUse>> {
        let noted = self.noted.lock().uses.get(id).map(record);
        match noted {
            Some(used) => Ok(Some(used)),
            None => self.state.last_use(id).await,
        }
    }

    /// Writes what was noted, unless that was done within the last minute.
    async fn write(&self) -> Result<Option<Instant>> {
        let now = self.env.now();
        let uses: Vec<(String, LastUse)> = {
            let noted = self.noted.lock();
            if noted.uses.is_empty() {
                return Ok(None);
            }
            if let Some(due) = noted.written_at.map(|at| at + INTERVAL).filter(|due| *due > now) {
                return Ok(Some(due));
            }
            noted.uses.iter().map(|(id, used)| (id.clone(), record(used))).collect()
        };
        self.state.put_last_uses(&uses).await?;
        let mut noted = self.noted.lock();
        noted.written_at = Some(now);
        // What was used again meanwhile stays for the next time.
        for (id, written) in &uses {
            if noted.uses.get(id).is_some_and(|used| record(used) == *written) {
                noted.uses.remove(id);
            }
        }
        Ok((!noted.uses.is_empty()).then(|| now + INTERVAL))
    }
}

impl Reconciler for LastUsed {
    fn name(&self) -> &'static str {
        "iam.last-used"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.write())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}

fn record(used: &Use) -> LastUse {
    LastUse { at: used.at.into(), service: used.service.to_owned(), region: used.region.to_owned() }
}
