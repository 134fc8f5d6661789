use haneul_kit::{Access, Cx, Handle, Instant, Result, paging};
use haneul_s3_wire::operations::{ListObjects, ListObjectsV2};
use haneul_s3_wire::shapes::{
    CommonPrefix, ListObjectsOutput, ListObjectsRequest, ListObjectsV2Output, ListObjectsV2Request, Object,
};

use super::url_encoding::Encoding;
use crate::bucket::Bucket;
use crate::model::ListedObject;
use crate::object_lambda::signed_headers;
use crate::owner::owner;
use crate::store::listing::{PAGE_MAX, Page, Query};
use crate::{S3, error};

impl Handle<ListObjectsV2> for S3 {
    async fn access(&self, cx: &Cx, input: &ListObjectsV2Request) -> Result<Vec<Access>> {
        if let Some(point) = self.object_lambda(cx, &input.bucket).await? {
            let access = point.access("s3-object-lambda:ListBucket", None);
            return Ok(vec![access]);
        }
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let access = bucket.access(cx, "s3:ListBucket");
        Ok(vec![list_keys(access, &input.prefix, &input.delimiter, input.max_keys)])
    }

    async fn call(&self, cx: &Cx, mut input: ListObjectsV2Request) -> Result<ListObjectsV2Output> {
        if let Some(point) = self.object_lambda(cx, &input.bucket).await? {
            let signed = signed_headers(&input.request_payer, &input.expected_bucket_owner);
            let asked = self.list_transformed::<ListObjectsV2>(cx, &point, "listObjectsV2Context", &signed);
            if let Some(output) = Box::pin(asked).await? {
                return Ok(output);
            }
            input.bucket = self.supporting_alias(&point).await?;
            return self.as_supported::<ListObjectsV2>(cx, input).await;
        }
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let encoding = Encoding::parse(input.encoding_type.as_deref())?;
        let limit = limit(input.max_keys, "maxKeys")?;
        let purpose = format!("s3:ListObjectsV2:{}", bucket.id());
        let resumed: Option<String> = match &input.continuation_token {
            None => None,
            Some(token) => Some(
                paging::position(&self.platform.seal, &purpose, token)
                    .ok_or_else(error::invalid_continuation_token)?,
            ),
        };
        let marker = resumed.as_deref().or(input.start_after.as_deref());
        let query = query(&bucket, &input.prefix, &input.delimiter, limit);
        let page = if limit == 0 { empty() } else { self.records.list_objects(query, marker).await? };
        let next = page.next.as_ref().map(|next| paging::token(&self.platform.seal, &purpose, next));
        let key_count = (page.items.len() + page.prefixes.len()) as i32;
        let fetch_owner = input.fetch_owner == Some(true);
        Ok(ListObjectsV2Output {
            is_truncated: Some(next.is_some()),
            common_prefixes: common_prefixes(&page.prefixes, encoding),
            contents: contents(
                page,
                &bucket,
                encoding,
                fetch_owner,
                (&input.optional_object_attributes, cx.now()),
            ),
            name: Some(bucket.name.clone()),
            prefix: Some(encoding.show(input.prefix.as_deref().unwrap_or_default())),
            delimiter: shown(&input.delimiter, encoding),
            max_keys: Some(limit as i32),
            encoding_type: encoding.name(),
            key_count: Some(key_count),
            continuation_token: input.continuation_token,
            next_continuation_token: next,
            start_after: shown(&input.start_after, encoding),
            request_charged: None,
        })
    }
}

impl Handle<ListObjects> for S3 {
    async fn access(&self, cx: &Cx, input: &ListObjectsRequest) -> Result<Vec<Access>> {
        if let Some(point) = self.object_lambda(cx, &input.bucket).await? {
            let access = point.access("s3-object-lambda:ListBucket", None);
            return Ok(vec![access]);
        }
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let access = bucket.access(cx, "s3:ListBucket");
        Ok(vec![list_keys(access, &input.prefix, &input.delimiter, input.max_keys)])
    }

