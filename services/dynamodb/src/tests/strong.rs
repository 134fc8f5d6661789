//! Global tables with multi-Region strong consistency: what is in one Region is in all, at once.

use std::time::Duration;

use serde_json::{Value, json};

use super::global::{HOME, WEST, content, described, put};
use super::world::World;

pub(super) const OHIO: &str = "us-east-2";
pub(super) const ALL: [&str; 3] = [HOME, OHIO, WEST];

pub(super) fn strong(replicas: &[&str], witness: Option<&str>) -> Value {
    let updates: Vec<Value> =
        replicas.iter().map(|region| json!({"Create": {"RegionName": region}})).collect();
    let mut input =
        json!({"TableName": "tab", "MultiRegionConsistency": "STRONG", "ReplicaUpdates": updates});
    if let Some(region) = witness {
        input["GlobalTableWitnessUpdates"] = json!([{"Create": {"RegionName": region}}]);
    }
    input
}

fn delete(replicas: &[&str], witness: Option<&str>) -> Value {
    let updates: Vec<Value> =
        replicas.iter().map(|region| json!({"Delete": {"RegionName": region}})).collect();
    let mut input = json!({"TableName": "tab", "ReplicaUpdates": updates});
    if let Some(region) = witness {
        input["GlobalTableWitnessUpdates"] = json!([{"Delete": {"RegionName": region}}]);
    }
    input
}

pub(super) async fn group() -> World {
    let world = World::new().await;
    world.table("tab", None).await;
    world.ok("UpdateTable", strong(&[OHIO, WEST], None)).await;
    world
}

async fn read(world: &World, region: &str, key: &str) -> Value {
    let input = json!({"TableName": "tab", "Key": {"p": {"S": key}}, "ConsistentRead": true});
    world.ok_in(region, "GetItem", input).await["Item"]["v"]["S"].clone()
}

#[tokio::test]
async fn every_region_has_what_was_written_in_any() {
    let world = World::new().await;
    world.table("tab", None).await;
    let made = world.ok("UpdateTable", strong(&[OHIO, WEST], None)).await["TableDescription"].clone();
    assert_eq!(made["TableStatus"], "UPDATING");
    assert!(made["Replicas"].as_array().unwrap().iter().all(|one| one["ReplicaStatus"] == "CREATING"));
    for region in ALL {
        let table = described(&world, region).await;
        assert_eq!(
            (&table["TableStatus"], &table["GlobalTableVersion"]),
            (&json!("ACTIVE"), &json!("2019.11.21"))
        );
        assert_eq!(table["MultiRegionConsistency"], "STRONG");
        assert!(table["GlobalTableWitnesses"].is_null());
        let peers: Vec<_> =
            table["Replicas"].as_array().unwrap().iter().map(|one| &one["RegionName"]).collect();
        assert_eq!(peers, ALL.iter().filter(|one| **one != region).collect::<Vec<_>>());
        // It needs no stream, and has none that nobody asked for.
        assert!(table["LatestStreamArn"].is_null());
    }
    // No reconciler has any part in it.
    for (i, region) in ALL.into_iter().enumerate() {
        put(&world, region, "a", region).await;
        for other in ALL {
            assert_eq!(read(&world, other, "a").await, region);
        }
        let batch = json!({"RequestItems": {"tab": [
            {"PutRequest": {"Item": {"p": {"S": format!("b{i}")}, "v": {"S": "batch"}}}},
            {"PutRequest": {"Item": {"p": {"S": format!("c{i}")}, "v": {"S": "batch"}}}},
        ]}});
        world.ok_in(region, "BatchWriteItem", batch).await;
        let statement = format!("UPDATE tab SET v = 'by {region}' WHERE p = 'c{i}'");
        world.ok_in(region, "ExecuteStatement", json!({"Statement": statement})).await;
        world
            .ok_in(region, "DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": format!("b{i}")}}}))
            .await;
    }
    let items = content(&world, HOME).await;
    assert_eq!(items.len(), 4, "{items:?}");
    for region in ALL {
        assert_eq!(content(&world, region).await, items);
    }
    // A condition is met, or not, by what is there wherever it was written.
    let update = |value: &str, expected: &str| {
        json!({
            "TableName": "tab", "Key": {"p": {"S": "a"}}, "UpdateExpression": "SET v = :new",
            "ConditionExpression": "v = :old", "ReturnValues": "ALL_OLD",
            "ExpressionAttributeValues": {":new": {"S": value}, ":old": {"S": expected}},
        })
    };
    let old = world.ok_in(OHIO, "UpdateItem", update("next", WEST)).await;
    assert_eq!(old["Attributes"]["v"]["S"], WEST);
    let refused = world.err_in(HOME, "UpdateItem", update("never", WEST)).await;
    assert!(refused.starts_with("ConditionalCheckFailedException"), "{refused}");
    for region in ALL {
        assert_eq!(read(&world, region, "a").await, "next");
    }
}

