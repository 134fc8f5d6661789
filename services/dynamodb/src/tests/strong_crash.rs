//! Three Regions write the same items of a strongly consistent global table, and the program is killed. Everybody saw what one after
//! the other could have seen, nothing acknowledged is lost, and no Region has anything that another has not.
//!
//! Each write appends its number to the list of its item and raises its count. A client that was answered begins its next
//! write after that, wherever; so the lists and what each client did in turn must have one order.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use haneul_kit::Env;
use haneul_store::Store;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::histories::has_an_order;
use super::strong::{ALL, strong};
use super::world::World;

const CHILD_DIR: &str = "HANEUL_DYNAMODB_STRONG_CHILD";
const CHILD_LIFE: &str = "HANEUL_DYNAMODB_STRONG_LIFE";

const ITEMS: usize = 3;
const CLIENTS: usize = 6;

/// What clients were told.
#[derive(Default)]
struct Told {
    /// The item of each write that was acknowledged.
    written: BTreeMap<String, usize>,
    /// Writes of one client, one after the other.
    after: Vec<(String, String)>,
    /// Lists as they were seen in between.
    seen: Vec<(usize, Vec<String>)>,
    /// Who put an item that was not there.
    won: BTreeMap<String, String>,
}

impl Told {
    /// Notes what a client said, and whether it was anything.
    fn hear(&mut self, line: &str) -> bool {
        let Some((_, said)) = line.split_once("told ") else { return false };
        match said.split(' ').collect::<Vec<_>>()[..] {
            ["written", id, item, "."] => drop(self.written.insert(id.to_owned(), item.parse().unwrap())),
            ["after", id, next, "."] => self.after.push((id.to_owned(), next.to_owned())),
            ["seen", item, ref ids @ .., "."] => {
                self.seen.push((item.parse().unwrap(), ids.iter().map(|&id| id.to_owned()).collect()));
            }
            ["won", race, by, "."] => {
                let before = self.won.insert(race.to_owned(), by.to_owned());
                assert_eq!(before, None, "two have put what was not there");
            }
            // Cut off in the middle.
            _ => return false,
        }
        true
    }
}

fn ids(item: &Value) -> Vec<String> {
    let list = item["seen"]["L"].as_array().into_iter().flatten();
    list.map(|id| id["N"].as_str().unwrap().to_owned()).collect()
}

fn key(item: usize) -> Value {
    json!({"p": {"S": format!("l{item}")}})
}

/// Goes through the Regions, and says what it was told.
async fn client(
    world: Arc<World>,
    (life, number): (usize, usize),
    rounds: usize,
    say: impl Fn(String) + Send + 'static,
) {
    let mut last: Option<String> = None;
    for i in 0..rounds {
        let region = |n: usize| ALL[(number + n) % ALL.len()];
        let (id, item) = ((life * 1_000_000 + number * 100_000 + i).to_string(), (number * 7 + i) % ITEMS);
        let append = json!({
            "TableName": "tab", "Key": key(item),
            "UpdateExpression": "SET seen = list_append(if_not_exists(seen, :none), :id) ADD n :one",
            "ExpressionAttributeValues": {":none": {"L": []}, ":id": {"L": [{"N": id}]}, ":one": {"N": "1"}},
        });
        world.ok_in(region(i), "UpdateItem", append).await;
        say(format!("told written {id} {item} ."));
        if let Some(last) = last.replace(id.clone()) {
            say(format!("told after {last} {id} ."));
        }
        // Another Region has it as soon as it was acknowledged.
        let get = json!({"TableName": "tab", "Key": key(item), "ConsistentRead": true});
        let seen = ids(&world.ok_in(region(i + 1), "GetItem", get).await["Item"]);
        assert!(seen.contains(&id), "{id} was acknowledged, and another Region does not have it");
        say(format!("told seen {item} {} .", seen.join(" ")));
        let race = format!("r{life}-{i}");
        let put = json!({
            "TableName": "tab", "Item": {"p": {"S": race}, "by": {"S": number.to_string()}},
            "ConditionExpression": "attribute_not_exists(p)",
        });
        match world.call_in(region(i + 2).parse().unwrap(), "PutItem", put).await {
            Ok(_) => say(format!("told won {race} {number} .")),
            Err((refused, _)) => assert!(refused.starts_with("ConditionalCheckFailed"), "{refused}"),
        }
    }
}

async fn make(world: &World) {
    world.table("tab", None).await;
    world.ok("UpdateTable", strong(&ALL[1..], None)).await;
    let stream = json!({"TableName": "tab", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}});
    for region in ALL {
        world.ok_in(region, "UpdateTable", stream.clone()).await;
    }
}

async fn items(world: &World, region: &str) -> BTreeMap<String, Value> {
    let found = world.ok_in(region, "Scan", json!({"TableName": "tab"})).await["Items"].clone();
    let found = found.as_array().unwrap().iter();
    found.map(|item| (item["p"]["S"].as_str().unwrap().to_owned(), item.clone())).collect()
}

