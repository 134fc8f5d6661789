//! Shards: splits, merges, counts, and how they are listed.

use haneul_kinesis_wire::operations as op;
use haneul_kinesis_wire::shapes as s;
use haneul_kit::Instant;

use super::cloud::Cloud;

fn id(index: u32) -> String {
    format!("shardId-{index:012}")
}

fn split(name: &str, shard: u32, at: &str) -> s::SplitShardInput {
    s::SplitShardInput {
        stream_name: Some(name.to_owned()),
        shard_to_split: id(shard),
        new_starting_hash_key: at.to_owned(),
        ..Default::default()
    }
}

fn merge(name: &str, shard: u32, adjacent: u32) -> s::MergeShardsInput {
    s::MergeShardsInput {
        stream_name: Some(name.to_owned()),
        shard_to_merge: id(shard),
        adjacent_shard_to_merge: id(adjacent),
        ..Default::default()
    }
}

fn scale(name: &str, target: i32) -> s::UpdateShardCountInput {
    s::UpdateShardCountInput {
        stream_name: Some(name.to_owned()),
        target_shard_count: target,
        scaling_type: "UNIFORM_SCALING".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_shard_is_split_and_its_children_merged() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    cloud.put("a", "k", "1").await;
    cloud.ok::<op::SplitShard>(split("a", 0, "10")).await;
    assert_eq!(cloud.summary("a").await.stream_status, "UPDATING");
    // Until it takes effect the parent goes on.
    assert_eq!(cloud.put("a", "k", "2").await.0, id(0));
    assert!(cloud.err::<op::SplitShard>(split("a", 0, "20")).await.starts_with("ResourceInUseException"));
    cloud.pass(500);
    assert_eq!(cloud.put("a", "k", "3").await.0, id(2));
    let shards = cloud.shards("a").await;
    assert_eq!(shards.len(), 3);
    let end = shards[0].sequence_number_range.ending_sequence_number.as_ref().unwrap();
    assert!(*end > shards[0].sequence_number_range.starting_sequence_number);
    assert!(*end < shards[1].sequence_number_range.starting_sequence_number);
    for (shard, first, last) in
        [(&shards[1], "0", "9"), (&shards[2], "10", "340282366920938463463374607431768211455")]
    {
        assert_eq!(shard.parent_shard_id.as_deref(), Some(id(0).as_str()));
        assert_eq!(shard.adjacent_parent_shard_id, None);
        let range = &shard.hash_key_range;
        assert_eq!((range.starting_hash_key.as_str(), range.ending_hash_key.as_str()), (first, last));
    }
    // The end of the parent names its children.
    let iterator = cloud.iterator("a", &id(0), "TRIM_HORIZON").await;
    let page = cloud.get(&iterator, Some(1)).await;
    assert!(page.next_shard_iterator.is_some() && page.child_shards.is_none());
    let page = cloud.get(&page.next_shard_iterator.unwrap(), None).await;
    assert_eq!((page.records.len(), page.next_shard_iterator), (1, None));
    let children = page.child_shards.unwrap();
    assert_eq!(children.iter().map(|child| &*child.shard_id).collect::<Vec<_>>(), [id(1), id(2)]);
    assert_eq!(children[0].parent_shards, [id(0)]);
    cloud.ok::<op::MergeShards>(merge("a", 2, 1)).await;
    cloud.pass(500);
    assert_eq!(cloud.put("a", "k", "4").await.0, id(3));
    let merged = &cloud.shards("a").await[3];
    assert_eq!(merged.parent_shard_id.as_deref(), Some(id(2).as_str()));
    assert_eq!(merged.adjacent_parent_shard_id.as_deref(), Some(id(1).as_str()));
    let after_end = cloud.iterator_from("a", &id(0), "AFTER_SEQUENCE_NUMBER", Some(end)).await;
    let page = cloud.get(&after_end, None).await;
    assert!(page.records.is_empty() && page.next_shard_iterator.is_none() && page.child_shards.is_some());
}

#[tokio::test]
async fn shards_end_when_their_children_begin() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    cloud.ok::<op::SplitShard>(split("a", 0, "1000")).await;
    let stream = cloud.held("a");
    // A record finds its shard when the split is due already.
    let routing = stream.routing.read().await;
    cloud.pass(500);
    cloud.settle().await;
    cloud.pass(100);
    let routed_ms = cloud.platform.env.now().millis();
    drop(routing);
    cloud.settle().await;
    let shards = &stream.state().shards;
    assert_eq!(shards[&0].record.closed_ms, Some(routed_ms));
    assert_eq!([1, 2].map(|index| shards[&index].record.created_ms), [routed_ms; 2]);
}

