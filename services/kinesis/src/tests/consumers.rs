//! Consumers and their subscriptions.

use haneul_kinesis_wire::operations as op;
use haneul_kinesis_wire::shapes as s;
use haneul_kinesis_wire::shapes::SubscribeToShardEventStream as Event;
use haneul_shape::EventStream;

use super::cloud::{Cloud, arn, text};
use super::slow::Slow;

const SHARD: &str = "shardId-000000000000";

fn register(name: &str) -> s::RegisterStreamConsumerInput {
    s::RegisterStreamConsumerInput {
        stream_arn: arn("a"),
        consumer_name: name.to_owned(),
        ..Default::default()
    }
}

fn by_name(name: &str) -> s::DescribeStreamConsumerInput {
    s::DescribeStreamConsumerInput {
        stream_arn: Some(arn("a")),
        consumer_name: Some(name.to_owned()),
        ..Default::default()
    }
}

fn subscribe(consumer: &str, kind: &str, from: Option<&str>) -> s::SubscribeToShardInput {
    s::SubscribeToShardInput {
        consumer_arn: consumer.to_owned(),
        shard_id: SHARD.into(),
        starting_position: s::StartingPosition {
            r#type: kind.to_owned(),
            sequence_number: from.map(str::to_owned),
            timestamp: None,
        },
        ..Default::default()
    }
}

async fn event(events: &mut EventStream<Event>) -> s::SubscribeToShardEvent {
    match events.next().await.expect("it goes on").unwrap() {
        Event::SubscribeToShardEvent(event) => event,
        other => panic!("{}", haneul_shape::Shape::id(&other)),
    }
}

/// A consumer that is there.
async fn consumer(cloud: &Cloud, name: &str) -> String {
    let made = cloud.ok::<op::RegisterStreamConsumer>(register(name)).await.consumer;
    assert_eq!(made.consumer_status, "CREATING");
    cloud.pass(1000);
    made.consumer_arn
}

#[tokio::test]
async fn consumers_come_and_go() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let first = consumer(&cloud, "c0").await;
    let secs = cloud.platform.env.now().secs() - 1;
    assert_eq!(first, format!("{}/consumer/c0:{secs}", arn("a")));
    let described = cloud.ok::<op::DescribeStreamConsumer>(by_name("c0")).await.consumer_description;
    assert_eq!((described.consumer_status.as_str(), described.stream_arn), ("ACTIVE", arn("a")));
    assert!(cloud.err::<op::RegisterStreamConsumer>(register("c0")).await.starts_with("ResourceInUse"));
    for i in 1..6 {
        cloud.ok::<op::RegisterStreamConsumer>(register(&format!("c{i}"))).await;
    }
    let error = cloud.err::<op::RegisterStreamConsumer>(register("c6")).await;
    assert!(error.starts_with("LimitExceededException"), "{error}");
    cloud.pass(1000);
    for i in 6..20 {
        consumer(&cloud, &format!("c{i}")).await;
        cloud.pass(1000);
    }
    let error = cloud.err::<op::RegisterStreamConsumer>(register("c20")).await;
    assert!(error.starts_with("LimitExceededException"), "{error}");
    let list = |token| s::ListStreamConsumersInput {
        stream_arn: arn("a"),
        max_results: Some(15),
        next_token: token,
        ..Default::default()
    };
    let page = cloud.ok::<op::ListStreamConsumers>(list(None)).await;
    assert_eq!(page.consumers.unwrap().len(), 15);
    let page = cloud.ok::<op::ListStreamConsumers>(list(page.next_token)).await;
    assert_eq!((page.consumers.unwrap().len(), page.next_token), (5, None));
    assert_eq!(cloud.summary("a").await.consumer_count, Some(20));
    let delete = |enforce| s::DeleteStreamInput {
        stream_name: Some("a".into()),
        enforce_consumer_deletion: enforce,
        ..Default::default()
    };
    assert!(cloud.err::<op::DeleteStream>(delete(None)).await.starts_with("ResourceInUseException"));
    let by_arn = s::DeregisterStreamConsumerInput { consumer_arn: Some(first.clone()), ..Default::default() };
    cloud.ok::<op::DeregisterStreamConsumer>(by_arn).await;
    let described = cloud.ok::<op::DescribeStreamConsumer>(by_name("c0")).await.consumer_description;
    assert_eq!(described.consumer_status, "DELETING");
    cloud.pass(500);
    for input in
        [by_name("c0"), s::DescribeStreamConsumerInput { consumer_arn: Some(first), ..Default::default() }]
    {
        let error = cloud.err::<op::DescribeStreamConsumer>(input).await;
        assert!(error.starts_with("ResourceNotFoundException"), "{error}");
    }
    let error = cloud.err::<op::DescribeStreamConsumer>(Default::default()).await;
    assert!(error.starts_with("InvalidArgumentException"), "{error}");
    cloud.ok::<op::DeleteStream>(delete(Some(true))).await;
}

