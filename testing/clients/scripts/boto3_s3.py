"""S3 by boto3: resource and client API, multipart, versions, presigned URLs, both checksum modes, errors."""

import hashlib
import io
import os
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response
    raise AssertionError(f"{code} was expected")


s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
resource = boto3.resource("s3")

# The resource API.
bucket = resource.create_bucket(Bucket="photos")
obj = bucket.put_object(Key="a/b c/하늘+%.txt", Body=b"hello", Metadata={"who": "me"}, ContentType="text/plain")
assert obj.get()["Body"].read() == b"hello"
assert obj.get()["Metadata"] == {"who": "me"} and obj.content_type == "text/plain"
assert obj.e_tag == '"5d41402abc4b2a76b9719d911017c592"'
assert [o.key for o in bucket.objects.filter(Prefix="a/")] == ["a/b c/하늘+%.txt"]
assert refused("404", s3.head_object, Bucket="photos", Key="none")["ResponseMetadata"]["HTTPStatusCode"] == 404
refused("NoSuchKey", s3.get_object, Bucket="photos", Key="none")
refused("NoSuchBucket", s3.list_objects_v2, Bucket="none")

# Ranges and conditions.
data = os.urandom(1_000_000)
etag = s3.put_object(Bucket="photos", Key="data", Body=data)["ETag"]
part = s3.get_object(Bucket="photos", Key="data", Range="bytes=10-19")
assert part["Body"].read() == data[10:20] and part["ContentRange"] == "bytes 10-19/1000000"
assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
refused("InvalidRange", s3.get_object, Bucket="photos", Key="data", Range="bytes=2000000-")
refused("PreconditionFailed", s3.get_object, Bucket="photos", Key="data", IfMatch='"x"')
refused("304", s3.get_object, Bucket="photos", Key="data", IfNoneMatch=etag)
refused("PreconditionFailed", s3.put_object, Bucket="photos", Key="data", Body=b"x", IfNoneMatch="*")

# Multipart through the transfer manager, with the checksum modes of old and new SDKs.
big = os.urandom(17 * 1024 * 1024)
for mode in ("when_supported", "when_required"):
    client = boto3.client("s3", config=Config(request_checksum_calculation=mode, response_checksum_validation=mode))
    transfer = TransferConfig(multipart_threshold=5 * 1024 * 1024, multipart_chunksize=5 * 1024 * 1024)
    client.upload_fileobj(io.BytesIO(big), "photos", f"big-{mode}", Config=transfer)
    back = io.BytesIO()
    client.download_fileobj("photos", f"big-{mode}", back, Config=transfer)
    assert back.getvalue() == big
    assert client.head_object(Bucket="photos", Key=f"big-{mode}")["ETag"].endswith('-4"')
    client.put_object(Bucket="photos", Key="small", Body=b"small")
    assert client.get_object(Bucket="photos", Key="small")["Body"].read() == b"small"
