"""Lambda Managed Instances by boto3: capacity providers, and functions whose environments work on several events at a time.

    boto3_managed_instances.py python|node|rust|before|after
"""

import io
import json
import os
import pathlib
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(retries={"total_max_attempts": 1}, max_pool_connections=64, read_timeout=120)
functions, iam, logs = (boto3.client(name, config=config) for name in ["lambda", "iam", "logs"])
PUBLISHED = "$LATEST.PUBLISHED"
TOGETHER = 8


def zipped(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, body in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, body)
    return content.getvalue()


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


def until(what, is_so, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        found = is_so()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"it never came to this: {what}")


def roles():
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    names = ["operator", "runner"]
    operator, runner = (iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"] for name in names)
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="runner", PolicyName="own", PolicyDocument=json.dumps(document))
    return operator, runner


def provider(operator, most=16):
    made = functions.create_capacity_provider(
        CapacityProviderName="own",
        VpcConfig={"SubnetIds": ["subnet-0123456789abcdef0"], "SecurityGroupIds": ["sg-0123456789abcdef0"]},
        PermissionsConfig={"CapacityProviderOperatorRoleArn": operator},
        CapacityProviderScalingConfig={"MaxVCpuCount": most},
        Tags={"team": "sky"},
    )["CapacityProvider"]
    until("the provider is active", lambda: functions.get_capacity_provider(CapacityProviderName="own")["CapacityProvider"]["State"] == "Active")
    return made["CapacityProviderArn"]


def create(name, runtime, handler, files, role, arn, **more):
    """A function on the provider, of one environment, when that is ready; `None` where the host lacks its runtime."""
    try:
        functions.create_function(
            FunctionName=name, Runtime=runtime, Role=role, Handler=handler, Code={"ZipFile": zipped(files)}, Timeout=60, MemorySize=2048,
            CapacityProviderConfig={"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": arn, "PerExecutionEnvironmentMaxConcurrency": TOGETHER}},
            **more,
        )
    except ClientError as error:
        if "cannot be run on this host" not in str(error):
            raise
        return None
    until("the code is ready", lambda: functions.get_function_configuration(FunctionName=name)["State"] == "ActiveNonInvocable")
    made = functions.publish_version(FunctionName=name, PublishTo="LATEST_PUBLISHED")
    assert made["Version"] == PUBLISHED, made
    functions.put_function_scaling_config(FunctionName=name, Qualifier=PUBLISHED, FunctionScalingConfig={"MinExecutionEnvironments": 1, "MaxExecutionEnvironments": 1})
    functions.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=PUBLISHED, WaiterConfig={"Delay": 1})
    applied = lambda: functions.get_function_scaling_config(FunctionName=name, Qualifier=PUBLISHED).get("AppliedFunctionScalingConfig")
    until("the size is applied", lambda: applied() == {"MinExecutionEnvironments": 1, "MaxExecutionEnvironments": 1})
    return made


def call(name, event):
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
    assert answer["ExecutedVersion"] == PUBLISHED, answer
    value = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, value
    return value


def meet(name):
    """As many events as it takes at a time, each of which ends when all are there."""
    with ThreadPoolExecutor(TOGETHER) as pool:
        answers = list(pool.map(lambda number: call(name, {"meet": TOGETHER, "number": number}), range(TOGETHER)))
    assert sorted(answer["number"] for answer in answers) == list(range(TOGETHER)), answers
    return answers


PYTHON = """
import logging, os, pathlib, time

def handler(event, context):
    if event.get("leave"):
        os._exit(3)
    logging.getLogger().warning("event %s", event.get("number"))
    # All of the environment share it.
    there = pathlib.Path("/tmp/meeting")
    there.mkdir(exist_ok=True)
    (there / str(event["number"])).touch()
    while len(list(there.iterdir())) < event["meet"]:
        time.sleep(0.01)
    return {"number": event["number"], "pid": os.getpid(), "environment": context.log_stream_name, "most": os.environ["AWS_LAMBDA_MAX_CONCURRENCY"]}
"""


