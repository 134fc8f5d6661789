use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::HeadObject;
use haneul_s3_wire::shapes::{HeadObjectOutput, HeadObjectRequest};
use http::StatusCode;

use super::read::{check_conditions, fill};
use crate::conditions::ReadConditions;
use crate::encryption::{check_look, customer_key};
use crate::facts::Named;
use crate::{S3, archive, names};

impl Handle<HeadObject> for S3 {
    async fn access(&self, cx: &Cx, input: &HeadObjectRequest) -> Result<Vec<Access>> {
        if let Some(point) = self.object_lambda(cx, &input.bucket).await? {
            let version = input.version_id.as_deref();
            let action = match version {
                Some(_) => "s3-object-lambda:GetObjectVersion",
                None => "s3-object-lambda:GetObject",
            };
            return Ok(vec![point.access(action, version)]);
        }
        let bucket = self.bucket_to_read(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let action = if input.version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        self.object_access(cx, &bucket, action, named).await
    }

    async fn call(&self, cx: &Cx, input: HeadObjectRequest) -> Result<HeadObjectOutput> {
        if let Some(point) = self.object_lambda(cx, &input.bucket).await? {
            return Box::pin(self.head_transformed(cx, point, input)).await;
        }
        let bucket = self.bucket_to_read(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let found = self.records.find(bucket.id(), named.key, named.version).await?;
        let (record, body) = self.readable(cx, found, named).await?;
        check_look(cx, body.sealed.as_ref())?;
        self.check_customer_key(body.sealed.as_ref(), &customer_key!(input))?;
        let conditions = ReadConditions {
            if_match: input.if_match.as_deref(),
            if_none_match: input.if_none_match.as_deref(),
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        check_conditions(cx, &conditions, &record, &body)?;
        let selection = self.select(&body, input.range.as_deref(), input.part_number).await?;
        if selection.partial {
            cx.set_status(StatusCode::PARTIAL_CONTENT);
        }
        let mut output = HeadObjectOutput::default();
        let lock = self.visible_lock(cx, &bucket, body.lock, named).await?;
        let tags = self.visible_tag_count(cx, &bucket, &body, named).await?;
        fill!(output, input, bucket, record, body, selection, lock, tags);
        output.restore = archive::header(&body, cx.now());
        output.archive_status = archive::status(&body, cx.now());
        Ok(output)
    }
}
