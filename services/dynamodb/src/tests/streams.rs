use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::world::World;

async fn streamed(view: &str) -> (World, String) {
    streamed_on(World::new().await, view).await
}

async fn streamed_on(world: World, view: &str) -> (World, String) {
    world.table("tab", None).await;
    let enable =
        json!({"TableName": "tab", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": view}});
    let updated = world.ok("UpdateTable", enable).await;
    let arn = updated["TableDescription"]["LatestStreamArn"].as_str().unwrap().to_owned();
    (world, arn)
}

async fn iterator(world: &World, arn: &str, shard: usize, kind: &str) -> Value {
    let described = world.ok("DescribeStream", json!({"StreamArn": arn})).await;
    let shard = &described["StreamDescription"]["Shards"][shard]["ShardId"];
    let input = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": kind});
    world.ok("GetShardIterator", input).await["ShardIterator"].clone()
}

/// All records of all shards.
async fn records(world: &World, arn: &str) -> Vec<Value> {
    let described = world.ok("DescribeStream", json!({"StreamArn": arn})).await;
    let mut all = Vec::new();
    for shard in 0..described["StreamDescription"]["Shards"].as_array().unwrap().len() {
        let mut next = iterator(world, arn, shard, "TRIM_HORIZON").await;
        loop {
            let page = world.ok("GetRecords", json!({"ShardIterator": next, "Limit": 7})).await;
            let records = page["Records"].as_array().unwrap();
            all.extend(records.iter().cloned());
            next = page["NextShardIterator"].clone();
            if records.is_empty() || next.is_null() {
                break;
            }
        }
    }
    all
}

#[tokio::test]
async fn records_by_view() {
    for (view, new, old) in [
        ("NEW_AND_OLD_IMAGES", true, true),
        ("NEW_IMAGE", true, false),
        ("OLD_IMAGE", false, true),
        ("KEYS_ONLY", false, false),
    ] {
        let (world, arn) = streamed(view).await;
        world.put("tab", json!({"p": {"S": "a"}, "v": {"N": "1"}})).await;
        world.put("tab", json!({"p": {"S": "a"}, "v": {"N": "1"}})).await;
        world.put("tab", json!({"p": {"S": "a"}, "v": {"N": "2"}})).await;
        world.ok("DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": "a"}}})).await;
        world.ok("DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": "a"}}})).await;
        let records = records(&world, &arn).await;
        let names: Vec<_> = records.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
        assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"], "what changes nothing is no record");
        let modify = &records[1]["dynamodb"];
        assert_eq!(modify["Keys"], json!({"p": {"S": "a"}}));
        assert_eq!(modify["StreamViewType"], view);
        assert_eq!(!modify["NewImage"].is_null(), new);
        assert_eq!(!modify["OldImage"].is_null(), old);
        if new && old {
            assert_eq!(modify["NewImage"]["v"], json!({"N": "2"}));
            assert_eq!(modify["OldImage"]["v"], json!({"N": "1"}));
        }
        let listed = world.ok("ListStreams", json!({"TableName": "tab"})).await;
        assert_eq!(listed["Streams"][0]["StreamArn"], arn);
    }
}

#[tokio::test]
async fn a_stream_replayed_gives_the_table() {
    let (world, arn) = streamed("NEW_IMAGE").await;
    let rng = &world.env.rng;
    for _ in 0..300 {
        let key = format!("k{}", rng.below(20));
        match rng.below(4) {
            0 => drop(world.ok("DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": key}}})).await),
            1 => {
                let items: Vec<_> = (0..3)
                    .map(|i| json!({"Put": {"TableName": "tab", "Item": {"p": {"S": format!("t{i}")}, "v": {"N": rng.below(100).to_string()}}}}))
                    .collect();
                world.ok("TransactWriteItems", json!({"TransactItems": items})).await;
            }
            _ => world.put("tab", json!({"p": {"S": key}, "v": {"N": rng.below(3).to_string()}})).await,
        }
        world.env.clock.advance(Duration::from_secs(rng.below(200)));
    }
    let mut replayed: BTreeMap<String, Value> = BTreeMap::new();
    let mut last = String::new();
    for record in records(&world, &arn).await {
        let number = record["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned();
        assert!(number > last, "{number} after {last}");
        last = number;
        let key = record["dynamodb"]["Keys"]["p"]["S"].as_str().unwrap().to_owned();
        match record["eventName"].as_str().unwrap() {
            "REMOVE" => drop(replayed.remove(&key)),
            _ => drop(replayed.insert(key, record["dynamodb"]["NewImage"].clone())),
        }
    }
    let items = world.ok("Scan", json!({"TableName": "tab"})).await["Items"].clone();
    let items: BTreeMap<String, Value> = items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["p"]["S"].as_str().unwrap().to_owned(), item.clone()))
        .collect();
    assert_eq!(replayed, items);
}

