use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use haneul_env::Env;
use haneul_kit::{BoxFuture, Caller, Instant, Platform, Principal, Reconciler, Result, Signal};
use haneul_store::{Range, Reads, Record, Store, Table, Tx};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Pairs of principal and action of which it is known what is written; past it all are forgotten, and read once more when
/// they come again.
const KNOWN_MAX: usize = 20_000;
/// New uses between two writes. What does not fit comes again: it is not known.
const WAITING_MAX: usize = 10_000;
/// Pairs that one transaction writes.
const PAIRS_AT_ONCE: usize = 100;
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
    /// What is written of a pair.
    known: HashMap<u64, Vec<Written>>,
    waiting: HashMap<u64, Pair>,
    /// Resources in `waiting`.
    count: usize,
}

/// A resource, or a pattern of them, that is written as used on a day.
struct Written {
    resource: String,
    day: i64,
}

/// What a principal newly did with one action.
struct Pair {
    principal: String,
    action: &'static str,
    resources: HashMap<String, Used>,
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

    /// Costs a hash, a look-up and a comparison with what is known of the pair (40 rows at most), except the first time on
    /// a day.
    pub(super) fn note(&self, caller: &Caller, action: &'static str, resource: &str, at: Instant) {
        let name = match &caller.principal {
            Principal::User { name, .. } | Principal::FederatedUser { name } => name.as_str(),
            Principal::Role { name, .. } => name.as_str(),
            Principal::Root => "",
            Principal::Service { .. } | Principal::Anonymous => return,
        };
        let kind = std::mem::discriminant(&caller.principal);
        let pair = self.hasher.hash_one((caller.account.number(), kind, name, action));
        let day = at.millis() / DAY_MS;
        let mut noted = self.noted.lock();
        let known = noted.known.get(&pair).map_or(&[][..], Vec::as_slice);
        let is_written = |row: &Written| row.day == day && covers(&row.resource, resource);
        if known.iter().any(is_written) || noted.count >= WAITING_MAX {
            return;
        }
        let new = || Pair { principal: principal(caller), action, resources: HashMap::new() };
        let waiting = noted.waiting.entry(pair).or_insert_with(new);
        if waiting.resources.contains_key(resource) {
            return;
        }
        waiting.resources.insert(resource.to_owned(), Used { first: at.millis(), last: Some(at.millis()) });
        noted.count += 1;
        if noted.count == 1 {
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
        let mut waiting: Vec<(u64, Pair)> = {
            let mut noted = self.noted.lock();
            noted.count = 0;
            noted.waiting.drain().collect()
        };
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(PAIRS_AT_ONCE));
            let written = self.store.transact(|tx| {
                let waiting = &waiting;
                async move {
                    let mut written = Vec::with_capacity(waiting.len());
                    for (pair, new) in waiting {
                        written.push((*pair, write_pair(&tx, new).await?));
                    }
                    Ok(written)
                }
            });
            let written: Result<Vec<(u64, Vec<Written>)>> = written.await;
            let mut noted = self.noted.lock();
            match written {
                Ok(written) => {
                    if noted.known.len() + written.len() > KNOWN_MAX {
                        noted.known.clear();
                    }
                    noted.known.extend(written);
                    waiting = rest;
                }
                Err(error) => {
                    // Tried again with the next run. What came meanwhile comes again.
                    noted.waiting = waiting.into_iter().chain(rest).collect();
                    noted.count = noted.waiting.values().map(|pair| pair.resources.len()).sum();
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// Writes what is new of a pair, and gives all that is written of it.
async fn write_pair(tx: &Tx, pair: &Pair) -> Result<Vec<Written>> {
    let (principal, action) = (&pair.principal, pair.action.to_owned());
    let stored: Vec<(RowKey, Used)> =
        tx.scan(&USED, Range::prefix((principal.clone(), action.clone())), ROWS_MAX).await?;
    let before: HashMap<String, Used> =
        stored.into_iter().map(|((_, _, resource), used)| (resource, used)).collect();
    let mut after = before.clone();
    for (resource, used) in &pair.resources {
        add(&mut after, resource, used);
    }
    let key = |resource: &String| (principal.clone(), action.clone(), resource.clone());
    for resource in before.keys().filter(|resource| !after.contains_key(*resource)) {
        tx.delete(&USED, &key(resource))?;
    }
    let mut refused = None;
    if after.len() > before.len() {
        let all = tx.scan_keys(&USED, Range::prefix((principal.clone(),)), ROWS_MAX).await?.len();
        if all >= ROWS_MAX {
            after.retain(|resource, _| before.contains_key(resource));
            // As if all of it were written: it is asked for again tomorrow.
            let day = pair.resources.values().filter_map(|used| used.last).max().unwrap_or(0) / DAY_MS;
            refused = Some(Written { resource: "*".to_owned(), day });
        }
    }
    for (resource, used) in after.iter().filter(|(resource, used)| before.get(*resource) != Some(*used)) {
        tx.put(&USED, &key(resource), used)?;
    }
    let written = |(resource, used): (String, Used)| {
        let day = used.last.unwrap_or(used.first) / DAY_MS;
        Written { resource, day }
    };
    Ok(after.into_iter().map(written).chain(refused).collect())
}

/// Adds a use to those of an action: to the row that covers it, as a row of its own, or as the narrowest pattern that
/// covers it together with others.
fn add(rows: &mut HashMap<String, Used>, resource: &str, used: &Used) {
    if let Some((_, known)) = rows.iter_mut().find(|(known, _)| covers(known, resource)) {
        if let Some(merged) = known.merged(used) {
            *known = merged;
        }
        return;
    }
    if rows.len() < RESOURCES_MAX {
        rows.insert(resource.to_owned(), used.clone());
        return;
    }
    let mut pattern = widened(resource);
    while !rows.keys().any(|known| covers(&pattern, known)) {
        pattern = widened(&pattern);
    }
    let mut all = used.clone();
    rows.retain(|known, used| {
        let covered = covers(&pattern, known);
        if covered {
            all = all.merged(used).unwrap_or_else(|| all.clone());
        }
        !covered
    });
    rows.insert(pattern, all);
}

impl Reconciler for Usage {
    fn name(&self) -> &'static str {
        "front.used"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async {
            self.write().await?;
            let more = self.noted.lock().count > 0;
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

/// Everything beside the resource: `arn:aws:s3:::bucket/*`, `arn:aws:sqs:eu-west-1:111122223333:*`. Of a pattern the next
/// wider one; in the end `*`.
fn widened(resource: &str) -> String {
    let name = resource.strip_suffix('*').map_or(resource, |start| start.trim_end_matches(['/', ':']));
    match name.rfind('/').or_else(|| name.rfind(':')) {
        Some(at) => format!("{}*", &name[..=at]),
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
        let mut pattern = "arn:aws:s3:::bucket/a/b".to_owned();
        let mut wider = Vec::new();
        while pattern != "*" {
            pattern = widened(&pattern);
            wider.push(pattern.clone());
        }
        assert_eq!(wider[..3], ["arn:aws:s3:::bucket/a/*", "arn:aws:s3:::bucket/*", "arn:aws:s3:::*"]);
    }

    #[test]
    fn rows_stay_few_however_much_is_used() {
        let mut rows = HashMap::new();
        for i in 0..20_000_i64 {
            let resource = format!("arn:aws:s3:::bucket-{}/{}/{}", i % 7, i % 300, i);
            add(&mut rows, &resource, &Used { first: i, last: Some(i) });
            assert!(rows.len() <= RESOURCES_MAX);
            assert!(rows.keys().any(|row| covers(row, &resource)), "{resource}");
        }
        assert!(!rows.contains_key("*"));
        assert_eq!(rows.values().map(|used| used.first).min(), Some(0));
    }
}
