"""Inventories and S3 Storage Lens, as boto3 sees them; what is Parquet is read by Apache Arrow."""

import csv
import io
import json
import os
import socket
import time
import urllib.request

import boto3
import pyarrow.parquet
from botocore.config import Config
from botocore.exceptions import ClientError

# Clients put the account's number before the endpoint's name, which is an address here.
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: resolve("127.0.0.1" if str(host).endswith(".127.0.0.1") else host, *rest, **more)

endpoint = os.environ["AWS_ENDPOINT_URL"]
s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
control = boto3.client("s3control")
account = boto3.client("sts").get_caller_identity()["Account"]
region = s3.meta.region_name


def clock(**change):
    request = urllib.request.Request(endpoint + "/_haneul/clock", data=json.dumps(change).encode(), method="POST")
    return json.load(urllib.request.urlopen(request))


def keys(prefix):
    return [one["Key"] for one in s3.list_objects_v2(Bucket="told", Prefix=prefix).get("Contents", [])]


def body(key):
    return s3.get_object(Bucket="told", Key=key)["Body"].read()


def table(key):
    return pyarrow.parquet.read_table(io.BytesIO(body(key)))


for bucket in ["kept", "told"]:
    s3.create_bucket(Bucket=bucket)
s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
acl = {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceAccount": account}
allow = [
    {"Effect": "Allow", "Principal": {"Service": service}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::told/*",
     "Condition": {"StringEquals": acl, "ArnLike": {"aws:SourceArn": source}}}
    for service, source in [
        ("s3.amazonaws.com", "arn:aws:s3:::kept"),
        ("storage-lens.s3.amazonaws.com", f"arn:aws:s3:{region}:{account}:storage-lens/*"),
    ]
]
s3.put_bucket_policy(Bucket="told", Policy=json.dumps({"Version": "2012-10-17", "Statement": allow}))

destination = {"Bucket": "arn:aws:s3:::told", "Format": "Parquet", "Prefix": "lists", "Encryption": {"SSES3": {}}}
fields = ["Size", "LastModifiedDate", "StorageClass", "ETag", "EncryptionStatus", "ObjectLockMode", "ObjectOwner"]
wanted = {
    "Id": "all", "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"},
    "OptionalFields": fields, "Destination": {"S3BucketDestination": destination},
}
s3.put_bucket_inventory_configuration(Bucket="kept", Id="all", InventoryConfiguration=wanted)
assert s3.get_bucket_inventory_configuration(Bucket="kept", Id="all")["InventoryConfiguration"] == wanted

size = {"MatchObjectSize": {"BytesGreaterThan": 3}}
control.create_storage_lens_group(AccountId=account, StorageLensGroup={"Name": "large", "Filter": size})
switch = {"IsEnabled": True}
for name, kind in [("rows", "CSV"), ("columns", "Parquet")]:
    level = {
        "ActivityMetrics": switch, "StorageLensGroupLevel": {},
        "BucketLevel": {"ActivityMetrics": switch, "PrefixLevel": {"StorageMetrics": {"IsEnabled": True}}},
    }
    to = {"Format": kind, "OutputSchemaVersion": "V_1", "AccountId": account, "Arn": "arn:aws:s3:::told"}
    lens = {
        "Id": name, "IsEnabled": True, "AccountLevel": level, "Include": {"Buckets": ["arn:aws:s3:::kept"]},
        "DataExport": {"S3BucketDestination": to, "CloudWatchMetrics": switch},
    }
    control.put_storage_lens_configuration(AccountId=account, ConfigId=name, StorageLensConfiguration=lens)
    shown = control.get_storage_lens_configuration(AccountId=account, ConfigId=name)["StorageLensConfiguration"]
    assert shown.pop("StorageLensArn").endswith(f":storage-lens/{name}") and shown == lens, shown
listed = control.list_storage_lens_configurations(AccountId=account)["StorageLensConfigurationList"]
assert {"rows", "columns"} <= {one["Id"] for one in listed}, listed

first = s3.put_object(Bucket="kept", Key="a/b \u00fc", Body=b"12345")
s3.put_object(Bucket="kept", Key="a/b \u00fc", Body=b"123")
s3.delete_object(Bucket="kept", Key="gone")
clock(advance_seconds=86_400)


def await_manifest(prefix):
    for _ in range(60):
        found = [key for key in keys(prefix) if key.endswith("manifest.json")]
        if found:
            return json.loads(body(found[-1]))
        time.sleep(0.5)
    raise AssertionError(f"nothing came to {prefix}: {keys('')}")


manifest = await_manifest("lists/kept/all/")
assert manifest["fileFormat"] == "Parquet" and manifest["fileSchema"].startswith("message s3.inventory {"), manifest
rows = table(manifest["files"][0]["key"])
assert str(rows.schema.field("last_modified_date").type) == "timestamp[ms, tz=UTC]", rows.schema
assert str(rows.schema.field("size").type) == "int64" and str(rows.schema.field("key").type) == "string", rows.schema
assert not rows.schema.field("key").nullable and rows.schema.field("size").nullable, rows.schema
rows = rows.to_pylist()
assert [(row["key"], row["size"], row["is_latest"], row["is_delete_marker"]) for row in rows] == [
    ("a/b \u00fc", 3, True, False), ("a/b \u00fc", 5, False, False), ("gone", None, True, True),
], rows
old = rows[1]
assert (old["version_id"], old["e_tag"]) == (first["VersionId"], first["ETag"].strip('"')), old
assert (old["storage_class"], old["encryption_status"], old["object_lock_mode"]) == ("STANDARD", "SSE-S3", None), old

manifest = await_manifest(f"StorageLens/{account}/rows/V_1/manifests/")
text = body(manifest["reportFiles"][0]["key"]).decode()
by_rows = list(csv.DictReader(io.StringIO(text)))
assert ",".join(by_rows[0]) == manifest["reportSchema"], manifest
manifest = await_manifest(f"StorageLens/{account}/columns/V_1/manifests/")
assert manifest["reportFormat"] == "Parquet" and manifest["reportFiles"][0]["key"].endswith(".par"), manifest
by_columns = table(manifest["reportFiles"][0]["key"]).to_pylist()
for rows in [by_rows, by_columns]:
    told = {
        (row["record_type"], row["storage_class"], row["record_value"], row["metric_name"]): int(row["metric_value"])
        for row in rows
    }
    for name, expected in [
        (("BUCKET", "STANDARD", "", "StorageBytes"), 12),
        (("BUCKET", "STANDARD", "", "NonCurrentVersionStorageBytes"), 5),
        (("BUCKET", "STANDARD", "", "DeleteMarkerObjectCount"), 1),
        (("PREFIX", "STANDARD", "a/", "CurrentVersionObjectCount"), 1),
        (("BUCKET", "-", "", "PutRequests"), 2),
        (("ACCOUNT", "STANDARD", "", "ObjectCount"), 3),
        (("STORAGE_LENS_GROUP_ACCOUNT", "STANDARD", f"arn%3Aaws%3As3%3A{region}%3A{account}%3Astorage-lens-group/large", "StorageBytes"), 5),
    ]:
        assert told.get(name) == expected, (name, expected, told)

control.delete_storage_lens_configuration(AccountId=account, ConfigId="rows")
try:
    control.get_storage_lens_configuration(AccountId=account, ConfigId="rows")
    assert False, "it is still there"
except ClientError as error:
    assert error.response["Error"]["Code"] == "NoSuchConfiguration", error
