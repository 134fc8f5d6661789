//! Tags of streams by name, and of streams and consumers by ARN.

use std::collections::BTreeMap;

use haneul_base::tags::InvalidTags;
use haneul_kinesis_wire::operations::{
    AddTagsToStream, ListTagsForResource, ListTagsForStream, RemoveTagsFromStream, TagResource, UntagResource,
};
use haneul_kinesis_wire::shapes as s;
use haneul_kit::{Access, AccountId, ApiError, Cx, Handle, Result, Tags};
use haneul_shape::Empty;
use haneul_shape::value::Map;

use crate::Kinesis;
use crate::error;
use crate::model::ConsumerRecord;
use crate::names::{self, NamedConsumer, Resource, StreamKey};

/// What ListTagsForStream lists.
const LISTED_MAX: i32 = 50;

/// Tags of a request, checked.
pub(super) fn given(name: &str, account: AccountId, tags: Map<String>) -> Result<Tags> {
    Tags::from_request(tags).map_err(|why| refused(name, account, why))
}

fn refused(name: &str, account: AccountId, why: InvalidTags) -> ApiError {
    error::invalid(match why {
        InvalidTags::TooMany => format!(
            "Failed to add tags to stream {name} under account {account} because a given stream cannot have more \
             than 50 tags associated with it."
        ),
        InvalidTags::Key(_) => "Tag keys must be between 1 and 128 characters in length.".into(),
        InvalidTags::Value(_) => "Tag values must be between 0 and 256 characters in length.".into(),
        InvalidTags::Reserved(_) => "Tag keys cannot begin with aws:.".into(),
        InvalidTags::Character(_) => {
            "Some tags contain invalid characters. Valid characters: Unicode letters, \
             digits, white space, _ . / = + - % @ :."
                .into()
        }
        InvalidTags::Duplicate(key) => format!("Duplicate tag key {key}."),
    })
}

/// Adds to the tags that something has.
fn add(own: &mut BTreeMap<String, String>, name: &str, account: AccountId, more: Tags) -> Result<()> {
    let mut tags: Tags = own.clone().into_iter().collect();
    tags.merge(more).map_err(|why| refused(name, account, why))?;
    *own = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Ok(())
}

fn listed(tags: &BTreeMap<String, String>) -> impl Iterator<Item = s::Tag> {
    tags.iter().map(|(key, value)| s::Tag { key: key.clone(), value: Some(value.clone()) })
}

impl Kinesis {
    async fn tag(&self, cx: &Cx, resource: Resource, tags: Map<String>) -> Result<Empty> {
        match resource {
            Resource::Stream(key) => {
                let stream = self.stream_of(cx, &key).await?;
                let more = given(&key.name, key.account, tags)?;
                let edit = move |_: &_, record: &mut crate::model::StreamRecord| {
                    add(&mut record.tags, &key.name, key.account, more)
                };
                self.registry.change(&stream, edit).await?;
            }
            Resource::Consumer(key, named) => {
                let arn = key.consumer_arn(&named);
                let (stream, named, _) = self.consumer(cx, NamedConsumer::by_arn(arn.as_str())).await?;
                let more = given(&named.name, key.account, tags)?;
                let name = named.name.clone();
                self.edit_consumer(&stream, &named.name, move |record| {
                    add(&mut record.tags, &name, key.account, more)
                })
                .await?;
            }
        }
        Ok(Empty)
    }

    async fn untag(&self, cx: &Cx, resource: Resource, keys: Vec<String>) -> Result<Empty> {
        match resource {
            Resource::Stream(key) => {
                let stream = self.stream_of(cx, &key).await?;
                let edit = move |_: &_, record: &mut crate::model::StreamRecord| {
                    record.tags.retain(|key, _| !keys.contains(key));
                    Ok(())
                };
                self.registry.change(&stream, edit).await?;
            }
            Resource::Consumer(key, named) => {
                let arn = key.consumer_arn(&named);
                let (stream, named, _) = self.consumer(cx, NamedConsumer::by_arn(arn.as_str())).await?;
                self.edit_consumer(&stream, &named.name, move |record| {
                    record.tags.retain(|key, _| !keys.contains(key));
                    Ok(())
                })
                .await?;
            }
        }
        Ok(Empty)
    }

    /// Changes a consumer that is there.
    pub(super) async fn edit_consumer(
        &self,
        stream: &std::sync::Arc<crate::plane::Stream>,
        name: &str,
        edit: impl FnOnce(&mut ConsumerRecord) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let (key, of) = (stream.key.clone(), name.to_owned());
        self.registry
            .change_consumer(stream, name, move |_, before| {
                let mut record = before.ok_or_else(|| error::no_consumer(&key, &of))?;
                edit(&mut record)?;
                Ok((record, ()))
            })
            .await
    }
}

