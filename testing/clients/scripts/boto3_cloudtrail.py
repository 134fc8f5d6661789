"""CloudTrail by boto3: every call recorded once, trails with selectors, files, digests, secrets that are nowhere."""

import gzip
import json
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
import os

trail = boto3.client("cloudtrail")
s3 = boto3.client("s3")
iam = boto3.client("iam")
sqs = boto3.client("sqs")
ddb = boto3.client("dynamodb")
kms = boto3.client("kms")
secrets = boto3.client("secretsmanager")
ssm = boto3.client("ssm")
logs = boto3.client("logs")
account = boto3.client("sts").get_caller_identity()["Account"]


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


def advance(seconds):
    body = json.dumps({"advance_seconds": seconds}).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/_haneul/clock", data=body)).read()


def lookup(**attribute):
    attributes = [{"AttributeKey": key, "AttributeValue": value} for key, value in attribute.items()]
    pages = trail.get_paginator("lookup_events").paginate(LookupAttributes=attributes)
    return [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]


def eventually(what, probe):
    for _ in range(200):
        found = probe()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come")


# n calls over many services: n records, each once.
agent = "completeness-probe"
config = Config(user_agent_extra=agent, retries={"max_attempts": 0})
clients = {
    name: boto3.client(name, config=config)
    for name in ("iam", "kms", "sqs", "dynamodb", "secretsmanager", "ssm", "logs", "s3", "sts", "cloudtrail")
}
ids = []


def call(service, operation, **arguments):
    try:
        answer = getattr(clients[service], operation)(**arguments)
    except ClientError as error:
        answer = error.response
    ids.append(answer["ResponseMetadata"]["RequestId"])
    return answer


for n in range(15):
    call("iam", "create_user", UserName=f"probe{n}")
    call("iam", "get_user", UserName=f"probe{n}")
    call("iam", "get_user", UserName=f"nobody{n}")
    queue = call("sqs", "create_queue", QueueName=f"probe{n}")["QueueUrl"]
    call("sqs", "get_queue_attributes", QueueUrl=queue, AttributeNames=["All"])
    call("kms", "create_key")
    call("secretsmanager", "create_secret", Name=f"probe{n}", SecretString="x")
    call("ssm", "put_parameter", Name=f"/probe/{n}", Value="x", Type="String")
    call("logs", "create_log_group", logGroupName=f"probe{n}")
    call("s3", "create_bucket", Bucket=f"probe-{n}")
    call("sts", "get_caller_identity")
    call("dynamodb", "list_tables")
    call("cloudtrail", "list_trails")
events = [event for event in lookup() if agent in event["userAgent"]]
seen = [event["requestID"] for event in events]
assert sorted(seen) == sorted(ids), (len(seen), len(ids), set(ids) ^ set(seen))
assert len({event["eventID"] for event in events}) == len(ids)
print(f"{len(ids)} calls made, {len(seen)} recorded, each once")

