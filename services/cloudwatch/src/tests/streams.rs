//! Metric streams into a Firehose that notes what it is given.

use std::sync::Arc;

use haneul_cloudwatch_wire::{operations as op, shapes as s};
use haneul_firehose_wire::{operations as fire, shapes as f};
use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kit::{Access, Cx, Handle, Result, Service};
use haneul_otlp::attributes::{AnyValue, KeyValue, KeyValueList, Value as Any};
use haneul_otlp::metrics::{Metric, MetricsRequest};
use haneul_otlp::{Bytes, Message};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::cloud::{Cloud, datum};

#[derive(Default)]
pub(super) struct Sink {
    pub(super) lines: Mutex<Vec<Value>>,
    /// Whether what comes is no text; then it is in `records`.
    binary: Mutex<bool>,
    records: Mutex<Vec<Bytes>>,
    pub(super) refuses: Mutex<bool>,
    /// How many records of a call are taken, the last of it.
    takes: Mutex<Option<usize>>,
    /// Bytes of each call.
    calls: Mutex<Vec<usize>>,
}

pub(super) fn service(sink: &Arc<Sink>) -> Service {
    Service::of(&haneul_firehose_wire::SERVICE, sink.clone()).op::<fire::PutRecordBatch>().build()
}

impl Handle<fire::PutRecordBatch> for Sink {
    async fn access(&self, cx: &Cx, input: &f::PutRecordBatchInput) -> Result<Vec<Access>> {
        let arn = cx.arn("firehose", format_args!("deliverystream/{}", input.delivery_stream_name));
        Ok(vec![Access::on("firehose:PutRecordBatch", &arn)])
    }

    async fn call(&self, _: &Cx, input: f::PutRecordBatchInput) -> Result<f::PutRecordBatchOutput> {
        if *self.refuses.lock() {
            return Err(haneul_kit::ApiError::new("ServiceUnavailableException", "Slow down."));
        }
        assert_eq!(input.delivery_stream_name, "flow");
        self.calls.lock().push(input.records.iter().map(|record| record.data.len()).sum());
        let refused = self.takes.lock().map_or(0, |takes| input.records.len().saturating_sub(takes));
        let answer = |i: usize| f::PutRecordBatchResponseEntry {
            error_code: (i < refused).then(|| "ServiceUnavailableException".to_owned()),
            ..Default::default()
        };
        let output = f::PutRecordBatchOutput {
            failed_put_count: refused as i32,
            request_responses: (0..input.records.len()).map(answer).collect(),
            ..Default::default()
        };
        let taken = input.records.into_iter().skip(refused);
        if *self.binary.lock() {
            self.records.lock().extend(taken.map(|record| record.data));
            return Ok(output);
        }
        for record in taken {
            let text = String::from_utf8(record.data.to_vec()).unwrap();
            assert!(text.ends_with('\n'));
            self.lines.lock().extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
        Ok(output)
    }
}

async fn role(cloud: &Cloud) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "streams.metrics.cloudwatch.amazonaws.com"}}]});
    let input = i::CreateRoleRequest {
        role_name: "streamer".into(),
        assume_role_policy_document: trust.to_string(),
        ..Default::default()
    };
    cloud.ok::<iam::CreateRole>(input).await;
    let policy = json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "firehose:PutRecordBatch", "Resource": "*"}]});
    let input = i::PutRolePolicyRequest {
        role_name: "streamer".into(),
        policy_name: "own".into(),
        policy_document: policy.to_string(),
    };
    cloud.ok::<iam::PutRolePolicy>(input).await;
}

fn stream() -> s::PutMetricStreamInput {
    s::PutMetricStreamInput {
        name: "all".into(),
        firehose_arn: "arn:aws:firehose:us-east-1:111111111111:deliverystream/flow".into(),
        role_arn: "arn:aws:iam::111111111111:role/streamer".into(),
        output_format: "json".into(),
        ..Default::default()
    }
}

