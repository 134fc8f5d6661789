//! A table of DynamoDB: transactions between accounts, a counter, and places that only the first gets, all at once. At
//! the end each transaction was done wholly or not at all, all of them have one order, which is that of time where one
//! had been answered before another was sent; indexes are those of the items, and the stream replayed gives the table.
//!
//! The order is found by a small model of our own: each account keeps the numbers of its transactions in the order in
//! which they changed it, and what all these lists say together must have no circle.

use std::collections::{BTreeMap, BTreeSet};

use haneul_env::Rng;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::client::{Client, Result};
use crate::moment::{Fate, Moments, Stamp};

const TABLE: &str = "bank";
const ACCOUNTS: u64 = 5;
const FIRST: i64 = 40;

/// Rounds in which the whole stream is read; it grows, so later it is read now and then.
const ROUNDS_REPLAYED: u64 = 12;

#[derive(Clone, Debug)]
pub struct Bank {
    /// Each round has accounts of its own.
    round: u64,
    next: u64,
    calls: BTreeMap<u64, Call>,
}

#[derive(Clone, Debug)]
struct Call {
    what: What,
    stamp: Stamp,
    /// The condition did not hold: nothing was done.
    refused: bool,
    /// What the counter was after it.
    counted: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Transfer { from: u64, to: u64, amount: i64 },
    Count,
    Claim { place: u64 },
}

impl Bank {
    pub fn new() -> Bank {
        Bank { round: 0, next: 0, calls: BTreeMap::new() }
    }

    pub fn create(&self, client: &mut Client) -> Result<()> {
        let definition = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
        let key = |name: &str| json!([{"AttributeName": name, "KeyType": "HASH"}]);
        let table = json!({
            "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [definition("p"), definition("o")], "KeySchema": key("p"),
            "GlobalSecondaryIndexes": [{"IndexName": "by-o", "KeySchema": key("o"), "Projection": {"ProjectionType": "ALL"}}],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        });
        call(client, "CreateTable", &table)?;
        self.open(client)
    }

    pub fn drop(&self, client: &mut Client) -> Result<()> {
        call(client, "DeleteTable", &json!({"TableName": TABLE})).map(drop)
    }

    /// The accounts of the round.
    fn open(&self, client: &mut Client) -> Result<()> {
        for account in 0..ACCOUNTS {
            let item = json!({
                "p": {"S": self.account(account)}, "o": {"S": "account"}, "n": {"N": FIRST.to_string()}, "seen": {"L": []},
            });
            call(client, "PutItem", &json!({"TableName": TABLE, "Item": item}))?;
        }
        Ok(())
    }

    fn account(&self, number: u64) -> String {
        format!("a{}-{number}", self.round)
    }

    fn place(&self, number: u64) -> String {
        format!("place{}-{number}", self.round)
    }

    fn counter(&self) -> String {
        format!("counter{}", self.round)
    }

    /// Works until the program is gone.
    pub fn work(this: &Mutex<Bank>, client: &mut Client, moments: &Moments, rng: &Rng) {
        loop {
            let what = match rng.below(4) {
                0 => What::Count,
                1 => What::Claim { place: rng.below(60) },
                _ => {
                    let from = rng.below(ACCOUNTS);
                    let to = (from + 1 + rng.below(ACCOUNTS - 1)) % ACCOUNTS;
                    What::Transfer { from, to, amount: 1 + rng.below(15) as i64 }
                }
            };
            let (number, operation, input) = {
                let mut bank = this.lock();
                let number = bank.next;
                bank.next += 1;
                let stamp = Stamp::sent(moments.now());
                bank.calls.insert(number, Call { what, stamp, refused: false, counted: None });
                let (operation, input) = bank.request(number, what);
                (number, operation, input)
            };
            let Ok(answer) = client.json("dynamodb", &format!("DynamoDB_20120810.{operation}"), &input)
            else {
                return;
            };
            let now = moments.now();
            let text = answer.text();
            let refused = answer.status == 400
                && (text.contains("ConditionalCheckFailed") || text.contains("TransactionConflict"));
            assert!(answer.status == 200 || refused, "{operation}: {} {text}", answer.status);
            let mut bank = this.lock();
            let call = bank.calls.get_mut(&number).expect("it was sent");
            call.stamp.answered = Some(now);
            call.refused = refused;
            if what == What::Count {
                let answer: Value = serde_json::from_str(&text).expect("JSON");
                call.counted = Some(integer(&answer["Attributes"]["n"]));
            }
        }
    }