#[tokio::test]
async fn iterators_and_shards_by_the_clock() {
    let (world, arn) = streamed("KEYS_ONLY").await;
    world.put("tab", json!({"p": {"S": "old"}})).await;
    let latest = iterator(&world, &arn, 0, "LATEST").await;
    let horizon = iterator(&world, &arn, 0, "TRIM_HORIZON").await;
    let empty = world.ok("GetRecords", json!({"ShardIterator": latest})).await;
    assert_eq!(empty["Records"], json!([]));
    world.put("tab", json!({"p": {"S": "new"}})).await;
    let page = world.ok("GetRecords", json!({"ShardIterator": empty["NextShardIterator"]})).await;
    assert_eq!(page["Records"].as_array().unwrap().len(), 1);
    assert_eq!(page["Records"][0]["dynamodb"]["Keys"]["p"]["S"], "new");
    world.env.clock.advance(Duration::from_secs(16 * 60));
    assert_eq!(
        world.err("GetRecords", json!({"ShardIterator": horizon, "Limit": 1001})).await,
        "ValidationException: 1 validation error detected: Value '1001' at 'limit' failed to satisfy constraint: Member \
         must have value less than or equal to 1000"
    );
    assert_eq!(
        world.err("GetRecords", json!({"ShardIterator": horizon})).await,
        "ExpiredIteratorException: Shard iterator has expired"
    );
    // A new shard every four hours; the old one comes to an end.
    world.env.clock.advance(Duration::from_secs(5 * 3600));
    world.put("tab", json!({"p": {"S": "later"}})).await;
    let described = world.ok("DescribeStream", json!({"StreamArn": arn})).await;
    let shards = described["StreamDescription"]["Shards"].as_array().unwrap();
    assert_eq!(shards.len(), 2);
    assert_eq!(shards[1]["ParentShardId"], shards[0]["ShardId"]);
    assert!(!shards[0]["SequenceNumberRange"]["EndingSequenceNumber"].is_null());
    let first = iterator(&world, &arn, 0, "TRIM_HORIZON").await;
    let page = world.ok("GetRecords", json!({"ShardIterator": first})).await;
    assert_eq!(page["Records"].as_array().unwrap().len(), 2);
    assert!(page["NextShardIterator"].is_null());
    assert_eq!(records(&world, &arn).await.len(), 3);
    // After a day they are gone.
    world.env.clock.advance(Duration::from_secs(20 * 3600));
    world.settle().await;
    assert_eq!(records(&world, &arn).await.len(), 1);
    let disable = json!({"TableName": "tab", "StreamSpecification": {"StreamEnabled": false}});
    world.ok("UpdateTable", disable).await;
    let described = world.ok("DescribeStream", json!({"StreamArn": arn})).await;
    assert_eq!(described["StreamDescription"]["StreamStatus"], "DISABLED");
    // It is the table's latest stream still, but none of another table that gets its name.
    let latest = async || {
        let table = world.ok("DescribeTable", json!({"TableName": "tab"})).await["Table"].clone();
        (table["StreamSpecification"].clone(), table["LatestStreamArn"].clone())
    };
    assert_eq!(latest().await, (Value::Null, json!(arn)));
    world.env.clock.advance(Duration::from_secs(1));
    world.ok("DeleteTable", json!({"TableName": "tab"})).await;
    world.table("tab", None).await;
    assert_eq!(latest().await, (Value::Null, Value::Null));
    world.env.clock.advance(Duration::from_secs(25 * 3600));
    world.settle().await;
    assert!(
        world.err("DescribeStream", json!({"StreamArn": arn})).await.starts_with("ResourceNotFoundException")
    );
}

