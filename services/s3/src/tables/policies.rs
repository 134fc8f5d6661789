use haneul_kit::{Access, Cx, Handle, Policy, Result, pinned_policy};
use haneul_s3tables_wire::operations as op;
use haneul_s3tables_wire::shapes as s;
use haneul_shape::Empty;

use super::BucketName;
use crate::S3;
use crate::bucket::POLICY_RULES;
use crate::error::tables as refusals;
use crate::model::table::{TableBucket, TableRecord};

/// A policy about nothing but the resource and, for a table bucket, what is in it.
fn check(text: &str, arn: &str) -> Result<()> {
    let policy =
        Policy::parse(text, &POLICY_RULES).map_err(|refused| refusals::bad_request(refused.message))?;
    let within = |resource: &str| {
        resource == "*"
            || resource == arn
            || resource.strip_prefix(arn).is_some_and(|rest| rest.starts_with('/') || rest == "*")
    };
    for statement in policy.statements() {
        let (negated, mut resources) = statement.resources();
        if negated || !resources.all(within) {
            return Err(refusals::bad_request("Policy has invalid resource"));
        }
        let (_, mut actions) = statement.actions();
        if !actions.all(|action| action == "*" || action.to_ascii_lowercase().starts_with("s3tables:")) {
            return Err(refusals::bad_request("Policy has invalid action"));
        }
    }
    Ok(())
}

impl Handle<op::PutTableBucketPolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutTableBucketPolicyRequest) -> Result<Vec<Access>> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        Ok(vec![self.on_table_bucket(cx, &name, "s3tables:PutTableBucketPolicy").await?])
    }

    async fn call(&self, cx: &Cx, input: s::PutTableBucketPolicyRequest) -> Result<Empty> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        self.table_bucket(cx, &name).await?;
        check(&input.resource_policy, &name.to_string())?;
        let text = pinned_policy::pin(&self.platform, &input.resource_policy).await?;
        let set = |bucket: &mut TableBucket| {
            bucket.policy = Some(text.clone());
            Ok(())
        };
        self.records.change_table_bucket(&name.row(), set).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetTableBucketPolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetTableBucketPolicyRequest) -> Result<Vec<Access>> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        Ok(vec![self.on_table_bucket(cx, &name, "s3tables:GetTableBucketPolicy").await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetTableBucketPolicyRequest,
    ) -> Result<s::GetTableBucketPolicyResponse> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        let policy = self.table_bucket(cx, &name).await?.policy.ok_or_else(refusals::no_policy)?;
        let resource_policy = pinned_policy::show(&self.platform, &policy).await?;
        Ok(s::GetTableBucketPolicyResponse { resource_policy })
    }
}

impl Handle<op::DeleteTableBucketPolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteTableBucketPolicyRequest) -> Result<Vec<Access>> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        Ok(vec![self.on_table_bucket(cx, &name, "s3tables:DeleteTableBucketPolicy").await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteTableBucketPolicyRequest) -> Result<Empty> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        self.table_bucket(cx, &name).await?;
        let clear = |bucket: &mut TableBucket| {
            bucket.policy = None;
            Ok(())
        };
        self.records.change_table_bucket(&name.row(), clear).await?;
        Ok(Empty)
    }
}

impl Handle<op::PutTablePolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutTablePolicyRequest) -> Result<Vec<Access>> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let names = (input.namespace.as_str(), input.name.as_str());
        Ok(vec![self.on_table(cx, &bucket, names, "s3tables:PutTablePolicy").await?])
    }

    async fn call(&self, cx: &Cx, input: s::PutTablePolicyRequest) -> Result<Empty> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let (row, table) = self.table(cx, &bucket, &input.namespace, &input.name).await?;
        check(&input.resource_policy, &bucket.table_arn(&table.id))?;
        let text = pinned_policy::pin(&self.platform, &input.resource_policy).await?;
        let set = |table: &mut TableRecord| {
            table.policy = Some(text.clone());
            Ok(())
        };
        self.records.change_table(&row, set).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetTablePolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetTablePolicyRequest) -> Result<Vec<Access>> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let names = (input.namespace.as_str(), input.name.as_str());
        Ok(vec![self.on_table(cx, &bucket, names, "s3tables:GetTablePolicy").await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetTablePolicyRequest) -> Result<s::GetTablePolicyResponse> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let (_, table) = self.table(cx, &bucket, &input.namespace, &input.name).await?;
        let policy = table.policy.ok_or_else(refusals::no_policy)?;
        let resource_policy = pinned_policy::show(&self.platform, &policy).await?;
        Ok(s::GetTablePolicyResponse { resource_policy })
    }
}

impl Handle<op::DeleteTablePolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteTablePolicyRequest) -> Result<Vec<Access>> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let names = (input.namespace.as_str(), input.name.as_str());
        Ok(vec![self.on_table(cx, &bucket, names, "s3tables:DeleteTablePolicy").await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteTablePolicyRequest) -> Result<Empty> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let (row, _) = self.table(cx, &bucket, &input.namespace, &input.name).await?;
        let clear = |table: &mut TableRecord| {
            table.policy = None;
            Ok(())
        };
        self.records.change_table(&row, clear).await?;
        Ok(Empty)
    }
}
