"""S3 Metadata and S3 Tables: what boto3 does to a bucket, pyiceberg reads as tables by the REST catalog."""

import json
import os
import time
import urllib.request

import boto3
import pyarrow
from botocore.exceptions import ClientError
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import CommitFailedException, ForbiddenError, NoSuchNamespaceError, NoSuchTableError
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, MapType, NestedField, StringType

endpoint = os.environ["AWS_ENDPOINT_URL"]
s3 = boto3.client("s3")
tables = boto3.client("s3tables")
iam = boto3.client("iam")
region = s3.meta.region_name
account = boto3.client("sts").get_caller_identity()["Account"]


def clock(**change):
    request = urllib.request.Request(endpoint + "/_haneul/clock", data=json.dumps(change).encode(), method="POST")
    return json.load(urllib.request.urlopen(request))


def until(what, wanted, seconds=30):
    end = time.monotonic() + seconds
    while (found := what()) != wanted:
        assert time.monotonic() < end, found
        time.sleep(0.2)


def refused(code, call, **input):
    try:
        call(**input)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
    else:
        raise AssertionError(f"not refused with {code}")


def catalog(lake, key_id, secret):
    return RestCatalog("lake", **{
        "uri": endpoint + "/iceberg",
        "warehouse": lake,
        "rest.sigv4-enabled": "true",
        "rest.signing-name": "s3tables",
        "rest.signing-region": region,
        "client.region": region,
        "client.access-key-id": key_id,
        "client.secret-access-key": secret,
        "s3.endpoint": endpoint,
        "s3.access-key-id": key_id,
        "s3.secret-access-key": secret,
        "s3.region": region,
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
    })


own = boto3.Session().get_credentials()
s3.create_bucket(Bucket="data.lake-1")
s3.put_bucket_versioning(Bucket="data.lake-1", VersioningConfiguration={"Status": "Enabled"})
s3.put_object(Bucket="data.lake-1", Key="old", Body=b"old")
refused("MetadataConfigurationNotFound", s3.get_bucket_metadata_configuration, Bucket="data.lake-1")
s3.create_bucket_metadata_configuration(Bucket="data.lake-1", MetadataConfiguration={
    "JournalTableConfiguration": {"RecordExpiration": {"Expiration": "ENABLED", "Days": 30}},
    "InventoryTableConfiguration": {"ConfigurationState": "ENABLED"},
})


def shown():
    result = s3.get_bucket_metadata_configuration(Bucket="data.lake-1")["GetBucketMetadataConfigurationResult"]
    return result["MetadataConfigurationResult"]


until(lambda: shown()["JournalTableConfigurationResult"]["TableStatus"], "ACTIVE")
until(lambda: shown()["InventoryTableConfigurationResult"]["TableStatus"], "ACTIVE")
configured = shown()
assert configured["JournalTableConfigurationResult"]["RecordExpiration"] == {"Expiration": "ENABLED", "Days": 30}
destination = configured["DestinationResult"]
lake = f"arn:aws:s3tables:{region}:{account}:bucket/aws-s3"
assert destination == {"TableBucketType": "aws", "TableBucketArn": lake, "TableNamespace": "b_data_lake-1"}, destination

