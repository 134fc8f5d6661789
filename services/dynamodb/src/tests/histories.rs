//! Concurrent clients: what they saw must be what one after the other could have seen.
//!
//! The checker is our own and simple, because every write leaves its mark: counters count, transfers keep their sum, and
//! each transaction appends its number to the lists of the items that it touches. If all transactions have one order, the
//! orders in which any two of them appear in those lists agree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::world::World;

async fn world() -> Arc<World> {
    let world = World::new().await;
    world.table("tab", None).await;
    Arc::new(world)
}

fn key(name: &str) -> Value {
    json!({"p": {"S": name}})
}

fn number(item: &Value) -> i64 {
    item["n"]["N"].as_str().map_or(0, |n| n.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counters_lose_nothing() {
    let world = world().await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let world = world.clone();
        tasks.push(world.env.clone().spawn("client", async move {
            for _ in 0..50 {
                world.ok("UpdateItem", json!({
                    "TableName": "tab", "Key": key("c"), "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}},
                })).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(number(&world.get("tab", key("c")).await), 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conditional_writes_are_won_once() {
    let world = world().await;
    let mut tasks = Vec::new();
    for client in 0..8 {
        let world = world.clone();
        tasks.push(world.env.clone().spawn("client", async move {
            let mut won = 0;
            for round in 0..40 {
                let put = json!({
                    "TableName": "tab", "Item": {"p": {"S": format!("r{round}")}, "by": {"N": client.to_string()}},
                    "ConditionExpression": "attribute_not_exists(p)",
                });
                won += usize::from(world.call("PutItem", put).await.is_ok());
            }
            won
        }));
    }
    let mut won = 0;
    for task in tasks {
        won += task.await.unwrap();
    }
    assert_eq!(won, 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transfers_keep_their_sum_whenever_it_is_looked_at() {
    let world = world().await;
    for account in 0..5 {
        world.put("tab", json!({"p": {"S": format!("a{account}")}, "n": {"N": "100"}})).await;
    }
    let mut tasks = Vec::new();
    for client in 0..6u64 {
        let world = world.clone();
        tasks.push(world.env.clone().spawn("client", async move {
            for round in 0..30u64 {
                let (from, to) = ((client + round) % 5, (client * 3 + round * 2 + 1) % 5);
                if from == to {
                    continue;
                }
                let change = |account: u64, sign: &str, condition: Value| {
                    let mut update = json!({
                        "TableName": "tab", "Key": key(&format!("a{account}")), "UpdateExpression": format!("SET n = n {sign} :n"),
                        "ExpressionAttributeValues": {":n": {"N": "7"}},
                    });
                    if !condition.is_null() {
                        update["ConditionExpression"] = condition;
                    }
                    json!({"Update": update})
                };
                let transfer = json!({"TransactItems": [change(from, "-", json!("n >= :n")), change(to, "+", Value::Null)]});
                let _ = world.call("TransactWriteItems", transfer).await;
            }
        }));
    }
    let reader = {
        let world = world.clone();
        world.env.clone().spawn("client", async move {
            for _ in 0..60 {
                let gets: Vec<_> = (0..5)
                    .map(|account| json!({"Get": {"TableName": "tab", "Key": key(&format!("a{account}"))}}))
                    .collect();
                let got = world.ok("TransactGetItems", json!({"TransactItems": gets})).await;
                let sum: i64 =
                    got["Responses"].as_array().unwrap().iter().map(|one| number(&one["Item"])).sum();
                assert_eq!(sum, 500);
            }
        })
    };
    for task in tasks.into_iter().chain([reader]) {
        task.await.unwrap();
    }
    let items = world.ok("Scan", json!({"TableName": "tab"})).await["Items"].clone();
    assert!(items.as_array().unwrap().iter().all(|item| number(item) >= 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transactions_have_one_order() {
    let world = world().await;
    let mut tasks = Vec::new();
    for client in 0..6u64 {
        let world = world.clone();
        tasks.push(world.env.clone().spawn("client", async move {
            for round in 0..25u64 {
                let id = client * 1000 + round;
                let touched: BTreeSet<u64> = (0..3).map(|i| (id * 7 + i * (client + 2)) % 6).collect();
                let items: Vec<_> = touched
                    .iter()
                    .map(|item| json!({"Update": {
                        "TableName": "tab", "Key": key(&format!("l{item}")),
                        "UpdateExpression": "SET seen = list_append(if_not_exists(seen, :none), :id)",
                        "ExpressionAttributeValues": {":none": {"L": []}, ":id": {"L": [{"N": id.to_string()}]}},
                    }}))
                    .collect();
                world.ok("TransactWriteItems", json!({"TransactItems": items})).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    // Before whom each transaction stands in any list.
    let mut after: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for item in 0..6 {
        let item = world.get("tab", key(&format!("l{item}"))).await;
        let ids: Vec<String> = item["seen"]["L"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|id| id["N"].as_str().unwrap().to_owned())
            .collect();
        for pair in ids.windows(2) {
            after.entry(pair[0].clone()).or_default().insert(pair[1].clone());
        }
    }
    assert!(has_an_order(&after), "the lists contradict one another");
}

/// Whether the graph has no cycle.
pub(super) fn has_an_order(after: &BTreeMap<String, BTreeSet<String>>) -> bool {
    let mut incoming: BTreeMap<&str, usize> = BTreeMap::new();
    for (from, to) in after {
        incoming.entry(from).or_default();
        for one in to {
            *incoming.entry(one).or_default() += 1;
        }
    }
    let mut free: Vec<&str> = incoming.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
    let (total, mut ordered) = (incoming.len(), 0);
    while let Some(id) = free.pop() {
        ordered += 1;
        for next in after.get(id).into_iter().flatten() {
            if let Some(count) = incoming.get_mut(next.as_str()) {
                *count -= 1;
                if *count == 0 {
                    free.push(next);
                }
            }
        }
    }
    ordered == total
}
