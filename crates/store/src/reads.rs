use bytes::Bytes;

use crate::engine::{KeyRange, Pair};
use crate::key::{Key, KeyOf};
use crate::record::Record;
use crate::{Range, StoreError, Table};

/// Records that one scan may ask for; a longer listing pages.
pub const SCAN_LIMIT_MAX: usize = 100_000;

/// Reading, the same on a [`Store`](crate::Store) (each read sees the newest state), on a
/// [`Snapshot`](crate::Snapshot) and in a [`Tx`](crate::Tx) (all reads see one state).
pub trait Reads: Sync {
    /// One key of the key space.
    fn get_bytes(&self, key: Bytes) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    fn scan_bytes(
        &self,
        range: KeyRange,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Pair>, StoreError>> + Send;

    fn get<K: Key, V: Record>(
        &self,
        table: &Table<K, V>,
        key: &(impl KeyOf<K> + ?Sized),
    ) -> impl Future<Output = Result<Option<V>, StoreError>> + Send {
        let key = table.full_key(key);
        async move {
            let value = self.get_bytes(key?).await?;
            value.map(|value| table.decode_value(&value)).transpose()
        }
    }

    /// Up to `limit` records of the range, in its order.
    fn scan<K: Key, V: Record>(
        &self,
        table: &Table<K, V>,
        range: Range<K>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(K, V)>, StoreError>> + Send {
        async move {
            let pairs = self.scan_bytes(range.in_table(table.name()), limit.min(SCAN_LIMIT_MAX)).await?;
            pairs.iter().map(|(k, v)| Ok((table.decode_key(k)?, table.decode_value(v)?))).collect()
        }
    }

    /// Up to `limit` keys of the range, without decoding the records.
    fn scan_keys<K: Key, V: Record>(
        &self,
        table: &Table<K, V>,
        range: Range<K>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<K>, StoreError>> + Send {
        async move {
            let pairs = self.scan_bytes(range.in_table(table.name()), limit.min(SCAN_LIMIT_MAX)).await?;
            pairs.iter().map(|(k, _)| table.decode_key(k)).collect()
        }
    }
}
