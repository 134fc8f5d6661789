use std::time::Duration;

use haneul_kit::{AccountId, Instant, Result};
use haneul_store::{Range, Reads};

use super::{LIST_MAX, State, entities, key};
use crate::model::{ATTACHMENTS, DELETION_TASKS, DeletionState, DeletionTask, Kind, ROLES, Role, Usage, tie};
use crate::{error, service_linked};

/// How long the outcome of a deletion can be asked for.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

impl State {
    /// `role` has its policies attached already.
    pub(crate) async fn create_service_linked_role(&self, account: AccountId, role: &Role) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let at = key(account, &role.entity.name);
                if tx.get(&ROLES, &at).await?.is_some() {
                    return Err(error::service_role_taken(&role.entity.name));
                }
                for arn in &role.entity.attached {
                    let tied = (account, arn, tie(Usage::Permissions, Kind::Role), &at.1);
                    tx.put(&ATTACHMENTS, &tied, &())?;
                }
                entities::create(&tx, account, role).await
            })
            .await
    }

    /// Begins the deletion of a service-linked role; the id of the task that does it, the one before when there is one.
    pub(crate) async fn submit_deletion(
        &self,
        account: AccountId,
        role: &str,
        id: &str,
        now: Instant,
    ) -> Result<String> {
        self.store
            .transact(|tx| async move {
                let record: Role = entities::get(&tx, account, role).await?;
                let Some(principal) = service_linked::principal_in(&record.entity.path) else {
                    return Err(error::not_service_linked(role));
                };
                let name = key(account, role).1;
                let tasks = tx.scan(&DELETION_TASKS, Range::all(), LIST_MAX).await?;
                let running = tasks.into_iter().find(|(_, task)| {
                    task.state == DeletionState::InProgress
                        && task.role == name
                        && task.account == account.number()
                });
                if let Some((running, _)) = running {
                    return Ok(running);
                }
                let id = format!("task/aws-service-role/{principal}/{}/{id}", record.entity.name);
                let task = DeletionTask {
                    account: account.number(),
                    role: name,
                    submitted: now.into(),
                    state: DeletionState::InProgress,
                    reason: None,
                    used_by: Default::default(),
                };
                tx.put(&DELETION_TASKS, &id, &task)?;
                Ok(id)
            })
            .await
    }

    pub(crate) async fn deletion_task(&self, account: AccountId, id: &str) -> Result<DeletionTask> {
        let found = self.store.get(&DELETION_TASKS, id).await?;
        let found = found.filter(|task| task.account == account.number());
        found.ok_or_else(|| error::no_such_deletion_task(id))
    }

    pub(crate) async fn deletion_tasks(&self) -> Result<Vec<(String, DeletionTask)>> {
        Ok(self.store.scan(&DELETION_TASKS, Range::all(), LIST_MAX).await?)
    }

    /// Ends a task: deletes the role, unless there is a `refusal`.
    pub(crate) async fn finish_deletion(&self, id: &str, refusal: Option<&DeletionTask>) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let Some(mut task) = tx.get(&DELETION_TASKS, id).await? else { return Ok(()) };
                if task.state != DeletionState::InProgress {
                    return Ok(());
                }
                if let Some(refusal) = refusal {
                    return Ok(tx.put(&DELETION_TASKS, id, refusal)?);
                }
                let account = AccountId::new(task.account).unwrap_or_default();
                let at = (account, task.role.clone());
                if let Some(role) = tx.get(&ROLES, &at).await? {
                    for arn in &role.entity.attached {
                        let tied = (account, arn, tie(Usage::Permissions, Kind::Role), &at.1);
                        tx.delete(&ATTACHMENTS, &tied)?;
                    }
                    entities::uncount(&tx, account, |of| &mut of.roles).await?;
                    tx.delete(&ROLES, &at)?;
                }
                task.state = DeletionState::Succeeded;
                Ok(tx.put(&DELETION_TASKS, id, &task)?)
            })
            .await
    }

    /// Forgets a task whose outcome has been there long enough; when that will be, otherwise.
    pub(crate) async fn forget_deletion(
        &self,
        id: &str,
        task: &DeletionTask,
        now: Instant,
    ) -> Result<Option<Instant>> {
        let until = Instant::from(task.submitted) + KEPT;
        if now < until {
            return Ok(Some(until));
        }
        let mut batch = haneul_store::Batch::default();
        batch.delete(&DELETION_TASKS, id)?;
        self.store.write(batch).await?;
        Ok(None)
    }
}
