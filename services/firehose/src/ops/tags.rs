use std::collections::BTreeMap;

use haneul_firehose_wire::operations as op;
use haneul_firehose_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result, Tags};

use super::key;
use crate::Firehose;
use crate::error::{invalid, too_many};

const TAGS_MAX: usize = 50;

impl Handle<op::TagDeliveryStream> for Firehose {
    async fn access(&self, cx: &Cx, input: &s::TagDeliveryStreamInput) -> Result<Vec<Access>> {
        let given = input.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_deref().unwrap_or_default()));
        let access = self.on("firehose:TagDeliveryStream", &key(cx, &input.delivery_stream_name)).await?;
        Ok(vec![access.request_tags(given)])
    }

    async fn call(&self, cx: &Cx, input: s::TagDeliveryStreamInput) -> Result<s::TagDeliveryStreamOutput> {
        let edit = |stream: &mut crate::model::StreamRecord| {
            stream.tags = checked(&input.tags, &stream.tags)?;
            Ok(())
        };
        self.records.change(&key(cx, &input.delivery_stream_name), edit).await?;
        Ok(s::TagDeliveryStreamOutput {})
    }
}

impl Handle<op::UntagDeliveryStream> for Firehose {
    async fn access(&self, cx: &Cx, input: &s::UntagDeliveryStreamInput) -> Result<Vec<Access>> {
        let access = self.on("firehose:UntagDeliveryStream", &key(cx, &input.delivery_stream_name)).await?;
        Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone())])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UntagDeliveryStreamInput,
    ) -> Result<s::UntagDeliveryStreamOutput> {
        let edit = |stream: &mut crate::model::StreamRecord| {
            input.tag_keys.iter().for_each(|key| drop(stream.tags.remove(key)));
            Ok(())
        };
        self.records.change(&key(cx, &input.delivery_stream_name), edit).await?;
        Ok(s::UntagDeliveryStreamOutput {})
    }
}

impl Handle<op::ListTagsForDeliveryStream> for Firehose {
    async fn access(&self, cx: &Cx, input: &s::ListTagsForDeliveryStreamInput) -> Result<Vec<Access>> {
        Ok(vec![self.on("firehose:ListTagsForDeliveryStream", &key(cx, &input.delivery_stream_name)).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListTagsForDeliveryStreamInput,
    ) -> Result<s::ListTagsForDeliveryStreamOutput> {
        let stream = self.records.there(&key(cx, &input.delivery_stream_name)).await?;
        let limit = input.limit.map_or(TAGS_MAX, |limit| limit as usize);
        let after = input.exclusive_start_tag_key.unwrap_or_default();
        let rest: Vec<_> = stream.tags.into_iter().filter(|(key, _)| *key > after).collect();
        let more = rest.len() > limit;
        let tag = |(key, value)| s::Tag { key, value: Some(value) };
        Ok(s::ListTagsForDeliveryStreamOutput {
            tags: rest.into_iter().take(limit).map(tag).collect(),
            has_more_tags: more,
        })
    }
}

/// The tags of a stream, with those that are given.
pub(super) fn checked(
    given: &[s::Tag],
    before: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let pairs: Vec<(String, String)> =
        given.iter().map(|tag| (tag.key.clone(), tag.value.clone().unwrap_or_default())).collect();
    let given = Tags::from_request(pairs).map_err(|why| match why {
        haneul_base::tags::InvalidTags::TooMany => too_many("Failed to add tags: a stream has 50 tags at most."),
        _ => invalid("The tags are not valid: keys have 1 to 128 characters, values at most 256, no key comes twice, and none begins with aws:."),
    })?;
    let mut all = before.clone();
    all.extend(given.iter().map(|(key, value)| (key.to_owned(), value.to_owned())));
    match all.len() {
        0..=TAGS_MAX => Ok(all),
        _ => Err(too_many("Failed to add tags: a stream has 50 tags at most.")),
    }
}
