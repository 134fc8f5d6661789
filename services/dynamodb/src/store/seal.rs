//! Items of tables that are encrypted with a key of KMS: AES-256-GCM under a data key of the table's own, bound to the
//! place where the item lies. The keys that items lie under are not encrypted: their order is what finds items.

use std::sync::Arc;

use haneul_kit::{ApiError, DataKey, Env, Result};

use crate::model::StoredItem;
use crate::stream::record::Change;
use crate::table::TableInfo;
use crate::value::{Attrs, codec, size};

/// The data key of a table, open.
#[derive(Clone)]
pub(crate) struct ItemKey {
    key: DataKey,
    env: Env,
}

impl std::fmt::Debug for ItemKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ItemKey(withheld)")
    }
}

impl ItemKey {
    /// `None` when these are not 256 bits.
    pub(crate) fn new(plaintext: &[u8], env: Env) -> Option<ItemKey> {
        Some(ItemKey { key: DataKey::new(plaintext)?, env })
    }

    fn seal(&self, at: &[u8], plain: &[u8]) -> Vec<u8> {
        self.key.seal(&self.env.rng, at, plain)
    }

    fn open(&self, at: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        self.key.open(at, sealed).ok_or_else(|| ApiError::internal("an encrypted item is damaged"))
    }
}

/// How the items of a table are kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keeping<'a> {
    /// What is written is encrypted.
    pub(crate) seals: bool,
    pub(crate) key: Option<&'a ItemKey>,
}

impl Keeping<'_> {
    pub(crate) fn stored(&self, at: &[u8], item: Arc<Attrs>) -> Result<StoredItem> {
        if !self.seals {
            return Ok(StoredItem::Plain(item));
        }
        let mut plain = Vec::with_capacity(256);
        codec::encode(&item, &mut plain);
        let bytes = u32::try_from(size::of_item(&item)).unwrap_or(u32::MAX);
        Ok(StoredItem::Sealed { bytes, sealed: self.key()?.seal(at, &plain) })
    }

    pub(crate) fn item(&self, at: &[u8], stored: StoredItem) -> Result<Arc<Attrs>> {
        match stored {
            StoredItem::Plain(item) => Ok(item),
            StoredItem::Sealed { sealed, .. } => {
                let plain = self.key()?.open(at, &sealed)?;
                let item = codec::decode(&plain).map(Arc::new);
                item.ok_or_else(|| ApiError::internal("an encrypted item does not decode"))
            }
        }
    }

    /// A record of a log, from the bytes of a change.
    pub(crate) fn logged(&self, at: &[u8], change: Vec<u8>) -> Result<Vec<u8>> {
        match self.seals {
            true => Ok([&SEALED[..], &self.key()?.seal(at, &change)].concat()),
            false => Ok(change),
        }
    }

    pub(crate) fn change(&self, at: &[u8], record: &[u8]) -> Result<Change> {
        let change = match record.strip_prefix(&SEALED) {
            Some(sealed) => Change::decode(&self.key()?.open(at, sealed)?),
            None => Change::decode(record),
        };
        change.ok_or_else(|| ApiError::internal("a record of a log does not decode"))
    }

    fn key(&self) -> Result<&ItemKey> {
        self.key.ok_or_else(|| ApiError::internal("the key of an encrypted table is not open"))
    }
}

/// What an encrypted record begins with: no change has such a time, with which all others begin.
const SEALED: [u8; 8] = i64::MIN.to_le_bytes();

impl TableInfo {
    pub(crate) fn keeping(&self) -> Keeping<'_> {
        Keeping { seals: self.record.sse.as_ref().is_some_and(|sse| sse.on), key: self.key.get() }
    }
}
