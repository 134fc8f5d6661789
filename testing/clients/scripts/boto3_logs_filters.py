"""CloudWatch Logs by boto3: what becomes of events. Metrics, a function that really runs, a key of KMS, masks, an export."""

import base64
import gzip
import io
import json
import subprocess
import time
import zipfile

import boto3
from botocore.exceptions import ClientError

aws = {name: boto3.client(name) for name in ["cloudwatch", "iam", "kms", "lambda", "logs", "s3", "sqs", "sts"]}
logs, functions, queues = aws["logs"], aws["lambda"], aws["sqs"]
ACCOUNT = aws["sts"].get_caller_identity()["Account"]
GROUP, ARN = "/app/web", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/app/web"


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


def until(what, is_so, seconds=40):
    end = time.time() + seconds
    while time.time() < end:
        found = is_so()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"it never came to this: {what}")


def put(*messages, group=GROUP):
    now = int(time.time() * 1000)
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[{"timestamp": now, "message": m} for m in messages])


for group in (GROUP, "sealed"):
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")

# Metric filters.
logs.put_metric_filter(
    logGroupName=GROUP, filterName="latency", filterPattern="{ $.ms > 0 }",
    metricTransformations=[{"metricName": "Latency", "metricNamespace": "Web", "metricValue": "$.ms", "unit": "Milliseconds", "dimensions": {"Path": "$.path"}}],
)
(found,) = logs.describe_metric_filters(logGroupName=GROUP, filterNamePrefix="lat")["metricFilters"]
assert found["metricTransformations"][0]["dimensions"] == {"Path": "$.path"}, found
message = refused(
    "InvalidParameterException", logs.put_metric_filter, logGroupName=GROUP, filterName="x", filterPattern="ERROR",
    metricTransformations=[{"metricName": "M", "metricNamespace": "N", "metricValue": "1", "dimensions": {"A": "$.a"}}],
)
assert message == "The specified filter pattern does not support dimensions", message
put(json.dumps({"ms": 12, "path": "/a"}), json.dumps({"ms": 30, "path": "/a"}), json.dumps({"ms": 0, "path": "/a"}))


def latency():
    points = aws["cloudwatch"].get_metric_statistics(
        Namespace="Web", MetricName="Latency", Dimensions=[{"Name": "Path", "Value": "/a"}], Unit="Milliseconds",
        StartTime=time.time() - 600, EndTime=time.time() + 60, Period=600, Statistics=["Sum", "SampleCount", "Maximum"],
    )["Datapoints"]
    return sum(point["SampleCount"] for point in points) == 2 and sum(point["Sum"] for point in points)


assert until("the metric", latency) == 42

# A subscription of a function.
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = aws["iam"].create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
open_to_all = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}
queue = queues.create_queue(QueueName="sink", Attributes={"Policy": json.dumps(open_to_all)})["QueueUrl"]
CODE = """
import os, urllib.parse, urllib.request
def handler(event, context):
    form = {"Action": "SendMessage", "Version": "2012-11-05", "QueueUrl": os.environ["QUEUE"], "MessageBody": event["awslogs"]["data"]}
    urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"], urllib.parse.urlencode(form).encode()).read()
"""
content = io.BytesIO()
with zipfile.ZipFile(content, "w") as archive:
    archive.writestr("index.py", CODE)