    fn request(&self, number: u64, what: What) -> (&'static str, Value) {
        let id = json!({"N": number.to_string()});
        match what {
            What::Count => (
                "UpdateItem",
                json!({
                    "TableName": TABLE, "Key": {"p": {"S": self.counter()}}, "UpdateExpression": "ADD n :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}}, "ReturnValues": "UPDATED_NEW",
                }),
            ),
            What::Claim { place } => (
                "PutItem",
                json!({
                    "TableName": TABLE, "Item": {"p": {"S": self.place(place)}, "by": id, "o": {"S": "place"}},
                    "ConditionExpression": "attribute_not_exists(p)",
                }),
            ),
            What::Transfer { from, to, amount } => {
                let change = |account: u64, sign: &str, condition: Option<&str>| {
                    let mut update = json!({
                        "TableName": TABLE, "Key": {"p": {"S": self.account(account)}},
                        "UpdateExpression": format!("SET n = n {sign} :x, seen = list_append(seen, :id)"),
                        "ExpressionAttributeValues": {":x": {"N": amount.to_string()}, ":id": {"L": [id]}},
                    });
                    if let Some(condition) = condition {
                        update["ConditionExpression"] = json!(condition);
                    }
                    json!({"Update": update})
                };
                let receipt = json!({"Put": {"TableName": TABLE, "Item": {"p": {"S": format!("r{number}")}, "by": id}}});
                let items = [change(from, "-", Some("n >= :x")), change(to, "+", None), receipt];
                ("TransactWriteItems", json!({"TransactItems": items}))
            }
        }
    }

    /// After a restart: whether everything is as it must be at `end`. Begins a new round.
    pub fn check(&mut self, client: &mut Client, end: u64, rng: &Rng) -> Result<Vec<String>> {
        let items = scan(client, None)?;
        let mut faults = Vec::new();
        self.check_transfers(&items, end, &mut faults);
        self.check_counter(&items, end, &mut faults);
        self.check_claims(&items, end, &mut faults);
        let indexed: BTreeMap<_, _> = items
            .iter()
            .filter(|(_, item)| !item["o"].is_null())
            .map(|(key, item)| (key.clone(), item.clone()))
            .collect();
        if scan(client, Some("by-o"))? != indexed {
            faults.push("bank: the index is not that of the items".to_owned());
        }
        if self.round < ROUNDS_REPLAYED || rng.below(ROUNDS_REPLAYED) == 0 {
            match replay(client)? {
                Ok(replayed) if replayed == items => {}
                Ok(_) => faults.push("bank: the stream replayed is not the table".to_owned()),
                Err(fault) => faults.push(format!("bank: {fault}")),
            }
        }
        self.calls.clear();
        self.round += 1;
        self.open(client)?;
        Ok(faults)
    }