    async fn call(&self, cx: &Cx, mut input: ListObjectsRequest) -> Result<ListObjectsOutput> {
        if let Some(point) = self.object_lambda(cx, &input.bucket).await? {
            let signed = signed_headers(&input.request_payer, &input.expected_bucket_owner);
            let asked = self.list_transformed::<ListObjects>(cx, &point, "listObjectsContext", &signed);
            if let Some(output) = Box::pin(asked).await? {
                return Ok(output);
            }
            input.bucket = self.supporting_alias(&point).await?;
            return self.as_supported::<ListObjects>(cx, input).await;
        }
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let encoding = Encoding::parse(input.encoding_type.as_deref())?;
        let limit = limit(input.max_keys, "maxKeys")?;
        let query = query(&bucket, &input.prefix, &input.delimiter, limit);
        let page = if limit == 0 {
            empty()
        } else {
            self.records.list_objects(query, input.marker.as_deref()).await?
        };
        // Without a delimiter the last key is the next marker, and S3 does not say it.
        let next_marker =
            page.next.as_ref().filter(|_| !query.delimiter.is_empty()).map(|next| encoding.show(next));
        Ok(ListObjectsOutput {
            is_truncated: Some(page.next.is_some()),
            marker: Some(encoding.show(input.marker.as_deref().unwrap_or_default())),
            next_marker,
            common_prefixes: common_prefixes(&page.prefixes, encoding),
            contents: contents(page, &bucket, encoding, true, (&input.optional_object_attributes, cx.now())),
            name: Some(bucket.name.clone()),
            prefix: Some(encoding.show(input.prefix.as_deref().unwrap_or_default())),
            delimiter: shown(&input.delimiter, encoding),
            max_keys: Some(limit as i32),
            encoding_type: encoding.name(),
            request_charged: None,
        })
    }
}

/// `s3:prefix`, `s3:delimiter` and `s3:max-keys`, where the request has them.
pub(super) fn list_keys(
    access: Access,
    prefix: &Option<String>,
    delimiter: &Option<String>,
    max_keys: Option<i32>,
) -> Access {
    let access = crate::headers::write_keys(access, &[("s3:prefix", prefix), ("s3:delimiter", delimiter)]);
    match max_keys {
        Some(max) => access.key("s3:max-keys", max.to_string()),
        None => access,
    }
}

pub(super) fn limit(given: Option<i32>, name: &'static str) -> Result<usize> {
    match given {
        None => Ok(PAGE_MAX),
        Some(given) if given >= 0 => Ok((given as usize).min(PAGE_MAX)),
        Some(given) => {
            let message = format!("Argument {name} must be an integer between 0 and 2147483647");
            Err(error::invalid_argument(message, name, given.to_string()))
        }
    }
}

pub(super) fn query<'a>(
    bucket: &Bucket,
    prefix: &'a Option<String>,
    delimiter: &'a Option<String>,
    limit: usize,
) -> Query<'a> {
    Query {
        bucket: bucket.id(),
        prefix: prefix.as_deref().unwrap_or_default(),
        delimiter: delimiter.as_deref().unwrap_or_default(),
        limit,
    }
}

pub(super) fn common_prefixes(prefixes: &[String], encoding: Encoding) -> Option<Vec<CommonPrefix>> {
    let shown = prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(encoding.show(prefix)) });
    (!prefixes.is_empty()).then(|| shown.collect())
}

pub(super) fn shown(text: &Option<String>, encoding: Encoding) -> Option<String> {
    text.as_deref().filter(|text| !text.is_empty()).map(|text| encoding.show(text))
}

fn empty<T>() -> Page<T> {
    Page { items: Vec::new(), prefixes: Vec::new(), next: None }
}

fn contents(
    page: Page<(String, ListedObject)>,
    bucket: &Bucket,
    encoding: Encoding,
    with_owner: bool,
    restores: (&Option<Vec<String>>, Instant),
) -> Option<Vec<Object>> {
    let objects = page.items.into_iter().filter_map(|(key, record)| {
        let account = bucket.owner_of(record.owner);
        let body = record.body?;
        Some(Object {
            key: Some(encoding.show(&key)),
            last_modified: Some(Instant::from_secs(record.modified_s)),
            e_tag: Some(format!("\"{}\"", body.etag)),
            checksum_algorithm: body.checksum.map(|sum| vec![sum.algorithm.as_str().to_owned()]),
            checksum_type: body.checksum.map(|sum| sum.kind.as_str().to_owned()),
            size: Some(body.size as i64),
            storage_class: Some(body.storage_class().to_owned()),
            owner: with_owner.then(|| owner(account)),
            restore_status: crate::archive::shown(restores.0, || {
                crate::archive::state_of(body.storage_class(), body.archive_tier(), body.restore, restores.1)
            }),
        })
    });
    let objects: Vec<Object> = objects.collect();
    (!objects.is_empty()).then_some(objects)
}
