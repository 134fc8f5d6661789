use serde_json::json;

use super::world::World;

const ARN: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/tab";

#[tokio::test]
async fn tags() {
    let world = World::new().await;
    world.table("tab", None).await;
    let tags: Vec<_> = (0..12).map(|i| json!({"Key": format!("k{i:02}"), "Value": i.to_string()})).collect();
    world.ok("TagResource", json!({"ResourceArn": ARN, "Tags": tags})).await;
    world.ok("UntagResource", json!({"ResourceArn": ARN, "TagKeys": ["k00", "none"]})).await;
    let first = world.ok("ListTagsOfResource", json!({"ResourceArn": ARN})).await;
    assert_eq!(first["Tags"].as_array().unwrap().len(), 10);
    let rest =
        world.ok("ListTagsOfResource", json!({"ResourceArn": ARN, "NextToken": first["NextToken"]})).await;
    assert_eq!(rest["Tags"], json!([{"Key": "k11", "Value": "11"}]));
    let none = json!({"ResourceArn": ARN.replace("/tab", "/none"), "Tags": [{"Key": "a", "Value": "b"}]});
    assert!(world.err("TagResource", none).await.starts_with("ResourceNotFoundException"));
}

#[tokio::test]
async fn resource_policies() {
    let world = World::new().await;
    world.table("tab", None).await;
    assert!(
        world
            .err("GetResourcePolicy", json!({"ResourceArn": ARN}))
            .await
            .starts_with("PolicyNotFoundException")
    );
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"dynamodb:GetItem","Resource":"*"}]}"#;
    let put = world.ok("PutResourcePolicy", json!({"ResourceArn": ARN, "Policy": policy})).await;
    let got = world.ok("GetResourcePolicy", json!({"ResourceArn": ARN})).await;
    assert_eq!(got, json!({"Policy": policy, "RevisionId": put["RevisionId"]}));
    let broken = json!({"ResourceArn": ARN, "Policy": "{"});
    assert!(world.err("PutResourcePolicy", broken).await.starts_with("ValidationException"));
    let stale = json!({"ResourceArn": ARN, "Policy": policy, "ExpectedRevisionId": "0"});
    assert!(world.err("PutResourcePolicy", stale).await.starts_with("PolicyNotFoundException"));
    world.ok("DeleteResourcePolicy", json!({"ResourceArn": ARN})).await;
    assert!(
        world
            .err("GetResourcePolicy", json!({"ResourceArn": ARN}))
            .await
            .starts_with("PolicyNotFoundException")
    );
}

#[tokio::test]
async fn tables_and_indexes_are_warmed_and_do_not_cool() {
    let world = World::new().await;
    let index = json!({
        "IndexName": "by-q", "KeySchema": [{"AttributeName": "q", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"}, "WarmThroughput": {"ReadUnitsPerSecond": 15_000},
    });
    let names =
        json!([{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "q", "AttributeType": "S"}]);
    let create = json!({
        "TableName": "tab", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}], "AttributeDefinitions": names,
        "BillingMode": "PAY_PER_REQUEST", "GlobalSecondaryIndexes": [index],
        "WarmThroughput": {"ReadUnitsPerSecond": 20_000, "WriteUnitsPerSecond": 5000},
    });
    let mut cool = create.clone();
    cool["WarmThroughput"]["WriteUnitsPerSecond"] = json!(3999);
    assert_eq!(
        world.err("CreateTable", cool).await,
        "ValidationException: One or more parameter values were invalid: Requested WriteUnitsPerSecond for \
         WarmThroughput for table is lower than current WarmThroughput, decreasing WarmThroughput is not supported"
    );
    world.ok("CreateTable", create).await;
    let shown = async || world.ok("DescribeTable", json!({"TableName": "tab"})).await["Table"].clone();
    let table = shown().await;
    let warm = |read: i64, write: i64| json!({"ReadUnitsPerSecond": read, "WriteUnitsPerSecond": write, "Status": "ACTIVE"});
    assert_eq!(table["WarmThroughput"], warm(20_000, 5000));
    assert_eq!(table["GlobalSecondaryIndexes"][0]["WarmThroughput"], warm(15_000, 4000));
    let update = |table: i64, index: i64| {
        let index = json!({"IndexName": "by-q", "WarmThroughput": {"WriteUnitsPerSecond": index}});
        json!({
            "TableName": "tab", "WarmThroughput": {"ReadUnitsPerSecond": table},
            "GlobalSecondaryIndexUpdates": [{"Update": index}],
        })
    };
    world.ok("UpdateTable", update(21_000, 4500)).await;
    let refused = world.err("UpdateTable", update(21_000, 4400)).await;
    assert!(
        refused.contains("Requested WriteUnitsPerSecond for WarmThroughput for index : by-q is lower"),
        "{refused}"
    );
    assert!(world.err("UpdateTable", update(40_001, 4500)).await.starts_with("LimitExceededException"));
    let table = shown().await;
    assert_eq!(table["WarmThroughput"], warm(21_000, 5000));
    assert_eq!(table["GlobalSecondaryIndexes"][0]["WarmThroughput"], warm(15_000, 4500));
    // Provisioned units that were there once stay warm, and warmth that was asked for survives another billing mode.
    let provisioned = |units: i64| json!({"ReadCapacityUnits": units, "WriteCapacityUnits": units});
    let index =
        |units| json!([{"Update": {"IndexName": "by-q", "ProvisionedThroughput": provisioned(units)}}]);
    world
        .ok(
            "UpdateTable",
            json!({
                "TableName": "tab", "BillingMode": "PROVISIONED", "ProvisionedThroughput": provisioned(6000),
                "GlobalSecondaryIndexUpdates": index(10),
            }),
        )
        .await;
    world.ok("UpdateTable", json!({"TableName": "tab", "ProvisionedThroughput": provisioned(10)})).await;
    assert_eq!(shown().await["WarmThroughput"], warm(21_000, 6000));
}

