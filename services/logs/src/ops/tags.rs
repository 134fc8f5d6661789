use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Result, Tags};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;
use haneul_shape::value::Map;

use crate::Logs;
use crate::error;
use crate::model::Group;
use crate::names::GroupName;

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

impl Logs {
    async fn tagging(&self, cx: &Cx, action: &'static str, arn: &str) -> Result<Access> {
        let name = tagged(cx, arn)?;
        let group = self.records.store_group(&name).await?;
        let access = super::access::on_arn(action, &name.arn());
        Ok(match &group {
            Some(group) => access.resource_tags(group.tags.iter().map(|(k, v)| (k.as_str(), v.as_str()))),
            None => access,
        })
    }

    async fn add_tags(&self, name: &GroupName, tags: Map<String>) -> Result<Empty> {
        let added = Tags::from_request(tags).map_err(refused)?;
        self.records
            .change_group(name, |group| {
                let mut tags = Tags::from_request(group.tags.clone()).map_err(refused)?;
                tags.merge(added.clone()).map_err(refused)?;
                group.tags = tags.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
                Ok(())
            })
            .await?;
        Ok(Empty {})
    }

    async fn remove_tags(&self, name: &GroupName, keys: &[String]) -> Result<Empty> {
        self.records
            .change_group(name, |group| {
                group.tags.retain(|(key, _)| !keys.contains(key));
                Ok(())
            })
            .await?;
        Ok(Empty {})
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
        let group = self.records.group(&tagged(cx, &input.resource_arn)?).await?;
        Ok(s::ListTagsForResourceResponse { tags: Some(map(group)) })
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
        self.add_tags(&GroupName::own(cx, &input.log_group_name), input.tags).await
    }
}

impl Handle<op::UntagLogGroup> for Logs {
    async fn access(&self, cx: &Cx, input: &s::UntagLogGroupRequest) -> Result<Vec<Access>> {
        let all = self.on_group("logs:UntagLogGroup", &GroupName::own(cx, &input.log_group_name)).await?;
        Ok(all.into_iter().map(|access| access.keys("aws:TagKeys", input.tags.clone())).collect())
    }

    async fn call(&self, cx: &Cx, input: s::UntagLogGroupRequest) -> Result<Empty> {
        self.remove_tags(&GroupName::own(cx, &input.log_group_name), &input.tags).await
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

/// The group of an ARN; only groups have tags here.
fn tagged(cx: &Cx, arn: &str) -> Result<GroupName> {
    if Arn::parse(arn).is_err() {
        return Err(error::invalid(format!("The specified resource ARN {arn} is invalid.")));
    }
    GroupName::identified(cx, arn)
}
