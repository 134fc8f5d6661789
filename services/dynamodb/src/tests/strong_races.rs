//! A strongly consistent global table is made, changed and dissolved while it is written.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::global::{HOME, WEST, content, described};
use super::strong::{ALL, OHIO, strong};
use super::world::World;

/// Writes one item after the other in a Region, until it is stopped or the table is gone. Gives what was acknowledged.
async fn writer(
    world: Arc<World>,
    region: &'static str,
    stop: Arc<AtomicBool>,
    written: Arc<Mutex<BTreeSet<String>>>,
) {
    for i in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let key = format!("{region}-{i}");
        let put = json!({"TableName": "tab", "Item": {"p": {"S": key}, "v": {"S": "x"}}});
        match world.call_in(region.parse().unwrap(), "PutItem", put).await {
            Ok(_) => drop(written.lock().insert(key)),
            Err((refused, _)) => {
                assert!(refused.starts_with("ResourceNotFoundException"), "{refused}");
                return;
            }
        }
    }
}

struct Writers {
    tasks: Vec<tokio::task::JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    written: Arc<Mutex<BTreeSet<String>>>,
}

impl Writers {
    fn begin(world: &Arc<World>, regions: &[&'static str]) -> Writers {
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(BTreeSet::new())));
        let task = |region: &&'static str| {
            world.env.spawn("client", writer(world.clone(), region, stop.clone(), written.clone()))
        };
        Writers { tasks: regions.iter().map(task).collect(), stop, written }
    }

    /// Until there are so many more.
    async fn more(&self, count: usize) {
        let wanted = self.written.lock().len() + count;
        while self.written.lock().len() < wanted {
            tokio::task::yield_now().await;
        }
    }

    async fn end(self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        std::mem::take(&mut *self.written.lock())
    }
}

async fn keys(world: &World, region: &str) -> BTreeSet<String> {
    content(world, region).await.into_keys().collect()
}

/// Puts items and takes them back, so that the table is empty again and again; from when `made` says so, it leaves them.
async fn visitor(world: Arc<World>, number: usize, made: Arc<AtomicBool>) {
    let mut left = 3;
    for i in 0.. {
        let key = format!("{number}-{i}");
        let put = json!({"TableName": "tab", "Item": {"p": {"S": key}, "v": {"S": "x"}}});
        world.ok("PutItem", put).await;
        if made.load(Ordering::SeqCst) {
            left -= 1;
        } else {
            world.ok("DeleteItem", json!({"TableName": "tab", "Key": {"p": {"S": key}}})).await;
            tokio::task::yield_now().await;
        }
        if left == 0 {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_writes_while_it_is_made_writes_to_all_or_prevents_it() {
    let mut prevented = 0;
    for _ in 0..60 {
        let world = Arc::new(World::new().await);
        world.table("tab", None).await;
        let made = Arc::new(AtomicBool::new(false));
        let visitor = |number| world.env.spawn("client", visitor(world.clone(), number, made.clone()));
        let visitors: Vec<_> = (0..3).map(visitor).collect();
        while let Err((refused, _)) = world.call("UpdateTable", strong(&[OHIO, WEST], None)).await {
            assert!(refused.contains("must be empty"), "{refused}");
            assert!(described(&world, HOME).await["Replicas"].is_null());
            prevented += 1;
        }
        made.store(true, Ordering::SeqCst);
        for visitor in visitors {
            visitor.await.unwrap();
        }
        let items = keys(&world, HOME).await;
        assert!(items.len() >= 9);
        for region in ALL {
            assert_eq!(keys(&world, region).await, items, "{region}");
        }
    }
    assert!(prevented > 0, "nobody met anybody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_anywhere_is_left_when_it_is_dissolved() {
    let world = Arc::new(World::new().await);
    world.table("tab", None).await;
    world.ok("UpdateTable", strong(&[OHIO, WEST], None)).await;
    let writers = Writers::begin(&world, &ALL);
    writers.more(20).await;
    // Settings and indexes change meanwhile, too.
    let index = json!({
        "TableName": "tab", "AttributeDefinitions": [{"AttributeName": "v", "AttributeType": "S"}],
        "GlobalSecondaryIndexUpdates": [{"Create": {
            "IndexName": "idx", "KeySchema": [{"AttributeName": "v", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"},
        }}],
    });
    world.ok_in(WEST, "UpdateTable", index).await;
    let stream = json!({"TableName": "tab", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}});
    world.ok_in(OHIO, "UpdateTable", stream).await;
    writers.more(20).await;
    world.settle().await;
    writers.more(20).await;
    let delete: Vec<Value> =
        [HOME, OHIO].iter().map(|region| json!({"Delete": {"RegionName": region}})).collect();
    world.ok_in(WEST, "UpdateTable", json!({"TableName": "tab", "ReplicaUpdates": delete})).await;
    writers.more(5).await;
    let written = writers.end().await;
    assert_eq!(keys(&world, WEST).await, written);
    let scan = json!({"TableName": "tab", "IndexName": "idx", "Select": "COUNT"});
    assert_eq!(world.ok_in(WEST, "Scan", scan).await["Count"], written.len());
    for region in [HOME, OHIO] {
        assert!(
            world.err_in(region, "DescribeTable", json!({"TableName": "tab"})).await.contains("not found")
        );
    }
    world.settle().await;
}
