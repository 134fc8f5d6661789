use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::{DeleteObjectTagging, GetObjectTagging, PutObjectTagging};
use haneul_s3_wire::shapes::{
    DeleteObjectTaggingOutput, DeleteObjectTaggingRequest, GetObjectTaggingOutput, GetObjectTaggingRequest,
    PutObjectTaggingOutput, PutObjectTaggingRequest,
};

use super::read::shown_version;
use crate::facts::Named;
use crate::headers::request_tag_keys;
use crate::model::ObjectRecord;
use crate::store::watch::{By, Change};
use crate::tagging::{self, TagMap};
use crate::{S3, bucket::Bucket, error};

impl Handle<GetObjectTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &GetObjectTaggingRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let action =
            if named.version.is_some() { "s3:GetObjectVersionTagging" } else { "s3:GetObjectTagging" };
        self.object_access(cx, &bucket, action, named).await
    }

    async fn call(&self, cx: &Cx, input: GetObjectTaggingRequest) -> Result<GetObjectTaggingOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let found = self.records.find(bucket.id(), named.key, named.version).await?;
        // Of this operation alone, S3 writes the bucket before the key that is not there.
        let (record, body) = match self.changeable(cx, found, named).await {
            Err(error) if error.code() == "NoSuchKey" => {
                return Err(error::no_such_key(&format!("{}/{}", bucket.name, named.key)));
            }
            found => found?,
        };
        Ok(GetObjectTaggingOutput {
            version_id: shown_version(&bucket, &record),
            tag_set: tagging::to_wire(&body.tags),
        })
    }
}

impl Handle<PutObjectTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &PutObjectTaggingRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let action =
            if named.version.is_some() { "s3:PutObjectVersionTagging" } else { "s3:PutObjectTagging" };
        let access = self.write_access(cx, &bucket, action, named).await?;
        let tags = tagging::of_object(input.tagging.tag_set.clone())?;
        Ok(vec![request_tag_keys(access, &tags)])
    }

    async fn call(&self, cx: &Cx, input: PutObjectTaggingRequest) -> Result<PutObjectTaggingOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let tags = tagging::of_object(input.tagging.tag_set)?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let record = self.set_tags(cx, &bucket, named, tags).await?;
        Ok(PutObjectTaggingOutput { version_id: shown_version(&bucket, &record) })
    }
}

impl Handle<DeleteObjectTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteObjectTaggingRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let action =
            if named.version.is_some() { "s3:DeleteObjectVersionTagging" } else { "s3:DeleteObjectTagging" };
        Ok(vec![self.write_access(cx, &bucket, action, named).await?])
    }

    async fn call(&self, cx: &Cx, input: DeleteObjectTaggingRequest) -> Result<DeleteObjectTaggingOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let record = self.set_tags(cx, &bucket, named, TagMap::new()).await?;
        Ok(DeleteObjectTaggingOutput { version_id: shown_version(&bucket, &record) })
    }
}

impl S3 {
    async fn set_tags(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        named: Named<'_>,
        tags: TagMap,
    ) -> Result<ObjectRecord> {
        let set = |record: &mut ObjectRecord| {
            let Some(body) = &mut record.body else { return Ok(false) };
            // Tags are put as often as anybody likes; what is not there cannot be deleted.
            let changes = !tags.is_empty() || !body.tags.is_empty();
            body.tags = tags.clone();
            Ok(changes)
        };
        let watch = self.watch(cx, bucket, By::Request);
        let what = if tags.is_empty() { Change::TagsDeleted } else { Change::TagsPut };
        let watched = Some((&watch, &what));
        let changed = self.records.change_object(bucket.id(), named.key, named.version, set, watched).await?;
        // A delete marker was not changed by that, and has no tags to give either.
        let (record, _) = self.changeable(cx, changed, named).await?;
        Ok(record)
    }
}