/// More statistics of the metric m.
fn statistics(names: &[&str]) -> s::MetricStreamStatisticsConfiguration {
    s::MetricStreamStatisticsConfiguration {
        include_metrics: vec![s::MetricStreamStatisticsMetric {
            namespace: "Test".into(),
            metric_name: "m".into(),
        }],
        additional_statistics: names.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn test_lines(cloud: &Cloud) -> Vec<Value> {
    let mut lines = std::mem::take(&mut *cloud.sink.lines.lock());
    lines.retain(|line| line["namespace"] == "Test");
    lines
}

#[tokio::test]
async fn minutes_go_into_firehose_once() {
    let cloud = Cloud::new().await;
    role(&cloud).await;
    let mut input = stream();
    input.statistics_configurations = Some(vec![statistics(&["p90", "tm90"])]);
    cloud.ok::<op::PutMetricStream>(input).await;
    let minute = cloud.minute();
    for value in 1..=10 {
        cloud.put("m", minute, f64::from(value)).await;
    }
    let mut other = datum("n", minute, 5.0);
    other.dimensions = Some(vec![s::Dimension { name: "host".into(), value: "a".into() }]);
    cloud.put_all(vec![other]).await;
    cloud.advance(70).await;
    assert!(test_lines(&cloud).is_empty(), "what comes late is waited for");
    cloud.advance(130).await;
    let mut lines = test_lines(&cloud);
    lines.sort_by_key(|line| line["metric_name"].to_string());
    assert_eq!(lines.len(), 2);
    let (m, n) = (&lines[0], &lines[1]);
    assert_eq!(m["timestamp"], minute * 1000);
    assert_eq!(m["value"]["count"], 10.0);
    assert_eq!(
        (&m["value"]["sum"], &m["value"]["min"], &m["value"]["max"]),
        (&json!(55.0), &json!(1.0), &json!(10.0))
    );
    assert!(m["value"]["p90"].as_f64().unwrap() > 8.0 && m["value"]["tm90"].as_f64().unwrap() < 5.5);
    assert_eq!(
        (&m["metric_stream_name"], &m["account_id"], &m["region"]),
        (&json!("all"), &json!("111111111111"), &json!("us-east-1"))
    );
    assert_eq!(n["dimensions"], json!({"host": "a"}));
    assert!(n["value"].get("p90").is_none());
    cloud.advance(600).await;
    assert!(test_lines(&cloud).is_empty(), "nothing is sent twice");
}

/// The metrics of our namespace in what came.
fn test_metrics(cloud: &Cloud) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for mut record in std::mem::take(&mut *cloud.sink.records.lock()) {
        while !record.is_empty() {
            let request = MetricsRequest::decode_length_delimited(&mut record).unwrap();
            let [of_resource] = request.resource_metrics.try_into().unwrap();
            let attributes = of_resource.resource.unwrap().attributes;
            let expected = [
                ("cloud.provider", "aws"),
                ("cloud.account.id", "111111111111"),
                ("cloud.region", "us-east-1"),
                ("aws.exporter.arn", "arn:aws:cloudwatch:us-east-1:111111111111:metric-stream/all"),
            ];
            assert_eq!(attributes, expected.map(|(key, value)| KeyValue::string(key, value)));
            let [of_scope] = of_resource.scope_metrics.try_into().unwrap();
            metrics.extend(of_scope.metrics);
        }
    }
    metrics.retain(|metric| metric.name.starts_with("amazonaws.com/Test/"));
    metrics
}

#[tokio::test]
async fn minutes_as_open_telemetry() {
    for format in ["opentelemetry1.0", "opentelemetry0.7"] {
        let cloud = Cloud::new().await;
        *cloud.sink.binary.lock() = true;
        role(&cloud).await;
        let mut input = stream();
        input.output_format = format.into();
        input.statistics_configurations = Some(vec![statistics(&["p99.9", "p50", "p0", "p100"])]);
        cloud.ok::<op::PutMetricStream>(input).await;
        let get = s::GetMetricStreamInput { name: "all".into() };
        assert_eq!(cloud.ok::<op::GetMetricStream>(get).await.output_format.as_deref(), Some(format));
        let minute = cloud.minute();
        for value in 1..=10 {
            cloud.put("m", minute, f64::from(value)).await;
        }
        let on = |host: &str, unit: &str, value| {
            let mut other = datum("n", minute, value);
            other.dimensions = Some(vec![s::Dimension { name: "host".into(), value: host.into() }]);
            other.unit = Some(unit.into());
            other
        };
        cloud
            .put_all(vec![on("a", "Bytes/Second", 5.0), on("b", "Bytes/Second", 6.0), on("b", "Bits", 7.0)])
            .await;
        cloud.advance(200).await;
        let metrics = test_metrics(&cloud);
        let named: Vec<_> =
            metrics.iter().map(|metric| (metric.name.as_str(), metric.unit.as_str())).collect();
        let (m, n) = ("amazonaws.com/Test/m", "amazonaws.com/Test/n");
        assert_eq!(named.iter().filter(|known| **known == (n, "By/s")).count(), 1, "{named:?}");
        assert!(named.len() == 3 && named.contains(&(m, "1")) && named.contains(&(n, "bit")), "{named:?}");
        let points = |name, unit| {
            let found =
                metrics.iter().find(|metric| (metric.name.as_str(), metric.unit.as_str()) == (name, unit));
            found.unwrap().summary.clone().unwrap().data_points
        };
        let [point] = points(m, "1").try_into().unwrap();
        let nanos = minute as u64 * 1_000_000_000;
        assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (nanos, nanos + 60_000_000_000));
        assert_eq!((point.count, point.sum), (10, 55.0));
        let quantiles: Vec<_> = point.quantile_values.iter().map(|one| one.quantile).collect();
        assert_eq!(quantiles, [0.0, 0.5, 0.999, 1.0]);
        let values: Vec<_> = point.quantile_values.iter().map(|one| one.value).collect();
        assert_eq!((values[0], values[3]), (1.0, 10.0));
        assert!((values[1] - 5.5).abs() < 0.1 && values[2] > 9.9, "{values:?}");
        let both = points(n, "By/s");
        assert_eq!(both.iter().map(|point| point.sum).sum::<f64>(), 11.0);
        let of_a = both.iter().find(|point| point.sum == 5.0).unwrap();
        if format == "opentelemetry0.7" {
            let labels: Vec<_> =
                of_a.labels.iter().map(|label| (label.key.as_str(), label.value.as_str())).collect();
            assert_eq!(labels, [("Namespace", "Test"), ("MetricName", "n"), ("host", "a")]);
            assert!(of_a.attributes.is_empty());
        } else {
            let host = Any::KeyValues(KeyValueList { values: vec![KeyValue::string("host", "a")] });
            let expected = [
                KeyValue::string("Namespace", "Test"),
                KeyValue::string("MetricName", "n"),
                KeyValue { key: "Dimensions".into(), value: Some(AnyValue { value: Some(host) }) },
            ];
            assert_eq!(of_a.attributes, expected);
            assert!(of_a.labels.is_empty());
        }
    }
}