#[tokio::test]
async fn items_expire_and_the_stream_says_who_did_it() {
    let (world, arn) = streamed("NEW_AND_OLD_IMAGES").await;
    let now = world.env.now().secs();
    let item = |p: &str, at: i64| json!({"p": {"S": p}, "at": {"N": at.to_string()}});
    world.put("tab", item("before", now + 10)).await;
    let enable =
        json!({"TableName": "tab", "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "at"}});
    world.ok("UpdateTimeToLive", enable.clone()).await;
    assert_eq!(
        world.err("UpdateTimeToLive", enable).await,
        "ValidationException: TimeToLive is already enabled"
    );
    world.settle().await;
    let described = world.ok("DescribeTimeToLive", json!({"TableName": "tab"})).await;
    assert_eq!(
        described["TimeToLiveDescription"],
        json!({"TimeToLiveStatus": "ENABLED", "AttributeName": "at"})
    );
    world.put("tab", item("soon", now + 20)).await;
    world.put("tab", item("later", now + 1000)).await;
    world.put("tab", item("ancient", now - 6 * 365 * 86_400)).await;
    world.put("tab", item("kept", now + 20)).await;
    world.put("tab", item("kept", now + 2000)).await;
    world.put("tab", json!({"p": {"S": "text"}, "at": {"S": "1"}})).await;
    world.env.clock.advance(Duration::from_secs(30));
    world.settle().await;
    let scanned = world.ok("Scan", json!({"TableName": "tab"})).await;
    let mut left: Vec<_> =
        scanned["Items"].as_array().unwrap().iter().map(|item| item["p"]["S"].as_str().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, ["ancient", "kept", "later", "text"]);
    let removed: Vec<_> =
        records(&world, &arn).await.into_iter().filter(|record| record["eventName"] == "REMOVE").collect();
    assert_eq!(removed.len(), 2);
    for record in removed {
        assert_eq!(
            record["userIdentity"],
            json!({"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"})
        );
    }
}

async fn advance(world: &World, by: Duration) {
    world.env.clock.advance(by);
    world.settle().await;
}

/// Writes so many items each second, for so many seconds, `v` being the round.
async fn write_for(world: &World, seconds: usize, each: usize, round: &mut usize) {
    for _ in 0..seconds {
        *round += 1;
        for n in 0..each {
            let item =
                json!({"p": {"S": format!("item {}", n % 25)}, "v": {"S": format!("{round:03}.{n:03}")}});
            world.put("tab", item).await;
        }
        advance(world, Duration::from_secs(1)).await;
    }
}

fn value(given: &Value) -> String {
    given["S"].as_str().or(given["N"].as_str()).unwrap().to_owned()
}

/// The values that each item had, as its records tell, parents read before children.
async fn told(world: &World, arn: &str) -> BTreeMap<String, Vec<String>> {
    let described = world.ok("DescribeStream", json!({"StreamArn": arn})).await;
    let shards = described["StreamDescription"]["Shards"].as_array().unwrap().clone();
    let ids: Vec<_> = shards.iter().map(|shard| shard["ShardId"].clone()).collect();
    let (mut done, mut values) = (Vec::new(), BTreeMap::<String, Vec<String>>::new());
    while done.len() < shards.len() {
        let before = done.len();
        for shard in &shards {
            let waits = |parent: &Value| ids.contains(parent) && !done.contains(parent);
            if done.contains(&shard["ShardId"]) || waits(&shard["ParentShardId"]) {
                continue;
            }
            let kind = "TRIM_HORIZON";
            let input = json!({"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": kind});
            let mut next = world.ok("GetShardIterator", input).await["ShardIterator"].clone();
            let is_closed = !shard["SequenceNumberRange"]["EndingSequenceNumber"].is_null();
            let mut last =
                shard["SequenceNumberRange"]["StartingSequenceNumber"].as_str().unwrap().to_owned();
            loop {
                let page = world.ok("GetRecords", json!({"ShardIterator": next, "Limit": 50})).await;
                let records = page["Records"].as_array().unwrap();
                for record in records {
                    let change = &record["dynamodb"];
                    let number = change["SequenceNumber"].as_str().unwrap().to_owned();
                    assert!(number >= last, "{number} after {last}");
                    last = number;
                    let item = change["Keys"]["p"]["S"].as_str().unwrap().to_owned();
                    values.entry(item).or_default().push(value(&change["NewImage"]["v"]));
                }
                next = page["NextShardIterator"].clone();
                if next.is_null() {
                    assert!(is_closed, "an open shard ended");
                    break;
                }
                if records.is_empty() {
                    assert!(!is_closed, "a closed shard has no end");
                    break;
                }
            }
            done.push(shard["ShardId"].clone());
        }
        assert!(done.len() > before, "a circle of parents");
    }
    values
}

#[tokio::test]
async fn shards_split_under_load_and_keep_the_order_of_each_item() {
    let (world, arn) = streamed("NEW_IMAGE").await;
    let mut round = 0;
    write_for(&world, 3, 30, &mut round).await;
    let shards = |described: Value| described["StreamDescription"]["Shards"].as_array().unwrap().clone();
    let first = shards(world.ok("DescribeStream", json!({"StreamArn": arn})).await);
    assert_eq!(first.len(), 1, "not at once");
    let parent = first[0]["ShardId"].clone();
    write_for(&world, 3, 30, &mut round).await;
    let all = shards(world.ok("DescribeStream", json!({"StreamArn": arn})).await);
    let children: Vec<_> = all.iter().filter(|shard| shard["ParentShardId"] == parent).collect();
    assert_eq!((all.len(), children.len()), (3, 2));
    let ended = |shard: &Value| !shard["SequenceNumberRange"]["EndingSequenceNumber"].is_null();
    assert!(ended(&all[0]) && children.iter().all(|child| !ended(child)));
    let filter = json!({"Type": "CHILD_SHARDS", "ShardId": parent});
    let filtered = shards(world.ok("DescribeStream", json!({"StreamArn": arn, "ShardFilter": filter})).await);
    assert_eq!(filtered.len(), 2);
    // A quiet stream splits no more, and one that is busy again does.
    write_for(&world, 6, 10, &mut round).await;
    assert_eq!(shards(world.ok("DescribeStream", json!({"StreamArn": arn})).await).len(), 3);
    write_for(&world, 6, 80, &mut round).await;
    assert_eq!(shards(world.ok("DescribeStream", json!({"StreamArn": arn})).await).len(), 7);
    // Shards go on to be followed by new ones.
    advance(&world, Duration::from_secs(4 * 3600)).await;
    write_for(&world, 1, 25, &mut round).await;
    let all = shards(world.ok("DescribeStream", json!({"StreamArn": arn})).await);
    assert_eq!(all.iter().filter(|shard| !ended(shard)).count(), 4);
    let told = told(&world, &arn).await;
    assert_eq!(told.len(), 25);
    let count: usize = told.values().map(Vec::len).sum();
    assert_eq!(count, 6 * 30 + 6 * 10 + 6 * 80 + 25, "each change once");
    for values in told.values() {
        assert!(values.is_sorted(), "{values:?}");
    }
    // What is a day old goes, lanes and all.
    advance(&world, Duration::from_secs(30 * 3600)).await;
    let left = shards(world.ok("DescribeStream", json!({"StreamArn": arn})).await);
    assert!(left.len() <= 4 * 8 && left.iter().filter(|shard| !ended(shard)).count() == 4);
    write_for(&world, 1, 25, &mut round).await;
    assert_eq!(self::told(&world, &arn).await.values().map(Vec::len).sum::<usize>(), 25);
}

/// Whoever writes while a stream splits writes before it or after it: no change is lost, told twice or out of order. All lanes are
/// too busy at once, and the stream splits once for all of them.
#[tokio::test]
async fn shards_split_while_many_write() {
    for seed in 0..4 {
        let (world, arn) = streamed_on(World::seeded(seed).await, "NEW_IMAGE").await;
        let add = |item: usize| {
            json!({"TableName": "tab", "Key": {"p": {"S": format!("item {item}")}}, "UpdateExpression": "ADD v :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}}})
        };
        for _ in 0..14 {
            let writes = (0..60).map(|n| world.ok("UpdateItem", add(n)));
            tokio::join!(futures_util::future::join_all(writes), async {
                for _ in 0..40 {
                    world.settle().await;
                }
            });
            world.env.clock.advance(Duration::from_secs(1));
        }
        // One, two, and four, of which none has enough to split.
        assert_eq!(shards(&world, &arn).await.len(), 7);
        for (item, values) in told(&world, &arn).await {
            let values: Vec<usize> = values.iter().map(|value| value.parse().unwrap()).collect();
            let stored = world.get("tab", json!({"p": {"S": item}})).await;
            let last: usize = value(&stored["v"]).parse().unwrap();
            assert_eq!(values, (1..=last).collect::<Vec<_>>(), "{item}");
        }
    }
}

/// What does not come into a stream does not split it: neither refused writes, nor those that change nothing.
#[tokio::test]
async fn writes_without_a_change_split_no_shards() {
    let (world, arn) = streamed("NEW_IMAGE").await;
    let item = json!({"p": {"S": "item"}, "v": {"S": "value"}});
    world.put("tab", item.clone()).await;
    let refused = json!({"TableName": "tab", "Item": item, "ConditionExpression": "attribute_not_exists(p)"});
    for _ in 0..8 {
        for _ in 0..25 {
            world.err("PutItem", refused.clone()).await;
            world.put("tab", item.clone()).await;
        }
        advance(&world, Duration::from_secs(1)).await;
    }
    assert_eq!(shards(&world, &arn).await.len(), 1);
}

async fn shards(world: &World, arn: &str) -> Vec<Value> {
    let described = world.ok("DescribeStream", json!({"StreamArn": arn})).await;
    described["StreamDescription"]["Shards"].as_array().unwrap().clone()
}