#[tokio::test]
async fn three_regions_or_none() {
    for witness in [None, Some(WEST)] {
        let world = World::new().await;
        world.table("tab", None).await;
        let replicas: &[&str] = if witness.is_some() { &[OHIO] } else { &[OHIO, WEST] };
        let made = world.ok("UpdateTable", strong(replicas, witness)).await;
        if let Some(region) = witness {
            let shown = |state: &str| json!([{"RegionName": region, "WitnessStatus": state}]);
            assert_eq!(made["TableDescription"]["GlobalTableWitnesses"], shown("CREATING"));
            for region in [HOME, OHIO] {
                assert_eq!(described(&world, region).await["GlobalTableWitnesses"], shown("ACTIVE"));
            }
            let lost = world.err_in(WEST, "DescribeTable", json!({"TableName": "tab"})).await;
            assert!(lost.starts_with("ResourceNotFoundException"), "{lost}");
        }
        put(&world, OHIO, "a", "kept").await;
        // Not one alone, in no way.
        for input in [
            delete(&[OHIO], None),
            delete(&[], witness),
            json!({"TableName": "tab", "ReplicaUpdates": [{"Disassociate": {}}]}),
            json!({"TableName": "tab", "ReplicaUpdates": [{"Create": {"RegionName": "us-west-1"}}]}),
            strong(&["us-west-1"], None),
            delete(replicas, Some(HOME)),
        ] {
            let refused = world.err("UpdateTable", input).await;
            assert!(refused.starts_with("ValidationException: "), "{refused}");
        }
        for region in [HOME, OHIO] {
            let alone = world.err_in(region, "DeleteTable", json!({"TableName": "tab"})).await;
            assert!(alone.starts_with("ValidationException: A single replica or witness"), "{alone}");
        }
        // One that is protected keeps all of them.
        let protect = |on: bool| json!({"TableName": "tab", "DeletionProtectionEnabled": on});
        world.ok_in(OHIO, "UpdateTable", protect(true)).await;
        assert!(
            world.err("UpdateTable", delete(replicas, witness)).await.contains("protected against deletion")
        );
        assert_eq!(described(&world, HOME).await["MultiRegionConsistency"], "STRONG");
        world.ok_in(OHIO, "UpdateTable", protect(false)).await;
        world.ok("UpdateTable", delete(replicas, witness)).await;
        let table = described(&world, HOME).await;
        assert!(table["MultiRegionConsistency"].is_null() && table["Replicas"].is_null(), "{table}");
        assert!(table["GlobalTableWitnesses"].is_null());
        for region in [OHIO, WEST] {
            let gone = world.err_in(region, "DescribeTable", json!({"TableName": "tab"})).await;
            assert!(gone.starts_with("ResourceNotFoundException"), "{gone}");
        }
        // What is left is a table like any other.
        assert_eq!(content(&world, HOME).await["a"]["S"], "kept");
        put(&world, HOME, "b", "alone").await;
        world.ok("TransactWriteItems", transaction("b")).await;
        world.settle().await;
        world.ok("DeleteTable", json!({"TableName": "tab"})).await;
    }
}

