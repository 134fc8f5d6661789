//! Records: put, read, iterators and their end.

use haneul_kinesis_wire::operations as op;
use haneul_kinesis_wire::shapes as s;
use haneul_kit::Instant;
use haneul_store::{Range, Reads};

use super::cloud::{Cloud, arn, entry, record, text};
use super::slow::Slow;
use crate::keys::Opener;
use crate::plane::read::{Bounds, page};

const SHARD: &str = "shardId-000000000000";

#[tokio::test]
async fn what_is_put_is_read_in_its_order() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let latest = cloud.iterator("a", SHARD, "LATEST").await;
    assert!(latest.len() <= 512);
    let mut numbers = Vec::new();
    for i in 0..5 {
        let (shard, number) = cloud.put("a", &format!("k{i}"), &format!("d{i}")).await;
        assert_eq!(shard, SHARD);
        numbers.push(number);
        cloud.pass(1000);
    }
    assert!(
        numbers.is_sorted() && numbers.iter().all(|number| number.len() == 56 && number.starts_with("49"))
    );
    let page = cloud.get(&latest, Some(2)).await;
    assert_eq!(page.records.iter().map(text).collect::<Vec<_>>(), ["d0", "d1"]);
    assert_eq!(page.records[1].sequence_number, numbers[1]);
    assert_eq!(page.records[1].partition_key.as_deref(), Some("k1"));
    // The next one came three seconds ago.
    assert_eq!(page.millis_behind_latest, Some(3000));
    let page = cloud.get(&page.next_shard_iterator.unwrap(), None).await;
    assert_eq!((page.records.len(), page.millis_behind_latest), (3, Some(0)));
    let page = cloud.get(&page.next_shard_iterator.unwrap(), None).await;
    assert!(page.records.is_empty() && page.next_shard_iterator.is_some() && page.child_shards.is_none());
    cloud.pass(1000);
    for (kind, from, expected) in [
        ("TRIM_HORIZON", None, "d0"),
        ("AT_SEQUENCE_NUMBER", Some(&numbers[2]), "d2"),
        ("AFTER_SEQUENCE_NUMBER", Some(&numbers[2]), "d3"),
    ] {
        cloud.pass(1000);
        let iterator = cloud.iterator_from("a", SHARD, kind, from.map(String::as_str)).await;
        assert_eq!(text(&cloud.get(&iterator, Some(1)).await.records[0]), expected, "{kind}");
    }
}

#[tokio::test]
async fn a_time_finds_its_record() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let begin = cloud.platform.env.now().millis();
    for i in 0..40 {
        cloud.put("a", "k", &format!("{i}")).await;
        // Some in the same instant.
        if i % 3 == 0 {
            cloud.pass(700);
        }
    }
    let at = |millis: i64| s::GetShardIteratorInput {
        stream_name: Some("a".into()),
        shard_id: SHARD.into(),
        shard_iterator_type: "AT_TIMESTAMP".into(),
        timestamp: Some(Instant::from_millis(millis)),
        ..Default::default()
    };
    for (after, expected) in [
        (-90_000_000, Some("0")),
        (0, Some("0")),
        (1, Some("1")),
        (700, Some("1")),
        (701, Some("4")),
        (9_100, Some("37")),
        (9_101, None),
    ] {
        let iterator = cloud.ok::<op::GetShardIterator>(at(begin + after)).await.shard_iterator.unwrap();
        cloud.pass(1000);
        let page = cloud.get(&iterator, Some(1)).await;
        assert_eq!(page.records.first().map(text).as_deref(), expected, "{after}");
    }
    let error = cloud.err::<op::GetShardIterator>(at(cloud.platform.env.now().millis() + 1)).await;
    assert!(error.contains("cannot be greater than the currentTimestampInMillis"), "{error}");
}

