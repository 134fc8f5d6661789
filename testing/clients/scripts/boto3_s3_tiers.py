"""S3 Select, Intelligent-Tiering, metrics, ABAC and changes of encryption, as boto3 sees them."""

import bz2
import gzip
import json
import os
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint = os.environ["AWS_ENDPOINT_URL"]
s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))


def code(call, **input):
    try:
        call(**input)
        return "ok"
    except ClientError as error:
        return error.response["Error"]["Code"]


def clock(**change):
    request = urllib.request.Request(endpoint + "/_haneul/clock", data=json.dumps(change).encode(), method="POST")
    return json.load(urllib.request.urlopen(request))


def select(key, expression, input, output={"CSV": {}}, **more):
    answer = s3.select_object_content(
        Bucket=bucket, Key=key, ExpressionType="SQL", Expression=expression,
        InputSerialization=input, OutputSerialization=output, **more,
    )
    records, names = b"", []
    for event in answer["Payload"]:
        (name, value), = event.items()
        names.append(name)
        if name == "Records":
            records += value["Payload"]
        if name == "Stats":
            assert value["Details"]["BytesReturned"] == len(records), value
    assert names[-2:] == ["Stats", "End"], names
    return records.decode()


bucket = "tiers"
s3.create_bucket(Bucket=bucket)

# Select.
rows = "id,name\n" + "".join(f"{i},name-{i}\n" for i in range(50_000))
for key, body, compression in [
    ("plain", rows.encode(), "NONE"), ("gz", gzip.compress(rows.encode()), "GZIP"), ("bz", bz2.compress(rows.encode()), "BZIP2"),
]:
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    form = {"CSV": {"FileHeaderInfo": "USE"}, "CompressionType": compression}
    assert select(key, "SELECT * FROM S3Object", form) == rows.split("\n", 1)[1], key
    assert select(key, "SELECT COUNT(*), AVG(CAST(s.id AS INT)) FROM S3Object s WHERE s.name LIKE 'name-4____'", form) == "10000,44999.5\n"
    assert select(key, "SELECT s.name FROM S3Object s WHERE s.id = '7' LIMIT 1", form, {"JSON": {}}) == '{"name":"name-7"}\n'
s3.put_object(Bucket=bucket, Key="json", Body=json.dumps({"people": [{"n": 1, "t": ["a"]}, {"n": 2.5}]}))
assert select("json", "SELECT p.n, p.t[0] AS t FROM S3Object[*].people[*] p", {"JSON": {"Type": "DOCUMENT"}}, {"JSON": {}}) == '{"n":1,"t":"a"}\n{"n":2.5}\n'
both = [
    select("plain", "SELECT id FROM S3Object", {"CSV": {"FileHeaderInfo": "USE"}}, ScanRange=part)
    for part in ({"Start": 0, "End": 99_999}, {"Start": 100_000})
]
assert "".join(both) == "".join(f"{i}\n" for i in range(50_000))
csv = dict(Bucket=bucket, Key="plain", ExpressionType="SQL", InputSerialization={"CSV": {}}, OutputSerialization={"CSV": {}})
assert code(s3.select_object_content, Expression="SELECT", **csv) == "ParseSelectMissingFrom"
assert code(s3.select_object_content, Expression="SELECT s.nope FROM S3Object s", **csv) == "MissingHeaders"

# Tiers, by the clock.
tiering = {"Id": "deep", "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}
s3.put_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="deep", IntelligentTieringConfiguration=tiering)
assert s3.get_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="deep")["IntelligentTieringConfiguration"] == tiering
s3.put_object(Bucket=bucket, Key="cold", Body=b"c" * 200_000, StorageClass="INTELLIGENT_TIERING")

# Metrics, tags that decide, encryption.
metrics = {"Id": "all", "Filter": {"And": {"Prefix": "p", "Tags": [{"Key": "a", "Value": "b"}]}}}
s3.put_bucket_metrics_configuration(Bucket=bucket, Id="all", MetricsConfiguration=metrics)
assert s3.list_bucket_metrics_configurations(Bucket=bucket)["MetricsConfigurationList"] == [metrics]
assert s3.get_bucket_abac(Bucket=bucket)["AbacStatus"] == {"Status": "Disabled"}
s3.put_bucket_abac(Bucket=bucket, AbacStatus={"Status": "Enabled"})
assert code(s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": []}) == "MethodNotAllowed"
s3.put_object(Bucket=bucket, Key="twice", Body=b"t" * 200_000, ServerSideEncryption="aws:kms:dsse")
twice = s3.get_object(Bucket=bucket, Key="twice")
assert (twice["ServerSideEncryption"], twice["Body"].read()) == ("aws:kms:dsse", b"t" * 200_000)
key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
s3.update_object_encryption(Bucket=bucket, Key="plain", ObjectEncryption={"SSEKMS": {"KMSKeyArn": key}})
plain = s3.get_object(Bucket=bucket, Key="plain")
assert (plain["SSEKMSKeyId"], plain["Body"].read()) == (key, rows.encode())

# At last, as a client's signatures are of the host's time.
clock(advance_seconds=91 * 86_400)
for _ in range(200):
    if s3.head_object(Bucket=bucket, Key="cold").get("ArchiveStatus") == "ARCHIVE_ACCESS":
        break
else:
    raise AssertionError("it was not archived")
assert code(s3.get_object, Bucket=bucket, Key="cold") == "InvalidObjectState"
s3.restore_object(Bucket=bucket, Key="cold", RestoreRequest={"GlacierJobParameters": {"Tier": "Expedited"}})
assert s3.head_object(Bucket=bucket, Key="cold")["Restore"] == 'ongoing-request="true"'
clock(advance_seconds=360)
assert s3.get_object(Bucket=bucket, Key="cold")["Body"].read() == b"c" * 200_000
print("ok")
