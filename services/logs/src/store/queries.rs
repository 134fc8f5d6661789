//! Queries that were asked.

use haneul_kit::{ApiError, Result};
use haneul_store::{Range, Reads};

use super::Records;
use crate::model::QUERIES;

/// Source: API Reference, "DescribeQueries" and "StartQuery": queries of the last seven days are there.
pub(crate) const KEPT_MS: i64 = 7 * 86_400_000;
/// Queries that are looked at at once.
const PAGE: usize = 500;

impl Records {
    /// Lets go of queries that are older than they are kept.
    pub(crate) async fn forget_queries(&self, now_ms: i64) -> Result<()> {
        let mut last = None;
        loop {
            let range = last.as_ref().map_or_else(Range::all, |last| Range::all().after(last));
            let found = self.store.scan(&QUERIES, range, PAGE).await?;
            let through = found.len() < PAGE;
            last = found.last().map(|(key, _)| key.clone());
            let old: Vec<_> = found
                .into_iter()
                .filter(|(_, query)| query.created_ms < now_ms - KEPT_MS)
                .map(|(key, _)| key)
                .collect();
            if !old.is_empty() {
                let old = &old;
                self.store
                    .transact(|tx| async move {
                        for key in old {
                            tx.delete(&QUERIES, key)?;
                        }
                        Ok::<_, ApiError>(())
                    })
                    .await?;
            }
            if through {
                return Ok(());
            }
        }
    }
}