#[tokio::test]
async fn records_are_pushed_as_they_come() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let arn = consumer(&cloud, "c").await;
    cloud.put("a", "k", "1").await;
    let subscribed = cloud.ok::<op::SubscribeToShard>(subscribe(&arn, "TRIM_HORIZON", None)).await;
    let mut events = subscribed.event_stream;
    let first = event(&mut events).await;
    assert_eq!(first.records.iter().map(text).collect::<Vec<_>>(), ["1"]);
    assert_eq!((first.millis_behind_latest, first.child_shards.is_none()), (0, true));
    // The clock stands still: nothing but the record wakes it.
    let (next, _) = tokio::join!(event(&mut events), cloud.put("a", "k", "2"));
    assert_eq!(next.records.iter().map(text).collect::<Vec<_>>(), ["2"]);
    assert_eq!(next.continuation_sequence_number.as_deref(), Some(next.records[0].sequence_number.as_str()));
    let beat = async {
        cloud.settle().await;
        cloud.pass(5000);
    };
    let (beat, ()) = tokio::join!(event(&mut events), beat);
    assert!(beat.records.is_empty() && beat.continuation_sequence_number.is_some());
    // Going on from where it was repeats nothing.
    cloud.pass(5000);
    let from = beat.continuation_sequence_number;
    let again = subscribe(&arn, "AFTER_SEQUENCE_NUMBER", from.as_deref());
    let mut second = cloud.ok::<op::SubscribeToShard>(again).await.event_stream;
    assert!(event(&mut second).await.records.is_empty());
    let Some(Ok(Event::ResourceInUseException(taken))) = events.next().await else {
        panic!("it was taken over")
    };
    assert_eq!(
        taken.message.as_deref(),
        Some("Another active subscription exists for this consumer: 111111111111:a:shardId-000000000000:c")
    );
    assert!(events.next().await.is_none());
    let soon = cloud.err::<op::SubscribeToShard>(subscribe(&arn, "LATEST", None)).await;
    assert!(soon.starts_with("ResourceInUseException: Another active subscription"), "{soon}");
    // Five minutes later it ends.
    cloud.pass(300_000);
    assert!(second.next().await.is_none());
    drop(second);
    cloud.ok::<op::SubscribeToShard>(subscribe(&arn, "LATEST", None)).await;
}