fn transaction(key: &str) -> Value {
    json!({"TransactItems": [{"Put": {"TableName": "tab", "Item": {"p": {"S": key}}}}]})
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let world = World::new().await;
    world.table("tab", None).await;
    let mut mixed = strong(&[OHIO], Some(WEST));
    mixed["ReplicaUpdates"] =
        json!([{"Create": {"RegionName": OHIO}}, {"Delete": {"RegionName": "us-west-1"}}]);
    let mut weak = strong(&[OHIO], Some(WEST));
    weak["MultiRegionConsistency"] = json!("EVENTUAL");
    let mut none = strong(&[OHIO], Some(WEST));
    none.as_object_mut().unwrap().remove("MultiRegionConsistency");
    let invalid = "ValidationException: One or more parameter values were invalid: ";
    for (input, expected) in [
        (
            strong(&[OHIO], None),
            "A global table with multi-Region strong consistency must be in exactly three Regions",
        ),
        (
            strong(&[OHIO, WEST], Some("us-west-1")),
            "A global table with multi-Region strong consistency must be in",
        ),
        (strong(&[OHIO], Some(OHIO)), "A witness must be in another Region"),
        (strong(&[OHIO], Some(HOME)), "A witness must be in another Region"),
        (
            strong(&[OHIO, "eu-west-1"], None),
            "A global table with multi-Region strong consistency cannot span",
        ),
        (
            strong(&[OHIO], Some("us-west-1")),
            "Multi-Region strong consistency is not supported in Region us-west-1",
        ),
        (mixed, "A global table with multi-Region strong consistency is made by Create actions alone"),
        (weak, "GlobalTableWitnessUpdates can only be specified for a global table with"),
        (none, "GlobalTableWitnessUpdates can only be specified for a global table with"),
        (
            json!({"TableName": "tab", "GlobalTableWitnessUpdates": [{"Create": {"RegionName": WEST}}]}),
            "GlobalTableWitnessUpdates can only be specified with ReplicaUpdates",
        ),
    ] {
        let refused = world.err("UpdateTable", input).await;
        assert!(refused.starts_with(&format!("{invalid}{expected}")), "{refused}");
    }
    put(&world, HOME, "a", "x").await;
    let refused = world.err("UpdateTable", strong(&[OHIO, WEST], None)).await;
    assert_eq!(
        refused,
        "ValidationException: Table tab must be empty to become a replica of a global table with multi-Region strong consistency"
    );
    assert!(world.err_in(OHIO, "DescribeTable", json!({"TableName": "tab"})).await.contains("not found"));
    world.ok("DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": "a"}}})).await;
    let ttl = |on: bool| json!({"TableName": "tab", "TimeToLiveSpecification": {"Enabled": on, "AttributeName": "t"}});
    world.ok("UpdateTimeToLive", ttl(true)).await;
    assert!(
        world.err("UpdateTable", strong(&[OHIO, WEST], None)).await.contains("Time to Live is not supported")
    );
    world.env.clock.advance(Duration::from_secs(60 * 60));
    world.ok("UpdateTimeToLive", ttl(false)).await;
    // A table of that name elsewhere.
    let create = json!({
        "TableName": "tab", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    });
    world.ok_in(WEST, "CreateTable", create).await;
    assert!(
        world.err("UpdateTable", strong(&[OHIO, WEST], None)).await.contains("already existed as tables")
    );
    world.ok_in(WEST, "DeleteTable", json!({"TableName": "tab"})).await;
    world.ok("UpdateTable", strong(&[OHIO, WEST], None)).await;
    // What a replica cannot do, in any Region.
    let key = json!({"p": {"S": "a"}});
    for region in ALL {
        for (name, input) in [
            ("UpdateTimeToLive", ttl(true)),
            ("TransactWriteItems", transaction("a")),
            ("TransactGetItems", json!({"TransactItems": [{"Get": {"TableName": "tab", "Key": key}}]})),
            (
                "ExecuteTransaction",
                json!({"TransactStatements": [{"Statement": "DELETE FROM tab WHERE p = 'a'"}]}),
            ),
            (
                "ExecuteTransaction",
                json!({"TransactStatements": [{"Statement": "SELECT * FROM tab WHERE p = 'a'"}]}),
            ),
        ] {
            let refused = world.err_in(region, name, input).await;
            assert!(
                refused.contains("not supported for global tables with multi-Region strong consistency"),
                "{refused}"
            );
        }
    }
    // Nor can a replica of the other mode become one.
    world.ok("UpdateTable", delete(&[OHIO, WEST], None)).await;
    world
        .ok("UpdateTable", json!({"TableName": "tab", "ReplicaUpdates": [{"Create": {"RegionName": OHIO}}]}))
        .await;
    world.settle().await;
    let refused = world.err("UpdateTable", strong(&[WEST, "us-west-1"], None)).await;
    assert!(refused.contains("A table that is a replica already"), "{refused}");
}

