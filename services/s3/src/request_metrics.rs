//! Request metrics: what CloudWatch shows of a bucket's requests, for each metrics configuration that a request matches.
//!
//! Source: S3 User Guide, "Metrics and dimensions": Amazon S3 request metrics in CloudWatch.

use std::sync::Arc;

use haneul_kit::meter::{At, Meter, UsageType};
use haneul_kit::metrics::{Metric, Metrics, Unit};
use haneul_kit::{AccountId, Cx, Instant, Region, RequestHead};
use http::{Method, response};

use crate::S3;
use crate::access_log::key_of;
use crate::bucket::Bucket;
use crate::metering::{self, selected};
use crate::model::Body;
use crate::model::filter::RequestMetrics;
use crate::storage_lens::activity::Activity;
use crate::storage_lens::metrics::Name;
use crate::tagging::TagMap;

const NAMESPACE: &str = "AWS/S3";

const ALL: Metric = Metric::new(NAMESPACE, "AllRequests", Unit::Count);
const GET: Metric = Metric::new(NAMESPACE, "GetRequests", Unit::Count);
const PUT: Metric = Metric::new(NAMESPACE, "PutRequests", Unit::Count);
const DELETE: Metric = Metric::new(NAMESPACE, "DeleteRequests", Unit::Count);
const HEAD: Metric = Metric::new(NAMESPACE, "HeadRequests", Unit::Count);
const POST: Metric = Metric::new(NAMESPACE, "PostRequests", Unit::Count);
const LIST: Metric = Metric::new(NAMESPACE, "ListRequests", Unit::Count);
const SELECT: Metric = Metric::new(NAMESPACE, "SelectRequests", Unit::Count);
const SELECT_SCANNED: Metric = Metric::new(NAMESPACE, "SelectBytesScanned", Unit::Bytes);
const SELECT_RETURNED: Metric = Metric::new(NAMESPACE, "SelectBytesReturned", Unit::Bytes);
const DOWNLOADED: Metric = Metric::new(NAMESPACE, "BytesDownloaded", Unit::Bytes);
const UPLOADED: Metric = Metric::new(NAMESPACE, "BytesUploaded", Unit::Bytes);
const ERRORS_4XX: Metric = Metric::new(NAMESPACE, "4xxErrors", Unit::Count);
const ERRORS_5XX: Metric = Metric::new(NAMESPACE, "5xxErrors", Unit::Count);
const FIRST_BYTE: Metric = Metric::new(NAMESPACE, "FirstByteLatency", Unit::Milliseconds);
const TOTAL: Metric = Metric::new(NAMESPACE, "TotalRequestLatency", Unit::Milliseconds);

impl S3 {
    /// Counts a request that was answered. Without a configuration it costs a look at an empty list.
    pub(crate) async fn count_request(
        &self,
        cx: &Cx,
        http: &RequestHead,
        bucket: &Bucket,
        answer: &response::Parts,
        now: Instant,
    ) {
        let configurations = &bucket.record.features.metrics;
        if configurations.is_empty() || !self.platform.metrics.is_open() {
            return;
        }
        let key = key_of(http, bucket);
        let tags = self.tags_for(bucket, key.as_deref()).await;
        let samples = samples(cx, http, key.is_some(), answer, now);
        for one in matching(configurations, bucket, key.as_deref(), &tags) {
            let dimensions = [("BucketName", bucket.name.as_str()), ("FilterId", one.id.as_str())];
            for (metric, value) in &samples {
                self.platform.metrics.record(*metric, bucket.owner, bucket.region, now, &dimensions, *value);
            }
        }
    }

    /// What a selection will be counted under.
    pub(crate) fn selections(&self, bucket: &Bucket, key: &str, body: &Body, now: Instant) -> Selections {
        let configurations = &bucket.record.features.metrics;
        let ids = matching(configurations, bucket, Some(key), &body.tags).map(|one| one.id.clone()).collect();
        Selections {
            metrics: self.platform.metrics.clone(),
            account: bucket.owner,
            region: bucket.region,
            bucket: bucket.name.clone(),
            ids,
            now,
            activity: self.activity.clone(),
            bucket_id: bucket.id(),
            meter: self.platform.meter.clone(),
            kinds: selected(body.storage_class()),
        }
    }

    /// The tags of the object, where any filter asks for some.
    async fn tags_for(&self, bucket: &Bucket, key: Option<&str>) -> TagMap {
        let filters = bucket.record.features.metrics.iter().filter_map(|one| one.filter.as_ref());
        let asked = filters.into_iter().any(|filter| !filter.tags.is_empty());
        let Some(key) = key.filter(|_| asked) else { return TagMap::new() };
        let found = self.records.find(bucket.id(), key, None).await.ok().flatten();
        found.and_then(|record| record.body).map(|body| body.tags).unwrap_or_default()
    }
}

