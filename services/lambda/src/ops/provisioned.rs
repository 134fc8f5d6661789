use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;
use haneul_shape::Empty;

use super::paging::limit;
use super::render::time;
use crate::invoke::{ACCOUNT_MAX, UNRESERVED_MIN};
use crate::model::function::ProvisionedRecord;
use crate::names::{self, FunctionName, LATEST, Named, version_number};
use crate::{Lambda, error};

impl Handle<op::PutProvisionedConcurrencyConfig> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::PutProvisionedConcurrencyConfigRequest,
    ) -> Result<Vec<Access>> {
        let action = "lambda:PutProvisionedConcurrencyConfig";
        Ok(vec![self.on(cx, action, &input.function_name, Some(&input.qualifier)).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutProvisionedConcurrencyConfigRequest,
    ) -> Result<s::PutProvisionedConcurrencyConfigResponse> {
        let (function, qualifier) = self.provisionable(cx, &input.function_name, &input.qualifier).await?;
        let requested = u32::try_from(input.provisioned_concurrent_executions).unwrap_or(1);
        let own = self.records.get(&function).await?;
        if own.latest.capacity.is_some() {
            return Err(error::parameter(
                "Provisioned concurrency is not supported for functions with a capacity provider.",
            ));
        }
        let others: u32 =
            own.provisioned.iter().filter(|(key, _)| **key != qualifier).map(|(_, one)| one.requested).sum();
        let most = own.reserved.unwrap_or(ACCOUNT_MAX - UNRESERVED_MIN);
        if others + requested > most {
            return Err(error::parameter(format!(
                "Specified ConcurrentExecutions for function is greater than function's reserved concurrency or the \
                 account's unreserved concurrency: at most {}.",
                most.saturating_sub(others)
            )));
        }
        if self.records.alias(&function, &qualifier).await?.is_some_and(|alias| !alias.weights.is_empty()) {
            return Err(error::parameter(
                "Provisioned concurrency for an alias with a routing configuration is not supported by Haneul.",
            ));
        }
        let record = ProvisionedRecord { requested, modified_ms: cx.now().millis(), failed: None };
        self.records
            .change(&function, |of| {
                of.provisioned.insert(qualifier.clone(), record.clone());
                Ok(())
            })
            .await?;
        self.wake.provision.wake();
        Ok(s::PutProvisionedConcurrencyConfigResponse {
            requested_provisioned_concurrent_executions: i32::try_from(requested).ok(),
            allocated_provisioned_concurrent_executions: Some(0),
            available_provisioned_concurrent_executions: Some(0),
            status: Some("IN_PROGRESS".into()),
            status_reason: None,
            last_modified: Some(time(record.modified_ms)),
        })
    }
}

impl Handle<op::GetProvisionedConcurrencyConfig> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetProvisionedConcurrencyConfigRequest,
    ) -> Result<Vec<Access>> {
        let action = "lambda:GetProvisionedConcurrencyConfig";
        Ok(vec![self.on(cx, action, &input.function_name, Some(&input.qualifier)).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetProvisionedConcurrencyConfigRequest,
    ) -> Result<s::GetProvisionedConcurrencyConfigResponse> {
        let (function, qualifier) = self.provisionable(cx, &input.function_name, &input.qualifier).await?;
        let found = self.records.get(&function).await?.provisioned.remove(&qualifier);
        let record = found.ok_or_else(|| {
            error::provisioned_not_found("No Provisioned Concurrency Config found for this function")
        })?;
        let shown = self.shown(&function, &qualifier, &record);
        Ok(s::GetProvisionedConcurrencyConfigResponse {
            requested_provisioned_concurrent_executions: shown.requested_provisioned_concurrent_executions,
            available_provisioned_concurrent_executions: shown.available_provisioned_concurrent_executions,
            allocated_provisioned_concurrent_executions: shown.allocated_provisioned_concurrent_executions,
            status: shown.status,
            status_reason: shown.status_reason,
            last_modified: shown.last_modified,
        })
    }
}

impl Handle<op::DeleteProvisionedConcurrencyConfig> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteProvisionedConcurrencyConfigRequest,
    ) -> Result<Vec<Access>> {
        let action = "lambda:DeleteProvisionedConcurrencyConfig";
        Ok(vec![self.on(cx, action, &input.function_name, Some(&input.qualifier)).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteProvisionedConcurrencyConfigRequest) -> Result<Empty> {
        let (function, qualifier) = self.provisionable(cx, &input.function_name, &input.qualifier).await?;
        self.records
            .change(&function, |of| {
                of.provisioned.remove(&qualifier);
                Ok(())
            })
            .await?;
        self.wake.provision.wake();
        Ok(Empty)
    }
}

impl Handle<op::ListProvisionedConcurrencyConfigs> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::ListProvisionedConcurrencyConfigsRequest,
    ) -> Result<Vec<Access>> {
        Ok(vec![
            self.on_function(cx, "lambda:ListProvisionedConcurrencyConfigs", &input.function_name).await?,
        ])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListProvisionedConcurrencyConfigsRequest,
    ) -> Result<s::ListProvisionedConcurrencyConfigsResponse> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let listing = format!("provisioned {}", function.name);
        let begin: Option<String> = self.begin(cx, &listing, input.marker.as_deref())?;
        let mut all: Vec<_> = self.records.get(&function).await?.provisioned.into_iter().collect();
        all.retain(|(qualifier, _)| begin.as_ref().is_none_or(|begin| qualifier > begin));
        let page = self.page(cx, &listing, all, limit(input.max_items), |(qualifier, _)| qualifier.clone());
        let shown = page.items.iter().map(|(qualifier, record)| self.shown(&function, qualifier, record));
        Ok(s::ListProvisionedConcurrencyConfigsResponse {
            provisioned_concurrency_configs: Some(shown.collect()),
            next_marker: page.next,
        })
    }
}

