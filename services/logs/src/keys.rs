//! Data keys of groups with a key of KMS: made when the key is associated, kept as KMS sealed them, and opened by KMS for each
//! reading, so that a key that is disabled or gone hides what it sealed at once.
//!
//! Source: CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS Key Management Service".

use std::sync::Arc;

use haneul_env::Rng;
use haneul_kit::{ApiError, Result};
use sha2::{Digest, Sha256};

use crate::Logs;
use crate::calls::Keeper;
use crate::error;
use crate::names::GroupName;

/// How long an open key serves to write before KMS is asked again. Source: the guide, "up to 5 minutes".
const OPEN_MS: i64 = 5 * 60_000;

/// A data key, open.
#[derive(Clone)]
pub(crate) struct DataKey {
    key: haneul_kit::DataKey,
    /// What hashes in indexes are made with.
    index_key: Arc<[u8; 32]>,
    rng: Rng,
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(withheld)")
    }
}

impl DataKey {
    /// `None` when these are not 256 bits.
    pub(crate) fn new(plaintext: &[u8], rng: &Rng) -> Option<DataKey> {
        let key = haneul_kit::DataKey::new(plaintext)?;
        let mut index_key = Sha256::new();
        index_key.update(b"field indexes\0");
        index_key.update(plaintext);
        let index_key = Arc::new(index_key.finalize().into());
        Some(DataKey { key, index_key, rng: rng.clone() })
    }

    pub(crate) fn index_key(&self) -> &[u8; 32] {
        &self.index_key
    }

    /// A nonce and what is sealed, which opens only with the same `bound`.
    pub(crate) fn seal(&self, bound: &[u8], plain: &[u8]) -> Vec<u8> {
        self.key.seal(&self.rng, bound, plain)
    }

    pub(crate) fn open(&self, bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        self.key.open(bound, sealed)
    }
}

/// Whether KMS must be asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fresh {
    Yes,
    /// A key that was opened lately will do.
    No,
}

/// Keys that were opened lately, by group and number.
pub(crate) type OpenKeys = haneul_kit::OpenKeys<(u64, u64), DataKey>;

impl Logs {
    /// A group's data key of that number.
    ///
    /// # Errors
    /// When KMS does not open it for us.
    pub(crate) async fn data_key(
        &self,
        name: &GroupName,
        group: u64,
        number: u64,
        fresh: Fresh,
    ) -> Result<DataKey> {
        let now = self.platform.env.now();
        let at = (group, number);
        if fresh == Fresh::No
            && let Some(key) = self.open_keys.get(Some(&at), now, OPEN_MS)
        {
            return Ok(key);
        }
        let record = self.records.data_key(group, number).await?;
        let record = record.ok_or_else(|| ApiError::internal("a group's data key is gone"))?;
        let opened = self.decrypt_data_key(&Keeper::group(name), &record).await;
        let plain = opened.map_err(|refused| error::key(&refused, &name.arn()))?;
        let key = DataKey::new(&plain, &self.platform.env.rng);
        let key = key.ok_or_else(|| ApiError::internal("KMS gave no data key"))?;
        self.open_keys.keep(Some(at), key.clone(), now, OPEN_MS);
        Ok(key)
    }
}
