//! Global tables: who is in one, and what its replicas have in common.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::world::World;

pub(super) const HOME: &str = "us-east-1";
pub(super) const WEST: &str = "us-west-2";
pub(super) const EURO: &str = "eu-west-1";

pub(super) async fn create(world: &World, name: &str) {
    world
        .ok(
            "CreateTable",
            json!({
                "TableName": name, "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            }),
        )
        .await;
}

pub(super) async fn replicate(world: &World, name: &str, regions: &[&str]) -> Value {
    let updates: Vec<Value> =
        regions.iter().map(|region| json!({"Create": {"RegionName": region}})).collect();
    world.ok("UpdateTable", json!({"TableName": name, "ReplicaUpdates": updates})).await
}

pub(super) async fn group(regions: &[&str]) -> World {
    let world = World::new().await;
    create(&world, "tab").await;
    replicate(&world, "tab", regions).await;
    world.settle().await;
    world
}

pub(super) async fn put(world: &World, region: &str, key: &str, value: &str) {
    let item = json!({"p": {"S": key}, "v": {"S": value}});
    world.ok_in(region, "PutItem", json!({"TableName": "tab", "Item": item})).await;
}

pub(super) async fn content(world: &World, region: &str) -> BTreeMap<String, Value> {
    let items = world.ok_in(region, "Scan", json!({"TableName": "tab"})).await["Items"].clone();
    let items = items.as_array().unwrap().iter();
    items.map(|item| (item["p"]["S"].as_str().unwrap().to_owned(), item["v"].clone())).collect()
}

pub(super) async fn described(world: &World, region: &str) -> Value {
    world.ok_in(region, "DescribeTable", json!({"TableName": "tab"})).await["Table"].clone()
}

#[tokio::test]
async fn a_replica_is_made_filled_and_removed() {
    let world = World::new().await;
    create(&world, "tab").await;
    for i in 0..450 {
        put(&world, HOME, &format!("k{i}"), "before").await;
    }
    let updated = replicate(&world, "tab", &[WEST]).await;
    assert_eq!(updated["TableDescription"]["TableStatus"], "UPDATING");
    assert_eq!(updated["TableDescription"]["Replicas"][0]["ReplicaStatus"], "CREATING");
    assert_eq!(described(&world, WEST).await["TableStatus"], "CREATING");
    assert_eq!(described(&world, HOME).await["TableStatus"], "UPDATING");
    // What is written meanwhile comes along; nobody uses the replica before it is whole.
    put(&world, HOME, "k7", "meanwhile").await;
    world.ok("DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": "k8"}}})).await;
    let early = world.err_in(WEST, "GetItem", json!({"TableName": "tab", "Key": {"p": {"S": "k1"}}})).await;
    assert_eq!(early, "ResourceNotFoundException: Requested resource not found");
    let again = json!({"TableName": "tab", "ReplicaUpdates": [{"Create": {"RegionName": EURO}}]});
    assert!(world.err("UpdateTable", again).await.starts_with("ResourceInUseException: "));
    let source = world.err("DeleteTable", json!({"TableName": "tab"})).await;
    assert!(source.starts_with("ResourceInUseException: "), "{source}");
    let backup = json!({"TableName": "tab", "BackupName": "half"});
    assert!(world.err_in(WEST, "CreateBackup", backup).await.starts_with("TableInUseException: "));
    world.settle().await;
    let table = described(&world, HOME).await;
    assert_eq!(table["TableStatus"], "ACTIVE");
    assert_eq!(table["GlobalTableVersion"], "2019.11.21");
    assert_eq!(table["Replicas"].as_array().unwrap().len(), 1);
    assert_eq!(table["Replicas"][0]["RegionName"], WEST);
    assert_eq!(table["Replicas"][0]["ReplicaStatus"], "ACTIVE");
    assert_eq!(described(&world, WEST).await["Replicas"][0]["RegionName"], HOME);
    let items = content(&world, WEST).await;
    assert_eq!(items, content(&world, HOME).await);
    assert_eq!((items.len(), &items["k7"]["S"]), (449, &json!("meanwhile")));
    // Both ways.
    put(&world, WEST, "new", "from the west").await;
    world.settle().await;
    assert_eq!(content(&world, HOME).await["new"]["S"], "from the west");
    // A removed replica gives all it has first; what is left is a table like any other.
    put(&world, WEST, "last", "words").await;
    world
        .ok("UpdateTable", json!({"TableName": "tab", "ReplicaUpdates": [{"Delete": {"RegionName": WEST}}]}))
        .await;
    assert_eq!(content(&world, HOME).await["last"]["S"], "words");
    let table = described(&world, HOME).await;
    assert!(table["Replicas"].is_null() && table["GlobalTableVersion"].is_null(), "{table}");
    assert!(
        world
            .err_in(WEST, "DescribeTable", json!({"TableName": "tab"}))
            .await
            .starts_with("ResourceNotFound")
    );
    world.settle().await;
    world.ok("DeleteTable", json!({"TableName": "tab"})).await;
    world.settle().await;
}

