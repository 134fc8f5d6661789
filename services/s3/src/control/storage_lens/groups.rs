use std::borrow::Cow;

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::shapes::Tag;
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;
use haneul_shape::Empty;

use super::{PAGE_MAX, account, filter, is_id, row};
use crate::model::storage_lens::LensGroup;
use crate::storage_lens::group_arn;
use crate::store::storage_lens::no_such_lens;
use crate::{S3, error, tagging};

impl S3 {
    /// A permission on a group, with the tags that it has.
    pub(in crate::control) async fn on_lens_group(
        &self,
        cx: &Cx,
        name: &str,
        action: &'static str,
    ) -> Result<Access> {
        let mut access = Access::to(action).owned_by(cx.account());
        access.resource = Cow::Owned(group_arn(cx.region(), cx.account(), name));
        let tags = self.records.lens_group(&row(cx, name)).await?.map(|group| group.tags).unwrap_or_default();
        Ok(access.resource_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))))
    }
}

fn check_name(name: &str) -> Result<()> {
    if is_id(name) {
        return Ok(());
    }
    let message = "Storage Lens group Name parameter must be between 1 and 64 characters. The Storage Lens group Name \
                   parameter must use the ^[a-zA-Z0-9\\-_]+$ pattern.";
    Err(error::new("InvalidName", 400, message))
}

impl Handle<op::CreateStorageLensGroup> for S3 {
    async fn access(&self, cx: &Cx, input: &s::CreateStorageLensGroupRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        let tags = || input.tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        let create = Access::to("s3:CreateStorageLensGroup").owned_by(cx.account()).request_tags(tags());
        if input.tags.as_ref().is_none_or(Vec::is_empty) {
            return Ok(vec![create]);
        }
        let tagging = self.on_lens_group(cx, &input.storage_lens_group.name, "s3:TagResource").await?;
        Ok(vec![create, tagging.request_tags(tags())])
    }

    async fn call(&self, cx: &Cx, input: s::CreateStorageLensGroupRequest) -> Result<Empty> {
        let given = input.storage_lens_group;
        check_name(&given.name)?;
        let tags = input.tags.into_iter().flatten().map(|tag| Tag { key: tag.key, value: tag.value });
        let group =
            LensGroup { filter: filter::from_wire(given.filter)?, tags: tagging::by_arn(tags.collect())? };
        self.records.create_lens_group(&row(cx, &given.name), &group).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetStorageLensGroup> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetStorageLensGroupRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![self.on_lens_group(cx, &input.name, "s3:GetStorageLensGroup").await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetStorageLensGroupRequest,
    ) -> Result<s::GetStorageLensGroupResult> {
        let found = self.records.lens_group(&row(cx, &input.name)).await?.ok_or_else(no_such_lens)?;
        let shown = s::StorageLensGroup {
            storage_lens_group_arn: Some(group_arn(cx.region(), cx.account(), &input.name)),
            name: input.name,
            filter: filter::to_wire(found.filter),
        };
        Ok(s::GetStorageLensGroupResult { storage_lens_group: Some(shown) })
    }
}

impl Handle<op::UpdateStorageLensGroup> for S3 {
    async fn access(&self, cx: &Cx, input: &s::UpdateStorageLensGroupRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![self.on_lens_group(cx, &input.name, "s3:UpdateStorageLensGroup").await?])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateStorageLensGroupRequest) -> Result<Empty> {
        let given = input.storage_lens_group;
        if given.name != input.name {
            let message = "The name specified in the request doesn't match the Storage Lens group name.";
            return Err(error::new("MismatchedName", 400, message));
        }
        let filter = filter::from_wire(given.filter)?;
        let change = |group: &mut LensGroup| {
            group.filter = filter.clone();
            Ok(())
        };
        self.records.change_lens_group(&row(cx, &input.name), change).await?;
        Ok(Empty)
    }
}

impl Handle<op::DeleteStorageLensGroup> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteStorageLensGroupRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![self.on_lens_group(cx, &input.name, "s3:DeleteStorageLensGroup").await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteStorageLensGroupRequest) -> Result<Empty> {
        self.records.delete_lens_group(&row(cx, &input.name)).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListStorageLensGroups> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListStorageLensGroupsRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![Access::to("s3:ListStorageLensGroups").owned_by(cx.account())])
    }

    /// The token is the name of the last one.
    async fn call(
        &self,
        cx: &Cx,
        input: s::ListStorageLensGroupsRequest,
    ) -> Result<s::ListStorageLensGroupsResult> {
        let after = input.next_token.as_deref();
        let mut found = self.records.lens_groups(cx.account(), cx.region(), after, PAGE_MAX + 1).await?;
        let more = found.len() > PAGE_MAX;
        found.truncate(PAGE_MAX);
        let entries: Vec<_> = found
            .into_iter()
            .map(|(name, _)| s::ListStorageLensGroupEntry {
                storage_lens_group_arn: group_arn(cx.region(), cx.account(), &name),
                name,
                home_region: cx.region().to_string(),
            })
            .collect();
        Ok(s::ListStorageLensGroupsResult {
            next_token: entries.last().map(|entry| entry.name.clone()).filter(|_| more),
            storage_lens_group_list: Some(entries),
        })
    }
}
