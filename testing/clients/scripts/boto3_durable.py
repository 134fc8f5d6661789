"""Durable functions with AWS's own SDK for them: steps, waits, retries, callbacks, maps and calls of other functions; and around a
crash.

    boto3_durable.py whole|before|after
"""

import collections
import importlib
import io
import json
import pathlib
import subprocess
import sys
import time
import zipfile

import boto3
from botocore.config import Config

config = Config(retries={"total_max_attempts": 1}, read_timeout=120)
functions, s3, iam, queues = (boto3.client(name, config=config) for name in ["lambda", "s3", "iam", "sqs"])

# What a function needs of botocore's data.
DATA = {"lambda", "sqs", "endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json"}

CODE = """
import os
import boto3
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration, StepConfig
from aws_durable_execution_sdk_python.retries import RetryDecision

queues = boto3.client("sqs")

def tell(word):
    queues.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=word)
    return word

def once_more(error, attempt):
    return RetryDecision.retry(Duration.from_seconds(1)) if attempt < 2 else RetryDecision.no_retry()

@durable_execution
def handler(event, context):
    name = event["name"]
    first = context.step(lambda _: tell(f"{name} first"), name="first")
    context.wait(Duration.from_seconds(event["wait"]), name="pause")
    second = context.step(lambda _: tell(f"{name} second"), name="second")

    def flaky(step):
        tell(f"{name} flaky")
        if os.path.exists("/tmp/" + name):
            return "at last"
        open("/tmp/" + name, "w").close()
        raise ValueError("not yet")

    flaky = context.step(flaky, name="flaky", config=StepConfig(retry_strategy=once_more))
    answer = None
    if event.get("asks"):
        answer = context.wait_for_callback(lambda id, _: tell("callback " + id), name="asks")
    squares = context.map([1, 2, 3, 4, 5], lambda own, item, index, items: own.step(lambda _: item * item, name=f"square {item}"), name="squares")
    called = context.invoke("second", {"from": name}, name="called")
    return {"steps": [first, second, flaky], "answer": answer, "squares": squares.get_results(), "called": called}
"""

SECOND = """
def handler(event, context):
    return {"heard": event["from"]}
"""


