//! Streams: their states, listings, settings and quotas.

use haneul_kinesis_wire::operations as op;
use haneul_kinesis_wire::shapes as s;

use super::cloud::{Cloud, arn};

fn create(name: &str, shards: Option<i32>, mode: Option<&str>) -> s::CreateStreamInput {
    s::CreateStreamInput {
        stream_name: name.to_owned(),
        shard_count: shards,
        stream_mode_details: mode.map(|mode| s::StreamModeDetails { stream_mode: mode.to_owned() }),
        ..Default::default()
    }
}

fn describe(name: &str) -> s::DescribeStreamInput {
    s::DescribeStreamInput { stream_name: Some(name.to_owned()), ..Default::default() }
}

fn delete(name: &str) -> s::DeleteStreamInput {
    s::DeleteStreamInput { stream_name: Some(name.to_owned()), ..Default::default() }
}

#[tokio::test]
async fn a_stream_comes_and_goes() {
    let cloud = Cloud::new().await;
    cloud.ok::<op::CreateStream>(create("a", Some(2), None)).await;
    let made = cloud.ok::<op::DescribeStream>(describe("a")).await.stream_description;
    assert_eq!((made.stream_status.as_str(), made.shards.len()), ("CREATING", 0));
    let error = cloud.err::<op::PutRecord>(super::cloud::record("a", "k", "x")).await;
    assert_eq!(error, "ResourceNotFoundException: Stream a under account 111111111111 not found.");
    let error = cloud.err::<op::CreateStream>(create("a", Some(2), None)).await;
    assert_eq!(error, "ResourceInUseException: Stream a under account 111111111111 already exists.");
    cloud.pass(500);
    let made = cloud.ok::<op::DescribeStream>(describe("a")).await.stream_description;
    assert_eq!((made.stream_status.as_str(), made.stream_arn), ("ACTIVE", arn("a")));
    assert_eq!((made.retention_period_hours, made.encryption_type.as_deref()), (24, Some("NONE")));
    assert_eq!(made.shards[1].shard_id, "shardId-000000000001");
    assert_eq!(made.shards[1].hash_key_range.starting_hash_key, "170141183460469231731687303715884105728");
    let start = &made.shards[0].sequence_number_range.starting_sequence_number;
    assert!(start.starts_with("49") && start.len() == 56, "{start}");
    cloud.ok::<op::DeleteStream>(delete("a")).await;
    assert_eq!(cloud.summary("a").await.stream_status, "DELETING");
    assert!(cloud.err::<op::DeleteStream>(delete("a")).await.starts_with("ResourceInUseException"));
    cloud.pass(500);
    let error = cloud.err::<op::DescribeStream>(describe("a")).await;
    assert_eq!(error, "ResourceNotFoundException: Stream a under account 111111111111 not found.");
    // Its name is free, and nothing of it is left.
    cloud.stream("a", 1).await;
    assert_eq!(cloud.shards("a").await.len(), 1);
}

#[tokio::test]
async fn a_request_names_its_stream_by_name_or_arn() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let ask = |name: Option<&str>, arn: Option<String>| s::DescribeStreamSummaryInput {
        stream_name: name.map(str::to_owned),
        stream_arn: arn,
        stream_id: None,
    };
    for input in [ask(Some("a"), None), ask(None, Some(arn("a"))), ask(Some("a"), Some(arn("a")))] {
        cloud.ok::<op::DescribeStreamSummary>(input).await;
    }
    for (input, code) in [
        (ask(None, None), "InvalidArgumentException"),
        (ask(Some("b"), Some(arn("a"))), "InvalidArgumentException"),
        (ask(Some("b"), None), "ResourceNotFoundException"),
        (ask(None, Some(arn("b"))), "ResourceNotFoundException"),
        (ask(Some(""), None), "ValidationException"),
        (ask(Some("a b"), None), "ValidationException"),
        (ask(None, Some("arn:aws:kinesis:us-east-1:1:stream/a".into())), "ValidationException"),
        (ask(None, Some(arn("a").replace("us-east-1", "eu-west-1"))), "ResourceNotFoundException"),
    ] {
        let error = cloud.err::<op::DescribeStreamSummary>(input).await;
        assert!(error.starts_with(code), "{error}");
    }
}

