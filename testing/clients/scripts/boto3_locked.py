"""Object Lock: every way to be rid of a locked version before its time fails, for the root user too."""

import datetime
import json
import os
import subprocess
import time
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(s3={"addressing_style": "path"})
root, iam, control = boto3.client("s3", config=config), boto3.client("iam"), boto3.client("s3control")
account = boto3.client("sts").get_caller_identity()["Account"]
until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30)
root.create_bucket(Bucket="vault", ObjectLockEnabledForBucket=True)
root.create_bucket(Bucket="beside")


def put(key, **lock):
    return root.put_object(Bucket="vault", Key=key, Body=b"evidence", **lock)["VersionId"]


compliance = put("compliance", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until)
governance = put("governance", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until)
held = put("held", ObjectLockLegalHoldStatus="ON")
versions = {"compliance": compliance, "governance": governance, "held": held}

# A user who may do anything but get past governance.
iam.create_user(UserName="admin")
iam.put_user_policy(UserName="admin", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    {"Effect": "Deny", "Action": ["s3:BypassGovernanceRetention", "s3:PutObjectLegalHold"], "Resource": "*"}]}))
key = iam.create_access_key(UserName="admin")["AccessKey"]
admin = boto3.client("s3", config=config, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])

tried = []


def fails(what, work, *codes):
    try:
        answer = work()
    except ClientError as error:
        assert error.response["Error"]["Code"] in codes, (what, error)
    except urllib.error.HTTPError as error:
        assert error.code == 403, (what, error)
    else:
        # DeleteObjects says it key by key.
        errors = [error["Code"] for error in answer.get("Errors", [])] if isinstance(answer, dict) else []
        assert errors and set(errors) <= set(codes), (what, answer)
    tried.append(what)


def delete(client, name, **more):
    return lambda: client.delete_object(Bucket="vault", Key=name, VersionId=versions[name], **more)


def several(client, **more):
    objects = [{"Key": name, "VersionId": version} for name, version in versions.items()]
    return lambda: client.delete_objects(Bucket="vault", Delete={"Objects": objects}, **more)


def retain(client, name, mode=None, days=30, **more):
    retention = {"Mode": mode, "RetainUntilDate": until + datetime.timedelta(days=days - 30)} if mode else {}
    return lambda: client.put_object_retention(
        Bucket="vault", Key=name, VersionId=versions[name], Retention=retention, **more)


def presigned():
    url = root.generate_presigned_url("delete_object", Params={"Bucket": "vault", "Key": "compliance", "VersionId": compliance})
    return urllib.request.urlopen(urllib.request.Request(url, method="DELETE"))


fails("root deletes the version", delete(root, "compliance"), "AccessDenied")
fails("root deletes it with bypass", delete(root, "compliance", BypassGovernanceRetention=True), "AccessDenied")
fails("an administrator deletes it", delete(admin, "compliance", BypassGovernanceRetention=True), "AccessDenied")
fails("root deletes a governed version without bypass", delete(root, "governance"), "AccessDenied")
fails("one without the permission, with bypass", delete(admin, "governance", BypassGovernanceRetention=True), "AccessDenied")
fails("root deletes what is held", delete(root, "held", BypassGovernanceRetention=True), "AccessDenied")
fails("an administrator deletes what is held", delete(admin, "held"), "AccessDenied")
fails("several at once", several(root), "AccessDenied")
fails("several at once, by an administrator with bypass", several(admin, BypassGovernanceRetention=True), "AccessDenied")
fails("a presigned URL", presigned)
fails("root shortens the retention", retain(root, "compliance", "COMPLIANCE", 1), "AccessDenied")
fails("root shortens it with bypass", retain(root, "compliance", "COMPLIANCE", 1, BypassGovernanceRetention=True), "AccessDenied")
fails("root makes it governance", retain(root, "compliance", "GOVERNANCE", BypassGovernanceRetention=True), "AccessDenied")
fails("root takes the retention away", retain(root, "compliance", BypassGovernanceRetention=True), "AccessDenied")
fails("an administrator shortens governance", retain(admin, "governance", "GOVERNANCE", 1, BypassGovernanceRetention=True), "AccessDenied")
fails("an administrator takes governance away", retain(admin, "governance", BypassGovernanceRetention=True), "AccessDenied")
fails("an administrator ends the hold", lambda: admin.put_object_legal_hold(
    Bucket="vault", Key="held", VersionId=held, LegalHold={"Status": "OFF"}), "AccessDenied")
fails("the bucket is deleted", lambda: root.delete_bucket(Bucket="vault"), "BucketNotEmpty")
fails("versioning is suspended", lambda: root.put_bucket_versioning(
    Bucket="vault", VersioningConfiguration={"Status": "Suspended"}), "InvalidBucketState")
fails("the lock is taken off the bucket", lambda: root.put_object_lock_configuration(
    Bucket="vault", ObjectLockConfiguration={"ObjectLockEnabled": "Disabled"}), "MalformedXML", "InvalidRequest")

# Ways that are answered well and leave the version where it is.
for name in versions:
    root.put_object(Bucket="vault", Key=name, Body=b"something else")
    root.delete_object(Bucket="vault", Key=name)
    root.copy_object(Bucket="vault", Key=name, CopySource={"Bucket": "vault", "Key": name, "VersionId": versions[name]},
                     MetadataDirective="REPLACE", Metadata={"a": "b"})
    tried.extend([f"{name} is written over", f"{name} is deleted without a version", f"{name} is copied onto itself"])
root.put_bucket_lifecycle_configuration(Bucket="vault", LifecycleConfiguration={"Rules": [{
    "ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}]})


def listed():
    found = root.list_object_versions(Bucket="vault")
    return {version["VersionId"] for version in found.get("Versions", [])}


def days_pass(days, done):
    body = json.dumps({"advance_seconds": days * 86400}).encode()
    request = urllib.request.Request(
        os.environ["AWS_ENDPOINT_URL"] + "/_haneul/clock", data=body, headers={"Content-Type": "application/json"})
    urllib.request.urlopen(request).read()
    deadline = time.time() + 60
    while not done() and time.time() < deadline:
        time.sleep(0.2)


# What is current gets a marker, and goes the next time.
days_pass(3, lambda: len(listed()) <= 6)
days_pass(3, lambda: len(listed()) <= 3)
assert listed() == set(versions.values()), "lifecycle takes what is not locked, and no more"
tried.append("lifecycle, days later")
cli = subprocess.run([os.environ.get("HANEUL_AWS_CLI", "aws"), "s3", "rb", "--force", "s3://vault"], capture_output=True, text=True)
assert cli.returncode != 0, cli.stdout
tried.append("aws s3 rb --force")
for name, version in versions.items():
    assert root.get_object(Bucket="vault", Key=name, VersionId=version)["Body"].read() == b"evidence", name
assert len(tried) >= 30 and len(set(tried)) == len(tried), len(tried)

# When the time has come it goes.
days_pass(31, lambda: listed() == {held})
assert listed() == {held}, listed()
print(f"{len(tried)} ways, none of them")
