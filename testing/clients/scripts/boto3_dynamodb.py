"""DynamoDB by boto3: the client, the resource API, its batch writer and conditions, paginators, waiters, streams, PartiQL."""

from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

client = boto3.client("dynamodb")
streams = boto3.client("dynamodbstreams")
resource = boto3.resource("dynamodb")


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response["Error"]
        return error.response
    raise AssertionError(f"{code} was expected")


table = resource.create_table(
    TableName="orders",
    KeySchema=[{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}],
    AttributeDefinitions=[
        {"AttributeName": "customer", "AttributeType": "S"},
        {"AttributeName": "number", "AttributeType": "N"},
        {"AttributeName": "state", "AttributeType": "S"},
    ],
    GlobalSecondaryIndexes=[
        {
            "IndexName": "by-state",
            "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    BillingMode="PAY_PER_REQUEST",
    StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
)
table.wait_until_exists()
table.load()
assert table.table_status == "ACTIVE" and table.item_count == 0

with table.batch_writer() as batch:
    for number in range(60):
        batch.put_item(
            Item={
                "customer": "ann" if number % 2 else "bob",
                "number": number,
                "state": "open" if number % 3 else "paid",
                "price": Decimal("12.50") * number,
                "tags": {"a", "b"},
                "lines": [{"sku": "x", "count": number}, None, True, b"\x00\x01"],
            }
        )

item = table.get_item(Key={"customer": "ann", "number": 7}, ConsistentRead=True)["Item"]
assert item["price"] == Decimal("87.5") and item["tags"] == {"a", "b"}
assert item["lines"][0]["count"] == 7 and item["lines"][1] is None and item["lines"][3].value == b"\x00\x01"

found = table.query(
    KeyConditionExpression=Key("customer").eq("ann") & Key("number").between(10, 20),
    FilterExpression=Attr("state").eq("open") & Attr("lines[0].count").gt(10),
    ScanIndexForward=False,
)
assert [int(item["number"]) for item in found["Items"]] == [19, 17, 13, 11], found["Items"]
by_state = table.query(IndexName="by-state", KeyConditionExpression=Key("state").eq("paid"), Select="COUNT")
assert by_state["Count"] == 20
pages = client.get_paginator("scan").paginate(TableName="orders", PaginationConfig={"PageSize": 7})
assert sum(len(page["Items"]) for page in pages) == 60

updated = table.update_item(
    Key={"customer": "ann", "number": 7},
    UpdateExpression="SET #state = :paid, paid_at = if_not_exists(paid_at, :now) ADD version :one",
    ConditionExpression=Attr("state").ne("paid"),
    ExpressionAttributeNames={"#state": "state"},
    ExpressionAttributeValues={":paid": "paid", ":now": 17, ":one": 1},
    ReturnValues="UPDATED_NEW",
)
assert updated["Attributes"] == {"state": "paid", "paid_at": 17, "version": 1}
failed = refused(
    "ConditionalCheckFailedException",
    client.put_item,
    TableName="orders",
    Item={"customer": {"S": "ann"}, "number": {"N": "7"}},
    ConditionExpression="attribute_not_exists(customer)",
    ReturnValuesOnConditionCheckFailure="ALL_OLD",
)
assert failed["Item"]["version"] == {"N": "1"}

cancelled = refused(
    "TransactionCanceledException",
    client.transact_write_items,
    TransactItems=[
        {"Put": {"TableName": "orders", "Item": {"customer": {"S": "eve"}, "number": {"N": "1"}}}},
        {
            "ConditionCheck": {
                "TableName": "orders",
                "Key": {"customer": {"S": "ann"}, "number": {"N": "7"}},
                "ConditionExpression": "version = :v",
                "ExpressionAttributeValues": {":v": {"N": "9"}},
            }
        },
    ],
)
assert [reason["Code"] for reason in cancelled["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
assert "Item" not in table.get_item(Key={"customer": "eve", "number": 1})

statement = client.execute_statement(
    Statement='SELECT "number" FROM "orders" WHERE customer = ? AND "number" < 6', Parameters=[{"S": "ann"}]
)
assert [item["number"]["N"] for item in statement["Items"]] == ["1", "3", "5"]

(stream,) = streams.list_streams(TableName="orders")["Streams"]
description = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]
iterator = streams.get_shard_iterator(
    StreamArn=stream["StreamArn"], ShardId=description["Shards"][0]["ShardId"], ShardIteratorType="TRIM_HORIZON"
)["ShardIterator"]
records = streams.get_records(ShardIterator=iterator)["Records"]
assert [record["eventName"] for record in records] == ["INSERT"] * 60 + ["MODIFY"]
assert records[-1]["dynamodb"]["OldImage"]["state"] == {"S": "open"}

refused("ValidationException", client.get_item, TableName="orders", Key={"customer": {"S": "ann"}})
refused("ResourceNotFoundException", client.describe_table, TableName="none")
refused("ResourceInUseException", resource.create_table, TableName="orders", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}])
table.delete()
table.wait_until_not_exists()
print("dynamodb by boto3: ok")
