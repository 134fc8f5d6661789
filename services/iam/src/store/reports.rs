use haneul_kit::{AccountId, Instant, Result};
use haneul_store::{Range, Reads};

use super::{LIST_MAX, State};
use crate::model::{ACCESS_REPORTS, AccessReport};

/// Reports of one account that are kept; the oldest go first.
const KEPT: usize = 100;

impl State {
    pub(crate) async fn put_report(&self, account: AccountId, id: &str, report: &AccessReport) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut before = tx.scan(&ACCESS_REPORTS, Range::prefix((account,)), LIST_MAX).await?;
                before.sort_by_key(|(_, report)| Instant::from(report.created));
                for (key, _) in before.iter().take((before.len() + 1).saturating_sub(KEPT)) {
                    tx.delete(&ACCESS_REPORTS, key)?;
                }
                Ok(tx.put(&ACCESS_REPORTS, &(account, id), report)?)
            })
            .await
    }

    pub(crate) async fn report(&self, account: AccountId, id: &str) -> Result<Option<AccessReport>> {
        Ok(self.store.get(&ACCESS_REPORTS, &(account, id)).await?)
    }
}
