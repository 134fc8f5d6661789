use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_shape::Empty;

use super::configurations as common;
use crate::model::BucketRecord;
use crate::model::configuration::FilterForm;
use crate::model::tiering::{AccessTier, TieringConfiguration};
use crate::{S3, error};

const DAYS_MAX: i32 = 730;

impl Handle<op::PutBucketIntelligentTieringConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::PutBucketIntelligentTieringConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let action = "s3:PutIntelligentTieringConfiguration";
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, action).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutBucketIntelligentTieringConfigurationRequest,
    ) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let one = from_wire(&input.id, input.intelligent_tiering_configuration)?;
        let set = |record: &mut BucketRecord| common::set(&mut record.features.tiering, &one);
        self.records.change_bucket(&bucket.name, set).await?;
        // Objects that had nowhere to go before are looked at again.
        self.records.begin_scan(&bucket.name).await?;
        self.tasks.lifecycle.wake();
        Ok(Empty)
    }
}

impl Handle<op::GetBucketIntelligentTieringConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetBucketIntelligentTieringConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let action = "s3:GetIntelligentTieringConfiguration";
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, action).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetBucketIntelligentTieringConfigurationRequest,
    ) -> Result<s::GetBucketIntelligentTieringConfigurationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let found = common::get(&bucket.record.features.tiering, &input.id, &bucket.name)?;
        Ok(s::GetBucketIntelligentTieringConfigurationOutput {
            intelligent_tiering_configuration: Some(to_wire(found)),
        })
    }
}

impl Handle<op::DeleteBucketIntelligentTieringConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteBucketIntelligentTieringConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let action = "s3:PutIntelligentTieringConfiguration";
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, action).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteBucketIntelligentTieringConfigurationRequest,
    ) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let remove =
            |record: &mut BucketRecord| common::remove(&mut record.features.tiering, &input.id, &bucket.name);
        self.records.change_bucket(&bucket.name, remove).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListBucketIntelligentTieringConfigurations> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::ListBucketIntelligentTieringConfigurationsRequest,
    ) -> Result<Vec<Access>> {
        let action = "s3:GetIntelligentTieringConfiguration";
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, action).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListBucketIntelligentTieringConfigurationsRequest,
    ) -> Result<s::ListBucketIntelligentTieringConfigurationsOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let all = &bucket.record.features.tiering;
        let (shown, next) = common::page(all, input.continuation_token.as_deref());
        Ok(s::ListBucketIntelligentTieringConfigurationsOutput {
            is_truncated: Some(next.is_some()),
            continuation_token: input.continuation_token,
            next_continuation_token: next,
            intelligent_tiering_configuration_list: (!shown.is_empty())
                .then(|| shown.iter().map(to_wire).collect()),
        })
    }
}

fn from_wire(id: &str, given: s::IntelligentTieringConfiguration) -> Result<TieringConfiguration> {
    if id != given.id {
        return Err(error::malformed_xml());
    }
    common::check_id(id, &given.id)?;
    let enabled = match given.status.as_str() {
        "Enabled" => true,
        "Disabled" => false,
        _ => return Err(error::malformed_xml()),
    };
    let filter = given.filter.map(|filter| {
        let and = filter.and.map(|and| (and.prefix, and.tags, None));
        common::filter(filter.prefix, filter.tag, None, and)
    });
    let mut tierings: Vec<(AccessTier, u32)> = Vec::new();
    for tiering in given.tierings {
        let (tier, days_min) = match tiering.access_tier.as_str() {
            "ARCHIVE_ACCESS" => (AccessTier::Archive, 90),
            "DEEP_ARCHIVE_ACCESS" => (AccessTier::DeepArchive, 180),
            _ => return Err(error::malformed_xml()),
        };
        if tierings.iter().any(|(other, _)| *other == tier) {
            return Err(error::malformed_xml());
        }
        if !(days_min..=DAYS_MAX).contains(&tiering.days) {
            let message = format!(
                "'Days' for the {} tier must be between {days_min} and {DAYS_MAX}",
                tiering.access_tier
            );
            return Err(error::invalid_argument(message, "Days", tiering.days.to_string()));
        }
        tierings.push((tier, tiering.days as u32));
    }
    if tierings.is_empty() {
        return Err(error::malformed_xml());
    }
    Ok(TieringConfiguration { id: given.id, enabled, filter: filter.transpose()?, tierings })
}

fn to_wire(one: &TieringConfiguration) -> s::IntelligentTieringConfiguration {
    let filter = one.filter.as_ref().map(|filter| match filter.form {
        FilterForm::And => s::IntelligentTieringFilter {
            and: Some(s::IntelligentTieringAndOperator {
                prefix: filter.prefix.clone(),
                tags: (!filter.tags.is_empty()).then(|| common::tags(filter).collect()),
            }),
            ..Default::default()
        },
        _ => s::IntelligentTieringFilter {
            prefix: filter.prefix.clone(),
            tag: common::tags(filter).next(),
            and: None,
        },
    });
    let tiering = |(tier, days): &(AccessTier, u32)| s::Tiering {
        days: *days as i32,
        access_tier: tier.archive_status().unwrap_or_default().to_owned(),
    };
    s::IntelligentTieringConfiguration {
        id: one.id.clone(),
        filter,
        status: if one.enabled { "Enabled" } else { "Disabled" }.to_owned(),
        tierings: one.tierings.iter().map(tiering).collect(),
    }
}
