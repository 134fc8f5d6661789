//! Random puts, reads, splits, merges and lives against a model: nothing is lost or doubled, and the records of a partition key
//! keep their order across reshards.

use std::collections::{BTreeMap, BTreeSet};

use haneul_env::Env;
use haneul_kinesis_wire::operations as op;
use haneul_kinesis_wire::shapes as s;
use haneul_store::Store;
use proptest::prelude::*;

use super::cloud::{Cloud, entry, text};

#[derive(Clone, Debug)]
enum Step {
    Put {
        keys: Vec<u8>,
    },
    /// Puts that are under way while shards change.
    PutAll {
        keys: Vec<u8>,
    },
    Split {
        which: u8,
    },
    Merge {
        which: u8,
    },
    Scale {
        target: u8,
    },
    Pass {
        millis: u16,
    },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let keys = || prop::collection::vec(0u8..12, 1..30);
    prop_oneof![
        6 => keys().prop_map(|keys| Step::Put { keys }),
        3 => keys().prop_map(|keys| Step::PutAll { keys }),
        2 => any::<u8>().prop_map(|which| Step::Split { which }),
        2 => any::<u8>().prop_map(|which| Step::Merge { which }),
        1 => (1u8..10).prop_map(|target| Step::Scale { target }),
        3 => (1u16..2000).prop_map(|millis| Step::Pass { millis }),
        1 => Just(Step::Restart),
    ]
}

/// What the model knows: what was put for each key, in order.
#[derive(Default)]
struct Model {
    put: BTreeMap<String, Vec<String>>,
    count: usize,
}

fn records(model: &mut Model, keys: &[u8]) -> Vec<s::PutRecordsRequestEntry> {
    let mut one = |key: &u8| {
        model.count += 1;
        let (key, data) = (format!("key-{key}"), format!("{}", model.count));
        model.put.entry(key.clone()).or_default().push(data.clone());
        entry(&key, data)
    };
    keys.iter().map(&mut one).collect()
}

fn put(records: Vec<s::PutRecordsRequestEntry>) -> s::PutRecordsInput {
    s::PutRecordsInput { stream_name: Some("a".into()), records, ..Default::default() }
}

async fn open(cloud: &Cloud) -> Vec<s::Shard> {
    let mut open = cloud.shards("a").await;
    open.retain(|shard| shard.sequence_number_range.ending_sequence_number.is_none());
    open.sort_by_key(|shard| shard.hash_key_range.starting_hash_key.parse::<u128>().unwrap());
    open
}

async fn run(steps: Vec<Step>) {
    let store = Store::memory();
    let mut cloud = Cloud::over(Env::simulated(1), store.clone()).await;
    cloud.stream("a", 3).await;
    let mut model = Model::default();
    for (life, step) in steps.into_iter().enumerate() {
        match step {
            Step::Put { keys } => {
                let answer = cloud.ok::<op::PutRecords>(put(records(&mut model, &keys))).await;
                assert_eq!(answer.failed_record_count, Some(0));
            }
            Step::PutAll { keys } => {
                // Each key is put by one producer at a time, so that its order is known.
                let calls: Vec<_> = keys
                    .iter()
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .map(|key| put(records(&mut model, &[*key])))
                    .collect();
                let calls = calls.into_iter().map(|input| cloud.ok::<op::PutRecords>(input));
                let reshard = async {
                    cloud.pass(500);
                    cloud.settle().await;
                };
                let (answers, ()) = tokio::join!(futures_util::future::join_all(calls), reshard);
                assert!(answers.iter().all(|answer| answer.failed_record_count == Some(0)));
            }
            Step::Split { which } => {
                let open = open(&cloud).await;
                let shard = &open[which as usize % open.len()];
                let first: u128 = shard.hash_key_range.starting_hash_key.parse().unwrap();
                let last: u128 = shard.hash_key_range.ending_hash_key.parse().unwrap();
                let _ = cloud
                    .call::<op::SplitShard>(s::SplitShardInput {
                        stream_name: Some("a".into()),
                        shard_to_split: shard.shard_id.clone(),
                        new_starting_hash_key: (first + (last - first) / 2).to_string(),
                        ..Default::default()
                    })
                    .await;
            }
            Step::Merge { which } => {
                let open = open(&cloud).await;
                let at = which as usize % open.len();
                if let Some(next) = open.get(at + 1) {
                    let _ = cloud
                        .call::<op::MergeShards>(s::MergeShardsInput {
                            stream_name: Some("a".into()),
                            shard_to_merge: open[at].shard_id.clone(),
                            adjacent_shard_to_merge: next.shard_id.clone(),
                            ..Default::default()
                        })
                        .await;
                }
            }
            Step::Scale { target } => {
                let _ = cloud
                    .call::<op::UpdateShardCount>(s::UpdateShardCountInput {
                        stream_name: Some("a".into()),
                        target_shard_count: i32::from(target),
                        scaling_type: "UNIFORM_SCALING".into(),
                        ..Default::default()
                    })
                    .await;
            }
            Step::Pass { millis } => cloud.pass(u64::from(millis)),
            // The clock of the next life is behind.
            Step::Restart => {
                drop(cloud);
                cloud = Cloud::over(Env::simulated(life as u64), store.clone()).await;
                cloud.pass(2000);
            }
        }
        // What is limited here is not what is asked about.
        cloud.pass(100);
    }
    cloud.pass(1000);
    check(&cloud, &model).await;
}

/// Reads all shards, parents before children as consumers do, and compares.
async fn check(cloud: &Cloud, model: &Model) {
    let mut read: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut numbers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // A child's number is higher than its parents'.
    for shard in cloud.shards("a").await {
        let mut iterator = Some(cloud.iterator("a", &shard.shard_id, "TRIM_HORIZON").await);
        while let Some(at) = iterator {
            cloud.pass(1000);
            let page = cloud.get(&at, Some(7)).await;
            let empty = page.records.is_empty();
            for record in &page.records {
                let key = record.partition_key.clone().unwrap();
                read.entry(key.clone()).or_default().push(text(record));
                numbers.entry(key).or_default().push(record.sequence_number.clone());
            }
            iterator = page.next_shard_iterator.filter(|_| !empty);
        }
    }
    assert_eq!(read, model.put);
    assert!(numbers.values().all(|numbers| numbers.is_sorted()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_lost_and_every_key_keeps_its_order(steps in prop::collection::vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(steps));
    }
}
