use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_s3tables_wire::operations as op;
use haneul_s3tables_wire::shapes as s;
use haneul_shape::Empty;

use super::buckets::limit;
use super::{BucketName, check_name};
use crate::S3;
use crate::error::tables as refusals;
use crate::model::table::Namespace;

/// The namespace of V1's metadata tables, which S3 makes by itself, and names like it.
const RESERVED: &str = "aws";

impl S3 {
    async fn on_namespace(
        &self,
        cx: &Cx,
        arn: &str,
        namespace: &str,
        action: &'static str,
    ) -> Result<Vec<Access>> {
        let name = BucketName::parse(arn)?;
        let access = self.on_table_bucket(cx, &name, action).await?;
        Ok(vec![access.key("s3tables:namespace", namespace)])
    }
}

impl Handle<op::CreateNamespace> for S3 {
    async fn access(&self, cx: &Cx, input: &s::CreateNamespaceRequest) -> Result<Vec<Access>> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        Ok(vec![self.on_table_bucket(cx, &name, "s3tables:CreateNamespace").await?])
    }

    async fn call(&self, cx: &Cx, input: s::CreateNamespaceRequest) -> Result<s::CreateNamespaceResponse> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        let [namespace] = &input.namespace[..] else {
            return Err(refusals::bad_request("A namespace has one level."));
        };
        check_name(namespace, "namespace")?;
        if namespace.starts_with(RESERVED) {
            return Err(refusals::bad_request("The specified namespace name is not valid."));
        }
        self.table_bucket(cx, &name).await?;
        if name.is_managed() {
            return Err(refusals::managed());
        }
        let record = Namespace {
            id: self.platform.env.rng.uuid(),
            created_ms: cx.now().millis(),
            created_by: cx.account().number(),
        };
        self.records.create_namespace(&name.row(), namespace, &record).await?;
        Ok(s::CreateNamespaceResponse { table_bucket_arn: name.to_string(), namespace: input.namespace })
    }
}

impl Handle<op::GetNamespace> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetNamespaceRequest) -> Result<Vec<Access>> {
        self.on_namespace(cx, &input.table_bucket_arn, &input.namespace, "s3tables:GetNamespace").await
    }

    async fn call(&self, cx: &Cx, input: s::GetNamespaceRequest) -> Result<s::GetNamespaceResponse> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        let bucket = self.table_bucket(cx, &name).await?;
        let found = self.records.namespace(&bucket.id, &input.namespace).await?;
        let found = found.ok_or_else(refusals::no_namespace)?;
        Ok(s::GetNamespaceResponse {
            namespace: vec![input.namespace],
            created_at: Instant::from_millis(found.created_ms),
            created_by: account(found.created_by),
            owner_account_id: name.account.to_string(),
            namespace_id: Some(found.id),
            table_bucket_id: Some(bucket.id),
        })
    }
}

/// An account as it is shown.
pub(super) fn account(number: u64) -> String {
    format!("{number:012}")
}

impl Handle<op::ListNamespaces> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListNamespacesRequest) -> Result<Vec<Access>> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        Ok(vec![self.on_table_bucket(cx, &name, "s3tables:ListNamespaces").await?])
    }

    /// The token is the name of the last one.
    async fn call(&self, cx: &Cx, input: s::ListNamespacesRequest) -> Result<s::ListNamespacesResponse> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        let bucket = self.table_bucket(cx, &name).await?;
        let limit = limit(input.max_namespaces);
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let after = input.continuation_token.as_deref();
        let mut found = self.records.namespaces(&bucket.id, prefix, after, limit + 1).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().map(|(name, _)| name.clone()).filter(|_| more);
        let shown = found.into_iter().map(|(namespace, record)| s::NamespaceSummary {
            namespace: vec![namespace],
            created_at: Instant::from_millis(record.created_ms),
            created_by: account(record.created_by),
            owner_account_id: name.account.to_string(),
            namespace_id: Some(record.id),
            table_bucket_id: Some(bucket.id.clone()),
        });
        Ok(s::ListNamespacesResponse { namespaces: shown.collect(), continuation_token: next })
    }
}

impl Handle<op::DeleteNamespace> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteNamespaceRequest) -> Result<Vec<Access>> {
        self.on_namespace(cx, &input.table_bucket_arn, &input.namespace, "s3tables:DeleteNamespace").await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteNamespaceRequest) -> Result<Empty> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        let bucket = self.table_bucket(cx, &name).await?;
        self.records.delete_namespace(&bucket.id, &input.namespace).await?;
        Ok(Empty)
    }
}
