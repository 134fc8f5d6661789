//! Lookup tables. What is in them is packed and sealed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_kit::{AccountId, ApiError, Region, Result, Seal};
use haneul_store::{Batch, Range, Reads};

use super::Records;
use crate::error;
use crate::keys::DataKey;
use crate::model::{LOOKUP_BODIES, LOOKUP_TABLES, LookupTable};

pub(crate) type LookupKey = (AccountId, Region, String);

/// Tables of an account in a Region. Source: User Guide, "lookup".
pub(crate) const TABLES_MAX: usize = 100;
const PURPOSE: &str = "logs lookup table";

/// What the rows of a table are sealed with.
pub(crate) enum RowSeal {
    Cloud(Seal),
    /// A data key of KMS; what it sealed opens as rows of that table alone.
    Key(Box<DataKey>),
}

impl RowSeal {
    fn close(&self, key: &LookupKey, body: &str) -> String {
        let packed = lz4_flex::compress_prepend_size(body.as_bytes());
        match self {
            RowSeal::Cloud(seal) => seal.seal(PURPOSE, &packed),
            RowSeal::Key(data_key) => STANDARD.encode(data_key.seal(&bound(key), &packed)),
        }
    }

    fn open(&self, key: &LookupKey, sealed: &str) -> Option<Vec<u8>> {
        match self {
            RowSeal::Cloud(seal) => seal.open(PURPOSE, sealed),
            RowSeal::Key(data_key) => data_key.open(&bound(key), &STANDARD.decode(sealed).ok()?),
        }
    }
}

fn bound((account, region, name): &LookupKey) -> Vec<u8> {
    format!("{PURPOSE} {account} {region} {name}").into_bytes()
}

impl Records {
    pub(crate) async fn find_lookup(&self, key: &LookupKey) -> Result<Option<LookupTable>> {
        Ok(self.store.get(&LOOKUP_TABLES, key).await?)
    }

    pub(crate) async fn lookup_table(&self, key: &LookupKey) -> Result<LookupTable> {
        self.find_lookup(key).await?.ok_or_else(error::lookup_not_found)
    }

    pub(crate) async fn lookup_tables(
        &self,
        owner: (AccountId, Region),
        prefix: &str,
    ) -> Result<Vec<(LookupKey, LookupTable)>> {
        Ok(self.store.scan(&LOOKUP_TABLES, Range::prefix(owner).text(prefix), TABLES_MAX).await?)
    }

    /// A table and its rows as they are sealed, of one moment.
    pub(crate) async fn sealed_lookup(&self, key: &LookupKey) -> Result<(LookupTable, String)> {
        self.store
            .transact(|tx| async move {
                let table = tx.get(&LOOKUP_TABLES, key).await?.ok_or_else(error::lookup_not_found)?;
                let body = tx.get(&LOOKUP_BODIES, key).await?.ok_or_else(error::lookup_not_found)?;
                Ok::<_, ApiError>((table, body))
            })
            .await
    }

    pub(crate) fn open_lookup(key: &LookupKey, seal: &RowSeal, sealed: &str) -> Result<String> {
        let damaged = || ApiError::internal("a lookup table is damaged");
        let packed = seal.open(key, sealed).ok_or_else(damaged)?;
        let plain = lz4_flex::decompress_size_prepended(&packed).map_err(|_| damaged())?;
        String::from_utf8(plain).map_err(|_| damaged())
    }

    /// Makes a table, or gives the one that is there (`replaces`) other rows.
    pub(crate) async fn put_lookup(
        &self,
        seal: &RowSeal,
        key: &LookupKey,
        (table, body): (&LookupTable, &str),
        replaces: bool,
    ) -> Result<LookupTable> {
        let sealed = &seal.close(key, body);
        self.store
            .transact(|tx| async move {
                let mut table = table.clone();
                match (tx.get(&LOOKUP_TABLES, key).await?, replaces) {
                    (Some(_), false) => return Err(error::lookup_exists()),
                    (None, true) => return Err(error::lookup_not_found()),
                    (Some(before), true) => {
                        table.tags = before.tags;
                        table.description = table.description.or(before.description);
                    }
                    (None, false) => {
                        let range = Range::prefix((key.0, key.1));
                        if tx.scan_keys(&LOOKUP_TABLES, range, TABLES_MAX).await?.len() >= TABLES_MAX {
                            return Err(error::too_many("100 lookup tables for each Region"));
                        }
                    }
                }
                tx.put(&LOOKUP_TABLES, key, &table)?;
                tx.put(&LOOKUP_BODIES, key, sealed)?;
                Ok::<_, ApiError>(table)
            })
            .await
    }

    pub(crate) async fn change_lookup_tags(
        &self,
        key: &LookupKey,
        change: impl Fn(&mut Vec<(String, String)>) -> Result<()> + Sync,
    ) -> Result<()> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let mut table = tx.get(&LOOKUP_TABLES, key).await?.ok_or_else(error::lookup_not_found)?;
                change(&mut table.tags)?;
                Ok::<_, ApiError>(tx.put(&LOOKUP_TABLES, key, &table)?)
            })
            .await
    }

    pub(crate) async fn delete_lookup(&self, key: &LookupKey) -> Result<()> {
        self.lookup_table(key).await?;
        let mut batch = Batch::default();
        batch.delete(&LOOKUP_TABLES, key)?;
        batch.delete(&LOOKUP_BODIES, key)?;
        Ok(self.store.write(batch).await?)
    }
}
