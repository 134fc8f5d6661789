"""One clock drives every timer: visibility, retention and credentials, moved by hours in a moment."""

import json
import os
import urllib.request

import boto3
from botocore.exceptions import ClientError

endpoint = os.environ["AWS_ENDPOINT_URL"]


def clock(**change):
    body = json.dumps(change).encode() if change else None
    request = urllib.request.Request(endpoint + "/_haneul/clock", data=body, method="POST" if change else "GET")
    return json.load(urllib.request.urlopen(request))


sqs = boto3.client("sqs")
url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "3600", "MessageRetentionPeriod": "86400"})["QueueUrl"]
sqs.send_message(QueueUrl=url, MessageBody="m")
assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
assert "Messages" not in sqs.receive_message(QueueUrl=url)

# Signatures are checked against the cloud's clock; botocore learns the difference from the Date of the answer.
clock(advance_seconds=3601)
assert clock()["now"]
again = sqs.receive_message(QueueUrl=url, AttributeNames=["ApproximateReceiveCount"])["Messages"][0]
assert again["Attributes"]["ApproximateReceiveCount"] == "2"
clock(advance_seconds=2 * 86_400)
assert "Messages" not in sqs.receive_message(QueueUrl=url)

boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}))
print("boto3 clock: ok")
