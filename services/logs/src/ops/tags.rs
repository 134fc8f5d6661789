use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Result, Tags};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;
use haneul_shape::value::Map;

use super::anomaly_detectors::{detector_arn, detector_key};
use super::destinations::own_destination;
use super::lookup_tables::{lookup_arn, lookup_key};
use super::scheduled_queries::{scheduled_arn, scheduled_key};
use crate::Logs;
use crate::error;
use crate::model::Group;
use crate::names::{DestinationName, GroupName};
use crate::store::{DetectorKey, LookupKey, ScheduledKey};

pub(super) fn refused(why: haneul_base::tags::InvalidTags) -> ApiError {
    use haneul_base::tags::InvalidTags as Why;
    match why {
        Why::TooMany => error::tag_limit(),
        Why::Reserved(key) => error::invalid(format!("aws: prefixed tag key names are not allowed: {key}")),
        Why::Key(key) | Why::Value(key) | Why::Character(key) | Why::Duplicate(key) => {
            error::invalid(format!("The tag with the key {key} is not valid."))
        }
    }
}

/// Adds tags to those that there are.
pub(super) fn merge(known: &mut Vec<(String, String)>, added: &Tags) -> Result<()> {
    let mut tags = Tags::from_request(known.clone()).map_err(refused)?;
    tags.merge(added.clone()).map_err(refused)?;
    *known = tags.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    Ok(())
}

/// What can have tags.
enum Tagged {
    Group(GroupName),
    Detector(DetectorKey),
    Lookup(LookupKey),
    Destination(DestinationName),
    Scheduled(ScheduledKey),
}

impl Logs {
    async fn tagging(&self, cx: &Cx, action: &'static str, arn: &str) -> Result<Access> {
        let what = tagged(cx, arn)?;
        let (arn, tags) = match &what {
            Tagged::Group(name) => {
                (name.arn(), self.records.store_group(name).await?.map(|group| group.tags))
            }
            Tagged::Detector(key) => {
                (detector_arn(key), self.records.find_detector(key).await?.map(|detector| detector.tags))
            }
            Tagged::Lookup(key) => {
                (lookup_arn(key), self.records.find_lookup(key).await?.map(|table| table.tags))
            }
            Tagged::Destination(name) => {
                (name.arn(), self.records.find_destination(name).await?.map(|found| found.tags))
            }
            Tagged::Scheduled(key) => {
                (scheduled_arn(key), self.records.find_scheduled(key).await?.map(|query| query.tags))
            }
        };
        let access = super::access::on_arn(action, &arn);
        Ok(match &tags {
            Some(tags) => access.resource_tags(tags.iter().map(|(k, v)| (k.as_str(), v.as_str()))),
            None => access,
        })
    }

    async fn change_tags(
        &self,
        what: &Tagged,
        change: impl Fn(&mut Vec<(String, String)>) -> Result<()> + Sync,
    ) -> Result<Empty> {
        match what {
            Tagged::Group(name) => self.records.change_group(name, |group| change(&mut group.tags)).await?,
            Tagged::Detector(key) => {
                self.records.change_detector(key, |detector| change(&mut detector.tags)).await?;
            }
            Tagged::Lookup(key) => self.records.change_lookup_tags(key, change).await?,
            Tagged::Destination(name) => {
                self.records.change_destination(name, |found| change(&mut found.tags)).await?;
            }
            Tagged::Scheduled(key) => {
                self.records.change_scheduled(key, |query| change(&mut query.tags)).await?;
            }
        }
        Ok(Empty {})
    }

    async fn add_tags(&self, what: &Tagged, tags: Map<String>) -> Result<Empty> {
        let added = Tags::from_request(tags).map_err(refused)?;
        self.change_tags(what, |known| merge(known, &added)).await
    }

    async fn remove_tags(&self, what: &Tagged, keys: &[String]) -> Result<Empty> {
        self.change_tags(what, |known| {
            known.retain(|(key, _)| !keys.contains(key));
            Ok(())
        })
        .await
    }
}

impl Handle<op::TagResource> for Logs {
    async fn access(&self, cx: &Cx, input: &s::TagResourceRequest) -> Result<Vec<Access>> {
        let tags = input.tags.iter().map(|(key, value)| (key, value.as_str()));
        Ok(vec![self.tagging(cx, "logs:TagResource", &input.resource_arn).await?.request_tags(tags)])
    }

