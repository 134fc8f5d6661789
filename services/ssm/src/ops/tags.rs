use haneul_base::tags::InvalidTags;
use haneul_kit::{Access, Cx, Handle, Result, Tags};
use haneul_ssm_wire::operations as op;
use haneul_ssm_wire::shapes as s;

use super::delete_parameters::own;
use crate::error;
use crate::model::FullName;
use crate::parameters::Parameters;

impl Handle<op::AddTagsToResource> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::AddTagsToResourceRequest) -> Result<Vec<Access>> {
        check(&input.resource_type)?;
        let access = self.ask(cx, "ssm:AddTagsToResource", &input.resource_id).await?;
        Ok(vec![access.request_tags(borrowed(Some(&input.tags)))])
    }

    async fn call(&self, cx: &Cx, input: s::AddTagsToResourceRequest) -> Result<s::AddTagsToResourceResult> {
        let name = self.tagged(cx, &input.resource_id).await?;
        let new =
            Tags::from_request(input.tags.into_iter().map(|tag| (tag.key, tag.value))).map_err(refused)?;
        self.state
            .change(&name, |record| {
                let mut tags: Tags = record.tags.clone().into_iter().collect();
                tags.merge(new.clone()).map_err(refused)?;
                record.tags = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
                Ok(())
            })
            .await?;
        Ok(s::AddTagsToResourceResult {})
    }
}

impl Handle<op::RemoveTagsFromResource> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::RemoveTagsFromResourceRequest) -> Result<Vec<Access>> {
        check(&input.resource_type)?;
        let access = self.ask(cx, "ssm:RemoveTagsFromResource", &input.resource_id).await?;
        Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone())])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::RemoveTagsFromResourceRequest,
    ) -> Result<s::RemoveTagsFromResourceResult> {
        let name = self.tagged(cx, &input.resource_id).await?;
        self.state
            .change(&name, |record| {
                record.tags.retain(|key, _| !input.tag_keys.contains(key));
                Ok(())
            })
            .await?;
        Ok(s::RemoveTagsFromResourceResult {})
    }
}

impl Handle<op::ListTagsForResource> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::ListTagsForResourceRequest) -> Result<Vec<Access>> {
        check(&input.resource_type)?;
        Ok(vec![self.ask(cx, "ssm:ListTagsForResource", &input.resource_id).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListTagsForResourceRequest,
    ) -> Result<s::ListTagsForResourceResult> {
        let name = self.tagged(cx, &input.resource_id).await?;
        let record = self.find(cx, &name).await?.ok_or_else(error::resource_id)?;
        let tags = record.tags.into_iter().map(|(key, value)| s::Tag { key, value }).collect();
        Ok(s::ListTagsForResourceResult { tag_list: Some(tags) })
    }
}

impl Parameters {
    async fn tagged(&self, cx: &Cx, id: &str) -> Result<FullName> {
        let name = own(cx, id);
        match self.find(cx, &name).await? {
            Some(_) => Ok(name),
            None => Err(error::resource_id()),
        }
    }
}

fn check(resource_type: &str) -> Result<()> {
    if resource_type == "Parameter" { Ok(()) } else { Err(error::resource_type()) }
}

pub(super) fn borrowed(tags: Option<&Vec<s::Tag>>) -> impl Iterator<Item = (&str, &str)> {
    tags.into_iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()))
}

pub(super) fn refused(invalid: InvalidTags) -> haneul_kit::ApiError {
    match invalid {
        InvalidTags::TooMany => error::too_many_tags(),
        InvalidTags::Duplicate(key) => error::validation(format!("Duplicate tag key {key}.")),
        InvalidTags::Reserved(key) => {
            error::validation(format!("Tag key {key} is reserved: it must not begin with aws:."))
        }
        InvalidTags::Key(key) | InvalidTags::Value(key) | InvalidTags::Character(key) => {
            error::validation(format!("The tag with the key {key} is not valid."))
        }
    }
}
