"""S3 Object Lambda by boto3: access points whose answers functions in Python make."""

import io
import json
import os
import socket
import subprocess
import urllib.request
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# By ARN, clients put the access point's name before the endpoint's, which is an address here.
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: resolve("127.0.0.1" if str(host).endswith(".127.0.0.1") else host, *rest, **more)

config = Config(retries={"total_max_attempts": 1}, read_timeout=90, signature_version="s3v4", s3={"addressing_style": "path"})
aws = {name: boto3.client(name, config=config) for name in ["cloudwatch", "iam", "lambda", "s3", "s3control", "sts"]}
s3, control, functions = aws["s3"], aws["s3control"], aws["lambda"]
account = aws["sts"].get_caller_identity()["Account"]
minor = subprocess.run(["python3", "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True).stdout.strip()


def code(call, **input):
    try:
        call(**input)
        return "ok"
    except ClientError as error:
        return error.response["Error"]["Code"]


def package(text):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", text)
    return content.getvalue()


# What the functions do: as AWS's guide has it.
CODE = """
import json, os, urllib.request
import boto3
from urllib.parse import urlparse, parse_qs

s3 = boto3.client("s3")


def read(url, headers={}, method="GET"):
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers, method=method))


def get(event):
    context, request = event["getObjectContext"], event["userRequest"]
    answer = dict(RequestRoute=context["outputRoute"], RequestToken=context["outputToken"])
    key = urlparse(request["url"]).path[1:]
    if key == "secret":
        s3.write_get_object_response(StatusCode=403, ErrorCode="NotForYou", ErrorMessage="The request was not secret enough.", **answer)
        return
    if key == "raises":
        raise ValueError("no")
    if key == "silent":
        return {"status_code": 200}
    if key == "identity":
        s3.write_get_object_response(Body=json.dumps(event).encode(), **answer)
        return
    if key == "large":
        s3.write_get_object_response(Body=read(context["inputS3Url"]).read(), **answer)
        return
    body = read(context["inputS3Url"]).read().upper()
    wanted = request["headers"].get("Range")
    if wanted:
        first, last = wanted.removeprefix("bytes=").split("-")
        part = body[int(first):int(last) + 1]
        s3.write_get_object_response(Body=part, StatusCode=206, ContentRange=f"bytes {first}-{last}/{len(body)}", **answer)
        return
    payload = json.loads(event["configuration"]["payload"] or "{}")
    s3.write_get_object_response(Body=body + payload.get("end", "").encode(), ContentType="text/loud", Metadata={"made": "loud"}, **answer)
    try:
        s3.write_get_object_response(Body=b"again", **answer)
    except Exception as error:
        print("second", error)


def handler(event, context):
    if "getObjectContext" in event:
        return get(event)
    if "headObjectContext" in event:
        answer = read(event["headObjectContext"]["inputS3Url"], method="HEAD")
        return {"statusCode": answer.status, "headers": {**dict(answer.headers), "x-amz-meta-made": "head", "Content-Type": "text/head"}}
    name, = [name for name in event if name.startswith("listObjects")]
    answer = read(event[name]["inputS3Url"])
    return {"statusCode": 200, "listResultXml": answer.read().decode().replace("<Key>text", "<Key>shown/text")}
"""

trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = aws["iam"].create_role(RoleName="transformer", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["logs:*", "s3-object-lambda:WriteGetObjectResponse"], "Resource": "*"}]}
aws["iam"].put_role_policy(RoleName="transformer", PolicyName="own", PolicyDocument=json.dumps(rights))
function = functions.create_function(
    FunctionName="transform", Runtime=f"python3.{minor}", Role=role, Handler="index.handler", Code={"ZipFile": package(CODE)}, Timeout=60, MemorySize=512
)["FunctionArn"]
functions.get_waiter("function_active_v2").wait(FunctionName="transform", WaiterConfig={"Delay": 1})