#[tokio::test]
async fn billing_and_protection() {
    let world = World::new().await;
    world.ok("CreateTable", json!({
        "TableName": "tab", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}, "DeletionProtectionEnabled": true,
    })).await;
    let same = json!({"TableName": "tab", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}});
    assert!(
        world
            .err("UpdateTable", same)
            .await
            .contains("The provisioned throughput for the table will not change")
    );
    let lower = json!({"TableName": "tab", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 9}});
    let throughput = &world.ok("UpdateTable", lower).await["TableDescription"]["ProvisionedThroughput"];
    assert_eq!(
        (&throughput["ReadCapacityUnits"], &throughput["NumberOfDecreasesToday"]),
        (&json!(1), &json!(1))
    );
    let on_demand = json!({"TableName": "tab", "BillingMode": "PAY_PER_REQUEST"});
    let table = world.ok("UpdateTable", on_demand).await["TableDescription"].clone();
    assert_eq!(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["ProvisionedThroughput"]["ReadCapacityUnits"], 0);
    assert!(
        world
            .err("DeleteTable", json!({"TableName": "tab"}))
            .await
            .starts_with("ValidationException: Resource cannot be deleted")
    );
    world.ok("UpdateTable", json!({"TableName": "tab", "DeletionProtectionEnabled": false})).await;
    world.ok("DeleteTable", json!({"TableName": "tab"})).await;
    assert_eq!(world.ok("DescribeLimits", json!({})).await["TableMaxReadCapacityUnits"], 40_000);
    assert_eq!(world.ok("DescribeEndpoints", json!({})).await["Endpoints"][0]["CachePeriodInMinutes"], 1440);
}

#[tokio::test]
async fn provisioned_throughput_bounds_what_is_done() {
    let world = World::new().await;
    world
        .ok(
            "CreateTable",
            json!({
                "TableName": "tab", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            }),
        )
        .await;
    let put = json!({"TableName": "tab", "Item": {"p": {"S": "a"}, "v": {"S": "x".repeat(100 * 1024)}}});
    // Five minutes' units are there from the beginning: three of these, and the one that overdraws.
    let mut done = 0;
    while world.call("PutItem", put.clone()).await.is_ok() {
        done += 1;
        assert!(done < 10);
    }
    assert_eq!(done, 3);
    // A transaction uses twice as much.
    world.env.clock.advance(std::time::Duration::from_secs(103));
    let item = json!({"p": {"S": "a"}, "v": {"S": "x".repeat(100 * 1024)}});
    let transaction = json!({"TransactItems": [{"Put": {"TableName": "tab", "Item": item}}]});
    world.ok("TransactWriteItems", transaction).await;
    let (error, detail) = world.call("PutItem", put.clone()).await.unwrap_err();
    assert!(error.starts_with("ProvisionedThroughputExceededException: The level of configured"), "{error}");
    assert_eq!(detail["ThrottlingReasons"][0]["reason"], "TableWriteProvisionedThroughputExceeded");
    let batch = json!({"RequestItems": {"tab": [{"PutRequest": {"Item": {"p": {"S": "b"}}}}]}});
    assert!(world.err("BatchWriteItem", batch).await.starts_with("ProvisionedThroughputExceededException"));
    world.env.clock.advance(std::time::Duration::from_secs(90));
    assert!(world.err("PutItem", put.clone()).await.starts_with("ProvisionedThroughputExceededException"));
    world.env.clock.advance(std::time::Duration::from_secs(20));
    world.ok("PutItem", put).await;
    world.ok("GetItem", json!({"TableName": "tab", "Key": {"p": {"S": "a"}}})).await;
}