#[tokio::test]
async fn resharding_is_checked() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 3).await;
    cloud.on_demand("d").await;
    for (input, expected) in [
        (
            split("a", 9, "10"),
            "ResourceNotFoundException: Could not find shard shardId-000000000009 in stream a under account 111111111111.",
        ),
        (split("a", 0, "0"), "is not both greater than one plus the shard's StartingHashKey 0 and less than"),
        (split("a", 0, "1"), "is not both greater than one plus"),
        (split("a", 0, "113427455640312821154458202477256070484"), "is not both greater than one plus"),
        (split("a", 0, "999999999999999999999999999999999999999"), "is not both greater than one plus"),
        (split("a", 0, "x"), "ValidationException"),
        (split("d", 0, "10"), "Stream d under account 111111111111 is in On-Demand mode."),
        (split("z", 0, "10"), "ResourceNotFoundException"),
    ] {
        let error = cloud.err::<op::SplitShard>(input).await;
        assert!(error.contains(expected), "{error}");
    }
    for (input, expected) in [
        (merge("a", 0, 2), "are not an adjacent pair of shards eligible for merging"),
        (merge("a", 0, 0), "are not an adjacent pair of shards eligible for merging"),
        (merge("a", 0, 9), "ResourceNotFoundException"),
        (merge("d", 0, 1), "is in On-Demand mode."),
    ] {
        let error = cloud.err::<op::MergeShards>(input).await;
        assert!(error.contains(expected), "{error}");
    }
    for (input, expected) in [
        (
            scale("a", 7),
            "cannot scale up over double your current open shard count. Current open shard count: 3, Target shard count: 7",
        ),
        (scale("a", 1), "cannot scale down below half your current open shard count."),
        (scale("a", 0), "ValidationException"),
        (scale("d", 8), "is in On-Demand mode."),
    ] {
        let error = cloud.err::<op::UpdateShardCount>(input).await;
        assert!(error.contains(expected), "{error}");
    }
    cloud.ok::<op::MergeShards>(merge("a", 0, 1)).await;
    cloud.pass(500);
    let error = cloud.err::<op::SplitShard>(split("a", 0, "10")).await;
    assert!(error.contains("has already been merged or split"), "{error}");
}

#[tokio::test]
async fn a_count_of_shards_is_reached() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 4).await;
    for (target, made) in [(8, 8), (6, 100), (3, 3)] {
        let before = cloud.shards("a").await.len();
        let answer = cloud.ok::<op::UpdateShardCount>(scale("a", target)).await;
        assert_eq!(answer.target_shard_count, Some(target));
        cloud.pass(500);
        let summary = cloud.summary("a").await;
        assert_eq!((summary.open_shard_count, summary.stream_status.as_str()), (target, "ACTIVE"));
        assert!(cloud.shards("a").await.len() - before <= made);
    }
    for i in 0..7 {
        cloud.ok::<op::UpdateShardCount>(scale("a", 3 + i % 2)).await;
        cloud.pass(500);
    }
    let error = cloud.err::<op::UpdateShardCount>(scale("a", 4)).await;
    assert!(error.starts_with("LimitExceededException"), "{error}");
    cloud.pass(24 * 3_600_000);
    cloud.ok::<op::UpdateShardCount>(scale("a", 4)).await;
}

