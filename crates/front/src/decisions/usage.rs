use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use haneul_env::Env;
use haneul_kit::{BoxFuture, Caller, Instant, Platform, Principal, Reconciler, Result, Signal};
use haneul_store::{Range, Reads, Record, Store, Table};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Combinations of principal, action and resource that are known to be written; past it all are forgotten, and written
/// once more when they come again.
const SEEN_MAX: usize = 200_000;
/// New combinations between two writes. What does not fit comes again: it is not in `seen`.
const WAITING_MAX: usize = 10_000;
/// Resources of one action of one principal; past it they become the pattern that covers them.
const RESOURCES_MAX: usize = 40;
/// A use is noted once a day.
const DAY_MS: i64 = 24 * 3600 * 1000;
/// Rows of one principal; past it nothing new is written of it.
const ROWS_MAX: usize = 5_000;

/// Principal (ARN), action, resource.
type RowKey = (String, String, String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Used {
    /// Milliseconds since the epoch.
    pub first: i64,
    /// The first time of the last day on which it was used; unknown in records of before it was noted.
    #[serde(default)]
    pub last: Option<i64>,
}

impl Used {
    /// Both in one; whether that is more than this.
    fn merged(&self, other: &Used) -> Option<Used> {
        let last = self.last.max(other.last);
        let merged = Used { first: self.first.min(other.first), last };
        (merged != *self).then_some(merged)
    }
}

impl Record for Used {}

static USED: Table<RowKey, Used> = Table::new("front.used");

/// What each principal did, by action and resource.
pub(super) struct Usage {
    env: Env,
    store: Store,
    hasher: RandomState,
    noted: Mutex<Noted>,
    signal: Signal,
}

#[derive(Default)]
struct Noted {
    seen: HashSet<u64>,
    waiting: Vec<(RowKey, Used)>,
}

impl Usage {
    pub(super) fn new(platform: &Platform) -> Usage {
        Usage {
            env: platform.env.clone(),
            store: platform.store.clone(),
            hasher: RandomState::new(),
            noted: Mutex::default(),
            signal: Signal::default(),
        }
    }

    /// Costs a hash and a look-up, except the first time.
    pub(super) fn note(&self, caller: &Caller, action: &'static str, resource: &str, at: Instant) {
        let name = match &caller.principal {
            Principal::User { name, .. } | Principal::FederatedUser { name } => name.as_str(),
            Principal::Role { name, .. } => name.as_str(),
            Principal::Root => "",
            Principal::Service { .. } | Principal::Anonymous => return,
        };
        let kind = std::mem::discriminant(&caller.principal);
        let day = at.millis() / DAY_MS;
        let hash = self.hasher.hash_one((caller.account.number(), kind, name, action, resource, day));
        let mut noted = self.noted.lock();
        if noted.seen.contains(&hash) || noted.waiting.len() >= WAITING_MAX {
            return;
        }
        if noted.seen.len() >= SEEN_MAX {
            noted.seen.clear();
        }
        noted.seen.insert(hash);
        let key = (principal(caller), action.to_owned(), resource.to_owned());
        noted.waiting.push((key, Used { first: at.millis(), last: Some(at.millis()) }));
        if noted.waiting.len() == 1 {
            self.signal.wake();
        }
    }

    /// Action, resource and the time of the first use, sorted.
    pub(super) async fn of(&self, principal: &str) -> Result<Vec<(String, String, Instant)>> {
        self.write().await?;
        let rows = self.store.scan(&USED, Range::prefix((principal.to_owned(),)), ROWS_MAX).await?;
        let row = |((_, action, resource), used): (RowKey, Used)| {
            (action, resource, Instant::from_millis(used.first))
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Action and resource of what was used between two instants, by the day.
    pub(super) async fn between(
        &self,
        principal: &str,
        since: Instant,
        until: Instant,
    ) -> Result<Vec<(String, String)>> {
        self.write().await?;
        let rows = self.store.scan(&USED, Range::prefix((principal.to_owned(),)), ROWS_MAX).await?;
        let since_day = since.millis() / DAY_MS;
        let wanted = |used: &Used| {
            used.first <= until.millis() && used.last.is_none_or(|last| last / DAY_MS >= since_day)
        };
        let rows = rows.into_iter().filter(|(_, used)| wanted(used));
        Ok(rows.map(|((_, action, resource), _)| (action, resource)).collect())
    }

    async fn write(&self) -> Result<()> {
        let waiting = std::mem::take(&mut self.noted.lock().waiting);
        let mut rest = waiting.into_iter();
        while let Some((key, used)) = rest.next() {
            if let Err(error) = self.write_row(&key, &used).await {
                // Tried again with the next run.
                let mut noted = self.noted.lock();
                noted.waiting.push((key, used));
                noted.waiting.extend(rest);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn write_row(&self, key: &RowKey, used: &Used) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let (principal, action, resource) = key;
                let known: Option<Used> = tx.get(&USED, key).await?;
                if let Some(known) = known {
                    if let Some(merged) = known.merged(used) {
                        tx.put(&USED, key, &merged)?;
                    }
                    return Ok(());
                }
                let all = Range::prefix((principal.clone(),));
                if tx.scan_keys(&USED, all, ROWS_MAX).await?.len() >= ROWS_MAX {
                    return Ok(());
                }
                let of_action = Range::prefix((principal.clone(), action.clone()));
                let before = tx.scan(&USED, of_action, RESOURCES_MAX).await?;
                if let Some((key, known)) = before.iter().find(|row| covers(&row.0.2, resource)) {
                    if let Some(merged) = known.merged(used) {
                        tx.put(&USED, key, &merged)?;
                    }
                    return Ok(());
                }
                if before.len() < RESOURCES_MAX {
                    return Ok(tx.put(&USED, key, used)?);
                }
                let pattern = (principal.clone(), action.clone(), widened(resource));
                let mut all = used.clone();
                for (key, used) in before.iter().filter(|(key, _)| covers(&pattern.2, &key.2)) {
                    all = all.merged(used).unwrap_or(all);
                    tx.delete(&USED, key)?;
                }
                Ok(tx.put(&USED, &pattern, &all)?)
            })
            .await
    }
}

impl Reconciler for Usage {
    fn name(&self) -> &'static str {
        "front.used"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async {
            self.write().await?;
            let more = !self.noted.lock().waiting.is_empty();
            Ok(more.then(|| self.env.now()))
        })
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}

/// The ARN to which policies are attached: the role's for its sessions.
fn principal(caller: &Caller) -> String {
    caller.role_arn().map_or_else(|| caller.arn(), |role| role.to_string())
}

/// Whether a pattern that may end in a star covers a resource.
fn covers(pattern: &str, resource: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => resource.starts_with(start),
        None => pattern == resource,
    }
}

/// Everything beside the resource: `arn:aws:s3:::bucket/*`, `arn:aws:sqs:eu-west-1:111122223333:*`.
fn widened(resource: &str) -> String {
    match resource.rfind('/').or_else(|| resource.rfind(':')) {
        Some(at) => format!("{}*", &resource[..=at]),
        None => "*".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_too_much_of_becomes_a_pattern() {
        for (resource, pattern) in [
            ("arn:aws:s3:::bucket/a/b", "arn:aws:s3:::bucket/a/*"),
            ("arn:aws:sqs:eu-west-1:111122223333:q", "arn:aws:sqs:eu-west-1:111122223333:*"),
            ("*", "*"),
        ] {
            assert_eq!(widened(resource), pattern);
            assert!(covers(pattern, resource));
        }
        assert!(!covers("arn:aws:s3:::b/*", "arn:aws:s3:::c/x") && !covers("a", "ab"));
    }
}
