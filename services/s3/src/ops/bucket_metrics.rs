use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_shape::Empty;

use super::configurations as common;
use crate::S3;
use crate::model::BucketRecord;
use crate::model::configuration::FilterForm;
use crate::model::filter::RequestMetrics;

impl Handle<op::PutBucketMetricsConfiguration> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutBucketMetricsConfigurationRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutMetricsConfiguration")
            .await
    }

    async fn call(&self, cx: &Cx, input: s::PutBucketMetricsConfigurationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let given = input.metrics_configuration;
        common::check_id(&input.id, &given.id)?;
        let filter = given.filter.map(|filter| {
            let and = filter.and.map(|and| (and.prefix, and.tags, and.access_point_arn));
            common::filter(filter.prefix, filter.tag, filter.access_point_arn, and)
        });
        let one = RequestMetrics { id: given.id, filter: filter.transpose()? };
        let set = |record: &mut BucketRecord| common::set(&mut record.features.metrics, &one);
        self.records.change_bucket(&bucket.name, set).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetBucketMetricsConfiguration> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetBucketMetricsConfigurationRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetMetricsConfiguration")
            .await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetBucketMetricsConfigurationRequest,
    ) -> Result<s::GetBucketMetricsConfigurationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let found = common::get(&bucket.record.features.metrics, &input.id, &bucket.name)?;
        Ok(s::GetBucketMetricsConfigurationOutput { metrics_configuration: Some(to_wire(found)) })
    }
}

impl Handle<op::DeleteBucketMetricsConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteBucketMetricsConfigurationRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutMetricsConfiguration")
            .await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteBucketMetricsConfigurationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let remove =
            |record: &mut BucketRecord| common::remove(&mut record.features.metrics, &input.id, &bucket.name);
        self.records.change_bucket(&bucket.name, remove).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListBucketMetricsConfigurations> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::ListBucketMetricsConfigurationsRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetMetricsConfiguration")
            .await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListBucketMetricsConfigurationsRequest,
    ) -> Result<s::ListBucketMetricsConfigurationsOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let all = &bucket.record.features.metrics;
        let (shown, next) = common::page(all, input.continuation_token.as_deref());
        Ok(s::ListBucketMetricsConfigurationsOutput {
            is_truncated: Some(next.is_some()),
            continuation_token: input.continuation_token,
            next_continuation_token: next,
            metrics_configuration_list: (!shown.is_empty()).then(|| shown.iter().map(to_wire).collect()),
        })
    }
}

fn to_wire(one: &RequestMetrics) -> s::MetricsConfiguration {
    let filter = one.filter.as_ref().map(|filter| match filter.form {
        FilterForm::And => s::MetricsFilter {
            and: Some(s::MetricsAndOperator {
                prefix: filter.prefix.clone(),
                tags: (!filter.tags.is_empty()).then(|| common::tags(filter).collect()),
                access_point_arn: filter.access_point.clone(),
            }),
            ..Default::default()
        },
        _ => s::MetricsFilter {
            prefix: filter.prefix.clone(),
            tag: common::tags(filter).next(),
            access_point_arn: filter.access_point.clone(),
            and: None,
        },
    });
    s::MetricsConfiguration { id: one.id.clone(), filter }
}
