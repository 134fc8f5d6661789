"""Data Firehose by boto3: records arrive in S3 under names by expressions, and the metrics of a stream as lines of JSON."""

import gzip
import json
import os
import time
import urllib.request

import boto3
from botocore.exceptions import ClientError

endpoint = os.environ["AWS_ENDPOINT_URL"]
fire, s3, iam, watch, sts, kinesis, kms = (
    boto3.client(name) for name in ["firehose", "s3", "iam", "cloudwatch", "sts", "kinesis", "kms"])
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


def arrived(prefix, count=1):
    for _ in range(200):
        found = s3.list_objects_v2(Bucket="lake", Prefix=prefix).get("Contents", [])
        if len(found) >= count:
            return [object["Key"] for object in found]
        time.sleep(0.1)
    raise AssertionError(f"nothing arrived under {prefix}")


def text(key):
    return gzip.decompress(s3.get_object(Bucket="lake", Key=key)["Body"].read()).decode()


s3.create_bucket(Bucket="lake")
deliverer = role("deliverer", "firehose.amazonaws.com", "s3:PutObject")
streamer = role("streamer", "streams.metrics.cloudwatch.amazonaws.com", "firehose:PutRecord", "firehose:PutRecordBatch")
destination = {
    "RoleARN": deliverer,
    "BucketARN": "arn:aws:s3:::lake",
    "Prefix": "events/!{timestamp:yyyy}/",
    "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
    "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
    "CompressionFormat": "GZIP",
    "ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "AppendDelimiterToRecord"}]},
}
flow = fire.create_delivery_stream(DeliveryStreamName="flow", ExtendedS3DestinationConfiguration=destination)["DeliveryStreamARN"]
assert flow == f"arn:aws:firehose:us-east-1:{account}:deliverystream/flow"
shown = fire.describe_delivery_stream(DeliveryStreamName="flow")["DeliveryStreamDescription"]
assert (shown["DeliveryStreamStatus"], shown["VersionId"]) == ("ACTIVE", "1")

put = fire.put_record_batch(DeliveryStreamName="flow", Records=[{"Data": f"record {n}"} for n in range(500)])
assert put["FailedPutCount"] == 0 and len({one["RecordId"] for one in put["RequestResponses"]}) == 500
assert fire.put_record(DeliveryStreamName="flow", Record={"Data": b"last"})["RecordId"]
clock(61)
lines = "".join(text(key) for key in arrived("events/20")).splitlines()
assert sorted(lines) == sorted([f"record {n}" for n in range(500)] + ["last"]), lines[:3]

# What fills an object does not wait.
before = len(arrived("events/20"))
for _ in range(2):
    fire.put_record(DeliveryStreamName="flow", Record={"Data": b"x" * 900_000})
arrived("events/20", before + 1)

try:
    fire.put_record(DeliveryStreamName="none", Record={"Data": b"x"})
    raise AssertionError("a stream that is not there took a record")
except ClientError as refused:
    assert refused.response["Error"]["Code"] == "ResourceNotFoundException"
    assert refused.response["Error"]["Message"] == f"Firehose none under account {account} not found."

# A data stream is read, from now on.
kinesis.create_stream(StreamName="source", ShardCount=2)
kinesis.get_waiter("stream_exists").wait(StreamName="source", WaiterConfig={"Delay": 1})
source = kinesis.describe_stream_summary(StreamName="source")["StreamDescriptionSummary"]["StreamARN"]
reader = role("reader", "firehose.amazonaws.com", "kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords",
              "kinesis:ListShards")
fire.create_delivery_stream(
    DeliveryStreamName="read", DeliveryStreamType="KinesisStreamAsSource",
    KinesisStreamSourceConfiguration={"KinesisStreamARN": source, "RoleARN": reader},
    ExtendedS3DestinationConfiguration={**destination, "Prefix": "read/"})
shown = fire.describe_delivery_stream(DeliveryStreamName="read")["DeliveryStreamDescription"]
assert shown["Source"]["KinesisStreamSourceDescription"]["KinesisStreamARN"] == source
sent = [f"event {n}" for n in range(200)]
assert kinesis.put_records(StreamName="source", Records=[{"PartitionKey": one, "Data": one} for one in sent])["FailedRecordCount"] == 0
lines = []
for _ in range(100):
    clock(10)
    time.sleep(0.1)
    found = s3.list_objects_v2(Bucket="lake", Prefix="read/").get("Contents", [])
    lines = [line for object in found for line in text(object["Key"]).splitlines()]
    if len(lines) >= 200:
        break
assert sorted(lines) == sorted(sent), len(lines)
try:
    fire.put_record(DeliveryStreamName="read", Record={"Data": b"x"})
    raise AssertionError("a stream with a source took a record")
except ClientError as refused:
    assert refused.response["Error"]["Code"] == "InvalidArgumentException", refused.response["Error"]
fire.delete_delivery_stream(DeliveryStreamName="read")

# What waits, under a key of the customer's.
key = kms.create_key()["KeyMetadata"]["Arn"]
fire.start_delivery_stream_encryption(
    DeliveryStreamName="flow",
    DeliveryStreamEncryptionConfigurationInput={"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": key})
shown = fire.describe_delivery_stream(DeliveryStreamName="flow")["DeliveryStreamDescription"]["DeliveryStreamEncryptionConfiguration"]
assert (shown["KeyARN"], shown["Status"]) == (key, "ENABLED"), shown
before = len(arrived("events/20"))
fire.put_record(DeliveryStreamName="flow", Record={"Data": b"sealed"})
clock(61)
arrived("events/20", before + 1)

# A metric stream puts each minute of each metric into another one.
destination = {**destination, "Prefix": "metrics/", "ProcessingConfiguration": {"Enabled": False}}
arn = fire.create_delivery_stream(DeliveryStreamName="metrics", ExtendedS3DestinationConfiguration=destination)["DeliveryStreamARN"]
watch.put_metric_stream(Name="app", FirehoseArn=arn, RoleArn=streamer, OutputFormat="json",
                        IncludeFilters=[{"Namespace": "App"}])
assert watch.get_metric_stream(Name="app")["State"] == "running"
for value in [1, 2, 6]:
    watch.put_metric_data(Namespace="App", MetricData=[{"MetricName": "latency", "Value": value, "Unit": "Seconds",
                                                        "Dimensions": [{"Name": "host", "Value": "a"}]}])
for _ in range(5):
    clock(60)
    time.sleep(0.3)
lines = [json.loads(line) for key in arrived("metrics/") for line in text(key).splitlines()]
assert all(line["namespace"] == "App" and line["metric_stream_name"] == "app" for line in lines)
assert sum(line["value"]["count"] for line in lines) == 3 and sum(line["value"]["sum"] for line in lines) == 9
assert {line["unit"] for line in lines} == {"Seconds"} and lines[0]["dimensions"] == {"host": "a"}
watch.delete_metric_stream(Name="app")
fire.delete_delivery_stream(DeliveryStreamName="flow")
assert fire.list_delivery_streams()["DeliveryStreamNames"] == ["metrics"]
print("boto3 firehose: ok")
