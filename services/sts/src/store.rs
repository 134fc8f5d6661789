//! Every read and write of STS's table.

use haneul_kit::{Instant, Result};
use haneul_store::{Reads, Store};

use crate::model::{Algorithm, SIGNING_KEYS, SigningKey, SigningKeys};
use crate::outbound::keys;

#[derive(Clone)]
pub(crate) struct State {
    pub store: Store,
}

impl State {
    pub(crate) async fn signing_keys(&self, issuer: &str) -> Result<Vec<SigningKey>> {
        Ok(self.store.get(&SIGNING_KEYS, issuer).await?.unwrap_or_default().keys)
    }

    /// Adds a key, unless one that signs now has come in between, and forgets those that are shown no more. The keys
    /// that are left.
    pub(crate) async fn add_signing_key(
        &self,
        issuer: &str,
        new: &SigningKey,
        now: Instant,
    ) -> Result<Vec<SigningKey>> {
        self.store
            .transact(|tx| async move {
                let mut record: SigningKeys = tx.get(&SIGNING_KEYS, issuer).await?.unwrap_or_default();
                record.keys.retain(|key| keys::is_shown(key, now));
                if current(&record.keys, new.algorithm, now).is_none() {
                    record.keys.push(new.clone());
                    tx.put(&SIGNING_KEYS, issuer, &record)?;
                }
                Ok(record.keys)
            })
            .await
    }
}

/// The key that signs by `algorithm` now.
pub(crate) fn current(all: &[SigningKey], algorithm: Algorithm, now: Instant) -> Option<&SigningKey> {
    all.iter().rev().find(|key| key.algorithm == algorithm && keys::signs(key, now))
}
