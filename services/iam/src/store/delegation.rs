use haneul_kit::{AccountId, ApiError, Instant, Result};
use haneul_store::{Range, Reads, Tx};

use super::{LIST_MAX, State};
use crate::catalog::{Partner, boundary_arn};
use crate::delegation;
use crate::model::{
    DELEGATION_NOTICES, DELEGATION_OWNERS, DELEGATION_WORKFLOWS, DELEGATIONS, DelegationRequest,
    DelegationState, Notice, PARTNER_POLICIES, PartnerPolicy,
};
use crate::{error, quotas};

impl State {
    /// Keeps what partners register as boundaries: roles hold on to them, so that they never change and never go.
    ///
    /// # Errors
    /// When the text of one that is kept is another now.
    pub(crate) async fn keep_boundaries(&self, partners: &[Partner], now: Instant) -> Result<()> {
        for partner in partners {
            for boundary in &partner.boundaries {
                let arn = boundary_arn(&partner.domain, &boundary.name);
                let document = &boundary.policy;
                self.store
                    .transact(|tx| {
                        let arn = arn.clone();
                        async move {
                            match tx.get(&PARTNER_POLICIES, &arn).await? {
                                Some(kept) if kept.document == *document => Ok(()),
                                Some(_) => Err(ApiError::internal(format_args!(
                                    "the catalog of IAM: {arn} is registered with another text, and boundaries never \
                                     change; give the new one another name"
                                ))),
                                None => {
                                    let id = delegation::policy_id(&arn);
                                    let policy = PartnerPolicy { id, document: document.clone(), created: now.into() };
                                    Ok(tx.put(&PARTNER_POLICIES, &arn, &policy)?)
                                }
                            }
                        }
                    })
                    .await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn create_delegation(&self, new: &DelegationRequest, now: Instant) -> Result<()> {
        let partner = new.requestor();
        self.store
            .transact(|tx| async move {
                let workflow = (partner, &new.workflow_id);
                if let Some(before) = tx.get(&DELEGATION_WORKFLOWS, &workflow).await? {
                    match tx.get(&DELEGATIONS, &before).await? {
                        Some(before) if before.gone() <= now => forget(&tx, &before)?,
                        _ => return Err(error::workflow_exists(&new.workflow_id)),
                    }
                }
                let kept = tx.scan_keys(&DELEGATION_WORKFLOWS, Range::prefix((partner,)), LIST_MAX).await?;
                if kept.len() >= quotas::DELEGATION_REQUESTS {
                    return Err(error::quota("DelegationRequestsPerAccount", quotas::DELEGATION_REQUESTS));
                }
                tx.put(&DELEGATION_WORKFLOWS, &workflow, &new.id)?;
                Ok(tx.put(&DELEGATIONS, &new.id, new)?)
            })
            .await
    }

    /// Drops the requests that expired long ago; says when the next is due.
    pub(crate) async fn sweep_delegations(&self, now: Instant) -> Result<Option<Instant>> {
        let mut next: Option<Instant> = None;
        for (id, request) in self.store.scan(&DELEGATIONS, Range::all(), LIST_MAX).await? {
            let gone = request.gone();
            if gone > now {
                next = Some(next.map_or(gone, |next| next.min(gone)));
                continue;
            }
            self.store
                .transact(|tx| {
                    let id = &id;
                    async move {
                        // Its workflow may have another request meanwhile.
                        match tx.get(&DELEGATIONS, id).await? {
                            Some(request) => forget(&tx, &request),
                            None => Ok(()),
                        }
                    }
                })
                .await?;
        }
        Ok(next)
    }

    pub(crate) async fn delegation(&self, id: &str, now: Instant) -> Result<DelegationRequest> {
        get(&self.store, id, now).await
    }

    /// Those of an account that have an owner, by id.
    pub(crate) async fn delegations_of(
        &self,
        account: AccountId,
        now: Instant,
    ) -> Result<Vec<DelegationRequest>> {
        let snapshot = self.store.snapshot().await?;
        let mut all = Vec::new();
        for (_, id) in snapshot.scan_keys(&DELEGATION_OWNERS, Range::prefix((account,)), LIST_MAX).await? {
            all.extend(snapshot.get(&DELEGATIONS, &id).await?.filter(|request| request.gone() > now));
        }
        Ok(all)
    }

    /// Changes a request that is in one of the states `from` by `change` and moves it `to` its new state, with a notice of
    /// that; `token` is what the notice hands over. What is in that state already stays there no longer for it.
    pub(crate) async fn move_delegation(
        &self,
        id: &str,
        from: &[DelegationState],
        to: DelegationState,
        now: Instant,
        change: impl Fn(&mut DelegationRequest) -> Result<Option<String>> + Send + Sync,
    ) -> Result<DelegationRequest> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let mut request = get(&tx, id, now).await?;
                let state = request.state(now);
                if !from.contains(&state) {
                    return Err(error::delegation_state(id, state, to));
                }
                let token = change(&mut request)?;
                if state != to {
                    request.state = to;
                    request.changed = now.into();
                    request.changes += 1;
                    if let (Some(account), Some(_)) = (request.owner_account(), &request.owner) {
                        tx.put(&DELEGATION_OWNERS, &(account, id), &())?;
                    }
                    put_notice(&tx, &request, token.as_deref(), now)?;
                }
                tx.put(&DELEGATIONS, id, &request)?;
                Ok(request)
            })
            .await
    }

    pub(crate) async fn notices(&self) -> Result<Vec<((String, u32), Notice)>> {
        Ok(self.store.scan(&DELEGATION_NOTICES, Range::all(), LIST_MAX).await?)
    }

    /// Puts a notice back, or takes it away.
    pub(crate) async fn set_notice(&self, at: &(String, u32), notice: Option<&Notice>) -> Result<()> {
        self.store
            .transact(|tx| async move {
                match notice {
                    Some(notice) => tx.put(&DELEGATION_NOTICES, at, notice)?,
                    None => tx.delete(&DELEGATION_NOTICES, at)?,
                }
                Ok(())
            })
            .await
    }
}

async fn get(reads: &impl Reads, id: &str, now: Instant) -> Result<DelegationRequest> {
    let found = reads.get(&DELEGATIONS, id).await?.filter(|request| request.gone() > now);
    found.ok_or_else(|| error::no_such_delegation(id))
}

fn forget(tx: &Tx, request: &DelegationRequest) -> Result<()> {
    tx.delete(&DELEGATION_WORKFLOWS, &(request.requestor(), &request.workflow_id))?;
    if let Some(owner) = request.owner_account() {
        tx.delete(&DELEGATION_OWNERS, &(owner, &request.id))?;
    }
    Ok(tx.delete(&DELEGATIONS, &request.id)?)
}

fn put_notice(tx: &Tx, request: &DelegationRequest, token: Option<&str>, now: Instant) -> Result<()> {
    let notice = Notice {
        partner: request.requestor,
        channel: request.channel.clone(),
        source: request.arn(request.requestor()).to_string(),
        body: delegation::notice(request, token, now),
        made: now.into(),
        due: now.into(),
        attempts: 0,
    };
    Ok(tx.put(&DELEGATION_NOTICES, &(&request.id, request.changes), &notice)?)
}