#[tokio::test]
async fn items_expire_everywhere() {
    let world = group(&[WEST]).await;
    let spec =
        json!({"TableName": "tab", "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "t"}});
    world.ok("UpdateTimeToLive", spec).await;
    world.settle().await;
    let ttl = world.ok_in(WEST, "DescribeTimeToLive", json!({"TableName": "tab"})).await;
    assert_eq!(ttl["TimeToLiveDescription"]["TimeToLiveStatus"], "ENABLED");
    let at = (world.env.now().secs() + 60).to_string();
    let item = json!({"p": {"S": "a"}, "t": {"N": at}});
    world.ok("PutItem", json!({"TableName": "tab", "Item": item})).await;
    world.settle().await;
    assert_eq!(content(&world, WEST).await.len(), 1);
    world.env.clock.advance(Duration::from_secs(61));
    world.settle().await;
    for region in [HOME, WEST] {
        assert!(content(&world, region).await.is_empty(), "{region}");
    }
}

#[tokio::test]
async fn settings_are_shared_or_a_replicas_own() {
    let world = group(&[WEST]).await;
    put(&world, HOME, "a", "x").await;
    world.settle().await;
    let index = json!({
        "TableName": "tab", "AttributeDefinitions": [{"AttributeName": "v", "AttributeType": "S"}],
        "GlobalSecondaryIndexUpdates": [{"Create": {
            "IndexName": "idx", "KeySchema": [{"AttributeName": "v", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"},
        }}],
    });
    world.ok_in(WEST, "UpdateTable", index).await;
    assert_eq!(described(&world, HOME).await["GlobalSecondaryIndexes"][0]["IndexStatus"], "CREATING");
    world.settle().await;
    put(&world, WEST, "b", "x").await;
    world.settle().await;
    for region in [HOME, WEST] {
        assert_eq!(described(&world, region).await["GlobalSecondaryIndexes"][0]["IndexStatus"], "ACTIVE");
        let found = world
            .ok_in(
                region,
                "Query",
                json!({
                    "TableName": "tab", "IndexName": "idx", "KeyConditionExpression": "v = :v",
                    "ExpressionAttributeValues": {":v": {"S": "x"}},
                }),
            )
            .await;
        assert_eq!(found["Count"], 2, "{region}");
    }
    let own = json!({"TableName": "tab", "ReplicaUpdates": [{"Update": {
        "RegionName": WEST, "TableClassOverride": "STANDARD_INFREQUENT_ACCESS",
        "OnDemandThroughputOverride": {"MaxReadRequestUnits": 70},
    }}]});
    world.ok("UpdateTable", own).await;
    let bounds = json!({"TableName": "tab", "OnDemandThroughput": {"MaxReadRequestUnits": 90, "MaxWriteRequestUnits": 80}});
    world.ok("UpdateTable", bounds).await;
    let (home, west) = (described(&world, HOME).await, described(&world, WEST).await);
    assert_eq!(home["OnDemandThroughput"], json!({"MaxReadRequestUnits": 90, "MaxWriteRequestUnits": 80}));
    assert_eq!(west["OnDemandThroughput"], json!({"MaxReadRequestUnits": 70, "MaxWriteRequestUnits": 80}));
    assert_eq!(west["TableClassSummary"]["TableClass"], "STANDARD_INFREQUENT_ACCESS");
    assert!(home["TableClassSummary"].is_null());
    assert_eq!(home["Replicas"][0]["ReplicaTableClassSummary"]["TableClass"], "STANDARD_INFREQUENT_ACCESS");
    assert_eq!(home["Replicas"][0]["OnDemandThroughputOverride"]["MaxReadRequestUnits"], 70);
    // Never shared: deletion protection and tags.
    world.ok_in(WEST, "UpdateTable", json!({"TableName": "tab", "DeletionProtectionEnabled": true})).await;
    assert_eq!(described(&world, HOME).await["DeletionProtectionEnabled"], false);
    let delete = json!({"TableName": "tab", "ReplicaUpdates": [{"Delete": {"RegionName": WEST}}]});
    assert!(world.err("UpdateTable", delete).await.contains("protected against deletion"));
    world
        .ok(
            "UpdateTable",
            json!({"TableName": "tab", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "idx"}}]}),
        )
        .await;
    assert!(described(&world, WEST).await["GlobalSecondaryIndexes"].is_null());
}

#[tokio::test]
async fn refusals() {
    let world = group(&[WEST]).await;
    let update = |updates: Value| json!({"TableName": "tab", "ReplicaUpdates": updates});
    for (input, expected) in [
        (
            update(json!([{"Create": {"RegionName": HOME}}])),
            "ValidationException: Cannot add, delete, or update the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or UpdateTable as required.",
        ),
        (
            update(json!([{"Create": {"RegionName": WEST}}])),
            "ValidationException: Failed to create a the new replica of table with name: 'tab' because one or more replicas already existed as tables.",
        ),
        (
            update(json!([{"Delete": {"RegionName": EURO}}])),
            "ValidationException: Replica specified in the Replica Update or Replica Delete action of the request was not found.",
        ),
        (
            update(json!([{"Create": {"RegionName": "xx-moon-1"}}])),
            "ValidationException: Invalid Request: Unsupported region: xx-moon-1",
        ),
        (
            json!({"TableName": "tab", "StreamSpecification": {"StreamEnabled": false}}),
            "ValidationException: One or more parameter values were invalid: Disabling Stream is not allowed for a Global Table replica.",
        ),
    ] {
        assert_eq!(world.err("UpdateTable", input).await, expected);
    }
    // A stream of another view.
    world.table("other", None).await;
    let stream = json!({"TableName": "other", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}});
    world.ok("UpdateTable", stream).await;
    let input = json!({"TableName": "other", "ReplicaUpdates": [{"Create": {"RegionName": WEST}}]});
    assert!(world.err("UpdateTable", input).await.contains("view type"));
}

