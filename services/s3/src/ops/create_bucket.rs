use std::borrow::Cow;

use haneul_kit::{Access, ApiError, Cx, Handle, Region, Result};
use haneul_s3_wire::operations::CreateBucket;
use haneul_s3_wire::shapes::{CreateBucketConfiguration, CreateBucketOutput, CreateBucketRequest};

use crate::acl::{self, Parties, Requested, Target};
use crate::model::features::Features;
use crate::model::{Acl, BucketLock, BucketRecord, Ownership, PublicAccessBlock, Versioning};
use crate::store::buckets::Creation;
use crate::{S3, error, headers, names, tagging};

impl Handle<CreateBucket> for S3 {
    async fn access(&self, cx: &Cx, input: &CreateBucketRequest) -> Result<Vec<Access>> {
        let arn = format!("arn:{}:s3:::{}", cx.region().partition(), input.bucket);
        let on = |action| {
            let mut access = Access::to(action);
            access.resource = Cow::Owned(arn.clone());
            access
        };
        let configuration = input.create_bucket_configuration.as_ref();
        let constraint = configuration.and_then(|configuration| configuration.location_constraint.clone());
        let create = headers::write_keys(
            on("s3:CreateBucket"),
            &[
                ("s3:x-amz-acl", &input.acl),
                ("s3:x-amz-object-ownership", &input.object_ownership),
                ("s3:locationconstraint", &constraint),
            ],
        );
        let mut needed = vec![create];
        // A new bucket is private anyway.
        if requested(input).is_given() && input.acl.as_deref() != Some("private") {
            needed.push(on("s3:PutBucketAcl"));
        }
        if input.object_ownership.is_some() {
            needed.push(on("s3:PutBucketOwnershipControls"));
        }
        if input.object_lock_enabled_for_bucket == Some(true) {
            needed.push(on("s3:PutBucketVersioning"));
            needed.push(on("s3:PutBucketObjectLockConfiguration"));
        }
        if let Some(tags) = configuration.and_then(|configuration| configuration.tags.as_ref()) {
            let pairs = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
            needed.push(on("s3:TagResource").request_tags(pairs));
        }
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: CreateBucketRequest) -> Result<CreateBucketOutput> {
        names::check_bucket_name(&input.bucket)?;
        if input.bucket_namespace.as_deref().is_some_and(|namespace| namespace != "global") {
            return Err(error::not_implemented("A bucket name space other than the global one"));
        }
        let ownership = ownership(&input)?;
        let acl = acl(cx, &input, ownership)?;
        let lock = (input.object_lock_enabled_for_bucket == Some(true)).then(BucketLock::default);
        if input.create_bucket_configuration.as_ref().is_some_and(says_nothing) {
            return Err(error::malformed_xml());
        }
        let configuration = input.create_bucket_configuration.unwrap_or_default();
        if configuration.location.is_some() || configuration.bucket.is_some() {
            return Err(error::not_implemented("A directory bucket"));
        }
        let region = region(cx.region(), configuration.location_constraint.as_deref())?;
        let record = BucketRecord {
            id: self.platform.env.rng.u64(),
            owner: cx.account().number(),
            region: region.to_string(),
            created_ms: cx.now().millis(),
            versioning: if lock.is_some() { Versioning::Enabled } else { Versioning::Off },
            ownership: Some(ownership),
            public_access_block: Some(PublicAccessBlock::ALL),
            policy: None,
            tags: tagging::of_new_bucket(configuration.tags.unwrap_or_default())?,
            acl,
            lock,
            features: Features {
                named_eu: configuration.location_constraint.as_deref() == Some("EU"),
                ..Features::default()
            },
            ..BucketRecord::default()
        };
        match self.records.create_bucket(&input.bucket, &record).await? {
            Creation::Created => {}
            Creation::Taken(taken) if taken.owner != record.owner => {
                return Err(error::bucket_already_exists(&input.bucket));
            }
            // In us-east-1 alone, creating one's own bucket again succeeds, and resets its ACL (CreateBucket,
            // "BucketAlreadyOwnedByYou").
            Creation::Taken(taken)
                if region == Region::US_EAST_1 && taken.region == Region::US_EAST_1.as_str() =>
            {
                let reset = |taken: &mut BucketRecord| {
                    taken.acl.clone_from(&record.acl);
                    Ok(())
                };
                self.records.change_bucket(&input.bucket, reset).await?;
            }
            Creation::Taken(_) => return Err(error::bucket_already_owned_by_you(&input.bucket)),
        }
        let location = if region == Region::US_EAST_1 {
            format!("/{}", input.bucket)
        } else {
            format!("http://{}.s3.amazonaws.com/", input.bucket)
        };
        let arn = format!("arn:{}:s3:::{}", region.partition(), input.bucket);
        Ok(CreateBucketOutput { location: Some(location), bucket_arn: Some(arn) })
    }
}

