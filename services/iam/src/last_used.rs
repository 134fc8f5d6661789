//! When keys and roles were last used, and which actions each principal last tried: noted in memory on every call,
//! written once a minute and when the cloud stops.
//!
//! At worst a crash forgets the last minute of it; AWS itself is hours behind at times.

use std::collections::HashMap;
use std::time::Duration;

use haneul_kit::{AccountId, BoxFuture, Caller, Env, Instant, Principal, Reconciler, Result, Signal};
use parking_lot::Mutex;

use crate::model::{AccessedKey, LastUse};
use crate::store::State;

/// Between two writes.
const INTERVAL: Duration = Duration::from_secs(60);

/// Keys, roles and actions noted between two writes; more are not.
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
    /// By the principal's id.
    accesses: HashMap<String, Accesses>,
    accesses_count: usize,
    written_at: Option<Instant>,
}

/// Of one principal.
struct Accesses {
    account: AccountId,
    actions: HashMap<&'static str, (Instant, &'static str)>,
}

#[derive(Clone, Copy)]
struct Use {
    at: Instant,
    service: &'static str,
    region: &'static str,
}

type Written = (Vec<(String, LastUse)>, Vec<(AccessedKey, LastUse)>);

impl Noted {
    fn is_empty(&self) -> bool {
        self.uses.is_empty() && self.accesses.is_empty()
    }

    fn records(&self) -> Written {
        let uses = self.uses.iter().map(|(id, used)| (id.clone(), record(used))).collect();
        let accesses = self.accesses.iter().flat_map(|(id, of)| {
            of.actions.iter().map(|(action, (at, region))| {
                ((of.account, id.clone(), (*action).to_owned()), accessed(action, *at, region))
            })
        });
        (uses, accesses.collect())
    }

    /// Forgets what was written; what was used again meanwhile stays for the next time.
    fn forget(&mut self, (uses, accesses): &Written) {
        for (id, written) in uses {
            if self.uses.get(id).is_some_and(|used| record(used) == *written) {
                self.uses.remove(id);
            }
        }
        for ((_, id, action), written) in accesses {
            let Some(of) = self.accesses.get_mut(id) else { continue };
            let same = |(at, region): &(Instant, &'static str)| accessed(action, *at, region) == *written;
            if of.actions.get(action.as_str()).is_some_and(same) {
                of.actions.remove(action.as_str());
                self.accesses_count -= 1;
            }
            if of.actions.is_empty() {
                self.accesses.remove(id);
            }
        }
    }
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
            let first = noted.is_empty();
            noted.uses.insert(id.clone(), used);
            if first {
                self.signal.wake();
            }
        }
    }

    pub(crate) fn note_access(
        &self,
        caller: &Caller,
        action: &'static str,
        region: &'static str,
        at: Instant,
    ) {
        let id = match &caller.principal {
            Principal::Role { id, .. } | Principal::User { id, .. } => id.as_str(),
            Principal::Root => ROOT,
            _ => return,
        };
        // Ids are unique in the cloud, but for the root users'.
        let own;
        let id = if id == ROOT {
            own = root_id(caller.account);
            &own
        } else {
            id
        };
        let mut noted = self.noted.lock();
        if let Some(before) = noted.accesses.get_mut(id).and_then(|of| of.actions.get_mut(action)) {
            *before = (at, region);
            return;
        }
        if noted.accesses_count >= NOTED_MAX {
            return;
        }
        let first = noted.is_empty();
        let of = noted
            .accesses
            .entry(id.to_owned())
            .or_insert_with(|| Accesses { account: caller.account, actions: HashMap::new() });
        of.actions.insert(action, (at, region));
        noted.accesses_count += 1;
        if first {
            self.signal.wake();
        }
    }

    /// By access key id or role id; what was noted since the last write included.
    pub(crate) async fn get(&self, id: &str) -> Result<Option<LastUse>> {
        let noted = self.noted.lock().uses.get(id).map(record);
        match noted {
            Some(used) => Ok(Some(used)),
            None => self.state.last_use(id).await,
        }
    }

    /// Which actions the principals of an account last tried, and when; what was noted since the last write included.
    pub(crate) async fn accesses(&self, account: AccountId) -> Result<Vec<(AccessedKey, LastUse)>> {
        self.flush().await?;
        self.state.accesses(account).await
    }

    /// The same of one principal, by its unique id.
    pub(crate) async fn accesses_of(
        &self,
        account: AccountId,
        id: &str,
    ) -> Result<Vec<(AccessedKey, LastUse)>> {
        self.flush().await?;
        self.state.accesses_of(account, id).await
    }

    /// Writes what was noted, now.
    pub(crate) async fn flush(&self) -> Result<()> {
        let written = {
            let noted = self.noted.lock();
            if noted.is_empty() {
                return Ok(());
            }
            noted.records()
        };
        self.state.put_last_uses(&written.0, &written.1).await?;
        self.noted.lock().forget(&written);
        Ok(())
    }

    /// Writes what was noted, unless that was done within the last minute.
    async fn write(&self) -> Result<Option<Instant>> {
        let now = self.env.now();
        {
            let noted = self.noted.lock();
            if noted.is_empty() {
                return Ok(None);
            }
            if let Some(due) = noted.written_at.map(|at| at + INTERVAL).filter(|due| *due > now) {
                return Ok(Some(due));
            }
        }
        self.flush().await?;
        let mut noted = self.noted.lock();
        noted.written_at = Some(now);
        Ok((!noted.is_empty()).then(|| now + INTERVAL))
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

const ROOT: &str = "root";

/// Under which the root user's accesses are kept.
pub(crate) fn root_id(account: AccountId) -> String {
    account.to_string()
}

fn record(used: &Use) -> LastUse {
    LastUse { at: used.at.into(), service: used.service.to_owned(), region: used.region.to_owned() }
}

fn accessed(action: &str, at: Instant, region: &str) -> LastUse {
    let service = action.split(':').next().unwrap_or_default().to_owned();
    LastUse { at: at.into(), service, region: region.to_owned() }
}
