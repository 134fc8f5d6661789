//! Accounts are created and closed, handshakes expire.

use std::sync::Arc;

use haneul_kit::{AccountId, BoxFuture, Instant, Reconciler, Result, Signal};
use haneul_store::{Range, Reads};

use crate::Organizations;
use crate::model::{CREATIONS, ORGANIZATIONS};
use crate::quotas;
use crate::store::LIST_MAX;

pub(crate) struct Settle(pub Arc<Organizations>);

impl Reconciler for Settle {
    fn name(&self) -> &'static str {
        "organizations.settle"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.0.settle())
    }

    fn signal(&self) -> &Signal {
        &self.0.work
    }
}

impl Organizations {
    /// Does what is due, and says when something will be due next.
    pub(crate) async fn settle(&self) -> Result<Option<Instant>> {
        let mut next = self.create_accounts().await?;
        let now = self.platform.env.now();
        let dues = [self.state.settle_closures(now).await?, self.state.settle_handshakes(now).await?];
        for due in dues.into_iter().flatten() {
            next = Some(next.map_or(due, |next| next.min(due)));
        }
        Ok(next)
    }

    async fn create_accounts(&self) -> Result<Option<Instant>> {
        let mut next: Option<Instant> = None;
        let found = self.state.store.scan(&CREATIONS, Range::all(), LIST_MAX).await?;
        for ((id, request), creation) in found {
            let now = self.platform.env.now();
            if let Some(completed) = creation.completed {
                let gone = Instant::from(completed) + quotas::CREATIONS_KEPT;
                if gone <= now {
                    self.state.store.delete(&CREATIONS, &(id, request)).await?;
                } else {
                    next = Some(next.map_or(gone, |next| next.min(gone)));
                }
                continue;
            }
            let Some(organization) = self.state.store.get(&ORGANIZATIONS, &id).await? else { continue };
            let account = AccountId::new(creation.account).unwrap_or_default();
            self.make_access_role(account, &creation.role, organization.management()).await?;
            self.make_service_linked_role(account).await?;
            self.state.finish_creation(&id, &request, now).await?;
        }
        Ok(next)
    }
}
