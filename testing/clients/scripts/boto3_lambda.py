"""Lambda by boto3: functions in Python that really run, called in every way, from queues, streams, buckets and by HTTP."""

import base64
import io
import json
import subprocess
import time
import urllib.error
import urllib.request
import zipfile

import boto3
from botocore.exceptions import ClientError

aws = {name: boto3.client(name) for name in ["dynamodb", "iam", "kinesis", "lambda", "logs", "s3", "secretsmanager", "sqs"]}
functions, queues = aws["lambda"], aws["sqs"]
minor = subprocess.run(["python3", "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True).stdout.strip()
RUNTIME = f"python3.{minor}"


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response
    raise AssertionError(f"{code} was expected")


def until(what, is_so, seconds=40):
    end = time.time() + seconds
    while time.time() < end:
        found = is_so()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"it never came to this: {what}")


def package(code):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", code)
    return content.getvalue()


trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = aws["iam"].create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["logs:*", "sqs:*", "dynamodb:*", "kinesis:*", "s3:GetObject"], "Resource": "*"}]}
aws["iam"].put_role_policy(RoleName="runner", PolicyName="own", PolicyDocument=json.dumps(rights))

CODE = """
import json, os

def handler(event, context):
    print("working on", json.dumps(event))
    if "poison" in json.dumps(event):
        raise ValueError("no " + str(event))
    return {"event": event, "stage": os.environ.get("STAGE"), "name": context.function_name, "arn": context.invoked_function_arn}
"""


