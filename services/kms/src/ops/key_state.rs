use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;
use haneul_shape::Empty;

use crate::access::Ask;
use crate::error;
use crate::kms::{Forms, Kms, check_not_pending_deletion, check_there};
use crate::model::{Deletion, KeyState};
use crate::store::DAY_MS;

const WINDOW_DAYS_DEFAULT: i32 = 30;
const WINDOW_DAYS: std::ops::RangeInclusive<i32> = 7..=30;

impl Handle<op::EnableKey> for Kms {
    async fn access(&self, cx: &Cx, input: &s::EnableKeyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, Ask::own("kms:EnableKey", &input.key_id)).await?])
    }

    async fn call(&self, cx: &Cx, input: s::EnableKeyRequest) -> Result<Empty> {
        self.set_enabled(cx, &input.key_id, true).await
    }
}

impl Handle<op::DisableKey> for Kms {
    async fn access(&self, cx: &Cx, input: &s::DisableKeyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, Ask::own("kms:DisableKey", &input.key_id)).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DisableKeyRequest) -> Result<Empty> {
        self.set_enabled(cx, &input.key_id, false).await
    }
}

impl Handle<op::UpdateKeyDescription> for Kms {
    async fn access(&self, cx: &Cx, input: &s::UpdateKeyDescriptionRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, Ask::own("kms:UpdateKeyDescription", &input.key_id)).await?])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateKeyDescriptionRequest) -> Result<Empty> {
        let name = &self.own_key(cx, &input.key_id, "UpdateKeyDescription").await?.name.clone();
        self.state
            .change_key(name, |record| {
                check_not_pending_deletion(record.state(cx.now()), &name.arn())?;
                record.description.clone_from(&input.description);
                Ok(())
            })
            .await?;
        Ok(Empty)
    }
}

impl Handle<op::ScheduleKeyDeletion> for Kms {
    async fn access(&self, cx: &Cx, input: &s::ScheduleKeyDeletionRequest) -> Result<Vec<Access>> {
        let days = input.pending_window_in_days.unwrap_or(WINDOW_DAYS_DEFAULT);
        let access = self.ask(cx, Ask::own("kms:ScheduleKeyDeletion", &input.key_id)).await?;
        Ok(vec![access.key("kms:ScheduleKeyDeletionPendingWindowInDays", days.to_string())])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ScheduleKeyDeletionRequest,
    ) -> Result<s::ScheduleKeyDeletionResponse> {
        let window_days = input.pending_window_in_days.unwrap_or(WINDOW_DAYS_DEFAULT);
        if !WINDOW_DAYS.contains(&window_days) {
            return Err(error::validation("PendingWindowInDays must be between 7 and 30."));
        }
        let name = &self.own_key(cx, &input.key_id, "ScheduleKeyDeletion").await?.name.clone();
        let at_ms = cx.now().millis() + i64::from(window_days) * DAY_MS;
        let (deletion, state) = self
            .state
            .change_key(name, |record| {
                check_not_pending_deletion(record.state(cx.now()), &name.arn())?;
                let primary = record.multi_region.as_ref().filter(|_| !record.is_replica_in(name.region));
                let waits = primary.is_some_and(|multi| !multi.replicas.is_empty());
                let deletion = Deletion { window_days, at_ms: (!waits).then_some(at_ms) };
                record.deletion = Some(deletion.clone());
                record.enabled = false;
                Ok((deletion, record.state(cx.now())))
            })
            .await?;
        self.due.wake();
        Ok(s::ScheduleKeyDeletionResponse {
            key_id: Some(name.arn().to_string()),
            deletion_date: deletion.at_ms.map(Instant::from_millis),
            key_state: Some(state.as_str().into()),
            pending_window_in_days: Some(window_days),
        })
    }
}

impl Handle<op::CancelKeyDeletion> for Kms {
    async fn access(&self, cx: &Cx, input: &s::CancelKeyDeletionRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, Ask::own("kms:CancelKeyDeletion", &input.key_id)).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CancelKeyDeletionRequest,
    ) -> Result<s::CancelKeyDeletionResponse> {
        let name = &self.own_key(cx, &input.key_id, "CancelKeyDeletion").await?.name.clone();
        self.state
            .change_key(name, |record| {
                if record.deletion.take().is_none() {
                    return Err(error::invalid_state(&name.arn(), "is not pending deletion"));
                }
                // Disabled, until somebody enables it.
                Ok(())
            })
            .await?;
        Ok(s::CancelKeyDeletionResponse { key_id: Some(name.arn().to_string()) })
    }
}

impl Kms {
    /// A customer managed key that is to be changed.
    pub(super) async fn own_key(
        &self,
        cx: &Cx,
        key_id: &str,
        operation: &str,
    ) -> Result<std::sync::Arc<crate::live::LiveKey>> {
        let key = self.key(cx, key_id, Forms::Key).await?;
        if key.record.aws_managed {
            let arn = key.name.arn();
            return Err(error::foreign(cx, &format!("kms:{operation}"), &arn));
        }
        Ok(key)
    }

    async fn set_enabled(&self, cx: &Cx, key_id: &str, enabled: bool) -> Result<Empty> {
        let operation = if enabled { "EnableKey" } else { "DisableKey" };
        let name = &self.own_key(cx, key_id, operation).await?.name.clone();
        self.state
            .change_key(name, |record| {
                let state: KeyState = record.state(cx.now());
                check_there(state, &name.arn())?;
                record.enabled = enabled;
                Ok(())
            })
            .await?;
        self.due.wake();
        Ok(Empty)
    }
}