    fn check_transfers(&self, items: &BTreeMap<String, Value>, end: u64, faults: &mut Vec<String>) {
        // Before whom each transaction stands in any list.
        let mut after: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        let mut seen: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        for account in 0..ACCOUNTS {
            let Some(item) = items.get(&self.account(account)) else {
                faults.push(format!("bank: account {account} is gone"));
                continue;
            };
            let list: Vec<u64> =
                item["seen"]["L"].as_array().into_iter().flatten().map(|id| integer(id) as u64).collect();
            let mut balance = FIRST;
            for (at, number) in list.iter().enumerate() {
                let Some(call) = self.calls.get(number) else {
                    faults.push(format!("bank: transaction {number} was never sent"));
                    continue;
                };
                match call.what {
                    What::Transfer { from, amount, .. } if from == account => balance -= amount,
                    What::Transfer { to, amount, .. } if to == account => balance += amount,
                    other => faults.push(format!("bank: account {account} has {number}, which is {other:?}")),
                }
                if balance < 0 {
                    faults.push(format!("bank: account {account} fell below nothing by {number}"));
                }
                if !seen.entry(*number).or_default().insert(account) {
                    faults.push(format!("bank: {number} was done twice to account {account}"));
                }
                for later in &list[at + 1..] {
                    let late = self.calls.get(later).and_then(|call| call.stamp.answered);
                    if late.is_some_and(|late| late < call.stamp.sent) {
                        faults.push(format!(
                            "bank: {later} was answered before {number} was sent, and comes after it"
                        ));
                    }
                }
            }
            for pair in list.windows(2) {
                after.entry(pair[0]).or_default().insert(pair[1]);
            }
            if integer(&item["n"]) != balance {
                faults.push(format!("bank: account {account} has {}, and its list {balance}", item["n"]));
            }
        }
        for (number, call) in &self.calls {
            let What::Transfer { from, to, .. } = call.what else { continue };
            let there = seen.get(number).cloned().unwrap_or_default();
            let receipt = items.contains_key(&format!("r{number}"));
            let whole = there == BTreeSet::from([from, to]) && receipt;
            let nothing = there.is_empty() && !receipt;
            let fate = if call.refused { Fate::Never } else { call.stamp.fate(end) };
            let right = match fate {
                Fate::Done => whole,
                Fate::Never => nothing,
                Fate::Perhaps => whole || nothing,
            };
            if !right {
                faults.push(format!(
                    "bank: {number} is {call:?} at {end}; it is in {there:?}, its receipt is there: {receipt}"
                ));
            }
        }
        if !has_an_order(&after) {
            faults.push("bank: the accounts' lists contradict one another".to_owned());
        }
    }

    fn check_counter(&self, items: &BTreeMap<String, Value>, end: u64, faults: &mut Vec<String>) {
        let count = items.get(&self.counter()).map_or(0, |item| integer(&item["n"]));
        let (mut done, mut perhaps, mut values) = (0, 0, BTreeSet::new());
        for call in self.calls.values().filter(|call| call.what == What::Count) {
            match call.stamp.fate(end) {
                Fate::Done => {
                    done += 1;
                    let value = call.counted.unwrap_or_default();
                    if !values.insert(value) || value > count {
                        faults.push(format!("bank: the counter is {count}, and somebody was told {value}"));
                    }
                }
                Fate::Perhaps => perhaps += 1,
                Fate::Never => {}
            }
        }
        if !(done..=done + perhaps).contains(&count) {
            faults.push(format!("bank: the counter is {count} after {done} calls and perhaps {perhaps}"));
        }
    }

    fn check_claims(&self, items: &BTreeMap<String, Value>, end: u64, faults: &mut Vec<String>) {
        for (number, call) in &self.calls {
            let What::Claim { place } = call.what else { continue };
            let holder = items.get(&self.place(place)).map(|item| integer(&item["by"]) as u64);
            let fate = call.stamp.fate(end);
            let right = match (fate, call.refused) {
                (Fate::Done, false) => holder == Some(*number),
                // Somebody else had it.
                (Fate::Done, true) => holder.is_some_and(|holder| holder != *number),
                (Fate::Never, _) | (_, true) => holder != Some(*number),
                (Fate::Perhaps, false) => true,
            };
            if !right {
                faults.push(format!("bank: {number} is {call:?} at {end}, and place {place} has {holder:?}"));
            }
        }
    }
}

impl Default for Bank {
    fn default() -> Bank {
        Bank::new()
    }
}

fn call(client: &mut Client, operation: &str, input: &Value) -> Result<Value> {
    let answer = client.json("dynamodb", &format!("DynamoDB_20120810.{operation}"), input)?;
    answer.expect(&[200], operation);
    Ok(serde_json::from_slice(&answer.body).expect("JSON"))
}