s3.create_bucket(Bucket="plain")
for key in ["text", "secret", "raises", "silent", "identity"]:
    s3.put_object(Bucket="plain", Key=key, Body=b"quiet words", ContentType="text/plain")
large = os.urandom(20 << 20)
s3.put_object(Bucket="plain", Key="large", Body=large)
supporting = control.create_access_point(AccountId=account, Name="door", Bucket="plain")["AccessPointArn"]


def configuration(actions, features=(), payload=None, **more):
    content = {"FunctionArn": function, **({"FunctionPayload": payload} if payload else {})}
    return {
        "SupportingAccessPoint": supporting, **({"AllowedFeatures": list(features)} if features else {}),
        "TransformationConfigurations": [{"Actions": actions, "ContentTransformation": {"AwsLambda": content}}], **more,
    }


def configure(*given, **more):
    control.put_access_point_configuration_for_object_lambda(AccountId=account, Name="loud", Configuration=configuration(*given, **more))


made = control.create_access_point_for_object_lambda(AccountId=account, Name="loud", Configuration=configuration(["GetObject"]))
arn, alias = made["ObjectLambdaAccessPointArn"], made["Alias"]["Value"]
assert arn == f"arn:aws:s3-object-lambda:us-east-1:{account}:accesspoint/loud" and alias.endswith("--ol-s3"), made
assert control.get_access_point_for_object_lambda(AccountId=account, Name="loud")["Alias"]["Status"] == "READY"
assert [one["Name"] for one in control.list_access_points_for_object_lambda(AccountId=account)["ObjectLambdaAccessPointList"]] == ["loud"]
assert code(control.create_access_point_for_object_lambda, AccountId=account, Name="loud", Configuration=configuration(["GetObject"])) == "AccessPointAlreadyOwnedByYou"

# By alias, by ARN, and by a presigned URL.
for bucket in [alias, arn]:
    got = s3.get_object(Bucket=bucket, Key="text")
    assert got["Body"].read() == b"QUIET WORDS" and got["ContentType"] == "text/loud" and got["Metadata"] == {"made": "loud"}, got
with urllib.request.urlopen(s3.generate_presigned_url("get_object", Params={"Bucket": alias, "Key": "text"})) as answer:
    assert answer.read() == b"QUIET WORDS"
assert s3.get_object(Bucket=arn, Key="large")["Body"].read() == large, "streamed"

# What is not transformed is what the supporting access point says.
assert s3.head_object(Bucket=alias, Key="text")["ContentType"] == "text/plain"
assert [one["Key"] for one in s3.list_objects_v2(Bucket=alias)["Contents"]] == ["identity", "large", "raises", "secret", "silent", "text"]

# Errors.
for key, expected in [("secret", "NotForYou"), ("raises", "LambdaRuntimeError"), ("silent", "LambdaResponseNotReceived")]:
    assert code(s3.get_object, Bucket=alias, Key=key) == expected, key
assert code(s3.get_object, Bucket=alias, Key="text", Range="bytes=0-4") == "NotImplemented"
assert code(s3.put_object, Bucket=alias, Key="text") == "NotImplemented"
assert code(s3.get_object, Bucket=alias.replace("loud", "none"), Key="text") == "NoSuchAccessPoint"
try:
    s3.write_get_object_response(RequestRoute="io-001", RequestToken="none", Body=b"")
    raise AssertionError("a token of nobody")
except ClientError as error:
    assert error.response["Error"]["Code"] == "ValidationError", error

# What the function is told of who asks.
event = json.loads(s3.get_object(Bucket=alias, Key="identity", VersionId="null")["Body"].read())
assert event["userIdentity"]["type"] == "Root" and event["userIdentity"]["accountId"] == account and event["protocolVersion"] == "1.00", event
assert event["configuration"]["accessPointArn"] == arn and event["configuration"]["supportingAccessPointArn"] == supporting, event
assert event["userRequest"]["url"] == f"https://loud-{account}.s3-object-lambda.us-east-1.amazonaws.com/identity?versionId=null", event
assert "Authorization" not in event["userRequest"]["headers"] and "User-Agent" in event["userRequest"]["headers"], event

