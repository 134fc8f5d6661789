use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_s3tables_wire::operations as op;
use haneul_s3tables_wire::shapes as s;
use haneul_shape::Empty;

use super::access::encryption_keys;
use super::{BucketName, PAGE_MAX, encryption, tags};
use crate::S3;
use crate::error::tables as refusals;
use crate::model::table::TableBucket;

/// Beginnings and endings that S3 keeps for itself (S3 User Guide, "Table bucket naming rules").
const PREFIXES_RESERVED: &[&str] = &["xn--", "sthree-", "amzn-s3-demo-", "aws"];
const SUFFIXES_RESERVED: &[&str] = &["-s3alias", "--ol-s3", "--x-s3", "--table-s3"];

const CUSTOMER: &str = "customer";
const AWS: &str = "aws";

impl Handle<op::CreateTableBucket> for S3 {
    async fn access(&self, cx: &Cx, input: &s::CreateTableBucketRequest) -> Result<Vec<Access>> {
        let name = BucketName::own(cx, &input.name);
        let given = input.tags.as_ref();
        let of_request =
            || given.iter().flat_map(|tags| tags.iter()).map(|(key, value)| (key, value.as_str()));
        let mut create =
            self.on_table_bucket(cx, &name, "s3tables:CreateTableBucket").await?.request_tags(of_request());
        let mut more = Vec::new();
        if let Some(wanted) = &input.encryption_configuration {
            let wanted = encryption::of_wire(wanted)?;
            create = encryption_keys(create, &wanted);
            let put = self.on_table_bucket(cx, &name, "s3tables:PutTableBucketEncryption").await?;
            more.push(encryption_keys(put, &wanted));
        }
        if given.is_some_and(|tags| !tags.is_empty()) {
            let tag = self.on_table_bucket(cx, &name, "s3tables:TagResource").await?;
            more.push(tag.request_tags(of_request()));
        }
        more.insert(0, create);
        Ok(more)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateTableBucketRequest,
    ) -> Result<s::CreateTableBucketResponse> {
        check_bucket_name(&input.name)?;
        encryption::check_class(input.storage_class_configuration.as_ref())?;
        let name = BucketName::own(cx, &input.name);
        let bucket = TableBucket {
            id: self.platform.env.rng.uuid(),
            created_ms: cx.now().millis(),
            managed: false,
            encryption: encryption::of_request(input.encryption_configuration.as_ref())?,
            policy: None,
            tags: tags::checked(input.tags)?,
        };
        self.records.create_table_bucket(&name.row(), &bucket).await?;
        Ok(s::CreateTableBucketResponse { arn: name.to_string() })
    }
}

fn check_bucket_name(name: &str) -> Result<()> {
    let edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    let good = (3..=63).contains(&bytes.len())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
        && edge(bytes.first())
        && edge(bytes.last())
        && !PREFIXES_RESERVED.iter().any(|prefix| name.starts_with(prefix))
        && !SUFFIXES_RESERVED.iter().any(|suffix| name.ends_with(suffix));
    if good { Ok(()) } else { Err(refusals::bad_request("The specified bucket name is not valid.")) }
}

impl Handle<op::GetTableBucket> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetTableBucketRequest) -> Result<Vec<Access>> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        Ok(vec![self.on_table_bucket(cx, &name, "s3tables:GetTableBucket").await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetTableBucketRequest) -> Result<s::GetTableBucketResponse> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        let bucket = self.table_bucket(cx, &name).await?;
        Ok(s::GetTableBucketResponse {
            arn: name.to_string(),
            owner_account_id: name.account.to_string(),
            name: name.name,
            created_at: Instant::from_millis(bucket.created_ms),
            r#type: Some(kind(&bucket).to_owned()),
            table_bucket_id: Some(bucket.id),
        })
    }
}

fn kind(bucket: &TableBucket) -> &'static str {
    if bucket.managed { AWS } else { CUSTOMER }
}

impl Handle<op::ListTableBuckets> for S3 {
    async fn access(&self, _: &Cx, _: &s::ListTableBucketsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("s3tables:ListTableBuckets")])
    }

    /// The token is the name of the last one.
    async fn call(&self, cx: &Cx, input: s::ListTableBucketsRequest) -> Result<s::ListTableBucketsResponse> {
        let limit = limit(input.max_buckets);
        let (account, region) = (cx.account(), cx.region());
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let mut after = input.continuation_token;
        let mut found = Vec::new();
        // Of the two types one has one bucket at most: a page more is all that is ever read.
        loop {
            let page =
                self.records.table_buckets(account, region, prefix, after.as_deref(), limit + 1).await?;
            let more = page.len() > limit;
            after = page.last().map(|(name, _)| name.clone());
            let wanted = page
                .into_iter()
                .filter(|(_, bucket)| input.r#type.as_deref().is_none_or(|t| t == kind(bucket)));
            found.extend(wanted);
            if found.len() > limit || !more {
                break;
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().map(|(name, _)| name.clone()).filter(|_| more);
        let shown = found.into_iter().map(|(name, bucket)| s::TableBucketSummary {
            arn: BucketName { account, region, name: name.clone() }.to_string(),
            owner_account_id: account.to_string(),
            created_at: Instant::from_millis(bucket.created_ms),
            r#type: Some(kind(&bucket).to_owned()),
            table_bucket_id: Some(bucket.id),
            name,
        });
        Ok(s::ListTableBucketsResponse { table_buckets: shown.collect(), continuation_token: next })
    }
}

pub(super) fn limit(asked: Option<i32>) -> usize {
    asked.map_or(PAGE_MAX, |asked| asked.clamp(1, PAGE_MAX as i32) as usize)
}

impl Handle<op::DeleteTableBucket> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteTableBucketRequest) -> Result<Vec<Access>> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        Ok(vec![self.on_table_bucket(cx, &name, "s3tables:DeleteTableBucket").await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteTableBucketRequest) -> Result<Empty> {
        let name = BucketName::parse(&input.table_bucket_arn)?;
        self.table_bucket(cx, &name).await?;
        self.records.delete_table_bucket(&name.row()).await?;
        Ok(Empty)
    }
}

#[cfg(test)]
mod tests {
    use super::super::MANAGED_BUCKET;
    use super::*;

    #[test]
    fn names() {
        for good in ["abc", "a-b", "0ab", &"a".repeat(63)] {
            assert!(check_bucket_name(good).is_ok(), "{good}");
        }
        for bad in ["ab", "a_b", "a.b", "-ab", "ab-", "Abc", MANAGED_BUCKET, "xn--a", "a--table-s3"] {
            assert!(check_bucket_name(bad).is_err(), "{bad}");
        }
    }
}
