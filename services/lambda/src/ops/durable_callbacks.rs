use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;

use crate::durable::PAYLOAD_MAX;
use crate::durable::advance::Settled;
use crate::durable::names::{CallbackName, ExecutionArn};
use crate::durable::update::failure;
use crate::model::durable::{Failure, OperationStatus};
use crate::{Lambda, error};

impl Handle<op::SendDurableExecutionCallbackSuccess> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::SendDurableExecutionCallbackSuccessRequest,
    ) -> Result<Vec<Access>> {
        self.on_callback(cx, "lambda:SendDurableExecutionCallbackSuccess", &input.callback_id)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::SendDurableExecutionCallbackSuccessRequest,
    ) -> Result<s::SendDurableExecutionCallbackSuccessResponse> {
        let result = input.result.filter(|result| !result.is_empty());
        if result.as_ref().is_some_and(|result| result.len() > PAYLOAD_MAX) {
            return Err(error::parameter(format!(
                "Callback result must be less than or equal to {PAYLOAD_MAX} bytes."
            )));
        }
        let result = result
            .map(|result| String::from_utf8(result.into()))
            .transpose()
            .map_err(|_| error::parameter("The callback's result is not UTF-8."))?;
        let settled = Settled { status: OperationStatus::Succeeded, result, error: None };
        self.settle_callback(cx, &input.callback_id, settled).await?;
        Ok(s::SendDurableExecutionCallbackSuccessResponse {})
    }
}

impl Handle<op::SendDurableExecutionCallbackFailure> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::SendDurableExecutionCallbackFailureRequest,
    ) -> Result<Vec<Access>> {
        self.on_callback(cx, "lambda:SendDurableExecutionCallbackFailure", &input.callback_id)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::SendDurableExecutionCallbackFailureRequest,
    ) -> Result<s::SendDurableExecutionCallbackFailureResponse> {
        let error = checked(input.error)?.unwrap_or_default();
        let settled = Settled { status: OperationStatus::Failed, result: None, error: Some(error) };
        self.settle_callback(cx, &input.callback_id, settled).await?;
        Ok(s::SendDurableExecutionCallbackFailureResponse {})
    }
}

impl Handle<op::SendDurableExecutionCallbackHeartbeat> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::SendDurableExecutionCallbackHeartbeatRequest,
    ) -> Result<Vec<Access>> {
        self.on_callback(cx, "lambda:SendDurableExecutionCallbackHeartbeat", &input.callback_id)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::SendDurableExecutionCallbackHeartbeatRequest,
    ) -> Result<s::SendDurableExecutionCallbackHeartbeatResponse> {
        let (arn, operation) = self.callback(cx, &input.callback_id)?;
        let at = cx.now().millis();
        let changed = self.records.change_operation(&arn.name, &operation, |execution, _| {
            Ok(arn.is(&execution.record) && execution.heartbeat(&operation, at))
        });
        let changed = changed.await?.ok_or_else(|| error::no_execution(arn.arn().as_str()))?;
        if !changed.value {
            return Err(error::callback_closed());
        }
        self.wake.durable.wake();
        Ok(s::SendDurableExecutionCallbackHeartbeatResponse {})
    }
}

/// An error that a client hands in.
pub(super) fn checked(given: Option<s::ErrorObject>) -> Result<Option<Failure>> {
    let given = given.map(failure);
    if given.as_ref().is_some_and(|given| given.len() > PAYLOAD_MAX) {
        return Err(error::parameter(format!("Error object size must be less than {PAYLOAD_MAX} bytes.")));
    }
    Ok(given)
}

impl Lambda {
    fn callback(&self, cx: &Cx, given: &str) -> Result<(ExecutionArn, String)> {
        let CallbackName { execution, operation } = CallbackName::open(&self.platform.seal, given)?;
        Ok((ExecutionArn::read(cx, &execution)?, operation))
    }

    fn on_callback(&self, cx: &Cx, action: &'static str, given: &str) -> Result<Vec<Access>> {
        let (arn, _) = self.callback(cx, given)?;
        Ok(vec![Access::on(action, &arn.arn())])
    }

    async fn settle_callback(&self, cx: &Cx, given: &str, settled: Settled) -> Result<()> {
        let (arn, operation) = self.callback(cx, given)?;
        let at = cx.now().millis();
        let changed = self.records.change_operation(&arn.name, &operation, |execution, live| {
            Ok(arn.is(&execution.record) && execution.settle(&operation, settled.clone(), at, live))
        });
        let changed = changed.await?.ok_or_else(|| error::no_execution(arn.arn().as_str()))?;
        if !changed.value {
            return Err(error::callback_closed());
        }
        self.changed_execution(&arn.name, &changed);
        Ok(())
    }
}
