//! How the writes of replicas come to one another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{AccountId, Env, Region};
use haneul_store::{Range, Reads, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::global::{EURO, HOME, WEST, content, create, described, group, put, replicate};
use super::world::World;
use crate::engine::keys;
use crate::engine::versions::Held;
use crate::model::{ITEMS, RawPrefix, StoredItem, TABLES};
use crate::table::TableInfo;
use crate::value::Attrs;

#[tokio::test]
async fn the_last_writer_wins() {
    let world = group(&[WEST, EURO]).await;
    put(&world, HOME, "a", "home").await;
    world.env.clock.advance(Duration::from_millis(1));
    put(&world, EURO, "a", "euro").await;
    put(&world, WEST, "b", "west").await;
    world.env.clock.advance(Duration::from_millis(1));
    // The delete of what is not there yet is later than the put, and wins.
    world.ok_in(HOME, "DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": "b"}}})).await;
    world.settle().await;
    for region in [HOME, WEST, EURO] {
        let items = content(&world, region).await;
        assert_eq!(items.get("a"), Some(&json!({"S": "euro"})), "{region}");
        assert_eq!(items.get("b"), None, "{region}");
    }
}

/// It does not make a write here earlier than what it replaces, nor one that others were told of already.
#[tokio::test]
async fn a_clock_that_goes_back_holds_nothing_up() {
    let (env, store) = (Env::simulated(3), Store::memory());
    env.clock.advance(Duration::from_secs(60 * 60));
    let world = World::on(env, store.clone()).await;
    create(&world, "tab").await;
    replicate(&world, "tab", &[WEST]).await;
    world.settle().await;
    for (region, key) in [(HOME, "a"), (HOME, "b"), (WEST, "c")] {
        put(&world, region, key, "before").await;
    }
    world.settle().await;
    let earlier = World::on(Env::simulated(4), store).await;
    assert!(earlier.env.now() < world.env.now());
    for (region, key) in [(HOME, "a"), (HOME, "c"), (WEST, "b"), (HOME, "d"), (WEST, "e")] {
        put(&earlier, region, key, "after").await;
    }
    earlier.settle().await;
    let items = content(&earlier, HOME).await;
    assert_eq!(items, content(&earlier, WEST).await);
    assert!(items.values().all(|value| value["S"] == "after"), "{items:?}");
    assert_eq!(items.len(), 5);
}

#[tokio::test]
async fn streams_tell_of_replicated_writes() {
    let world = group(&[WEST]).await;
    put(&world, HOME, "a", "one").await;
    world.settle().await;
    put(&world, WEST, "a", "two").await;
    world.settle().await;
    for region in [HOME, WEST] {
        let streams = world.ok_in(region, "ListStreams", json!({"TableName": "tab"})).await;
        let arn = &streams["Streams"][0]["StreamArn"];
        assert!(arn.as_str().unwrap().contains(region));
        let stream = world.ok_in(region, "DescribeStream", json!({"StreamArn": arn})).await;
        let shard = &stream["StreamDescription"]["Shards"][0]["ShardId"];
        let input = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
        let iterator = world.ok_in(region, "GetShardIterator", input).await["ShardIterator"].clone();
        let records = world.ok_in(region, "GetRecords", json!({"ShardIterator": iterator})).await;
        let records = records["Records"].as_array().unwrap();
        let names: Vec<_> = records.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
        assert_eq!(names, ["INSERT", "MODIFY"], "{region}: nothing goes in circles");
        assert_eq!(records[1]["dynamodb"]["NewImage"]["v"]["S"], "two");
    }
}

