use std::collections::BTreeMap;

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3tables_wire::operations as op;
use haneul_s3tables_wire::shapes as s;
use haneul_shape::value::Map;

use super::{BucketName, parse_table_arn};
use crate::error::tables as refusals;
use crate::store::table_buckets::TableRow;
use crate::tagging::BUCKET_TAGS_MAX;
use crate::{S3, tagging};

type Tags = BTreeMap<String, String>;

/// Tags of a request, as those of a bucket must be.
pub(super) fn checked(tags: Option<Map<String>>) -> Result<Tags> {
    let given = tags.unwrap_or_default().into_iter();
    let tags = given.map(|(key, value)| haneul_s3_wire::shapes::Tag { key, value });
    tagging::of_bucket(tags.collect()).map_err(|refused| refusals::bad_request(refused.message().to_owned()))
}

/// What has tags.
enum Tagged {
    Bucket(BucketName),
    Table(TableRow),
}

impl S3 {
    async fn on_tagged(&self, cx: &Cx, arn: &str, action: &'static str) -> Result<Access> {
        if arn.contains("/table/") {
            let mut access = self.on_table_arn(cx, arn, action).await?;
            // Actions on both kinds do not know the names of a table.
            access.keys.retain(|(key, _)| !matches!(&**key, "s3tables:namespace" | "s3tables:tableName"));
            return Ok(access);
        }
        self.on_table_bucket(cx, &BucketName::parse(arn)?, action).await
    }

    async fn tagged(&self, cx: &Cx, arn: &str) -> Result<(Tagged, Tags)> {
        if arn.contains("/table/") {
            let (bucket, id) = parse_table_arn(arn)?;
            let bucket = self.table_bucket(cx, &bucket).await?;
            let (row, table) =
                self.records.table_by_id(&bucket.id, &id).await?.ok_or_else(refusals::no_table)?;
            return Ok((Tagged::Table(row), table.tags));
        }
        let name = BucketName::parse(arn)?;
        let tags = self.table_bucket(cx, &name).await?.tags;
        Ok((Tagged::Bucket(name), tags))
    }

    async fn change_tags_of_lake(
        &self,
        cx: &Cx,
        arn: &str,
        change: impl Fn(&mut Tags) -> Result<()> + Sync,
    ) -> Result<()> {
        match self.tagged(cx, arn).await?.0 {
            Tagged::Bucket(name) => {
                self.records.change_table_bucket(&name.row(), |bucket| change(&mut bucket.tags)).await
            }
            Tagged::Table(row) => {
                self.records.change_table(&row, |table| change(&mut table.tags)).await.map(drop)
            }
        }
    }
}

impl Handle<op::ListTagsForResource> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListTagsForResourceRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_tagged(cx, &input.resource_arn, "s3tables:ListTagsForResource").await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListTagsForResourceRequest,
    ) -> Result<s::ListTagsForResourceResponse> {
        let (_, tags) = self.tagged(cx, &input.resource_arn).await?;
        Ok(s::ListTagsForResourceResponse { tags: Some(tags.into_iter().collect()) })
    }
}

impl Handle<op::TagResource> for S3 {
    async fn access(&self, cx: &Cx, input: &s::TagResourceRequest) -> Result<Vec<Access>> {
        let tags = input.tags.iter().map(|(key, value)| (key, value.as_str()));
        let access = self.on_tagged(cx, &input.resource_arn, "s3tables:TagResource").await?;
        Ok(vec![access.request_tags(tags)])
    }

    async fn call(&self, cx: &Cx, input: s::TagResourceRequest) -> Result<s::TagResourceResponse> {
        let given = checked(Some(input.tags))?;
        let add = |tags: &mut Tags| {
            tags.extend(given.clone());
            match tags.len() > BUCKET_TAGS_MAX {
                true => Err(refusals::bad_request("A resource has at most 50 tags.")),
                false => Ok(()),
            }
        };
        self.change_tags_of_lake(cx, &input.resource_arn, add).await?;
        Ok(s::TagResourceResponse {})
    }
}

impl Handle<op::UntagResource> for S3 {
    async fn access(&self, cx: &Cx, input: &s::UntagResourceRequest) -> Result<Vec<Access>> {
        let access = self.on_tagged(cx, &input.resource_arn, "s3tables:UntagResource").await?;
        Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone())])
    }

    async fn call(&self, cx: &Cx, input: s::UntagResourceRequest) -> Result<s::UntagResourceResponse> {
        let remove = |tags: &mut Tags| {
            input.tag_keys.iter().for_each(|key| drop(tags.remove(key)));
            Ok(())
        };
        self.change_tags_of_lake(cx, &input.resource_arn, remove).await?;
        Ok(s::UntagResourceResponse {})
    }
}
