//! Tags of buckets, access points, groups of S3 Storage Lens and S3 Access Grants by ARN.

use std::borrow::Cow;
use std::sync::Arc;

use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Result};
use haneul_s3_wire::shapes::Tag;
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;

use super::access_points::name_of;
use super::account;
use super::grants::Named;
use crate::bucket::Bucket;
use crate::model::BucketRecord;
use crate::model::access_point::AccessPointRecord;
use crate::model::storage_lens::LensGroup;
use crate::store::access_points::PointRow;
use crate::store::grants::InstanceRow;
use crate::store::storage_lens::{LensRow, no_such_lens};
use crate::tagging::{self, TagMap};
use crate::{S3, error};

/// What an ARN names.
enum Tagged {
    Bucket(String),
    Point(PointRow),
    Grants(InstanceRow, Named),
    LensGroup(LensRow),
}

fn tagged(cx: &Cx, arn: &str) -> Result<Tagged> {
    if arn.contains(":accesspoint/") {
        return Ok(Tagged::Point((cx.account(), cx.region(), name_of(arn).to_owned())));
    }
    if let Some(parsed) = Arn::parse(arn).ok().filter(|arn| arn.service() == "s3" && !arn.region().is_empty())
    {
        let group = parsed.resource().strip_prefix("storage-lens-group/");
        let group = group.map(|name| Tagged::LensGroup((cx.account(), cx.region(), name.to_owned())));
        let grants = || Named::parse(parsed.resource());
        let named = group.or_else(|| Some(Tagged::Grants((cx.account(), cx.region()), grants()?)));
        if let Some(named) = named {
            if parsed.account_id() != Some(cx.account()) || parsed.region() != cx.region().as_str() {
                return Err(error::access_denied("Access Denied"));
            }
            return Ok(named);
        }
    }
    match arn.split_once(":s3:::") {
        Some((_, bucket)) if !bucket.is_empty() && !bucket.contains('/') => {
            Ok(Tagged::Bucket(bucket.to_owned()))
        }
        _ => Err(error::invalid_request("The ARN is of no resource that can be tagged")),
    }
}

fn no_such_resource() -> ApiError {
    error::new("NoSuchResource", 404, "The specified resource doesn't exist.")
}

/// What is not there is called a resource here, whatever it is.
fn of_resource(code: &'static str) -> impl Fn(ApiError) -> ApiError {
    move |error| if error.code() == code { no_such_resource() } else { error }
}

impl S3 {
    async fn tagged_bucket(&self, cx: &Cx, name: &str) -> Result<Arc<Bucket>> {
        self.bucket(cx, name, &None).await.map_err(of_resource("NoSuchBucket"))
    }

    async fn tag_access(&self, cx: &Cx, account_id: &str, arn: &str, action: &'static str) -> Result<Access> {
        account(cx, account_id)?;
        let tagged = tagged(cx, arn)?;
        if let Tagged::Grants(of, named) = &tagged {
            return self.on_named(*of, named, action).await;
        }
        if let Tagged::LensGroup((_, _, name)) = &tagged {
            return self.on_lens_group(cx, name, action).await;
        }
        if let Tagged::Bucket(bucket) = tagged
            && let Ok(bucket) = self.bucket(cx, &bucket, &None).await
        {
            let access = bucket.access(cx, action);
            if bucket.record.features.abac {
                return Ok(access);
            }
            let tags = &bucket.record.tags;
            let tags = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            return Ok(access.resource_tags(tags));
        }
        let mut access = Access::to(action).owned_by(cx.account());
        access.resource = Cow::Owned(arn.to_owned());
        Ok(access)
    }

    async fn change_tags(
        &self,
        cx: &Cx,
        arn: &str,
        change: impl Fn(&mut TagMap) -> Result<()> + Sync,
    ) -> Result<()> {
        match tagged(cx, arn)? {
            Tagged::Bucket(bucket) => {
                let bucket = self.tagged_bucket(cx, &bucket).await?;
                self.records
                    .change_bucket(&bucket.name, |record: &mut BucketRecord| change(&mut record.tags))
                    .await?;
            }
            Tagged::Point(row) => {
                let change = |point: &mut AccessPointRecord| change(&mut point.tags);
                let changed = self.records.change_access_point(&row, change).await;
                changed.map_err(of_resource("NoSuchAccessPoint"))?;
            }
            Tagged::Grants(of, named) => self.change_tags_of_named(of, &named, change).await?,
            Tagged::LensGroup(row) => {
                let change = |group: &mut LensGroup| change(&mut group.tags);
                self.records.change_lens_group(&row, change).await?;
            }
        }
        Ok(())
    }
}

impl Handle<op::TagResource> for S3 {
    async fn access(&self, cx: &Cx, input: &s::TagResourceRequest) -> Result<Vec<Access>> {
        let access = self.tag_access(cx, &input.account_id, &input.resource_arn, "s3:TagResource").await?;
        let tags = input.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        Ok(vec![access.request_tags(tags)])
    }

    async fn call(&self, cx: &Cx, input: s::TagResourceRequest) -> Result<s::TagResourceResult> {
        let given = input.tags.into_iter().map(|tag| Tag { key: tag.key, value: tag.value });
        let given = tagging::by_arn(given.collect())?;
        let add = |tags: &mut TagMap| {
            tags.extend(given.clone());
            if tags.len() > tagging::BUCKET_TAGS_MAX {
                return Err(tagging::too_many_by_arn());
            }
            Ok(())
        };
        self.change_tags(cx, &input.resource_arn, add).await?;
        Ok(s::TagResourceResult {})
    }
}

impl Handle<op::UntagResource> for S3 {
    async fn access(&self, cx: &Cx, input: &s::UntagResourceRequest) -> Result<Vec<Access>> {
        let access = self.tag_access(cx, &input.account_id, &input.resource_arn, "s3:UntagResource").await?;
        Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone())])
    }

    async fn call(&self, cx: &Cx, input: s::UntagResourceRequest) -> Result<s::UntagResourceResult> {
        let remove = |tags: &mut TagMap| {
            tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok(())
        };
        self.change_tags(cx, &input.resource_arn, remove).await?;
        Ok(s::UntagResourceResult {})
    }
}

impl Handle<op::ListTagsForResource> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListTagsForResourceRequest) -> Result<Vec<Access>> {
        Ok(vec![self.tag_access(cx, &input.account_id, &input.resource_arn, "s3:ListTagsForResource").await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListTagsForResourceRequest,
    ) -> Result<s::ListTagsForResourceResult> {
        let tags = match tagged(cx, &input.resource_arn)? {
            Tagged::Bucket(bucket) => self.tagged_bucket(cx, &bucket).await?.record.tags.clone(),
            Tagged::Point(row) => self.records.access_point(&row).await?.ok_or_else(no_such_resource)?.tags,
            Tagged::Grants(of, named) => self.tags_of_named(of, &named).await?,
            Tagged::LensGroup(row) => self.records.lens_group(&row).await?.ok_or_else(no_such_lens)?.tags,
        };
        let tags = tags.into_iter().map(|(key, value)| s::Tag { key, value });
        Ok(s::ListTagsForResourceResult { tags: Some(tags.collect()) })
    }
}
