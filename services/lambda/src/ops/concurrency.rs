use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;
use haneul_shape::Empty;

use crate::invoke::{ACCOUNT_MAX, UNRESERVED_MIN};
use crate::{Lambda, error, names};

impl Handle<op::PutFunctionConcurrency> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::PutFunctionConcurrencyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:PutFunctionConcurrency", &input.function_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::PutFunctionConcurrencyRequest) -> Result<s::Concurrency> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let own = self.records.get(&function).await?;
        if own.latest.capacity.is_some() {
            return Err(error::parameter(
                "Reserved concurrency is not supported for functions with a capacity provider.",
            ));
        }
        let reserved = u32::try_from(input.reserved_concurrent_executions).unwrap_or(0);
        let all = self.cache.reserved(&self.records, function.account, function.region).await?;
        let others = all - own.reserved.unwrap_or(0).min(all);
        if others + reserved > ACCOUNT_MAX - UNRESERVED_MIN && reserved > own.reserved.unwrap_or(0) {
            return Err(error::parameter(format!(
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution \
                 below its minimum value of [{UNRESERVED_MIN}]."
            )));
        }
        let provisioned: u32 = own.provisioned.values().map(|one| one.requested).sum();
        if reserved < provisioned {
            return Err(error::parameter(
                "ReservedConcurrentExecutions cannot be set to a value lower than the sum of the function's provisioned \
                 concurrency.",
            ));
        }
        self.records
            .change(&function, |record| {
                record.reserved = Some(reserved);
                Ok(())
            })
            .await?;
        Ok(s::Concurrency { reserved_concurrent_executions: i32::try_from(reserved).ok() })
    }
}

impl Handle<op::GetFunctionConcurrency> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetFunctionConcurrencyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:GetFunctionConcurrency", &input.function_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetFunctionConcurrencyRequest,
    ) -> Result<s::GetFunctionConcurrencyResponse> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let reserved = self.records.get(&function).await?.reserved;
        Ok(s::GetFunctionConcurrencyResponse {
            reserved_concurrent_executions: reserved.and_then(|reserved| i32::try_from(reserved).ok()),
        })
    }
}

impl Handle<op::DeleteFunctionConcurrency> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::DeleteFunctionConcurrencyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:DeleteFunctionConcurrency", &input.function_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteFunctionConcurrencyRequest) -> Result<Empty> {
        let function = names::read(cx, &input.function_name, None)?.function;
        self.records
            .change(&function, |record| {
                record.reserved = None;
                Ok(())
            })
            .await?;
        Ok(Empty)
    }
}
