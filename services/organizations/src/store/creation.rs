//! A new account, step by step: [`begin`](State::begin_creation) takes its number and its address, durably; the
//! reconciler makes what it needs in IAM, again and again until that is done; [`finish`](State::finish_creation) makes
//! account, membership and the success of the request all at once. A crash between them leaves a request under way and
//! an account that nobody can see.

use haneul_kit::{AccountId, ApiError, Instant, Result};
use haneul_store::{Range, Reads};

use super::members::{Joining, seat};
use super::{LIST_MAX, State, count_members, organization};
use crate::error;
use crate::model::{ACCOUNTS, Account, CREATIONS, Creation, EMAILS, Status};
use crate::quotas;

impl State {
    /// Whether the number was free.
    pub(crate) async fn begin_creation(&self, id: &str, request: &str, creation: &Creation) -> Result<bool> {
        self.store
            .transact(|tx| async move {
                organization(&tx, id).await?;
                let under_way = tx.scan(&CREATIONS, Range::prefix((id,)), LIST_MAX).await?;
                let under_way = under_way.iter().filter(|(_, creation)| creation.completed.is_none()).count();
                if count_members(&tx, id).await? + under_way >= quotas::ACCOUNTS_MAX {
                    return Err(error::constraint(
                        "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
                        "You have exceeded the allowed number of AWS accounts.",
                    ));
                }
                let number = AccountId::new(creation.account).unwrap_or_default();
                if tx.get(&ACCOUNTS, &number).await?.is_some() {
                    return Ok(false);
                }
                let email = creation.email.to_lowercase();
                let mut creation = creation.clone();
                if tx.get(&EMAILS, &email).await?.is_some() {
                    // AWS tells it in the status of the request, not at once.
                    creation.completed = Some(creation.requested);
                    creation.failure = Some("EMAIL_ALREADY_EXISTS".to_owned());
                } else {
                    tx.put(&EMAILS, &email, &creation.account)?;
                }
                tx.put(&CREATIONS, &(id, request), &creation)?;
                Ok::<_, ApiError>(true)
            })
            .await
    }

    pub(crate) async fn finish_creation(&self, id: &str, request: &str, now: Instant) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let found: Option<Creation> = tx.get(&CREATIONS, &(id, request)).await?;
                let Some(mut creation) = found.filter(|creation| creation.completed.is_none()) else {
                    return Ok(());
                };
                let record = organization(&tx, id).await?;
                let number = AccountId::new(creation.account).unwrap_or_default();
                let mut account = Account {
                    name: creation.name.clone(),
                    email: creation.email.clone(),
                    status: Status::Active,
                    made_here: true,
                    closed: None,
                    seat: None,
                };
                let how = Joining { created: true, at: now, tags: creation.tags.clone() };
                seat(&tx, id, &record, number, &mut account, how)?;
                creation.completed = Some(now.into());
                Ok(tx.put(&CREATIONS, &(id, request), &creation)?)
            })
            .await
    }

    pub(crate) async fn creation(&self, id: &str, request: &str) -> Result<Option<Creation>> {
        Ok(self.store.get(&CREATIONS, &(id, request)).await?)
    }

    pub(crate) async fn creations(&self, id: &str) -> Result<Vec<(String, Creation)>> {
        let found = self.store.scan(&CREATIONS, Range::prefix((id,)), LIST_MAX).await?;
        Ok(found.into_iter().map(|((_, request), creation)| (request, creation)).collect())
    }
}
