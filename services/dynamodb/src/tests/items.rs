use serde_json::{Value, json};

use super::world::World;

#[tokio::test]
async fn an_item_comes_back_as_it_was() {
    let world = World::new().await;
    world.table("tab", Some(("s", "N"))).await;
    let item = json!({
        "p": {"S": "k"}, "s": {"N": "-1.50"}, "null": {"NULL": true}, "yes": {"BOOL": true},
        "bin": {"B": "AAEC"}, "list": {"L": [{"S": ""}, {"M": {"x": {"N": "1e2"}}}]},
        "ss": {"SS": ["b", "a"]}, "ns": {"NS": ["2", "1"]}, "bs": {"BS": ["AA=="]},
    });
    world.put("tab", item.clone()).await;
    let mut shown = item;
    shown["s"]["N"] = json!("-1.5");
    shown["list"]["L"][1]["M"]["x"]["N"] = json!("100");
    assert_eq!(world.get("tab", json!({"p": {"S": "k"}, "s": {"N": "-1.5"}})).await, shown);
    assert_eq!(world.get("tab", json!({"p": {"S": "k"}, "s": {"N": "1.5"}})).await, Value::Null);
}

#[tokio::test]
async fn return_values() {
    let world = World::new().await;
    world.table("tab", None).await;
    let key = json!({"p": {"S": "k"}});
    let put = |n: &str, returns: &str| json!({"TableName": "tab", "Item": {"p": {"S": "k"}, "n": {"N": n}}, "ReturnValues": returns});
    assert_eq!(world.ok("PutItem", put("1", "ALL_OLD")).await, json!({}));
    let old = world.ok("PutItem", put("2", "ALL_OLD")).await;
    assert_eq!(old["Attributes"]["n"], json!({"N": "1"}));
    assert_eq!(
        world.err("PutItem", put("2", "ALL_NEW")).await,
        "ValidationException: ReturnValues can only be ALL_OLD or NONE"
    );
    let update = |returns: &str| {
        json!({
            "TableName": "tab", "Key": key, "ReturnValues": returns,
            "UpdateExpression": "SET n = n + :one, m.x = if_not_exists(m.x, :one)",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        })
    };
    assert!(world.err("UpdateItem", update("NONE")).await.ends_with("is invalid for update"));
    world.put("tab", json!({"p": {"S": "k"}, "n": {"N": "2"}, "m": {"M": {"y": {"N": "0"}}}})).await;
    for (returns, attributes) in [
        ("NONE", Value::Null),
        (
            "ALL_OLD",
            json!({"p": {"S": "k"}, "n": {"N": "3"}, "m": {"M": {"x": {"N": "1"}, "y": {"N": "0"}}}}),
        ),
        (
            "ALL_NEW",
            json!({"p": {"S": "k"}, "n": {"N": "5"}, "m": {"M": {"x": {"N": "1"}, "y": {"N": "0"}}}}),
        ),
        ("UPDATED_OLD", json!({"n": {"N": "5"}, "m": {"M": {"x": {"N": "1"}}}})),
        ("UPDATED_NEW", json!({"n": {"N": "7"}, "m": {"M": {"x": {"N": "1"}}}})),
    ] {
        let answer = world.ok("UpdateItem", update(returns)).await;
        assert_eq!(answer["Attributes"], attributes, "{returns}");
    }
    let delete = json!({"TableName": "tab", "Key": key, "ReturnValues": "ALL_OLD"});
    assert_eq!(world.ok("DeleteItem", delete.clone()).await["Attributes"]["n"], json!({"N": "7"}));
    assert_eq!(world.ok("DeleteItem", delete).await, json!({}));
}

