use serde_json::json;

use super::world::World;

#[tokio::test]
async fn batches_write_and_read() {
    let world = World::new().await;
    world.table("one", None).await;
    world.table("two", None).await;
    let put = |p: &str| json!({"PutRequest": {"Item": {"p": {"S": p}, "v": {"S": p}}}});
    let delete = |p: &str| json!({"DeleteRequest": {"Key": {"p": {"S": p}}}});
    let write = |one: serde_json::Value, two: serde_json::Value| json!({"RequestItems": {"one": one, "two": two}, "ReturnConsumedCapacity": "TOTAL"});
    let done = world.ok("BatchWriteItem", write(json!([put("a"), put("b")]), json!([put("c")]))).await;
    assert_eq!(done["UnprocessedItems"], json!({}));
    assert_eq!(done["ConsumedCapacity"][0]["CapacityUnits"], 2.0);
    world.ok("BatchWriteItem", write(json!([delete("a"), put("d")]), json!([delete("none")]))).await;
    let key = |p: &str| json!({"p": {"S": p}});
    let got = world.ok("BatchGetItem", json!({"RequestItems": {
        "one": {"Keys": [key("a"), key("b"), key("d")], "ProjectionExpression": "#v", "ExpressionAttributeNames": {"#v": "v"}},
        "two": {"Keys": [key("c")], "ConsistentRead": true},
    }})).await;
    assert_eq!(got["Responses"]["one"], json!([{"v": {"S": "b"}}, {"v": {"S": "d"}}]));
    assert_eq!(got["Responses"]["two"], json!([{"p": {"S": "c"}, "v": {"S": "c"}}]));
    assert_eq!(got["UnprocessedKeys"], json!({}));
    for (name, input, message) in [
        (
            "BatchWriteItem",
            write(json!([put("a"), delete("a")]), json!([put("x")])),
            "Provided list of item keys contains duplicates",
        ),
        (
            "BatchGetItem",
            json!({"RequestItems": {"one": {"Keys": [key("a"), key("a")]}}}),
            "Provided list of item keys contains duplicates",
        ),
        (
            "BatchWriteItem",
            json!({"RequestItems": {"one": [{}]}}),
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        ),
        (
            "BatchWriteItem",
            json!({"RequestItems": {"one": (0..13).map(|i| put(&i.to_string())).collect::<Vec<_>>(), "two": (0..13).map(|i| put(&i.to_string())).collect::<Vec<_>>()}}),
            "Too many items requested for the BatchWriteItem call",
        ),
    ] {
        assert_eq!(world.err(name, input).await, format!("ValidationException: {message}"));
    }
    let none = json!({"RequestItems": {"none": [put("a")]}});
    assert_eq!(
        world.err("BatchWriteItem", none).await,
        "ResourceNotFoundException: Requested resource not found"
    );
}

