use serde_json::{Value, json};

use super::world::World;

async fn indexed() -> World {
    let world = World::new().await;
    let attribute = |name: &str, kind: &str| json!({"AttributeName": name, "AttributeType": kind});
    let keys = |hash: &str, range: &str| json!([{"AttributeName": hash, "KeyType": "HASH"}, {"AttributeName": range, "KeyType": "RANGE"}]);
    let input = json!({
        "TableName": "tab", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [attribute("p", "S"), attribute("s", "S"), attribute("g", "S"), attribute("n", "N")],
        "KeySchema": keys("p", "s"),
        "LocalSecondaryIndexes": [
            {"IndexName": "local", "KeySchema": keys("p", "n"), "Projection": {"ProjectionType": "KEYS_ONLY"}},
        ],
        "GlobalSecondaryIndexes": [
            {"IndexName": "all", "KeySchema": keys("g", "n"), "Projection": {"ProjectionType": "ALL"}},
            {"IndexName": "some", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
             "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]}},
        ],
    });
    world.ok("CreateTable", input).await;
    world
}

async fn query(world: &World, index: &str, key: &str, value: &str, change: Value) -> Value {
    let mut input = json!({
        "TableName": "tab", "IndexName": index, "KeyConditionExpression": "#k = :v",
        "ExpressionAttributeNames": {"#k": key}, "ExpressionAttributeValues": {":v": {"S": value}},
    });
    for (name, value) in change.as_object().unwrap() {
        input[name] = value.clone();
    }
    world.ok("Query", input).await
}

#[tokio::test]
async fn entries_follow_their_items() {
    let world = indexed().await;
    world.put("tab", json!({"p": {"S": "a"}, "s": {"S": "1"}, "g": {"S": "G"}, "n": {"N": "2"}, "x": {"S": "x"}, "y": {"S": "y"}})).await;
    world.put("tab", json!({"p": {"S": "a"}, "s": {"S": "2"}, "g": {"S": "G"}, "n": {"N": "1"}})).await;
    world.put("tab", json!({"p": {"S": "a"}, "s": {"S": "3"}, "g": {"S": "G"}})).await;
    world.put("tab", json!({"p": {"S": "a"}, "s": {"S": "4"}, "n": {"N": "9"}})).await;
    let all = query(&world, "all", "g", "G", json!({})).await;
    let sorts: Vec<_> =
        all["Items"].as_array().unwrap().iter().map(|item| item["s"]["S"].as_str().unwrap()).collect();
    assert_eq!(sorts, ["2", "1"]);
    assert_eq!(all["Items"][1]["y"], json!({"S": "y"}));
    let some = query(&world, "some", "g", "G", json!({})).await;
    assert_eq!(some["Count"], 3);
    let with_x: Vec<_> =
        some["Items"].as_array().unwrap().iter().filter(|item| !item["x"].is_null()).collect();
    assert_eq!(with_x, [&json!({"p": {"S": "a"}, "s": {"S": "1"}, "g": {"S": "G"}, "x": {"S": "x"}})]);
    let local = query(&world, "local", "p", "a", json!({"ConsistentRead": true})).await;
    assert_eq!(local["Items"][0], json!({"p": {"S": "a"}, "s": {"S": "2"}, "n": {"N": "1"}}));
    assert_eq!(local["Count"], 3);
    // A local index looks into the table for what it does not have.
    let fetched = query(
        &world,
        "local",
        "p",
        "a",
        json!({"Select": "ALL_ATTRIBUTES", "ReturnConsumedCapacity": "INDEXES"}),
    )
    .await;
    assert_eq!(fetched["Items"][1]["y"], json!({"S": "y"}));
    assert_eq!(fetched["ConsumedCapacity"]["Table"]["CapacityUnits"], 1.5);
    assert_eq!(fetched["ConsumedCapacity"]["LocalSecondaryIndexes"]["local"]["CapacityUnits"], 0.5);
    let update = json!({
        "TableName": "tab", "Key": {"p": {"S": "a"}, "s": {"S": "1"}}, "UpdateExpression": "SET g = :g REMOVE x",
        "ExpressionAttributeValues": {":g": {"S": "H"}}, "ReturnConsumedCapacity": "INDEXES",
    });
    let updated = world.ok("UpdateItem", update).await;
    assert_eq!(
        updated["ConsumedCapacity"],
        json!({
            "TableName": "tab", "CapacityUnits": 5.0, "Table": {"CapacityUnits": 1.0},
            "GlobalSecondaryIndexes": {"all": {"CapacityUnits": 2.0}, "some": {"CapacityUnits": 2.0}},
        })
    );
    assert_eq!(query(&world, "all", "g", "H", json!({})).await["Count"], 1);
    assert_eq!(query(&world, "all", "g", "G", json!({})).await["Count"], 1);
    world.ok("DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": "a"}, "s": {"S": "1"}}})).await;
    assert_eq!(query(&world, "all", "g", "H", json!({})).await["Count"], 0);
    let described = world.ok("DescribeTable", json!({"TableName": "tab"})).await;
    let counts: Vec<_> = described["Table"]["GlobalSecondaryIndexes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|index| index["ItemCount"].clone())
        .collect();
    assert_eq!(counts, [json!(1), json!(2)]);
}

