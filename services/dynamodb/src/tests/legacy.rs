//! Global tables of version 2017.11.29.

use serde_json::{Value, json};

use super::global::{EURO, HOME, WEST, content, create, described, put};
use super::world::World;

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
    let write =
        |units: i64| json!({"GlobalTableName": "tab", "GlobalTableProvisionedWriteCapacityUnits": units});
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
        let index =
            described(&world, region).await["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"].clone();
        assert_eq!((&index["ReadCapacityUnits"], &index["WriteCapacityUnits"]), (&json!(read), &json!(8)));
    }
    let west = update["ReplicaSettingsUpdate"][0].clone();
    update["ReplicaSettingsUpdate"] = json!([west, west]);
    assert!(world.err("UpdateGlobalTableSettings", update).await.contains("more than once"));
}
