//! On a disk: what was acknowledged is there after the next start, and places go on.

use std::sync::Arc;

use haneul_env::{Env, Fs};
use haneul_kinesis_wire::operations as op;
use haneul_kinesis_wire::shapes as s;
use haneul_store::{Range, Reads, Store, Table};

use super::cloud::{Cloud, record};
use crate::model::ROWS;

const SHARD: &str = "shardId-000000000000";

/// A clock that stands still, and the host's disk.
fn on_disk(seed: u64) -> Env {
    Env { fs: Fs::real(), ..Env::simulated(seed) }
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut numbers = Vec::new();
    for life in 0..3 {
        let env = on_disk(life);
        env.clock.advance(std::time::Duration::from_secs(3600 * life));
        let store = Store::open(&env, dir.path()).unwrap();
        let cloud = Arc::new(Cloud::over(env.clone(), store.clone()).await);
        if life == 0 {
            cloud.stream("a", 1).await;
            let register = s::RegisterStreamConsumerInput {
                stream_arn: super::cloud::arn("a"),
                consumer_name: "c".into(),
                ..Default::default()
            };
            cloud.ok::<op::RegisterStreamConsumer>(register).await;
        }
        // At once, so that they share rows and syncs.
        let puts = (0..20).map(|i| cloud.ok::<op::PutRecord>(record("a", "k", &format!("{life}-{i}"))));
        let put = futures_util::future::join_all(puts).await;
        let mut given: Vec<String> = put.into_iter().map(|put| put.sequence_number).collect();
        given.sort();
        numbers.extend(given);
        assert_eq!(cloud.summary("a").await.consumer_count, Some(1));
        env.tasks.stop(&env.clock, std::time::Duration::from_secs(5)).await;
        drop(cloud);
        store.close().await.unwrap();
    }
    assert!(numbers.is_sorted_by(|a, b| a < b));
    let env = on_disk(9);
    env.clock.advance(std::time::Duration::from_secs(3600 * 4));
    let store = Store::open(&env, dir.path()).unwrap();
    let cloud = Cloud::over(env, store).await;
    let mut all = cloud.all("a", SHARD).await;
    all.sort();
    let mut expected: Vec<String> =
        (0..3).flat_map(|life| (0..20).map(move |i| format!("{life}-{i}"))).collect();
    expected.sort();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn a_stream_that_fails_does_not_hold_up_others() {
    static DAMAGED: Table<(u64, u32, u64), u64> = Table::new("kinesis.records");
    let store = Store::memory();
    let cloud = Cloud::over(Env::simulated(1), store.clone()).await;
    cloud.stream("a", 1).await;
    cloud.stream("b", 1).await;
    cloud.put("b", "k", "x").await;
    store.put(&DAMAGED, &(cloud.held("a").no, 0, 1), &u64::MAX).await.unwrap();
    let cloud = Cloud::over(cloud.platform.env.clone(), store.clone()).await;
    cloud.settle().await;
    let delete = s::DeleteStreamInput { stream_name: Some("b".into()), ..Default::default() };
    cloud.ok::<op::DeleteStream>(delete).await;
    cloud.pass(500);
    cloud.settle().await;
    // By the keeper: nobody asked for it.
    assert_eq!(store.scan_keys(&ROWS, Range::all(), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn rows_are_removed_in_turns() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    for _ in 0..100 {
        cloud.put("a", "k", "x").await;
    }
    let (stream, store) = (cloud.held("a"), &cloud.platform.store);
    let (shard, now_ms) = (stream.state().shards[&0].clone(), cloud.platform.env.now().millis());
    let rows = async || store.scan_keys(&ROWS, Range::all(), 200).await.unwrap().len();
    assert!(!cloud.kinesis.registry.trim(&shard, now_ms + 1).await.unwrap());
    assert_eq!(rows().await, 36);
    assert!(cloud.kinesis.registry.trim(&shard, now_ms + 1).await.unwrap());
    assert_eq!(rows().await, 0);
    // The keeper takes as many turns as it needs.
    for _ in 0..200 {
        cloud.put("a", "k", "x").await;
    }
    cloud.pass(25 * 3_600_000);
    cloud.settle().await;
    assert_eq!(rows().await, 0);
}

#[tokio::test]
async fn the_records_of_a_stream_that_is_gone_go_too() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    cloud.stream("b", 1).await;
    for i in 0..5 {
        cloud.put("a", "k", &format!("{i}")).await;
    }
    cloud.put("b", "k", "stays").await;
    let delete = s::DeleteStreamInput { stream_name: Some("a".into()), ..Default::default() };
    cloud.ok::<op::DeleteStream>(delete).await;
    cloud.pass(500);
    cloud.settle().await;
    let rows = cloud.platform.store.scan(&ROWS, Range::all(), 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert!(cloud.platform.store.scan(&crate::model::GONE, Range::all(), 1).await.unwrap().is_empty());
    assert_eq!(cloud.all("b", SHARD).await, ["stays"]);
}
