//! Metrics of how a bucket is configured.

use haneul_kit::Result;

use super::metrics::Name;
use crate::S3;
use crate::bucket::Bucket;
use crate::model::configuration::Expiration;
use crate::model::encryption::DefaultAlgorithm;
use crate::model::{Ownership, Versioning};

impl S3 {
    pub(crate) async fn lens_properties(&self, bucket: &Bucket) -> Result<Vec<(Name, u64)>> {
        let record = &bucket.record;
        let is = |name: Name, holds: bool| (name, u64::from(holds));
        let mut values = vec![
            is(Name::Versioned, record.versioning == Versioning::Enabled),
            is(Name::MfaDelete, record.mfa_delete),
            is(Name::SseKms, record.encryption.algorithm != DefaultAlgorithm::S3),
            is(Name::OwnerEnforced, bucket.ownership() == Ownership::BucketOwnerEnforced),
            is(Name::OwnerPreferred, bucket.ownership() == Ownership::BucketOwnerPreferred),
            is(Name::ObjectWriter, bucket.ownership() == Ownership::ObjectWriter),
            is(Name::Accelerated, record.features.accelerate == Some(true)),
            is(Name::Notifying, !record.features.notifications.is_empty() || record.features.event_bridge),
        ];
        let rules = record.lifecycle.as_ref().map(|lifecycle| &lifecycle.rules[..]).unwrap_or_default();
        let count = |holds: &dyn Fn(&crate::model::configuration::LifecycleRule) -> bool| {
            rules.iter().filter(|rule| holds(rule)).count() as u64
        };
        values.extend([
            (Name::TransitionRules, count(&|rule| !rule.transitions.is_empty())),
            (
                Name::ExpirationRules,
                count(&|rule| matches!(rule.expiration, Some(Expiration::Days(_) | Expiration::Date(_)))),
            ),
            (Name::NoncurrentTransitionRules, count(&|rule| !rule.noncurrent_transitions.is_empty())),
            (Name::NoncurrentExpirationRules, count(&|rule| rule.noncurrent_expiration.is_some())),
            (Name::AbortRules, count(&|rule| rule.abort_incomplete_days.is_some())),
            (
                Name::MarkerRules,
                count(&|rule| matches!(rule.expiration, Some(Expiration::DeleteMarkers(true)))),
            ),
            (Name::Rules, rules.len() as u64),
        ]);
        values.extend(self.replication_rules(bucket).await?);
        Ok(values)
    }

    async fn replication_rules(&self, bucket: &Bucket) -> Result<Vec<(Name, u64)>> {
        let names = [
            Name::SameRegionRules,
            Name::CrossRegionRules,
            Name::SameAccountRules,
            Name::CrossAccountRules,
            Name::InvalidRules,
        ];
        let mut values = names.map(|name| (name, 0));
        let mut add = |name: Name| {
            values.iter_mut().filter(|(one, _)| *one == name).for_each(|(_, value)| *value += 1);
        };
        for rule in bucket.record.features.replication.iter().flat_map(|replication| &replication.rules) {
            match self.bucket_anywhere(&rule.bucket, &None).await {
                Ok(target) => {
                    let same_region = target.region == bucket.region;
                    add(if same_region { Name::SameRegionRules } else { Name::CrossRegionRules });
                    let same_account = target.owner == bucket.owner;
                    add(if same_account { Name::SameAccountRules } else { Name::CrossAccountRules });
                }
                Err(error) if error.code() == "NoSuchBucket" => add(Name::InvalidRules),
                Err(error) => return Err(error),
            }
        }
        Ok(values.to_vec())
    }
}