/// A document that is there has to say something.
fn says_nothing(configuration: &CreateBucketConfiguration) -> bool {
    configuration.location_constraint.is_none()
        && configuration.location.is_none()
        && configuration.bucket.is_none()
        && configuration.tags.is_none()
}

fn requested(input: &CreateBucketRequest) -> Requested {
    Requested {
        canned: input.acl.clone(),
        full_control: input.grant_full_control.clone(),
        read: input.grant_read.clone(),
        read_acp: input.grant_read_acp.clone(),
        write: input.grant_write.clone(),
        write_acp: input.grant_write_acp.clone(),
    }
}

fn ownership(input: &CreateBucketRequest) -> Result<Ownership> {
    match &input.object_ownership {
        None => Ok(Ownership::BucketOwnerEnforced),
        Some(text) => Ownership::parse(text).ok_or_else(|| {
            let message = format!("Invalid x-amz-object-ownership header: {text}");
            error::new("InvalidArgument", 400, message).with_field("ArgumentName", "x-amz-object-ownership")
        }),
    }
}

fn acl(cx: &Cx, input: &CreateBucketRequest, ownership: Ownership) -> Result<Option<Acl>> {
    let owner = cx.account();
    let acl = requested(input).resolve(Target::Bucket, Parties { owner, bucket_owner: owner })?;
    let is_private = acl == acl::private(owner);
    if !is_private && ownership == Ownership::BucketOwnerEnforced {
        return Err(error::acl_with_ownership());
    }
    // A new bucket blocks public ACLs.
    if acl::is_public(&acl) {
        let message = "Bucket cannot have public ACLs set with BlockPublicAccess enabled";
        return Err(error::new("InvalidBucketAclWithBlockPublicAccessError", 400, message));
    }
    Ok(acl::to_record(acl, owner))
}

/// Where the bucket goes: the endpoint's Region must be named, except in us-east-1, which must not and may name others.
fn region(endpoint: Region, constraint: Option<&str>) -> Result<Region> {
    let Some(given) = constraint else {
        return if endpoint == Region::US_EAST_1 { Ok(endpoint) } else { Err(incompatible("unspecified")) };
    };
    if given.is_empty() {
        return Err(invalid(given));
    }
    let wanted: Option<Region> = if given == "EU" { "eu-west-1" } else { given }.parse().ok();
    if endpoint != Region::US_EAST_1 {
        return wanted.filter(|region| *region == endpoint).ok_or_else(|| incompatible(given));
    }
    let elsewhere = wanted.filter(|region| *region != endpoint && region.partition() == endpoint.partition());
    elsewhere.ok_or_else(|| invalid(given))
}

fn invalid(wanted: &str) -> ApiError {
    error::new("InvalidLocationConstraint", 400, "The specified location-constraint is not valid")
        .with_field("LocationConstraint", wanted)
}

fn incompatible(wanted: &str) -> ApiError {
    let message = format!(
        "The {wanted} location constraint is incompatible for the region specific endpoint this request was sent to."
    );
    error::new("IllegalLocationConstraintException", 400, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions() {
        let at = |endpoint: &str, constraint| {
            region(endpoint.parse().unwrap(), constraint)
                .map_or_else(|e| e.code().to_owned(), |r| r.to_string())
        };
        for (endpoint, constraint, expected) in [
            ("us-east-1", None, "us-east-1"),
            ("us-east-1", Some(""), "InvalidLocationConstraint"),
            ("us-east-1", Some("eu-west-1"), "eu-west-1"),
            ("us-east-1", Some("EU"), "eu-west-1"),
            ("us-east-1", Some("us-east-1"), "InvalidLocationConstraint"),
            ("us-east-1", Some("mars-1"), "InvalidLocationConstraint"),
            ("us-east-1", Some("cn-north-1"), "InvalidLocationConstraint"),
            ("eu-west-1", Some("eu-west-1"), "eu-west-1"),
            ("eu-west-1", Some("EU"), "eu-west-1"),
            ("eu-west-1", None, "IllegalLocationConstraintException"),
            ("eu-west-1", Some("us-west-2"), "IllegalLocationConstraintException"),
            ("eu-west-1", Some("us-east-1"), "IllegalLocationConstraintException"),
            ("eu-west-1", Some("mars-1"), "IllegalLocationConstraintException"),
            ("eu-west-1", Some(""), "InvalidLocationConstraint"),
        ] {
            assert_eq!(at(endpoint, constraint), expected, "{endpoint} {constraint:?}");
        }
    }
}