#[tokio::test]
async fn iterators_are_checked_and_expire() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 2).await;
    cloud.stream("b", 1).await;
    let (_, number) = cloud.put("b", "k", "x").await;
    let ask = |shard: &str, kind: &str, number: Option<&str>| s::GetShardIteratorInput {
        stream_name: Some("a".into()),
        shard_id: shard.into(),
        shard_iterator_type: kind.into(),
        starting_sequence_number: number.map(str::to_owned),
        ..Default::default()
    };
    for (input, expected) in [
        (
            ask("shardId-000000000002", "LATEST", None),
            "Shard shardId-000000000002 in stream a under account 111111111111 does not exist",
        ),
        (
            ask("nonsense", "LATEST", None),
            "Shard nonsense in stream a under account 111111111111 does not exist",
        ),
        (ask(SHARD, "LATEST", Some("1")), "Request specified LATEST and also a StartingSequenceNumber."),
        (
            ask(SHARD, "AT_SEQUENCE_NUMBER", None),
            "Request specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber.",
        ),
        (
            ask(SHARD, "AT_SEQUENCE_NUMBER", Some("1")),
            "StartingSequenceNumber 1 used in GetShardIterator on shard shardId-000000000000 in stream a under account 111111111111 is invalid.",
        ),
        (
            ask(SHARD, "AT_SEQUENCE_NUMBER", Some(&number)),
            "is invalid because it did not come from this stream.",
        ),
        (
            ask("shardId-000000000001", "AT_SEQUENCE_NUMBER", Some(&number)),
            "It encodes shardId-000000000000, while it was used in a call to a shard with shardId-000000000001",
        ),
        (ask(SHARD, "AT_TIMESTAMP", None), "Current request has no timestamp parameter."),
        (ask(SHARD, "SOMEWHERE", None), "ValidationException"),
    ] {
        let error = cloud.err::<op::GetShardIterator>(input).await;
        assert!(error.contains(expected), "{error}");
    }
    let iterator = cloud.iterator("a", SHARD, "LATEST").await;
    let get = |iterator: &str, arn: Option<String>| s::GetRecordsInput {
        shard_iterator: iterator.to_owned(),
        stream_arn: arn,
        ..Default::default()
    };
    cloud.ok::<op::GetRecords>(get(&iterator, Some(arn("a")))).await;
    for (input, expected) in [
        (get(&iterator, Some(arn("b"))), "InvalidArgumentException"),
        (get("x", None), "InvalidArgumentException: Invalid ShardIterator."),
        (get(&iterator[1..], None), "InvalidArgumentException: Invalid ShardIterator."),
        (get("", None), "ValidationException"),
        (get(&"x".repeat(513), None), "ValidationException"),
    ] {
        let error = cloud.err::<op::GetRecords>(input).await;
        assert!(error.starts_with(expected), "{error}");
    }
    cloud.pass(300_000);
    cloud.ok::<op::GetRecords>(get(&iterator, None)).await;
    cloud.pass(1);
    let error = cloud.err::<op::GetRecords>(get(&iterator, None)).await;
    assert_eq!(
        error,
        "ExpiredIteratorException: Iterator expired. The iterator was created at time Thu Jan 01 00:00:02 UTC 2026 \
         while right now it is Thu Jan 01 00:05:02 UTC 2026 which is further in the future than the tolerated delay \
         of 300000 milliseconds."
    );
    // A stream of the same name is another one.
    let iterator = cloud.iterator("b", SHARD, "LATEST").await;
    let delete = s::DeleteStreamInput { stream_name: Some("b".into()), ..Default::default() };
    cloud.ok::<op::DeleteStream>(delete).await;
    cloud.pass(1000);
    cloud.stream("b", 1).await;
    assert!(cloud.err::<op::GetRecords>(get(&iterator, None)).await.starts_with("ResourceNotFoundException"));
    assert!(cloud.all("b", SHARD).await.is_empty());
}

