//! Global tables.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{AccountId, Env, Region};
use haneul_store::{Range, Reads, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::world::World;
use crate::engine::keys;
use crate::engine::versions::Held;
use crate::model::{ITEMS, RawPrefix, StoredItem, TABLES};
use crate::table::TableInfo;
use crate::value::Attrs;

const HOME: &str = "us-east-1";
const WEST: &str = "us-west-2";
const EURO: &str = "eu-west-1";

async fn create(world: &World, name: &str) {
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

async fn replicate(world: &World, name: &str, regions: &[&str]) -> Value {
    let updates: Vec<Value> =
        regions.iter().map(|region| json!({"Create": {"RegionName": region}})).collect();
    world.ok("UpdateTable", json!({"TableName": name, "ReplicaUpdates": updates})).await
}

async fn group(regions: &[&str]) -> World {
    let world = World::new().await;
    create(&world, "tab").await;
    replicate(&world, "tab", regions).await;
    world.settle().await;
    world
}

async fn put(world: &World, region: &str, key: &str, value: &str) {
    let item = json!({"p": {"S": key}, "v": {"S": value}});
    world.ok_in(region, "PutItem", json!({"TableName": "tab", "Item": item})).await;
}

async fn content(world: &World, region: &str) -> BTreeMap<String, Value> {
    let items = world.ok_in(region, "Scan", json!({"TableName": "tab"})).await["Items"].clone();
    let items = items.as_array().unwrap().iter();
    items.map(|item| (item["p"]["S"].as_str().unwrap().to_owned(), item["v"].clone())).collect()
}

async fn described(world: &World, region: &str) -> Value {
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
async fn the_last_writer_wins() {
    let world = group(&[WEST, EURO]).await;
    put(&world, HOME, "a", "home").await;
    world.env.clock.advance(Duration::from_millis(1));
    put(&world, EURO, "a", "euro").await;
    put(&world, WEST, "b", "west").await;
    world.env.clock.advance(Duration::from_millis(1));
    // The delete of what is not there yet is later than the put, and wins.
    world.ok_in(HOME, "DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": "b"}}})).await;
    world.settle().await;
    for region in [HOME, WEST, EURO] {
        let items = content(&world, region).await;
        assert_eq!(items.get("a"), Some(&json!({"S": "euro"})), "{region}");
        assert_eq!(items.get("b"), None, "{region}");
    }
}

/// It does not make a write here earlier than what it replaces, nor one that others were told of already.
#[tokio::test]
async fn a_clock_that_goes_back_holds_nothing_up() {
    let (env, store) = (Env::simulated(3), Store::memory());
    env.clock.advance(Duration::from_secs(60 * 60));
    let world = World::on(env, store.clone()).await;
    create(&world, "tab").await;
    replicate(&world, "tab", &[WEST]).await;
    world.settle().await;
    for (region, key) in [(HOME, "a"), (HOME, "b"), (WEST, "c")] {
        put(&world, region, key, "before").await;
    }
    world.settle().await;
    let earlier = World::on(Env::simulated(4), store).await;
    assert!(earlier.env.now() < world.env.now());
    for (region, key) in [(HOME, "a"), (HOME, "c"), (WEST, "b"), (HOME, "d"), (WEST, "e")] {
        put(&earlier, region, key, "after").await;
    }
    earlier.settle().await;
    let items = content(&earlier, HOME).await;
    assert_eq!(items, content(&earlier, WEST).await);
    assert!(items.values().all(|value| value["S"] == "after"), "{items:?}");
    assert_eq!(items.len(), 5);
}