    async fn call(&self, cx: &Cx, input: s::TagResourceRequest) -> Result<Empty> {
        self.add_tags(&tagged(cx, &input.resource_arn)?, input.tags).await
    }
}

impl Handle<op::UntagResource> for Logs {
    async fn access(&self, cx: &Cx, input: &s::UntagResourceRequest) -> Result<Vec<Access>> {
        let access = self.tagging(cx, "logs:UntagResource", &input.resource_arn).await?;
        Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone())])
    }

    async fn call(&self, cx: &Cx, input: s::UntagResourceRequest) -> Result<Empty> {
        self.remove_tags(&tagged(cx, &input.resource_arn)?, &input.tag_keys).await
    }
}

impl Handle<op::ListTagsForResource> for Logs {
    async fn access(&self, cx: &Cx, input: &s::ListTagsForResourceRequest) -> Result<Vec<Access>> {
        Ok(vec![self.tagging(cx, "logs:ListTagsForResource", &input.resource_arn).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListTagsForResourceRequest,
    ) -> Result<s::ListTagsForResourceResponse> {
        let tags = match tagged(cx, &input.resource_arn)? {
            Tagged::Group(name) => self.records.group(&name).await?.tags,
            Tagged::Detector(key) => self.records.detector(&key).await?.tags,
            Tagged::Lookup(key) => self.records.lookup_table(&key).await?.tags,
            Tagged::Destination(name) => self.records.destination(&name).await?.tags,
            Tagged::Scheduled(key) => {
                self.records.find_scheduled(&key).await?.ok_or_else(error::scheduled_not_found)?.tags
            }
        };
        Ok(s::ListTagsForResourceResponse { tags: Some(tags.into_iter().collect()) })
    }
}

impl Handle<op::TagLogGroup> for Logs {
    async fn access(&self, cx: &Cx, input: &s::TagLogGroupRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        let tags: Vec<(&str, &str)> = input.tags.iter().map(|(key, value)| (key, value.as_str())).collect();
        let all = self.on_group("logs:TagLogGroup", &name).await?;
        Ok(all.into_iter().map(|access| access.request_tags(tags.clone())).collect())
    }

    async fn call(&self, cx: &Cx, input: s::TagLogGroupRequest) -> Result<Empty> {
        self.add_tags(&Tagged::Group(GroupName::own(cx, &input.log_group_name)), input.tags).await
    }
}

impl Handle<op::UntagLogGroup> for Logs {
    async fn access(&self, cx: &Cx, input: &s::UntagLogGroupRequest) -> Result<Vec<Access>> {
        let all = self.on_group("logs:UntagLogGroup", &GroupName::own(cx, &input.log_group_name)).await?;
        Ok(all.into_iter().map(|access| access.keys("aws:TagKeys", input.tags.clone())).collect())
    }

    async fn call(&self, cx: &Cx, input: s::UntagLogGroupRequest) -> Result<Empty> {
        self.remove_tags(&Tagged::Group(GroupName::own(cx, &input.log_group_name)), &input.tags).await
    }
}

impl Handle<op::ListTagsLogGroup> for Logs {
    async fn access(&self, cx: &Cx, input: &s::ListTagsLogGroupRequest) -> Result<Vec<Access>> {
        self.on_group("logs:ListTagsLogGroup", &GroupName::own(cx, &input.log_group_name)).await
    }

    async fn call(&self, cx: &Cx, input: s::ListTagsLogGroupRequest) -> Result<s::ListTagsLogGroupResponse> {
        let group = self.records.group(&GroupName::own(cx, &input.log_group_name)).await?;
        Ok(s::ListTagsLogGroupResponse { tags: Some(map(group)) })
    }
}

fn map(group: Group) -> Map<String> {
    group.tags.into_iter().collect()
}

/// What an ARN means.
fn tagged(cx: &Cx, arn: &str) -> Result<Tagged> {
    let Ok(parsed) = Arn::parse(arn) else {
        return Err(error::invalid(format!("The specified resource ARN {arn} is invalid.")));
    };
    match parsed.resource().split(':').next() {
        Some("anomaly-detector") => detector_key(cx, arn).map(Tagged::Detector),
        Some("lookup-table") => lookup_key(cx, arn).map(Tagged::Lookup),
        Some("destination") => own_destination(cx, &parsed).map(Tagged::Destination),
        Some("scheduled-query") => {
            scheduled_key(cx, &parsed).map(Tagged::Scheduled).ok_or_else(error::scheduled_not_found)
        }
        _ => GroupName::identified(cx, arn).map(Tagged::Group),
    }
}