/// Else whoever made it could not write to it until its throughput had paid for all items there are.
#[tokio::test]
async fn filling_a_replica_uses_none_of_its_throughput() {
    let world = World::new().await;
    create(&world, "tab").await;
    let bound = json!({"TableName": "tab", "OnDemandThroughput": {"MaxWriteRequestUnits": 1}});
    world.ok("UpdateTable", bound).await;
    // Five minutes' units are 300, and each of these uses 100.
    for key in 0..6 {
        put(&world, HOME, &format!("k{key}"), &"x".repeat(100 * 1024 - 10)).await;
        world.env.clock.advance(Duration::from_secs(100));
    }
    replicate(&world, "tab", &[WEST]).await;
    world.settle().await;
    assert_eq!(content(&world, WEST).await.len(), 6);
    put(&world, WEST, "new", "x").await;
    // What is told of later does use it, as it did where it was written.
    for key in 0..4 {
        put(&world, HOME, &format!("k{key}"), &"y".repeat(100 * 1024 - 10)).await;
        world.env.clock.advance(Duration::from_secs(100));
    }
    world.settle().await;
    let item = json!({"TableName": "tab", "Item": {"p": {"S": "new"}}});
    assert!(world.err_in(WEST, "PutItem", item).await.starts_with("ThrottlingException: "));
}

/// The versions that are kept of one replica: of what is there, and of what is gone.
async fn versions(store: &Store, region: &str) -> (usize, usize) {
    let id = (AccountId::DEFAULT, region.parse::<Region>().unwrap(), "tab".to_owned());
    let global = store.get(&TABLES, &id).await.unwrap().unwrap().global.unwrap();
    let prefix = keys::of_space(global.versions);
    let kept = store.scan(&ITEMS, Range::prefix(RawPrefix(&prefix)), usize::MAX).await.unwrap();
    let gone = kept.iter().filter(|(_, stored)| Held::of(stored).unwrap().gone).count();
    (kept.len() - gone, gone)
}

async fn count(store: &Store, region: &str) -> usize {
    let id = (AccountId::DEFAULT, region.parse::<Region>().unwrap(), "tab".to_owned());
    let prefix = keys::of_space(store.get(&TABLES, &id).await.unwrap().unwrap().space);
    store.scan_keys(&ITEMS, Range::prefix(RawPrefix(&prefix)), usize::MAX).await.unwrap().len()
}

/// Items that were there before anybody was told of them.
async fn fill(store: &Store, region: &str, count: usize) {
    let id = (AccountId::DEFAULT, region.parse::<Region>().unwrap(), "tab".to_owned());
    let info = TableInfo::new(id.clone(), store.get(&TABLES, &id).await.unwrap().unwrap(), 0);
    let mut batch = haneul_store::Batch::default();
    for i in 0..count {
        let item = Attrs::of(vec![("p".to_owned(), crate::value::Value::S(format!("n{i}")))]);
        let at = keys::of_item(info.record.space, &info.schema, &item);
        batch.put(&ITEMS, &at[..], &StoredItem::Plain(Arc::new(item))).unwrap();
    }
    store.write(batch).await.unwrap();
}

#[tokio::test]
async fn what_is_deleted_is_forgotten_a_day_later() {
    let (env, store) = (Env::simulated(3), Store::memory());
    let mut world = World::on(env.clone(), store.clone()).await;
    create(&world, "tab").await;
    replicate(&world, "tab", &[WEST]).await;
    world.settle().await;
    for key in ["a", "b"] {
        put(&world, HOME, key, "x").await;
    }
    let delete = json!({"TableName": "tab", "Key": {"p": {"S": "a"}}});
    world.ok("DeleteItem", delete).await;
    world.settle().await;
    // However often the program begins anew meanwhile.
    for _ in 0..4 {
        for region in [HOME, WEST] {
            assert_eq!(versions(&store, region).await, (1, 1), "{region}");
        }
        env.clock.advance(Duration::from_secs(6 * 60 * 60));
        world = World::on(env.clone(), store.clone()).await;
        world.settle().await;
    }
    for region in [HOME, WEST] {
        assert_eq!(versions(&store, region).await, (1, 0), "{region}");
    }
}

