"""What the meter says of storage, capacity and computing, by boto3 and the cloud's clock."""

import collections
import json
import os
import urllib.request

import boto3

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
HOUR = 3600


def control(path, **body):
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(urllib.request.Request(ENDPOINT + path, data=data)) as answer:
        return json.load(answer)


def pass_time(hours):
    control("/_haneul/clock", advance_seconds=hours * HOUR)


def usage():
    """Amounts of what is no request, by service, usage type and the resource's name."""
    sums = collections.Counter()
    for row in control("/_haneul/usage")["usage"]:
        sums[row["service"], row["usage_type"], row["resource"].replace("/", ":").split(":")[-1]] += row["amount"]
    return sums


def client(service):
    return boto3.client(service)


usage()
s3, tables, logs, kms = client("s3"), client("dynamodb"), client("logs"), client("kms")
s3.create_bucket(Bucket="metered")
s3.put_bucket_tagging(Bucket="metered", Tagging={"TagSet": [{"Key": "team", "Value": "sky"}]})
s3.put_object(Bucket="metered", Key="plain", Body=b"x" * 100_000)
s3.put_object(Bucket="metered", Key="seldom", Body=b"x" * 200_000, StorageClass="STANDARD_IA")
s3.put_object(Bucket="metered", Key="cold", Body=b"x" * 1000, StorageClass="GLACIER")
s3.get_object(Bucket="metered", Key="seldom", Range="bytes=0-49999")["Body"].read()
key = kms.create_key()["KeyMetadata"]["KeyId"]
schema = {"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
          "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]}
tables.create_table(TableName="provisioned", ProvisionedThroughput={"ReadCapacityUnits": 7, "WriteCapacityUnits": 2}, **schema)
tables.create_table(TableName="demanded", BillingMode="PAY_PER_REQUEST", **schema)
for name in ("provisioned", "demanded"):
    tables.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
tables.put_item(TableName="demanded", Item={"k": {"S": "a"}, "v": {"S": "x" * 2500}})
tables.get_item(TableName="demanded", Key={"k": {"S": "a"}}, ConsistentRead=True)
logs.create_log_group(logGroupName="metered")
logs.create_log_stream(logGroupName="metered", logStreamName="s")
now = control("/_haneul/clock")["epoch_ms"]
logs.put_log_events(logGroupName="metered", logStreamName="s", logEvents=[{"timestamp": now, "message": "x" * 974}])

# Over the next midnight and an hour more, so that the bucket was counted.
pass_time(25)
first = usage()
assert first["s3", "Retrieval-SIA", "metered"] == 50_000, first
assert first["dynamodb", "WriteRequestUnits", "demanded"] == 6, first
assert first["dynamodb", "ReadRequestUnits", "demanded"] == 2, first
assert first["logs", "DataProcessing-Bytes", "metered"] == 1000, first
pass_time(10)
second = usage()
assert second["s3", "Retrieval-SIA", "metered"] == 50_000, second


def of_ten_hours(*what):
    return second[what] - first[what]


assert of_ten_hours("s3", "TimedStorage-ByteHrs", "metered") == 10 * (100_000 + 8 * 1024), second
assert of_ten_hours("s3", "TimedStorage-SIA-ByteHrs", "metered") == 10 * 200_000, second
assert of_ten_hours("s3", "TimedStorage-GlacierByteHrs", "metered") == 10 * (1000 + 32 * 1024), second
assert of_ten_hours("dynamodb", "ReadCapacityUnit-Hrs", "provisioned") == 70, second
assert of_ten_hours("dynamodb", "WriteCapacityUnit-Hrs", "provisioned") == 20, second
assert of_ten_hours("dynamodb", "TimedStorage-ByteHrs", "demanded") == 10 * (2500 + 3 + 100), second
assert of_ten_hours("kms", "KMS-Keys", key) == 10, second
assert of_ten_hours("logs", "TimedStorage-ByteHrs", "metered") > 0, second
tags = [row["tags"] for row in control("/_haneul/usage")["usage"] if row["usage_type"] == "TimedStorage-SIA-ByteHrs"]
assert tags and all(tag == {"team": "sky"} for tag in tags), tags

# What leaves its class before its time is owed for the rest of it: about 28 of 30 days, about 88 of 90.
for name in ("plain", "seldom", "cold"):
    s3.delete_object(Bucket="metered", Key=name)
s3.delete_bucket(Bucket="metered")
third = usage()
assert 27 * 24 * 200_000 <= third["s3", "EarlyDelete-SIA", "metered"] <= 29 * 24 * 200_000, third
assert 87 * 24 * 1000 <= third["s3", "EarlyDelete-ByteHrs", "metered"] <= 89 * 24 * 1000, third
pass_time(3)
assert usage()["s3", "TimedStorage-SIA-ByteHrs", "metered"] == third["s3", "TimedStorage-SIA-ByteHrs", "metered"]
print("usage: ok")