/// Counts what a selection read and gave, at its end.
pub(crate) struct Selections {
    metrics: Metrics,
    account: AccountId,
    region: Region,
    bucket: String,
    ids: Vec<String>,
    now: Instant,
    activity: Arc<Activity>,
    bucket_id: u64,
    meter: Meter,
    /// As what it is paid for, scanned and returned.
    kinds: [UsageType; 2],
}

impl Selections {
    pub(crate) fn record(&self, scanned: u64, returned: u64) {
        let read = At {
            at: self.now,
            owner: (self.account, self.region),
            service: "s3",
            operation: "SelectObjectContent",
            resource: &metering::arn(&self.bucket),
        };
        for (kind, amount) in self.kinds.into_iter().zip([scanned, returned]) {
            self.meter.used(read, kind, amount);
        }
        if self.activity.was_watched(self.account) {
            let values = [(Name::SelectScanned, scanned), (Name::SelectReturned, returned)];
            self.activity.add(self.bucket_id, values, self.now);
        }
        for id in &self.ids {
            let dimensions = [("BucketName", self.bucket.as_str()), ("FilterId", id.as_str())];
            for (metric, value) in [(SELECT_SCANNED, scanned), (SELECT_RETURNED, returned)] {
                self.metrics.record(metric, self.account, self.region, self.now, &dimensions, value as f64);
            }
        }
    }
}

/// Requests without a key match only what has no filter on keys.
fn matching<'c>(
    configurations: &'c [RequestMetrics],
    bucket: &'c Bucket,
    key: Option<&'c str>,
    tags: &'c TagMap,
) -> impl Iterator<Item = &'c RequestMetrics> {
    configurations.iter().filter(move |one| {
        let Some(filter) = &one.filter else { return true };
        let by_point =
            filter.access_point.as_deref().is_none_or(|point| Some(point) == bucket.access_point_arn());
        let by_key = match key {
            Some(key) => filter.is_about(key, tags),
            None => filter.prefix.is_none() && filter.tags.is_empty(),
        };
        by_point && by_key
    })
}

pub(crate) fn samples(
    cx: &Cx,
    http: &RequestHead,
    is_object: bool,
    answer: &response::Parts,
    now: Instant,
) -> Vec<(Metric, f64)> {
    let elapsed_ms = (now.millis() - cx.now().millis()).max(0) as f64;
    let status = answer.status;
    let mut samples = vec![
        (ALL, 1.0),
        (ERRORS_4XX, f64::from(u8::from(status.is_client_error()))),
        (ERRORS_5XX, f64::from(u8::from(status.is_server_error()))),
        (FIRST_BYTE, elapsed_ms),
        (TOTAL, elapsed_ms),
    ];
    if let Some(metric) = kind(http, is_object) {
        samples.push((metric, 1.0));
    }
    let length = |value: Option<&str>| value.and_then(|value| value.parse::<f64>().ok());
    let sent = answer.headers.get("content-length").and_then(|value| value.to_str().ok());
    if let Some(sent) = length(sent).filter(|_| http.method != Method::HEAD && status.is_success()) {
        samples.push((DOWNLOADED, sent));
    }
    let came = http.header("x-amz-decoded-content-length").or(http.header("content-length"));
    if let Some(came) = length(came).filter(|came| *came > 0.0) {
        samples.push((UPLOADED, came));
    }
    samples
}

/// How a request is counted beside all requests.
fn kind(http: &RequestHead, is_object: bool) -> Option<Metric> {
    let query = http.uri.query().unwrap_or_default();
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let lists = !is_object
        && (has("list-type")
            || has("versions")
            || has("uploads")
            || has("prefix")
            || query.is_empty()
            || has("delimiter"));
    match http.method {
        Method::GET if is_object => Some(GET),
        Method::GET if lists => Some(LIST),
        Method::GET => Some(GET),
        Method::PUT => Some(PUT),
        Method::DELETE => Some(DELETE),
        Method::HEAD => Some(HEAD),
        Method::POST if has("select") => Some(SELECT),
        Method::POST => Some(POST),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (method, uri, is_object, expected) in [
            ("GET", "/b/k", true, Some("GetRequests")),
            ("GET", "/b?list-type=2&prefix=a", false, Some("ListRequests")),
            ("GET", "/b", false, Some("ListRequests")),
            ("GET", "/b?policy", false, Some("GetRequests")),
            ("PUT", "/b/k", true, Some("PutRequests")),
            ("DELETE", "/b/k", true, Some("DeleteRequests")),
            ("HEAD", "/b/k", true, Some("HeadRequests")),
            ("POST", "/b?delete", false, Some("PostRequests")),
            ("POST", "/b/k?select&select-type=2", true, Some("SelectRequests")),
            ("OPTIONS", "/b/k", true, None),
        ] {
            let head = RequestHead::new(method.parse().unwrap(), uri.parse().unwrap(), Default::default());
            assert_eq!(kind(&head, is_object).map(|metric| metric.name), expected, "{method} {uri}");
        }
    }
}
