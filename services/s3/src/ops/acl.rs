//! ACLs of buckets and objects. They are disabled in a new bucket, and then read as the owner's full control.

use haneul_kit::{Access, AccountId, Cx, Handle, Result};
use haneul_s3_wire::operations::{GetBucketAcl, GetObjectAcl, PutBucketAcl, PutObjectAcl};
use haneul_s3_wire::shapes::{
    AccessControlPolicy, GetBucketAclOutput, GetBucketAclRequest, GetObjectAclOutput, GetObjectAclRequest,
    PutBucketAclRequest, PutObjectAclOutput, PutObjectAclRequest,
};
use haneul_shape::Empty;
use http::header::CONTENT_LENGTH;

use super::read::header;
use crate::acl::{self, Parties, Requested, Target, private, to_record, to_wire};
use crate::bucket::Bucket;
use crate::facts::Named;
use crate::model::{Acl, ObjectRecord};
use crate::owner::owner;
use crate::store::watch::{By, Change};
use crate::{S3, error, headers};

impl Handle<GetBucketAcl> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketAclRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketAcl").await
    }

    async fn call(&self, cx: &Cx, input: GetBucketAclRequest) -> Result<GetBucketAclOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let acl = bucket.record.acl.clone().filter(|_| bucket.has_acls());
        let acl = acl.unwrap_or_else(|| private(bucket.owner));
        Ok(GetBucketAclOutput { owner: Some(owner(bucket.owner)), grants: Some(to_wire(&acl)) })
    }
}

/// The context keys of the headers that ask for an ACL.
macro_rules! acl_keys {
    ($access:expr, $input:expr) => {
        headers::write_keys(
            $access,
            &[
                ("s3:x-amz-acl", &$input.acl),
                ("s3:x-amz-grant-read", &$input.grant_read),
                ("s3:x-amz-grant-write", &$input.grant_write),
                ("s3:x-amz-grant-full-control", &$input.grant_full_control),
                ("s3:x-amz-grant-read-acp", &$input.grant_read_acp),
                ("s3:x-amz-grant-write-acp", &$input.grant_write_acp),
            ],
        )
    };
}

macro_rules! requested {
    ($input:expr) => {
        Requested {
            canned: $input.acl.clone(),
            full_control: $input.grant_full_control.clone(),
            read: $input.grant_read.clone(),
            read_acp: $input.grant_read_acp.clone(),
            write: $input.grant_write.clone(),
            write_acp: $input.grant_write_acp.clone(),
        }
    };
}

impl Handle<PutBucketAcl> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketAclRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        Ok(vec![acl_keys!(bucket.access(cx, "s3:PutBucketAcl"), input)])
    }

    async fn call(&self, cx: &Cx, input: PutBucketAclRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let wanted = requested!(input);
        let document = input.access_control_policy.as_ref();
        let new = new_acl(cx, &bucket, bucket.owner, None, &wanted, document)?;
        let new = to_record(new, bucket.owner);
        let set = |record: &mut crate::model::BucketRecord| {
            record.acl = new.clone();
            Ok(())
        };
        self.records.change_bucket(&bucket.name, set).await?;
        Ok(Empty)
    }
}

impl Handle<GetObjectAcl> for S3 {
    async fn access(&self, cx: &Cx, input: &GetObjectAclRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let action = if named.version.is_some() { "s3:GetObjectVersionAcl" } else { "s3:GetObjectAcl" };
        self.object_access(cx, &bucket, action, named).await
    }

    async fn call(&self, cx: &Cx, input: GetObjectAclRequest) -> Result<GetObjectAclOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let found = self.records.find(bucket.id(), named.key, named.version).await?;
        let (record, body) = self.readable(cx, found, named).await?;
        let account = bucket.owner_of(record.owner);
        let acl = body.acl.filter(|_| bucket.has_acls()).unwrap_or_else(|| private(account));
        show_version(cx, &bucket, &record);
        Ok(GetObjectAclOutput {
            owner: Some(owner(account)),
            grants: Some(to_wire(&acl)),
            request_charged: None,
        })
    }
}

impl Handle<PutObjectAcl> for S3 {
    async fn access(&self, cx: &Cx, input: &PutObjectAclRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let access = self.write_access(cx, &bucket, put_acl(named), named).await?;
        Ok(vec![acl_keys!(access, input)])
    }

    async fn call(&self, cx: &Cx, input: PutObjectAclRequest) -> Result<PutObjectAclOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let found = self.records.find(bucket.id(), named.key, named.version).await?;
        let (record, _) = self.changeable(cx, found, named).await?;
        let account = bucket.owner_of(record.owner);
        let wanted = requested!(input);
        let document = input.access_control_policy.as_ref();
        let new = new_acl(cx, &bucket, account, Some(named), &wanted, document)?;
        let new = to_record(new, account);
        let seq = record.seq;
        let set = |record: &mut ObjectRecord| {
            // Another version may have come in between; and S3 tells of no ACL that is the same as before.
            let Some(body) = record.body.as_mut().filter(|body| record.seq == seq && body.acl != new) else {
                return Ok(false);
            };
            body.acl = new.clone();
            Ok(true)
        };
        let version = Some(record.version_name());
        let watch = self.watch(cx, &bucket, By::Request);
        let watched = Some((&watch, &Change::AclPut));
        self.records.change_object(bucket.id(), named.key, version, set, watched).await?;
        show_version(cx, &bucket, &record);
        Ok(PutObjectAclOutput::default())
    }
}

fn put_acl(named: Named<'_>) -> &'static str {
    if named.version.is_some() { "s3:PutObjectVersionAcl" } else { "s3:PutObjectAcl" }
}

fn show_version(cx: &Cx, bucket: &Bucket, record: &ObjectRecord) {
    if let Some(version) = super::read::shown_version(bucket, record) {
        header(cx, super::read::VERSION_ID, &version);
    }
}

fn has_body(cx: &Cx) -> bool {
    let length = cx.http().and_then(|http| http.header(CONTENT_LENGTH.as_str())?.parse::<u64>().ok());
    length.is_some_and(|length| length > 0)
}

/// The ACL that a request asks for, by a canned one, by headers, or by a document: of what is named, or else of the bucket.
fn new_acl(
    cx: &Cx,
    bucket: &Bucket,
    owner: AccountId,
    named: Option<Named<'_>>,
    wanted: &Requested,
    document: Option<&AccessControlPolicy>,
) -> Result<Acl> {
    if !bucket.has_acls() {
        return Err(error::acl_not_supported());
    }
    let target = if named.is_some() { Target::Object } else { Target::Bucket };
    let document = document.filter(|document| document.grants.is_some() || document.owner.is_some());
    let acl = match (wanted.is_given(), document) {
        (true, Some(_)) => {
            return Err(error::new("UnexpectedContent", 400, "This request does not support content"));
        }
        (true, None) => wanted.resolve(target, Parties { owner, bucket_owner: bucket.owner })?,
        (false, Some(document)) => acl::of_document(document, owner)?,
        (false, None) if has_body(cx) => return Err(acl::malformed()),
        (false, None) => {
            let message = "Your request was missing a required header";
            return Err(error::new("MissingSecurityHeader", 400, message)
                .with_field("MissingHeaderName", "x-amz-acl"));
        }
    };
    let action = match named {
        None => "s3:PutBucketAcl",
        Some(named) => put_acl(named),
    };
    acl::refuse_public(cx, bucket, &acl, (action, named.map(|named| named.key)))?;
    Ok(acl)
}
