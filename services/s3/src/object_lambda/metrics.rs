//! Requests by an Object Lambda access point, for CloudWatch, where its configuration says so.
//!
//! Source: S3 User Guide, "Metrics and dimensions": Amazon S3 Object Lambda request metrics in CloudWatch.

use haneul_kit::metrics::Metric;
use haneul_kit::{Cx, Instant, RequestHead};
use http::response;

use super::ALIAS_ENDING;
use crate::S3;
use crate::request_metrics::samples;

const NAMESPACE: &str = "AWS/S3ObjectLambda";

impl S3 {
    /// Counts a request that was answered, if it came by an Object Lambda access point that is watched.
    pub(crate) async fn count_transformed(
        &self,
        cx: &Cx,
        http: &RequestHead,
        answer: &response::Parts,
        now: Instant,
    ) {
        let path = http.uri.path().trim_start_matches('/');
        let (name, key) = match &http.bucket {
            Some(name) => (name.as_str(), path),
            None => path.split_once('/').unwrap_or((path, "")),
        };
        if !name.ends_with(ALIAS_ENDING) || !self.platform.metrics.is_open() {
            return;
        }
        let Ok(Some(point)) = self.object_lambda(cx, name).await else { return };
        if !point.record.configuration.metrics {
            return;
        }
        let dimensions = [
            ("AccessPointName", point.record.name.as_str()),
            ("DataSourceARN", point.record.configuration.supporting.as_str()),
        ];
        for (metric, value) in samples(cx, http, !key.is_empty(), answer, now) {
            let metric = Metric { namespace: NAMESPACE, ..metric };
            self.platform.metrics.record(metric, point.account, point.region, now, &dimensions, value);
        }
    }
}