#[tokio::test]
async fn transactions_do_all_or_nothing() {
    let world = World::new().await;
    world.table("tab", None).await;
    world.put("tab", json!({"p": {"S": "a"}, "n": {"N": "10"}})).await;
    let key = |p: &str| json!({"p": {"S": p}});
    let add = |p: &str, n: &str| {
        json!({"Update": {
            "TableName": "tab", "Key": key(p), "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": n}},
        }})
    };
    let enough = |p: &str, n: &str| {
        json!({"ConditionCheck": {
            "TableName": "tab", "Key": key(p), "ConditionExpression": "n >= :n", "ExpressionAttributeValues": {":n": {"N": n}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }})
    };
    let transact =
        |items: serde_json::Value| json!({"TransactItems": items, "ReturnConsumedCapacity": "TOTAL"});
    let done = world.ok("TransactWriteItems", transact(json!([
        add("b", "1"), enough("a", "10"), {"Put": {"TableName": "tab", "Item": {"p": {"S": "c"}}}}, {"Delete": {"TableName": "tab", "Key": key("none")}},
    ]))).await;
    assert_eq!(
        done["ConsumedCapacity"],
        json!([{"TableName": "tab", "CapacityUnits": 8.0, "WriteCapacityUnits": 8.0}])
    );
    let (error, detail) = world.call("TransactWriteItems", transact(json!([
        add("b", "1"), enough("a", "11"), {"Update": {"TableName": "tab", "Key": key("c"), "UpdateExpression": "SET x = y"}},
    ]))).await.unwrap_err();
    assert_eq!(
        error,
        "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons \
         [None, ConditionalCheckFailed, ValidationError]"
    );
    assert_eq!(
        detail["CancellationReasons"],
        json!([
            {"Code": "None"},
            {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": {"p": {"S": "a"}, "n": {"N": "10"}}},
            {"Code": "ValidationError", "Message": "The provided expression refers to an attribute that does not exist in the item"},
        ])
    );
    assert_eq!(world.get("tab", key("b")).await["n"], json!({"N": "1"}));
    for (items, message) in [
        (
            json!([add("a", "1"), enough("a", "1")]),
            "Transaction request cannot include multiple operations on one item",
        ),
        (json!([{}]), "TransactItems can only contain one of Check, Put, Update or Delete"),
    ] {
        assert_eq!(
            world.err("TransactWriteItems", transact(items)).await,
            format!("ValidationException: {message}")
        );
    }
    let got = world.ok("TransactGetItems", json!({"ReturnConsumedCapacity": "TOTAL", "TransactItems": [
        {"Get": {"TableName": "tab", "Key": key("a"), "ProjectionExpression": "n"}}, {"Get": {"TableName": "tab", "Key": key("none")}},
    ]})).await;
    assert_eq!(got["Responses"], json!([{"Item": {"n": {"N": "10"}}}, {}]));
    assert_eq!(
        got["ConsumedCapacity"],
        json!([{"TableName": "tab", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}])
    );
}

#[tokio::test]
async fn a_token_makes_a_transaction_happen_once() {
    let world = World::new().await;
    world.table("tab", None).await;
    let add = |n: &str| {
        json!({"ClientRequestToken": "token", "TransactItems": [{"Update": {
            "TableName": "tab", "Key": {"p": {"S": "a"}}, "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": n}},
        }}]})
    };
    let n = async || world.get("tab", json!({"p": {"S": "a"}})).await["n"]["N"].clone();
    world.ok("TransactWriteItems", add("1")).await;
    world.ok("TransactWriteItems", add("1")).await;
    assert_eq!(n().await, "1");
    assert!(
        world.err("TransactWriteItems", add("2")).await.starts_with("IdempotentParameterMismatchException")
    );
    world.env.clock.advance(std::time::Duration::from_secs(601));
    world.settle().await;
    world.ok("TransactWriteItems", add("2")).await;
    assert_eq!(n().await, "3");
}

/// The API reference's own example: of 100 items of 300 KB it answers 52.
#[tokio::test]
async fn a_batch_stops_before_16_mb() {
    let world = World::new().await;
    world.table("tab", None).await;
    // p, three digits, v.
    let large = "x".repeat(300 * 1024 - 5);
    for i in 0..54 {
        world.put("tab", json!({"p": {"S": format!("{i:03}")}, "v": {"S": large}})).await;
    }
    world.put("tab", json!({"p": {"S": "small"}})).await;
    let mut keys: Vec<_> = (0..54).map(|i| json!({"p": {"S": format!("{i:03}")}})).collect();
    keys.push(json!({"p": {"S": "small"}}));
    let request = json!({"RequestItems": {"tab": {"Keys": keys, "ProjectionExpression": "p"}}, "ReturnConsumedCapacity": "TOTAL"});
    let got = world.ok("BatchGetItem", request).await;
    assert_eq!(got["Responses"]["tab"].as_array().unwrap(), &keys[..52]);
    let left = json!({"tab": {"Keys": &keys[52..], "ProjectionExpression": "p"}});
    assert_eq!(got["UnprocessedKeys"], left);
    assert_eq!(got["ConsumedCapacity"][0]["CapacityUnits"], 52.0 * 37.5);
    let rest = world.ok("BatchGetItem", json!({"RequestItems": left})).await;
    assert_eq!(rest["Responses"]["tab"].as_array().unwrap(), &keys[52..]);
    assert_eq!(rest["UnprocessedKeys"], json!({}));
}
