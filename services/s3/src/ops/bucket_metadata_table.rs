//! The operations of the first version of S3 Metadata: a journal in a table bucket of the customer's own.

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_shape::Empty;

use crate::metadata_tables::{V1_NAMESPACE, shown};
use crate::model::metadata::{MetadataConfiguration, MetadataTable};
use crate::model::table::TableEncryption;
use crate::tables::{BucketName, check_name};
use crate::{S3, error};

/// The table bucket of a document: one of the caller's own, in the bucket's Region.
fn destination(cx: &Cx, given: &s::S3TablesDestination) -> Result<BucketName> {
    let invalid = || {
        error::invalid_argument(
            "The table bucket ARN is not valid.",
            "TableBucketArn",
            given.table_bucket_arn.clone(),
        )
    };
    let lake = BucketName::parse(&given.table_bucket_arn).map_err(|_| invalid())?;
    let is_own = lake.account == cx.account() && lake.region == cx.region() && !lake.is_managed();
    if !is_own {
        return Err(invalid());
    }
    check_name(&given.table_name, "table").map_err(|_| {
        error::invalid_argument("The table name is not valid.", "TableName", given.table_name.clone())
    })?;
    Ok(lake)
}

impl Handle<op::CreateBucketMetadataTableConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::CreateBucketMetadataTableConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let given = &input.metadata_table_configuration.s3_tables_destination;
        let lake = destination(cx, given)?;
        let mut needed = vec![bucket.access(cx, "s3:CreateBucketMetadataTableConfiguration")];
        let encryption = TableEncryption::default();
        let tables = [(given.table_name.as_str(), &encryption)];
        needed.extend(self.making_tables(cx, &lake, V1_NAMESPACE, &tables).await?);
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: s::CreateBucketMetadataTableConfigurationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let given = input.metadata_table_configuration.s3_tables_destination;
        let lake = destination(cx, &given)?;
        // As a table bucket encrypts what says nothing of it.
        let found = self.records.table_bucket(&lake.row()).await?;
        let encryption = found.map(|bucket| bucket.encryption).unwrap_or_default();
        let configuration = MetadataConfiguration {
            feed: self.platform.env.rng.u64(),
            is_v1: true,
            lake: lake.name,
            namespace: V1_NAMESPACE.to_owned(),
            journal: MetadataTable { name: given.table_name, encryption, enabled: true },
            expiration_days: None,
            inventory: None,
            annotations: None,
            is_broken: false,
        };
        self.begin_metadata(cx, &bucket, configuration).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetBucketMetadataTableConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetBucketMetadataTableConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let action = "s3:GetBucketMetadataTableConfiguration";
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, action).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetBucketMetadataTableConfigurationRequest,
    ) -> Result<s::GetBucketMetadataTableConfigurationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let feed = self.metadata_of(&bucket).await?;
        if !feed.configuration.is_v1 {
            return Err(error::of_metadata_v2());
        }
        Ok(s::GetBucketMetadataTableConfigurationOutput {
            get_bucket_metadata_table_configuration_result: Some(shown::v1(&bucket, &feed)),
        })
    }
}

impl Handle<op::DeleteBucketMetadataTableConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteBucketMetadataTableConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let action = "s3:DeleteBucketMetadataTableConfiguration";
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, action).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteBucketMetadataTableConfigurationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        if !self.metadata_of(&bucket).await?.configuration.is_v1 {
            return Err(error::of_metadata_v2());
        }
        self.records.end_metadata(&bucket.name).await?;
        self.tasks.metadata.wake();
        Ok(Empty)
    }
}
