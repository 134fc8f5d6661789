use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;
use haneul_shape::Empty;

use super::paging::limit;
use super::render;
use super::update_code::check_revision;
use crate::model::function::AliasRecord;
use crate::names::{self, LATEST};
use crate::{Lambda, error};

impl Handle<op::CreateAlias> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::CreateAliasRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:CreateAlias", &input.function_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::CreateAliasRequest) -> Result<s::AliasConfiguration> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let weights = weights(input.routing_config, &input.function_version)?;
        let record = AliasRecord {
            version: input.function_version,
            description: input.description.unwrap_or_default(),
            weights,
            revision: self.revision(),
        };
        let arn = function.qualified(&input.name);
        let put = self.records.put_alias(&function, &input.name, |before| match before {
            Some(_) => Err(error::conflict(format!("Alias already exists: {arn}"))),
            None => Ok((record.clone(), ())),
        });
        put.await?;
        Ok(render::alias(&function, &input.name, record))
    }
}

impl Handle<op::UpdateAlias> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::UpdateAliasRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:UpdateAlias", &input.function_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateAliasRequest) -> Result<s::AliasConfiguration> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let (arn, revision) = (function.qualified(&input.name), self.revision());
        let put = self.records.put_alias(&function, &input.name, |before| {
            let mut record = before.ok_or_else(|| no_alias(&arn))?;
            check_revision(input.revision_id.as_deref(), &record.revision)?;
            record.version = input.function_version.clone().unwrap_or(record.version);
            record.description = input.description.clone().unwrap_or(record.description);
            if let Some(routing) = input.routing_config.clone() {
                record.weights = weights(Some(routing), &record.version)?;
            }
            record.revision = revision.clone();
            Ok((record.clone(), record))
        });
        let record = put.await?;
        self.wake.provision.wake();
        Ok(render::alias(&function, &input.name, record))
    }
}

impl Handle<op::GetAlias> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetAliasRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:GetAlias", &input.function_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetAliasRequest) -> Result<s::AliasConfiguration> {
        let function = names::read(cx, &input.function_name, None)?.function;
        self.records.get(&function).await?;
        let found = self.records.alias(&function, &input.name).await?;
        let record = found.ok_or_else(|| no_alias(&function.qualified(&input.name)))?;
        Ok(render::alias(&function, &input.name, record))
    }
}

impl Handle<op::DeleteAlias> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::DeleteAliasRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:DeleteAlias", &input.function_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAliasRequest) -> Result<Empty> {
        let function = names::read(cx, &input.function_name, None)?.function;
        self.records.delete_alias(&function, &input.name).await?;
        self.wake.provision.wake();
        Ok(Empty)
    }
}

impl Handle<op::ListAliases> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::ListAliasesRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:ListAliases", &input.function_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::ListAliasesRequest) -> Result<s::ListAliasesResponse> {
        let function = names::read(cx, &input.function_name, None)?.function;
        self.records.get(&function).await?;
        let listing = format!("aliases {} {:?}", function.name, input.function_version);
        let begin: Option<String> = self.begin(cx, &listing, input.marker.as_deref())?;
        let limit = limit(input.max_items);
        let all = self.records.aliases(&function, begin.as_deref(), crate::store::functions::VERSIONS_MAX);
        let mut found = all.await?;
        if let Some(version) = &input.function_version {
            found.retain(|(_, alias)| {
                alias.version == *version || alias.weights.iter().any(|(other, _)| other == version)
            });
        }
        let page = self.page(cx, &listing, found, limit, |(name, _)| name.clone());
        let aliases = page.items.into_iter().map(|(name, record)| render::alias(&function, &name, record));
        Ok(s::ListAliasesResponse { aliases: Some(aliases.collect()), next_marker: page.next })
    }
}

fn no_alias(arn: &haneul_kit::Arn) -> haneul_kit::ApiError {
    error::not_found(format!("Cannot find alias arn: {arn}"))
}

/// A second version and its share.
fn weights(given: Option<s::AliasRoutingConfiguration>, version: &str) -> Result<Vec<(String, f64)>> {
    let given = given.and_then(|given| given.additional_version_weights).unwrap_or_default();
    let weights: Vec<(String, f64)> = given.into_iter().collect();
    if weights.is_empty() {
        return Ok(weights);
    }
    if weights.len() > 1 {
        return Err(error::parameter("Number of items in AdditionalVersionWeights cannot be greater than 1"));
    }
    if version == LATEST || weights.iter().any(|(other, _)| other == LATEST) {
        return Err(error::parameter(
            "$LATEST is not supported for an alias pointing to more than 1 version",
        ));
    }
    if weights.iter().any(|(other, _)| other == version) {
        return Err(error::parameter(format!(
            "Invalid function version {version}. Function version {version} is already included in routing configuration."
        )));
    }
    if weights.iter().any(|(other, _)| names::version_number(other).is_none()) {
        return Err(error::parameter("The versions of a routing configuration are numbers."));
    }
    if weights.iter().any(|(_, weight)| !(0.0..=1.0).contains(weight)) {
        return Err(error::parameter("The weight of a version is between 0.0 and 1.0."));
    }
    Ok(weights)
}
