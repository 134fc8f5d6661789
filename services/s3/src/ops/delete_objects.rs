use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_s3_wire::operations::DeleteObjects;
use haneul_s3_wire::shapes::{
    DeleteObjectsOutput, DeleteObjectsRequest, DeletedObject, Error, ObjectIdentifier,
};

use super::delete_object::{action, check_version};
use crate::conditions::WriteConditions;
use crate::facts::Named;
use crate::store::objects::{Deleted, Deletion};
use crate::store::watch::By;
use crate::{S3, error, names};

/// Keys of one request at most (DeleteObjects).
const KEYS_MAX: usize = 1000;

impl Handle<DeleteObjects> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteObjectsRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        check_count(&input.delete.objects)?;
        let mut needed = Vec::with_capacity(input.delete.objects.len());
        for object in &input.delete.objects {
            let named = Named { key: &object.key, version: object.version_id.as_deref() };
            needed.push(self.write_access(cx, &bucket, action(named.version), named).await?);
        }
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: DeleteObjectsRequest) -> Result<DeleteObjectsOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        if input.mfa.is_some() {
            return Err(error::not_implemented("MFA delete"));
        }
        let objects = input.delete.objects;
        check_count(&objects)?;
        let quiet = input.delete.quiet == Some(true);
        let mut output = DeleteObjectsOutput::default();
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        let mut deletions = Vec::with_capacity(objects.len());
        for object in &objects {
            match deletion(object, self.platform.env.rng.bytes()) {
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

fn check_count(objects: &[ObjectIdentifier]) -> Result<()> {
    if objects.is_empty() || objects.len() > KEYS_MAX { Err(error::malformed_xml()) } else { Ok(()) }
}

fn deletion(object: &ObjectIdentifier, random: [u8; 16]) -> Result<Deletion<'_>> {
    names::check_key(&object.key)?;
    check_version(object.version_id.as_deref())?;
    if object.last_modified_time.is_some() || object.size.is_some() {
        return Err(error::not_implemented("A condition on size or time"));
    }
    Ok(Deletion {
        key: &object.key,
        version: object.version_id.as_deref(),
        conditions: WriteConditions::new(object.e_tag.clone(), None)?,
        random,
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
    Error {
        key: Some(key.to_owned()),
        version_id: version.map(str::to_owned),
        code: Some(error.code().to_owned()),
        message: Some(error.message().to_owned()),
    }
}
