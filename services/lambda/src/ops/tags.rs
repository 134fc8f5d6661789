use std::collections::BTreeMap;

use haneul_kit::{Access, AccountId, Arn, Cx, Handle, Region, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;
use haneul_shape::Empty;

use crate::capacity::ProviderName;
use crate::names::{self, FunctionName};
use crate::settings::too_many_tags;
use crate::store::mappings::{MappingRow, NO_MAPPING};
use crate::{Lambda, error, settings};

const TAGS_MAX: usize = 50;

type Tags = BTreeMap<String, String>;

/// What can have tags.
enum Tagged {
    Function(FunctionName),
    Mapping(MappingRow),
    Signing((AccountId, Region, String)),
    Provider(ProviderName),
}

fn read(cx: &Cx, given: &str) -> Result<(Tagged, Arn)> {
    let wrong = || error::parameter(format!("The resource {given} cannot have tags."));
    let arn = Arn::parse(given).map_err(|_| wrong())?;
    let account = arn.account_id().ok_or_else(wrong)?;
    let (kind, name) = arn.resource().split_once(':').ok_or_else(wrong)?;
    if arn.service() != "lambda" {
        return Err(wrong());
    }
    let tagged = match kind {
        "function" => {
            let named = names::in_place(account, cx.region(), given)?;
            if named.qualifier.is_some() {
                return Err(error::parameter(
                    "Tags on function aliases and versions are not supported. Please specify either a function name or an \
                     unqualified function ARN.",
                ));
            }
            Tagged::Function(named.function)
        }
        "event-source-mapping" => Tagged::Mapping((account, cx.region(), name.to_owned())),
        "capacity-provider" => {
            Tagged::Provider(ProviderName { account, region: cx.region(), name: name.to_owned() })
        }
        "code-signing-config" => Tagged::Signing((account, cx.region(), name.to_owned())),
        _ => return Err(wrong()),
    };
    Ok((tagged, arn))
}

impl Lambda {
    async fn on_tagged(&self, cx: &Cx, action: &'static str, given: &str) -> Result<Access> {
        let (tagged, arn) = read(cx, given)?;
        if let Tagged::Function(function) = tagged {
            return self.on_named(action, &names::Named { function, qualifier: None }).await;
        }
        let tags = self.tags_of(&tagged).await.unwrap_or_default();
        let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        Ok(Access::on(action, &arn).resource_tags(pairs))
    }

    async fn tags_of(&self, tagged: &Tagged) -> Result<Tags> {
        Ok(match tagged {
            Tagged::Function(function) => self.records.get(function).await?.tags,
            Tagged::Mapping(row) => {
                let found = self.records.mapping(row).await?;
                found.ok_or_else(|| error::not_found(NO_MAPPING))?.tags
            }
            Tagged::Signing(at) => self.records.signing(at).await?.tags,
            Tagged::Provider(name) => self.records.provider(name).await?.tags,
        })
    }

    async fn change_tags(
        &self,
        tagged: Tagged,
        edit: impl Fn(&mut Tags) -> Result<()> + Send + Sync,
    ) -> Result<()> {
        match tagged {
            Tagged::Function(function) => {
                self.records.change(&function, |record| edit(&mut record.tags)).await
            }
            Tagged::Mapping(row) => self.records.change_mapping(&row, |record| edit(&mut record.tags)).await,
            Tagged::Provider(name) => {
                self.records.change_provider(&name, |record| edit(&mut record.tags)).await
            }
            Tagged::Signing(at) => {
                let mut record = self.records.signing(&at).await?;
                edit(&mut record.tags)?;
                self.records.put_signing(&at, &record).await
            }
        }
    }
}

impl Handle<op::TagResource> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::TagResourceRequest) -> Result<Vec<Access>> {
        let tags = input.tags.iter().map(|(key, value)| (key, value.as_str()));
        Ok(vec![self.on_tagged(cx, "lambda:TagResource", &input.resource).await?.request_tags(tags)])
    }

    async fn call(&self, cx: &Cx, input: s::TagResourceRequest) -> Result<Empty> {
        let (tagged, _) = read(cx, &input.resource)?;
        let given = Some(input.tags);
        settings::tags(&given)?;
        let edit = self.change_tags(tagged, |tags| {
            for (key, value) in given.iter().flat_map(|given| given.iter()) {
                tags.insert(key.to_owned(), value.clone());
            }
            if tags.len() > TAGS_MAX { Err(too_many_tags()) } else { Ok(()) }
        });
        edit.await?;
        Ok(Empty)
    }
}

impl Handle<op::UntagResource> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::UntagResourceRequest) -> Result<Vec<Access>> {
        let access = self.on_tagged(cx, "lambda:UntagResource", &input.resource).await?;
        Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone())])
    }

    async fn call(&self, cx: &Cx, input: s::UntagResourceRequest) -> Result<Empty> {
        let (tagged, _) = read(cx, &input.resource)?;
        let edit = self.change_tags(tagged, |tags| {
            tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok(())
        });
        edit.await?;
        Ok(Empty)
    }
}

impl Handle<op::ListTags> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::ListTagsRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_tagged(cx, "lambda:ListTags", &input.resource).await?])
    }

    async fn call(&self, cx: &Cx, input: s::ListTagsRequest) -> Result<s::ListTagsResponse> {
        let (tagged, _) = read(cx, &input.resource)?;
        let tags = self.tags_of(&tagged).await?;
        Ok(s::ListTagsResponse { tags: Some(tags.into_iter().collect()) })
    }
}
