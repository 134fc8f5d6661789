use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;

use super::render::state_name;
use crate::capacity::fleet::ENVIRONMENTS_MIN;
use crate::capacity::settings::environments;
use crate::model::capacity::Scaling;
use crate::names::{self, FunctionName, version_number};
use crate::{Lambda, error};

impl Handle<op::PutFunctionScalingConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::PutFunctionScalingConfigRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:PutFunctionScalingConfig", &input.function_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutFunctionScalingConfigRequest,
    ) -> Result<s::PutFunctionScalingConfigResponse> {
        let (function, number) = scaled(cx, &input.function_name, &input.qualifier)?;
        let requested = environments(input.function_scaling_config.as_ref())?;
        let state = self.records.scale(&function, number, requested).await?;
        self.wake.capacity.wake();
        Ok(s::PutFunctionScalingConfigResponse { function_state: Some(state_name(&state).to_owned()) })
    }
}

impl Handle<op::GetFunctionScalingConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetFunctionScalingConfigRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:GetFunctionScalingConfig", &input.function_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetFunctionScalingConfigRequest,
    ) -> Result<s::GetFunctionScalingConfigResponse> {
        let (function, number) = scaled(cx, &input.function_name, &input.qualifier)?;
        let arn = function.qualified(&input.qualifier);
        let version = self.records.version(&function, number).await?;
        let version = version.ok_or_else(|| error::no_function(&arn))?;
        if version.capacity.is_none() {
            return Err(error::parameter(
                "A scaling configuration is only supported for functions with a capacity provider.",
            ));
        }
        let scaling = self.records.get(&function).await?.scaling.remove(&input.qualifier).unwrap_or_default();
        Ok(s::GetFunctionScalingConfigResponse {
            function_arn: Some(arn.to_string()),
            applied_function_scaling_config: scaling.applied.map(shown),
            requested_function_scaling_config: Some(shown(scaling.requested)),
        })
    }
}

fn scaled(cx: &Cx, given: &str, qualifier: &str) -> Result<(FunctionName, u64)> {
    let named = names::read(cx, given, Some(qualifier))?;
    let number = version_number(qualifier)
        .ok_or_else(|| error::parameter("A scaling configuration is of a published version."))?;
    Ok((named.function, number))
}

/// With what holds where nothing was said.
fn shown(scaling: Scaling) -> s::FunctionScalingConfig {
    let number = |given: u32| i32::try_from(given).ok();
    s::FunctionScalingConfig {
        min_execution_environments: number(scaling.min.unwrap_or(ENVIRONMENTS_MIN.min(scaling.max()))),
        max_execution_environments: scaling.max.and_then(number),
    }
}