# Ranges, a payload, HEAD and listings, once they are configured.
configure(["GetObject", "HeadObject", "ListObjects", "ListObjectsV2"], ["GetObject-Range"], json.dumps({"end": "!"}))
got = s3.get_object(Bucket=alias, Key="text", Range="bytes=0-4")
assert got["Body"].read() == b"QUIET" and got["ContentRange"] == "bytes 0-4/11" and got["ResponseMetadata"]["HTTPStatusCode"] == 206, got
assert s3.get_object(Bucket=alias, Key="text")["Body"].read() == b"QUIET WORDS!"
head = s3.head_object(Bucket=alias, Key="text")
assert head["ContentLength"] == 11 and head["ContentType"] == "text/head" and head["Metadata"]["made"] == "head", head
for call in [s3.list_objects_v2, s3.list_objects]:
    listed = call(Bucket=alias, Prefix="te")
    assert [one["Key"] for one in listed["Contents"]] == ["shown/text"] and listed["Prefix"] == "te", listed

# Who may: the permissions of AWS's guide, of which each is needed.
name = "limited"
aws["iam"].create_user(UserName=name)
key = aws["iam"].create_access_key(UserName=name)["AccessKey"]
theirs = boto3.client("s3", config=config, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
called = {"ForAnyValue:StringEquals": {"aws:CalledVia": ["s3-object-lambda.amazonaws.com"]}}
statements = [
    {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function, "Condition": called},
    {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": [supporting, supporting + "/*", "arn:aws:s3:::plain", "arn:aws:s3:::plain/*"], "Condition": called},
    {"Effect": "Allow", "Action": ["s3-object-lambda:Get*", "s3-object-lambda:List*"], "Resource": arn},
]


def allow(*allowed):
    aws["iam"].put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(allowed)}))


allow(statements[0], statements[1])
assert code(theirs.get_object, Bucket=alias, Key="text") == "AccessDenied"
allow(statements[1], statements[2])
assert code(theirs.get_object, Bucket=alias, Key="text") == "LambdaPermissionError"
allow(statements[0], statements[2])
assert code(theirs.get_object, Bucket=alias, Key="text") == "LambdaRuntimeError", "the function may not read for them"
allow(*statements)
assert theirs.get_object(Bucket=alias, Key="text")["Body"].read() == b"QUIET WORDS!"
assert code(theirs.get_object, Bucket="plain", Key="text") == "AccessDenied", "not but by the function"
event = json.loads(theirs.get_object(Bucket=alias, Key="identity")["Body"].read())
assert event["userIdentity"]["type"] == "IAMUser" and event["userIdentity"]["userName"] == name, event

# The policy of the access point itself lets others ask, and is never public.
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{account}:user/{name}"}, "Action": "s3-object-lambda:GetObject", "Resource": arn}]}
control.put_access_point_policy_for_object_lambda(AccountId=account, Name="loud", Policy=json.dumps(policy))
assert code(theirs.get_object, Bucket=alias, Key="text") == "AccessDenied"
assert json.loads(control.get_access_point_policy_for_object_lambda(AccountId=account, Name="loud")["Policy"]) == policy
assert control.get_access_point_policy_status_for_object_lambda(AccountId=account, Name="loud")["PolicyStatus"] == {"IsPublic": False}
control.delete_access_point_policy_for_object_lambda(AccountId=account, Name="loud")
assert code(theirs.get_object, Bucket=alias, Key="text") == "ok"

# A function that is gone.
functions.delete_function(FunctionName="transform")
assert code(s3.get_object, Bucket=alias, Key="text") == "LambdaNotFound"
control.delete_access_point_for_object_lambda(AccountId=account, Name="loud")
assert code(s3.get_object, Bucket=alias, Key="text") == "NoSuchAccessPoint"