#[tokio::test]
async fn shards_are_listed_by_page_and_filter() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 2).await;
    let created = cloud.platform.env.now().millis();
    cloud.pass(10_000);
    cloud.ok::<op::SplitShard>(split("a", 0, "10")).await;
    cloud.pass(10_000);
    cloud.shards("a").await;
    cloud.pass(10_000);
    let filtered = |kind: &str, shard: Option<u32>, at: Option<i64>| s::ListShardsInput {
        stream_name: Some("a".into()),
        shard_filter: Some(s::ShardFilter {
            r#type: kind.to_owned(),
            shard_id: shard.map(id),
            timestamp: at.map(Instant::from_millis),
        }),
        ..Default::default()
    };
    for (input, expected) in [
        (filtered("AT_LATEST", None, None), &[1, 2, 3][..]),
        (filtered("AT_TRIM_HORIZON", None, None), &[0, 1]),
        (filtered("FROM_TRIM_HORIZON", None, None), &[0, 1, 2, 3]),
        (filtered("AFTER_SHARD_ID", Some(1), None), &[2, 3]),
        (filtered("AT_TIMESTAMP", None, Some(created + 1)), &[0, 1]),
        (filtered("AT_TIMESTAMP", None, Some(created + 20_001)), &[1, 2, 3]),
        (filtered("AT_TIMESTAMP", None, Some(0)), &[0, 1]),
        (filtered("FROM_TIMESTAMP", None, Some(created + 1)), &[0, 1, 2, 3]),
        (filtered("FROM_TIMESTAMP", None, Some(created + 20_001)), &[1, 2, 3]),
    ] {
        let shown = format!("{:?}", input.shard_filter.as_ref().unwrap().r#type);
        let shards = cloud.ok::<op::ListShards>(input).await.shards.unwrap();
        let ids: Vec<_> = shards.into_iter().map(|shard| shard.shard_id).collect();
        assert_eq!(ids, expected.iter().map(|index| id(*index)).collect::<Vec<_>>(), "{shown}");
    }
    for input in [filtered("AFTER_SHARD_ID", None, None), filtered("AT_TIMESTAMP", None, None)] {
        assert!(cloud.err::<op::ListShards>(input).await.starts_with("InvalidArgumentException"));
    }
    let first =
        s::ListShardsInput { stream_name: Some("a".into()), max_results: Some(3), ..Default::default() };
    let page = cloud.ok::<op::ListShards>(first).await;
    let token = page.next_token.unwrap();
    let next = |token: &str| s::ListShardsInput { next_token: Some(token.to_owned()), ..Default::default() };
    let page = cloud.ok::<op::ListShards>(next(&token)).await;
    assert_eq!((page.shards.unwrap()[0].shard_id.clone(), page.next_token), (id(3), None));
    let both = s::ListShardsInput { stream_name: Some("a".into()), ..next(&token) };
    let error = cloud.err::<op::ListShards>(both).await;
    assert_eq!(error, "InvalidArgumentException: NextToken and StreamName cannot be provided together.");
    assert!(cloud.err::<op::ListShards>(next("x")).await.starts_with("InvalidArgumentException"));
    let described = s::DescribeStreamInput {
        stream_name: Some("a".into()),
        limit: Some(2),
        exclusive_start_shard_id: Some(id(0)),
        ..Default::default()
    };
    let described = cloud.ok::<op::DescribeStream>(described).await.stream_description;
    assert_eq!((described.shards[0].shard_id.clone(), described.has_more_shards), (id(1), true));
    cloud.pass(300_001);
    assert!(cloud.err::<op::ListShards>(next(&token)).await.starts_with("ExpiredNextTokenException"));
    // What is closed goes when nothing can be read from it any more.
    cloud.pass(24 * 3_600_000);
    cloud.settle().await;
    assert_eq!(cloud.shards("a").await.len(), 3);
}