fn streams(client: &mut Client, operation: &str, input: &Value) -> Result<Value> {
    let answer = client.json("dynamodb", &format!("DynamoDBStreams_20120810.{operation}"), input)?;
    answer.expect(&[200], operation);
    Ok(serde_json::from_slice(&answer.body).expect("JSON"))
}

fn integer(value: &Value) -> i64 {
    value["N"].as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

/// All items by their keys.
fn scan(client: &mut Client, index: Option<&str>) -> Result<BTreeMap<String, Value>> {
    let mut items = BTreeMap::new();
    let mut input = json!({"TableName": TABLE, "ConsistentRead": index.is_none()});
    if let Some(index) = index {
        input["IndexName"] = json!(index);
    }
    loop {
        let page = call(client, "Scan", &input)?;
        for item in page["Items"].as_array().into_iter().flatten() {
            items.insert(item["p"]["S"].as_str().expect("a key").to_owned(), item.clone());
        }
        if page["LastEvaluatedKey"].is_null() {
            return Ok(items);
        }
        input["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    }
}

/// The table as its stream tells it.
fn replay(client: &mut Client) -> Result<std::result::Result<BTreeMap<String, Value>, String>> {
    let mut items: BTreeMap<String, Value> = BTreeMap::new();
    let arn =
        streams(client, "ListStreams", &json!({"TableName": TABLE}))?["Streams"][0]["StreamArn"].clone();
    let stream = streams(client, "DescribeStream", &json!({"StreamArn": arn}))?;
    let mut last = String::new();
    for shard in stream["StreamDescription"]["Shards"].as_array().into_iter().flatten() {
        let input =
            json!({"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"});
        let mut next = streams(client, "GetShardIterator", &input)?["ShardIterator"].clone();
        while !next.is_null() {
            let page = streams(client, "GetRecords", &json!({"ShardIterator": next}))?;
            let records = page["Records"].as_array().cloned().unwrap_or_default();
            for record in &records {
                let change = &record["dynamodb"];
                let number = change["SequenceNumber"].as_str().unwrap_or_default().to_owned();
                if number <= last {
                    return Ok(Err(format!("the stream has {number} after {last}")));
                }
                last = number;
                let key = change["Keys"]["p"]["S"].as_str().expect("a key").to_owned();
                let before = match change["NewImage"].clone() {
                    Value::Null => items.remove(&key),
                    new => items.insert(key.clone(), new),
                };
                if before.unwrap_or_default() != change["OldImage"] {
                    return Ok(Err(format!("the stream's old image of {key} at {last} is none of before")));
                }
            }
            if records.is_empty() {
                break;
            }
            next = page["NextShardIterator"].clone();
        }
    }
    Ok(Ok(items))
}

/// Whether the graph has no circle.
fn has_an_order(after: &BTreeMap<u64, BTreeSet<u64>>) -> bool {
    let mut incoming: BTreeMap<u64, usize> = after.keys().map(|from| (*from, 0)).collect();
    after.values().flatten().for_each(|to| *incoming.entry(*to).or_default() += 1);
    let mut free: Vec<u64> =
        incoming.iter().filter(|(_, count)| **count == 0).map(|(number, _)| *number).collect();
    let mut ordered = 0;
    while let Some(number) = free.pop() {
        ordered += 1;
        for next in after.get(&number).into_iter().flatten() {
            let count = incoming.get_mut(next).expect("all are there");
            *count -= 1;
            if *count == 0 {
                free.push(*next);
            }
        }
    }
    ordered == incoming.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found() {
        let graph = |edges: &[(u64, u64)]| {
            let mut after: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
            for (from, to) in edges {
                after.entry(*from).or_default().insert(*to);
            }
            after
        };
        assert!(has_an_order(&graph(&[(1, 2), (2, 3), (1, 3)])));
        assert!(!has_an_order(&graph(&[(1, 2), (2, 3), (3, 1)])));
    }
}