fn stream(cx: &Cx, name: Option<&str>, arn: Option<&str>) -> Result<StreamKey> {
    names::stream(cx, name, arn)
}

fn request_tags(all: Vec<Access>, tags: &Map<String>) -> Vec<Access> {
    let tags = || tags.iter().map(|(key, value)| (key, value.as_str()));
    all.into_iter().map(|access| access.request_tags(tags())).collect()
}

fn tag_keys(all: Vec<Access>, keys: &[String]) -> Vec<Access> {
    all.into_iter().map(|access| access.keys("aws:TagKeys", keys.to_vec())).collect()
}

impl Handle<AddTagsToStream> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::AddTagsToStreamInput) -> Result<Vec<Access>> {
        let (name, arn) = (input.stream_name.as_deref(), input.stream_arn.as_deref());
        Ok(request_tags(self.on_named(cx, "kinesis:AddTagsToStream", name, arn)?, &input.tags))
    }

    async fn call(&self, cx: &Cx, input: s::AddTagsToStreamInput) -> Result<Empty> {
        let key = stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref())?;
        self.tag(cx, Resource::Stream(key), input.tags).await
    }
}

impl Handle<RemoveTagsFromStream> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::RemoveTagsFromStreamInput) -> Result<Vec<Access>> {
        let (name, arn) = (input.stream_name.as_deref(), input.stream_arn.as_deref());
        Ok(tag_keys(self.on_named(cx, "kinesis:RemoveTagsFromStream", name, arn)?, &input.tag_keys))
    }

    async fn call(&self, cx: &Cx, input: s::RemoveTagsFromStreamInput) -> Result<Empty> {
        let key = stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref())?;
        self.untag(cx, Resource::Stream(key), input.tag_keys).await
    }
}

impl Handle<ListTagsForStream> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::ListTagsForStreamInput) -> Result<Vec<Access>> {
        let (name, arn) = (input.stream_name.as_deref(), input.stream_arn.as_deref());
        self.on_named(cx, "kinesis:ListTagsForStream", name, arn)
    }

    async fn call(&self, cx: &Cx, input: s::ListTagsForStreamInput) -> Result<s::ListTagsForStreamOutput> {
        let stream = self.stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await?;
        let limit = input.limit.unwrap_or(LISTED_MAX).clamp(1, LISTED_MAX) as usize;
        let state = stream.state();
        let after = input.exclusive_start_tag_key;
        let rest =
            listed(&state.record.tags).filter(|tag| after.as_ref().is_none_or(|after| tag.key > *after));
        let mut tags: Vec<_> = rest.take(limit + 1).collect();
        let has_more_tags = tags.len() > limit;
        tags.truncate(limit);
        Ok(s::ListTagsForStreamOutput { tags, has_more_tags })
    }
}

impl Handle<TagResource> for Kinesis {
    async fn access(&self, _: &Cx, input: &s::TagResourceInput) -> Result<Vec<Access>> {
        Ok(request_tags(self.on_resource("kinesis:TagResource", &input.resource_arn)?, &input.tags))
    }

    async fn call(&self, cx: &Cx, input: s::TagResourceInput) -> Result<Empty> {
        self.tag(cx, names::resource(&input.resource_arn)?, input.tags).await
    }
}

impl Handle<UntagResource> for Kinesis {
    async fn access(&self, _: &Cx, input: &s::UntagResourceInput) -> Result<Vec<Access>> {
        Ok(tag_keys(self.on_resource("kinesis:UntagResource", &input.resource_arn)?, &input.tag_keys))
    }

    async fn call(&self, cx: &Cx, input: s::UntagResourceInput) -> Result<Empty> {
        self.untag(cx, names::resource(&input.resource_arn)?, input.tag_keys).await
    }
}

impl Handle<ListTagsForResource> for Kinesis {
    async fn access(&self, _: &Cx, input: &s::ListTagsForResourceInput) -> Result<Vec<Access>> {
        self.on_resource("kinesis:ListTagsForResource", &input.resource_arn)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListTagsForResourceInput,
    ) -> Result<s::ListTagsForResourceOutput> {
        let tags = match names::resource(&input.resource_arn)? {
            Resource::Stream(key) => listed(&self.stream_of(cx, &key).await?.state().record.tags).collect(),
            Resource::Consumer(..) => {
                let (_, _, consumer) = self.consumer(cx, NamedConsumer::by_arn(&input.resource_arn)).await?;
                listed(&consumer.record.tags).collect()
            }
        };
        Ok(s::ListTagsForResourceOutput { tags: Some(tags) })
    }
}
