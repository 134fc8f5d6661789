"""DynamoDB by boto3: a global table in three Regions, its settings, a legacy one, and auto scaling."""

import time

import boto3
from botocore.exceptions import ClientError

REGIONS = ["us-east-1", "us-west-2", "eu-west-1"]
home, west, euro = (boto3.client("dynamodb", region_name=region) for region in REGIONS)
clients = dict(zip(REGIONS, (home, west, euro)))


def until(what, holds):
    """What `what` gives, once it holds."""
    for _ in range(600):
        found = what()
        if holds(found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"it stays {found}")


def replicas(client, name="music"):
    table = client.describe_table(TableName=name)["Table"]
    return {replica["RegionName"]: replica["ReplicaStatus"] for replica in table.get("Replicas", [])}


def item(client, key, name="music"):
    return client.get_item(TableName=name, Key={"p": {"S": key}}, ConsistentRead=True).get("Item", {}).get("v", {}).get("S")


table = {
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}
home.create_table(TableName="music", BillingMode="PAY_PER_REQUEST", **table)
home.get_waiter("table_exists").wait(TableName="music")
for n in range(300):
    home.put_item(TableName="music", Item={"p": {"S": f"k{n}"}, "v": {"S": "before"}})
for region in REGIONS[1:]:
    made = home.update_table(TableName="music", ReplicaUpdates=[{"Create": {"RegionName": region}}])
    assert made["TableDescription"]["TableStatus"] == "UPDATING"
    until(lambda: replicas(home), lambda found: found.get(region) == "ACTIVE")
    clients[region].get_waiter("table_exists").wait(TableName="music")
assert home.describe_table(TableName="music")["Table"]["GlobalTableVersion"] == "2019.11.21"
assert set(replicas(euro)) == {"us-east-1", "us-west-2"}
for client in (west, euro):
    assert client.scan(TableName="music", Select="COUNT")["Count"] == 300
west.put_item(TableName="music", Item={"p": {"S": "new"}, "v": {"S": "from the west"}})
euro.delete_item(TableName="music", Key={"p": {"S": "k7"}})
for client in clients.values():
    until(lambda: item(client, "new"), lambda found: found == "from the west")
    until(lambda: item(client, "k7"), lambda found: found is None)
# Everybody writes the same item; all come to the same.
for n in range(60):
    clients[REGIONS[n % 3]].put_item(TableName="music", Item={"p": {"S": "hot"}, "v": {"S": str(n)}})
for client in clients.values():
    until(lambda: item(client, "hot"), lambda found: found == "59")
try:
    home.update_table(TableName="music", ReplicaUpdates=[{"Create": {"RegionName": "us-east-1"}}])
    raise AssertionError("the local Region")
except ClientError as error:
    assert error.response["Error"]["Message"].startswith("Cannot add, delete, or update the local region"), error
for region in REGIONS[1:]:
    home.update_table(TableName="music", ReplicaUpdates=[{"Delete": {"RegionName": region}}])
    clients[region].get_waiter("table_not_exists").wait(TableName="music")
assert replicas(home) == {}
home.delete_table(TableName="music")

for client in (home, west):
    client.create_table(TableName="legacy", BillingMode="PAY_PER_REQUEST", **table)
    client.get_waiter("table_exists").wait(TableName="legacy")
group = [{"RegionName": region} for region in REGIONS[:2]]
home.create_global_table(GlobalTableName="legacy", ReplicationGroup=group)
described = until(
    lambda: home.describe_global_table(GlobalTableName="legacy")["GlobalTableDescription"],
    lambda found: found["GlobalTableStatus"] == "ACTIVE",
)
assert len(described["ReplicationGroup"]) == 2, described
home.put_item(TableName="legacy", Item={"p": {"S": "a"}, "v": {"S": "b"}})
until(lambda: item(west, "a", "legacy"), lambda found: found == "b")
assert [found["GlobalTableName"] for found in west.list_global_tables()["GlobalTables"]] == ["legacy"]

scaling = boto3.client("application-autoscaling", region_name="us-east-1")
home.create_table(
    TableName="scaled",
    ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
    **table,
)
home.get_waiter("table_exists").wait(TableName="scaled")
try:
    home.update_table(TableName="scaled", ReplicaUpdates=[{"Create": {"RegionName": "us-west-2"}}])
    raise AssertionError("provisioned and not scaled")
except ClientError as error:
    assert "Pay-Per-Request or AutoScaled" in error.response["Error"]["Message"], error
target = {
    "ServiceNamespace": "dynamodb",
    "ResourceId": "table/scaled",
    "ScalableDimension": "dynamodb:table:WriteCapacityUnits",
}
scaling.register_scalable_target(MinCapacity=8, MaxCapacity=20, **target)
policy = scaling.put_scaling_policy(
    PolicyName="follow",
    PolicyType="TargetTrackingScaling",
    TargetTrackingScalingPolicyConfiguration={
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"},
    },
    **target,
)
assert len(policy["Alarms"]) == 4, policy
alarms = boto3.client("cloudwatch", region_name="us-east-1").describe_alarms(
    AlarmNames=[alarm["AlarmName"] for alarm in policy["Alarms"]]
)["MetricAlarms"]
assert all(alarm["AlarmActions"] == [policy["PolicyARN"]] for alarm in alarms) and len(alarms) == 4
until(
    lambda: home.describe_table(TableName="scaled")["Table"]["ProvisionedThroughput"]["WriteCapacityUnits"],
    lambda units: units == 8,
)
activity = scaling.describe_scaling_activities(ServiceNamespace="dynamodb")["ScalingActivities"][0]
assert activity["Description"] == "Setting write capacity units to 8.", activity
home.update_table(TableName="scaled", ReplicaUpdates=[{"Create": {"RegionName": "us-west-2"}}])
until(lambda: replicas(home, "scaled"), lambda found: found == {"us-west-2": "ACTIVE"})
home.update_table_replica_auto_scaling(
    TableName="scaled",
    ProvisionedWriteCapacityAutoScalingUpdate={
        "MinimumUnits": 9,
        "MaximumUnits": 30,
        "ScalingPolicyUpdate": {
            "PolicyName": "follow",
            "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 50.0},
        },
    },
    ReplicaUpdates=[
        {
            "RegionName": "us-west-2",
            "ReplicaProvisionedReadCapacityAutoScalingUpdate": {"MinimumUnits": 7, "MaximumUnits": 11},
        }
    ],
)
described = west.describe_table_replica_auto_scaling(TableName="scaled")["TableAutoScalingDescription"]["Replicas"]
writes = [replica["ReplicaProvisionedWriteCapacityAutoScalingSettings"] for replica in described]
assert [(found["MinimumUnits"], found["MaximumUnits"]) for found in writes] == [(9, 30), (9, 30)], described
assert all(
    found["ScalingPolicies"][0]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 50.0 for found in writes
)
reads = {replica["RegionName"]: replica.get("ReplicaProvisionedReadCapacityAutoScalingSettings") for replica in described}
assert reads["us-west-2"]["MinimumUnits"] == 7 and reads["us-east-1"] is None, described
for client in (home, west):
    until(
        lambda: client.describe_table(TableName="scaled")["Table"]["ProvisionedThroughput"]["WriteCapacityUnits"],
        lambda units: units == 9,
    )
scaling.deregister_scalable_target(**target)
assert scaling.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"] == []
print("ok")
