use haneul_kit::{Access, ApiError, Cx, Handle, Instant, Result};
use haneul_s3_wire::operations::{
    DeleteBucketLifecycle, GetBucketLifecycleConfiguration, PutBucketLifecycleConfiguration,
};
use haneul_s3_wire::shapes as s;
use haneul_shape::Empty;

use crate::model::configuration::{
    Expiration, FilterForm, LifecycleFilter, LifecycleRecord, LifecycleRule, Noncurrent,
    NoncurrentTransition, Transition,
};
use crate::{S3, error, lifecycle};

impl Handle<GetBucketLifecycleConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetBucketLifecycleConfigurationRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetLifecycleConfiguration")
            .await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetBucketLifecycleConfigurationRequest,
    ) -> Result<s::GetBucketLifecycleConfigurationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let record = bucket.record.lifecycle.as_ref().ok_or_else(|| {
            let message = "The lifecycle configuration does not exist";
            error::not_configured("NoSuchLifecycleConfiguration", message, &bucket.name)
        })?;
        Ok(s::GetBucketLifecycleConfigurationOutput {
            rules: Some(record.rules.iter().map(to_wire).collect()),
            transition_default_minimum_object_size: Some(record.transition_minimum_size.clone()),
        })
    }
}

impl Handle<PutBucketLifecycleConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::PutBucketLifecycleConfigurationRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutLifecycleConfiguration")
            .await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutBucketLifecycleConfigurationRequest,
    ) -> Result<s::PutBucketLifecycleConfigurationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let minimum = match input.transition_default_minimum_object_size.as_deref() {
            None | Some(lifecycle::ALL_CLASSES) => lifecycle::ALL_CLASSES,
            Some(lifecycle::VARIES) => lifecycle::VARIES,
            Some(other) => {
                let message = format!("Invalid TransitionDefaultMinimumObjectSize found: {other}");
                return Err(error::invalid_request(message));
            }
        };
        let given = input.lifecycle_configuration.ok_or_else(error::malformed_xml)?;
        let id = || self.platform.env.rng.uuid();
        let rules: Vec<LifecycleRule> =
            given.rules.into_iter().map(|rule| from_wire(rule, id)).collect::<Result<_>>()?;
        lifecycle::check::check(&rules)?;
        let transition_minimum_size = minimum.to_owned();
        let record = LifecycleRecord { rules, transition_minimum_size, indexed: true };
        self.set_lifecycle(&bucket.name, Some(record)).await?;
        Ok(s::PutBucketLifecycleConfigurationOutput {
            transition_default_minimum_object_size: Some(minimum.to_owned()),
        })
    }
}

impl Handle<DeleteBucketLifecycle> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteBucketLifecycleRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutLifecycleConfiguration")
            .await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteBucketLifecycleRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        self.set_lifecycle(&bucket.name, None).await
    }
}

impl S3 {
    async fn set_lifecycle(&self, bucket: &str, record: Option<LifecycleRecord>) -> Result<Empty> {
        self.records.set_lifecycle(bucket, record.as_ref()).await?;
        self.tasks.lifecycle.wake();
        Ok(Empty)
    }
}

fn from_wire(rule: s::LifecycleRule, new_id: impl Fn() -> String) -> Result<LifecycleRule> {
    let (filter, form) = filter_from_wire(rule.prefix, rule.filter)?;
    let enabled = match rule.status.as_str() {
        "Enabled" => true,
        "Disabled" => false,
        _ => return Err(error::malformed_xml()),
    };
    let transition = |transition: s::Transition| {
        let days = transition.days.map(days).transpose()?;
        match (days, transition.date, transition.storage_class) {
            (Some(days), None, Some(class)) => Ok(Transition { days: Some(days), date_s: None, class }),
            (None, Some(at), Some(class)) => Ok(Transition { days: None, date_s: Some(at.secs()), class }),
            _ => Err(error::malformed_xml()),
        }
    };
    let noncurrent_transition = |transition: s::NoncurrentVersionTransition| {
        let (Some(given), Some(class)) = (transition.noncurrent_days, transition.storage_class) else {
            return Err(error::malformed_xml());
        };
        let keep = transition.newer_noncurrent_versions.map(keep).transpose()?;
        Ok(NoncurrentTransition { days: days(given)?, keep, class })
    };
    Ok(LifecycleRule {
        id: rule.id.filter(|id| !id.is_empty()).unwrap_or_else(new_id),
        enabled,
        filter,
        form,
        expiration: rule.expiration.map(expiration).transpose()?,
        noncurrent_expiration: rule.noncurrent_version_expiration.map(noncurrent).transpose()?,
        abort_incomplete_days: rule
            .abort_incomplete_multipart_upload
            .map(|abort| days(abort.days_after_initiation.ok_or_else(error::malformed_xml)?))
            .transpose()?,
        transitions: rule.transitions.into_iter().flatten().map(transition).collect::<Result<_>>()?,
        noncurrent_transitions: rule
            .noncurrent_version_transitions
            .into_iter()
            .flatten()
            .map(noncurrent_transition)
            .collect::<Result<_>>()?,
    })
}

fn criteria(filter: &LifecycleFilter) -> usize {
    usize::from(filter.prefix.is_some())
        + filter.tags.len()
        + usize::from(filter.size_greater_than.is_some())
        + usize::from(filter.size_less_than.is_some())
}

