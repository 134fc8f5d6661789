"""Storage class analysis, as boto3 sees it: what is read is told the next day."""

import csv
import io
import json
import os
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint = os.environ["AWS_ENDPOINT_URL"]
s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
account = boto3.client("sts").get_caller_identity()["Account"]


def clock(**change):
    request = urllib.request.Request(endpoint + "/_haneul/clock", data=json.dumps(change).encode(), method="POST")
    return json.load(urllib.request.urlopen(request))


for bucket in ["observed", "told"]:
    s3.create_bucket(Bucket=bucket)
allow = {
    "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::told/*",
    "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::observed"}, "StringEquals": {"aws:SourceAccount": account}},
}
s3.put_bucket_policy(Bucket="told", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
destination = {"Format": "CSV", "Bucket": "arn:aws:s3:::told", "Prefix": "analysis"}
export = {"DataExport": {"OutputSchemaVersion": "V_1", "Destination": {"S3BucketDestination": destination}}}
wanted = {
    "Id": "red", "StorageClassAnalysis": export,
    "Filter": {"And": {"Prefix": "in/", "Tags": [{"Key": "color", "Value": "red"}]}},
}
s3.put_bucket_analytics_configuration(Bucket="observed", Id="red", AnalyticsConfiguration=wanted)
assert s3.get_bucket_analytics_configuration(Bucket="observed", Id="red")["AnalyticsConfiguration"] == wanted
listed = s3.list_bucket_analytics_configurations(Bucket="observed")
assert [one["Id"] for one in listed["AnalyticsConfigurationList"]] == ["red"] and not listed["IsTruncated"], listed
body = os.urandom(1 << 20)
s3.put_object(Bucket="observed", Key="in/red", Body=body, Tagging="color=red")
s3.put_object(Bucket="observed", Key="in/blue", Body=body, Tagging="color=blue")
for key in ["in/red", "in/red", "in/blue"]:
    assert s3.get_object(Bucket="observed", Key=key)["Body"].read() == body
s3.get_object(Bucket="observed", Key="in/red", Range="bytes=0-524287")["Body"].read()
clock(advance_seconds=86_400)
s3.get_waiter("object_exists").wait(Bucket="told", Key="analysis/observed/red.csv", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
rows = list(csv.DictReader(io.StringIO(s3.get_object(Bucket="told", Key="analysis/observed/red.csv")["Body"].read().decode())))
assert len(rows) == 13 and rows[-1]["ObjectAge"] == "ALL", rows
for row in [rows[0], rows[-1]]:
    told = [row[name] for name in ["StorageClass", "ObjectCount", "DataUploaded_MB", "Storage_MB", "DataRetrieved_MB", "GetRequestCount"]]
    assert told == ["STANDARD", "1", "1", "1", "2.5", "3"], row
s3.delete_bucket_analytics_configuration(Bucket="observed", Id="red")
try:
    s3.get_bucket_analytics_configuration(Bucket="observed", Id="red")
    assert False, "it is still there"
except ClientError as error:
    assert error.response["Error"]["Code"] == "NoSuchConfiguration", error
