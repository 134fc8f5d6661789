//! TagResource, UntagResource and ListTagsOfResource.

use haneul_base::tags::{InvalidTags, TAGS_MAX};
use haneul_dynamodb_wire::operations::{ListTagsOfResource, TagResource, UntagResource};
use haneul_dynamodb_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result, Tags};
use haneul_shape::Empty;

use super::Dynamodb;
use crate::error::{self, validation};
use crate::store::tables::Change;
use crate::table::name::{self, TableId};

/// Tags that one answer lists. Source: the API reference, "up to 10 times per second" and pages of 10.
const PAGE: usize = 10;

impl Handle<TagResource> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::TagResourceInput) -> Result<Vec<Access>> {
        let tags = || input.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        taggable(cx, &input.resource_arn)?;
        let needed = self.on_table(cx, "dynamodb:TagResource", &input.resource_arn).await?;
        Ok(needed.into_iter().map(|access| access.request_tags(tags())).collect())
    }

    async fn call(&self, cx: &Cx, input: s::TagResourceInput) -> Result<Empty> {
        let id = taggable(cx, &input.resource_arn)?;
        if input.tags.is_empty() {
            return Err(validation("Atleast one Tag needs to be provided as Input."));
        }
        let more = Tags::from_request(input.tags.into_iter().map(|tag| (tag.key, tag.value)))
            .map_err(error::tags)?;
        let more = &more;
        self.db
            .change_table(&id, |record, _| {
                let mut tags: Tags = std::mem::take(&mut record.tags).into_iter().collect();
                tags.merge(more.clone()).map_err(error::tags)?;
                record.tags = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
                Ok(Change::default())
            })
            .await
            .map_err(|error| not_found(error, &input.resource_arn))?;
        Ok(Empty)
    }
}

impl Handle<UntagResource> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::UntagResourceInput) -> Result<Vec<Access>> {
        taggable(cx, &input.resource_arn)?;
        let needed = self.on_table(cx, "dynamodb:UntagResource", &input.resource_arn).await?;
        Ok(needed.into_iter().map(|access| access.keys("aws:TagKeys", input.tag_keys.clone())).collect())
    }

    async fn call(&self, cx: &Cx, input: s::UntagResourceInput) -> Result<Empty> {
        let id = taggable(cx, &input.resource_arn)?;
        if input.tag_keys.is_empty() {
            return Err(validation("Atleast one Tag Key needs to be provided as Input."));
        }
        if input.tag_keys.len() > TAGS_MAX {
            return Err(error::tags(InvalidTags::TooMany));
        }
        let keys = &input.tag_keys;
        self.db
            .change_table(&id, |record, _| {
                record.tags.retain(|key, _| !keys.contains(key));
                Ok(Change::default())
            })
            .await
            .map_err(|error| not_found(error, &input.resource_arn))?;
        Ok(Empty)
    }
}

impl Handle<ListTagsOfResource> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::ListTagsOfResourceInput) -> Result<Vec<Access>> {
        taggable(cx, &input.resource_arn)?;
        self.on_table(cx, "dynamodb:ListTagsOfResource", &input.resource_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::ListTagsOfResourceInput) -> Result<s::ListTagsOfResourceOutput> {
        let id = taggable(cx, &input.resource_arn)?;
        let info = self.db.named_table(&id).await.map_err(|error| not_found(error, &input.resource_arn))?;
        let purpose = format!("dynamodb.tags {} {}", cx.account(), input.resource_arn);
        let after: Option<String> = match &input.next_token {
            Some(token) => Some(
                haneul_kit::paging::position(&self.platform.seal, &purpose, token)
                    .ok_or_else(|| validation("Invalid NextToken"))?,
            ),
            None => None,
        };
        let rest = info.record.tags.iter().filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after));
        let tags: Vec<_> = rest
            .take(PAGE + 1)
            .map(|(key, value)| s::Tag { key: key.clone(), value: value.clone() })
            .collect();
        let page = haneul_kit::paging::cut(tags, PAGE, &self.platform.seal, &purpose, |tag: &s::Tag| {
            tag.key.clone()
        });
        Ok(s::ListTagsOfResourceOutput { tags: Some(page.items), next_token: page.next })
    }
}

/// Tags are a table's; a stream has none of its own.
fn taggable(cx: &Cx, arn: &str) -> Result<TableId> {
    let id = name::of_resource(cx, arn)?;
    match arn.contains("/stream/") {
        true => Err(validation(format!("Invalid TableArn: Invalid ResourceArn provided as input {arn}"))),
        false => Ok(id),
    }
}

fn not_found(error: haneul_kit::ApiError, arn: &str) -> haneul_kit::ApiError {
    match error.code() {
        "ResourceNotFoundException" => {
            error::not_found(format!("Requested resource not found: ResourceArn: {arn} not found"))
        }
        _ => error,
    }
}