def python():
    operator, runner = roles()
    arn = provider(operator)
    message = refused("InvalidParameterValueException", create, name="old", runtime="python3.12", handler="index.handler", files={"index.py": PYTHON}, role=runner, arn=arn)
    assert "python3.12" in message, message
    if create("meeting", "python3.13", "index.handler", {"index.py": PYTHON}, runner, arn) is None:
        return print("skipped: this host has no Python 3.13")
    answers = meet("meeting")
    pids, environments = ({answer[key] for answer in answers} for key in ["pid", "environment"])
    assert (len(pids), len(environments)) == (TOGETHER, 1), answers
    assert {answer["most"] for answer in answers} == {str(TOGETHER)}
    print(f"{TOGETHER} events met in environment {environments} in processes {sorted(pids)}")
    # A worker that ends fails its own event alone, and is replaced.
    answer = functions.invoke(FunctionName="meeting", Payload=json.dumps({"leave": True}))
    said = json.loads(answer["Payload"].read())
    assert (answer["FunctionError"], said["errorType"]) == ("Unhandled", "Runtime.ExitError"), said
    assert {answer["environment"] for answer in meet("meeting")} == environments
    # What they said can be told apart.
    (stream,) = environments

    def lines():
        events = logs.get_log_events(logGroupName="/aws/lambda/meeting", logStreamName=stream, startFromHead=True)["events"]
        own = [json.loads(event["message"]) for event in events]
        found = {line["requestId"] for line in own if str(line.get("message", "")).startswith("event ")}
        return len(found) == 2 * TOGETHER and own

    own = until("all is in the log", lines)
    reports = [line["record"] for line in own if line.get("type") == "platform.report"]
    assert all(set(report["metrics"]) == {"durationMs"} for report in reports), reports

    state = functions.put_function_scaling_config(FunctionName="meeting", Qualifier=PUBLISHED, FunctionScalingConfig={"MinExecutionEnvironments": 0, "MaxExecutionEnvironments": 0})
    assert state["FunctionState"] == "Deactivating", state
    until("it is switched off", lambda: functions.get_function_configuration(FunctionName="meeting", Qualifier=PUBLISHED)["State"] == "Deactivated")
    refused("ResourceConflictException", functions.invoke, FunctionName="meeting", Payload="{}")
    listed = functions.list_function_versions_by_capacity_provider(CapacityProviderName="own")
    assert [version["State"] for version in listed["FunctionVersions"]] == ["Deactivated"], listed
    refused("ResourceConflictException", functions.delete_capacity_provider, CapacityProviderName="own")
    functions.delete_function(FunctionName="meeting")
    functions.delete_capacity_provider(CapacityProviderName="own")
    refused("ResourceNotFoundException", functions.get_capacity_provider, CapacityProviderName="own")


NODE = """
let waiting = [];
export const handler = async (event, context) => {
  console.log("event", event.number);
  await new Promise((go) => {
    waiting.push(go);
    if (waiting.length === event.meet) { waiting.forEach((one) => one()); waiting = []; }
  });
  return { number: event.number, environment: context.logStreamName, id: context.awsRequestId };
};
"""


def node():
    operator, runner = roles()
    arn = provider(operator)
    if create("meeting", "nodejs22.x", "index.handler", {"index.mjs": NODE}, runner, arn) is None:
        return print("skipped: this host has no Node.js 22")
    # They wait for each other in one thread's memory.
    for _ in range(2):
        answers = meet("meeting")
        assert len({answer["environment"] for answer in answers}) == 1, answers
        assert len({answer["id"] for answer in answers}) == TOGETHER, answers
    print(f"{TOGETHER} events met in the memory of one thread")


def rust():
    operator, runner = roles()
    arn = provider(operator)
    program = pathlib.Path(os.environ["RUST_FUNCTION"]).read_bytes()
    create("meeting", "provided.al2023", "bootstrap", {"bootstrap": program}, runner, arn)
    answers = meet("meeting")
    assert len({answer["pid"] for answer in answers}) == 1, answers
    print(f"{TOGETHER} events met in the process of AWS's runtime crate")


def before():
    operator, runner = roles()
    create("meeting", "python3.13", "index.handler", {"index.py": PYTHON}, runner, provider(operator))


def after():
    """The server was killed, and with it all environments: they are there again."""
    try:
        functions.get_function(FunctionName="meeting")
    except functions.exceptions.ResourceNotFoundException:
        return print("skipped: this host has no Python 3.13")
    answers = meet("meeting")
    assert len({answer["environment"] for answer in answers}) == 1, answers
    found = functions.get_capacity_provider(CapacityProviderName="own")["CapacityProvider"]
    assert found["CapacityProviderScalingConfig"] == {"MaxVCpuCount": 16}, found


globals()[sys.argv[1]]()