#[tokio::test]
async fn records_are_checked() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let with = |edit: fn(&mut s::PutRecordInput)| {
        let mut input = record("a", "k", "d");
        edit(&mut input);
        input
    };
    for (input, code) in [
        (with(|input| input.partition_key = None), "ValidationException"),
        (with(|input| input.partition_key = Some(String::new())), "ValidationException"),
        (with(|input| input.partition_key = Some("k".repeat(257))), "ValidationException"),
        (with(|input| input.explicit_hash_key = Some("-1".into())), "ValidationException"),
        (with(|input| input.explicit_hash_key = Some("01".into())), "ValidationException"),
        (
            with(|input| input.explicit_hash_key = Some("340282366920938463463374607431768211456".into())),
            "InvalidArgumentException",
        ),
        (with(|input| input.data = vec![0; 1024 * 1024].into()), "ValidationException"),
        (with(|input| input.sequence_number_for_ordering = Some("1".into())), "InvalidArgumentException"),
        (with(|input| input.dry_run = Some(true)), "DryRunOperationException"),
    ] {
        let error = cloud.err::<op::PutRecord>(input).await;
        assert!(error.starts_with(code), "{error}");
    }
    let records =
        |records| s::PutRecordsInput { stream_name: Some("a".into()), records, ..Default::default() };
    for (input, code) in [
        (records(Vec::new()), "ValidationException"),
        (records((0..501).map(|_| entry("k", "d")).collect()), "ValidationException"),
        (records(vec![entry("k", vec![0; 1024 * 1024])]), "ValidationException"),
        (records((0..11).map(|_| entry("k", vec![0; 1000 * 1024])).collect()), "InvalidArgumentException"),
    ] {
        let error = cloud.err::<op::PutRecords>(input).await;
        assert!(error.starts_with(code), "{error}");
    }
    // Nothing of all that came in, and an empty record is one.
    let put = with(|input| input.data = Vec::new().into());
    cloud.ok::<op::PutRecord>(put).await;
    assert_eq!(cloud.all("a", SHARD).await, [""]);
}

#[tokio::test]
async fn a_record_comes_after_the_one_that_it_names() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let (_, first) = cloud.put("a", "k", "1").await;
    let after = |number: &str| s::PutRecordInput {
        sequence_number_for_ordering: Some(number.to_owned()),
        ..record("a", "k", "2")
    };
    let second = cloud.ok::<op::PutRecord>(after(&first)).await.sequence_number;
    assert!(second > first);
    // The same again is fine, a number that was never given out is not.
    cloud.ok::<op::PutRecord>(after(&first)).await;
    let read = crate::sequence::Sequence::parse(&second).unwrap();
    let next = crate::sequence::Sequence { place: read.place + 10, ..read }.text();
    let error = cloud.err::<op::PutRecord>(after(&next)).await;
    assert!(
        error.contains(&format!("ExclusiveMinimumSequenceNumber {next} used in PutRecord on stream a")),
        "{error}"
    );
}

#[tokio::test]
async fn keys_and_hashes_choose_the_shard() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 4).await;
    let records: Vec<_> = (0..40).map(|i| entry(&format!("key-{i}"), format!("{i}"))).collect();
    let input = s::PutRecordsInput { stream_name: Some("a".into()), records, ..Default::default() };
    let put = cloud.ok::<op::PutRecords>(input).await;
    assert_eq!((put.failed_record_count, put.records.len()), (Some(0), 40));
    for (i, result) in put.records.iter().enumerate() {
        let hash = crate::hash::HashKey::of(&format!("key-{i}")).0;
        let shard = format!("shardId-{:012}", hash >> 126);
        assert_eq!(result.shard_id.as_deref(), Some(shard.as_str()));
    }
    let explicit =
        |hash: &str| s::PutRecordInput { explicit_hash_key: Some(hash.to_owned()), ..record("a", "k", "x") };
    for (hash, shard) in [
        ("0", 0),
        ("85070591730234615865843651857942052863", 0),
        ("85070591730234615865843651857942052864", 1),
        ("340282366920938463463374607431768211455", 3),
    ] {
        let put = cloud.ok::<op::PutRecord>(explicit(hash)).await;
        assert_eq!(put.shard_id, format!("shardId-{shard:012}"), "{hash}");
    }
}