#[tokio::test]
async fn conditions_are_checked_and_the_item_is_shown_when_asked_for() {
    let world = World::new().await;
    world.table("tab", None).await;
    let put = json!({
        "TableName": "tab", "Item": {"p": {"S": "k"}, "v": {"N": "1"}},
        "ConditionExpression": "attribute_not_exists(p)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    world.ok("PutItem", put.clone()).await;
    let (error, detail) = world.call("PutItem", put).await.unwrap_err();
    assert_eq!(error, "ConditionalCheckFailedException: The conditional request failed");
    assert_eq!(detail["Item"]["v"], json!({"N": "1"}));
    let delete = json!({
        "TableName": "tab", "Key": {"p": {"S": "k"}}, "Expected": {"v": {"Value": {"N": "2"}}},
    });
    assert!(world.err("DeleteItem", delete).await.starts_with("ConditionalCheckFailed"));
}

#[tokio::test]
async fn items_that_are_refused() {
    let world = World::new().await;
    world.table("tab", Some(("s", "N"))).await;
    let deep = |levels: usize| {
        let mut value = json!({"N": "1"});
        for _ in 0..levels {
            value = json!({"L": [value]});
        }
        value
    };
    let one = "One or more parameter values were invalid:";
    for (item, message) in [
        (json!({"p": {"S": "k"}}), format!("{one} Missing the key s in the item")),
        (json!({"p": {"N": "1"}, "s": {"N": "1"}}), format!("{one} Type mismatch for key p expected: S actual: N")),
        (
            json!({"p": {"S": ""}, "s": {"N": "1"}}),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
             string value. Key: p".into(),
        ),
        (
            json!({"p": {"S": "x".repeat(2049)}, "s": {"N": "1"}}),
            format!("{one} Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        ),
        (json!({"p": {"S": "k"}, "s": {"N": "1"}, "a": {"SS": []}}), format!("{one} An string set  may not be empty")),
        (json!({"p": {"S": "k"}, "s": {"N": "1"}, "a": {"NS": []}}), format!("{one} An number set  may not be empty")),
        (json!({"p": {"S": "k"}, "s": {"N": "1"}, "a": {"BS": []}}), format!("{one} Binary sets should not be empty")),
        (
            json!({"p": {"S": "k"}, "s": {"N": "1"}, "a": {"SS": ["a", "a"]}}),
            format!("{one} Input collection [a, a] contains duplicates."),
        ),
        (json!({"p": {"S": "k"}, "s": {"N": "1"}, "a": {"NS": ["1", "1.0"]}}), "Input collection contains duplicates".into()),
        (
            json!({"p": {"S": "k"}, "s": {"N": "1"}, "a": {"NULL": false}}),
            format!("{one} Null attribute value types must have the value of true"),
        ),
        (json!({"p": {"S": "k"}, "s": {"N": "x"}}), "The parameter cannot be converted to a numeric value: x".into()),
        (json!({"p": {"S": "k"}, "s": {"N": ""}}), "The parameter cannot be converted to a numeric value".into()),
        (
            json!({"p": {"S": "k"}, "s": {"N": "1e126"}}),
            "Number overflow. Attempting to store a number with magnitude larger than supported range".into(),
        ),
        (
            json!({"p": {"S": "k"}, "s": {"N": "1"}, "a": deep(32)}),
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported \
             limit".into(),
        ),
        (
            json!({"p": {"S": "k"}, "s": {"N": "1"}, "a": deep(200)}),
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported \
             limit".into(),
        ),
        (
            json!({"p": {"S": "k"}, "s": {"N": "1"}, "a": {}}),
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".into(),
        ),
        (
            json!({"p": {"S": "k"}, "s": {"N": "1"}, "a": {"S": "x".repeat(400 * 1024)}}),
            "Item size has exceeded the maximum allowed size".into(),
        ),
    ] {
        let error = world.err("PutItem", json!({"TableName": "tab", "Item": item})).await;
        assert_eq!(error, format!("ValidationException: {message}"));
    }
    world.put("tab", json!({"p": {"S": "k"}, "s": {"N": "1"}, "a": deep(31)})).await;
    // 400 KB to the byte: p, k, s, 1 (two), a.
    world.put("tab", json!({"p": {"S": "k"}, "s": {"N": "1"}, "a": {"S": "x".repeat(400 * 1024 - 6)}})).await;
    let update = json!({
        "TableName": "tab", "Key": {"p": {"S": "k"}, "s": {"N": "1"}}, "UpdateExpression": "SET b = :b",
        "ExpressionAttributeValues": {":b": {"S": ""}},
    });
    assert_eq!(
        world.err("UpdateItem", update).await,
        "ValidationException: Item size to update has exceeded the maximum allowed size"
    );
    let key = json!({"TableName": "tab", "Key": {"p": {"S": "k"}}});
    assert_eq!(
        world.err("GetItem", key).await,
        "ValidationException: The provided key element does not match the schema"
    );
    let none = json!({"TableName": "none", "Key": {"p": {"S": "k"}}});
    assert_eq!(world.err("GetItem", none).await, "ResourceNotFoundException: Requested resource not found");
}

#[tokio::test]
async fn what_only_takes_away_makes_no_item() {
    let world = World::new().await;
    world
        .ok(
            "CreateTable",
            json!({
                "TableName": "tab", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST",
            }),
        )
        .await;
    let key = json!({"p": {"S": "a"}});
    let set = json!({":v": {"SS": ["x"]}});
    for (update, makes) in [
        (json!({"UpdateExpression": "REMOVE q"}), false),
        (json!({"UpdateExpression": "DELETE q :v", "ExpressionAttributeValues": set}), false),
        (json!({"AttributeUpdates": {"q": {"Action": "DELETE"}}, "ReturnValues": "ALL_NEW"}), false),
        (json!({"UpdateExpression": "REMOVE q ADD r :v", "ExpressionAttributeValues": set}), true),
        (json!({}), true),
    ] {
        let mut input = json!({"TableName": "tab", "Key": key});
        input.as_object_mut().unwrap().extend(update.as_object().unwrap().clone());
        world.ok("UpdateItem", input.clone()).await;
        let found = world.ok("GetItem", json!({"TableName": "tab", "Key": key})).await;
        assert_eq!(found.get("Item").is_some_and(|item| !item.is_null()), makes, "{update}");
        world.ok("DeleteItem", json!({"TableName": "tab", "Key": key})).await;
        if !makes && update.get("UpdateExpression").is_some() {
            input.as_object_mut().unwrap().remove("ReturnValues");
            world.ok("TransactWriteItems", json!({"TransactItems": [{"Update": input}]})).await;
            let found = world.ok("Scan", json!({"TableName": "tab"})).await;
            assert_eq!(found["Count"], 0);
        }
    }
}
