//! TagQueue, UntagQueue and ListQueueTags.

use haneul_base::tags::InvalidTags;
use haneul_kit::{Access, ApiError, Cx, Handle, Result, Tags};
use haneul_shape::Empty;
use haneul_sqs_wire::operations::{ListQueueTags, TagQueue, UntagQueue};
use haneul_sqs_wire::shapes::{
    ListQueueTagsRequest, ListQueueTagsResult, TagQueueRequest, UntagQueueRequest,
};

use super::Sqs;
use crate::error;

impl Handle<TagQueue> for Sqs {
    async fn access(&self, cx: &Cx, input: &TagQueueRequest) -> Result<Vec<Access>> {
        let mut needed = self.own(cx, "sqs:TagQueue", &input.queue_url)?;
        if let Some(access) = needed.pop() {
            needed.push(access.request_tags(input.tags.iter().map(|(key, value)| (key, value.as_str()))));
        }
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: TagQueueRequest) -> Result<Empty> {
        let queue = self.queue(cx, &input.queue_url)?;
        if input.tags.is_empty() {
            return Err(error::missing_parameter("Tags"));
        }
        let more = Tags::from_request(input.tags).map_err(refused)?;
        let edit = move |record: &mut crate::model::QueueRecord| {
            let mut tags: Tags = std::mem::take(&mut record.tags).into_iter().collect();
            tags.merge(more).map_err(refused)?;
            record.tags = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            Ok(())
        };
        self.registry.change(&queue, edit).await?;
        Ok(Empty)
    }
}

impl Handle<UntagQueue> for Sqs {
    async fn access(&self, cx: &Cx, input: &UntagQueueRequest) -> Result<Vec<Access>> {
        let mut needed = self.own(cx, "sqs:UntagQueue", &input.queue_url)?;
        if let Some(access) = needed.pop() {
            needed.push(access.keys("aws:TagKeys", input.tag_keys.clone()));
        }
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: UntagQueueRequest) -> Result<Empty> {
        let queue = self.queue(cx, &input.queue_url)?;
        if input.tag_keys.is_empty() {
            return Err(error::missing_parameter("TagKeys"));
        }
        let edit = move |record: &mut crate::model::QueueRecord| {
            record.tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok(())
        };
        self.registry.change(&queue, edit).await?;
        Ok(Empty)
    }
}

impl Handle<ListQueueTags> for Sqs {
    async fn access(&self, cx: &Cx, input: &ListQueueTagsRequest) -> Result<Vec<Access>> {
        self.own(cx, "sqs:ListQueueTags", &input.queue_url)
    }

    async fn call(&self, cx: &Cx, input: ListQueueTagsRequest) -> Result<ListQueueTagsResult> {
        let tags = self.queue(cx, &input.queue_url)?.meta().record.tags.clone();
        Ok(ListQueueTagsResult { tags: (!tags.is_empty()).then(|| tags.into_iter().collect()) })
    }
}

pub(super) fn refused(why: InvalidTags) -> ApiError {
    match why {
        InvalidTags::TooMany => error::too_many_tags(),
        InvalidTags::Key(_) => {
            error::invalid_parameter("Tag keys must be between 1 and 128 characters in length.")
        }
        InvalidTags::Value(_) => {
            error::invalid_parameter("Tag values must be between 0 and 256 characters in length.")
        }
        InvalidTags::Reserved(_) => error::invalid_parameter(
            "Tag keys can't start with any combination of uppercase or lowercase of 'aws:'.",
        ),
        InvalidTags::Character(_) => error::invalid_parameter(
            "Tag keys and values can only contain letters, digits, white space, and _ . : / = + - @.",
        ),
        InvalidTags::Duplicate(key) => error::invalid_parameter(format!("Duplicate tag key {key}.")),
    }
}