#[tokio::test]
async fn a_subscription_ends_with_its_shard_consumer_or_stream() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let one = consumer(&cloud, "one").await;
    let two = consumer(&cloud, "two").await;
    let mut to_end = cloud.ok::<op::SubscribeToShard>(subscribe(&one, "LATEST", None)).await.event_stream;
    event(&mut to_end).await;
    let split = s::SplitShardInput {
        stream_name: Some("a".into()),
        shard_to_split: SHARD.into(),
        new_starting_hash_key: "10".into(),
        ..Default::default()
    };
    cloud.ok::<op::SplitShard>(split).await;
    let splitting = async {
        cloud.put("a", "k", "last").await;
        cloud.settle().await;
        cloud.pass(500);
        cloud.settle().await;
    };
    let (last, ()) = tokio::join!(event(&mut to_end), splitting);
    assert_eq!(text(&last.records[0]), "last");
    let end = event(&mut to_end).await;
    assert!(end.records.is_empty() && end.continuation_sequence_number.is_none());
    assert_eq!(end.child_shards.unwrap().len(), 2);
    assert!(to_end.next().await.is_none());
    let closed = cloud.ok::<op::SubscribeToShard>(subscribe(&two, "TRIM_HORIZON", None)).await;
    let mut closed = closed.event_stream;
    let only = event(&mut closed).await;
    assert_eq!((only.records.len(), only.child_shards.is_some()), (1, true));
    let other = |index: u32, consumer: &str| s::SubscribeToShardInput {
        shard_id: format!("shardId-{index:012}"),
        ..subscribe(consumer, "LATEST", None)
    };
    let mut of_two = cloud.ok::<op::SubscribeToShard>(other(1, &two)).await.event_stream;
    event(&mut of_two).await;
    let gone = s::DeregisterStreamConsumerInput { consumer_arn: Some(two.clone()), ..Default::default() };
    cloud.ok::<op::DeregisterStreamConsumer>(gone).await;
    assert!(matches!(of_two.next().await, Some(Ok(Event::ResourceNotFoundException(_)))));
    let mut of_one = cloud.ok::<op::SubscribeToShard>(other(2, &one)).await.event_stream;
    event(&mut of_one).await;
    let delete = s::DeleteStreamInput {
        stream_name: Some("a".into()),
        enforce_consumer_deletion: Some(true),
        ..Default::default()
    };
    cloud.ok::<op::DeleteStream>(delete).await;
    cloud.pass(500);
    cloud.settle().await;
    assert!(matches!(of_one.next().await, Some(Ok(Event::ResourceNotFoundException(_)))));
}

#[tokio::test]
async fn no_subscription_outlives_its_consumer() {
    let slow = Slow::default();
    let cloud = Cloud::over(haneul_env::Env::simulated(5), slow.store()).await;
    cloud.stream("a", 1).await;
    let arn = consumer(&cloud, "c").await;
    cloud.put("a", "k", "x").await;
    // Its place is looked for while the consumer goes.
    let scans = slow.scans.write().await;
    let deregister = async {
        cloud.settle().await;
        let input =
            s::DeregisterStreamConsumerInput { consumer_arn: Some(arn.clone()), ..Default::default() };
        cloud.ok::<op::DeregisterStreamConsumer>(input).await;
        drop(scans);
    };
    let mut input = subscribe(&arn, "AT_TIMESTAMP", None);
    input.starting_position.timestamp = Some(cloud.platform.env.now());
    let (error, ()) = tokio::join!(cloud.err::<op::SubscribeToShard>(input), deregister);
    assert!(error.contains("is not in ACTIVE status."), "{error}");
}

#[tokio::test]
async fn subscriptions_are_checked() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let made = cloud.ok::<op::RegisterStreamConsumer>(register("c")).await.consumer.consumer_arn;
    let error = cloud.err::<op::SubscribeToShard>(subscribe(&made, "LATEST", None)).await;
    assert!(error.contains("is not in ACTIVE status."), "{error}");
    cloud.pass(500);
    let elsewhere = s::SubscribeToShardInput {
        shard_id: "shardId-000000000001".into(),
        ..subscribe(&made, "LATEST", None)
    };
    let dry = s::SubscribeToShardInput { dry_run: Some(true), ..subscribe(&made, "LATEST", None) };
    for (input, code) in [
        (elsewhere, "ResourceNotFoundException"),
        (dry, "DryRunOperationException"),
        (subscribe(&made, "AT_SEQUENCE_NUMBER", None), "InvalidArgumentException"),
        (subscribe(&made, "AT_TIMESTAMP", None), "InvalidArgumentException"),
        (subscribe(&format!("{made}0"), "LATEST", None), "ResourceNotFoundException"),
        (subscribe("arn", "LATEST", None), "ValidationException"),
    ] {
        let error = cloud.err::<op::SubscribeToShard>(input).await;
        assert!(error.starts_with(code), "{error}");
    }
}
