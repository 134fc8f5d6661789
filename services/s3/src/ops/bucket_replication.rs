use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Result};
use haneul_s3_wire::operations::{DeleteBucketReplication, GetBucketReplication, PutBucketReplication};
use haneul_s3_wire::shapes as s;
use haneul_shape::Empty;

use crate::bucket::Bucket;
use crate::model::configuration::FilterForm;
use crate::model::replication::{Replication, ReplicationRule};
use crate::model::{BucketRecord, Versioning};
use crate::replication::check;
use crate::{S3, calls, error};

impl Handle<GetBucketReplication> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetBucketReplicationRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetReplicationConfiguration")
            .await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetBucketReplicationRequest,
    ) -> Result<s::GetBucketReplicationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let replication = bucket.record.features.replication.as_ref().ok_or_else(|| {
            let message = "The replication configuration was not found";
            error::not_configured("ReplicationConfigurationNotFoundError", message, &bucket.name)
        })?;
        Ok(s::GetBucketReplicationOutput {
            replication_configuration: Some(s::ReplicationConfiguration {
                role: replication.role.clone(),
                rules: replication.rules.iter().map(|rule| to_wire(&bucket, rule)).collect(),
            }),
        })
    }
}

impl Handle<PutBucketReplication> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutBucketReplicationRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let mut needed = vec![bucket.access(cx, "s3:PutReplicationConfiguration")];
        if let Ok(role) = Arn::parse(&input.replication_configuration.role) {
            needed.push(Access::on("iam:PassRole", &role).key("iam:PassedToService", calls::PRINCIPAL));
        }
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: s::PutBucketReplicationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let given = input.replication_configuration;
        let new_id = || self.platform.env.rng.uuid();
        let rules = given.rules.into_iter().map(|rule| from_wire(rule, new_id)).collect::<Result<_>>()?;
        let replication = Replication { role: given.role, rules };
        check::check(&replication, &bucket.name)?;
        for rule in &replication.rules {
            self.check_destination(rule).await?;
        }
        let set = |record: &mut BucketRecord| {
            if record.versioning != Versioning::Enabled {
                let message =
                    "Versioning must be 'Enabled' on the bucket to apply a replication configuration";
                return Err(error::invalid_request(message));
            }
            record.features.replication = Some(replication.clone());
            Ok(())
        };
        self.records.change_bucket(&bucket.name, set).await?;
        Ok(Empty)
    }
}

impl Handle<DeleteBucketReplication> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteBucketReplicationRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutReplicationConfiguration")
            .await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteBucketReplicationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let clear = |record: &mut BucketRecord| {
            record.features.replication = None;
            Ok(())
        };
        self.records.change_bucket(&bucket.name, clear).await?;
        Ok(Empty)
    }
}

impl S3 {
    async fn check_destination(&self, rule: &ReplicationRule) -> Result<()> {
        let found = self.bucket_anywhere(&rule.bucket, &None).await;
        let destination = match found {
            // So is one that there is none of.
            Err(error) if error.code() == "NoSuchBucket" => return Err(unversioned_destination()),
            found => found?,
        };
        if rule.account.as_ref().is_some_and(|account| *account != destination.owner.to_string()) {
            let message = "Destination bucket owner must be the account that the rule names.";
            return Err(error::invalid_request(message));
        }
        if destination.record.versioning != Versioning::Enabled {
            return Err(unversioned_destination());
        }
        Ok(())
    }
}

fn unversioned_destination() -> ApiError {
    error::invalid_request("Destination bucket must have versioning enabled.")
}

fn enabled(status: &str) -> Result<bool> {
    match status {
        "Enabled" => Ok(true),
        "Disabled" => Ok(false),
        _ => Err(error::malformed_xml()),
    }
}