#[tokio::test]
async fn streams_tell_of_replicated_writes() {
    let world = group(&[WEST]).await;
    put(&world, HOME, "a", "one").await;
    world.settle().await;
    put(&world, WEST, "a", "two").await;
    world.settle().await;
    for region in [HOME, WEST] {
        let streams = world.ok_in(region, "ListStreams", json!({"TableName": "tab"})).await;
        let arn = &streams["Streams"][0]["StreamArn"];
        assert!(arn.as_str().unwrap().contains(region));
        let stream = world.ok_in(region, "DescribeStream", json!({"StreamArn": arn})).await;
        let shard = &stream["StreamDescription"]["Shards"][0]["ShardId"];
        let input = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
        let iterator = world.ok_in(region, "GetShardIterator", input).await["ShardIterator"].clone();
        let records = world.ok_in(region, "GetRecords", json!({"ShardIterator": iterator})).await;
        let records = records["Records"].as_array().unwrap();
        let names: Vec<_> = records.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
        assert_eq!(names, ["INSERT", "MODIFY"], "{region}: nothing goes in circles");
        assert_eq!(records[1]["dynamodb"]["NewImage"]["v"]["S"], "two");
    }
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
            "ValidationException: The stream of a replica of a global table cannot be disabled",
        ),
    ] {
        assert_eq!(world.err("UpdateTable", input).await, expected);
    }
    let strong = json!({"TableName": "tab", "MultiRegionConsistency": "STRONG", "ReplicaUpdates": [{"Create": {"RegionName": EURO}}]});
    assert!(world.err("UpdateTable", strong).await.contains("does not support"));
    // A stream of another view.
    world.table("other", None).await;
    let stream = json!({"TableName": "other", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}});
    world.ok("UpdateTable", stream).await;
    let input = json!({"TableName": "other", "ReplicaUpdates": [{"Create": {"RegionName": WEST}}]});
    assert!(world.err("UpdateTable", input).await.contains("view type"));
}

#[tokio::test]
async fn the_legacy_version() {
    let world = World::new().await;
    create(&world, "tab").await;
    let input =
        json!({"GlobalTableName": "tab", "ReplicationGroup": [{"RegionName": HOME}, {"RegionName": WEST}]});
    assert!(world.err("CreateGlobalTable", input.clone()).await.starts_with("TableNotFoundException: "));
    let table = json!({
        "TableName": "tab", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    world.ok_in(WEST, "CreateTable", table.clone()).await;
    world.ok_in(EURO, "CreateTable", table).await;
    let made = world.ok("CreateGlobalTable", input.clone()).await["GlobalTableDescription"].clone();
    assert_eq!(made["GlobalTableArn"], "arn:aws:dynamodb::000000000000:global-table/tab");
    assert_eq!(made["GlobalTableStatus"], "CREATING");
    assert!(world.err("CreateGlobalTable", input).await.starts_with("GlobalTableAlreadyExistsException: "));
    put(&world, HOME, "a", "home").await;
    world.settle().await;
    assert_eq!(content(&world, WEST).await["a"]["S"], "home");
    let add = json!({"GlobalTableName": "tab", "ReplicaUpdates": [{"Create": {"RegionName": EURO}}]});
    world.ok("UpdateGlobalTable", add.clone()).await;
    assert!(world.err("UpdateGlobalTable", add).await.starts_with("ReplicaAlreadyExistsException: "));
    world.settle().await;
    assert_eq!(content(&world, EURO).await["a"]["S"], "home");
    let group = world.ok_in(EURO, "DescribeGlobalTable", json!({"GlobalTableName": "tab"})).await;
    let regions = group["GlobalTableDescription"]["ReplicationGroup"].as_array().unwrap();
    let names: Vec<_> = regions.iter().map(|replica| replica["RegionName"].as_str().unwrap()).collect();
    assert_eq!(names, [EURO, HOME, WEST]);
    let remove = json!({"GlobalTableName": "tab", "ReplicaUpdates": [{"Delete": {"RegionName": WEST}}]});
    world.ok("UpdateGlobalTable", remove.clone()).await;
    assert!(world.err("UpdateGlobalTable", remove).await.starts_with("ReplicaNotFoundException: "));
    assert_eq!(content(&world, WEST).await.len(), 1, "the table stays");
    let listed = world.ok("ListGlobalTables", json!({})).await;
    assert_eq!(
        listed["GlobalTables"],
        json!([{
            "GlobalTableName": "tab", "ReplicationGroup": [{"RegionName": EURO}, {"RegionName": HOME}],
        }])
    );
    let settings = json!({
        "GlobalTableName": "tab", "GlobalTableBillingMode": "PROVISIONED", "GlobalTableProvisionedWriteCapacityUnits": 7,
        "ReplicaSettingsUpdate": [{"RegionName": EURO, "ReplicaProvisionedReadCapacityUnits": 9}],
    });
    world.ok("UpdateGlobalTableSettings", settings).await;
    let settings = world.ok("DescribeGlobalTableSettings", json!({"GlobalTableName": "tab"})).await;
    let units = |at: usize| {
        let replica = &settings["ReplicaSettings"][at];
        (
            replica["ReplicaProvisionedReadCapacityUnits"].clone(),
            replica["ReplicaProvisionedWriteCapacityUnits"].clone(),
        )
    };
    assert_eq!((units(0), units(1)), ((json!(9), json!(7)), (json!(7), json!(7))));
    // All replicas or none: the decreases that one may still have are used up at another one.
    let write = |units: i64| json!({"GlobalTableName": "tab", "GlobalTableProvisionedWriteCapacityUnits": units});
    world.ok("UpdateGlobalTableSettings", write(100)).await;
    for units in [90, 80, 70, 60] {
        let own = json!({"ReadCapacityUnits": 9, "WriteCapacityUnits": units});
        world.ok_in(EURO, "UpdateTable", json!({"TableName": "tab", "ProvisionedThroughput": own})).await;
    }
    let refused = world.err_in(EURO, "UpdateGlobalTableSettings", write(50)).await;
    assert!(refused.starts_with("LimitExceededException: "), "{refused}");
    let home = described(&world, HOME).await["ProvisionedThroughput"].clone();
    assert_eq!((&home["WriteCapacityUnits"], &home["NumberOfDecreasesToday"]), (&json!(100), &json!(0)));
    let refused = world.err("UpdateGlobalTableSettings", write(40_001)).await;
    assert!(refused.starts_with("LimitExceededException: "), "{refused}");
    let gone = world.err("DescribeGlobalTable", json!({"GlobalTableName": "none"})).await;
    assert!(gone.starts_with("GlobalTableNotFoundException: "));
    // The last one takes the global table with it, and what follows in the same request finds none.
    let delete = |region: &str| json!({"Delete": {"RegionName": region}});
    let update = |updates: Value| json!({"GlobalTableName": "tab", "ReplicaUpdates": updates});
    world.ok("UpdateGlobalTable", update(json!([delete(EURO)]))).await;
    let last = world.ok("UpdateGlobalTable", update(json!([delete(HOME)]))).await;
    assert_eq!(last["GlobalTableDescription"]["GlobalTableStatus"], "DELETING");
    assert_eq!(last["GlobalTableDescription"]["ReplicationGroup"], json!([]));
    world.ok("DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": "a"}}})).await;
    let group = json!({"GlobalTableName": "tab", "ReplicationGroup": [{"RegionName": HOME}]});
    world.ok("CreateGlobalTable", group).await;
    let both = update(json!([delete(HOME), {"Create": {"RegionName": EURO}}]));
    assert!(world.err("UpdateGlobalTable", both).await.starts_with("GlobalTableNotFoundException: "));
}

