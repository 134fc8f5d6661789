"""Lambda around a crash: `before` makes functions and leaves work behind, `after` finds all of it done, once or more."""

import io
import json
import subprocess
import sys
import time
import zipfile

import boto3

functions, queues, iam, tables, streams = (boto3.client(name) for name in ["lambda", "sqs", "iam", "dynamodb", "kinesis"])
COUNT = 30

# Without an SDK, which the host's Python need not have: the queue takes messages from everybody.
CODE = """
import json, os, urllib.parse, urllib.request
def handler(event, context):
    for word in words(event):
        form = {"Action": "SendMessage", "Version": "2012-11-05", "QueueUrl": os.environ["QUEUE"], "MessageBody": word}
        urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"], urllib.parse.urlencode(form).encode()).read()
def words(event):
    if isinstance(event, str):
        return [event]
    return [word(record) for record in event["Records"]]
def word(record):
    if "kinesis" in record:
        return record["kinesis"]["partitionKey"]
    return record["body"] if "body" in record else record["dynamodb"]["Keys"]["id"]["S"]
"""


def package(code):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", code)
    return content.getvalue()


def before():
    minor = subprocess.run(["python3", "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True).stdout.strip()
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="runner", PolicyName="own", PolicyDocument=json.dumps(rights))
    open_to_all = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}
    done = queues.create_queue(QueueName="done", Attributes={"Policy": json.dumps(open_to_all)})["QueueUrl"]
    work = queues.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=work, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    functions.create_function(
        FunctionName="worker", Runtime=f"python3.{minor}", Role=role, Handler="index.handler", Timeout=5,
        Code={"ZipFile": package(CODE)}, Environment={"Variables": {"QUEUE": done}},
    )
    functions.create_event_source_mapping(EventSourceArn=arn, FunctionName="worker", BatchSize=3)
    tables.create_table(
        TableName="items", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    stream = tables.describe_table(TableName="items")["Table"]["LatestStreamArn"]
    functions.create_event_source_mapping(EventSourceArn=stream, FunctionName="worker", StartingPosition="TRIM_HORIZON", BatchSize=4)
    streams.create_stream(StreamName="flow", ShardCount=2)
    streams.get_waiter("stream_exists").wait(StreamName="flow", WaiterConfig={"Delay": 1})
    flow = streams.describe_stream_summary(StreamName="flow")["StreamDescriptionSummary"]["StreamARN"]
    functions.create_event_source_mapping(EventSourceArn=flow, FunctionName="worker", StartingPosition="TRIM_HORIZON", BatchSize=4)
    for n in range(COUNT):
        streams.put_record(StreamName="flow", PartitionKey=f"record {n}", Data=b"data")
        functions.invoke(FunctionName="worker", InvocationType="Event", Payload=json.dumps(f"event {n}"))
        queues.send_message(QueueUrl=work, MessageBody=f"message {n}")
        tables.put_item(TableName="items", Item={"id": {"S": f"item {n}"}})


def after():
    done = queues.get_queue_url(QueueName="done")["QueueUrl"]
    wanted = {f"{kind} {n}" for kind in ["event", "message", "item", "record"] for n in range(COUNT)}
    end = time.time() + 50
    while wanted and time.time() < end:
        for message in queues.receive_message(QueueUrl=done, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            wanted.discard(message["Body"])
            queues.delete_message(QueueUrl=done, ReceiptHandle=message["ReceiptHandle"])
    assert not wanted, sorted(wanted)


{"before": before, "after": after}[sys.argv[1]]()