#[tokio::test]
async fn keys_of_indexes_are_checked() {
    let world = indexed().await;
    let put = |name: &str, value: Value| json!({"TableName": "tab", "Item": {"p": {"S": "a"}, "s": {"S": "1"}, name: value}});
    for (name, value, message) in [
        (
            "n",
            json!({"S": "x"}),
            "One or more parameter values were invalid: Type mismatch for Index Key n Expected: N Actual: S IndexName: all",
        ),
        (
            "g",
            json!({"N": "1"}),
            "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: all",
        ),
        (
            "g",
            json!({"S": ""}),
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. \
                                 The AttributeValue for a key attribute cannot contain an empty string value. IndexName: all, IndexKey: g",
        ),
    ] {
        assert_eq!(world.err("PutItem", put(name, value)).await, format!("ValidationException: {message}"));
    }
    let global = json!({
        "TableName": "tab", "IndexName": "some", "KeyConditionExpression": "g = :g", "Select": "ALL_ATTRIBUTES",
        "ExpressionAttributeValues": {":g": {"S": "G"}},
    });
    assert_eq!(
        world.err("Query", global.clone()).await,
        "ValidationException: One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary \
         index some because its projection type is not ALL"
    );
    let mut consistent = global;
    consistent["ConsistentRead"] = json!(true);
    consistent["Select"] = json!("COUNT");
    assert_eq!(
        world.err("Query", consistent).await,
        "ValidationException: Consistent reads are not supported on global secondary indexes"
    );
}

#[tokio::test]
async fn an_index_is_built_while_items_are_written() {
    let world = World::new().await;
    world.table("tab", None).await;
    for i in 0..450 {
        world.put("tab", json!({"p": {"S": format!("k{i}")}, "g": {"N": (i % 3).to_string()}})).await;
    }
    let create = json!({
        "TableName": "tab", "AttributeDefinitions": [{"AttributeName": "g", "AttributeType": "N"}],
        "GlobalSecondaryIndexUpdates": [{"Create": {
            "IndexName": "idx", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"},
        }}],
    });
    let updated = world.ok("UpdateTable", create).await;
    assert_eq!(updated["TableDescription"]["TableStatus"], "UPDATING");
    assert_eq!(updated["TableDescription"]["GlobalSecondaryIndexes"][0]["IndexStatus"], "CREATING");
    let query = json!({
        "TableName": "tab", "IndexName": "idx", "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"N": "1"}},
        "Select": "COUNT",
    });
    assert_eq!(
        world.err("Query", query.clone()).await,
        "ValidationException: Cannot read from backfilling global secondary index: idx"
    );
    let writes = async {
        for i in 0..60 {
            world.put("tab", json!({"p": {"S": format!("new{i}")}, "g": {"N": "1"}})).await;
            world
                .ok("DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": format!("k{}", 3 * i + 1)}}}))
                .await;
        }
    };
    tokio::join!(world.settle(), writes);
    assert_eq!(world.ok("Query", query).await["Count"], 150);
    let described = world.ok("DescribeTable", json!({"TableName": "tab"})).await;
    assert_eq!(described["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"], "ACTIVE");
    assert_eq!(described["Table"]["GlobalSecondaryIndexes"][0]["ItemCount"], 450);
    let delete =
        json!({"TableName": "tab", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "idx"}}]});
    world.ok("UpdateTable", delete).await;
    world.settle().await;
    let described = world.ok("DescribeTable", json!({"TableName": "tab"})).await;
    assert!(described["Table"]["GlobalSecondaryIndexes"].is_null());
    assert_eq!(described["Table"]["AttributeDefinitions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn keys_of_several_attributes() {
    let world = World::new().await;
    let names = ["p", "a", "b", "c", "d"];
    let attributes: Vec<_> = names
        .iter()
        .map(|name| json!({"AttributeName": name, "AttributeType": if *name == "d" { "N" } else { "S" }}))
        .collect();
    let key = |name: &str, role: &str| json!({"AttributeName": name, "KeyType": role});
    world.ok("CreateTable", json!({
        "TableName": "tab", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": attributes, "KeySchema": [key("p", "HASH")],
        "GlobalSecondaryIndexes": [{
            "IndexName": "idx", "Projection": {"ProjectionType": "ALL"},
            "KeySchema": [key("a", "HASH"), key("b", "HASH"), key("c", "RANGE"), key("d", "RANGE")],
        }],
    })).await;
    for (i, (c, d)) in [("x", 1), ("x", 2), ("y", 1), ("z", 3)].into_iter().enumerate() {
        world.put("tab", json!({"p": {"S": i.to_string()}, "a": {"S": "A"}, "b": {"S": "B"}, "c": {"S": c}, "d": {"N": d.to_string()}})).await;
    }
    for (condition, count) in [
        ("a = :a AND b = :b", 4),
        ("a = :a AND b = :b AND c = :c", 2),
        ("a = :a AND b = :b AND c = :c AND d > :d", 1),
        ("a = :a AND b = :b AND c > :c", 2),
        ("a = :a AND b = :b AND begins_with(c, :c)", 2),
    ] {
        let mut values = json!({":a": {"S": "A"}, ":b": {"S": "B"}});
        for (name, value) in [(":c", json!({"S": "x"})), (":d", json!({"N": "1"}))] {
            if condition.contains(name) {
                values[name] = value;
            }
        }
        let input = json!({"TableName": "tab", "IndexName": "idx", "KeyConditionExpression": condition, "ExpressionAttributeValues": values});
        assert_eq!(world.ok("Query", input).await["Count"], count, "{condition}");
    }
    let missing = json!({
        "TableName": "tab", "IndexName": "idx", "KeyConditionExpression": "a = :a", "ExpressionAttributeValues": {":a": {"S": "A"}},
    });
    assert_eq!(
        world.err("Query", missing).await,
        "ValidationException: Query condition missed key schema element: b"
    );
}
