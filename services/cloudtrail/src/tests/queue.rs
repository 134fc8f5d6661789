use std::path::Path;

use haneul_env::Env;
use haneul_kit::{AccountId, Region};

use crate::model::Ingested;
use crate::queue::{Pending, Queue};

fn record(text: &str) -> Pending {
    Pending {
        seq: 0,
        account: AccountId::new(7).unwrap(),
        region: Region::US_EAST_1,
        at_ms: 5,
        data: text == "data",
        json: text.as_bytes().to_vec(),
    }
}

fn texts(queue: &Queue) -> (Vec<String>, Ingested) {
    let batch = queue.take();
    let texts = batch.records.iter().map(|record| String::from_utf8(record.json.clone()).unwrap()).collect();
    (texts, batch.ingested)
}

#[tokio::test]
async fn what_was_waited_for_survives_a_crash_and_is_taken_once() {
    let env = Env::simulated(3);
    let dir = Path::new("/journal");
    let queue = Queue::open(&env, dir, None, 1).unwrap();
    queue.append(vec![record("noted")], false);
    queue.append(vec![record("one"), record("data")], true).durable.unwrap().await.unwrap();
    let (taken, ingested) = texts(&queue);
    assert_eq!(taken, ["noted", "one", "data"]);
    queue.append(vec![record("two")], true).durable.unwrap().await.unwrap();
    drop(queue);

    // As if the batch had been committed.
    let again = Queue::open(&env, dir, Some(ingested), 1).unwrap();
    assert_eq!(texts(&again).0, ["two"]);
    drop(again);
    // As if it had not: everything comes again, with the same numbers.
    let again = Queue::open(&env, dir, Some(Ingested::default()), 1).unwrap();
    let batch = again.take();
    assert_eq!(batch.records.iter().map(|record| record.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(batch.records[2].data);
    again.put_back(batch);
    again.append(vec![record("three")], false);
    assert_eq!(texts(&again).0, ["noted", "one", "data", "two", "three"]);
}

#[test]
fn a_missing_journal_is_no_first_start() {
    let env = Env::simulated(3);
    let known = Some(Ingested { seq: 9, position: 0 });
    assert!(Queue::open(&env, Path::new("/gone"), known, 1).is_err());
}