/// A restore writes past the log and the versions by which replicas learn of items.
#[tokio::test]
async fn what_is_being_filled_becomes_no_replica() {
    let world = World::new().await;
    create(&world, "source").await;
    world.put("source", json!({"p": {"S": "a"}, "v": {"S": "x"}})).await;
    let backup = world.ok("CreateBackup", json!({"TableName": "source", "BackupName": "bak"})).await;
    world.settle().await;
    let arn = &backup["BackupDetails"]["BackupArn"];
    world.ok("RestoreTableFromBackup", json!({"BackupArn": arn, "TargetTableName": "tab"})).await;
    let creating = "ResourceInUseException: Attempt to change a resource which is still in use: Table is being \
                    created: tab";
    let current = json!({"TableName": "tab", "ReplicaUpdates": [{"Create": {"RegionName": WEST}}]});
    assert_eq!(world.err("UpdateTable", current.clone()).await, creating);
    let stream = json!({
        "TableName": "tab",
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    assert_eq!(world.err("UpdateTable", stream).await, creating);
    let legacy = json!({"GlobalTableName": "tab", "ReplicationGroup": [{"RegionName": HOME}]});
    assert_eq!(world.err("CreateGlobalTable", legacy).await, creating);
    world.settle().await;
    world.ok("UpdateTable", current).await;
    world.settle().await;
    assert_eq!(content(&world, WEST).await["a"]["S"], "x");
}
