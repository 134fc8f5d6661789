use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3tables_wire::operations as op;
use haneul_s3tables_wire::shapes as s;
use haneul_shape::Empty;

use super::BucketName;
use super::access::encryption_keys;
use crate::S3;
use crate::error::tables as refusals;
use crate::model::table::{TableBucket, TableEncryption};

/// What a request asks for; nothing is S3's own keys.
pub(super) fn of_request(wanted: Option<&s::EncryptionConfiguration>) -> Result<TableEncryption> {
    wanted.map(of_wire).transpose().map(Option::unwrap_or_default)
}

pub(super) fn of_wire(wanted: &s::EncryptionConfiguration) -> Result<TableEncryption> {
    match (wanted.sse_algorithm.as_str(), &wanted.kms_key_arn) {
        ("AES256", None) => Ok(TableEncryption { kms_key: None }),
        ("aws:kms", Some(key)) => Ok(TableEncryption { kms_key: Some(key.clone()) }),
        ("aws:kms", None) => Err(refusals::bad_request("The ARN of a KMS key is required for SSE-KMS.")),
        ("AES256", Some(_)) => Err(refusals::bad_request("A KMS key is for SSE-KMS alone.")),
        _ => Err(refusals::bad_request("The specified encryption is not valid.")),
    }
}

pub(super) fn to_wire(encryption: TableEncryption) -> s::EncryptionConfiguration {
    let algorithm = if encryption.kms_key.is_some() { "aws:kms" } else { "AES256" };
    s::EncryptionConfiguration { sse_algorithm: algorithm.to_owned(), kms_key_arn: encryption.kms_key }
}

/// The files of tables move between no tiers here: what promises it is refused.
pub(super) fn check_class(wanted: Option<&s::StorageClassConfiguration>) -> Result<()> {
    match wanted.map(|wanted| wanted.storage_class.as_str()) {
        None | Some("STANDARD") => Ok(()),
        Some(class) => {
            Err(refusals::bad_request(format!("Tables of the class {class} are not implemented by Haneul.")))
        }
    }
}

impl Handle<op::PutTableBucketEncryption> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutTableBucketEncryptionRequest) -> Result<Vec<Access>> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        let access = self.on_table_bucket(cx, &name, "s3tables:PutTableBucketEncryption").await?;
        Ok(vec![encryption_keys(access, &of_wire(&input.encryption_configuration)?)])
    }

    async fn call(&self, cx: &Cx, input: s::PutTableBucketEncryptionRequest) -> Result<Empty> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        self.table_bucket(cx, &name).await?;
        let wanted = of_wire(&input.encryption_configuration)?;
        let set = |bucket: &mut TableBucket| {
            bucket.encryption = wanted.clone();
            Ok(())
        };
        self.records.change_table_bucket(&name.row(), set).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetTableBucketEncryption> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetTableBucketEncryptionRequest) -> Result<Vec<Access>> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        Ok(vec![self.on_table_bucket(cx, &name, "s3tables:GetTableBucketEncryption").await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetTableBucketEncryptionRequest,
    ) -> Result<s::GetTableBucketEncryptionResponse> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        let encryption = self.table_bucket(cx, &name).await?.encryption;
        Ok(s::GetTableBucketEncryptionResponse { encryption_configuration: to_wire(encryption) })
    }
}

impl Handle<op::DeleteTableBucketEncryption> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteTableBucketEncryptionRequest) -> Result<Vec<Access>> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        Ok(vec![self.on_table_bucket(cx, &name, "s3tables:DeleteTableBucketEncryption").await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteTableBucketEncryptionRequest) -> Result<Empty> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        self.table_bucket(cx, &name).await?;
        let clear = |bucket: &mut TableBucket| {
            bucket.encryption = TableEncryption::default();
            Ok(())
        };
        self.records.change_table_bucket(&name.row(), clear).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetTableEncryption> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetTableEncryptionRequest) -> Result<Vec<Access>> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let names = (input.namespace.as_str(), input.name.as_str());
        Ok(vec![self.on_table(cx, &bucket, names, "s3tables:GetTableEncryption").await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetTableEncryptionRequest,
    ) -> Result<s::GetTableEncryptionResponse> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let (_, table) = self.table(cx, &bucket, &input.namespace, &input.name).await?;
        Ok(s::GetTableEncryptionResponse { encryption_configuration: to_wire(table.encryption) })
    }
}
