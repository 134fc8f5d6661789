use haneul_kit::{Access, Cx, Handle, Instant, Region, Result, paging};
use haneul_s3_wire::operations::ListBuckets;
use haneul_s3_wire::shapes::{Bucket, ListBucketsOutput, ListBucketsRequest};

use crate::owner::owner;
use crate::{S3, error};

/// The most that a page has, and that an answer without pages has.
const PAGE_MAX: usize = 10_000;

impl Handle<ListBuckets> for S3 {
    async fn access(&self, _: &Cx, _: &ListBucketsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("s3:ListAllMyBuckets")])
    }

    async fn call(&self, cx: &Cx, input: ListBucketsRequest) -> Result<ListBucketsOutput> {
        let account = cx.account();
        let limit = match input.max_buckets {
            None => PAGE_MAX,
            Some(given @ 1..=10_000) => given as usize,
            Some(given) => {
                let message = "Argument max-buckets must be an integer between 1 and 10000";
                return Err(error::invalid_argument(message, "max-buckets", given.to_string()));
            }
        };
        if let Some(region) =
            input.bucket_region.as_deref().filter(|region| region.parse::<Region>().is_err())
        {
            let message = format!("Argument value {region} is not a valid AWS Region");
            return Err(
                error::new("InvalidArgument", 400, message).with_field("ArgumentName", "bucket-region")
            );
        }
        let purpose = format!("s3:ListBuckets:{account}");
        let mut after: Option<String> = match &input.continuation_token {
            None => None,
            Some(token) => Some(
                paging::position(&self.platform.seal, &purpose, token)
                    .ok_or_else(error::invalid_continuation_token)?,
            ),
        };
        // Pages tell each bucket's Region; the plain listing of old does not.
        let paged = input.max_buckets.is_some()
            || input.continuation_token.is_some()
            || input.prefix.is_some()
            || input.bucket_region.is_some();
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let mut buckets = Vec::new();
        let mut more = false;
        'pages: loop {
            let names = self.records.owned_buckets(account, prefix, after.as_deref(), limit + 1).await?;
            let full = names.len() > limit;
            for name in names {
                let Some(record) = self.records.bucket(&name).await? else { continue };
                if input.bucket_region.as_ref().is_some_and(|region| *region != record.region) {
                    after = Some(name);
                    continue;
                }
                if buckets.len() == limit {
                    more = true;
                    break 'pages;
                }
                buckets.push(Bucket {
                    name: Some(name.clone()),
                    creation_date: Some(Instant::from_secs(record.created_ms.div_euclid(1000))),
                    bucket_region: paged.then(|| record.region.clone()),
                    bucket_arn: None,
                });
                after = Some(name);
            }
            if !full {
                break;
            }
        }
        let next = after.filter(|_| more).map(|last| paging::token(&self.platform.seal, &purpose, &last));
        Ok(ListBucketsOutput {
            buckets: Some(buckets),
            owner: Some(owner(account)),
            continuation_token: next,
            prefix: input.prefix,
        })
    }
}
