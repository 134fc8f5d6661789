//! Export tasks.

use haneul_kit::{AccountId, ApiError, Region, Result};
use haneul_store::{Range, Reads};

use super::Records;
use crate::error;
use crate::model::{EXPORTS, Export, ExportState};

/// Tasks of an account that are remembered in a listing.
const EXPORTS_MAX: usize = 10_000;

impl ExportState {
    pub(crate) fn is_active(self) -> bool {
        matches!(self, ExportState::Pending | ExportState::Running | ExportState::PendingCancel)
    }
}

impl Records {
    /// Begins a task, unless the account has one at work.
    pub(crate) async fn create_export(
        &self,
        (account, region): (AccountId, Region),
        id: &str,
        export: &Export,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let there = tx.scan(&EXPORTS, Range::prefix((account, region)), EXPORTS_MAX).await?;
                if there.iter().any(|(_, export)| export.state.is_active()) {
                    return Err(error::limit());
                }
                Ok::<_, ApiError>(tx.put(&EXPORTS, &(account, region, id), export)?)
            })
            .await
    }

    pub(crate) async fn exports(
        &self,
        (account, region): (AccountId, Region),
    ) -> Result<Vec<(String, Export)>> {
        let found = self.store.scan(&EXPORTS, Range::prefix((account, region)), EXPORTS_MAX).await?;
        Ok(found.into_iter().map(|((_, _, id), export)| (id, export)).collect())
    }

    /// Changes a task; `change` may refuse. Gives what it is now.
    pub(crate) async fn change_export(
        &self,
        (account, region): (AccountId, Region),
        id: &str,
        change: impl Fn(&mut Export) -> Result<()> + Sync,
    ) -> Result<Export> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let key = (account, region, id);
                let mut export = tx.get(&EXPORTS, &key).await?.ok_or_else(error::export_not_found)?;
                change(&mut export)?;
                tx.put(&EXPORTS, &key, &export)?;
                Ok(export)
            })
            .await
    }

    /// The tasks that are at work, of all accounts.
    pub(crate) async fn active_exports(&self) -> Result<Vec<((AccountId, Region, String), Export)>> {
        let found = self.store.scan(&EXPORTS, Range::all(), usize::MAX).await?;
        Ok(found.into_iter().filter(|(_, export)| export.state.is_active()).collect())
    }
}
