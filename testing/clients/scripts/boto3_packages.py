"""The same packages as on AWS, by boto3: numpy in a layer, the JavaScript SDK with the function's own role, Java, Rust with
AWS's runtime crate; and a thousand calls at once.

    boto3_packages.py python|node|java|rust|thousand
"""

import io
import json
import os
import pathlib
import re
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

config = Config(retries={"total_max_attempts": 1}, max_pool_connections=120, read_timeout=300)
functions, s3, iam, sqs = (boto3.client(name, config=config) for name in ["lambda", "s3", "iam", "sqs"])


def zipped(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, body in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o755 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, body)
    return content.getvalue()


def role(*statements):
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}], "Version": "2012-10-17"}
    arn = iam.create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    logs = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [logs, *statements]}
    iam.put_role_policy(RoleName="runner", PolicyName="own", PolicyDocument=json.dumps(document))
    return arn


def create(name, runtime, handler, files, arn, **more):
    functions.create_function(FunctionName=name, Runtime=runtime, Role=arn, Handler=handler, Code={"ZipFile": zipped(files)}, Timeout=30, MemorySize=512, **more)
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})


def call(name, event):
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def said(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def python_runtime():
    return "python3." + said("python3", "-c", "import sys; print(sys.version_info[1])").strip()


def python():
    import numpy

    runtime = python_runtime()
    own = f"python3.{sys.version_info[1]}"
    assert runtime == own, f"the packages here are for {own}, functions run in {runtime}"
    packages = pathlib.Path(numpy.__file__).parents[1]
    files = {}
    for folder in ["numpy", "numpy.libs"]:
        for path in (packages / folder).rglob("*"):
            if path.is_file() and "tests" not in path.parts and path.suffix != ".pyc":
                files[f"python/{path.relative_to(packages)}"] = path.read_bytes()
    # Layers of this size come from a bucket.
    s3.create_bucket(Bucket="layers")
    s3.put_object(Bucket="layers", Key="numpy.zip", Body=zipped(files))
    layer = functions.publish_layer_version(LayerName="numpy", Content={"S3Bucket": "layers", "S3Key": "numpy.zip"}, CompatibleRuntimes=[runtime])
    code = "import numpy\ndef handler(event, context):\n    return {'det': round(float(numpy.linalg.det(numpy.array(event))), 6), 'from': numpy.__file__}\n"
    create("numbers", runtime, "index.handler", {"index.py": code}, role(), Layers=[layer["LayerVersionArn"]])
    error, answer = call("numbers", [[1, 2], [3, 4]])
    assert error is None and answer["det"] == -2 and answer["from"].startswith("/opt/python/"), answer


def node():
    major = re.match(r"v(\d+)", said("node", "--version"))[1]
    code = """
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
const s3 = new S3Client({});
export const handler = async (event) => {
  const got = await s3.send(new GetObjectCommand({ Bucket: event.bucket, Key: "in" }));
  const text = await got.Body.transformToString();
  try {
    await s3.send(new PutObjectCommand({ Bucket: event.bucket, Key: "out", Body: text }));
    return { text, put: "done" };
  } catch (error) {
    return { text, put: error.name, message: error.message };
  }
};
"""
    arn = role({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/*"})
    s3.create_bucket(Bucket="files")
    s3.put_object(Bucket="files", Key="in", Body=b"what was put")
    create("copy", f"nodejs{major}.x", "index.handler", {"index.mjs": code}, arn)
    error, answer = call("copy", {"bucket": "files"})
    assert error is None and answer["text"] == "what was put", answer
    assert answer["put"] == "AccessDenied" and "assumed-role/runner/copy" in answer["message"], answer
    rights = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::files/*"}
    iam.put_role_policy(RoleName="runner", PolicyName="more", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [rights]}))
    error, answer = call("copy", {"bucket": "files"})
    assert answer["put"] == "done" and s3.get_object(Bucket="files", Key="out")["Body"].read() == b"what was put", answer


def java():
    major = re.search(r'version "(\d+)', said("java", "-version"))[1]
    source = """
package example;
import java.util.Map;
public class App {
    public Map<String, Object> handle(Map<String, Object> event) {
        if (!event.containsKey("name")) throw new IllegalArgumentException("there is no name");
        return Map.of("hello", event.get("name"), "java", System.getProperty("java.specification.version"));
    }
}
"""
    pathlib.Path("App.java").write_text(source)
    said("javac", "--release", major, "-d", "classes", "App.java")
    create("jvm", f"java{major}", "example.App::handle", {"example/App.class": pathlib.Path("classes/example/App.class").read_bytes()}, role())
    assert call("jvm", {"name": "you"}) == (None, {"hello": "you", "java": major})
    error, answer = call("jvm", {})
    assert error == "Unhandled" and answer["errorType"] == "java.lang.IllegalArgumentException" and answer["errorMessage"] == "there is no name", answer


def rust():
    create("rust", "provided.al2023", "bootstrap", {"bootstrap": pathlib.Path(os.environ["RUST_FUNCTION"]).read_bytes()}, role())
    arn = functions.get_function_configuration(FunctionName="rust")["FunctionArn"]
    assert call("rust", {"name": "you"}) == (None, {"hello": "you", "function": "rust", "arn": arn, "left": True})
    error, answer = call("rust", {})
    assert error == "Unhandled" and answer["errorMessage"] == "there is no name", answer


def thousand():
    runtime = python_runtime()
    done = sqs.create_queue(QueueName="done")["QueueUrl"]
    done_arn = sqs.get_queue_attributes(QueueUrl=done, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    arn = role({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": done_arn})
    code = "import time\ndef handler(event, context):\n    time.sleep(0.02)\n    return event\n"
    create("busy", runtime, "index.handler", {"index.py": code}, arn)
    functions.put_function_event_invoke_config(FunctionName="busy", MaximumRetryAttempts=0, DestinationConfig={"OnSuccess": {"Destination": done_arn}})

    def invoke(number, kind="RequestResponse"):
        try:
            answer = functions.invoke(FunctionName="busy", InvocationType=kind, Payload=json.dumps(number))
            return answer["StatusCode"], answer["Payload"].read()
        except functions.exceptions.TooManyRequestsException:
            return 429, b""

    with ThreadPoolExecutor(100) as pool:
        # Queued: every one of them runs.
        assert {status for status, _ in pool.map(lambda n: invoke(n, "Event"), range(1000))} == {202}
        # Waited for: every one is answered with its own event.
        answers = list(pool.map(invoke, range(1000)))
        assert answers == [(200, str(number).encode()) for number in range(1000)], answers[:10]
        # Beyond what is reserved: throttled, and nothing else.
        functions.put_function_concurrency(FunctionName="busy", ReservedConcurrentExecutions=3)
        answers = list(pool.map(invoke, range(300)))
        assert {status for status, _ in answers} == {200, 429}
    functions.delete_function_concurrency(FunctionName="busy")
    told = set()
    while len(told) < 1000:
        messages = sqs.receive_message(QueueUrl=done, MaxNumberOfMessages=10, WaitTimeSeconds=20).get("Messages")
        assert messages, f"{len(told)} of 1000 queued calls ran"
        told |= {json.loads(message["Body"])["requestPayload"] for message in messages}
        sqs.delete_message_batch(QueueUrl=done, Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)])


{"python": python, "node": node, "java": java, "rust": rust, "thousand": thousand}[sys.argv[1]]()
