use serde_json::{Value, json};

use super::world::World;

async fn filled() -> World {
    let world = World::new().await;
    world.table("tab", Some(("s", "N"))).await;
    for p in ["a", "b"] {
        for n in [-2.5, -1.0, 0.0, 1.0, 1.5, 10.0, 100.0] {
            let item = json!({"p": {"S": p}, "s": {"N": n.to_string()}, "v": {"S": format!("v{n}")}, "odd": {"BOOL": n == 1.0}});
            world.put("tab", item).await;
        }
    }
    world
}

fn numbers(answer: &Value) -> Vec<String> {
    let items = answer["Items"].as_array().unwrap();
    items.iter().map(|item| item["s"]["N"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn ranges_of_sort_keys() {
    let world = filled().await;
    for (condition, expected) in [
        ("p = :a", vec!["-2.5", "-1", "0", "1", "1.5", "10", "100"]),
        ("p = :a AND s = :1", vec!["1"]),
        (":a = p AND :1 = s", vec!["1"]),
        ("s = :1 AND p = :a", vec!["1"]),
        ("(p = :a) AND (s = :1)", vec!["1"]),
        ("p = :a AND s < :1", vec!["-2.5", "-1", "0"]),
        ("p = :a AND s <= :1", vec!["-2.5", "-1", "0", "1"]),
        ("p = :a AND s > :1", vec!["1.5", "10", "100"]),
        ("p = :a AND :1 < s", vec!["1.5", "10", "100"]),
        ("p = :a AND s >= :1", vec!["1", "1.5", "10", "100"]),
        ("p = :a AND s BETWEEN :n AND :1", vec!["-1", "0", "1"]),
        ("p = :none", vec![]),
    ] {
        for forward in [true, false] {
            let mut values = json!({});
            for (name, value) in [
                (":a", json!({"S": "a"})),
                (":none", json!({"S": "none"})),
                (":1", json!({"N": "1"})),
                (":n", json!({"N": "-1"})),
            ] {
                if condition.split([' ', '(', ')']).any(|word| word == name) {
                    values[name] = value;
                }
            }
            let input = json!({
                "TableName": "tab", "KeyConditionExpression": condition, "ScanIndexForward": forward,
                "ExpressionAttributeValues": values,
            });
            let mut wanted = expected.clone();
            if !forward {
                wanted.reverse();
            }
            let answer = world.ok("Query", input.clone()).await;
            assert_eq!(numbers(&answer), wanted, "{condition}");
            assert_eq!(answer["Count"], wanted.len());
            // The same by pages of two.
            let (mut paged, mut input) = (Vec::new(), input);
            input["Limit"] = json!(2);
            loop {
                let page = world.ok("Query", input.clone()).await;
                paged.extend(numbers(&page));
                assert!(page["Items"].as_array().unwrap().len() <= 2);
                if page["LastEvaluatedKey"].is_null() {
                    break;
                }
                input["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
            }
            assert_eq!(paged, wanted, "{condition} in pages");
        }
    }
}

#[tokio::test]
async fn filters_projections_and_counts() {
    let world = filled().await;
    let query = |change: Value| {
        let mut input = json!({
            "TableName": "tab", "KeyConditionExpression": "p = :a", "ExpressionAttributeValues": {":a": {"S": "a"}},
        });
        for (name, value) in change.as_object().unwrap() {
            input[name] = value.clone();
        }
        input
    };
    let filtered = json!({
        "FilterExpression": "odd = :t", "ExpressionAttributeValues": {":a": {"S": "a"}, ":t": {"BOOL": true}},
        "ProjectionExpression": "v", "ReturnConsumedCapacity": "TOTAL",
    });
    let answer = world.ok("Query", query(filtered)).await;
    assert_eq!(answer["Items"], json!([{"v": {"S": "v1"}}]));
    assert_eq!((&answer["Count"], &answer["ScannedCount"]), (&json!(1), &json!(7)));
    assert_eq!(answer["ConsumedCapacity"], json!({"TableName": "tab", "CapacityUnits": 0.5}));
    let counted = world.ok("Query", query(json!({"Select": "COUNT"}))).await;
    assert_eq!(counted, json!({"Count": 7, "ScannedCount": 7}));
    let limited = world.ok("Query", query(json!({"Limit": 7}))).await;
    assert_eq!(limited["LastEvaluatedKey"], json!({"p": {"S": "a"}, "s": {"N": "100"}}));
    for (change, message) in [
        (
            json!({"Select": "SPECIFIC_ATTRIBUTES"}),
            "1 validation error detected: Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
        (
            json!({"Select": "COUNT", "ProjectionExpression": "v"}),
            "1 validation error detected: Cannot specify the ProjectionExpression when choosing to get only the Count",
        ),
        (
            json!({"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "v"}),
            "1 validation error detected: Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES",
        ),
        (
            json!({"Select": "ALL_PROJECTED_ATTRIBUTES"}),
            "1 validation error detected: ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
        (json!({"IndexName": "none"}), "The table does not have the specified index: none"),
        (
            json!({"FilterExpression": "p = :a"}),
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: p",
        ),
        (json!({"KeyConditionExpression": "p > :a"}), "Query key condition not supported"),
        (json!({"KeyConditionExpression": "s = :a"}), "Query condition missed key schema element: p"),
        (
            json!({"KeyConditionExpression": "p = :a AND v = :a"}),
            "Query condition missed key schema element: s",
        ),
        (
            json!({"KeyConditionExpression": "p = :a AND p = :a"}),
            "KeyConditionExpressions must only contain one condition per key",
        ),
        (
            json!({"KeyConditionExpression": "p = :a OR s = :a"}),
            "Invalid operator used in KeyConditionExpression: OR",
        ),
        (
            json!({"KeyConditionExpression": "NOT p = :a"}),
            "Invalid operator used in KeyConditionExpression: NOT",
        ),
        (json!({"KeyConditionExpression": "p <> :a"}), "Invalid operator used in KeyConditionExpression: <>"),
        (
            json!({"KeyConditionExpression": "p IN (:a)"}),
            "Invalid operator used in KeyConditionExpression: IN",
        ),
        (
            json!({"KeyConditionExpression": "p = :a AND attribute_exists(s)"}),
            "Invalid operator used in KeyConditionExpression: attribute_exists",
        ),
        (
            json!({"KeyConditionExpression": "p.x = :a"}),
            "KeyConditionExpressions cannot have conditions on nested attributes",
        ),
        (
            json!({"KeyConditionExpression": "p = :a AND s = :a"}),
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            json!({"KeyConditionExpression": "p = :a AND begins_with(s, :a)"}),
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            json!({"KeyConditionExpression": "p = p1"}),
            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
        ),
        (
            json!({"KeyConditionExpression": "p = :b"}),
            "Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; attribute value: :b",
        ),
        (
            json!({"ExclusiveStartKey": {"p": {"S": "b"}, "s": {"N": "1"}}}),
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (json!({"ExclusiveStartKey": {"p": {"S": "a"}}}), "The provided starting key is invalid"),
        (
            json!({"KeyConditions": {}}),
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {KeyConditions} Expression parameters: {KeyConditionExpression}",
        ),
    ] {
        let error = world.err("Query", query(change.clone())).await;
        let unused = error.contains("unused in expressions");
        assert!(
            error == format!("ValidationException: {message}")
                || unused && change["KeyConditionExpression"] == "p = p1",
            "{change}: {error}"
        );
    }
}

#[tokio::test]
async fn legacy_parameters() {
    let world = filled().await;
    let is =
        |operator: &str, values: Value| json!({"ComparisonOperator": operator, "AttributeValueList": values});
    let n = |n: &str| json!({"N": n});
    for (condition, expected) in [
        (is("EQ", json!([n("1")])), vec!["1"]),
        (is("LT", json!([n("0")])), vec!["-2.5", "-1"]),
        (is("LE", json!([n("0")])), vec!["-2.5", "-1", "0"]),
        (is("GT", json!([n("1.5")])), vec!["10", "100"]),
        (is("GE", json!([n("10")])), vec!["10", "100"]),
        (is("BETWEEN", json!([n("1"), n("10")])), vec!["1", "1.5", "10"]),
    ] {
        let input = json!({"TableName": "tab", "KeyConditions": {"p": is("EQ", json!([{"S": "a"}])), "s": condition}});
        assert_eq!(numbers(&world.ok("Query", input).await), expected, "{condition}");
    }
    let all = 7;
    for (filter, expected) in [
        (is("EQ", json!([{"S": "v1"}])), 1),
        (is("NE", json!([{"S": "v1"}])), all - 1),
        (is("IN", json!([{"S": "v1"}, {"S": "v10"}])), 2),
        (is("LT", json!([{"S": "v0"}])), 2),
        (is("NULL", json!([])), 0),
        (is("NOT_NULL", json!([])), all),
        (is("CONTAINS", json!([{"S": "1"}])), 5),
        (is("NOT_CONTAINS", json!([{"S": "1"}])), all - 5),
        (is("BEGINS_WITH", json!([{"S": "v1"}])), 4),
        (is("BETWEEN", json!([{"S": "v0"}, {"S": "v1"}])), 2),
    ] {
        let input = json!({
            "TableName": "tab", "KeyConditions": {"p": is("EQ", json!([{"S": "a"}]))}, "QueryFilter": {"v": filter},
        });
        assert_eq!(world.ok("Query", input).await["Count"], expected, "{filter}");
    }
    let either = json!({
        "TableName": "tab", "ConditionalOperator": "OR",
        "ScanFilter": {"v": is("EQ", json!([{"S": "v1"}])), "odd": is("EQ", json!([{"BOOL": false}]))},
        "AttributesToGet": ["v"],
    });
    assert_eq!(world.ok("Scan", either).await["Count"], 14);
    let update = json!({
        "TableName": "tab", "Key": {"p": {"S": "a"}, "s": n("1")}, "ReturnValues": "ALL_NEW",
        "Expected": {"v": {"Value": {"S": "v1"}}, "no_such": {"Exists": false}},
        "AttributeUpdates": {
            "v": {"Action": "DELETE"}, "count": {"Action": "ADD", "Value": n("2")}, "new": {"Value": {"S": "x"}},
        },
    });
    let new = world.ok("UpdateItem", update.clone()).await["Attributes"].clone();
    assert_eq!(
        new,
        json!({"p": {"S": "a"}, "s": n("1"), "odd": {"BOOL": true}, "count": n("2"), "new": {"S": "x"}})
    );
    assert!(world.err("UpdateItem", update).await.starts_with("ConditionalCheckFailedException"));
    let one = "ValidationException: One or more parameter values were invalid:";
    for (expected, message) in [
        (json!({"a": {}}), format!("{one} Value must be provided when Exists is null for Attribute: a")),
        (
            json!({"a": {"Exists": true}}),
            format!("{one} Value must be provided when Exists is true for Attribute: a"),
        ),
        (
            json!({"a": {"Exists": false, "Value": n("1")}}),
            format!("{one} Value cannot be used when Exists is false for Attribute: a"),
        ),
        (
            json!({"a": {"Exists": false, "ComparisonOperator": "NULL"}}),
            format!("{one} Exists and ComparisonOperator cannot be used together for Attribute: a"),
        ),
        (
            json!({"a": {"ComparisonOperator": "EQ"}}),
            format!(
                "{one} Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a"
            ),
        ),
        (
            json!({"a": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [n("1")]}}),
            format!("{one} Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
        ),
        (
            json!({"a": {"ComparisonOperator": "NULL", "AttributeValueList": [n("1")]}}),
            format!("{one} Invalid number of argument(s) for the NULL ComparisonOperator"),
        ),
        (
            json!({"a": {"ComparisonOperator": "LT", "AttributeValueList": [{"BOOL": true}]}}),
            format!("{one} ComparisonOperator LT is not valid for BOOL AttributeValue type"),
        ),
        (
            json!({"a": {"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [n("1")]}}),
            format!("{one} ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"),
        ),
    ] {
        let input = json!({"TableName": "tab", "Key": {"p": {"S": "a"}, "s": n("1")}, "Expected": expected});
        assert_eq!(world.err("DeleteItem", input).await, message);
    }
}

#[tokio::test]
async fn scans_in_segments_see_every_item_once() {
    let world = World::new().await;
    world.table("tab", None).await;
    for i in 0..200 {
        world.put("tab", json!({"p": {"S": format!("k{i}")}})).await;
    }
    for total in [1, 2, 3, 7] {
        let mut seen = Vec::new();
        for segment in 0..total {
            let mut input =
                json!({"TableName": "tab", "Segment": segment, "TotalSegments": total, "Limit": 13});
            loop {
                let page = world.ok("Scan", input.clone()).await;
                seen.extend(page["Items"].as_array().unwrap().iter().map(|item| item["p"]["S"].to_string()));
                if page["LastEvaluatedKey"].is_null() {
                    break;
                }
                input["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
            }
        }
        assert_eq!(seen.len(), 200, "{total}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 200, "{total}");
    }
    for (change, message) in [
        (
            json!({"Segment": 0}),
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
        ),
        (
            json!({"TotalSegments": 2}),
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
        ),
        (
            json!({"Segment": 2, "TotalSegments": 2}),
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2",
        ),
    ] {
        let mut input = json!({"TableName": "tab"});
        for (name, value) in change.as_object().unwrap() {
            input[name] = value.clone();
        }
        assert_eq!(world.err("Scan", input).await, format!("ValidationException: {message}"));
    }
}

#[tokio::test]
async fn pages_end_at_a_megabyte() {
    let world = World::new().await;
    world.table("tab", Some(("s", "N"))).await;
    for i in 0..12 {
        let item = json!({"p": {"S": "a"}, "s": {"N": i.to_string()}, "v": {"S": "x".repeat(100_000)}});
        world.put("tab", item).await;
    }
    let input = json!({
        "TableName": "tab", "KeyConditionExpression": "p = :a", "ExpressionAttributeValues": {":a": {"S": "a"}},
        "ReturnConsumedCapacity": "TOTAL", "ConsistentRead": true,
    });
    let page = world.ok("Query", input.clone()).await;
    assert_eq!(page["Count"], 10);
    assert_eq!(page["LastEvaluatedKey"]["s"]["N"], "9");
    // 1,000,045 bytes in units of 4 KB.
    assert_eq!(page["ConsumedCapacity"]["CapacityUnits"], 245.0);
    let mut input = input;
    input["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    let rest = world.ok("Query", input).await;
    assert_eq!(rest["Count"], 2);
    assert!(rest["LastEvaluatedKey"].is_null());
}
