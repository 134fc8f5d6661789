//! Killed in the middle of writing and of telling a stream: what was acknowledged arrives, in order.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::Env;
use haneul_store::{Range, Reads, Store};
use serde_json::Value;

use super::stage::{Stage, Streams};
use crate::model::LOG;

const CHILD_DIR: &str = "HANEUL_DYNAMODB_DESTINATIONS_CHILD";

/// Above what the writers begin; −1 when there is nothing left but to tell the stream.
const CHILD_BEGIN: &str = "HANEUL_DYNAMODB_DESTINATIONS_BEGIN";

fn child(dir: &Path, begin: i64) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["tests::destinations_crash::crash_child", "--exact", "--ignored", "--nocapture"])
        .env(CHILD_DIR, dir)
        .env(CHILD_BEGIN, begin.to_string())
        .stdout(Stdio::piped());
    child
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn told(dir: &Path) -> PathBuf {
    dir.join("told.jsonl")
}

async fn open(dir: &Path) -> Stage {
    let env = Env::real();
    let store = Store::open(&env, &dir.join("store")).unwrap();
    let streams = Streams { file: Some(told(dir)), ..Streams::default() };
    // Calls are refused in part all the time.
    *streams.refuse_each.lock() = 50;
    Stage::on(env, store, streams).await
}

/// The process that is killed: four writers, each raising a value and saying so when it was acknowledged, and one who
/// tells the stream.
#[test]
#[ignore = "run by the test below"]
fn crash_child() {
    let Ok(dir) = std::env::var(CHILD_DIR) else { return };
    runtime().block_on(async {
        let stage = Arc::new(open(Path::new(&dir)).await);
        let begin: i64 = std::env::var(CHILD_BEGIN).unwrap().parse().unwrap();
        if begin < 0 {
            // A stream that throttles is left alone for half a second each time.
            for _ in 0..120 {
                stage.settle().await;
                if stage.platform.store.scan_keys(&LOG, Range::all(), 1).await.unwrap().is_empty() {
                    break;
                }
                stage.platform.env.clock.sleep(Duration::from_millis(500)).await;
            }
            return;
        }
        if begin == 0 {
            stage.table("tab").await;
            stage.enable().await;
            stage.settle().await;
        }
        for writer in 0..4 {
            let stage = stage.clone();
            stage.platform.env.clone().spawn("client", async move {
                for v in begin.. {
                    stage.put("w", writer, v).await;
                    println!("acknowledged {writer} {v}");
                }
            });
        }
        loop {
            stage.settle().await;
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn what_was_acknowledged_arrives_in_order_after_kill_9() {
    let rounds: i64 = std::env::var("HANEUL_CRASH_ROUNDS").map_or(2, |count| count.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for round in 0..rounds {
        let mut child = child(dir.path(), round * 1_000_000).spawn().unwrap();
        let mut left = 150 + 70 * round;
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            let Some((_, rest)) = line.split_once("acknowledged ") else { continue };
            if let Some((writer, v)) = rest.split_once(' ')
                && let Ok(v) = v.parse()
            {
                acknowledged.entry(writer.to_owned()).or_default().push(v);
                left -= 1;
            }
            if left == 0 {
                child.kill().unwrap();
                break;
            }
        }
        child.wait().unwrap();
    }
    assert!(child(dir.path(), -1).output().unwrap().status.success());
    let text = std::fs::read_to_string(told(dir.path())).unwrap();
    let mut arrived: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for line in text.lines() {
        // What was being written when the process was killed is told again.
        let Ok(document) = serde_json::from_str::<Value>(line) else { continue };
        let data = &document["dynamodb"];
        let writer = data["Keys"]["s"]["N"].as_str().unwrap().to_owned();
        arrived
            .entry(writer)
            .or_default()
            .push(data["NewImage"]["v"]["N"].as_str().unwrap().parse().unwrap());
    }
    for (writer, wanted) in &acknowledged {
        let all = &arrived[writer];
        // The first time that each arrives is in order; a repetition goes back and on from there.
        let mut first: Vec<i64> = Vec::new();
        for v in all {
            if first.last().is_none_or(|last| v > last) {
                first.push(*v);
            } else {
                assert!(first.contains(v), "writer {writer}: {v} came too late");
            }
        }
        assert!(
            wanted.iter().all(|v| first.contains(v)),
            "writer {writer}: something acknowledged is missing"
        );
    }
    assert_eq!(acknowledged.len(), 4);
}