/// Tables that are not alike could not hold one another's items, or not keep up.
#[tokio::test]
async fn only_tables_that_are_alike_become_replicas() {
    let table = |write: i64, name: &str, key: &str| {
        json!({
            "TableName": "tab", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
            "AttributeDefinitions": [
                {"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": key, "AttributeType": "S"},
            ],
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [{
                "IndexName": name, "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": write},
            }],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        })
    };
    let group =
        json!({"GlobalTableName": "tab", "ReplicationGroup": [{"RegionName": HOME}, {"RegionName": WEST}]});
    let others = "ValidationException: One or more parameter values were invalid: The table in Region us-west-2 has \
                  other global secondary indexes than the others";
    for (other, expected) in [
        (table(6, "idx", "v"), others),
        (table(5, "other", "v"), others),
        (table(5, "idx", "w"), others),
        (table(5, "idx", "v"), ""),
    ] {
        let world = World::new().await;
        world.ok("CreateTable", table(5, "idx", "v")).await;
        world.ok_in(WEST, "CreateTable", other.clone()).await;
        let made = world.call("CreateGlobalTable", group.clone()).await;
        assert_eq!(made.err().map(|(error, _)| error).unwrap_or_default(), expected, "{other}");
    }
}

#[tokio::test]
async fn settings_provision_indexes_as_well() {
    let world = World::new().await;
    let table = json!({
        "TableName": "tab", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "idx", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    for region in [HOME, WEST] {
        world.ok_in(region, "CreateTable", table.clone()).await;
    }
    let group =
        json!({"GlobalTableName": "tab", "ReplicationGroup": [{"RegionName": HOME}, {"RegionName": WEST}]});
    world.ok("CreateGlobalTable", group).await;
    let mut update = json!({
        "GlobalTableName": "tab", "GlobalTableBillingMode": "PROVISIONED",
        "GlobalTableProvisionedWriteCapacityUnits": 7,
    });
    assert_eq!(
        world.err("UpdateGlobalTableSettings", update.clone()).await,
        "ValidationException: One or more parameter values were invalid: ProvisionedThroughput is not specified for \
         index: idx"
    );
    update["GlobalTableGlobalSecondaryIndexSettingsUpdate"] =
        json!([{"IndexName": "idx", "ProvisionedWriteCapacityUnits": 8}]);
    update["ReplicaSettingsUpdate"] = json!([{
        "RegionName": WEST,
        "ReplicaGlobalSecondaryIndexSettingsUpdate": [{"IndexName": "idx", "ProvisionedReadCapacityUnits": 9}],
    }]);
    world.ok("UpdateGlobalTableSettings", update.clone()).await;
    for (region, read) in [(HOME, 8), (WEST, 9)] {
        let index = described(&world, region).await["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"].clone();
        assert_eq!((&index["ReadCapacityUnits"], &index["WriteCapacityUnits"]), (&json!(read), &json!(8)));
    }
    let twice = update["ReplicaSettingsUpdate"].as_array().unwrap().repeat(2);
    update["ReplicaSettingsUpdate"] = json!(twice);
    assert!(world.err("UpdateGlobalTableSettings", update).await.contains("more than once"));
}

/// Else whoever made it could not write to it until its throughput had paid for all items there are.
#[tokio::test]
async fn filling_a_replica_uses_none_of_its_throughput() {
    let world = World::new().await;
    create(&world, "tab").await;
    let bound = json!({"TableName": "tab", "OnDemandThroughput": {"MaxWriteRequestUnits": 1}});
    world.ok("UpdateTable", bound).await;
    // Five minutes' units are 300, and each of these uses 100.
    for key in 0..6 {
        put(&world, HOME, &format!("k{key}"), &"x".repeat(100 * 1024 - 10)).await;
        world.env.clock.advance(Duration::from_secs(100));
    }
    replicate(&world, "tab", &[WEST]).await;
    world.settle().await;
    assert_eq!(content(&world, WEST).await.len(), 6);
    put(&world, WEST, "new", "x").await;
    // What is told of later does use it, as it did where it was written.
    for key in 0..4 {
        put(&world, HOME, &format!("k{key}"), &"y".repeat(100 * 1024 - 10)).await;
        world.env.clock.advance(Duration::from_secs(100));
    }
    world.settle().await;
    let item = json!({"TableName": "tab", "Item": {"p": {"S": "new"}}});
    assert!(world.err_in(WEST, "PutItem", item).await.starts_with("ThrottlingException: "));
}

/// The versions that are kept of one replica: of what is there, and of what is gone.
async fn versions(store: &Store, region: &str) -> (usize, usize) {
    let id = (AccountId::DEFAULT, region.parse::<Region>().unwrap(), "tab".to_owned());
    let global = store.get(&TABLES, &id).await.unwrap().unwrap().global.unwrap();
    let prefix = keys::of_space(global.versions);
    let kept = store.scan(&ITEMS, Range::prefix(RawPrefix(&prefix)), usize::MAX).await.unwrap();
    let gone = kept.iter().filter(|(_, stored)| Held::of(stored).unwrap().gone).count();
    (kept.len() - gone, gone)
}

/// Items that were there before anybody was told of them.
async fn fill(store: &Store, region: &str, count: usize) {
    let id = (AccountId::DEFAULT, region.parse::<Region>().unwrap(), "tab".to_owned());
    let info = TableInfo::new(id.clone(), store.get(&TABLES, &id).await.unwrap().unwrap(), 0);
    let mut batch = haneul_store::Batch::default();
    for i in 0..count {
        let item = Attrs::of(vec![("p".to_owned(), crate::value::Value::S(format!("n{i}")))]);
        let at = keys::of_item(info.record.space, &info.schema, &item);
        batch.put(&ITEMS, &at[..], &StoredItem::Plain(Arc::new(item))).unwrap();
    }
    store.write(batch).await.unwrap();
}

#[tokio::test]
async fn what_is_deleted_is_forgotten_a_day_later() {
    let (env, store) = (Env::simulated(3), Store::memory());
    let mut world = World::on(env.clone(), store.clone()).await;
    create(&world, "tab").await;
    replicate(&world, "tab", &[WEST]).await;
    world.settle().await;
    for key in ["a", "b"] {
        put(&world, HOME, key, "x").await;
    }
    let delete = json!({"TableName": "tab", "Key": {"p": {"S": "a"}}});
    world.ok("DeleteItem", delete).await;
    world.settle().await;
    // However often the program begins anew meanwhile.
    for _ in 0..4 {
        for region in [HOME, WEST] {
            assert_eq!(versions(&store, region).await, (1, 1), "{region}");
        }
        env.clock.advance(Duration::from_secs(6 * 60 * 60));
        world = World::on(env.clone(), store.clone()).await;
        world.settle().await;
    }
    for region in [HOME, WEST] {
        assert_eq!(versions(&store, region).await, (1, 0), "{region}");
    }
}

/// One page is 200 items, and a turn is 50 of them.
#[tokio::test]
async fn a_large_table_is_carried_by_turns_and_nothing_forgotten_meanwhile() {
    let (env, store) = (Env::simulated(3), Store::memory());
    let world = World::on(env.clone(), store.clone()).await;
    create(&world, "tab").await;
    replicate(&world, "tab", &[WEST]).await;
    world.settle().await;
    put(&world, HOME, "a", "x").await;
    world.ok("DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": "a"}}})).await;
    world.settle().await;
    fill(&store, HOME, 200 * 50 + 1).await;
    env.clock.advance(Duration::from_secs(25 * 60 * 60));
    replicate(&world, "tab", &[EURO]).await;
    world.settle().await;
    assert_eq!(described(&world, EURO).await["TableStatus"], "CREATING");
    assert_eq!(versions(&store, HOME).await, (0, 1), "an earlier write may still come from somewhere");
    world.settle().await;
    assert_eq!(described(&world, EURO).await["TableStatus"], "ACTIVE");
    assert_eq!(described(&world, EURO).await["ItemCount"], 200 * 50 + 1);
    assert_eq!(versions(&store, HOME).await, (0, 0));
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

