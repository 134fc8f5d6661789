//! Random operations against a table and against a map that stands for it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::world::World;

#[derive(Clone, Debug)]
enum Step {
    Put(u8, i8, Option<u8>),
    Delete(u8, i8),
    Add(u8, i8, i8),
    PutNew(u8, i8),
    Query(u8, i8, bool, u8),
    Index(u8),
    Scan(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (p, s) = (0..4u8, -3..4i8);
    let step = prop_oneof![
        4 => (p.clone(), s.clone(), prop::option::of(0..3u8)).prop_map(|(p, s, g)| Step::Put(p, s, g)),
        2 => (p.clone(), s.clone()).prop_map(|(p, s)| Step::Delete(p, s)),
        2 => (p.clone(), s.clone(), any::<i8>()).prop_map(|(p, s, n)| Step::Add(p, s, n)),
        1 => (p.clone(), s.clone()).prop_map(|(p, s)| Step::PutNew(p, s)),
        2 => (p, s, any::<bool>(), 1..5u8).prop_map(|(p, s, forward, limit)| Step::Query(p, s, forward, limit)),
        1 => (0..3u8).prop_map(Step::Index),
        1 => (1..6u8).prop_map(Step::Scan),
    ];
    prop::collection::vec(step, 1..60)
}

type Model = BTreeMap<(u8, i8), Value>;

fn key(p: u8, s: i8) -> Value {
    json!({"p": {"S": p.to_string()}, "s": {"N": s.to_string()}})
}

#[test]
fn a_table_behaves_as_a_map() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
    runner
        .run(&steps(), |steps| {
            runtime.block_on(check(steps));
            Ok(())
        })
        .unwrap();
}

async fn check(steps: Vec<Step>) {
    let world = World::new().await;
    world.ok("CreateTable", json!({
        "TableName": "tab", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}, {"AttributeName": "g", "AttributeType": "N"},
        ],
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "idx", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"},
        }],
    })).await;
    let mut model = Model::new();
    for step in steps {
        apply(&world, &mut model, step).await;
    }
}

async fn apply(world: &World, model: &mut Model, step: Step) {
    match step {
        Step::Put(p, s, g) => {
            let mut item = key(p, s);
            if let Some(g) = g {
                item["g"] = json!({"N": g.to_string()});
            }
            world.put("tab", item.clone()).await;
            model.insert((p, s), item);
        }
        Step::Delete(p, s) => {
            let answer = world
                .ok("DeleteItem", json!({"TableName": "tab", "Key": key(p, s), "ReturnValues": "ALL_OLD"}))
                .await;
            assert_eq!(answer["Attributes"], model.remove(&(p, s)).unwrap_or_default());
        }
        Step::Add(p, s, n) => {
            let answer = world
                .ok(
                    "UpdateItem",
                    json!({
                        "TableName": "tab", "Key": key(p, s), "UpdateExpression": "ADD n :n",
                        "ExpressionAttributeValues": {":n": {"N": n.to_string()}}, "ReturnValues": "ALL_NEW",
                    }),
                )
                .await;
            let item = model.entry((p, s)).or_insert_with(|| key(p, s));
            let before: i64 = item["n"]["N"].as_str().map_or(0, |n| n.parse().unwrap());
            item["n"] = json!({"N": (before + i64::from(n)).to_string()});
            assert_eq!(answer["Attributes"], *item);
        }
        Step::PutNew(p, s) => {
            let put = world.call("PutItem", json!({
                "TableName": "tab", "Item": key(p, s), "ConditionExpression": "attribute_not_exists(p)",
            })).await;
            assert_eq!(put.is_ok(), !model.contains_key(&(p, s)));
            model.entry((p, s)).or_insert_with(|| key(p, s));
        }
        Step::Query(p, s, forward, limit) => {
            let mut expected: Vec<Value> =
                model.range((p, s)..(p + 1, i8::MIN)).map(|(_, item)| item.clone()).collect();
            if !forward {
                expected.reverse();
            }
            let input = json!({
                "TableName": "tab", "KeyConditionExpression": "p = :p AND s >= :s", "Limit": limit, "ScanIndexForward": forward,
                "ExpressionAttributeValues": {":p": {"S": p.to_string()}, ":s": {"N": s.to_string()}},
            });
            assert_eq!(all(world, "Query", input).await, expected);
        }
        Step::Index(g) => {
            let value = json!({"N": g.to_string()});
            let mut expected: Vec<String> =
                model.values().filter(|item| item["g"] == value).map(text).collect();
            let input = json!({
                "TableName": "tab", "IndexName": "idx", "KeyConditionExpression": "g = :g", "Limit": 2,
                "ExpressionAttributeValues": {":g": value},
            });
            let mut found: Vec<String> = all(world, "Query", input).await.iter().map(text).collect();
            expected.sort();
            found.sort();
            assert_eq!(found, expected);
        }
        Step::Scan(limit) => {
            let mut found: Vec<String> = all(world, "Scan", json!({"TableName": "tab", "Limit": limit}))
                .await
                .iter()
                .map(text)
                .collect();
            let mut expected: Vec<String> = model.values().map(text).collect();
            expected.sort();
            found.sort();
            assert_eq!(found, expected);
        }
    }
}

/// An item by the names of its attributes; whether serde_json keeps their order depends on who else is built.
fn text(item: &Value) -> String {
    let sorted: BTreeMap<&String, &Value> = item.as_object().into_iter().flatten().collect();
    format!("{sorted:?}")
}

async fn all(world: &World, name: &str, mut input: Value) -> Vec<Value> {
    let mut items = Vec::new();
    loop {
        let page = world.ok(name, input.clone()).await;
        items.extend(page["Items"].as_array().unwrap().iter().cloned());
        if page["LastEvaluatedKey"].is_null() {
            return items;
        }
        input["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    }
}