#[tokio::test]
async fn creation_is_checked() {
    let cloud = Cloud::new().await;
    let with = |edit: fn(&mut s::CreateStreamInput)| {
        let mut input = create("x", Some(1), None);
        edit(&mut input);
        input
    };
    for (input, code) in [
        (create("x", None, None), "ValidationException"),
        (create("x", Some(0), None), "ValidationException"),
        (create("x", Some(1), Some("ON_DEMAND")), "ValidationException"),
        (create("x", Some(1), Some("SOMETIMES")), "ValidationException"),
        (create("x", Some(20_001), None), "LimitExceededException"),
        (create("", Some(1), None), "ValidationException"),
        (create(&"x".repeat(129), Some(1), None), "ValidationException"),
        (with(|input| input.max_record_size_in_ki_b = Some(10_241)), "ValidationException"),
        (with(|input| input.max_record_size_in_ki_b = Some(1023)), "ValidationException"),
        (with(|input| input.warm_throughput_mi_bps = Some(10)), "InvalidArgumentException"),
        (with(|input| input.record_distribution_strategy = Some("AUTO".into())), "InvalidArgumentException"),
        (
            with(|input| input.tags = Some([("aws:a", "b".to_owned())].into_iter().collect())),
            "InvalidArgument",
        ),
    ] {
        let error = cloud.err::<op::CreateStream>(input).await;
        assert!(error.starts_with(code), "{error}");
    }
    // Two of 10,000 are all that an account may have.
    for name in ["a", "b"] {
        cloud.ok::<op::CreateStream>(create(name, Some(10_000), None)).await;
    }
    let error = cloud.err::<op::CreateStream>(create("c", Some(1), None)).await;
    assert!(error.contains("Current shard count for the account: 20000. Limit: 20000."), "{error}");
    let limits = cloud.ok::<op::DescribeLimits>(s::DescribeLimitsInput {}).await;
    assert_eq!((limits.shard_limit, limits.open_shard_count), (20_000, 20_000));
    for i in 0..3 {
        cloud.ok::<op::CreateStream>(create(&format!("d{i}"), None, Some("ON_DEMAND"))).await;
    }
    let error = cloud.err::<op::CreateStream>(create("e", None, Some("ON_DEMAND"))).await;
    assert!(error.contains("simultaneously be in CREATING or DELETING"), "{error}");
    for i in 3..50 {
        cloud.pass(1000);
        cloud.ok::<op::CreateStream>(create(&format!("d{i}"), None, Some("ON_DEMAND"))).await;
    }
    cloud.pass(1000);
    let error = cloud.err::<op::CreateStream>(create("e", None, Some("ON_DEMAND"))).await;
    assert!(error.starts_with("LimitExceededException"), "{error}");
}

