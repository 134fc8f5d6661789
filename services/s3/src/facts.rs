//! What the permission to use an object depends on: whether it is there, and its tags.

use haneul_kit::{Access, Cx, Result};

use crate::S3;
use crate::bucket::Bucket;
use crate::model::ObjectRecord;

/// How an object is named in a request.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) key: &'a str,
    pub(crate) version: Option<&'a str>,
}

impl S3 {
    /// The permissions for reading (of) an object: the action, with `s3:ExistingObjectTag/<key>` and `s3:VersionId`.
    ///
    /// Who may not list the bucket must not learn which keys exist: for a missing one `s3:ListBucket` is needed too, so
    /// that it is 403 without and 404 with it (GetObject, "Permissions").
    pub(crate) async fn object_access(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        action: &'static str,
        named: Named<'_>,
    ) -> Result<Vec<Access>> {
        let access = of_version(bucket.object_access(cx, action, named.key), named.version);
        if bucket.trusts(cx) {
            return Ok(vec![access]);
        }
        let found = self.records.find(bucket.id(), named.key, named.version).await?;
        let mut needed = vec![match &found {
            Some(record) => bucket.granted_by_object_acl(cx, existing_tags(access, record), record),
            None => access,
        }];
        if found.is_none_or(|record| record.is_delete_marker()) {
            needed.push(bucket.access(cx, "s3:ListBucket"));
        }
        Ok(needed)
    }

    /// The permission for writing (of) an object that may be there.
    pub(crate) async fn write_access(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        action: &'static str,
        named: Named<'_>,
    ) -> Result<Access> {
        let access = of_version(bucket.object_access(cx, action, named.key), named.version);
        if bucket.trusts(cx) {
            return Ok(access);
        }
        let found = self.records.find(bucket.id(), named.key, named.version).await?;
        Ok(match &found {
            Some(record) => bucket.granted_by_object_acl(cx, existing_tags(access, record), record),
            None => access,
        })
    }
}

/// The actions that know the tags that an object has. Source: Service Authorization Reference, and for annotations, which it
/// does not have yet, what a bucket's policy may say of them ([`crate::policy_check`]).
const KNOW_TAGS: &[&str] = &[
    "s3:DeleteObjectAnnotation",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersionTagging",
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:GetObjectAnnotation",
    "s3:GetObjectAttributes",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionAttributes",
    "s3:GetObjectVersionTagging",
    "s3:ListObjectAnnotations",
    "s3:PutObjectAcl",
    "s3:PutObjectAnnotation",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionAcl",
    "s3:PutObjectVersionTagging",
];

/// `s3:VersionId` is for the actions on versions; those on locks and restores have no second name for them.
fn of_version(access: Access, version: Option<&str>) -> Access {
    match version.filter(|_| access.action.contains("Version")) {
        Some(version) => access.key("s3:VersionId", version),
        None => access,
    }
}

fn existing_tags(access: Access, record: &ObjectRecord) -> Access {
    if !KNOW_TAGS.contains(&access.action) {
        return access;
    }
    let tags = record.body.iter().flat_map(|body| &body.tags);
    tags.fold(access, |access, (key, value)| access.key(format!("s3:ExistingObjectTag/{key}"), value.clone()))
}