def create(name, code=CODE, **more):
    made = functions.create_function(
        FunctionName=name, Runtime=RUNTIME, Role=role, Handler="index.handler", Code={"ZipFile": package(code)}, **more
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    return made["FunctionArn"]


# Made, called, read.
arn = create("first", Environment={"Variables": {"STAGE": "test"}}, Timeout=10)
refused("ResourceConflictException", functions.create_function, FunctionName="first", Runtime=RUNTIME, Role=role, Handler="index.handler", Code={"ZipFile": package(CODE)})
answer = functions.invoke(FunctionName="first", Payload=json.dumps({"n": 1}), LogType="Tail")
said = json.loads(answer["Payload"].read())
assert said == {"event": {"n": 1}, "stage": "test", "name": "first", "arn": arn}, said
assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST" and "FunctionError" not in answer
log = base64.b64decode(answer["LogResult"]).decode()
assert "START RequestId" in log and 'working on {"n": 1}' in log and "REPORT RequestId" in log, log
failed = functions.invoke(FunctionName="first", Payload=b'"poison"')
assert failed["FunctionError"] == "Unhandled" and json.loads(failed["Payload"].read())["errorType"] == "ValueError"
assert functions.invoke(FunctionName="first", InvocationType="DryRun")["StatusCode"] == 204
refused("InvalidRequestContentException", functions.invoke, FunctionName="first", Payload=b"{")
refused("ResourceNotFoundException", functions.invoke, FunctionName="none")
refused("InvalidParameterValueException", functions.create_function, FunctionName="x", Runtime=RUNTIME, Role=role + "x", Handler="index.handler", Code={"ZipFile": package(CODE)})
with urllib.request.urlopen(functions.get_function(FunctionName="first")["Code"]["Location"]) as got:
    assert got.read().startswith(b"PK")
streams = until("the log", lambda: aws["logs"].describe_log_groups(logGroupNamePrefix="/aws/lambda/first")["logGroups"])
until("the lines", lambda: aws["logs"].filter_log_events(logGroupName="/aws/lambda/first", filterPattern="working")["events"])

# Versions and aliases.
one = functions.publish_version(FunctionName="first")["Version"]
functions.update_function_code(FunctionName="first", ZipFile=package(CODE.replace('"stage"', '"stage of two"')))
functions.get_waiter("function_updated_v2").wait(FunctionName="first", WaiterConfig={"Delay": 1})
two = functions.publish_version(FunctionName="first")["Version"]
assert (one, two) == ("1", "2")
for name in ("123", "b!", "$LATEST"):
    refused("ValidationException", functions.create_alias, FunctionName="first", Name=name, FunctionVersion="1")
functions.create_alias(FunctionName="first", Name="live", FunctionVersion="1")
assert "stage" in json.loads(functions.invoke(FunctionName="first", Qualifier="live", Payload=b"1")["Payload"].read())
functions.update_alias(FunctionName="first", Name="live", FunctionVersion="2")
assert "stage of two" in json.loads(functions.invoke(FunctionName="first:live", Payload=b"1")["Payload"].read())
assert [v["Version"] for v in functions.list_versions_by_function(FunctionName="first")["Versions"]] == ["$LATEST", "1", "2"]

# A layer.
content = io.BytesIO()
with zipfile.ZipFile(content, "w") as archive:
    archive.writestr("python/shared.py", "WORD = 'from the layer'")
layer = functions.publish_layer_version(LayerName="shared", Content={"ZipFile": content.getvalue()})["LayerVersionArn"]
create("layered", "import shared\ndef handler(event, context): return shared.WORD", Layers=[layer])
assert json.loads(functions.invoke(FunctionName="layered")["Payload"].read()) == "from the layer"

# A queue, with a poison message that ends in the dead-letter queue.
dead = queues.create_queue(QueueName="dead")["QueueUrl"]
dead_arn = queues.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
work = queues.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "3", "RedrivePolicy": redrive})["QueueUrl"]
work_arn = queues.get_queue_attributes(QueueUrl=work, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
create("worker")
mapping = functions.create_event_source_mapping(EventSourceArn=work_arn, FunctionName="worker", BatchSize=1)["UUID"]
for body in ["good", "poison"]:
    queues.send_message(QueueUrl=work, MessageBody=body)
(letter,) = until("the dead letter", lambda: queues.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages"))
assert letter["Body"] == "poison"
assert functions.get_event_source_mapping(UUID=mapping)["State"] == "Enabled"

# Events, told to a queue.
done = queues.create_queue(QueueName="done")["QueueUrl"]
done_arn = queues.get_queue_attributes(QueueUrl=done, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
functions.put_function_event_invoke_config(FunctionName="worker", MaximumRetryAttempts=0, DestinationConfig={"OnSuccess": {"Destination": done_arn}, "OnFailure": {"Destination": done_arn}})
for payload, condition in [(b'"fine"', "Success"), (b'"poison"', "RetriesExhausted")]:
    assert functions.invoke(FunctionName="worker", InvocationType="Event", Payload=payload)["StatusCode"] == 202
    (told,) = until("the outcome", lambda: queues.receive_message(QueueUrl=done, WaitTimeSeconds=1).get("Messages"))
    assert json.loads(told["Body"])["requestContext"]["condition"] == condition
    queues.delete_message(QueueUrl=done, ReceiptHandle=told["ReceiptHandle"])

# A stream.
aws["dynamodb"].create_table(
    TableName="items", BillingMode="PAY_PER_REQUEST",
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
)
stream = aws["dynamodb"].describe_table(TableName="items")["Table"]["LatestStreamArn"]
functions.create_event_source_mapping(
    EventSourceArn=stream, FunctionName="worker", StartingPosition="TRIM_HORIZON", BisectBatchOnFunctionError=True,
    MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": done_arn}},
)
for item in ["a", "poison", "b"]:
    aws["dynamodb"].put_item(TableName="items", Item={"id": {"S": item}})
(told,) = until("the record that was left out", lambda: queues.receive_message(QueueUrl=done, WaitTimeSeconds=1).get("Messages"))
assert json.loads(told["Body"])["DDBStreamBatchInfo"]["batchSize"] == 1
queues.delete_message(QueueUrl=done, ReceiptHandle=told["ReceiptHandle"])

# A data stream, polled, and pushed by a consumer of its own.
kinesis = aws["kinesis"]
kinesis.create_stream(StreamName="flow", ShardCount=2)
flow = until("the stream", lambda: (lambda found: found["StreamStatus"] == "ACTIVE" and found["StreamARN"])(kinesis.describe_stream_summary(StreamName="flow")["StreamDescriptionSummary"]))
kinesis.register_stream_consumer(StreamARN=flow, ConsumerName="worker")
consumer = until("the consumer", lambda: (lambda found: found["ConsumerStatus"] == "ACTIVE" and found["ConsumerARN"])(kinesis.describe_stream_consumer(StreamARN=flow, ConsumerName="worker")["ConsumerDescription"]))
for source in (flow, consumer):
    functions.create_event_source_mapping(
        EventSourceArn=source, FunctionName="worker", StartingPosition="TRIM_HORIZON", BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": done_arn}},
    )
kinesis.put_records(StreamName="flow", Records=[{"PartitionKey": key, "Data": b"data"} for key in ["a", "poison", "b"]])
sources = set()
while len(sources) < 2:
    (told,) = until("the record that was left out", lambda: queues.receive_message(QueueUrl=done, WaitTimeSeconds=1).get("Messages"))
    info = json.loads(told["Body"])["KinesisBatchInfo"]
    assert info["batchSize"] == 1, info
    sources.add(info["streamArn"])
    queues.delete_message(QueueUrl=done, ReceiptHandle=told["ReceiptHandle"])
assert sources == {flow, consumer}, sources

# A bucket.
functions.add_permission(FunctionName="worker", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::uploads")
aws["s3"].create_bucket(Bucket="uploads")
worker = functions.get_function_configuration(FunctionName="worker")["FunctionArn"]
aws["s3"].put_bucket_notification_configuration(Bucket="uploads", NotificationConfiguration={"LambdaFunctionConfigurations": [{"LambdaFunctionArn": worker, "Events": ["s3:ObjectCreated:*"]}]})
aws["s3"].put_object(Bucket="uploads", Key="one", Body=b"1")
(told,) = until("the bucket's event", lambda: queues.receive_message(QueueUrl=done, WaitTimeSeconds=1).get("Messages"))
assert json.loads(told["Body"])["requestPayload"]["Records"][0]["s3"]["object"]["key"] == "one"

# HTTP.
create("web", 'def handler(event, context): return {"statusCode": 201, "headers": {"x-path": event["rawPath"]}, "body": event.get("body", "")}')
url = functions.create_function_url_config(FunctionName="web", AuthType="NONE")["FunctionUrl"]
host = url.split("//")[1].rstrip("/")
port = host.rsplit(":", 1)[1]


def ask(path):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=b"hello", headers={"Host": host, "Content-Type": "text/plain"})
    try:
        with urllib.request.urlopen(request) as got:
            return got.status, got.headers.get("x-path"), got.read()
    except urllib.error.HTTPError as error:
        return error.code, None, None


assert ask("/a")[0] == 403
functions.add_permission(FunctionName="web", StatementId="url", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE")
functions.add_permission(FunctionName="web", StatementId="invoke", Action="lambda:InvokeFunction", Principal="*", InvokedViaFunctionUrl=True)
assert ask("/a") == (201, "/a", b"hello")

# Secrets are rotated.
create("rotate", 'def handler(event, context): print(event["Step"])')
functions.add_permission(FunctionName="rotate", StatementId="sm", Action="lambda:InvokeFunction", Principal="secretsmanager.amazonaws.com")
aws["secretsmanager"].create_secret(Name="db", SecretString="x")
aws["secretsmanager"].rotate_secret(SecretId="db", RotationLambdaARN=functions.get_function_configuration(FunctionName="rotate")["FunctionArn"], RotationRules={"AutomaticallyAfterDays": 30})
until("the last step", lambda: aws["logs"].describe_log_groups(logGroupNamePrefix="/aws/lambda/rotate")["logGroups"] and aws["logs"].filter_log_events(logGroupName="/aws/lambda/rotate", filterPattern="finishSecret")["events"])

# Throttles.
functions.put_function_concurrency(FunctionName="first", ReservedConcurrentExecutions=0)
error = boto3.client("lambda", config=boto3.session.Config(retries={"total_max_attempts": 1}))
try:
    error.invoke(FunctionName="first")
    raise AssertionError("it was let in")
except ClientError as throttled:
    assert throttled.response["Error"]["Code"] == "TooManyRequestsException"
    assert throttled.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"

for name in ["first", "layered", "worker", "web", "rotate"]:
    functions.delete_function(FunctionName=name)
assert functions.list_functions()["Functions"] == []