#[tokio::test]
async fn a_local_index_does_not_go_with_it() {
    let world = World::new().await;
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let attribute = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    world
        .ok("CreateTable", json!({
            "TableName": "tab", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [key("p", "HASH"), key("s", "RANGE")],
            "AttributeDefinitions": [attribute("p"), attribute("s"), attribute("l")],
            "LocalSecondaryIndexes": [{
                "IndexName": "lsi", "KeySchema": [key("p", "HASH"), key("l", "RANGE")], "Projection": {"ProjectionType": "ALL"},
            }],
        }))
        .await;
    let refused = world.err("UpdateTable", strong(&[OHIO, WEST], None)).await;
    assert!(refused.contains("Local secondary indexes are not supported"), "{refused}");
}

#[tokio::test]
async fn indexes_units_and_streams() {
    let world = group().await;
    put(&world, HOME, "a", "x").await;
    let index = json!({
        "TableName": "tab", "AttributeDefinitions": [{"AttributeName": "v", "AttributeType": "S"}],
        "GlobalSecondaryIndexUpdates": [{"Create": {
            "IndexName": "idx", "KeySchema": [{"AttributeName": "v", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"},
        }}],
    });
    world.ok_in(WEST, "UpdateTable", index).await;
    // Written while it is being filled everywhere.
    put(&world, OHIO, "b", "x").await;
    world.settle().await;
    put(&world, WEST, "c", "x").await;
    world.ok("DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": "a"}}})).await;
    let query = json!({
        "TableName": "tab", "IndexName": "idx", "KeyConditionExpression": "v = :v",
        "ExpressionAttributeValues": {":v": {"S": "x"}},
    });
    for region in ALL {
        assert_eq!(described(&world, region).await["GlobalSecondaryIndexes"][0]["IndexStatus"], "ACTIVE");
        assert_eq!(world.ok_in(region, "Query", query.clone()).await["Count"], 2, "{region}");
    }
    // A stream is each replica's own, and goes as it came. It tells of the writes of all.
    let stream = |on: bool| match on {
        true => {
            json!({"TableName": "tab", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "OLD_IMAGE"}})
        }
        false => json!({"TableName": "tab", "StreamSpecification": {"StreamEnabled": false}}),
    };
    world.ok_in(OHIO, "UpdateTable", stream(true)).await;
    assert!(described(&world, HOME).await["LatestStreamArn"].is_null());
    // Even one that does not look at what it replaces is told with the image of that.
    put(&world, WEST, "b", "y").await;
    let arn = described(&world, OHIO).await["LatestStreamArn"].clone();
    let shard = world.ok_in(OHIO, "DescribeStream", json!({"StreamArn": arn})).await;
    let shard = &shard["StreamDescription"]["Shards"][0]["ShardId"];
    let input = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = world.ok_in(OHIO, "GetShardIterator", input).await["ShardIterator"].clone();
    let records = world.ok_in(OHIO, "GetRecords", json!({"ShardIterator": iterator})).await;
    assert_eq!(records["Records"].as_array().unwrap().len(), 1);
    assert_eq!(records["Records"][0]["dynamodb"]["OldImage"]["v"]["S"], "x");
    world.ok_in(OHIO, "UpdateTable", stream(false)).await;
    // Units are asked for where it is written, and used in each.
    world
        .ok(
            "UpdateTable",
            json!({"TableName": "tab", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "idx"}}]}),
        )
        .await;
    let bound = json!({"TableName": "tab", "OnDemandThroughput": {"MaxWriteRequestUnits": 1}});
    world.ok_in(WEST, "UpdateTable", bound).await;
    for key in 0..3 {
        put(&world, HOME, &format!("k{key}"), &"x".repeat(100 * 1024 - 10)).await;
    }
    let item = json!({"TableName": "tab", "Item": {"p": {"S": "new"}}});
    for region in ALL {
        let refused = world.err_in(region, "PutItem", item.clone()).await;
        assert!(refused.starts_with("ThrottlingException: "), "{refused}");
    }
    world.env.clock.advance(Duration::from_secs(300));
    world.ok_in(OHIO, "PutItem", item).await;
    // What is a replica's own.
    let own = json!({"TableName": "tab", "ReplicaUpdates": [{"Update": {
        "RegionName": WEST, "TableClassOverride": "STANDARD_INFREQUENT_ACCESS",
    }}]});
    world.ok("UpdateTable", own).await;
    assert_eq!(
        described(&world, WEST).await["TableClassSummary"]["TableClass"],
        "STANDARD_INFREQUENT_ACCESS"
    );
    assert!(described(&world, HOME).await["TableClassSummary"].is_null());
}

