//! Data keys that KMS has opened, for whoever asked: another's permission is not one's own.

use std::collections::HashMap;

use haneul_kit::Instant;
use parking_lot::Mutex;

use super::seal::ItemKey;
use crate::model::SseRecord;

/// Then all are forgotten, and asked for again.
const KEPT_MAX: usize = 10_000;

#[derive(Default)]
pub(crate) struct OpenKeys(Mutex<HashMap<(String, String), (ItemKey, Instant)>>);

impl OpenKeys {
    pub(crate) fn get(&self, who: &str, sse: &SseRecord, now: Instant) -> Option<ItemKey> {
        let keys = self.0.lock();
        let kept = keys.get(&(who.to_owned(), sse.data_key.clone()));
        kept.filter(|(_, until)| now < *until).map(|(key, _)| key.clone())
    }

    pub(crate) fn keep(&self, who: &str, sse: &SseRecord, key: ItemKey, until: Instant) {
        let mut keys = self.0.lock();
        if keys.len() >= KEPT_MAX {
            keys.clear();
        }
        keys.insert((who.to_owned(), sse.data_key.clone()), (key, until));
    }
}
