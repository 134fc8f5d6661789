//! TagResource, UntagResource and ListTagsForResource: of scalable targets.

use std::collections::BTreeMap;

use haneul_application_autoscaling_wire::operations::{ListTagsForResource, TagResource, UntagResource};
use haneul_application_autoscaling_wire::shapes as s;
use haneul_kit::{Access, Arn, Cx, Handle, Result, Tags};
use haneul_store::{Range, Reads};

use super::access::tags;
use crate::ApplicationAutoscaling;
use crate::error::{self, validation};
use crate::model::{TARGETS, TargetKey, TargetRecord};
use crate::target;

const TAGS_MAX: usize = 50;
const PAGE: usize = 500;

impl Handle<TagResource> for ApplicationAutoscaling {
    async fn access(&self, cx: &Cx, input: &s::TagResourceRequest) -> Result<Vec<Access>> {
        let given = input.tags.iter().map(|(key, value)| (key, value.as_str()));
        let action = "application-autoscaling:TagResource";
        Ok(vec![self.on_tagged(cx, action, &input.resource_arn).await?.request_tags(given)])
    }

    async fn call(&self, cx: &Cx, input: s::TagResourceRequest) -> Result<s::TagResourceResponse> {
        let (key, _) = self.tagged(cx, &input.resource_arn).await?;
        let arn = &input.resource_arn;
        self.put_target(&key, |before| {
            let mut target = before.ok_or_else(|| error::no_resource(arn))?;
            target.tags = checked(arn, input.tags.iter(), &target.tags)?;
            Ok(target)
        })
        .await?;
        Ok(s::TagResourceResponse {})
    }
}

impl Handle<UntagResource> for ApplicationAutoscaling {
    async fn access(&self, cx: &Cx, input: &s::UntagResourceRequest) -> Result<Vec<Access>> {
        let action = "application-autoscaling:UntagResource";
        let access = self.on_tagged(cx, action, &input.resource_arn).await?;
        Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone())])
    }

    async fn call(&self, cx: &Cx, input: s::UntagResourceRequest) -> Result<s::UntagResourceResponse> {
        let (key, _) = self.tagged(cx, &input.resource_arn).await?;
        let arn = &input.resource_arn;
        self.put_target(&key, |before| {
            let mut target = before.ok_or_else(|| error::no_resource(arn))?;
            input.tag_keys.iter().for_each(|key| drop(target.tags.remove(key)));
            Ok(target)
        })
        .await?;
        Ok(s::UntagResourceResponse {})
    }
}

impl Handle<ListTagsForResource> for ApplicationAutoscaling {
    async fn access(&self, cx: &Cx, input: &s::ListTagsForResourceRequest) -> Result<Vec<Access>> {
        let action = "application-autoscaling:ListTagsForResource";
        Ok(vec![self.on_tagged(cx, action, &input.resource_arn).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListTagsForResourceRequest,
    ) -> Result<s::ListTagsForResourceResponse> {
        let (_, target) = self.tagged(cx, &input.resource_arn).await?;
        Ok(s::ListTagsForResourceResponse { tags: Some(target.tags.into_iter().collect()) })
    }
}

impl ApplicationAutoscaling {
    async fn on_tagged(&self, cx: &Cx, action: &'static str, given: &str) -> Result<Access> {
        let arn = parsed(given)?;
        let found = self.by_arn(cx, &arn).await?;
        let access = Access::on(action, &arn);
        Ok(match &found {
            Some((_, target)) => access.resource_tags(tags(target)),
            None => access,
        })
    }

    async fn tagged(&self, cx: &Cx, given: &str) -> Result<(TargetKey, TargetRecord)> {
        self.by_arn(cx, &parsed(given)?).await?.ok_or_else(|| error::no_resource(given))
    }

    async fn by_arn(&self, cx: &Cx, arn: &Arn) -> Result<Option<(TargetKey, TargetRecord)>> {
        let mut range = Range::prefix((cx.account(), cx.region()));
        loop {
            let page = self.platform.store.scan(&TARGETS, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { return Ok(None) };
            range = Range::prefix((cx.account(), cx.region())).after(last);
            let found = page.into_iter().find(|(key, target)| target::arn(key.0, key.1, &target.id) == *arn);
            if found.is_some() {
                return Ok(found);
            }
        }
    }
}

fn parsed(given: &str) -> Result<Arn> {
    Arn::parse(given).map_err(|_| validation(format!("Invalid resource ARN: {given}")))
}

/// The tags of a resource, with those that are given.
pub(super) fn checked<'a>(
    arn: &str,
    given: impl Iterator<Item = (&'a str, &'a String)>,
    before: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let given: Vec<(String, String)> = given.map(|(key, value)| (key.to_owned(), value.clone())).collect();
    let given = Tags::from_request(given).map_err(|why| match why {
        haneul_base::tags::InvalidTags::TooMany => error::too_many_tags(arn),
        _ => validation("The tags are not valid: keys have 1 to 128 characters, values at most 256, and no key begins with aws:"),
    })?;
    let mut all = before.clone();
    all.extend(given.iter().map(|(key, value)| (key.to_owned(), value.to_owned())));
    if all.len() > TAGS_MAX {
        return Err(error::too_many_tags(arn));
    }
    Ok(all)
}
