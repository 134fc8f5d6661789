"""CloudTrail Insights by boto3: a day of a quiet rate, a burst, its start and its end, in lookups and in the bucket."""

import gzip
import json
import os
import time
import urllib.request

import boto3
from botocore.exceptions import ClientError

trail = boto3.client("cloudtrail")
s3 = boto3.client("s3")
iam = boto3.client("iam")
account = boto3.client("sts").get_caller_identity()["Account"]


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return
    raise AssertionError(f"{code} was expected")


def advance(seconds):
    body = json.dumps({"advance_seconds": seconds}).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/_haneul/clock", data=body)).read()


def eventually(what, probe):
    for _ in range(200):
        found = probe()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come")


def tag(times):
    for _ in range(times):
        iam.tag_user(UserName="ann", Tags=[{"Key": "n", "Value": "1"}])


def found():
    pages = trail.get_paginator("lookup_events").paginate(EventCategory="insight")
    return [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]


s3.create_bucket(Bucket="insights")
s3.put_bucket_policy(Bucket="insights", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": ["s3:GetBucketAcl", "s3:PutObject"],
     "Resource": ["arn:aws:s3:::insights", "arn:aws:s3:::insights/*"]}]}))
trail.create_trail(Name="main", S3BucketName="insights")
trail.start_logging(Name="main")
refused("InsightNotEnabledException", trail.get_insight_selectors, TrailName="main")
selectors = [{"InsightType": "ApiCallRateInsight"}, {"InsightType": "ApiErrorRateInsight"}]
put = trail.put_insight_selectors(TrailName="main", InsightSelectors=selectors)
assert [one["InsightType"] for one in put["InsightSelectors"]] == ["ApiCallRateInsight", "ApiErrorRateInsight"]
assert trail.get_insight_selectors(TrailName="main")["TrailARN"] == put["TrailARN"]
assert trail.get_trail(Name="main")["Trail"]["HasInsightSelectors"]

iam.create_user(UserName="ann")
for hour in range(26):
    tag(1)
    advance(3600)
assert found() == []
tag(25)
advance(61)
begin = eventually("the start", found)[0]
details = begin["insightDetails"]
assert (details["state"], details["eventName"], details["insightType"]) == ("Start", "TagUser", "ApiCallRateInsight"), details
assert details["insightContext"]["statistics"]["insight"]["average"] >= 4
advance(600)
both = eventually("the end", lambda: len(found()) == 2 and found())
assert both[0]["insightDetails"]["state"] == "End" and both[0]["sharedEventID"] == begin["sharedEventID"]

keys = eventually("the file", lambda: [
    one["Key"] for one in s3.list_objects_v2(Bucket="insights", Prefix=f"AWSLogs/{account}/CloudTrail-Insight/").get("Contents", [])])
records = []
for key in keys:
    body = s3.get_object(Bucket="insights", Key=key)["Body"].read()
    try:
        body = gzip.decompress(body)
    except gzip.BadGzipFile:
        pass
    records += json.loads(body)["Records"]
assert begin["eventID"] in [record["eventID"] for record in records]

metric = trail.list_insights_metric_data(
    EventSource="iam.amazonaws.com", EventName="TagUser", InsightType="ApiCallRateInsight", Period=3600)
assert sum(metric["Values"]) == 51, metric["Values"]
refused("InvalidParameterException", trail.list_insights_metric_data,
        EventSource="iam.amazonaws.com", EventName="TagUser", InsightType="ApiErrorRateInsight")
trail.put_insight_selectors(TrailName="main", InsightSelectors=[])
refused("InsightNotEnabledException", trail.get_insight_selectors, TrailName="main")
print("boto3 insights: ok")