impl Lambda {
    /// A version or an alias: the unpublished version cannot be provisioned.
    async fn provisionable(&self, cx: &Cx, given: &str, qualifier: &str) -> Result<(FunctionName, String)> {
        let named = names::read(cx, given, Some(qualifier))?;
        if qualifier == LATEST || qualifier.is_empty() {
            return Err(error::parameter(
                "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
            ));
        }
        let function = named.function;
        let exists = match version_number(qualifier) {
            Some(number) => self.records.version(&function, number).await?.is_some(),
            None => self.records.alias(&function, qualifier).await?.is_some(),
        };
        if !exists {
            return Err(error::no_function(function.qualified(qualifier)));
        }
        let alias = self.records.alias(&function, qualifier).await?;
        if alias.is_some_and(|alias| alias.version == LATEST) {
            return Err(error::parameter(
                "Alias with weights can not be used with Provisioned Concurrency, nor one that points to $LATEST.",
            ));
        }
        Ok((function, qualifier.to_owned()))
    }

    fn shown(
        &self,
        function: &FunctionName,
        qualifier: &str,
        record: &ProvisionedRecord,
    ) -> s::ProvisionedConcurrencyConfigListItem {
        let ready = self.provisioned.of(function, qualifier);
        let ready = ready.filter(|ready| ready.environments == record.requested);
        let (status, there, reason) = match ready {
            None => ("IN_PROGRESS", 0, None),
            Some(ready) if ready.failed.is_some() => ("FAILED", 0, ready.failed),
            Some(ready) => ("READY", ready.environments, None),
        };
        let there = i32::try_from(there).ok();
        let named = Named { function: function.clone(), qualifier: Some(qualifier.to_owned()) };
        s::ProvisionedConcurrencyConfigListItem {
            function_arn: Some(named.arn().to_string()),
            requested_provisioned_concurrent_executions: i32::try_from(record.requested).ok(),
            available_provisioned_concurrent_executions: there,
            allocated_provisioned_concurrent_executions: there,
            status: Some(status.into()),
            status_reason: reason,
            last_modified: Some(time(record.modified_ms)),
        }
    }
}
