use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;
use haneul_shape::Empty;

use super::paging::limit;
use crate::invoke::destinations::{self, Allowed};
use crate::model::function::InvokeConfig;
use crate::names::{self, FunctionName, LATEST, Named};
use crate::{Lambda, error};

impl Handle<op::PutFunctionEventInvokeConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::PutFunctionEventInvokeConfigRequest) -> Result<Vec<Access>> {
        let action = "lambda:PutFunctionEventInvokeConfig";
        Ok(vec![self.on(cx, action, &input.function_name, input.qualifier.as_deref()).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutFunctionEventInvokeConfigRequest,
    ) -> Result<s::FunctionEventInvokeConfig> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        let given = Given {
            retries: input.maximum_retry_attempts,
            age_s: input.maximum_event_age_in_seconds,
            destinations: input.destination_config,
        };
        self.put_invoke_config(cx, named, given, false).await
    }
}

impl Handle<op::UpdateFunctionEventInvokeConfig> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::UpdateFunctionEventInvokeConfigRequest,
    ) -> Result<Vec<Access>> {
        let action = "lambda:UpdateFunctionEventInvokeConfig";
        Ok(vec![self.on(cx, action, &input.function_name, input.qualifier.as_deref()).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateFunctionEventInvokeConfigRequest,
    ) -> Result<s::FunctionEventInvokeConfig> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        let given = Given {
            retries: input.maximum_retry_attempts,
            age_s: input.maximum_event_age_in_seconds,
            destinations: input.destination_config,
        };
        self.put_invoke_config(cx, named, given, true).await
    }
}

impl Handle<op::GetFunctionEventInvokeConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetFunctionEventInvokeConfigRequest) -> Result<Vec<Access>> {
        let action = "lambda:GetFunctionEventInvokeConfig";
        Ok(vec![self.on(cx, action, &input.function_name, input.qualifier.as_deref()).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetFunctionEventInvokeConfigRequest,
    ) -> Result<s::FunctionEventInvokeConfig> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        let record = self.records.get(&named.function).await?;
        let key = key(&named);
        let found = record.invoke_configs.get(&key).ok_or_else(|| missing(&named))?;
        Ok(shown(&named.function, &key, found))
    }
}

impl Handle<op::DeleteFunctionEventInvokeConfig> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteFunctionEventInvokeConfigRequest,
    ) -> Result<Vec<Access>> {
        let action = "lambda:DeleteFunctionEventInvokeConfig";
        Ok(vec![self.on(cx, action, &input.function_name, input.qualifier.as_deref()).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteFunctionEventInvokeConfigRequest) -> Result<Empty> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        let key = key(&named);
        let edit = self.records.change(&named.function, |record| {
            record.invoke_configs.remove(&key).map(drop).ok_or_else(|| missing(&named))
        });
        edit.await?;
        Ok(Empty)
    }
}

impl Handle<op::ListFunctionEventInvokeConfigs> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::ListFunctionEventInvokeConfigsRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:ListFunctionEventInvokeConfigs", &input.function_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListFunctionEventInvokeConfigsRequest,
    ) -> Result<s::ListFunctionEventInvokeConfigsResponse> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let listing = format!("invoke configs {}", function.name);
        let begin: Option<String> = self.begin(cx, &listing, input.marker.as_deref())?;
        let mut all: Vec<_> = self.records.get(&function).await?.invoke_configs.into_iter().collect();
        all.retain(|(key, _)| begin.as_ref().is_none_or(|begin| key > begin));
        let page = self.page(cx, &listing, all, limit(input.max_items), |(key, _)| key.clone());
        let configs = page.items.iter().map(|(key, config)| shown(&function, key, config)).collect();
        Ok(s::ListFunctionEventInvokeConfigsResponse {
            function_event_invoke_configs: Some(configs),
            next_marker: page.next,
        })
    }
}

struct Given {
    retries: Option<i32>,
    age_s: Option<i32>,
    destinations: Option<s::DestinationConfig>,
}

impl Lambda {
    /// Puts a configuration in place of the one before, or changes only what is given.
    async fn put_invoke_config(
        &self,
        cx: &Cx,
        named: Named,
        given: Given,
        keep: bool,
    ) -> Result<s::FunctionEventInvokeConfig> {
        let target = self.target(&named).await?;
        if given.retries.is_none() && given.age_s.is_none() && given.destinations.is_none() && !keep {
            let message = "You must specify at least one error handling or destination setting.";
            return Err(error::parameter(message));
        }
        let destinations = given.destinations.clone().unwrap_or_default();
        let success = destinations.on_success.and_then(|on| on.destination).filter(|arn| !arn.is_empty());
        let failure = destinations.on_failure.and_then(|on| on.destination).filter(|arn| !arn.is_empty());
        for (arn, allowed) in [(&success, Allowed::OnSuccess), (&failure, Allowed::OnFailure)] {
            let Some(arn) = arn else { continue };
            destinations::check(arn, allowed)?;
            let itself = named.function.arn().to_string();
            if arn.strip_prefix(&itself).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')) {
                return Err(error::parameter("You can't specify the function as a destination for itself."));
            }
            self.check_destination(&named.function, &target.version.role, arn, |what| {
                let action = what.split(" on ").next().unwrap_or(what);
                format!("The function's execution role does not have permissions to call {action} on {arn}")
            })
            .await?;
        }
        let key = key(&named);
        let now_ms = cx.now().millis();
        let edit = self.records.change(&named.function, |record| {
            let before = record.invoke_configs.get(&key).cloned();
            if keep && before.is_none() {
                return Err(missing(&named));
            }
            let mut next = before.filter(|_| keep).unwrap_or_default();
            let positive = |given: i32| u32::try_from(given).ok();
            next.retries = given.retries.and_then(positive).or(next.retries);
            next.age_s = given.age_s.and_then(positive).or(next.age_s);
            if given.destinations.is_some() {
                (next.on_success, next.on_failure) = (success.clone(), failure.clone());
            }
            next.modified_ms = now_ms;
            record.invoke_configs.insert(key.clone(), next.clone());
            Ok(next)
        });
        let config = edit.await?;
        Ok(shown(&named.function, &key, &config))
    }
}

fn key(named: &Named) -> String {
    named.qualifier.clone().unwrap_or_else(|| LATEST.to_owned())
}

fn missing(named: &Named) -> haneul_kit::ApiError {
    let function = named.function.qualified(named.qualifier.as_deref().unwrap_or(LATEST));
    error::not_found(format!("The function {function} doesn't have an EventInvokeConfig"))
}

fn shown(function: &FunctionName, key: &str, config: &InvokeConfig) -> s::FunctionEventInvokeConfig {
    let number = |given: Option<u32>| given.and_then(|given| i32::try_from(given).ok());
    s::FunctionEventInvokeConfig {
        last_modified: Some(Instant::from_millis(config.modified_ms)),
        function_arn: Some(function.qualified(key).to_string()),
        maximum_retry_attempts: number(config.retries),
        maximum_event_age_in_seconds: number(config.age_s),
        destination_config: Some(s::DestinationConfig {
            on_success: Some(s::OnSuccess { destination: config.on_success.clone() }),
            on_failure: Some(s::OnFailure { destination: config.on_failure.clone() }),
        }),
    }
}