minor = subprocess.run(["python3", "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True).stdout.strip()
function = functions.create_function(
    FunctionName="sink", Runtime=f"python3.{minor}", Role=role, Handler="index.handler",
    Code={"ZipFile": content.getvalue()}, Environment={"Variables": {"QUEUE": queue}},
)["FunctionArn"]
functions.get_waiter("function_active_v2").wait(FunctionName="sink")
subscription = {"logGroupName": GROUP, "filterName": "errors", "filterPattern": "ERROR", "destinationArn": function}
message = refused("InvalidParameterException", logs.put_subscription_filter, **subscription)
assert message.startswith("Could not execute the lambda function."), message
functions.add_permission(
    FunctionName="sink", StatementId="logs", Action="lambda:InvokeFunction", Principal="logs.us-east-1.amazonaws.com",
    SourceArn=f"{ARN}:*", SourceAccount=ACCOUNT,
)
logs.put_subscription_filter(**subscription)
put("ERROR one", "fine", "ERROR two")


def received():
    found = queues.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages")
    return found and json.loads(gzip.decompress(base64.b64decode(found[0]["Body"])))


sent = until("the function's message", received)
assert sent["messageType"] == "DATA_MESSAGE" and sent["owner"] == ACCOUNT and sent["subscriptionFilters"] == ["errors"], sent
assert [event["message"] for event in sent["logEvents"]] == ["ERROR one", "ERROR two"], sent
logs.delete_subscription_filter(logGroupName=GROUP, filterName="errors")
assert logs.describe_subscription_filters(logGroupName=GROUP)["subscriptionFilters"] == []

# A key of KMS.
policy = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"},
    {"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"}, "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:GenerateDataKey*", "kms:Describe*"], "Resource": "*"},
]}
open_key = aws["kms"].create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
locked_key = aws["kms"].create_key()["KeyMetadata"]["Arn"]
message = refused("AccessDeniedException", logs.associate_kms_key, logGroupName="sealed", kmsKeyId=locked_key)
assert message == f"The specified KMS key does not exist or is not allowed to be used with Arn 'arn:aws:logs:us-east-1:{ACCOUNT}:log-group:sealed'", message
logs.associate_kms_key(logGroupName="sealed", kmsKeyId=open_key)
put("a sealed event", group="sealed")
assert logs.describe_log_groups(logGroupNamePrefix="sealed")["logGroups"][0]["kmsKeyId"] == open_key
assert [e["message"] for e in logs.get_log_events(logGroupName="sealed", logStreamName="s")["events"]] == ["a sealed event"]
aws["kms"].disable_key(KeyId=open_key)
refused("AccessDeniedException", logs.get_log_events, logGroupName="sealed", logStreamName="s")
refused("InvalidParameterException", logs.associate_kms_key, logGroupName="sealed", kmsKeyId=open_key)
aws["kms"].enable_key(KeyId=open_key)
assert logs.filter_log_events(logGroupName="sealed")["events"][0]["message"] == "a sealed event"

# Masks.
identifiers = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress", "arn:aws:dataprotection::aws:data-identifier/CreditCardNumber"]
document = {"Name": "pii", "Version": "2021-06-01", "Statement": [
    {"Sid": "audit", "DataIdentifier": identifiers, "Operation": {"Audit": {"FindingsDestination": {}}}},
    {"Sid": "mask", "DataIdentifier": identifiers, "Operation": {"Deidentify": {"MaskConfig": {}}}},
]}
logs.put_data_protection_policy(logGroupIdentifier=GROUP, policyDocument=json.dumps(document))
assert json.loads(logs.get_data_protection_policy(logGroupIdentifier=GROUP)["policyDocument"]) == document
put("paid with 4111 1111 1111 1111 by jane@example.com")
last = {"logGroupName": GROUP, "logStreamName": "s", "limit": 1}
assert logs.get_log_events(**last)["events"][0]["message"] == f"paid with {'*' * 19} by {'*' * 16}"
assert logs.get_log_events(unmask=True, **last)["events"][0]["message"] == "paid with 4111 1111 1111 1111 by jane@example.com"

# An export.
aws["s3"].create_bucket(Bucket="exports")
export = {"logGroupName": GROUP, "fromTime": 0, "to": int(time.time() * 1000) + 1000, "destination": "exports"}
message = refused("InvalidParameterException", logs.create_export_task, **export)
assert message.startswith("GetBucketAcl call on the given bucket failed."), message
lets_in = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"}, "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::exports"},
    {"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::exports/*",
     "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": f"{ARN}:*"}}},
]}
aws["s3"].put_bucket_policy(Bucket="exports", Policy=json.dumps(lets_in))
task = logs.create_export_task(**export)["taskId"]
until("the export", lambda: logs.describe_export_tasks(taskId=task)["exportTasks"][0]["status"]["code"] == "COMPLETED")
body = aws["s3"].get_object(Bucket="exports", Key=f"exportedlogs/{task}/s/000000.gz")["Body"].read()
lines = gzip.decompress(body).decode().splitlines()
assert len(lines) == 7 and lines[-1].endswith(f"by {'*' * 16}"), lines
print("ok")
