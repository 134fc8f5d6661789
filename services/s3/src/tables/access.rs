//! The permissions of calls to S3 Tables. Source: Service Authorization Reference, "Actions, resources, and condition keys for
//! Amazon S3 Tables".

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use haneul_kit::{Access, ApiError, Cx, Policy, Result};

use super::{BucketName, parse_table_arn};
use crate::S3;
use crate::bucket::POLICY_RULES;
use crate::model::table::{TableBucket, TableEncryption, TableRecord};

/// The actions that have the names of a table in their conditions.
const KNOW_NO_TABLE_NAME: &[&str] = &["s3tables:PutTableEncryption"];

impl S3 {
    /// A permission on a table bucket, there or not.
    pub(crate) async fn on_table_bucket(
        &self,
        cx: &Cx,
        name: &BucketName,
        action: &'static str,
    ) -> Result<Access> {
        let found = match name.region == cx.region() {
            true => self.records.table_bucket(&name.row()).await?,
            false => None,
        };
        let mut access = Access::to(action).owned_by(name.account);
        access.resource = Cow::Owned(name.to_string());
        let Some(bucket) = found else { return Ok(access) };
        let policy = bucket.policy.as_deref().map(compile).transpose()?;
        Ok(with_tags(access, &bucket, &bucket.tags).with_policy(policy.map(Arc::new)))
    }

    /// A permission on a table by the names that lead to it. One that is not there has no id: any.
    pub(crate) async fn on_table(
        &self,
        cx: &Cx,
        bucket: &BucketName,
        (namespace, name): (&str, &str),
        action: &'static str,
    ) -> Result<Access> {
        let found = match self.table(cx, bucket, namespace, name).await {
            Ok((_, table)) => Some(table),
            Err(error) if error.code() == "NotFoundException" => None,
            Err(error) => return Err(error),
        };
        let found = found.as_ref().map(|table| (table, namespace, name));
        let access = self.on_found_table(bucket, found, action).await?;
        Ok(match found {
            Some(_) => access,
            None => named(access, namespace, name),
        })
    }

    /// The same by its ARN.
    pub(crate) async fn on_table_arn(&self, cx: &Cx, arn: &str, action: &'static str) -> Result<Access> {
        let (bucket, id) = parse_table_arn(arn)?;
        let found = match self.table_bucket(cx, &bucket).await {
            Ok(record) => self.records.table_by_id(&record.id, &id).await?,
            Err(_) => None,
        };
        let known = found.as_ref().map(|(row, table)| (table, row.1.as_str(), row.2.as_str()));
        self.on_found_table(&bucket, known, action).await
    }

    /// A permission on a table: both its policy and its bucket's say who may.
    pub(crate) async fn on_found_table(
        &self,
        bucket: &BucketName,
        table: Option<(&TableRecord, &str, &str)>,
        action: &'static str,
    ) -> Result<Access> {
        let mut access = Access::to(action).owned_by(bucket.account);
        access.resource = Cow::Owned(bucket.table_arn(table.map_or("*", |(table, ..)| table.id.as_str())));
        let Some(record) = self.records.table_bucket(&bucket.row()).await? else { return Ok(access) };
        let own = table.and_then(|(table, ..)| table.policy.as_deref());
        let policies: Vec<Policy> =
            record.policy.as_deref().into_iter().chain(own).map(compile).collect::<Result<_>>()?;
        let policy = (!policies.is_empty()).then(|| Arc::new(Policy::union(&policies)));
        let access = access.with_policy(policy);
        let Some((table, namespace, name)) = table else { return Ok(access) };
        Ok(named(with_tags(access, &record, &table.tags), namespace, name))
    }
}

fn named(access: Access, namespace: &str, name: &str) -> Access {
    let knows_table_name = !KNOW_NO_TABLE_NAME.contains(&access.action);
    let access = access.key("s3tables:namespace", namespace);
    if knows_table_name { access.key("s3tables:tableName", name) } else { access }
}

fn with_tags(access: Access, bucket: &TableBucket, tags: &BTreeMap<String, String>) -> Access {
    let access = access.resource_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    bucket.tags.iter().fold(access, |access, (key, value)| {
        access.key(format!("s3tables:TableBucketTag/{key}"), value.clone())
    })
}

/// `s3tables:SSEAlgorithm` and `s3tables:KMSKeyArn` of what is asked for.
pub(crate) fn encryption_keys(access: Access, encryption: &TableEncryption) -> Access {
    match &encryption.kms_key {
        None => access.key("s3tables:SSEAlgorithm", "AES256"),
        Some(key) => access.key("s3tables:SSEAlgorithm", "aws:kms").key("s3tables:KMSKeyArn", key.clone()),
    }
}

/// A policy that was parsed before it was stored: only damage can make it fail, and then nobody gets in.
pub(super) fn compile(text: &str) -> Result<Policy> {
    Policy::parse(text, &POLICY_RULES).map_err(ApiError::internal)
}
