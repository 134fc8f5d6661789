use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;

use crate::durable::apply::Given;
use crate::durable::checkpoint::Checkpoint;
use crate::durable::drive::fingerprint;
use crate::durable::names::{CallbackName, ExecutionArn};
use crate::durable::render;
use crate::durable::state::{PAGE, PAGE_MAX, Place, seen};
use crate::durable::update::{Update, check_all};
use crate::model::durable::ExecutionRecord;
use crate::{Lambda, error};

impl Handle<op::CheckpointDurableExecution> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::CheckpointDurableExecutionRequest) -> Result<Vec<Access>> {
        on_execution(cx, "lambda:CheckpointDurableExecution", &input.durable_execution_arn)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CheckpointDurableExecutionRequest,
    ) -> Result<s::CheckpointDurableExecutionResponse> {
        let arn = ExecutionArn::read(cx, &input.durable_execution_arn)?;
        let updates = input.updates.unwrap_or_default().into_iter().map(Update::read);
        let updates = updates.collect::<Result<Vec<Update>>>()?;
        check_all(&updates)?;
        let name = &arn.name;
        let client_token = input.client_token.as_deref();
        let (next, sha256) = (self.checkpoint_token(), fingerprint(client_token, &updates)?);
        let execution = arn.arn().to_string();
        let callback_id = |operation: &str| {
            let name = CallbackName { execution: execution.clone(), operation: operation.to_owned() };
            name.seal(&self.platform.seal)
        };
        let ids: Vec<String> = updates
            .iter()
            .flat_map(|update| update.parent.iter().chain(std::iter::once(&update.id)))
            .cloned()
            .collect();
        let asked = Checkpoint {
            token: &input.checkpoint_token,
            next: &next,
            client_token,
            sha256: &sha256,
            updates: &updates,
            given: Given { at: cx.now().millis(), callback_id: &callback_id },
        };
        let changed = self.records.change_execution(name, &ids, |execution| {
            if !arn.is(&execution.record) {
                return Err(unknown(&arn));
            }
            execution.checkpoint(&asked)
        });
        let changed = changed.await?.ok_or_else(|| unknown(&arn))?;
        self.changed_execution(name, &changed);
        let told = changed.value;
        let (operations, next_marker) = match told.operations {
            Some(operations) => (operations, None),
            None => {
                let all = seen(self.records.briefs(name).await?);
                let place = Place { since: told.since, ..Place::default() };
                let page = self.page_of_state(name, &changed.record, place, PAGE_MAX, &all).await?;
                (page.operations, page.next)
            }
        };
        let operations = operations.iter().map(render::operation).collect();
        Ok(s::CheckpointDurableExecutionResponse {
            checkpoint_token: told.token,
            new_execution_state: s::CheckpointUpdatedExecutionState {
                operations: Some(operations),
                next_marker,
            },
        })
    }
}

impl Handle<op::GetDurableExecutionState> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetDurableExecutionStateRequest) -> Result<Vec<Access>> {
        on_execution(cx, "lambda:GetDurableExecutionState", &input.durable_execution_arn)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetDurableExecutionStateRequest,
    ) -> Result<s::GetDurableExecutionStateResponse> {
        let arn = ExecutionArn::read(cx, &input.durable_execution_arn)?;
        let (name, record) = (&arn.name, self.of_token(&arn).await?);
        if record.token.as_deref() != Some(input.checkpoint_token.as_str()) {
            return Err(error::parameter("Invalid checkpoint token"));
        }
        let place = match input.marker.as_deref().filter(|marker| !marker.is_empty()) {
            Some(marker) => self.place(name, &record, marker)?,
            None => Place { whole: true, ..Place::default() },
        };
        let all = seen(self.records.briefs(name).await?);
        let page = self.page_of_state(name, &record, place, items(input.max_items), &all).await?;
        let first = page
            .input
            .as_deref()
            .map(|input| render::First { id: &record.id, started_ms: record.started_ms, input }.shape());
        Ok(s::GetDurableExecutionStateResponse {
            operations: first.into_iter().chain(page.operations.iter().map(render::operation)).collect(),
            next_marker: page.next,
        })
    }
}

/// Items of a page: 0 asks for the default.
pub(super) fn items(asked: Option<i32>) -> usize {
    match asked.and_then(|asked| usize::try_from(asked).ok()) {
        None | Some(0) => PAGE,
        Some(asked) => asked.min(PAGE_MAX),
    }
}

pub(super) fn on_execution(cx: &Cx, action: &'static str, given: &str) -> Result<Vec<Access>> {
    Ok(vec![Access::on(action, &ExecutionArn::read(cx, given)?.arn())])
}

/// To its own function, which knows no ResourceNotFoundException here.
fn unknown(arn: &ExecutionArn) -> haneul_kit::ApiError {
    error::parameter(format!("The durable execution {} does not exist.", arn.arn()))
}

impl Lambda {
    /// An execution for its own function.
    async fn of_token(&self, arn: &ExecutionArn) -> Result<ExecutionRecord> {
        let found = self.records.execution(&arn.name).await?.filter(|record| arn.is(record));
        found.ok_or_else(|| unknown(arn))
    }

    pub(super) async fn execution_of(&self, arn: &ExecutionArn) -> Result<ExecutionRecord> {
        let found = self.records.execution(&arn.name).await?.filter(|record| arn.is(record));
        found.ok_or_else(|| error::no_execution(arn.arn().as_str()))
    }
}
