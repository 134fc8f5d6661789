"""DynamoDB by boto3: every change of a table arrives in a Kinesis stream, in the order of each item."""

import json
import time

import boto3
from botocore.exceptions import ClientError

dynamodb = boto3.client("dynamodb")
kinesis = boto3.client("kinesis")
iam = boto3.client("iam")


def until(ask, wanted):
    for _ in range(400):
        found = ask()
        if wanted(found):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def destinations():
    found = dynamodb.describe_kinesis_streaming_destination(TableName="tab")
    return [(one["DestinationStatus"], one.get("ApproximateCreationDateTimePrecision")) for one in found["KinesisDataStreamDestinations"]]


def refused(call, text, **parameters):
    try:
        call(TableName="tab", StreamArn=arn, **parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ValidationException", error
        assert text in error.response["Error"]["Message"], error
    else:
        raise AssertionError(text)


dynamodb.create_table(
    TableName="tab",
    KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
dynamodb.get_waiter("table_exists").wait(TableName="tab")
kinesis.create_stream(StreamName="changes", ShardCount=2)
kinesis.get_waiter("stream_exists").wait(StreamName="changes")
arn = kinesis.describe_stream_summary(StreamName="changes")["StreamDescriptionSummary"]["StreamARN"]

refused(dynamodb.disable_kinesis_streaming_destination, "must be ACTIVE to perform DISABLE operation.")
enabled = dynamodb.enable_kinesis_streaming_destination(TableName="tab", StreamArn=arn)
assert enabled["DestinationStatus"] == "ENABLING", enabled
until(destinations, lambda found: found == [("ACTIVE", None)])
refused(dynamodb.enable_kinesis_streaming_destination, "must be DISABLED or ENABLE_FAILED to perform ENABLE operation.")
role = iam.get_role(RoleName="AWSServiceRoleForDynamoDBKinesisDataStreamsReplication")["Role"]
assert role["Path"] == "/aws-service-role/kinesisreplication.dynamodb.amazonaws.com/", role

wanted = {f"k{n % 7}": [] for n in range(7)}
for n in range(140):
    key = f"k{n % 7}"
    dynamodb.put_item(TableName="tab", Item={"p": {"S": key}, "n": {"N": str(n)}, "b": {"B": b"\x00\x01"}})
    wanted[key].append(("INSERT" if n < 7 else "MODIFY", str(n)))
dynamodb.delete_item(TableName="tab", Key={"p": {"S": "k0"}})
wanted["k0"].append(("REMOVE", None))

shards = kinesis.list_shards(StreamName="changes")["Shards"]
iterators = [
    kinesis.get_shard_iterator(StreamName="changes", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    for shard in shards
]
arrived, documents = {key: [] for key in wanted}, []


def read():
    for i, iterator in enumerate(iterators):
        page = kinesis.get_records(ShardIterator=iterator)
        iterators[i] = page["NextShardIterator"]
        for record in page["Records"]:
            document = json.loads(record["Data"])
            if any(known["eventID"] == document["eventID"] for known in documents):
                continue
            documents.append(document)
            key = document["dynamodb"]["Keys"]["p"]["S"]
            assert record["PartitionKey"] == key, record
            arrived[key].append((document["eventName"], document["dynamodb"].get("NewImage", {}).get("n", {}).get("N")))
    return sum(map(len, arrived.values()))


until(read, lambda count: count >= 141)
assert arrived == wanted, arrived
first = documents[0]
assert set(first) == {"awsRegion", "eventID", "eventName", "userIdentity", "recordFormat", "tableName", "dynamodb", "eventSource"}, first
assert (first["eventSource"], first["recordFormat"], first["tableName"]) == ("aws:dynamodb", "application/json", "tab"), first
assert first["dynamodb"]["ApproximateCreationDateTimePrecision"] == "MILLISECOND", first
assert abs(first["dynamodb"]["ApproximateCreationDateTime"] / 1000 - time.time()) < 600, first
assert first["dynamodb"]["NewImage"]["b"] == {"B": "AAE="}, first

micros = {"ApproximateCreationDateTimePrecision": "MICROSECOND"}
updated = dynamodb.update_kinesis_streaming_destination(TableName="tab", StreamArn=arn, UpdateKinesisStreamingConfiguration=micros)
assert updated["DestinationStatus"] == "UPDATING", updated
until(destinations, lambda found: found == [("ACTIVE", "MICROSECOND")])
refused(dynamodb.update_kinesis_streaming_destination, "Precision is already set", UpdateKinesisStreamingConfiguration=micros)
dynamodb.put_item(TableName="tab", Item={"p": {"S": "k1"}, "n": {"N": "1000"}})
until(read, lambda count: count >= 142)
assert documents[-1]["dynamodb"]["ApproximateCreationDateTime"] > 10**15, documents[-1]

assert dynamodb.disable_kinesis_streaming_destination(TableName="tab", StreamArn=arn)["DestinationStatus"] == "DISABLING"
until(destinations, lambda found: found == [("DISABLED", None)])
dynamodb.put_item(TableName="tab", Item={"p": {"S": "k1"}, "n": {"N": "1001"}})
dynamodb.enable_kinesis_streaming_destination(TableName="tab", StreamArn=arn)
until(destinations, lambda found: found == [("ACTIVE", None)])
dynamodb.put_item(TableName="tab", Item={"p": {"S": "k1"}, "n": {"N": "1002"}})
until(read, lambda count: count >= 143)
assert arrived["k1"][-2:] == [("MODIFY", "1000"), ("MODIFY", "1002")], arrived["k1"]

other = arn.replace("changes", "none")
dynamodb.disable_kinesis_streaming_destination(TableName="tab", StreamArn=arn)
until(destinations, lambda found: found == [("DISABLED", None)])
dynamodb.enable_kinesis_streaming_destination(TableName="tab", StreamArn=other)
until(destinations, lambda found: ("ENABLE_FAILED", None) in found)
found = dynamodb.describe_kinesis_streaming_destination(TableName="tab")["KinesisDataStreamDestinations"]
assert [one.get("DestinationStatusDescription") for one in found] == [None, "User does not have a permission to use kinesis stream"], found
print("ok")
