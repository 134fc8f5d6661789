"""DynamoDB by boto3: a table encrypted with a KMS key, exported to S3 in both formats, and imported from it."""

import gzip
import json
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

dynamodb = boto3.client("dynamodb")
kms = boto3.client("kms")
s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))


def ended(describe, of):
    """The description, once what it describes is no longer under way."""
    for _ in range(600):
        found = of(describe())
        status = found.get("ExportStatus") or found["ImportStatus"]
        if status != "IN_PROGRESS":
            assert status == "COMPLETED", found
            return found
        time.sleep(0.05)
    raise AssertionError("it does not end")


key = kms.create_key(Description="of the table")["KeyMetadata"]["Arn"]
created = dynamodb.create_table(
    TableName="source",
    KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "N"}],
    GlobalSecondaryIndexes=[
        {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
    ],
    BillingMode="PAY_PER_REQUEST",
    SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
)["TableDescription"]
dynamodb.get_waiter("table_exists").wait(TableName="source")
described = dynamodb.describe_table(TableName="source")["Table"]["SSEDescription"]
assert described == {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}, described
dynamodb.update_continuous_backups(
    TableName="source", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
)
items = [
    {"p": {"S": f"k{n}"}, "g": {"N": str(n % 3)}, "b": {"B": b"\x00\x01"}, "m": {"M": {"l": {"L": [{"NULL": True}, {"S": 'a"b'}]}}}}
    for n in range(50)
]
for item in items:
    dynamodb.put_item(TableName="source", Item=item)

s3.create_bucket(Bucket="exports")
for form, reads in (("DYNAMODB_JSON", json.loads), ("ION", str)):
    arn = dynamodb.export_table_to_point_in_time(
        TableArn=created["TableArn"], S3Bucket="exports", S3Prefix=form.lower(), ExportFormat=form
    )["ExportDescription"]["ExportArn"]
    export = ended(lambda: dynamodb.describe_export(ExportArn=arn), lambda answer: answer["ExportDescription"])
    assert export["ItemCount"] == 50, export
    summary = json.loads(s3.get_object(Bucket="exports", Key=export["ExportManifest"])["Body"].read())
    assert summary["exportArn"] == arn and summary["outputFormat"] == form, summary
    files = s3.get_object(Bucket="exports", Key=summary["manifestFilesS3Key"])["Body"].read().decode().splitlines()
    lines = []
    for file in map(json.loads, files):
        data = s3.get_object(Bucket="exports", Key=file["dataFileS3Key"])
        assert data["ETag"].strip('"') == file["etag"]
        lines += [reads(line) for line in gzip.decompress(data["Body"].read()).decode().splitlines()]
    assert len(lines) == 50
    name = f"from-{form.lower()}"
    arn = dynamodb.import_table(
        S3BucketSource={"S3Bucket": "exports", "S3KeyPrefix": export["ExportManifest"].rsplit("/", 1)[0] + "/data/"},
        InputFormat=form,
        InputCompressionType="GZIP",
        TableCreationParameters={
            "TableName": name,
            "KeySchema": created["KeySchema"],
            "AttributeDefinitions": created["AttributeDefinitions"],
            "BillingMode": "PAY_PER_REQUEST",
            "GlobalSecondaryIndexes": [
                {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
            ],
        },
    )["ImportTableDescription"]["ImportArn"]
    done = ended(lambda: dynamodb.describe_import(ImportArn=arn), lambda answer: answer["ImportTableDescription"])
    assert (done["ImportedItemCount"], done["ErrorCount"]) == (50, 0), done
    for index in ({}, {"IndexName": "by-g"}):
        found = dynamodb.scan(TableName=name, **index)["Items"]
        assert sorted(found, key=lambda item: item["p"]["S"]) == sorted(items, key=lambda item: item["p"]["S"])

s3.put_object(Bucket="exports", Key="csv/a.csv", Body=b'p;g;name\na;1;"x; y"\nb;nan;z\n')
arn = dynamodb.import_table(
    S3BucketSource={"S3Bucket": "exports", "S3KeyPrefix": "csv/"},
    InputFormat="CSV",
    InputFormatOptions={"Csv": {"Delimiter": ";"}},
    TableCreationParameters={
        "TableName": "from-csv",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "g", "KeyType": "RANGE"}],
        "AttributeDefinitions": created["AttributeDefinitions"],
        "BillingMode": "PAY_PER_REQUEST",
    },
)["ImportTableDescription"]["ImportArn"]
done = ended(lambda: dynamodb.describe_import(ImportArn=arn), lambda answer: answer["ImportTableDescription"])
assert (done["ProcessedItemCount"], done["ImportedItemCount"], done["ErrorCount"]) == (2, 1, 1), done
assert dynamodb.scan(TableName="from-csv")["Items"] == [{"p": {"S": "a"}, "g": {"N": "1"}, "name": {"S": "x; y"}}]
assert len(dynamodb.list_exports()["ExportSummaries"]) == 2
assert len(dynamodb.list_imports()["ImportSummaryList"]) == 3

try:
    dynamodb.describe_export(ExportArn=created["TableArn"] + "/export/01700000000000-00000000")
    raise AssertionError("an export that never was")
except ClientError as error:
    assert error.response["Error"]["Code"] == "ExportNotFoundException", error
print("ok")
