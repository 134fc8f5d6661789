use haneul_kit::paging::{self, Page};
use haneul_kit::{AccountId, Cx, Region, Result};
use haneul_store::key::{Key, Prefix};
use haneul_store::{Range, Reads, Record, Table};

use crate::ApplicationAutoscaling;
use crate::error::{self, validation};

/// Source: the API reference: 50, which is also the default.
const RESULTS_MAX: i32 = 50;

/// Rows that are read at once.
const ROWS: usize = 500;

/// What a listing was asked for.
pub(super) struct Asked<'a> {
    pub(super) operation: &'a str,
    pub(super) max_results: Option<i32>,
    pub(super) next_token: Option<&'a str>,
}

impl ApplicationAutoscaling {
    /// A page of what a table has of the caller's account and Region, as far as it is wanted.
    pub(super) async fn listed<K: Key, V: Record>(
        &self,
        cx: &Cx,
        table: &Table<K, V>,
        asked: Asked<'_>,
        wanted: impl Fn(&K, &V) -> bool,
    ) -> Result<Page<(K, V)>>
    where
        (AccountId, Region): Prefix<K>,
    {
        let limit = page_size(asked.max_results)?;
        let (account, region) = (cx.account(), cx.region());
        let purpose = format!("{} {account} {}", asked.operation, region.as_str());
        let whole = || Range::prefix((account, region));
        let mut range = whole();
        if let Some(token) = asked.next_token {
            let at: Vec<u8> =
                paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::invalid_token)?;
            range = range.after(&K::decode(&mut &at[..]).ok_or_else(error::invalid_token)?);
        }
        let mut found = Vec::new();
        while found.len() <= limit {
            let rows = self.platform.store.scan(table, range, ROWS).await.map_err(error::store)?;
            let Some((last, _)) = rows.last() else { break };
            range = whole().after(last);
            found.extend(rows.into_iter().filter(|(key, row)| wanted(key, row)));
        }
        let position = |(key, _): &(K, V)| {
            let mut bytes = Vec::new();
            key.encode(&mut bytes);
            bytes
        };
        Ok(paging::cut(found, limit, &self.platform.seal, &purpose, position))
    }
}

fn page_size(given: Option<i32>) -> Result<usize> {
    let given = given.unwrap_or(RESULTS_MAX);
    match usize::try_from(given) {
        Ok(size) if (1..=RESULTS_MAX).contains(&given) => Ok(size),
        _ => Err(validation(format!("MaxResults must be between 1 and {RESULTS_MAX}"))),
    }
}
