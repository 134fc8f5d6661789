use haneul_kit::{Access, Cx, Handle, Result, Tags};
use haneul_resource_groups_wire::operations as op;
use haneul_resource_groups_wire::shapes as s;
use haneul_shape::value::Map;

use crate::error;
use crate::groups::{Groups, name_of};

impl Handle<op::Tag> for Groups {
    async fn access(&self, cx: &Cx, input: &s::TagInput) -> Result<Vec<Access>> {
        let mut all = self.on_group(cx, "resource-groups:Tag", &name_of(&input.arn)?).await?;
        all = all
            .into_iter()
            .map(|access| access.request_tags(input.tags.iter().map(|(key, value)| (key, value.as_str()))))
            .collect();
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::TagInput) -> Result<s::TagOutput> {
        let name = name_of(&input.arn)?;
        let new = &read(Some(input.tags.clone()))?;
        self.change(cx, &name, |group| {
            let mut all: Tags = std::mem::take(&mut group.tags).into_iter().collect();
            all.merge(new.clone()).map_err(|_| error::bad_request("A group has at most 50 tags."))?;
            group.tags = all.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            Ok(())
        })
        .await?;
        Ok(s::TagOutput { arn: Some(input.arn), tags: Some(input.tags) })
    }
}

impl Handle<op::Untag> for Groups {
    async fn access(&self, cx: &Cx, input: &s::UntagInput) -> Result<Vec<Access>> {
        let all = self.on_group(cx, "resource-groups:Untag", &name_of(&input.arn)?).await?;
        Ok(all.into_iter().map(|access| access.keys("aws:TagKeys", input.keys.clone())).collect())
    }

    async fn call(&self, cx: &Cx, input: s::UntagInput) -> Result<s::UntagOutput> {
        let name = name_of(&input.arn)?;
        self.change(cx, &name, |group| {
            group.tags.retain(|(key, _)| !input.keys.contains(key));
            Ok(())
        })
        .await?;
        Ok(s::UntagOutput { arn: Some(input.arn), keys: Some(input.keys) })
    }
}

impl Handle<op::GetTags> for Groups {
    async fn access(&self, cx: &Cx, input: &s::GetTagsInput) -> Result<Vec<Access>> {
        self.on_group(cx, "resource-groups:GetTags", &name_of(&input.arn)?).await
    }

    async fn call(&self, cx: &Cx, input: s::GetTagsInput) -> Result<s::GetTagsOutput> {
        let group = self.group(cx, &name_of(&input.arn)?).await?;
        Ok(s::GetTagsOutput { arn: Some(input.arn), tags: Some(shape(&group.tags)) })
    }
}

pub(super) fn shape(tags: &[(String, String)]) -> Map<String> {
    tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

pub(super) fn parse(tags: Option<Map<String>>) -> Result<Vec<(String, String)>> {
    Ok(read(tags)?.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

fn read(tags: Option<Map<String>>) -> Result<Tags> {
    let tags = Tags::from_request(tags.unwrap_or_default());
    tags.map_err(|_| {
        error::bad_request("The tags are not valid: at most 50, no key twice or with aws: in front.")
    })
}
