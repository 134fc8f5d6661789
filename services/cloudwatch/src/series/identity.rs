use std::sync::atomic::{AtomicI64, Ordering};

use haneul_kit::{AccountId, Region};
use sha2::{Digest, Sha256};

/// Which metric. Its dimensions are sorted by name: their order does not matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) dimensions: Vec<(String, String)>,
}

impl Identity {
    pub(crate) fn new(
        account: AccountId,
        region: Region,
        namespace: impl Into<String>,
        name: impl Into<String>,
        mut dimensions: Vec<(String, String)>,
    ) -> Identity {
        dimensions.sort();
        Identity { account, region, namespace: namespace.into(), name: name.into(), dimensions }
    }

    /// Where its record is: dimensions are too long for a key, so their digest stands for them.
    pub(crate) fn key(&self) -> (AccountId, Region, String, String, String) {
        (self.account, self.region, self.namespace.clone(), self.name.clone(), digest(&self.dimensions))
    }

    /// Unique bytes, for the map in memory.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.extend_from_slice(&self.account.number().to_be_bytes());
        let dimensions = self.dimensions.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        for part in [self.region.as_str(), &self.namespace, &self.name].into_iter().chain(dimensions) {
            out.extend_from_slice(&(part.len() as u32).to_be_bytes());
            out.extend_from_slice(part.as_bytes());
        }
        out
    }

    pub(crate) fn dimension(&self, name: &str) -> Option<&str> {
        self.dimensions.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn digest(dimensions: &[(String, String)]) -> String {
    if dimensions.is_empty() {
        return String::new();
    }
    let mut hash = Sha256::new();
    for part in dimensions.iter().flat_map(|(name, value)| [name, value]) {
        hash.update((part.len() as u32).to_be_bytes());
        hash.update(part);
    }
    hash.finalize()[..20].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A metric that is known, and its number in the store.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) id: u64,
    pub(crate) identity: Identity,
    /// When a point was last put, in milliseconds; what the record says may be a little older.
    last_put_ms: AtomicI64,
    saved_put_ms: AtomicI64,
}

fn hour(ms: i64) -> i64 {
    ms.div_euclid(3_600_000)
}

/// How far the record of a metric may lag behind.
const SAVE_EVERY_MS: i64 = 10 * 60_000;

impl Series {
    pub(crate) fn new(id: u64, identity: Identity, last_put_ms: i64) -> Series {
        Series { id, identity, last_put_ms: last_put_ms.into(), saved_put_ms: last_put_ms.into() }
    }

    /// One whose record is made now and to which no point was put yet.
    pub(crate) fn fresh(id: u64, identity: Identity, now_ms: i64) -> Series {
        Series { id, identity, last_put_ms: i64::MIN.into(), saved_put_ms: now_ms.into() }
    }

    /// Notes that a point was put; whether it is the first of the hour.
    pub(crate) fn put_at(&self, now_ms: i64) -> bool {
        let before_ms = self.last_put_ms.fetch_max(now_ms, Ordering::Relaxed);
        hour(before_ms) < hour(now_ms)
    }

    pub(crate) fn last_put_ms(&self) -> i64 {
        self.last_put_ms.load(Ordering::Relaxed)
    }

    /// What its record should say now, when it lags too far.
    pub(crate) fn to_save(&self) -> Option<i64> {
        let (last, saved) = (self.last_put_ms(), self.saved_put_ms.load(Ordering::Relaxed));
        // An hour is paid for once, so the first point of each is noted soon.
        (last.saturating_sub(saved) >= SAVE_EVERY_MS || hour(last) > hour(saved)).then_some(last)
    }

    pub(crate) fn saved(&self, at_ms: i64) {
        self.saved_put_ms.fetch_max(at_ms, Ordering::Relaxed);
    }
}