/// One page is 200 items, and a turn is 50 of them.
#[tokio::test]
async fn a_large_table_is_carried_by_turns_and_nothing_forgotten_meanwhile() {
    let (env, store) = (Env::simulated(3), Store::memory());
    let world = World::on(env.clone(), store.clone()).await;
    create(&world, "tab").await;
    replicate(&world, "tab", &[WEST]).await;
    world.settle().await;
    put(&world, HOME, "a", "x").await;
    world.ok("DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": "a"}}})).await;
    world.settle().await;
    fill(&store, HOME, 200 * 50 + 1).await;
    env.clock.advance(Duration::from_secs(25 * 60 * 60));
    replicate(&world, "tab", &[EURO]).await;
    world.settle().await;
    assert_eq!(described(&world, EURO).await["TableStatus"], "CREATING");
    assert_eq!(versions(&store, HOME).await, (0, 1), "an earlier write may still come from somewhere");
    world.settle().await;
    assert_eq!(described(&world, EURO).await["TableStatus"], "ACTIVE");
    assert_eq!(count(&store, EURO).await, 200 * 50 + 1);
    assert_eq!(versions(&store, HOME).await, (0, 0));
}

#[derive(Clone, Debug)]
enum Step {
    Put(usize, u8),
    Delete(usize, u8),
    /// Clients and reconcilers do not wait for one another.
    Carry,
    Restart,
    Leave,
    Join,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0..3usize, 0..5u8).prop_map(|(region, key)| Step::Put(region, key)),
        5 => (0..3usize, 0..5u8).prop_map(|(region, key)| Step::Delete(region, key)),
        3 => Just(Step::Carry),
        1 => Just(Step::Restart),
        1 => Just(Step::Leave),
        1 => Just(Step::Join),
    ];
    prop::collection::vec(step, 1..60)
}

#[test]
fn replicas_come_to_the_same_whatever_happens() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
    runner
        .run(&steps(), |steps| {
            runtime.block_on(converge(steps));
            Ok(())
        })
        .unwrap();
}

async fn converge(steps: Vec<Step>) {
    let (env, store) = (Env::simulated(3), Store::memory());
    let mut world = World::on(env.clone(), store.clone()).await;
    create(&world, "tab").await;
    replicate(&world, "tab", &[WEST, EURO]).await;
    world.settle().await;
    let mut regions = vec![HOME, WEST, EURO];
    // Each write has a moment of its own, so the last one is known.
    let mut expected: BTreeMap<String, Value> = BTreeMap::new();
    for (moment, step) in steps.into_iter().enumerate() {
        env.clock.advance(Duration::from_millis(1));
        match step {
            Step::Put(at, key) => {
                let (key, value) = (format!("k{key}"), format!("v{moment}"));
                put(&world, regions[at % regions.len()], &key, &value).await;
                expected.insert(key, json!({"S": value}));
            }
            Step::Delete(at, key) => {
                let key = format!("k{key}");
                let input = json!({"TableName": "tab", "Key": {"p": {"S": key}}});
                world.ok_in(regions[at % regions.len()], "DeleteItem", input).await;
                expected.remove(&key);
            }
            Step::Carry => world.settle().await,
            Step::Restart => world = World::on(env.clone(), store.clone()).await,
            Step::Leave if regions.len() == 3 => {
                let leave = json!({"TableName": "tab", "ReplicaUpdates": [{"Delete": {"RegionName": EURO}}]});
                world.ok("UpdateTable", leave).await;
                regions.pop();
            }
            Step::Join if regions.len() == 2 => {
                world.settle().await;
                replicate(&world, "tab", &[EURO]).await;
                world.settle().await;
                regions.push(EURO);
            }
            Step::Leave | Step::Join => {}
        }
    }
    world.settle().await;
    for region in regions {
        assert_eq!(content(&world, region).await, expected, "{region}");
    }
}