bucket = "trail-files"
s3.create_bucket(Bucket=bucket)
refused("S3BucketDoesNotExistException", trail.create_trail, Name="main", S3BucketName="no-such-bucket-here")
refused("InsufficientS3BucketPolicyException", trail.create_trail, Name="main", S3BucketName=bucket)
arn = f"arn:aws:cloudtrail:us-east-1:{account}:trail/main"
source = {"StringEquals": {"aws:SourceArn": arn}}
service = {"Service": "cloudtrail.amazonaws.com"}
allow = {"Effect": "Allow", "Principal": service}
full = {"StringEquals": {"aws:SourceArn": arn, "s3:x-amz-acl": "bucket-owner-full-control"}}
statements = [
    {**allow, "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}", "Condition": source},
    {
        **allow,
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/audit/AWSLogs/{account}/*",
        "Condition": full,
    },
]
s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
made = trail.create_trail(
    Name="main", S3BucketName=bucket, S3KeyPrefix="audit", EnableLogFileValidation=True, IsMultiRegionTrail=True
)
assert made["TrailARN"] == arn and made["IsMultiRegionTrail"], made
assert not trail.get_trail_status(Name="main")["IsLogging"]
trail.start_logging(Name="main")
assert trail.get_event_selectors(TrailName="main")["EventSelectors"][0]["ReadWriteType"] == "All"
refused("InsightNotEnabledException", trail.get_insight_selectors, TrailName="main")
basic = [
    {
        "ReadWriteType": "WriteOnly",
        "IncludeManagementEvents": True,
        "ExcludeManagementEventSources": ["kms.amazonaws.com"],
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::probe-1/in/"]}],
    }
]
assert trail.put_event_selectors(TrailName="main", EventSelectors=basic)["EventSelectors"] == basic

s3.put_object(Bucket="probe-1", Key="in/a", Body=b"1")
s3.put_object(Bucket="probe-1", Key="out/a", Body=b"1")
s3.get_object(Bucket="probe-1", Key="in/a")
kms.create_key()
boto3.client("sqs", region_name="eu-west-1").create_queue(QueueName="far")

# What carries secrets.
hidden = ["Pa55-w0rd-17", "s3cret-string-17", "param-value-17", "plain-text-17", "message-body-17", "item-value-17"]
iam.create_user(UserName="keeper")
hidden.append(iam.create_access_key(UserName="keeper")["AccessKey"]["SecretAccessKey"])
iam.create_login_profile(UserName="keeper", Password=hidden[0])
secrets.create_secret(Name="hidden", SecretString=hidden[1])
secrets.put_secret_value(SecretId="hidden", SecretString=hidden[1] + "b")
ssm.put_parameter(Name="/hidden", Value=hidden[2], Type="SecureString")
key = kms.create_key()["KeyMetadata"]["KeyId"]
kms.encrypt(KeyId=key, Plaintext=hidden[3].encode())
sqs.send_message(QueueUrl=queue, MessageBody=hidden[4])
ddb.create_table(
    TableName="table",
    KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)

advance(301)


def delivered():
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="audit/AWSLogs/"):
        for entry in page.get("Contents", []):
            if "/CloudTrail/" in entry["Key"]:
                body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                for event in json.loads(gzip.decompress(body))["Records"]:
                    assert event["eventID"] not in found, "an event was delivered twice"
                    found[event["eventID"]] = event
    return list(found.values())


def complete():
    events = delivered()
    return events if any(event["eventName"] == "CreateTable" for event in events) else None


events = eventually("the log files", complete)
names = [event["eventName"] for event in events]
assert any(event["awsRegion"] == "eu-west-1" for event in events), "the trail covers all Regions"
assert not any(event["eventSource"] == "kms.amazonaws.com" for event in events)
objects = [event for event in events if event["eventCategory"] == "Data"]
assert [(event["eventName"], event["requestParameters"]["key"]) for event in objects] == [("PutObject", "in/a")], objects
assert objects[0]["resources"][0] == {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::probe-1/in/a"}
reads = {event["eventName"] for event in events if event["readOnly"]}
assert reads <= {"GetTrailStatus", "GetEventSelectors", "GetInsightSelectors"}, "reads before the selectors alone"
text = json.dumps(events) + json.dumps(lookup())
for secret in hidden:
    assert secret not in text, f"{secret} is in a record"

status = trail.get_trail_status(Name="main")
assert status["IsLogging"] and status["LatestDeliveryTime"] and "LatestDeliveryError" not in status, status
advance(3600)
eventually("the digest", lambda: "LatestDigestDeliveryTime" in trail.get_trail_status(Name="main"))
keys = trail.list_public_keys(StartTime=0)["PublicKeyList"]
assert len(keys) == 1 and keys[0]["Fingerprint"], keys

trail.add_tags(ResourceId=arn, TagsList=[{"Key": "a", "Value": "1"}])
assert trail.list_tags(ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"] == [{"Key": "a", "Value": "1"}]
shadow = boto3.client("cloudtrail", region_name="eu-west-1")
assert shadow.describe_trails()["trailList"][0]["HomeRegion"] == "us-east-1"
refused("InvalidHomeRegionException", shadow.stop_logging, Name=arn)
trail.stop_logging(Name="main")
assert not trail.get_trail_status(Name="main")["IsLogging"]
trail.delete_trail(Name="main")
refused("TrailNotFoundException", trail.get_trail, Name="main")
