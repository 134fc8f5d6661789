//! Requests, counted as they are answered for the accounts that have them watched.

use std::collections::{HashMap, HashSet};

use haneul_kit::{AccountId, Cx, Instant, RequestHead, Result, Signal};
use haneul_store::feed::TableVersion;
use http::{Method, response};
use parking_lot::{Mutex, RwLock};

use super::metrics::Name;
use crate::S3;
use crate::access_log::key_of;
use crate::analysis::day_of;
use crate::bucket::Bucket;
use crate::request_metrics::samples;
use crate::store::Records;
use crate::store::tables::LENSES;

/// What was counted is written down after so many seconds.
const WRITTEN_AFTER_S: i64 = 60;

/// Buckets of which counts may wait; those of others are lost.
const WAITING_MAX: usize = 50_000;

const ENCRYPTION: &str = "x-amz-server-side-encryption";

pub(crate) struct Activity {
    version: TableVersion,
    watching: RwLock<Watching>,
    waiting: Mutex<Waiting>,
    /// Held while what was taken is written.
    writing: tokio::sync::Mutex<()>,
    wakes: Signal,
}

/// The accounts that have requests watched, and the version of the table of configurations that this is of.
#[derive(Default)]
struct Watching {
    version: Option<u64>,
    accounts: HashSet<AccountId>,
}

#[derive(Default)]
struct Waiting {
    since: Option<Instant>,
    /// By bucket and day.
    counts: HashMap<(u64, u64), HashMap<Name, u64>>,
}

impl Waiting {
    /// Gives whether there is room.
    fn add(&mut self, row: (u64, u64), values: impl IntoIterator<Item = (Name, u64)>) -> bool {
        if self.counts.len() >= WAITING_MAX && !self.counts.contains_key(&row) {
            return false;
        }
        let counts = self.counts.entry(row).or_default();
        values.into_iter().for_each(|(name, value)| *counts.entry(name).or_default() += value);
        true
    }
}

/// What was counted of a bucket on a day.
struct Counted {
    bucket: u64,
    day: u64,
    values: HashMap<Name, u64>,
}

impl Activity {
    pub(crate) fn new(records: &Records, wakes: Signal) -> Activity {
        let version = records.store.table_version(&LENSES);
        Activity {
            version,
            watching: RwLock::default(),
            waiting: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            wakes,
        }
    }

    pub(crate) async fn is_watched(&self, records: &Records, account: AccountId) -> Result<bool> {
        let version = self.version.get();
        {
            let watching = self.watching.read();
            if watching.version == Some(version) {
                return Ok(watching.accounts.contains(&account));
            }
        }
        let accounts = records.watching_accounts().await?;
        let is_watched = accounts.contains(&account);
        *self.watching.write() = Watching { version: Some(version), accounts };
        Ok(is_watched)
    }

    /// As of the last request.
    pub(crate) fn was_watched(&self, account: AccountId) -> bool {
        self.watching.read().accounts.contains(&account)
    }

    pub(crate) fn add(&self, bucket: u64, values: impl IntoIterator<Item = (Name, u64)>, now: Instant) {
        let mut waiting = self.waiting.lock();
        if waiting.add((bucket, day_of(now.secs())), values) && waiting.since.is_none() {
            waiting.since = Some(now);
            self.wakes.wake();
        }
    }

    /// Writes down what is due by now; what is of a day that is over, at once. What cannot be written waits on. When this has
    /// ended, nothing is on its way that was due.
    pub(crate) async fn write(&self, records: &Records, now: Instant) -> Result<()> {
        let _alone = self.writing.lock().await;
        let mut failed = None;
        for counted in self.take(now) {
            let values: Vec<_> = counted.values.iter().map(|(name, value)| (name.text(), *value)).collect();
            if let Err(error) = records.add_activity(counted.bucket, counted.day, &values).await {
                self.give_back(counted, now);
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn take(&self, now: Instant) -> Vec<Counted> {
        let mut waiting = self.waiting.lock();
        let is_due = |since: Instant| {
            now.secs() - since.secs() >= WRITTEN_AFTER_S || day_of(since.secs()) != day_of(now.secs())
        };
        if !waiting.since.is_some_and(is_due) {
            return Vec::new();
        }
        waiting.since = None;
        let counts = std::mem::take(&mut waiting.counts).into_iter();
        counts.map(|((bucket, day), values)| Counted { bucket, day, values }).collect()
    }

    /// It is tried again as if it had been counted now.
    fn give_back(&self, counted: Counted, now: Instant) {
        let mut waiting = self.waiting.lock();
        waiting.add((counted.bucket, counted.day), counted.values);
        waiting.since.get_or_insert(now);
    }

    /// When there is something to write down.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.waiting.lock().since.map(|since| Instant::from_secs(since.secs() + WRITTEN_AFTER_S))
    }
}

impl S3 {
    pub(crate) async fn count_activity(
        &self,
        cx: &Cx,
        http: &RequestHead,
        bucket: &Bucket,
        answer: &response::Parts,
        now: Instant,
    ) {
        if !self.activity.is_watched(&self.records, bucket.owner).await.unwrap_or_default() {
            return;
        }
        let is_object = key_of(http, bucket).is_some();
        let mut values = Vec::new();
        for (metric, value) in samples(cx, http, is_object, answer, now) {
            let name = Name::all().find(|name| name.is_of_requests() && name.text() == metric.name);
            values.extend(name.map(|name| (name, value as u64)));
        }
        values.extend(status(answer.status.as_u16()).map(|name| (name, 1)));
        if encrypts_by_kms(http, answer) {
            values.push((Name::SseKmsRequests, 1));
        }
        if is_of_version_2(http) {
            values.push((Name::OldSignatures, 1));
        }
        self.activity.add(bucket.id(), values, now);
    }
}

fn status(code: u16) -> Option<Name> {
    Some(match code {
        200 => Name::Status200,
        206 => Name::Status206,
        400 => Name::Status400,
        403 => Name::Status403,
        404 => Name::Status404,
        500 => Name::Status500,
        503 => Name::Status503,
        _ => return None,
    })
}

/// Whether the request names KMS, or what it wrote was encrypted so: by default, or as its upload or form says.
fn encrypts_by_kms(http: &RequestHead, answer: &response::Parts) -> bool {
    let shown = answer.headers.get(ENCRYPTION).filter(|_| matches!(http.method, Method::PUT | Method::POST));
    let shown = shown.and_then(|value| value.to_str().ok());
    http.header(ENCRYPTION).into_iter().chain(shown).any(|value| value.starts_with("aws:kms"))
}

fn is_of_version_2(http: &RequestHead) -> bool {
    let query = http.uri.query().unwrap_or_default();
    query.split('&').any(|pair| pair.starts_with("AWSAccessKeyId="))
        || http.header("authorization").is_some_and(|value| value.starts_with("AWS "))
}
