use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;

use super::paging::limit;
use super::render::arn_of;
use crate::names::{self, LATEST, version_number};
use crate::{Lambda, error};

/// How long a link to a package is good for. Source: API Reference, "FunctionCodeLocation".
pub(crate) const LINK_MS: i64 = 10 * 60 * 1000;

impl Handle<op::GetFunction> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetFunctionRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on(cx, "lambda:GetFunction", &input.function_name, input.qualifier.as_deref()).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetFunctionRequest) -> Result<s::GetFunctionResponse> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        let target = self.target(&named).await?;
        let (record, version) = (&target.known.record, &target.version);
        let arn = arn_of(&named.function, &version.version, named.qualifier.as_deref());
        let tags = named.qualifier.is_none().then(|| record.tags.clone()).filter(|tags| !tags.is_empty());
        Ok(s::GetFunctionResponse {
            configuration: Some(self.configuration(cx, &named.function, version, arn, false).await?),
            code: Some(match &version.image {
                Some(image) => s::FunctionCodeLocation {
                    repository_type: Some("ECR".into()),
                    image_uri: Some(image.uri.clone()),
                    resolved_image_uri: Some(image.resolved.clone()),
                    ..Default::default()
                },
                None => s::FunctionCodeLocation {
                    repository_type: Some("S3".into()),
                    location: Some(self.link(cx, &version.code)),
                    ..Default::default()
                },
            }),
            tags: tags.map(|tags| tags.into_iter().collect()),
            concurrency: record.reserved.map(|reserved| s::Concurrency {
                reserved_concurrent_executions: i32::try_from(reserved).ok(),
            }),
            tags_error: None,
        })
    }
}

impl Handle<op::GetFunctionConfiguration> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetFunctionConfigurationRequest) -> Result<Vec<Access>> {
        let qualifier = input.qualifier.as_deref();
        Ok(vec![self.on(cx, "lambda:GetFunctionConfiguration", &input.function_name, qualifier).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetFunctionConfigurationRequest,
    ) -> Result<s::FunctionConfiguration> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        let target = self.target(&named).await?;
        let arn = arn_of(&named.function, &target.version.version, named.qualifier.as_deref());
        self.configuration(cx, &named.function, &target.version, arn, false).await
    }
}

impl Handle<op::ListFunctions> for Lambda {
    async fn access(&self, _: &Cx, _: &s::ListFunctionsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("lambda:ListFunctions")])
    }

    async fn call(&self, cx: &Cx, input: s::ListFunctionsRequest) -> Result<s::ListFunctionsResponse> {
        let all = input.function_version.as_deref() == Some("ALL");
        if input.master_region.is_some() {
            if !all {
                return Err(error::parameter("FunctionVersion must be set to ALL if MasterRegion is set."));
            }
            // There are no functions at edge locations.
            return Ok(s::ListFunctionsResponse { functions: Some(Vec::new()), next_marker: None });
        }
        let listing = if all { "functions ALL" } else { "functions" };
        let limit = limit(input.max_items);
        // A function and its version, 0 being the unpublished one: where the last page ended.
        let begin: Option<(String, u64)> = self.begin(cx, listing, input.marker.as_deref())?;
        let mut found = Vec::new();
        if let (true, Some((name, number))) = (all, &begin) {
            let function = names::in_place(cx.account(), cx.region(), name)?.function;
            for version in self.records.versions(&function, *number, limit + 1).await? {
                found.push((function.clone(), version));
            }
        }
        let after = begin.as_ref().map(|(name, _)| name.as_str());
        for (function, record) in self.records.functions(cx.account(), cx.region(), after, limit + 1).await? {
            if found.len() > limit {
                break;
            }
            found.push((function.clone(), record.latest));
            if all {
                for version in self.records.versions(&function, 0, limit + 1).await? {
                    found.push((function.clone(), version));
                }
            }
        }
        let page = self.page(cx, listing, found, limit, |(function, version)| {
            (function.name.clone(), version_number(&version.version).unwrap_or(0))
        });
        let mut functions = Vec::with_capacity(page.items.len());
        for (function, version) in &page.items {
            let arn = match (all, version.version.as_str()) {
                (true, number) => function.qualified(number),
                (false, _) => function.arn(),
            };
            functions.push(self.configuration(cx, function, version, arn, true).await?);
        }
        Ok(s::ListFunctionsResponse { functions: Some(functions), next_marker: page.next })
    }
}

impl Handle<op::DeleteFunction> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::DeleteFunctionRequest) -> Result<Vec<Access>> {
        let qualifier = input.qualifier.as_deref();
        Ok(vec![self.on(cx, "lambda:DeleteFunction", &input.function_name, qualifier).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteFunctionRequest) -> Result<s::DeleteFunctionResponse> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        let function = &named.function;
        match named.qualifier.as_deref() {
            None => {
                self.records.delete(function, cx.now()).await?;
                self.wake.durable.wake();
                self.retire(function, None).await;
                self.forget_sessions(function);
                self.wake.mappings.wake();
            }
            Some(LATEST) => {
                return Err(error::parameter(
                    "$LATEST version cannot be deleted without deleting the function.",
                ));
            }
            Some(qualifier) => match version_number(qualifier) {
                Some(number) => {
                    self.records.delete_version(function, number).await?;
                    self.retire(function, Some(qualifier)).await;
                }
                None => {
                    return Err(error::parameter(format!(
                        "Deletion of aliases is not currently supported. Please use DeleteAlias to delete {qualifier}."
                    )));
                }
            },
        }
        self.wake.code.wake();
        self.wake.provision.wake();
        self.wake.capacity.wake();
        Ok(s::DeleteFunctionResponse { status_code: Some(204) })
    }
}