#[tokio::test]
async fn much_as_open_telemetry() {
    let cloud = Cloud::new().await;
    *cloud.sink.binary.lock() = true;
    role(&cloud).await;
    let mut input = stream();
    input.output_format = "opentelemetry1.0".into();
    cloud.ok::<op::PutMetricStream>(input).await;
    let minute = cloud.minute();
    for part in 0..5 {
        let name = |i| format!("{}{}", "m".repeat(200), part * 1000 + i);
        cloud.put_all((0..1000).map(|i| datum(&name(i), minute, 1.0)).collect()).await;
    }
    cloud.advance(200).await;
    let records: Vec<_> = cloud.sink.records.lock().iter().map(Bytes::len).collect();
    assert!(records.len() > 10 && records.iter().all(|length| *length < 200_000), "{records:?}");
    let calls = cloud.sink.calls.lock().clone();
    assert!(calls.len() > 1 && calls.iter().all(|size| *size <= 1_000_000), "{calls:?}");
    let mut names: Vec<_> = test_metrics(&cloud).into_iter().map(|metric| metric.name).collect();
    names.sort();
    assert_eq!(names.len(), 5000);
    names.dedup();
    assert_eq!(names.len(), 5000, "none is sent twice");
}

#[tokio::test]
async fn what_firehose_does_not_take_is_sent_later() {
    let cloud = Cloud::new().await;
    role(&cloud).await;
    cloud.ok::<op::PutMetricStream>(stream()).await;
    *cloud.sink.refuses.lock() = true;
    cloud.put("m", cloud.minute(), 1.0).await;
    cloud.advance(300).await;
    *cloud.sink.refuses.lock() = false;
    cloud.advance(70).await;
    cloud.settle().await;
    assert_eq!(test_lines(&cloud).len(), 1);
}

