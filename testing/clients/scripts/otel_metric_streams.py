"""Metric streams in the formats of OpenTelemetry, through Data Firehose into S3, read back by the project's own messages."""

import gzip
import json
import os
import time
import urllib.request

import boto3
from google.protobuf.internal.decoder import _DecodeVarint32
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

endpoint = os.environ["AWS_ENDPOINT_URL"]
fire, s3, iam, watch, sts = (boto3.client(name) for name in ["firehose", "s3", "iam", "cloudwatch", "sts"])
account = sts.get_caller_identity()["Account"]


def clock(seconds):
    body = json.dumps({"advance_seconds": seconds}).encode()
    urllib.request.urlopen(urllib.request.Request(endpoint + "/_haneul/clock", data=body, method="POST")).read()


def role(name, service, *actions):
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(document))
    return arn


def objects(prefix):
    for found in s3.list_objects_v2(Bucket="lake", Prefix=prefix).get("Contents", []):
        yield gzip.decompress(s3.get_object(Bucket="lake", Key=found["Key"])["Body"].read())


def requests(prefix):
    """What arrived: each message has its length before it."""
    for data in objects(prefix):
        at = 0
        while at < len(data):
            length, at = _DecodeVarint32(data, at)
            assert at + length <= len(data)
            yield ExportMetricsServiceRequest.FromString(data[at:at + length])
            at += length


def plain(value):
    """An AnyValue as Python has it."""
    kind = value.WhichOneof("value")
    if kind == "kvlist_value":
        return attributes(value.kvlist_value.values)
    return getattr(value, kind)


def attributes(pairs):
    return {pair.key: plain(pair.value) for pair in pairs}


s3.create_bucket(Bucket="lake")
deliverer = role("deliverer", "firehose.amazonaws.com", "s3:PutObject")
streamer = role("streamer", "streams.metrics.cloudwatch.amazonaws.com", "firehose:PutRecord", "firehose:PutRecordBatch")
for form in ["opentelemetry1.0", "opentelemetry0.7"]:
    name = form[-3:].replace(".", "")
    destination = {"RoleARN": deliverer, "BucketARN": "arn:aws:s3:::lake", "Prefix": f"{name}/", "CompressionFormat": "GZIP",
                   "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60}}
    arn = fire.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination)["DeliveryStreamARN"]
    watch.put_metric_stream(
        Name=name, FirehoseArn=arn, RoleArn=streamer, OutputFormat=form, IncludeFilters=[{"Namespace": "App"}],
        StatisticsConfigurations=[{"IncludeMetrics": [{"Namespace": "App", "MetricName": "latency"}],
                                   "AdditionalStatistics": ["p99.9", "p50"]}])
    assert watch.get_metric_stream(Name=name)["OutputFormat"] == form
listed = {entry["Name"]: entry["OutputFormat"] for entry in watch.list_metric_streams()["Entries"]}
assert listed == {"10": "opentelemetry1.0", "07": "opentelemetry0.7"}, listed

host = [{"Name": "host", "Value": "a"}, {"Name": "zone", "Value": "1"}]
for value in range(1, 101):
    watch.put_metric_data(Namespace="App", MetricData=[
        {"MetricName": "latency", "Value": value, "Unit": "Milliseconds", "Dimensions": host}])
watch.put_metric_data(Namespace="App", MetricData=[{"MetricName": "rate", "Value": 7, "Unit": "Bytes/Second"}])
points = []
for _ in range(40):
    clock(60)
    time.sleep(0.3)
    points = [point for request in requests("10/") for each in request.resource_metrics
              for scope in each.scope_metrics for metric in scope.metrics for point in metric.summary.data_points]
    if sum(point.count for point in points) >= 101 and list(objects("07/")):
        break

# 1.0: what the project's own messages say.
found = {}
for request in requests("10/"):
    for each in request.resource_metrics:
        assert attributes(each.resource.attributes) == {
            "cloud.provider": "aws", "cloud.account.id": account, "cloud.region": "us-east-1",
            "aws.exporter.arn": f"arn:aws:cloudwatch:us-east-1:{account}:metric-stream/10"}, each.resource
        for scope in each.scope_metrics:
            assert not scope.HasField("scope")
            for metric in scope.metrics:
                assert metric.WhichOneof("data") == "summary" and not metric.description
                found.setdefault((metric.name, metric.unit), []).extend(metric.summary.data_points)
assert set(found) == {("amazonaws.com/App/latency", "ms"), ("amazonaws.com/App/rate", "By/s")}, set(found)
latency = found["amazonaws.com/App/latency", "ms"]
assert sum(point.count for point in latency) == 100 and sum(point.sum for point in latency) == 5050
for point in latency:
    assert point.time_unix_nano - point.start_time_unix_nano == 60 * 10**9 and point.start_time_unix_nano % (60 * 10**9) == 0
    assert attributes(point.attributes) == {"Namespace": "App", "MetricName": "latency", "Dimensions": {"host": "a", "zone": "1"}}
    quantiles = [at.quantile for at in point.quantile_values]
    values = [at.value for at in point.quantile_values]
    assert quantiles == [0.0, 0.5, 0.999, 1.0] and values == sorted(values), (quantiles, values)
assert min(point.quantile_values[0].value for point in latency) == 1
assert max(point.quantile_values[-1].value for point in latency) == 100
[rate] = found["amazonaws.com/App/rate", "By/s"]
assert attributes(rate.attributes) == {"Namespace": "App", "MetricName": "rate", "Dimensions": {}}
assert [(at.quantile, at.value) for at in rate.quantile_values] == [(0, 7), (1, 7)] and (rate.count, rate.sum) == (1, 7)

# 0.7 has labels where 1.0 has attributes, under a number that 1.0 reserves: its parser knows all but those.
labels = []
for request in requests("07/"):
    for each in request.resource_metrics:
        for metric in (metric for scope in each.scope_metrics for metric in scope.metrics):
            for point in metric.summary.data_points:
                assert not point.attributes
                labels.append([(field.field_number, field.data) for field in UnknownFieldSet(point)])
assert labels and all({number for number, _ in each} == {1} for each in labels), labels
text = b"".join(data for each in labels for _, data in each)
for label in [b"\x0a\x09Namespace\x12\x03App", b"\x0a\x0aMetricName\x12\x07latency", b"\x0a\x04host\x12\x01a", b"\x0a\x04zone\x12\x011"]:
    assert label in text, text
print("metric streams in OpenTelemetry's formats: ok")
