use std::collections::BTreeMap;
use std::time::Duration;

use haneul_kit::{AccountId, Arn, BoxFuture, Instant, Platform, Reconciler, Result, Signal};

use crate::model::{DeletionState, DeletionTask, Role};
use crate::service_linked;
use crate::store::{Identity, State};

/// A deletion takes a while on AWS; until then its status is IN_PROGRESS.
const TAKES: Duration = Duration::from_secs(2);

/// Deletes service-linked roles, unless something still needs them.
pub(crate) struct Deletions {
    platform: Platform,
    state: State,
    pub signal: Signal,
}

impl Deletions {
    pub(crate) fn new(platform: Platform, state: State) -> Deletions {
        Deletions { platform, state, signal: Signal::default() }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let now = self.platform.env.now();
        let mut next: Option<Instant> = None;
        for (id, task) in self.state.deletion_tasks().await? {
            let due = if task.state == DeletionState::InProgress {
                let due = Instant::from(task.submitted) + TAKES;
                if now < due {
                    Some(due)
                } else {
                    let refusal = self.refusal(&task).await?;
                    self.state.finish_deletion(&id, refusal.as_ref()).await?;
                    None
                }
            } else {
                self.state.forget_deletion(&id, &task, now).await?
            };
            next = next.into_iter().chain(due).min();
        }
        Ok(next)
    }

    /// The task as it failed, when the role is in use.
    async fn refusal(&self, task: &DeletionTask) -> Result<Option<DeletionTask>> {
        let account = AccountId::new(task.account).unwrap_or_default();
        let found: Option<Role> = self.state.find(account, &task.role).await?;
        let Some(role) = found else { return Ok(None) };
        let principal = service_linked::principal_in(&role.entity.path).unwrap_or_default();
        let users = self.users_of(account, principal).await?;
        if users.is_empty() {
            return Ok(None);
        }
        let reason = format!(
            "The role {} cannot be deleted because {principal} still uses it.",
            role.arn(account).as_str()
        );
        Ok(Some(DeletionTask {
            state: DeletionState::Failed,
            reason: Some(reason),
            used_by: BTreeMap::from([(String::from("us-east-1"), users)]),
            ..task.clone()
        }))
    }

    /// ARNs of what needs the role of a service. An account in an organization needs the one of AWS Organizations, and
    /// those of the services that the organization trusts.
    async fn users_of(&self, account: AccountId, principal: &str) -> Result<Vec<String>> {
        let standing = self.platform.standing(account).await?;
        let Some(membership) = standing.as_ref().and_then(|standing| standing.membership.as_ref()) else {
            return Ok(Vec::new());
        };
        if principal != "organizations.amazonaws.com" && !membership.trusts(principal) {
            return Ok(Vec::new());
        }
        let resource = format_args!("organization/{}", membership.organization_id);
        Ok(vec![Arn::global("organizations", membership.management_account, resource).to_string()])
    }
}

impl Reconciler for Deletions {
    fn name(&self) -> &'static str {
        "iam.deletions"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