fn from_wire(rule: s::ReplicationRule, new_id: impl Fn() -> String) -> Result<ReplicationRule> {
    let criteria = rule.source_selection_criteria.unwrap_or_default();
    let kms_objects = criteria.sse_kms_encrypted_objects.map(|kms| enabled(&kms.status)).transpose()?;
    if let Some(existing) = rule.existing_object_replication
        && enabled(&existing.status)?
    {
        let message =
            "ExistingObjectReplication is not supported. Use S3 Batch Operations to copy existing objects.";
        return Err(error::invalid_request(message));
    }
    let to = rule.destination;
    let replica_kms_key = to.encryption_configuration.and_then(|encryption| encryption.replica_kms_key_id);
    if (kms_objects == Some(true)) != replica_kms_key.is_some() {
        let message = match kms_objects {
            Some(true) => {
                "EncryptionConfiguration/ReplicaKmsKeyID must be specified when SseKmsEncryptedObjects is Enabled"
            }
            _ => {
                "SourceSelectionCriteria/SseKmsEncryptedObjects must be Enabled when EncryptionConfiguration is specified"
            }
        };
        return Err(error::invalid_request(message));
    }
    let minutes = |time: Option<s::ReplicationTimeValue>| match time.map(|time| time.minutes) {
        None => Ok(None),
        // The one time there is.
        Some(Some(15)) => Ok(Some(15)),
        Some(_) => Err(error::malformed_xml()),
    };
    let within_minutes = match to.replication_time {
        Some(control) if enabled(&control.status)? => minutes(Some(control.time))?,
        _ => None,
    };
    let metrics = match to.metrics {
        Some(metrics) if enabled(&metrics.status)? => Some(minutes(metrics.event_threshold)?),
        _ => None,
    };
    if within_minutes.is_some() && metrics.is_none() {
        return Err(error::invalid_request("ReplicationTime can only be used together with Metrics"));
    }
    let class = to.storage_class;
    if let Some(class) = &class
        && !CLASSES.contains(&class.as_str())
    {
        return Err(error::malformed_xml());
    }
    let bucket =
        to.bucket.split_once(":s3:::").map(|(_, name)| name.to_owned()).filter(|name| !name.is_empty());
    let pair = |tag: s::Tag| (tag.key, tag.value);
    let (prefix, tags, form) = match (rule.prefix, rule.filter) {
        (Some(_), Some(_)) => return Err(error::malformed_xml()),
        (Some(prefix), None) => (Some(prefix), Vec::new(), FilterForm::LegacyPrefix),
        (None, None) => (None, Vec::new(), FilterForm::None),
        (None, Some(s::ReplicationRuleFilter { and: Some(and), prefix: None, tag: None })) => {
            (and.prefix, and.tags.into_iter().flatten().map(pair).collect(), FilterForm::And)
        }
        (None, Some(s::ReplicationRuleFilter { and: None, prefix, tag }))
            if prefix.is_none() || tag.is_none() =>
        {
            (prefix, tag.into_iter().map(pair).collect(), FilterForm::Single)
        }
        _ => return Err(error::malformed_xml()),
    };
    let delete_markers = match rule.delete_marker_replication.and_then(|markers| markers.status) {
        Some(status) => Some(enabled(&status)?),
        None => None,
    };
    Ok(ReplicationRule {
        id: rule.id.filter(|id| !id.is_empty()).unwrap_or_else(new_id),
        priority: rule.priority,
        enabled: enabled(&rule.status)?,
        form,
        prefix,
        tags,
        bucket: bucket
            .ok_or_else(|| error::invalid_argument("Invalid bucket ARN.", "Bucket", to.bucket.clone()))?,
        account: to.account,
        class,
        owner_override: to.access_control_translation.is_some(),
        delete_markers,
        replica_modifications: criteria.replica_modifications.map(|one| enabled(&one.status)).transpose()?,
        within_minutes,
        metrics,
        kms_objects,
        replica_kms_key,
    })
}

const CLASSES: &[&str] = &[
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
];

fn to_wire(bucket: &Bucket, rule: &ReplicationRule) -> s::ReplicationRule {
    let status = |on: bool| if on { "Enabled" } else { "Disabled" }.to_owned();
    let tags = || rule.tags.iter().map(|(key, value)| s::Tag { key: key.clone(), value: value.clone() });
    let time = |minutes: i32| s::ReplicationTimeValue { minutes: Some(minutes) };
    let filter = match rule.form {
        FilterForm::None | FilterForm::LegacyPrefix => None,
        FilterForm::Single => {
            Some(s::ReplicationRuleFilter { prefix: rule.prefix.clone(), tag: tags().next(), and: None })
        }
        FilterForm::And => Some(s::ReplicationRuleFilter {
            and: Some(s::ReplicationRuleAndOperator {
                prefix: rule.prefix.clone(),
                tags: Some(tags().collect()),
            }),
            ..Default::default()
        }),
    };
    s::ReplicationRule {
        id: Some(rule.id.clone()),
        priority: rule.priority,
        prefix: rule.prefix.clone().filter(|_| rule.form == FilterForm::LegacyPrefix),
        filter,
        status: status(rule.enabled),
        source_selection_criteria: (rule.replica_modifications.is_some() || rule.kms_objects.is_some()).then(
            || s::SourceSelectionCriteria {
                replica_modifications: rule
                    .replica_modifications
                    .map(|on| s::ReplicaModifications { status: status(on) }),
                sse_kms_encrypted_objects: rule
                    .kms_objects
                    .map(|on| s::SseKmsEncryptedObjects { status: status(on) }),
            },
        ),
        existing_object_replication: None,
        destination: s::Destination {
            bucket: crate::bucket::arn_of(bucket.region, &rule.bucket),
            account: rule.account.clone(),
            storage_class: rule.class.clone(),
            access_control_translation: rule
                .owner_override
                .then(|| s::AccessControlTranslation { owner: "Destination".to_owned() }),
            encryption_configuration: rule
                .replica_kms_key
                .clone()
                .map(|key| s::EncryptionConfiguration { replica_kms_key_id: Some(key) }),
            replication_time: rule
                .within_minutes
                .map(|minutes| s::ReplicationTime { status: status(true), time: time(minutes) }),
            metrics: rule
                .metrics
                .map(|threshold| s::Metrics { status: status(true), event_threshold: threshold.map(time) }),
        },
        delete_marker_replication: rule
            .delete_markers
            .map(|on| s::DeleteMarkerReplication { status: Some(status(on)) }),
    }
}
