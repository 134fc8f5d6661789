use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;

use super::render::runtime_version_arn;
use crate::model::function::RuntimeUpdates;
use crate::names::{self, LATEST, version_number};
use crate::{Lambda, error};

impl Handle<op::PutRuntimeManagementConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::PutRuntimeManagementConfigRequest) -> Result<Vec<Access>> {
        let qualifier = input.qualifier.as_deref();
        Ok(vec![self.on(cx, "lambda:PutRuntimeManagementConfig", &input.function_name, qualifier).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutRuntimeManagementConfigRequest,
    ) -> Result<s::PutRuntimeManagementConfigResponse> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        let key = version_key(named.qualifier.as_deref())?;
        let target = self.target(&named).await?;
        let is = runtime_version_arn(&named.function, &target.version.runtime);
        match (input.update_runtime_on.as_str(), &input.runtime_version_arn) {
            ("Manual", None) => {
                return Err(error::parameter("RuntimeVersionArn is required if UpdateRuntimeOn is Manual."));
            }
            // There is one version of each runtime: the one that the host has.
            ("Manual", Some(arn)) if *arn != is => {
                return Err(error::not_found(format!("Runtime version {arn} is not on this host.")));
            }
            ("Auto" | "FunctionUpdate", Some(_)) => {
                return Err(error::parameter(
                    "RuntimeVersionArn is only supported if UpdateRuntimeOn is Manual.",
                ));
            }
            _ => {}
        }
        let updates = RuntimeUpdates { on: input.update_runtime_on, runtime: input.runtime_version_arn };
        self.records
            .change(&named.function, |record| {
                record.runtime_updates.insert(key.clone(), updates.clone());
                Ok(())
            })
            .await?;
        Ok(s::PutRuntimeManagementConfigResponse {
            update_runtime_on: updates.on,
            function_arn: named.function.qualified(&key).to_string(),
            runtime_version_arn: updates.runtime,
        })
    }
}

impl Handle<op::GetRuntimeManagementConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetRuntimeManagementConfigRequest) -> Result<Vec<Access>> {
        let qualifier = input.qualifier.as_deref();
        Ok(vec![self.on(cx, "lambda:GetRuntimeManagementConfig", &input.function_name, qualifier).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetRuntimeManagementConfigRequest,
    ) -> Result<s::GetRuntimeManagementConfigResponse> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        let key = version_key(named.qualifier.as_deref())?;
        let target = self.target(&named).await?;
        let updates = target.known.record.runtime_updates.get(&key).cloned();
        let updates = updates.unwrap_or_else(|| RuntimeUpdates { on: "Auto".into(), runtime: None });
        Ok(s::GetRuntimeManagementConfigResponse {
            update_runtime_on: Some(updates.on),
            function_arn: Some(named.function.qualified(&key).to_string()),
            runtime_version_arn: updates.runtime,
        })
    }
}

fn version_key(qualifier: Option<&str>) -> Result<String> {
    match qualifier {
        None | Some(LATEST) => Ok(LATEST.to_owned()),
        Some(qualifier) if version_number(qualifier).is_some() => Ok(qualifier.to_owned()),
        Some(_) => Err(error::parameter("The qualifier of a runtime management configuration is a version.")),
    }
}

impl Handle<op::PutFunctionRecursionConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::PutFunctionRecursionConfigRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:PutFunctionRecursionConfig", &input.function_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutFunctionRecursionConfigRequest,
    ) -> Result<s::PutFunctionRecursionConfigResponse> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let allowed = input.recursive_loop == "Allow";
        self.records
            .change(&function, |record| {
                record.recursion_allowed = allowed;
                Ok(())
            })
            .await?;
        Ok(s::PutFunctionRecursionConfigResponse { recursive_loop: Some(input.recursive_loop) })
    }
}

impl Handle<op::GetFunctionRecursionConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetFunctionRecursionConfigRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:GetFunctionRecursionConfig", &input.function_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetFunctionRecursionConfigRequest,
    ) -> Result<s::GetFunctionRecursionConfigResponse> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let allowed = self.records.get(&function).await?.recursion_allowed;
        let word = if allowed { "Allow" } else { "Terminate" };
        Ok(s::GetFunctionRecursionConfigResponse { recursive_loop: Some(word.into()) })
    }
}