fn filter_from_wire(
    prefix: Option<String>,
    filter: Option<s::LifecycleRuleFilter>,
) -> Result<(LifecycleFilter, FilterForm)> {
    let pair = |tag: s::Tag| (tag.key, tag.value);
    match (prefix, filter) {
        (Some(_), Some(_)) | (None, None) => Err(error::malformed_xml()),
        (Some(prefix), None) => Ok((
            LifecycleFilter { prefix: Some(prefix), ..LifecycleFilter::default() },
            FilterForm::LegacyPrefix,
        )),
        (None, Some(filter)) => {
            let single = LifecycleFilter {
                prefix: filter.prefix,
                tags: filter.tag.into_iter().map(pair).collect(),
                size_greater_than: filter.object_size_greater_than,
                size_less_than: filter.object_size_less_than,
            };
            match filter.and {
                Some(_) if criteria(&single) > 0 => Err(error::malformed_xml()),
                None if criteria(&single) > 1 => Err(error::malformed_xml()),
                None => Ok((single, FilterForm::Single)),
                Some(and) => {
                    let filter = LifecycleFilter {
                        prefix: and.prefix,
                        tags: and.tags.into_iter().flatten().map(pair).collect(),
                        size_greater_than: and.object_size_greater_than,
                        size_less_than: and.object_size_less_than,
                    };
                    match criteria(&filter) {
                        2.. => Ok((filter, FilterForm::And)),
                        _ => Err(error::malformed_xml()),
                    }
                }
            }
        }
    }
}

fn expiration(given: s::LifecycleExpiration) -> Result<Expiration> {
    match (given.days, given.date, given.expired_object_delete_marker) {
        (Some(given), None, None | Some(false)) => Ok(Expiration::Days(days(given)?)),
        (None, Some(at), None | Some(false)) => Ok(Expiration::Date(at.secs())),
        (None, None, Some(markers)) => Ok(Expiration::DeleteMarkers(markers)),
        _ => Err(error::malformed_xml()),
    }
}

fn noncurrent(given: s::NoncurrentVersionExpiration) -> Result<Noncurrent> {
    Ok(Noncurrent {
        days: days(given.noncurrent_days.ok_or_else(error::malformed_xml)?)?,
        keep: given.newer_noncurrent_versions.map(keep).transpose()?,
    })
}

/// Zero is refused later, by the action that does not take it.
fn days(given: i32) -> Result<u32> {
    u32::try_from(given).map_err(|_| -> ApiError {
        error::invalid_argument("'Days' must be a positive integer", "Days", given.to_string())
    })
}

fn keep(given: i32) -> Result<u32> {
    u32::try_from(given).ok().filter(|keep| (1..=100).contains(keep)).ok_or_else(|| {
        let message = "'NewerNoncurrentVersions' must be between 1 and 100";
        error::invalid_argument(message, "NewerNoncurrentVersions", given.to_string())
    })
}

fn to_wire(rule: &LifecycleRule) -> s::LifecycleRule {
    let filter = rule.filter.clone();
    let days = |days: u32| Some(days as i32);
    let mut wire = s::LifecycleRule {
        id: Some(rule.id.clone()),
        status: if rule.enabled { "Enabled" } else { "Disabled" }.to_owned(),
        ..s::LifecycleRule::default()
    };
    let tags = || filter.tags.iter().map(|(key, value)| s::Tag { key: key.clone(), value: value.clone() });
    match rule.form {
        FilterForm::None => {}
        FilterForm::LegacyPrefix => wire.prefix = filter.prefix.clone(),
        FilterForm::Single => {
            wire.filter = Some(s::LifecycleRuleFilter {
                prefix: filter.prefix.clone(),
                tag: tags().next(),
                object_size_greater_than: filter.size_greater_than,
                object_size_less_than: filter.size_less_than,
                and: None,
            });
        }
        FilterForm::And => {
            let and = s::LifecycleRuleAndOperator {
                prefix: filter.prefix.clone(),
                tags: (!filter.tags.is_empty()).then(|| tags().collect()),
                object_size_greater_than: filter.size_greater_than,
                object_size_less_than: filter.size_less_than,
            };
            wire.filter =
                Some(s::LifecycleRuleFilter { and: Some(and), ..s::LifecycleRuleFilter::default() });
        }
    }
    wire.expiration = rule.expiration.map(|expiration| match expiration {
        Expiration::Days(given) => s::LifecycleExpiration { days: days(given), ..Default::default() },
        Expiration::Date(at) => {
            s::LifecycleExpiration { date: Some(Instant::from_secs(at)), ..Default::default() }
        }
        Expiration::DeleteMarkers(markers) => {
            s::LifecycleExpiration { expired_object_delete_marker: Some(markers), ..Default::default() }
        }
    });
    wire.noncurrent_version_expiration =
        rule.noncurrent_expiration.map(|action| s::NoncurrentVersionExpiration {
            noncurrent_days: days(action.days),
            newer_noncurrent_versions: action.keep.map(|keep| keep as i32),
        });
    wire.abort_incomplete_multipart_upload = rule
        .abort_incomplete_days
        .map(|given| s::AbortIncompleteMultipartUpload { days_after_initiation: days(given) });
    let transitions = rule.transitions.iter().map(|transition| s::Transition {
        days: transition.days.and_then(days),
        date: transition.date_s.map(Instant::from_secs),
        storage_class: Some(transition.class.clone()),
    });
    wire.transitions = (!rule.transitions.is_empty()).then(|| transitions.collect());
    let noncurrent = rule.noncurrent_transitions.iter().map(|transition| s::NoncurrentVersionTransition {
        noncurrent_days: days(transition.days),
        storage_class: Some(transition.class.clone()),
        newer_noncurrent_versions: transition.keep.map(|keep| keep as i32),
    });
    wire.noncurrent_version_transitions =
        (!rule.noncurrent_transitions.is_empty()).then(|| noncurrent.collect());
    wire
}