#[tokio::test]
async fn a_page_has_ten_megabytes_or_ten_thousand_records() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    for i in 0..12 {
        cloud.pass(1000);
        let data = vec![i; 1024 * 1024 - 1];
        let input = s::PutRecordInput { data: data.into(), ..record("a", "k", "") };
        cloud.ok::<op::PutRecord>(input).await;
    }
    let iterator = cloud.iterator("a", SHARD, "TRIM_HORIZON").await;
    let page = cloud.get(&iterator, None).await;
    assert_eq!(page.records.len(), 10);
    // The shard's two megabytes a second have to come in again first.
    let next = page.next_shard_iterator.unwrap();
    cloud.pass(3_900);
    let input = s::GetRecordsInput { shard_iterator: next.clone(), ..Default::default() };
    let error = cloud.err::<op::GetRecords>(input).await;
    assert_eq!(
        error,
        "ProvisionedThroughputExceededException: Rate exceeded for shard shardId-000000000000 in stream a under \
         account 111111111111."
    );
    cloud.pass(1_100);
    assert_eq!(cloud.get(&next, None).await.records.len(), 2);
}

#[tokio::test]
async fn what_is_past_its_retention_is_gone() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let (_, first) = cloud.put("a", "k", "old").await;
    cloud.pass(12 * 3_600_000);
    let (_, second) = cloud.put("a", "k", "young").await;
    cloud.pass(12 * 3_600_000 - 1);
    assert_eq!(cloud.all("a", SHARD).await, ["young"]);
    // A longer retention does not bring it back.
    let longer = s::IncreaseStreamRetentionPeriodInput {
        stream_name: Some("a".into()),
        retention_period_hours: 48,
        ..Default::default()
    };
    cloud.ok::<op::IncreaseStreamRetentionPeriod>(longer).await;
    cloud.pass(24 * 3_600_000);
    assert_eq!(cloud.all("a", SHARD).await, ["young"]);
    let iterator = cloud.iterator_from("a", SHARD, "AT_SEQUENCE_NUMBER", Some(&first)).await;
    assert_eq!(text(&cloud.get(&iterator, None).await.records[0]), "young");
    cloud.pass(24 * 3_600_000);
    cloud.settle().await;
    assert!(cloud.all("a", SHARD).await.is_empty());
    // Numbers go on where they were in the next life, though no row tells of them.
    let store = cloud.platform.store.clone();
    assert!(store.scan(&crate::model::ROWS, Range::all(), 10).await.unwrap().is_empty());
    let env = haneul_env::Env::simulated(9);
    env.clock.advance(std::time::Duration::from_hours(72));
    drop(cloud);
    let cloud = Cloud::over(env, store).await;
    let number = cloud.put("a", "k", "new").await.1;
    assert!(number > second);
    assert_eq!(cloud.all("a", SHARD).await, ["new"]);
}