#[tokio::test]
async fn streams_are_listed_in_pages() {
    let cloud = Cloud::new().await;
    for i in 0..7 {
        cloud.stream(&format!("s{i}"), 1).await;
    }
    let (mut names, mut token) = (Vec::new(), None);
    loop {
        let input = s::ListStreamsInput { limit: Some(3), next_token: token, ..Default::default() };
        let page = cloud.ok::<op::ListStreams>(input).await;
        assert_eq!(page.has_more_streams, page.next_token.is_some());
        assert_eq!(page.stream_summaries.unwrap().len(), page.stream_names.len());
        names.extend(page.stream_names);
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(names, ["s0", "s1", "s2", "s3", "s4", "s5", "s6"]);
    let after = Some("s4".to_owned());
    let input = s::ListStreamsInput { exclusive_start_stream_name: after, ..Default::default() };
    assert_eq!(cloud.ok::<op::ListStreams>(input).await.stream_names, ["s5", "s6"]);
    let first = s::ListStreamsInput { limit: Some(1), ..Default::default() };
    let token = cloud.ok::<op::ListStreams>(first).await.next_token;
    let with = |token| s::ListStreamsInput { next_token: token, ..Default::default() };
    let error = cloud.err::<op::ListStreams>(with(Some("x".into()))).await;
    assert!(error.starts_with("InvalidArgumentException"), "{error}");
    cloud.pass(300_001);
    assert!(cloud.err::<op::ListStreams>(with(token)).await.starts_with("ExpiredNextTokenException"));
}

#[tokio::test]
async fn tags_are_kept() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let tags = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
    let add = |pairs: &[(&str, &str)]| s::AddTagsToStreamInput {
        stream_name: Some("a".into()),
        tags: tags(pairs),
        ..Default::default()
    };
    cloud.ok::<op::AddTagsToStream>(add(&[("b", "1"), ("a", "2")])).await;
    let by_arn = s::TagResourceInput { resource_arn: arn("a"), tags: tags(&[("c", "")]), stream_id: None };
    cloud.ok::<op::TagResource>(by_arn).await;
    let list = |limit, after: Option<&str>| s::ListTagsForStreamInput {
        stream_name: Some("a".into()),
        limit,
        exclusive_start_tag_key: after.map(str::to_owned),
        ..Default::default()
    };
    let page = cloud.ok::<op::ListTagsForStream>(list(Some(2), None)).await;
    let keys: Vec<_> = page.tags.iter().map(|tag| tag.key.as_str()).collect();
    assert_eq!((keys, page.has_more_tags), (vec!["a", "b"], true));
    let page = cloud.ok::<op::ListTagsForStream>(list(None, Some("b"))).await;
    assert_eq!((page.tags[0].key.as_str(), page.has_more_tags), ("c", false));
    let many: Vec<(String, String)> = (0..48).map(|i| (format!("t{i}"), String::new())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let error = cloud.err::<op::AddTagsToStream>(add(&many)).await;
    assert!(error.contains("cannot have more than 50 tags"), "{error}");
    let tag_keys = vec!["a".to_owned(), "z".to_owned()];
    let remove =
        s::RemoveTagsFromStreamInput { stream_name: Some("a".into()), tag_keys, ..Default::default() };
    cloud.ok::<op::RemoveTagsFromStream>(remove).await;
    let (resource_arn, tag_keys) = (arn("a"), vec!["b".to_owned()]);
    cloud.ok::<op::UntagResource>(s::UntagResourceInput { tag_keys, resource_arn, stream_id: None }).await;
    let input = s::ListTagsForResourceInput { resource_arn: arn("a"), stream_id: None };
    let left = cloud.ok::<op::ListTagsForResource>(input).await.tags.unwrap();
    assert_eq!(left.iter().map(|tag| tag.key.as_str()).collect::<Vec<_>>(), ["c"]);
    let told = cloud.platform.resources(Some("kinesis"), root_account(), haneul_kit::Region::US_EAST_1).await;
    assert_eq!(told.unwrap()[0].tags, [("c".to_owned(), String::new())]);
}

fn root_account() -> haneul_kit::AccountId {
    haneul_kit::AccountId::new(super::cloud::OURS).unwrap()
}

#[tokio::test]
async fn settings_change_what_is_described() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let name = || Some("a".to_owned());
    let longer = |hours| s::IncreaseStreamRetentionPeriodInput {
        stream_name: name(),
        retention_period_hours: hours,
        ..Default::default()
    };
    let shorter = |hours| s::DecreaseStreamRetentionPeriodInput {
        stream_name: name(),
        retention_period_hours: hours,
        ..Default::default()
    };
    cloud.ok::<op::IncreaseStreamRetentionPeriod>(longer(48)).await;
    assert_eq!(cloud.summary("a").await.stream_status, "UPDATING");
    let error = cloud.err::<op::IncreaseStreamRetentionPeriod>(longer(72)).await;
    assert!(error.contains("not ACTIVE, instead in state UPDATING"), "{error}");
    cloud.pass(1000);
    for (hours, what) in [(23, "too short"), (8761, "too long"), (47, "can not be shorter")] {
        let error = cloud.err::<op::IncreaseStreamRetentionPeriod>(longer(hours)).await;
        assert!(error.starts_with("InvalidArgumentException") && error.contains(what), "{error}");
    }
    for (hours, what) in [(23, "too short"), (8761, "too long"), (49, "can not be longer")] {
        let error = cloud.err::<op::DecreaseStreamRetentionPeriod>(shorter(hours)).await;
        assert!(error.starts_with("InvalidArgumentException") && error.contains(what), "{error}");
    }
    cloud.ok::<op::DecreaseStreamRetentionPeriod>(shorter(24)).await;
    cloud.pass(1000);
    let metrics = |metric: &str| s::EnableEnhancedMonitoringInput {
        stream_name: name(),
        shard_level_metrics: vec![metric.to_owned()],
        ..Default::default()
    };
    let on = cloud.ok::<op::EnableEnhancedMonitoring>(metrics("ALL")).await;
    assert_eq!(
        (on.current_shard_level_metrics.unwrap().len(), on.desired_shard_level_metrics.unwrap().len()),
        (0, 7)
    );
    cloud.pass(1000);
    let off = s::DisableEnhancedMonitoringInput {
        stream_name: name(),
        shard_level_metrics: vec!["IncomingBytes".into()],
        ..Default::default()
    };
    let off = cloud.ok::<op::DisableEnhancedMonitoring>(off).await;
    assert_eq!(off.desired_shard_level_metrics.unwrap().len(), 6);
    assert!(
        cloud.err::<op::EnableEnhancedMonitoring>(metrics("Some")).await.starts_with("ValidationException")
    );
    cloud.pass(1000);
    let size = |kib| s::UpdateMaxRecordSizeInput {
        stream_arn: Some(arn("a")),
        max_record_size_in_ki_b: kib,
        stream_id: None,
    };
    cloud.ok::<op::UpdateMaxRecordSize>(size(10_240)).await;
    assert!(cloud.err::<op::UpdateMaxRecordSize>(size(10_241)).await.starts_with("ValidationException"));
    cloud.pass(1000);
    let mode = |mode: &str| s::UpdateStreamModeInput {
        stream_arn: arn("a"),
        stream_mode_details: s::StreamModeDetails { stream_mode: mode.into() },
        ..Default::default()
    };
    cloud.ok::<op::UpdateStreamMode>(mode("ON_DEMAND")).await;
    cloud.pass(1000);
    let now = cloud.summary("a").await;
    assert_eq!(now.stream_mode_details.unwrap().stream_mode, "ON_DEMAND");
    assert_eq!((now.retention_period_hours, now.max_record_size_in_ki_b), (24, Some(10_240)));
    assert_eq!(now.record_distribution_strategy.as_deref(), Some("USER_PARTITION_KEY"));
    cloud.ok::<op::UpdateStreamMode>(mode("PROVISIONED")).await;
    cloud.pass(1000);
    let error = cloud.err::<op::UpdateStreamMode>(mode("ON_DEMAND")).await;
    assert!(error.starts_with("LimitExceededException"), "{error}");
}
