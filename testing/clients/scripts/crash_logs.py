"""Logs around a crash: `before` leaves events that filters still have to see, `after` finds each metric point and delivery."""

import base64
import gzip
import io
import json
import subprocess
import sys
import time
import zipfile

import boto3

logs, functions, queues, iam, cloudwatch = (boto3.client(name) for name in ["logs", "lambda", "sqs", "iam", "cloudwatch"])
COUNT = 40

CODE = """
import os, urllib.parse, urllib.request
def handler(event, context):
    form = {"Action": "SendMessage", "Version": "2012-11-05", "QueueUrl": os.environ["QUEUE"], "MessageBody": event["awslogs"]["data"]}
    urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"], urllib.parse.urlencode(form).encode()).read()
"""


def before():
    minor = subprocess.run(["python3", "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True).stdout.strip()
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    open_to_all = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}
    queue = queues.create_queue(QueueName="done", Attributes={"Policy": json.dumps(open_to_all)})["QueueUrl"]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", CODE)
    arn = functions.create_function(
        FunctionName="sink", Runtime=f"python3.{minor}", Role=role, Handler="index.handler",
        Code={"ZipFile": content.getvalue()}, Environment={"Variables": {"QUEUE": queue}},
    )["FunctionArn"]
    functions.add_permission(FunctionName="sink", StatementId="logs", Action="lambda:InvokeFunction", Principal="logs.amazonaws.com")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_subscription_filter(logGroupName="g", filterName="all", filterPattern="", destinationArn=arn)
    logs.put_metric_filter(
        logGroupName="g", filterName="count", filterPattern="event",
        metricTransformations=[{"metricName": "Events", "metricNamespace": "Crash", "metricValue": "1"}],
    )
    for n in range(COUNT):
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": int(time.time() * 1000), "message": f"event {n}"}])


def after():
    queue = queues.get_queue_url(QueueName="done")["QueueUrl"]
    wanted, counted, end = {f"event {n}" for n in range(COUNT)}, 0, time.time() + 50
    while (wanted or counted < COUNT) and time.time() < end:
        for message in queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            payload = json.loads(gzip.decompress(base64.b64decode(message["Body"])))
            wanted -= {event["message"] for event in payload["logEvents"]}
            queues.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        points = cloudwatch.get_metric_statistics(
            Namespace="Crash", MetricName="Events", StartTime=time.time() - 3600, EndTime=time.time() + 60, Period=60, Statistics=["Sum"]
        )["Datapoints"]
        counted = sum(point["Sum"] for point in points)
    # What was under way when it crashed may come twice, never not at all.
    assert not wanted and counted >= COUNT, (sorted(wanted), counted)
    stored = [event["message"] for event in logs.filter_log_events(logGroupName="g")["events"]]
    assert stored == [f"event {n}" for n in range(COUNT)], stored


{"before": before, "after": after}[sys.argv[1]]()
