use std::time::Duration;

use serde_json::{Value, json};

use super::world::World;

async fn described(world: &World) -> (Value, Value) {
    let told = world.ok("DescribeTable", json!({"TableName": "tab"})).await;
    (told["Table"]["ItemCount"].clone(), told["Table"]["TableSizeBytes"].clone())
}

async fn fill(world: &World, numbers: std::ops::Range<u32>) {
    for batch in numbers.collect::<Vec<u32>>().chunks(25) {
        let put = |n: &u32| {
            let item = json!({"p": {"S": format!("{n:05}")}, "v": {"L": [{"N": "12"}, {"NULL": true}]}});
            json!({"PutRequest": {"Item": item}})
        };
        let puts: Vec<Value> = batch.iter().map(put).collect();
        world.ok("BatchWriteItem", json!({"RequestItems": {"tab": puts}})).await;
    }
}

/// Names 2, key 5, the list 3, its elements 1 each and what is in them 2 and 1.
const ITEM_BYTES: u64 = 2 + 5 + 3 + 2 + 2 + 1;

#[tokio::test]
async fn few_are_counted_at_once_and_many_in_the_background() {
    let world = World::new().await;
    world.table("tab", None).await;
    assert_eq!(described(&world).await, (json!(0), json!(0)));
    fill(&world, 0..100).await;
    assert_eq!(described(&world).await, (json!(100), json!(100 * ITEM_BYTES)));
    fill(&world, 100..7_000).await;
    let (items, _) = described(&world).await;
    assert!(items.as_u64().unwrap() < 7_000, "a part of them: {items}");
    for _ in 0..100 {
        world.env.clock.advance(Duration::from_millis(20));
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(described(&world).await, (json!(7_000), json!(7_000 * ITEM_BYTES)));
    // As on AWS, the figures of a large table are up to six hours old.
    fill(&world, 7_000..7_100).await;
    assert_eq!(described(&world).await.0, json!(7_000));
}
