use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3tables_wire::operations as op;
use haneul_s3tables_wire::shapes as s;

use super::{BucketName, warehouse};
use crate::S3;
use crate::error::tables as refusals;
use crate::model::table::TableRecord;

impl Handle<op::GetTableMetadataLocation> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetTableMetadataLocationRequest) -> Result<Vec<Access>> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let names = (input.namespace.as_str(), input.name.as_str());
        Ok(vec![self.on_table(cx, &bucket, names, "s3tables:GetTableMetadataLocation").await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetTableMetadataLocationRequest,
    ) -> Result<s::GetTableMetadataLocationResponse> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let (_, table) = self.table(cx, &bucket, &input.namespace, &input.name).await?;
        Ok(s::GetTableMetadataLocationResponse {
            warehouse_location: warehouse::location(&table),
            version_token: table.version_token,
            metadata_location: table.metadata_location,
        })
    }
}

impl Handle<op::UpdateTableMetadataLocation> for S3 {
    async fn access(&self, cx: &Cx, input: &s::UpdateTableMetadataLocationRequest) -> Result<Vec<Access>> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let names = (input.namespace.as_str(), input.name.as_str());
        Ok(vec![self.on_table(cx, &bucket, names, "s3tables:UpdateTableMetadataLocation").await?])
    }

    /// The metadata must be there: a table never points at nothing.
    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateTableMetadataLocationRequest,
    ) -> Result<s::UpdateTableMetadataLocationResponse> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let (row, table) = self.table(cx, &bucket, &input.namespace, &input.name).await?;
        if table.managed_by.is_some() {
            return Err(refusals::managed());
        }
        let invalid = || refusals::bad_request("The specified metadata location is not valid.");
        let key = warehouse::key_of(&table, &input.metadata_location).ok_or_else(invalid)?;
        if !key.ends_with(".metadata.json") && !key.ends_with(".metadata.json.gz") {
            return Err(invalid());
        }
        let found = self.records.find(table.objects, key, None).await?;
        found.filter(|record| !record.is_delete_marker()).ok_or_else(invalid)?;
        let (token, now_ms) = (self.new_version_token(), cx.now().millis());
        let by = cx.account().number();
        let set = |table: &mut TableRecord| {
            if table.version_token != input.version_token {
                return Err(refusals::stale_token());
            }
            table.version_token.clone_from(&token);
            table.metadata_location = Some(input.metadata_location.clone());
            (table.modified_ms, table.modified_by) = (now_ms, by);
            Ok(())
        };
        let table = self.records.change_table(&row, set).await?;
        Ok(s::UpdateTableMetadataLocationResponse {
            table_arn: bucket.table_arn(&table.id),
            namespace: vec![row.1],
            name: row.2,
            version_token: table.version_token,
            metadata_location: input.metadata_location.clone(),
        })
    }
}
