//! What a job does to each object. Source: S3 Control API Reference, `JobOperation`.

use haneul_kit::{Instant, Result};
use haneul_s3control_wire::shapes as s;

use super::bad;
use crate::error;
use crate::model::job::JobOperation;

fn pairs(tags: Vec<s::S3Tag>) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

pub(super) fn from_wire(given: &s::JobOperation) -> Result<JobOperation> {
    let given = given.clone();
    let others = given.lambda_invoke.is_some()
        || given.s3_replicate_object.is_some()
        || given.s3_compute_object_checksum.is_some()
        || given.s3_update_object_encryption.is_some();
    if others {
        return Err(error::not_implemented("This operation of a batch job"));
    }
    let mut chosen = Vec::new();
    if let Some(copy) = given.s3_put_object_copy {
        let locked = copy.object_lock_mode.is_some() || copy.object_lock_legal_hold_status.is_some();
        if copy.sse_aws_kms_key_id.is_some()
            || copy.access_control_grants.is_some()
            || copy.modified_since_constraint.is_some()
            || copy.un_modified_since_constraint.is_some()
            || copy.redirect_location.is_some()
            || locked
        {
            return Err(error::not_implemented("A condition, lock, grant, redirect or key of a batch copy"));
        }
        let target = copy.target_resource.as_deref().and_then(|arn| arn.split_once(":s3:::"));
        let (_, bucket) = target.ok_or_else(|| bad("TargetResource must be the ARN of a bucket"))?;
        let metadata = copy.new_object_metadata.unwrap_or_default();
        chosen.push(JobOperation::Copy {
            bucket: bucket.to_owned(),
            prefix: copy.target_key_prefix.filter(|prefix| !prefix.is_empty()),
            class: copy.storage_class,
            acl: copy.canned_access_control_list,
            tags: copy.new_object_tagging.map(pairs),
            replace_metadata: copy.metadata_directive.as_deref() == Some("REPLACE"),
            content_type: metadata.content_type,
            metadata: metadata.user_metadata.into_iter().flatten().collect(),
        });
    }
    if let Some(tagging) = given.s3_put_object_tagging {
        chosen.push(JobOperation::Tag(pairs(tagging.tag_set.unwrap_or_default())));
    }
    if given.s3_delete_object_tagging.is_some() {
        chosen.push(JobOperation::Untag);
    }
    if let Some(acl) = given.s3_put_object_acl {
        let canned = acl.access_control_policy.and_then(|policy| policy.canned_access_control_list);
        chosen
            .push(JobOperation::Acl(canned.ok_or_else(|| error::not_implemented("A batch ACL of grants"))?));
    }
    if let Some(hold) = given.s3_put_object_legal_hold {
        chosen.push(JobOperation::LegalHold(hold.legal_hold.status));
    }
    if let Some(retention) = given.s3_put_object_retention {
        chosen.push(JobOperation::Retention {
            mode: retention.retention.mode,
            until_s: retention.retention.retain_until_date.map(Instant::secs),
            bypass: retention.bypass_governance_retention == Some(true),
        });
    }
    if let Some(restore) = given.s3_initiate_restore_object {
        let tier = match restore.glacier_job_tier.as_deref() {
            None | Some("BULK") => "Bulk",
            Some("STANDARD") => "Standard",
            Some(_) => return Err(bad("A job restores by the tier BULK or STANDARD")),
        };
        chosen.push(JobOperation::Restore { days: restore.expiration_in_days, tier: tier.to_owned() });
    }
    match (chosen.pop(), chosen.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err(bad("A job has exactly one operation")),
    }
}

pub(super) fn to_wire(operation: &JobOperation) -> s::JobOperation {
    let mut wire = s::JobOperation::default();
    let tags = |pairs: &[(String, String)]| {
        pairs.iter().map(|(key, value)| s::S3Tag { key: key.clone(), value: value.clone() }).collect()
    };
    match operation {
        JobOperation::Restore { days, tier } => {
            wire.s3_initiate_restore_object = Some(s::S3InitiateRestoreObjectOperation {
                expiration_in_days: *days,
                glacier_job_tier: Some(tier.to_ascii_uppercase()),
            });
        }
        JobOperation::Copy { bucket, prefix, class, acl, tags: given, .. } => {
            wire.s3_put_object_copy = Some(s::S3CopyObjectOperation {
                target_resource: Some(format!("arn:aws:s3:::{bucket}")),
                target_key_prefix: prefix.clone(),
                storage_class: class.clone(),
                canned_access_control_list: acl.clone(),
                new_object_tagging: given.as_deref().map(tags),
                ..Default::default()
            });
        }
        JobOperation::Tag(given) => {
            wire.s3_put_object_tagging = Some(s::S3SetObjectTaggingOperation { tag_set: Some(tags(given)) });
        }
        JobOperation::Untag => wire.s3_delete_object_tagging = Some(s::S3DeleteObjectTaggingOperation {}),
        JobOperation::Acl(canned) => {
            wire.s3_put_object_acl = Some(s::S3SetObjectAclOperation {
                access_control_policy: Some(s::S3AccessControlPolicy {
                    canned_access_control_list: Some(canned.clone()),
                    access_control_list: None,
                }),
            });
        }
        JobOperation::LegalHold(status) => {
            let legal_hold = s::S3ObjectLockLegalHold { status: status.clone() };
            wire.s3_put_object_legal_hold = Some(s::S3SetObjectLegalHoldOperation { legal_hold });
        }
        JobOperation::Retention { mode, until_s, bypass } => {
            wire.s3_put_object_retention = Some(s::S3SetObjectRetentionOperation {
                bypass_governance_retention: Some(*bypass),
                retention: s::S3Retention {
                    mode: mode.clone(),
                    retain_until_date: until_s.map(Instant::from_secs),
                    ..Default::default()
                },
            });
        }
    }
    wire
}
