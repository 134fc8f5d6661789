use haneul_kit::{Access, Cx, Handle, Region, Result};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_shape::Empty;

use super::configurations as common;
use crate::bucket::arn_of;
use crate::model::BucketRecord;
use crate::model::analysis::{AnalyticsConfiguration, Export};
use crate::model::configuration::FilterForm;
use crate::{S3, error};

impl Handle<op::PutBucketAnalyticsConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::PutBucketAnalyticsConfigurationRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutAnalyticsConfiguration")
            .await
    }

    async fn call(&self, cx: &Cx, input: s::PutBucketAnalyticsConfigurationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let one = from_wire(&input.id, input.analytics_configuration, cx.now().secs())?;
        let set = |record: &mut BucketRecord| {
            let all = &mut record.features.analytics;
            // The same objects are observed on.
            let same = all.iter().find(|other| other.id == one.id && other.filter == one.filter);
            let since_s = same.map_or(one.since_s, |other| other.since_s);
            common::set(all, &AnalyticsConfiguration { since_s, ..one.clone() })
        };
        self.records.change_bucket(&bucket.name, set).await?;
        self.observed.wakes.wake();
        Ok(Empty)
    }
}

impl Handle<op::GetBucketAnalyticsConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetBucketAnalyticsConfigurationRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetAnalyticsConfiguration")
            .await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetBucketAnalyticsConfigurationRequest,
    ) -> Result<s::GetBucketAnalyticsConfigurationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let found = common::get(&bucket.record.features.analytics, &input.id, &bucket.name)?;
        let shown = to_wire(bucket.region, found);
        Ok(s::GetBucketAnalyticsConfigurationOutput { analytics_configuration: Some(shown) })
    }
}

impl Handle<op::DeleteBucketAnalyticsConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteBucketAnalyticsConfigurationRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutAnalyticsConfiguration")
            .await
    }

    /// What was observed is forgotten at midnight.
    async fn call(&self, cx: &Cx, input: s::DeleteBucketAnalyticsConfigurationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let remove = |record: &mut BucketRecord| {
            common::remove(&mut record.features.analytics, &input.id, &bucket.name)
        };
        self.records.change_bucket(&bucket.name, remove).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListBucketAnalyticsConfigurations> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::ListBucketAnalyticsConfigurationsRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetAnalyticsConfiguration")
            .await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListBucketAnalyticsConfigurationsRequest,
    ) -> Result<s::ListBucketAnalyticsConfigurationsOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let all = &bucket.record.features.analytics;
        let (shown, next) = common::page(all, input.continuation_token.as_deref());
        Ok(s::ListBucketAnalyticsConfigurationsOutput {
            is_truncated: Some(next.is_some()),
            continuation_token: input.continuation_token,
            next_continuation_token: next,
            analytics_configuration_list: (!shown.is_empty())
                .then(|| shown.iter().map(|one| to_wire(bucket.region, one)).collect()),
        })
    }
}

fn from_wire(id: &str, given: s::AnalyticsConfiguration, now_s: i64) -> Result<AnalyticsConfiguration> {
    if id != given.id {
        return Err(error::malformed_xml());
    }
    common::check_id(id, &given.id)?;
    let filter = given.filter.map(|filter| {
        let and = filter.and.map(|and| (and.prefix, and.tags, None));
        common::filter(filter.prefix, filter.tag, None, and)
    });
    let export = given.storage_class_analysis.data_export.map(|export| {
        let to = export.destination.s3_bucket_destination;
        if export.output_schema_version != "V_1" || to.format != "CSV" {
            return Err(error::malformed_xml());
        }
        let name = to.bucket.split_once(":s3:::").map(|(_, name)| name).filter(|name| !name.is_empty());
        let bucket =
            name.ok_or_else(|| error::new("InvalidS3DestinationBucket", 400, "Invalid bucket ARN."))?;
        Ok(Export { bucket: bucket.to_owned(), account: to.bucket_account_id, prefix: to.prefix })
    });
    Ok(AnalyticsConfiguration {
        id: given.id,
        filter: filter.transpose()?,
        export: export.transpose()?,
        since_s: now_s,
    })
}

fn to_wire(region: Region, one: &AnalyticsConfiguration) -> s::AnalyticsConfiguration {
    let filter = one.filter.as_ref().map(|filter| match filter.form {
        FilterForm::And => s::AnalyticsFilter {
            and: Some(s::AnalyticsAndOperator {
                prefix: filter.prefix.clone(),
                tags: (!filter.tags.is_empty()).then(|| common::tags(filter).collect()),
            }),
            ..Default::default()
        },
        _ => {
            s::AnalyticsFilter { prefix: filter.prefix.clone(), tag: common::tags(filter).next(), and: None }
        }
    });
    let export = one.export.as_ref().map(|export| s::StorageClassAnalysisDataExport {
        output_schema_version: "V_1".to_owned(),
        destination: s::AnalyticsExportDestination {
            s3_bucket_destination: s::AnalyticsS3BucketDestination {
                format: "CSV".to_owned(),
                bucket_account_id: export.account.clone(),
                bucket: arn_of(region, &export.bucket),
                prefix: export.prefix.clone(),
            },
        },
    });
    s::AnalyticsConfiguration {
        id: one.id.clone(),
        filter,
        storage_class_analysis: s::StorageClassAnalysis { data_export: export },
    }
}
