use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_s3_wire::operations::DeleteObjects;
use haneul_s3_wire::shapes::{
    DeleteObjectsOutput, DeleteObjectsRequest, DeletedObject, Error, ObjectIdentifier,
};

use super::delete_object::{check_bypass, check_version};
use crate::bucket::Bucket;
use crate::conditions::WriteConditions;
use crate::facts::Named;
use crate::store::objects::{Deleted, Deletion};
use crate::store::watch::By;
use crate::{S3, error, names};

/// As services.toml names it.
const SERVICE: &str = "s3";

/// Keys of one request at most (DeleteObjects).
const KEYS_MAX: usize = 1000;

impl Handle<DeleteObjects> for S3 {
    /// Nothing as a whole: each key is decided by itself, and a refusal is an entry of the answer.
    async fn access(&self, cx: &Cx, input: &DeleteObjectsRequest) -> Result<Vec<Access>> {
        self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        check_count(&input.delete.objects)?;
        Ok(Vec::new())
    }

    async fn call(&self, cx: &Cx, input: DeleteObjectsRequest) -> Result<DeleteObjectsOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let objects = input.delete.objects;
        check_count(&objects)?;
        check_bypass(&bucket, input.bypass_governance_retention)?;
        let bypass = input.bypass_governance_retention == Some(true);
        if bucket.record.mfa_delete && objects.iter().any(|object| object.version_id.is_some()) {
            self.check_mfa(cx, &bucket, input.mfa.as_deref()).await?;
        }
        let quiet = input.delete.quiet == Some(true);
        let mut output = DeleteObjectsOutput::default();
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        let mut deletions = Vec::with_capacity(objects.len());
        let allowed = self.allowed(cx, &bucket, &objects, bypass).await?;
        for (object, allowed) in objects.iter().zip(allowed) {
            let random = self.platform.env.rng.bytes();
            match allowed.and_then(|()| deletion(object, random, bypass)) {
                Ok(deletion) => deletions.push(deletion),
                Err(error) => errors.push(failed(&object.key, object.version_id.as_deref(), &error)),
            }
        }
        let watch = self.watch(cx, &bucket, By::Request);
        let (results, freed) =
            self.records.delete_objects(bucket.id(), &bucket.name, &deletions, cx.now(), &watch).await?;
        self.content.free(freed).await;
        for (deletion, result) in deletions.iter().zip(results) {
            match result {
                Ok(done) if !quiet => deleted.push(shown(deletion, done)),
                Ok(_) => {}
                Err(error) => errors.push(failed(deletion.key, deletion.version, &error)),
            }
        }
        output.deleted = (!deleted.is_empty()).then_some(deleted);
        output.errors = (!errors.is_empty()).then_some(errors);
        Ok(output)
    }
}

impl S3 {
    /// Which of the keys the caller may delete.
    async fn allowed(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        objects: &[ObjectIdentifier],
        bypass: bool,
    ) -> Result<Vec<Result<()>>> {
        let mut needed = Vec::with_capacity(objects.len());
        for object in objects {
            let named = Named { key: &object.key, version: object.version_id.as_deref() };
            needed.push(self.deletion_access(cx, bucket, named, object.e_tag.as_deref(), bypass).await?);
        }
        // Mostly all of it is allowed, or none: one question answers the first.
        let all: Vec<Access> = needed.iter().flatten().cloned().collect();
        if self.platform.authorize(cx, SERVICE, &all).await.is_ok() {
            return Ok(objects.iter().map(|_| Ok(())).collect());
        }
        let mut decided = Vec::with_capacity(objects.len());
        for accesses in &needed {
            decided.push(self.platform.authorize(cx, SERVICE, accesses).await);
        }
        Ok(decided)
    }
}

fn check_count(objects: &[ObjectIdentifier]) -> Result<()> {
    if objects.is_empty() || objects.len() > KEYS_MAX { Err(error::malformed_xml()) } else { Ok(()) }
}

fn deletion(object: &ObjectIdentifier, random: [u8; 16], bypass: bool) -> Result<Deletion<'_>> {
    names::check_key(&object.key)?;
    let version = object.version_id.as_deref();
    // In a document it is one that is not there, whatever it looks like.
    check_version(version).map_err(|_| error::no_such_version(&object.key, version.unwrap_or_default()))?;
    if object.last_modified_time.is_some() || object.size.is_some() {
        return Err(error::not_implemented("A condition on size or time"));
    }
    Ok(Deletion {
        key: &object.key,
        version: object.version_id.as_deref(),
        conditions: WriteConditions::of_delete(object.e_tag.clone()),
        random,
        bypass_governance: bypass,
    })
}

fn shown(deletion: &Deletion<'_>, done: Deleted) -> DeletedObject {
    let by_version = deletion.version.is_some();
    DeletedObject {
        key: Some(deletion.key.to_owned()),
        version_id: deletion.version.map(str::to_owned),
        delete_marker: done.delete_marker.then_some(true),
        // Of the marker that was made, or that was deleted.
        delete_marker_version_id: done.version_id.filter(|_| done.delete_marker || !by_version),
    }
}

fn failed(key: &str, version: Option<&str>, error: &ApiError) -> Error {
    // The front gives an answer's own error S3's words for it.
    let (code, message) = match error.code() {
        "InternalFailure" => ("InternalError", "We encountered an internal error. Please try again."),
        code => (code, error.message()),
    };
    Error {
        key: Some(key.to_owned()),
        version_id: version.map(str::to_owned),
        code: Some(code.to_owned()),
        message: Some(message.to_owned()),
    }
}