/// The changes that a replica's stream tells of, in order: of which item, and what it became.
async fn streamed(world: &World, region: &str) -> Vec<(String, Value)> {
    let arn = world.ok_in(region, "ListStreams", json!({})).await["Streams"][0]["StreamArn"].clone();
    let described = world.ok_in(region, "DescribeStream", json!({"StreamArn": arn})).await;
    let mut all = Vec::new();
    for shard in described["StreamDescription"]["Shards"].as_array().unwrap() {
        let input =
            json!({"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"});
        let mut next = world.ok_in(region, "GetShardIterator", input).await["ShardIterator"].clone();
        while !next.is_null() {
            let page = world.ok_in(region, "GetRecords", json!({"ShardIterator": next})).await;
            let records = page["Records"].as_array().unwrap();
            all.extend(records.iter().map(|record| {
                let key = record["dynamodb"]["Keys"]["p"]["S"].as_str().unwrap().to_owned();
                (key, record["dynamodb"]["NewImage"].clone())
            }));
            if records.is_empty() {
                break;
            }
            next = page["NextShardIterator"].clone();
        }
    }
    all
}

async fn check(world: &World, told: &Told) {
    let (home, stream) = (items(world, ALL[0]).await, streamed(world, ALL[0]).await);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (key, image) in stream.iter().filter(|(key, _)| key.starts_with('l')) {
        let count = counts.entry(key).or_default();
        *count += 1;
        assert_eq!(image["n"]["N"], count.to_string(), "the stream tells the changes of {key} out of order");
    }
    for region in ALL {
        assert_eq!(items(world, region).await, home, "{region} is another one");
        let of_region = streamed(world, region).await;
        assert_eq!(of_region, stream, "the stream in {region} has another order");
        let replayed: BTreeMap<String, Value> = of_region.into_iter().collect();
        assert_eq!(replayed, home, "the stream in {region} is not that of the table");
    }
    let mut after: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut edge = |one: &str, next: &str| {
        after.entry(one.to_owned()).or_default().insert(next.to_owned());
    };
    let lists: Vec<Vec<String>> =
        (0..ITEMS).map(|item| home.get(&format!("l{item}")).map(ids).unwrap_or_default()).collect();
    for (item, list) in lists.iter().enumerate() {
        let count = home.get(&format!("l{item}")).and_then(|item| item["n"]["N"].as_str()).unwrap_or("0");
        assert_eq!(count, list.len().to_string());
        list.windows(2).for_each(|pair| edge(&pair[0], &pair[1]));
    }
    for (id, item) in &told.written {
        assert_eq!(lists[*item].iter().filter(|one| *one == id).count(), 1, "{id}");
    }
    for (item, seen) in &told.seen {
        assert!(lists[*item].starts_with(seen), "what was seen of l{item} never was");
    }
    told.after.iter().for_each(|(one, next)| edge(one, next));
    assert!(has_an_order(&after), "the lists contradict one another");
    for (race, by) in &told.won {
        assert_eq!(home[race]["by"]["S"], *by);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_regions_have_one_history() {
    let world = Arc::new(World::new().await);
    make(&world).await;
    let told = Arc::new(Mutex::new(Told::default()));
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let told = told.clone();
        let say = move |line: String| assert!(told.lock().hear(&line), "{line}");
        clients.push(world.env.spawn("client", client(world.clone(), (0, number), 25, say)));
    }
    for client in clients {
        client.await.unwrap();
    }
    let told = std::mem::take(&mut *told.lock());
    check(&world, &told).await;
    assert_eq!((told.written.len(), told.won.len()), (CLIENTS * 25, 25));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

async fn open(dir: &Path) -> World {
    let env = Env::real();
    let store = Store::open(&env, dir).unwrap();
    World::on(env, store).await
}

/// The process that is killed.
#[test]
#[ignore = "run by the test below"]
fn crash_child() {
    let Ok(dir) = std::env::var(CHILD_DIR) else { return };
    let life = std::env::var(CHILD_LIFE).unwrap().parse().unwrap();
    runtime().block_on(async {
        let world = Arc::new(open(Path::new(&dir)).await);
        let clients = (0..CLIENTS).map(|number| {
            let say = |line: String| println!("{line}");
            world.env.spawn("client", client(world.clone(), (life, number), 10_000, say))
        });
        // One that finds something wrong ends the process before it is killed.
        futures_util::future::try_join_all(clients).await.unwrap();
    });
}

#[test]
fn kill_9_sets_no_region_apart() {
    let rounds = std::env::var("HANEUL_CRASH_ROUNDS").map_or(2, |count| count.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    runtime().block_on(async { make(&open(dir.path()).await).await });
    let mut told = Told::default();
    for life in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["tests::strong_crash::crash_child", "--exact", "--ignored", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .env(CHILD_LIFE, life.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut left = 250 + 70 * (life % 5);
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            left -= usize::from(told.hear(&line)).min(left);
            if left == 0 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert_eq!(left, 0, "the process ended by itself");
        runtime().block_on(async { check(&open(dir.path()).await, &told).await });
    }
}
