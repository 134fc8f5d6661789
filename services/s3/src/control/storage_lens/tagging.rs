use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::shapes::Tag;
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;

use super::{is_default, row};
use crate::S3;
use crate::analysis::day_of;
use crate::model::storage_lens::Lens;
use crate::storage_lens::default_configuration;
use crate::store::storage_lens::no_such_lens;
use crate::tagging::{self, TagMap};

pub(super) fn read(tags: Vec<s::StorageLensTag>) -> Result<TagMap> {
    tagging::by_arn(tags.into_iter().map(|tag| Tag { key: tag.key, value: tag.value }).collect())
}

impl S3 {
    async fn set_lens_tags(&self, cx: &Cx, id: &str, tags: &TagMap) -> Result<()> {
        let row = row(cx, id);
        if is_default(cx, id) {
            let today = day_of(cx.now().secs());
            let made =
                || Lens { configuration: default_configuration(), since_day: today, ..Lens::default() };
            let change = |found: Option<Lens>| Lens { tags: tags.clone(), ..found.unwrap_or_else(made) };
            return self.records.put_lens(&row, change).await;
        }
        let change = |lens: &mut Lens| lens.tags = tags.clone();
        if self.records.change_lens(&row, change).await? { Ok(()) } else { Err(no_such_lens()) }
    }
}

impl Handle<op::PutStorageLensConfigurationTagging> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::PutStorageLensConfigurationTaggingRequest,
    ) -> Result<Vec<Access>> {
        let action = "s3:PutStorageLensConfigurationTagging";
        let access = self.on_lens(cx, &input.account_id, &input.config_id, action).await?;
        let tags = input.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        Ok(vec![access.request_tags(tags)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutStorageLensConfigurationTaggingRequest,
    ) -> Result<s::PutStorageLensConfigurationTaggingResult> {
        self.set_lens_tags(cx, &input.config_id, &read(input.tags)?).await?;
        Ok(s::PutStorageLensConfigurationTaggingResult {})
    }
}

impl Handle<op::GetStorageLensConfigurationTagging> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetStorageLensConfigurationTaggingRequest,
    ) -> Result<Vec<Access>> {
        let action = "s3:GetStorageLensConfigurationTagging";
        Ok(vec![self.on_lens(cx, &input.account_id, &input.config_id, action).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetStorageLensConfigurationTaggingRequest,
    ) -> Result<s::GetStorageLensConfigurationTaggingResult> {
        let tags = self.lens(cx, &input.config_id).await?.tags;
        let tags = tags.into_iter().map(|(key, value)| s::StorageLensTag { key, value });
        Ok(s::GetStorageLensConfigurationTaggingResult { tags: Some(tags.collect()) })
    }
}

impl Handle<op::DeleteStorageLensConfigurationTagging> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteStorageLensConfigurationTaggingRequest,
    ) -> Result<Vec<Access>> {
        let action = "s3:DeleteStorageLensConfigurationTagging";
        Ok(vec![self.on_lens(cx, &input.account_id, &input.config_id, action).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteStorageLensConfigurationTaggingRequest,
    ) -> Result<s::DeleteStorageLensConfigurationTaggingResult> {
        self.set_lens_tags(cx, &input.config_id, &TagMap::new()).await?;
        Ok(s::DeleteStorageLensConfigurationTaggingResult {})
    }
}