#[derive(Clone, Debug)]
enum Step {
    Put(usize, u8),
    Delete(usize, u8),
    /// Clients and reconcilers do not wait for one another.
    Carry,
    Restart,
    Leave,
    Join,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0..3usize, 0..5u8).prop_map(|(region, key)| Step::Put(region, key)),
        5 => (0..3usize, 0..5u8).prop_map(|(region, key)| Step::Delete(region, key)),
        3 => Just(Step::Carry),
        1 => Just(Step::Restart),
        1 => Just(Step::Leave),
        1 => Just(Step::Join),
    ];
    prop::collection::vec(step, 1..60)
}

#[test]
fn replicas_come_to_the_same_whatever_happens() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
    runner
        .run(&steps(), |steps| {
            runtime.block_on(converge(steps));
            Ok(())
        })
        .unwrap();
}

async fn converge(steps: Vec<Step>) {
    let (env, store) = (Env::simulated(3), Store::memory());
    let mut world = World::on(env.clone(), store.clone()).await;
    create(&world, "tab").await;
    replicate(&world, "tab", &[WEST, EURO]).await;
    world.settle().await;
    let mut regions = vec![HOME, WEST, EURO];
    // Each write has a moment of its own, so the last one is known.
    let mut expected: BTreeMap<String, Value> = BTreeMap::new();
    for (moment, step) in steps.into_iter().enumerate() {
        env.clock.advance(Duration::from_millis(1));
        match step {
            Step::Put(at, key) => {
                let (key, value) = (format!("k{key}"), format!("v{moment}"));
                put(&world, regions[at % regions.len()], &key, &value).await;
                expected.insert(key, json!({"S": value}));
            }
            Step::Delete(at, key) => {
                let key = format!("k{key}");
                let input = json!({"TableName": "tab", "Key": {"p": {"S": key}}});
                world.ok_in(regions[at % regions.len()], "DeleteItem", input).await;
                expected.remove(&key);
            }
            Step::Carry => world.settle().await,
            Step::Restart => world = World::on(env.clone(), store.clone()).await,
            Step::Leave if regions.len() == 3 => {
                let leave = json!({"TableName": "tab", "ReplicaUpdates": [{"Delete": {"RegionName": EURO}}]});
                world.ok("UpdateTable", leave).await;
                regions.pop();
            }
            Step::Join if regions.len() == 2 => {
                world.settle().await;
                replicate(&world, "tab", &[EURO]).await;
                world.settle().await;
                regions.push(EURO);
            }
            Step::Leave | Step::Join => {}
        }
    }
    world.settle().await;
    for region in regions {
        assert_eq!(content(&world, region).await, expected, "{region}");
    }
}