#[tokio::test]
async fn only_what_firehose_throttles_is_sent_again() {
    let cloud = Cloud::new().await;
    role(&cloud).await;
    cloud.ok::<op::PutMetricStream>(stream()).await;
    let minute = cloud.minute();
    let count = 5000;
    let data = |part: usize| {
        let name = |i| format!("{}{}", "m".repeat(200), part * 1000 + i);
        (0..1000).map(|i| datum(&name(i), minute, 1.0)).collect()
    };
    for part in 0..count / 1000 {
        cloud.put_all(data(part)).await;
    }
    *cloud.sink.takes.lock() = Some(3);
    for _ in 0..300 {
        cloud.advance(1).await;
    }
    let mut names: Vec<_> =
        test_lines(&cloud).iter().map(|line| line["metric_name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names.len(), count);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "none is sent twice");
    let calls = cloud.sink.calls.lock().clone();
    assert!(calls.iter().all(|size| *size <= 1_000_000), "{calls:?}");
    assert!(calls.iter().any(|size| *size > 900_000), "{calls:?}");
    // What takes nothing is given up, and tried anew in the next minute.
    cloud.put("n", cloud.minute(), 1.0).await;
    *cloud.sink.takes.lock() = Some(0);
    cloud.sink.calls.lock().clear();
    for _ in 0..240 {
        cloud.advance(1).await;
    }
    let calls = cloud.sink.calls.lock().len();
    assert!((10..=40).contains(&calls), "{calls}");
    *cloud.sink.takes.lock() = None;
    for _ in 0..120 {
        cloud.advance(1).await;
    }
    assert_eq!(test_lines(&cloud).len(), 1);
}

#[tokio::test]
async fn filters_and_stopping() {
    let cloud = Cloud::new().await;
    role(&cloud).await;
    let mut input = stream();
    let filter = |names: &[&str]| s::MetricStreamFilter {
        namespace: Some("Test".into()),
        metric_names: Some(names.iter().map(|name| (*name).to_owned()).collect()),
    };
    input.include_filters = Some(vec![filter(&["a"])]);
    cloud.ok::<op::PutMetricStream>(input.clone()).await;
    cloud.put("a", cloud.minute(), 1.0).await;
    cloud.put("b", cloud.minute(), 1.0).await;
    cloud.advance(240).await;
    let names = |lines: Vec<Value>| {
        lines.iter().map(|line| line["metric_name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(test_lines(&cloud)), ["a"]);
    (input.include_filters, input.exclude_filters) = (None, Some(vec![filter(&["a"])]));
    cloud.ok::<op::PutMetricStream>(input).await;
    cloud.put("a", cloud.minute(), 1.0).await;
    cloud.put("b", cloud.minute(), 1.0).await;
    cloud.advance(240).await;
    assert_eq!(names(test_lines(&cloud)), ["b"]);
    let names_of = || vec!["all".to_owned()];
    cloud.ok::<op::StopMetricStreams>(s::StopMetricStreamsInput { names: names_of() }).await;
    let get = s::GetMetricStreamInput { name: "all".into() };
    assert_eq!(cloud.ok::<op::GetMetricStream>(get.clone()).await.state.as_deref(), Some("stopped"));
    cloud.put("b", cloud.minute(), 1.0).await;
    cloud.advance(240).await;
    cloud.ok::<op::StartMetricStreams>(s::StartMetricStreamsInput { names: names_of() }).await;
    cloud.advance(240).await;
    assert!(test_lines(&cloud).is_empty(), "what came while it stood is not sent");
    let listed = cloud.ok::<op::ListMetricStreams>(Default::default()).await.entries.unwrap();
    assert_eq!((listed.len(), listed[0].state.as_deref()), (1, Some("running")));
    cloud.ok::<op::DeleteMetricStream>(s::DeleteMetricStreamInput { name: "all".into() }).await;
    assert!(cloud.err::<op::GetMetricStream>(get).await.starts_with("ResourceNotFoundException: "));
    let start = s::StartMetricStreamsInput { names: names_of() };
    assert!(cloud.err::<op::StartMetricStreams>(start).await.starts_with("ResourceNotFoundException: "));
}

#[tokio::test]
async fn what_a_stream_may_not_be() {
    let cloud = Cloud::new().await;
    type Spoil = fn(&mut s::PutMetricStreamInput);
    let filter = || s::MetricStreamFilter { namespace: Some("A".into()), ..Default::default() };
    let cases: &[(Spoil, &str)] = &[
        (|input| input.output_format = "xml".into(), "ValidationError"),
        (
            |input| {
                input.output_format = "opentelemetry1.0".into();
                input.statistics_configurations = Some(vec![statistics(&["p90", "tm90"])]);
            },
            "InvalidParameterValueException",
        ),
        (
            |input| input.firehose_arn = "arn:aws:sqs:us-east-1:111111111111:q".into(),
            "InvalidParameterValueException",
        ),
        (|input| input.role_arn = "arn:aws:iam::222222222222:role/r".into(), ""),
        (|input| input.include_linked_accounts_metrics = Some(true), "ValidationException"),
    ];
    for (spoil, expected) in cases {
        let mut input = stream();
        spoil(&mut input);
        let said = cloud.err::<op::PutMetricStream>(input).await;
        assert!(said.starts_with(expected), "{said}");
    }
    let mut both = stream();
    (both.include_filters, both.exclude_filters) = (Some(vec![filter()]), Some(vec![filter()]));
    assert!(cloud.err::<op::PutMetricStream>(both).await.starts_with("InvalidParameterCombinationException"));
}
