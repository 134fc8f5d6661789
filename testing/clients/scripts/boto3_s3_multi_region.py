"""A Multi-Region Access Point by boto3, whose requests the C runtime signs with SigV4A."""

import json
import os
import socket
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# Clients put the account's number before the endpoint's name, which is an address here.
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: resolve("127.0.0.1" if str(host).endswith(".127.0.0.1") else host, *rest, **more)

endpoint = os.environ["AWS_ENDPOINT_URL"]
config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
control = boto3.client("s3control", region_name="us-west-2", config=config)
account = boto3.client("sts").get_caller_identity()["Account"]
direct = {region: boto3.client("s3", region_name=region, config=config) for region in ["us-east-1", "eu-west-1"]}
for region, s3 in direct.items():
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=f"data-{region}", **place)
    s3.put_object(Bucket=f"data-{region}", Key="where", Body=region.encode())


def settled(arn):
    told = control.describe_multi_region_access_point_operation(AccountId=account, RequestTokenARN=arn)["AsyncOperation"]
    assert told["RequestTokenARN"] == arn, told
    return told["RequestStatus"], told["ResponseDetails"].get("ErrorDetails", {}).get("Code")


def ask(call, **details):
    return settled(call(AccountId=account, ClientToken=str(uuid.uuid4()), Details=details)["RequestTokenARN"])


regions = [{"Bucket": f"data-{region}"} for region in direct]
assert ask(control.create_multi_region_access_point, Name="own", Regions=[*regions, {"Bucket": "none"}]) == ("FAILED", "NoSuchBucket")
assert ask(control.create_multi_region_access_point, Name="own", Regions=regions) == ("SUCCEEDED", None)
shown = control.get_multi_region_access_point(AccountId=account, Name="own")["AccessPoint"]
assert shown["Status"] == "READY" and {one["Region"] for one in shown["Regions"]} == set(direct), shown
assert [one["Name"] for one in control.list_multi_region_access_points(AccountId=account)["AccessPoints"]] == ["own"]
arn = f"arn:aws:s3::{account}:accesspoint/{shown['Alias']}"

# The host of the ARN is AWS's: the signed request goes to us instead.
s3 = boto3.client("s3", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))


def here(request, **_):
    assert "accesspoint.s3-global.amazonaws.com" in request.url and "AWS4-ECDSA-P256-SHA256" in str(request.headers["Authorization"]), request.url
    begin, host = endpoint, request.url.split("/")[2]
    request.headers["Host"] = host
    request.url = begin + request.url[request.url.index(host) + len(host):]


s3.meta.events.register("before-send.s3", here)


def code(call, **input):
    try:
        call(**input)
        return "ok"
    except ClientError as error:
        return error.response["Error"]["Code"]


assert s3.get_object(Bucket=arn, Key="where")["Body"].read() == b"us-east-1"
control.submit_multi_region_access_point_routes(AccountId=account, Mrap=arn, RouteUpdates=[{"Region": "us-east-1", "TrafficDialPercentage": 0}])
assert s3.get_object(Bucket=arn, Key="where")["Body"].read() == b"eu-west-1", "failed over"
s3.put_object(Bucket=arn, Key="a key+", Body=b"new", Metadata={"a": "b"})
assert direct["eu-west-1"].get_object(Bucket="data-eu-west-1", Key="a key+")["Body"].read() == b"new"
assert [one["Key"] for one in s3.list_objects_v2(Bucket=arn)["Contents"]] == ["a key+", "where"]
routes = control.get_multi_region_access_point_routes(AccountId=account, Mrap=arn)["Routes"]
assert {route["Region"]: route["TrafficDialPercentage"] for route in routes} == {"us-east-1": 0, "eu-west-1": 100}, routes

# Another secret does not do, and neither does a signature for one Region.
wrong = boto3.client("s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="wrong", config=Config(retries={"total_max_attempts": 1}))
wrong.meta.events.register("before-send.s3", here)
assert code(wrong.get_object, Bucket=arn, Key="where") == "SignatureDoesNotMatch"
assert code(direct["us-east-1"].get_object, Bucket=shown["Alias"], Key="where") == "InvalidRequest"

# Its policy counts beside the bucket's.
deny = {"Effect": "Deny", "Principal": {"AWS": account}, "Action": "s3:DeleteObject", "Resource": arn + "/object/*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
assert ask(control.put_multi_region_access_point_policy, Name="own", Policy=policy) == ("SUCCEEDED", None)
assert control.get_multi_region_access_point_policy(AccountId=account, Name="own")["Policy"]["Established"]["Policy"] == policy
assert control.get_multi_region_access_point_policy_status(AccountId=account, Name="own")["Established"] == {"IsPublic": False}
assert code(s3.delete_object, Bucket=arn, Key="where") == "AccessDenied"
assert ask(control.delete_multi_region_access_point, Name="own") == ("SUCCEEDED", None)
assert code(s3.get_object, Bucket=arn, Key="where") == "NoSuchMultiRegionAccessPoint"
