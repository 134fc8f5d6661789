use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;

use super::durable_callbacks::checked;
use super::durable_checkpoint::on_execution;
use crate::durable::control::Request;
use crate::durable::drive::fingerprint;
use crate::durable::execution::Execution;
use crate::durable::names::ExecutionArn;
use crate::{Lambda, error};

impl Handle<op::StopDurableExecution> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::StopDurableExecutionRequest) -> Result<Vec<Access>> {
        on_execution(cx, "lambda:StopDurableExecution", &input.durable_execution_arn)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::StopDurableExecutionRequest,
    ) -> Result<s::StopDurableExecutionResponse> {
        let error = checked(input.error)?;
        let at = cx.now().millis();
        let stop = |execution: &mut Execution| Ok(execution.stop(error.clone(), at));
        let stopped = self.control(cx, &input.durable_execution_arn, stop).await?;
        Ok(s::StopDurableExecutionResponse { stop_timestamp: Instant::from_millis(stopped) })
    }
}

impl Handle<op::PauseDurableExecution> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::PauseDurableExecutionRequest) -> Result<Vec<Access>> {
        on_execution(cx, "lambda:PauseDurableExecution", &input.durable_execution_arn)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PauseDurableExecutionRequest,
    ) -> Result<s::PauseDurableExecutionResponse> {
        let timeout_paused = input.execution_timeout_paused.unwrap_or(true);
        let request = Request {
            sha256: fingerprint(input.client_token.as_deref(), &("pause", &input.reason, timeout_paused))?,
            client_token: input.client_token,
            reason: input.reason,
            at: cx.now().millis(),
        };
        let pause = |execution: &mut Execution| execution.pause(&request, timeout_paused);
        self.control(cx, &input.durable_execution_arn, pause).await?;
        Ok(s::PauseDurableExecutionResponse {})
    }
}

impl Handle<op::ResumeDurableExecution> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::ResumeDurableExecutionRequest) -> Result<Vec<Access>> {
        on_execution(cx, "lambda:ResumeDurableExecution", &input.durable_execution_arn)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ResumeDurableExecutionRequest,
    ) -> Result<s::ResumeDurableExecutionResponse> {
        let request = Request {
            sha256: fingerprint(input.client_token.as_deref(), &("resume", &input.reason))?,
            client_token: input.client_token,
            reason: input.reason,
            at: cx.now().millis(),
        };
        let resume = |execution: &mut Execution| execution.resume(&request);
        self.control(cx, &input.durable_execution_arn, resume).await?;
        Ok(s::ResumeDurableExecutionResponse {})
    }
}

impl Handle<op::DeleteDurableExecution> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::DeleteDurableExecutionRequest) -> Result<Vec<Access>> {
        on_execution(cx, "lambda:DeleteDurableExecution", &input.durable_execution_arn)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteDurableExecutionRequest,
    ) -> Result<s::DeleteDurableExecutionResponse> {
        let at = cx.now().millis();
        self.control(cx, &input.durable_execution_arn, |execution| execution.delete(at)).await?;
        Ok(s::DeleteDurableExecutionResponse { deletion_request_timestamp: cx.now() })
    }
}

impl Lambda {
    /// Changes the execution of an ARN.
    async fn control<T: Send>(
        &self,
        cx: &Cx,
        given: &str,
        edit: impl Fn(&mut Execution) -> Result<T> + Send + Sync,
    ) -> Result<T> {
        let arn = ExecutionArn::read(cx, given)?;
        let missing = || error::no_execution(arn.arn().as_str());
        let changed = self.records.change_execution(&arn.name, &[], |execution| {
            if !arn.is(&execution.record) {
                return Err(missing());
            }
            edit(execution)
        });
        let changed = changed.await?.ok_or_else(missing)?;
        self.changed_execution(&arn.name, &changed);
        Ok(changed.value)
    }
}