def zipped(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return content.getvalue()


def packages():
    """AWS's SDK with what it needs, as a layer."""
    files = {}
    for name in ["aws_durable_execution_sdk_python", "boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six"]:
        origin = pathlib.Path(importlib.import_module(name).__file__)
        root = origin.parent.parent if origin.name == "__init__.py" else origin.parent
        for path in origin.parent.rglob("*") if origin.name == "__init__.py" else [origin]:
            own = path.relative_to(root)
            data = len(own.parts) > 2 and own.parts[:2] == ("botocore", "data") and own.parts[2] not in DATA
            if path.is_file() and path.suffix != ".pyc" and not data:
                files[f"python/{own}"] = path.read_bytes()
    return zipped(files)


def prepare():
    minor = subprocess.run(["python3", "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True).stdout.strip()
    runtime = f"python3.{minor}"
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    # What AWS's managed policy for durable functions allows, and what the functions themselves need.
    durable = ["lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"]
    rights = [
        {"Effect": "Allow", "Action": durable, "Resource": "*"},
        {"Effect": "Allow", "Action": ["sqs:SendMessage", "logs:*"], "Resource": "*"},
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:*:*:function:second"},
    ]
    iam.put_role_policy(RoleName="runner", PolicyName="own", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": rights}))
    done = queues.create_queue(QueueName="done")["QueueUrl"]
    s3.create_bucket(Bucket="layers")
    s3.put_object(Bucket="layers", Key="sdk.zip", Body=packages())
    layer = functions.publish_layer_version(LayerName="sdk", Content={"S3Bucket": "layers", "S3Key": "sdk.zip"})["LayerVersionArn"]
    more = {"Runtime": runtime, "Role": role, "Handler": "index.handler", "Timeout": 30, "MemorySize": 512}
    functions.create_function(FunctionName="second", Code={"ZipFile": zipped({"index.py": SECOND})}, **more)
    made = functions.create_function(
        FunctionName="flow", Code={"ZipFile": zipped({"index.py": CODE})}, Layers=[layer], Publish=True,
        Environment={"Variables": {"QUEUE": done}}, DurableConfig={"ExecutionTimeout": 600, "RetentionPeriodInDays": 1}, **more,
    )
    assert made["DurableConfig"] == {"ExecutionTimeout": 600, "RetentionPeriodInDays": 1}, made
    functions.get_waiter("function_active_v2").wait(FunctionName="flow", WaiterConfig={"Delay": 1})


def begin(name, **event):
    began = functions.invoke(
        FunctionName="flow:1", InvocationType="Event", DurableExecutionName=name, Payload=json.dumps({"name": name, **event}),
    )
    assert began["StatusCode"] == 202, began
    return began["DurableExecutionArn"]


def words(until):
    """What the function told, up to a word that begins with this."""
    url, heard, end = queues.get_queue_url(QueueName="done")["QueueUrl"], [], time.time() + 40
    while time.time() < end:
        for message in queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            heard.append(message["Body"])
        if until is None and not queues_left(url) or until and any(word.startswith(until) for word in heard):
            return heard
    raise AssertionError(f"no {until} in {heard}")


def queues_left(url):
    got = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(got["Attributes"]["ApproximateNumberOfMessages"])


def end_of(arn):
    return in_status(arn, "SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED")


def in_status(arn, *wanted):
    end = time.time() + 40
    while time.time() < end:
        got = functions.get_durable_execution(DurableExecutionArn=arn)
        if got["Status"] in wanted:
            return got
        time.sleep(0.2)
    raise AssertionError(f"{got['Status']}: {events_of(arn)}")


def events_of(arn):
    pages = functions.get_paginator("get_durable_execution_history").paginate(DurableExecutionArn=arn, PaginationConfig={"PageSize": 7})
    return [event for page in pages for event in page["Events"]]


def told(arn, kind):
    """Waits until the history tells of this."""
    end = time.time() + 40
    while time.time() < end:
        events = events_of(arn)
        if any(event["EventType"] == kind for event in events):
            return events
        time.sleep(0.1)
    raise AssertionError(f"no {kind} in {events}")


def check(name, got, answer):
    assert got["Status"] == "SUCCEEDED", got
    assert json.loads(got["Result"]) == {
        "steps": [f"{name} first", f"{name} second", "at last"], "answer": answer,
        "squares": [1, 4, 9, 16, 25], "called": {"heard": name},
    }, got


def whole():
    prepare()
    arn = begin("one", wait=2, asks=True)
    heard = words("callback ")
    callback = heard[-1].split(" ")[1]
    functions.send_durable_execution_callback_heartbeat(CallbackId=callback)
    functions.send_durable_execution_callback_success(CallbackId=callback, Result=b'"yes"')
    check("one", end_of(arn), '"yes"')
    ran = collections.Counter(heard + words(None))
    assert [ran["one first"], ran["one second"], ran["one flaky"]] == [1, 1, 2], ran
    try:
        functions.send_durable_execution_callback_success(CallbackId=callback)
        raise AssertionError("a callback was answered twice")
    except functions.exceptions.CallbackTimeoutException:
        pass
    events = events_of(arn)
    assert [event["EventId"] for event in events] == list(range(1, len(events) + 1))
    counted = collections.Counter(event["EventType"] for event in events)
    wanted = {
        "ExecutionStarted": 1, "ExecutionSucceeded": 1, "WaitStarted": 1, "WaitSucceeded": 1, "CallbackStarted": 1, "CallbackSucceeded": 1,
        "ChainedInvokeStarted": 1, "ChainedInvokeSucceeded": 1, "ContextStarted": 7, "ContextSucceeded": 7, "StepFailed": 1, "StepSucceeded": 9,
    }
    assert {name: counted[name] for name in wanted} == wanted, counted
    listed = functions.list_durable_executions_by_function(FunctionName="flow", Statuses=["SUCCEEDED"])["DurableExecutions"]
    assert [own["DurableExecutionArn"] for own in listed] == [arn]
    # Who waits for it is given the result; the name stands for this execution.
    again = functions.invoke(FunctionName="flow:1", DurableExecutionName="two", Payload=json.dumps({"name": "two", "wait": 1}))
    assert again["DurableExecutionArn"].startswith(arn.split("/")[0] + "/durable-execution/two/"), again
    assert json.loads(again["Payload"].read())["called"] == {"heard": "two"}
    try:
        functions.invoke(FunctionName="flow:1", DurableExecutionName="two", Payload=b"{}")
        raise AssertionError("a name stood for two executions")
    except functions.exceptions.DurableExecutionAlreadyStartedException:
        pass
    # The wait ends during the pause, and the function is not run.
    paused = begin("three", wait=2)
    told(paused, "InvocationCompleted")
    functions.pause_durable_execution(DurableExecutionArn=paused, Reason="a look at it")
    assert in_status(paused, "PAUSED")["PauseDetails"]["Reason"] == "a look at it"
    told(paused, "WaitSucceeded")
    time.sleep(1)
    assert functions.get_durable_execution(DurableExecutionArn=paused)["Status"] == "PAUSED"
    kinds = [event["EventType"] for event in events_of(paused)]
    assert kinds.count("StepSucceeded") == 1 and kinds[-2:] == ["ExecutionPaused", "WaitSucceeded"], kinds
    functions.resume_durable_execution(DurableExecutionArn=paused)
    check("three", end_of(paused), None)
    stopped = begin("four", wait=500)
    told(stopped, "WaitStarted")
    functions.stop_durable_execution(DurableExecutionArn=stopped, Error={"ErrorType": "Enough"})
    assert end_of(stopped)["Error"] == {"ErrorType": "Enough"}
    functions.delete_durable_execution(DurableExecutionArn=stopped)
    end = time.time() + 20
    while time.time() < end:
        try:
            assert functions.get_durable_execution(DurableExecutionArn=stopped)["Status"] == "DELETING"
            time.sleep(0.1)
        except functions.exceptions.ResourceNotFoundException:
            break
    else:
        raise AssertionError("a deleted execution stayed")
    listed = functions.list_durable_executions_by_function(FunctionName="flow")["DurableExecutions"]
    assert stopped not in [own["DurableExecutionArn"] for own in listed], listed


def before():
    prepare()
    arn = begin("crash", wait=8)
    # It sleeps when its invocation has been told of.
    events = told(arn, "InvocationCompleted")
    assert "WaitStarted" in [event["EventType"] for event in events], events


def after():
    (own,) = functions.list_durable_executions_by_function(FunctionName="flow")["DurableExecutions"]
    check("crash", end_of(own["DurableExecutionArn"]), None)
    ran = collections.Counter(words(None))
    assert [ran["crash first"], ran["crash second"], ran["crash flaky"]] == [1, 1, 2], ran


{"whole": whole, "before": before, "after": after}[sys.argv[1]]()