for algorithm in ("CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"):
    try:
        s3.put_object(Bucket="photos", Key=algorithm, Body=data, ChecksumAlgorithm=algorithm)
    except Exception as error:  # awscrt is needed for some algorithms
        assert "crt" in str(error).lower(), error
        continue
    head = s3.head_object(Bucket="photos", Key=algorithm, ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"], head
refused("BadDigest", s3.put_object, Bucket="photos", Key="x", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")

# Versions and delete markers.
resource.BucketVersioning("photos").enable()
first = s3.put_object(Bucket="photos", Key="v", Body=b"1")["VersionId"]
second = s3.put_object(Bucket="photos", Key="v", Body=b"2")["VersionId"]
marker = s3.delete_object(Bucket="photos", Key="v")
assert marker["DeleteMarker"] and refused("NoSuchKey", s3.get_object, Bucket="photos", Key="v")
assert s3.get_object(Bucket="photos", Key="v", VersionId=first)["Body"].read() == b"1"
versions = s3.list_object_versions(Bucket="photos", Prefix="v")
assert [v["VersionId"] for v in versions["Versions"]] == [second, first] and len(versions["DeleteMarkers"]) == 1
s3.delete_object(Bucket="photos", Key="v", VersionId=marker["VersionId"])
assert s3.get_object(Bucket="photos", Key="v")["Body"].read() == b"2"

# Listing: pages, delimiters.
for i in range(25):
    s3.put_object(Bucket="photos", Key=f"list/{i % 5}/{i:03}", Body=b"")
pages = s3.get_paginator("list_objects_v2").paginate(Bucket="photos", Prefix="list/", PaginationConfig={"PageSize": 7})
assert sum(page["KeyCount"] for page in pages) == 25
common = s3.list_objects_v2(Bucket="photos", Prefix="list/", Delimiter="/")["CommonPrefixes"]
assert [c["Prefix"] for c in common] == [f"list/{i}/" for i in range(5)]

# Copies, tags, deletion of many.
s3.copy_object(Bucket="photos", Key="copy", CopySource={"Bucket": "photos", "Key": "data"})
assert s3.get_object(Bucket="photos", Key="copy")["Body"].read() == data
s3.put_object_tagging(Bucket="photos", Key="copy", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
assert s3.get_object_tagging(Bucket="photos", Key="copy")["TagSet"] == [{"Key": "a", "Value": "b"}]
many = [{"Key": f"list/{i % 5}/{i:03}"} for i in range(25)]
assert len(s3.delete_objects(Bucket="photos", Delete={"Objects": many})["Deleted"]) == 25

# Presigned: good once, refused when changed or for another method.
url = s3.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "copy"}, ExpiresIn=60)
assert hashlib.md5(urllib.request.urlopen(url).read()).digest() == hashlib.md5(data).digest()
put = s3.generate_presigned_url("put_object", Params={"Bucket": "photos", "Key": "by-url"}, ExpiresIn=60)
urllib.request.urlopen(urllib.request.Request(put, data=b"by url", method="PUT"))
assert s3.get_object(Bucket="photos", Key="by-url")["Body"].read() == b"by url"
for bad in (url.replace("copy", "data"), url.replace("X-Amz-Expires=60", "X-Amz-Expires=61")):
    try:
        urllib.request.urlopen(bad)
        raise AssertionError("a changed URL was accepted")
    except urllib.error.HTTPError as error:
        assert error.code == 403 and b"SignatureDoesNotMatch" in error.read()

# What boto3 makes where nobody says which signature: version 2, in the older Regions.
plain = boto3.client("s3", region_name="us-east-1")
url = plain.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "copy", "ResponseContentType": "a/b"})
assert "AWSAccessKeyId=" in url, url
answer = urllib.request.urlopen(url)
assert hashlib.md5(answer.read()).digest() == hashlib.md5(data).digest() and answer.headers["Content-Type"] == "a/b"
put = plain.generate_presigned_url(
    "put_object", Params={"Bucket": "photos", "Key": "v2 하늘", "ContentType": "x/y", "Metadata": {"of": "the url"}}
)
urllib.request.urlopen(urllib.request.Request(put, data=b"v2", method="PUT", headers={"Content-Type": "x/y"}))
got = plain.get_object(Bucket="photos", Key="v2 하늘")
assert (got["ContentType"], got["Metadata"]) == ("x/y", {"of": "the url"}), got
session = boto3.client("sts", region_name="us-east-1").get_session_token()["Credentials"]
brief = boto3.client(
    "s3",
    region_name="us-east-1",
    aws_access_key_id=session["AccessKeyId"],
    aws_secret_access_key=session["SecretAccessKey"],
    aws_session_token=session["SessionToken"],
)
url = brief.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "by-url"})
assert urllib.request.urlopen(url).read() == b"by url"
expired = plain.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "copy"}, ExpiresIn=-10)
for bad, code in (
    (url.replace("by-url", "data"), b"SignatureDoesNotMatch"),
    (url.replace("x-amz-security-token=", "x-amz-security-token=A"), b"InvalidToken"),
    (expired, b"Request has expired"),
):
    try:
        urllib.request.urlopen(bad)
        raise AssertionError("a bad URL was accepted")
    except urllib.error.HTTPError as error:
        assert code in error.read(), code
form = plain.generate_presigned_post("photos", "form-${filename}", Conditions=[["content-length-range", 1, 10]])
assert "AWSAccessKeyId" in form["fields"]
fields = [*form["fields"].items()]
body = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields)
body += '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nposted\r\n--b--\r\n'
headers = {"Content-Type": "multipart/form-data; boundary=b"}
urllib.request.urlopen(urllib.request.Request(form["url"], data=body.encode(), headers=headers))
assert plain.get_object(Bucket="photos", Key="form-f")["Body"].read() == b"posted"

bucket.object_versions.delete()
bucket.delete()
refused("NoSuchBucket", s3.get_object, Bucket="photos", Key="copy")
print("boto3 s3: ok")
