//! Killed in the middle of writing: what was acknowledged is there, with its index entries and its records in the stream.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use haneul_kit::Env;
use haneul_store::Store;
use serde_json::{Value, json};

use super::world::World;

const CHILD_DIR: &str = "HANEUL_DYNAMODB_CRASH_CHILD";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

async fn open(dir: &Path) -> World {
    let env = Env::real();
    let store = Store::open(&env, dir).unwrap();
    World::on(env, store).await
}

/// The process that is killed: four writers, each raising a counter, moving an item through an index, and saying so when it
/// was acknowledged.
#[test]
#[ignore = "run by the test below"]
fn crash_child() {
    let Ok(dir) = std::env::var(CHILD_DIR) else { return };
    runtime().block_on(async {
        let world = std::sync::Arc::new(open(Path::new(&dir)).await);
        for writer in 0..4 {
            let world = world.clone();
            world.env.clone().spawn("client", async move {
                loop {
                    let key = json!({"p": {"S": format!("w{writer}")}});
                    let raise = json!({"Update": {
                        "TableName": "tab", "Key": key, "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}},
                    }});
                    let count = world.get("tab", key.clone()).await["n"]["N"].as_str().map_or(0, |n| n.parse::<u64>().unwrap());
                    let item = json!({"p": {"S": format!("i{writer}")}, "g": {"N": (count % 3).to_string()}, "n": {"N": (count + 1).to_string()}});
                    let put = json!({"Put": {"TableName": "tab", "Item": item}});
                    world.ok("TransactWriteItems", json!({"TransactItems": [raise, put]})).await;
                    println!("acknowledged {writer} {}", count + 1);
                }
            });
        }
        std::future::pending::<()>().await;
    });
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let rounds = std::env::var("HANEUL_CRASH_ROUNDS").map_or(2, |count| count.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let world = open(dir.path()).await;
        world.ok("CreateTable", json!({
            "TableName": "tab", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "N"}],
            "GlobalSecondaryIndexes": [{
                "IndexName": "idx", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"},
            }],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        })).await;
    });
    let mut acknowledged: BTreeMap<u64, u64> = BTreeMap::new();
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["tests::crash::crash_child", "--exact", "--ignored", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut left = 60 + 40 * round;
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            let numbers: Vec<u64> = line
                .split("acknowledged ")
                .skip(1)
                .flat_map(|rest| rest.split(' '))
                .filter_map(|word| word.parse().ok())
                .collect();
            if let [writer, count] = numbers[..] {
                acknowledged.insert(writer, count);
                left -= 1;
            }
            if left == 0 {
                child.kill().unwrap();
                break;
            }
        }
        child.wait().unwrap();
        runtime().block_on(check(dir.path(), &acknowledged));
    }
}

async fn check(dir: &Path, acknowledged: &BTreeMap<u64, u64>) {
    let world = open(dir).await;
    let items = world.ok("Scan", json!({"TableName": "tab"})).await["Items"].clone();
    let by_key = |items: &Value| -> BTreeMap<String, Value> {
        items
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["p"]["S"].as_str().unwrap().to_owned(), item.clone()))
            .collect()
    };
    let items = by_key(&items);
    for (writer, count) in acknowledged {
        let n = |key: String| items[&key]["n"]["N"].as_str().unwrap().parse::<u64>().unwrap();
        assert!(n(format!("w{writer}")) >= *count, "writer {writer} was told {count}");
        assert_eq!(n(format!("w{writer}")), n(format!("i{writer}")), "half a transaction");
    }
    let indexed = by_key(&world.ok("Scan", json!({"TableName": "tab", "IndexName": "idx"})).await["Items"]);
    let expected: BTreeMap<String, Value> = items
        .iter()
        .filter(|(_, item)| !item["g"].is_null())
        .map(|(key, item)| (key.clone(), item.clone()))
        .collect();
    assert_eq!(indexed, expected, "the index is not that of the items");
    assert_eq!(replay(&world).await, items, "the stream is not that of the items");
}

async fn replay(world: &World) -> BTreeMap<String, Value> {
    let arn = world.ok("ListStreams", json!({})).await["Streams"][0]["StreamArn"].clone();
    let described = world.ok("DescribeStream", json!({"StreamArn": arn})).await;
    let mut items = BTreeMap::new();
    for shard in described["StreamDescription"]["Shards"].as_array().unwrap() {
        let input =
            json!({"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"});
        let mut next = world.ok("GetShardIterator", input).await["ShardIterator"].clone();
        while !next.is_null() {
            let page = world.ok("GetRecords", json!({"ShardIterator": next})).await;
            let records = page["Records"].as_array().unwrap();
            for record in records {
                let key = record["dynamodb"]["Keys"]["p"]["S"].as_str().unwrap().to_owned();
                items.insert(key, record["dynamodb"]["NewImage"].clone());
            }
            if records.is_empty() {
                break;
            }
            next = page["NextShardIterator"].clone();
        }
    }
    items
}