#[tokio::test]
async fn recovery_is_each_replicas_own_and_restores_make_tables_of_their_own() {
    let world = group().await;
    let pitr =
        json!({"TableName": "tab", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}});
    world.ok_in(OHIO, "UpdateContinuousBackups", pitr).await;
    put(&world, HOME, "a", "first").await;
    world.env.clock.advance(Duration::from_secs(10));
    let then = world.env.now().secs();
    world.env.clock.advance(Duration::from_secs(10));
    put(&world, WEST, "a", "second").await;
    put(&world, WEST, "b", "second").await;
    let backup = world.ok_in(WEST, "CreateBackup", json!({"TableName": "tab", "BackupName": "bak"})).await;
    world.settle().await;
    put(&world, HOME, "a", "third").await;
    let restore = json!({"SourceTableName": "tab", "TargetTableName": "then", "RestoreDateTime": then});
    world.ok_in(OHIO, "RestoreTableToPointInTime", restore).await;
    let arn = &backup["BackupDetails"]["BackupArn"];
    world.ok_in(WEST, "RestoreTableFromBackup", json!({"BackupArn": arn, "TargetTableName": "then"})).await;
    world.settle().await;
    for (region, a, count) in [(OHIO, "first", 1), (WEST, "second", 2)] {
        let items = world.ok_in(region, "Scan", json!({"TableName": "then"})).await;
        assert_eq!(items["Count"], count, "{region}");
        let key = json!({"TableName": "then", "Key": {"p": {"S": "a"}}});
        assert_eq!(world.ok_in(region, "GetItem", key).await["Item"]["v"]["S"], a);
        let table = world.ok_in(region, "DescribeTable", json!({"TableName": "then"})).await;
        assert!(table["Table"]["MultiRegionConsistency"].is_null());
        // It tells nobody.
        world.ok_in(region, "PutItem", json!({"TableName": "then", "Item": {"p": {"S": "own"}}})).await;
    }
    assert!(world.err("DescribeTable", json!({"TableName": "then"})).await.starts_with("ResourceNotFound"));
}