# What is done to the bucket.
first = s3.put_object(Bucket="data.lake-1", Key="a/1", Body=b"hello", Metadata={"colour": "blau"}, Tagging="team=sky")
s3.put_object_tagging(Bucket="data.lake-1", Key="a/1", Tagging={"TagSet": [{"Key": "team", "Value": "sea"}]})
upload = s3.create_multipart_upload(Bucket="data.lake-1", Key="big")["UploadId"]
part = s3.upload_part(Bucket="data.lake-1", Key="big", UploadId=upload, PartNumber=1, Body=b"x" * 10)
s3.complete_multipart_upload(Bucket="data.lake-1", Key="big", UploadId=upload,
                             MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
marker = s3.delete_object(Bucket="data.lake-1", Key="old")
s3.delete_object(Bucket="data.lake-1", Key="old", VersionId=marker["VersionId"])

lakes = tables.list_table_buckets(type="aws")["tableBuckets"]
assert [one["name"] for one in lakes] == ["aws-s3"], lakes
listed = tables.list_tables(tableBucketARN=lake, namespace="b_data_lake-1")["tables"]
assert [(one["name"], one["type"]) for one in listed] == [("inventory", "aws"), ("journal", "aws")], listed

# What the tables tell of it.
iceberg = catalog(lake, own.access_key, own.secret_key)
assert iceberg.list_namespaces() == [("b_data_lake-1",)]
assert iceberg.list_tables("b_data_lake-1") == [("b_data_lake-1", "inventory"), ("b_data_lake-1", "journal")]
assert iceberg.table_exists("b_data_lake-1.journal") and not iceberg.table_exists("b_data_lake-1.none")
for missing, error in [("b_data_lake-1.none", NoSuchTableError)]:
    try:
        iceberg.load_table(missing)
        raise AssertionError("it is not there")
    except error:
        pass


def journal():
    rows = iceberg.load_table("b_data_lake-1.journal").scan().to_arrow().to_pylist()
    return sorted(rows, key=lambda row: row["sequence_number"])


clock(advance_seconds=61)
until(lambda: len(journal()), 5)
rows = journal()
assert [(row["record_type"], row["key"]) for row in rows] == [
    ("CREATE", "a/1"), ("UPDATE_METADATA", "a/1"), ("CREATE", "big"), ("DELETE", "old"), ("DELETE", "old"),
], rows
created, tagged, big, marked, gone = rows
assert created["bucket"] == "data.lake-1" and created["version_id"] == first["VersionId"] and created["size"] == 5
assert created["e_tag"] == first["ETag"].strip('"') and created["storage_class"] == "STANDARD"
assert created["user_metadata"] == [("colour", "blau")] and created["object_tags"] == [("team", "sky")], created
assert created["requester"] == account and created["source_ip_address"] == "127.0.0.1"
assert created["encryption_status"] == "SSE-S3" and created["is_bucket_key_enabled"] is False
assert tagged["object_tags"] == [("team", "sea")]
assert big["is_multipart"] and not created["is_multipart"]
assert marked["is_delete_marker"] and marked["size"] == 0 and not gone["is_delete_marker"] and gone["size"] is None
some = iceberg.load_table("b_data_lake-1.journal").scan("record_type = 'CREATE' and key = 'big'", selected_fields=("key", "size"))
assert some.to_arrow().to_pylist() == [{"key": "big", "size": 10}]
s3.put_object(Bucket="data.lake-1", Key="later", Body=b"")
clock(advance_seconds=61)
until(lambda: len(journal()), 6)
assert len(iceberg.load_table("b_data_lake-1.journal").snapshots()) >= 2

inventory = iceberg.load_table("b_data_lake-1.inventory").scan().to_arrow().to_pylist()
assert [row["key"] for row in inventory][-1] == "old", inventory

# Who may read a table may read its files; nobody writes them.
location = iceberg.load_table("b_data_lake-1.journal").metadata_location
bucket, key = location.removeprefix("s3://").split("/", 1)
refused("AccessDenied", s3.put_object, Bucket=bucket, Key="x", Body=b"x")
assert bucket not in [one["Name"] for one in s3.list_buckets()["Buckets"]]
refused("NoSuchBucket", s3.list_objects_v2, Bucket=bucket)


def reader(*actions):
    name = f"reader{len(actions)}"
    iam.create_user(UserName=name)
    allow = {"Effect": "Allow", "Action": list(actions), "Resource": [lake, lake + "/*"]}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return catalog(lake, made["AccessKeyId"], made["SecretAccessKey"])


may = ["s3tables:GetTableBucket", "s3tables:ListTables", "s3tables:GetTableMetadataLocation", "s3tables:GetTableData"]
assert len(reader(*may).load_table("b_data_lake-1.journal").scan().to_arrow()) == 6
looker = reader(*may[:3])
assert len(looker.list_tables("b_data_lake-1")) == 2
try:
    looker.load_table("b_data_lake-1.journal")
    raise AssertionError("it may not read the files")
except ForbiddenError:
    pass

# What is attached to objects is a table, too, as far as a role may read it.
trust = {"Effect": "Allow", "Principal": {"Service": "metadata.s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
role = iam.create_role(RoleName="annotations", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
reading = {"Effect": "Allow", "Action": ["s3:ListObjectAnnotations", "s3:GetObjectAnnotation"], "Resource": "arn:aws:s3:::data.lake-1/*"}
iam.put_role_policy(RoleName="annotations", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [reading]}))
s3.put_object_annotation(Bucket="data.lake-1", Key="a/1", AnnotationName="note", AnnotationPayload="gelb".encode())
s3.update_bucket_metadata_annotation_table_configuration(Bucket="data.lake-1", AnnotationTableConfiguration={
    "ConfigurationState": "ENABLED", "Role": role["Role"]["Arn"],
})
until(lambda: shown()["AnnotationTableConfigurationResult"].get("TableStatus"), "ACTIVE")
notes = iceberg.load_table("b_data_lake-1.annotation").scan().to_arrow().to_pylist()
assert [(one["object_key"], one["name"], one["text_value"], one["size"]) for one in notes] == [("a/1", "note", "gelb", 4)], notes

# The tables outlive the configuration.
s3.delete_bucket_metadata_configuration(Bucket="data.lake-1")
refused("MetadataConfigurationNotFound", s3.get_bucket_metadata_configuration, Bucket="data.lake-1")
assert len(journal()) == 6
for name in ["journal", "inventory", "annotation"]:
    tables.delete_table(tableBucketARN=lake, namespace="b_data_lake-1", name=name)
tables.delete_namespace(tableBucketARN=lake, namespace="b_data_lake-1")
try:
    iceberg.list_tables("b_data_lake-1")
    raise AssertionError("it is gone")
except NoSuchNamespaceError:
    pass
tables.delete_table_bucket(tableBucketARN=lake)

# One's own: a namespace by the catalog, a table by S3 Tables.
lake = tables.create_table_bucket(name="mine", tags={"team": "sky"})["arn"]
iceberg = catalog(lake, own.access_key, own.secret_key)
iceberg.create_namespace("sales")
made = tables.create_table(tableBucketARN=lake, namespace="sales", name="orders", format="ICEBERG")
place = tables.get_table_metadata_location(tableBucketARN=lake, namespace="sales", name="orders")
warehouse = place["warehouseLocation"]
metadata = {"format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "location": warehouse,
            "last-sequence-number": 0, "last-updated-ms": 1, "last-column-id": 1, "current-schema-id": 0, "default-spec-id": 0,
            "schemas": [{"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "id", "required": False, "type": "long"}]}],
            "partition-specs": [{"spec-id": 0, "fields": []}], "last-partition-id": 999, "default-sort-order-id": 0,
            "sort-orders": [{"order-id": 0, "fields": []}]}
s3.put_object(Bucket=warehouse.removeprefix("s3://"), Key="metadata/0.metadata.json", Body=json.dumps(metadata))
tables.update_table_metadata_location(tableBucketARN=lake, namespace="sales", name="orders", versionToken=made["versionToken"],
                                      metadataLocation=warehouse + "/metadata/0.metadata.json")
assert iceberg.load_table("sales.orders").scan().to_arrow().num_rows == 0
iceberg.rename_table("sales.orders", "sales.bookings")
assert iceberg.list_tables("sales") == [("sales", "bookings")]
iceberg.purge_table("sales.bookings")
schema = {"fields": [{"name": "id", "type": "long", "required": True}, {"name": "what", "type": "string"}]}
tables.create_table(tableBucketARN=lake, namespace="sales", name="returns", format="ICEBERG", metadata={"iceberg": {"schema": schema}})
assert [(field.name, field.required) for field in iceberg.load_table("sales.returns").schema().fields] == [("id", True), ("what", False)]
# pyiceberg writes it: files by S3, the commit by the catalog.
shape = pyarrow.schema([pyarrow.field("id", pyarrow.int64(), nullable=False), pyarrow.field("what", pyarrow.string())])
table = iceberg.load_table("sales.returns")
stale = iceberg.load_table("sales.returns")
table.append(pyarrow.Table.from_pylist([{"id": 1, "what": "shoes"}, {"id": 2, "what": None}], schema=shape))
table.append(pyarrow.Table.from_pylist([{"id": 3, "what": "hats"}], schema=shape))
try:
    stale.append(pyarrow.Table.from_pylist([{"id": 4, "what": "late"}], schema=shape))
except CommitFailedException:
    pass
else:
    assert 4 in iceberg.load_table("sales.returns").scan().to_arrow()["id"].to_pylist(), "tried again, or refused"
    table.refresh()
    table.delete("id = 4")
found = iceberg.load_table("sales.returns").scan().to_arrow().sort_by("id").to_pylist()
assert found == [{"id": 1, "what": "shoes"}, {"id": 2, "what": None}, {"id": 3, "what": "hats"}], found
with iceberg.load_table("sales.returns").update_schema() as change:
    change.add_column("many", LongType())
assert iceberg.load_table("sales.returns").scan("id = 3").to_arrow().to_pylist() == [{"id": 3, "what": "hats", "many": None}]
created = iceberg.create_table("sales.nested", Schema(
    NestedField(1, "tags", MapType(2, StringType(), 3, StringType()), required=False)))
assert str(created.schema().fields[0].field_type) == "map<string, string>"
iceberg.purge_table("sales.nested")
iceberg.purge_table("sales.returns")
iceberg.drop_namespace("sales")
tables.delete_table_bucket(tableBucketARN=lake)
print("ok")
