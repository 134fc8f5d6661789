"""DynamoDB by boto3: global tables with multi-Region strong consistency, of three replicas and of two and a witness."""

import threading

import boto3
from botocore.exceptions import ClientError

REGIONS = ["us-east-1", "us-east-2", "us-west-2"]
clients = {region: boto3.client("dynamodb", region_name=region) for region in REGIONS}
home, ohio, west = clients.values()


def refused(code, call, **parameters):
    try:
        call(**parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["Error"]["Message"]
    raise AssertionError("it went through")


def create(name, **more):
    home.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        **more,
    )
    home.get_waiter("table_exists").wait(TableName=name)


def item(client, name, key):
    return client.get_item(TableName=name, Key={"p": {"S": key}}, ConsistentRead=True).get("Item")


create("ledger")
home.put_item(TableName="ledger", Item={"p": {"S": "early"}})
three = {
    "TableName": "ledger",
    "ReplicaUpdates": [{"Create": {"RegionName": region}} for region in REGIONS[1:]],
    "MultiRegionConsistency": "STRONG",
}
refused("ValidationException", home.update_table, **three)
home.delete_item(TableName="ledger", Key={"p": {"S": "early"}})
made = home.update_table(**three)["TableDescription"]
assert made["TableStatus"] == "UPDATING" and made["MultiRegionConsistency"] == "STRONG", made
for region, client in clients.items():
    client.get_waiter("table_exists").wait(TableName="ledger")
    table = client.describe_table(TableName="ledger")["Table"]
    assert table["MultiRegionConsistency"] == "STRONG" and table["GlobalTableVersion"] == "2019.11.21", table
    assert {one["RegionName"]: one["ReplicaStatus"] for one in table["Replicas"]} == {
        other: "ACTIVE" for other in REGIONS if other != region
    }
    assert "GlobalTableWitnesses" not in table and "LatestStreamArn" not in table

# Whoever reads anywhere has what was written anywhere, at once.
for n, (region, client) in enumerate(clients.items()):
    client.put_item(TableName="ledger", Item={"p": {"S": "a"}, "by": {"S": region}})
    assert all(item(other, "ledger", "a")["by"]["S"] == region for other in clients.values())
    client.batch_write_item(
        RequestItems={"ledger": [{"PutRequest": {"Item": {"p": {"S": f"b{n}-{i}"}}}} for i in range(25)]}
    )
    assert all(other.scan(TableName="ledger", Select="COUNT")["Count"] == 1 + 25 * (n + 1) for other in clients.values())
west.delete_item(TableName="ledger", Key={"p": {"S": "b0-0"}})
assert item(home, "ledger", "b0-0") is None
# A condition is about the item, wherever it was written last.
refused(
    "ConditionalCheckFailedException",
    home.put_item,
    TableName="ledger",
    Item={"p": {"S": "a"}},
    ConditionExpression="attribute_not_exists(p)",
)

# Counters and races from all Regions at once.
won = []


def client_of(region):
    client = boto3.Session().client("dynamodb", region_name=region)
    for n in range(30):
        client.update_item(
            TableName="ledger",
            Key={"p": {"S": "counter"}},
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        try:
            client.put_item(
                TableName="ledger",
                Item={"p": {"S": f"race{n}"}, "by": {"S": region}},
                ConditionExpression="attribute_not_exists(p)",
            )
            won.append(n)
        except client.exceptions.ConditionalCheckFailedException:
            pass


threads = [threading.Thread(target=client_of, args=(region,)) for region in REGIONS]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert sorted(won) == list(range(30)), won
assert all(item(client, "ledger", "counter")["n"]["N"] == "90" for client in clients.values())

# What it does not do.
for client in clients.values():
    key = {"p": {"S": "a"}}
    refused(
        "ValidationException",
        client.transact_write_items,
        TransactItems=[{"Delete": {"TableName": "ledger", "Key": key}}],
    )
    refused("ValidationException", client.transact_get_items, TransactItems=[{"Get": {"TableName": "ledger", "Key": key}}])
    refused(
        "ValidationException",
        client.execute_transaction,
        TransactStatements=[{"Statement": "DELETE FROM ledger WHERE p = 'a'"}],
    )
    refused(
        "ValidationException",
        client.update_time_to_live,
        TableName="ledger",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "t"},
    )
    refused("ValidationException", client.delete_table, TableName="ledger")
alone = [{"Delete": {"RegionName": "us-east-2"}}]
refused("ValidationException", home.update_table, TableName="ledger", ReplicaUpdates=alone)
home.update_table(TableName="ledger", ReplicaUpdates=alone + [{"Delete": {"RegionName": "us-west-2"}}])
for client in (ohio, west):
    client.get_waiter("table_not_exists").wait(TableName="ledger")
assert "MultiRegionConsistency" not in home.describe_table(TableName="ledger")["Table"]
assert item(home, "ledger", "counter")["n"]["N"] == "90"
home.delete_table(TableName="ledger")

# Two replicas and a witness, as the Developer Guide's tutorial has it.
create("witnessed")
witness = [{"Create": {"RegionName": "us-west-2"}}]
home.update_table(
    TableName="witnessed",
    ReplicaUpdates=[{"Create": {"RegionName": "us-east-2"}}],
    GlobalTableWitnessUpdates=witness,
    MultiRegionConsistency="STRONG",
)
ohio.get_waiter("table_exists").wait(TableName="witnessed")
for client in (home, ohio):
    table = client.describe_table(TableName="witnessed")["Table"]
    assert table["GlobalTableWitnesses"] == [{"RegionName": "us-west-2", "WitnessStatus": "ACTIVE"}], table
assert west.list_tables()["TableNames"] == []
ohio.put_item(TableName="witnessed", Item={"p": {"S": "a"}})
assert item(home, "witnessed", "a")
refused("ResourceNotFoundException", west.get_item, TableName="witnessed", Key={"p": {"S": "a"}})
refused("ValidationException", home.update_table, TableName="witnessed", ReplicaUpdates=alone)
home.update_table(
    TableName="witnessed",
    ReplicaUpdates=alone,
    GlobalTableWitnessUpdates=[{"Delete": {"RegionName": "us-west-2"}}],
)
ohio.get_waiter("table_not_exists").wait(TableName="witnessed")
table = home.describe_table(TableName="witnessed")["Table"]
assert "GlobalTableWitnesses" not in table and "Replicas" not in table, table
home.delete_table(TableName="witnessed")
print("ok")