#[tokio::test]
async fn a_page_reads_little_more_than_it_has() {
    let slow = Slow::default();
    let cloud = Cloud::over(haneul_env::Env::simulated(5), slow.store()).await;
    cloud.stream("a", 1).await;
    for i in 0..300 {
        cloud.put("a", "k", &format!("{i}")).await;
        cloud.pass(10);
    }
    let now_ms = cloud.platform.env.now().millis();
    let stream = cloud.held("a");
    let (state, shard) = (stream.state(), stream.state().shards[&0].clone());
    let cx = cloud.cx();
    // Where the page begins, how much of the stream is past its retention, how many records are wanted, what is first, and
    // how many rows may be read for it.
    for (place, past, wanted, first, read_max) in [
        (0, 0, 1, Some(0), 4),
        (1, 0, 1, Some(0), 4),
        (100, 0, 1, Some(99), 4),
        (100, 0, 20, Some(99), 40),
        (0, 0, 1000, Some(0), 302),
        (0, 290, 1000, Some(290), 40),
        (50, 290, 1000, Some(290), 40),
        (295, 290, 1000, Some(294), 10),
        (0, 300, 1000, None, 20),
    ] {
        slow.take_read();
        let record =
            crate::model::StreamRecord { horizon_ms: now_ms - (300 - past) * 10, ..state.record.clone() };
        let bounds = Bounds { records: wanted, bytes: 1024 * 1024 };
        let mut opener = Opener::new(&cloud.kinesis.keys, &cloud.platform, &cx, &stream.arn);
        let page = page(&cloud.platform.store, &shard, &record, place, now_ms, bounds, &mut opener);
        let page = page.await.unwrap();
        let found: Vec<_> = page.records.iter().map(|found| found.entry.data.clone()).collect();
        let expected = first.into_iter().flat_map(|first| first..300).take(wanted);
        assert_eq!(found, expected.map(|i| i.to_string()).collect::<Vec<_>>(), "{place} {past} {wanted}");
        assert_eq!(page.at_tip, found.len() < wanted);
        let read = slow.take_read();
        assert!(read <= read_max, "{place} {past} {wanted}: {read}");
    }
}

#[tokio::test]
async fn a_row_that_is_written_while_others_are_removed_is_removed_in_its_time() {
    let slow = Slow::default();
    let cloud = Cloud::over(haneul_env::Env::simulated(5), slow.store()).await;
    cloud.stream("a", 1).await;
    cloud.put("a", "k", "old").await;
    cloud.settle().await;
    let (stream, registry) = (cloud.held("a"), &cloud.kinesis.registry);
    let shard = stream.state().shards[&0].clone();
    let rows = async || cloud.platform.store.scan(&crate::model::ROWS, Range::all(), 10).await.unwrap();
    let [(key, _)] = &rows().await[..] else { panic!("one row") };
    cloud.platform.store.delete(&crate::model::ROWS, key).await.unwrap();
    cloud.pass(1000);
    let before_ms = cloud.platform.env.now().millis();
    // Its write is under way when nothing is found, and ended when that is known.
    let writes = slow.writes.write().await;
    let trimming = async {
        cloud.settle().await;
        let scans = slow.scans.write().await;
        let between = async {
            cloud.settle().await;
            drop(writes);
            cloud.settle().await;
            drop(scans);
        };
        tokio::join!(registry.trim(&shard, before_ms), between).0.unwrap();
    };
    tokio::join!(cloud.ok::<op::PutRecord>(record("a", "k", "young")), trimming);
    assert_eq!(rows().await.len(), 1);
    registry.trim(&shard, before_ms + 1).await.unwrap();
    assert!(rows().await.is_empty());
}

#[tokio::test]
async fn a_clock_that_is_set_back_changes_no_order() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let (_, before) = cloud.put("a", "k", "1").await;
    let store = cloud.platform.store.clone();
    drop(cloud);
    // The next life's clock is half an hour behind, and its stream is split.
    let env = haneul_env::Env::simulated(9);
    let cloud = Cloud::over(env, store).await;
    cloud.pass(500);
    let (_, after) = cloud.put("a", "k", "2").await;
    assert!(after > before);
    let split = s::SplitShardInput {
        stream_name: Some("a".into()),
        shard_to_split: SHARD.into(),
        new_starting_hash_key: "170141183460469231731687303715884105728".into(),
        ..Default::default()
    };
    cloud.ok::<op::SplitShard>(split).await;
    cloud.pass(500);
    assert!(cloud.put("a", "k", "3").await.1 > after);
    assert_eq!(cloud.all("a", SHARD).await, ["1", "2"]);
}
