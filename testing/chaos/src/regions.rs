//! A global table with multi-Region strong consistency: three Regions write the same items at once. At the end no Region
//! has anything that another has not, what was answered is there once, in the order in which it was answered, and the
//! streams of all Regions tell the same changes in the same order, which make the table.

use std::collections::BTreeMap;

use haneul_env::Rng;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::client::{Client, Result};
use crate::moment::{Fate, Moments, Stamp};

const TABLE: &str = "regions";
const REGIONS: [&str; 3] = ["us-east-1", "us-east-2", "us-west-2"];
const ITEMS: u64 = 4;

#[derive(Clone, Debug, Default)]
pub struct Regions {
    /// Each round has items of its own.
    round: u64,
    next: u64,
    /// The item of each write.
    calls: BTreeMap<u64, (u64, Stamp)>,
}

impl Regions {
    pub fn create(&self, client: &mut Client) -> Result<()> {
        let table = json!({
            "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        });
        call(client, REGIONS[0], "CreateTable", &table)?;
        let replicas: Vec<Value> =
            REGIONS[1..].iter().map(|region| json!({"Create": {"RegionName": region}})).collect();
        let group =
            json!({"TableName": TABLE, "MultiRegionConsistency": "STRONG", "ReplicaUpdates": replicas});
        call(client, REGIONS[0], "UpdateTable", &group)?;
        let stream = json!({
            "TableName": TABLE, "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        });
        for region in REGIONS {
            call(client, region, "UpdateTable", &stream)?;
        }
        Ok(())
    }

    pub fn drop(&self, client: &mut Client) -> Result<()> {
        let replicas: Vec<Value> =
            REGIONS[1..].iter().map(|region| json!({"Delete": {"RegionName": region}})).collect();
        let group = json!({"TableName": TABLE, "ReplicaUpdates": replicas});
        call(client, REGIONS[0], "UpdateTable", &group)?;
        call(client, REGIONS[0], "DeleteTable", &json!({"TableName": TABLE})).map(drop)
    }

    fn key(&self, item: u64) -> String {
        format!("l{}-{item}", self.round)
    }

    /// Works until the program is gone.
    pub fn work(this: &Mutex<Regions>, client: &mut Client, moments: &Moments, rng: &Rng) {
        loop {
            let (item, region) = (rng.below(ITEMS), rng.below(REGIONS.len() as u64) as usize);
            let (number, key) = {
                let mut regions = this.lock();
                let number = regions.next;
                regions.next += 1;
                regions.calls.insert(number, (item, Stamp::sent(moments.now())));
                (number, json!({"p": {"S": regions.key(item)}}))
            };
            let append = json!({
                "TableName": TABLE, "Key": key,
                "UpdateExpression": "SET seen = list_append(if_not_exists(seen, :none), :id) ADD n :one",
                "ExpressionAttributeValues": {
                    ":none": {"L": []}, ":id": {"L": [{"N": number.to_string()}]}, ":one": {"N": "1"},
                },
            });
            if call(client, REGIONS[region], "UpdateItem", &append).is_err() {
                return;
            }
            let now = moments.now();
            this.lock().calls.get_mut(&number).expect("it was sent").1.answered = Some(now);
            // Another Region has it as soon as it was acknowledged.
            let get = json!({"TableName": TABLE, "Key": key, "ConsistentRead": true});
            let Ok(there) = call(client, REGIONS[(region + 1) % REGIONS.len()], "GetItem", &get) else {
                return;
            };
            assert!(
                ids(&there["Item"]).contains(&number),
                "{number} was answered, and another Region has it not"
            );
        }
    }

    /// After a restart: whether everything is as it must be at `end`. Begins a new round.
    pub fn check(&mut self, client: &mut Client, end: u64) -> Result<Vec<String>> {
        let mut faults = Vec::new();
        let (items, stream) = (scan(client, REGIONS[0])?, stream(client, REGIONS[0])?);
        for region in &REGIONS[1..] {
            if scan(client, region)? != items {
                faults.push(format!("regions: {region} has other items"));
            }
            if self::stream(client, region)? != stream {
                faults.push(format!("regions: the stream in {region} is another one"));
            }
        }
        let replayed: BTreeMap<String, Value> = stream.into_iter().collect();
        if replayed != items {
            faults.push("regions: the stream replayed is not the table".to_owned());
        }
        let mut there: BTreeMap<u64, (u64, usize)> = BTreeMap::new();
        for item in 0..ITEMS {
            let found = items.get(&self.key(item)).cloned().unwrap_or_default();
            let list = ids(&found);
            if found["n"]["N"].as_str().unwrap_or("0") != list.len().to_string() {
                faults.push(format!("regions: {item} has {list:?} and counts {}", found["n"]));
            }
            for (at, number) in list.iter().enumerate() {
                if there.insert(*number, (item, at)).is_some() {
                    faults.push(format!("regions: {number} was done twice"));
                }
                let sent = self.calls.get(number).map_or(0, |(_, stamp)| stamp.sent);
                let late = |later: &&u64| {
                    let (_, stamp) = self.calls.get(later)?;
                    Some(stamp.answered? < sent)
                };
                for later in list[at + 1..].iter().filter(|later| late(later) == Some(true)) {
                    faults.push(format!(
                        "regions: {later} was answered before {number} was sent, and comes after it"
                    ));
                }
            }
        }
        for (number, (item, stamp)) in &self.calls {
            let found = there.get(number).map(|(item, _)| *item);
            let right = match stamp.fate(end) {
                Fate::Done => found == Some(*item),
                Fate::Never => found.is_none(),
                Fate::Perhaps => found.is_none_or(|found| found == *item),
            };
            if !right {
                faults
                    .push(format!("regions: {number} for {item} is {stamp:?} at {end}, and is in {found:?}"));
            }
        }
        if let Some(number) = there.keys().find(|number| !self.calls.contains_key(number)) {
            faults.push(format!("regions: {number} was never sent"));
        }
        self.calls.clear();
        self.round += 1;
        Ok(faults)
    }
}

fn ids(item: &Value) -> Vec<u64> {
    let list = item["seen"]["L"].as_array().into_iter().flatten();
    list.map(|id| id["N"].as_str().and_then(|id| id.parse().ok()).expect("a number")).collect()
}

fn call(client: &mut Client, region: &str, operation: &str, input: &Value) -> Result<Value> {
    ask(client, region, &format!("DynamoDB_20120810.{operation}"), input)
}

fn ask(client: &mut Client, region: &str, target: &str, input: &Value) -> Result<Value> {
    let answer = client.json_in(region, "dynamodb", target, input)?;
    answer.expect(&[200], target);
    Ok(serde_json::from_slice(&answer.body).expect("JSON"))
}

/// All items by their keys.
fn scan(client: &mut Client, region: &str) -> Result<BTreeMap<String, Value>> {
    let mut items = BTreeMap::new();
    let mut input = json!({"TableName": TABLE, "ConsistentRead": true});
    loop {
        let page = call(client, region, "Scan", &input)?;
        for item in page["Items"].as_array().into_iter().flatten() {
            items.insert(item["p"]["S"].as_str().expect("a key").to_owned(), item.clone());
        }
        if page["LastEvaluatedKey"].is_null() {
            return Ok(items);
        }
        input["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    }
}

/// What the stream of a replica tells: of which item, and what it became.
fn stream(client: &mut Client, region: &str) -> Result<Vec<(String, Value)>> {
    let mut ask = |operation: &str, input: Value| {
        ask(client, region, &format!("DynamoDBStreams_20120810.{operation}"), &input)
    };
    let arn = ask("ListStreams", json!({"TableName": TABLE}))?["Streams"][0]["StreamArn"].clone();
    let described = ask("DescribeStream", json!({"StreamArn": arn}))?;
    let mut all = Vec::new();
    for shard in described["StreamDescription"]["Shards"].as_array().into_iter().flatten() {
        let input =
            json!({"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"});
        let mut next = ask("GetShardIterator", input)?["ShardIterator"].clone();
        while !next.is_null() {
            let page = ask("GetRecords", json!({"ShardIterator": next}))?;
            let records = page["Records"].as_array().cloned().unwrap_or_default();
            all.extend(records.iter().map(|record| {
                let change = &record["dynamodb"];
                (change["Keys"]["p"]["S"].as_str().expect("a key").to_owned(), change["NewImage"].clone())
            }));
            if records.is_empty() {
                break;
            }
            next = page["NextShardIterator"].clone();
        }
    }
    Ok(all)
}
