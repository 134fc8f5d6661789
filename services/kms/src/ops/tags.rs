use haneul_base::tags::InvalidTags;
use haneul_kit::{Access, Cx, Handle, Result, Tags};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;
use haneul_shape::Empty;

use super::page;
use crate::access::Ask;
use crate::error;
use crate::kms::{Forms, Kms, check_not_pending_deletion};

const LIMIT_DEFAULT: usize = 50;

impl Handle<op::TagResource> for Kms {
    async fn access(&self, cx: &Cx, input: &s::TagResourceRequest) -> Result<Vec<Access>> {
        let access = self.ask(cx, Ask::own("kms:TagResource", &input.key_id)).await?;
        Ok(vec![access.request_tags(borrowed(Some(&input.tags)))])
    }

    async fn call(&self, cx: &Cx, input: s::TagResourceRequest) -> Result<Empty> {
        let name = &self.own_key(cx, &input.key_id, "TagResource").await?.name.clone();
        let new = &parse(Some(input.tags))?;
        self.state
            .change_key(name, |record| {
                check_not_pending_deletion(record.state(cx.now()), &name.arn())?;
                let mut tags: Tags = record.tags.clone().into_iter().collect();
                tags.merge(new.clone()).map_err(refused)?;
                record.tags = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
                Ok(())
            })
            .await?;
        Ok(Empty)
    }
}

impl Handle<op::UntagResource> for Kms {
    async fn access(&self, cx: &Cx, input: &s::UntagResourceRequest) -> Result<Vec<Access>> {
        let access = self.ask(cx, Ask::own("kms:UntagResource", &input.key_id)).await?;
        Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone())])
    }

    async fn call(&self, cx: &Cx, input: s::UntagResourceRequest) -> Result<Empty> {
        let name = &self.own_key(cx, &input.key_id, "UntagResource").await?.name.clone();
        self.state
            .change_key(name, |record| {
                check_not_pending_deletion(record.state(cx.now()), &name.arn())?;
                record.tags.retain(|key, _| !input.tag_keys.contains(key));
                Ok(())
            })
            .await?;
        Ok(Empty)
    }
}

impl Handle<op::ListResourceTags> for Kms {
    async fn access(&self, cx: &Cx, input: &s::ListResourceTagsRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, Ask::own("kms:ListResourceTags", &input.key_id)).await?])
    }

    async fn call(&self, cx: &Cx, input: s::ListResourceTagsRequest) -> Result<s::ListResourceTagsResponse> {
        let key = self.key(cx, &input.key_id, Forms::Key).await?;
        let tags: Vec<(String, String)> = key.record.tags.clone().into_iter().collect();
        let purpose = format!("kms.tags {}", key.name.arn());
        let limit = (input.limit, LIMIT_DEFAULT);
        let page =
            page(&self.state.seal, &purpose, limit, input.marker.as_ref(), tags, |(key, _)| key.clone())?;
        let tag = |(tag_key, tag_value)| s::Tag { tag_key, tag_value };
        Ok(s::ListResourceTagsResponse {
            tags: Some(page.items.into_iter().map(tag).collect()),
            truncated: Some(page.next.is_some()),
            next_marker: page.next,
        })
    }
}

pub(super) fn borrowed(tags: Option<&Vec<s::Tag>>) -> impl Iterator<Item = (&str, &str)> {
    tags.into_iter().flatten().map(|tag| (tag.tag_key.as_str(), tag.tag_value.as_str()))
}

pub(super) fn parse(tags: Option<Vec<s::Tag>>) -> Result<Tags> {
    let pairs = tags.unwrap_or_default().into_iter().map(|tag| (tag.tag_key, tag.tag_value));
    Tags::from_request(pairs).map_err(refused)
}

fn refused(invalid: InvalidTags) -> haneul_kit::ApiError {
    match invalid {
        InvalidTags::TooMany => error::limit("Too many tags"),
        InvalidTags::Duplicate(_) => error::tag("Duplicate tag keys"),
        InvalidTags::Reserved(_) => error::tag("The tag key must not begin with aws:."),
        InvalidTags::Key(key) | InvalidTags::Value(key) | InvalidTags::Character(key) => {
            error::tag(format!("The tag with the key {key} is not valid."))
        }
    }
}
