use haneul_firehose_wire::{operations as op, shapes as s};
use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_logs_wire::{operations as logs, shapes as g};
use serde_json::json;

use super::cloud::{BUCKET, Cloud, FUNCTION, ROLE, configuration, flow, root};

fn described() -> s::DescribeDeliveryStreamInput {
    s::DescribeDeliveryStreamInput { delivery_stream_name: "flow".into(), ..Default::default() }
}

#[tokio::test]
async fn a_stream_is_made_shown_changed_and_deleted() {
    let cloud = Cloud::new().await;
    let plain = s::CreateDeliveryStreamInput {
        delivery_stream_name: "flow".into(),
        s3_destination_configuration: Some(s::S3DestinationConfiguration {
            role_arn: ROLE.into(),
            bucket_arn: BUCKET.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let made = cloud.ok::<op::CreateDeliveryStream>(plain.clone()).await;
    assert_eq!(
        made.delivery_stream_arn.unwrap(),
        "arn:aws:firehose:us-east-1:111111111111:deliverystream/flow"
    );
    assert_eq!(
        cloud.err::<op::CreateDeliveryStream>(plain).await,
        "ResourceInUseException: Firehose flow under accountId 111111111111 already exists"
    );
    let shown = cloud.ok::<op::DescribeDeliveryStream>(described()).await.delivery_stream_description;
    assert_eq!((shown.delivery_stream_status.as_str(), shown.version_id.as_str()), ("ACTIVE", "1"));
    let destination = shown.destinations[0].extended_s3_destination_description.clone().unwrap();
    let hints = &destination.buffering_hints;
    assert_eq!((hints.size_in_m_bs, hints.interval_in_seconds), (Some(5), Some(300)));
    assert_eq!(destination.compression_format, "UNCOMPRESSED");
    assert_eq!(destination.s3_backup_mode.as_deref(), Some("Disabled"));
    assert!(shown.destinations[0].s3_destination_description.is_some());

    let update = |version: &str| s::UpdateDestinationInput {
        delivery_stream_name: "flow".into(),
        current_delivery_stream_version_id: version.into(),
        destination_id: "destinationId-000000000001".into(),
        extended_s3_destination_update: Some(s::ExtendedS3DestinationUpdate {
            compression_format: Some("GZIP".into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    cloud.ok::<op::UpdateDestination>(update("1")).await;
    assert!(
        cloud
            .err::<op::UpdateDestination>(update("1"))
            .await
            .starts_with("ConcurrentModificationException: ")
    );
    let shown = cloud.ok::<op::DescribeDeliveryStream>(described()).await.delivery_stream_description;
    assert_eq!(shown.version_id, "2");
    assert_eq!(shown.destinations[0].s3_destination_description.clone().unwrap().compression_format, "GZIP");

    let listed = cloud.ok::<op::ListDeliveryStreams>(Default::default()).await;
    assert_eq!(
        (listed.delivery_stream_names, listed.has_more_delivery_streams),
        (vec!["flow".into()], false)
    );
    let delete = s::DeleteDeliveryStreamInput { delivery_stream_name: "flow".into(), ..Default::default() };
    cloud.ok::<op::DeleteDeliveryStream>(delete.clone()).await;
    assert_eq!(
        cloud.err::<op::DeleteDeliveryStream>(delete).await,
        "ResourceNotFoundException: Firehose flow under account 111111111111 not found."
    );
}

#[tokio::test]
async fn what_a_stream_may_not_be() {
    let cloud = Cloud::new().await;
    type Spoil = fn(&mut s::ExtendedS3DestinationConfiguration);
    let cases: &[(Spoil, &str)] = &[
        (
            |c| c.role_arn = "arn:aws:iam::111111111111:role/none".into(),
            "InvalidArgumentException: Firehose is unable to assume role arn:aws:iam::111111111111:role/none. Please check the role provided.",
        ),
        (|c| c.role_arn = "arn:aws:iam::222222222222:role/other".into(), "AccessDeniedException: "),
        (
            |c| c.bucket_arn = "arn:aws:sqs:us-east-1:111111111111:q".into(),
            "ValidationException: 1 validation error detected: Value 'arn:aws:sqs:us-east-1:111111111111:q' at ",
        ),
        (
            |c| c.compression_format = Some("Snappy".into()),
            "InvalidArgumentException: Snappy compression is not offered",
        ),
        (
            |c| c.prefix = Some("!{timestamp:yyyy}/".into()),
            "InvalidArgumentException: ErrorOutputPrefix cannot be null",
        ),
        (|c| c.prefix = Some("!{what:x}".into()), "InvalidArgumentException: The prefix has an expression"),
        (|c| c.file_extension = Some("json".into()), "ValidationException: "),
        (|c| c.custom_time_zone = Some("Moon/Base".into()), "InvalidArgumentException: CustomTimeZone"),
        (
            |c| c.buffering_hints.as_mut().unwrap().size_in_m_bs = None,
            "InvalidArgumentException: BufferingHints",
        ),
        (|c| c.s3_backup_mode = Some("Enabled".into()), "InvalidArgumentException: S3BackupConfiguration"),
        (
            |c| {
                c.cloud_watch_logging_options =
                    Some(s::CloudWatchLoggingOptions { enabled: Some(true), ..Default::default() })
            },
            "InvalidArgumentException: LogGroupName",
        ),
        (
            |c| {
                c.dynamic_partitioning_configuration =
                    Some(s::DynamicPartitioningConfiguration { enabled: Some(true), ..Default::default() })
            },
            "InvalidArgumentException: Dynamic partitioning is not offered",
        ),
        (
            |c| c.processing_configuration = Some(processing("Lambda", "LambdaArn", "nothing")),
            "InvalidArgumentException: Lambda ARN nothing",
        ),
    ];
    for (spoil, expected) in cases {
        let mut given = configuration();
        spoil(&mut given);
        let said = cloud.err::<op::CreateDeliveryStream>(flow(given)).await;
        assert!(said.starts_with(expected), "{said}");
    }
    let mut none = flow(configuration());
    none.extended_s3_destination_configuration = None;
    assert!(cloud.err::<op::CreateDeliveryStream>(none).await.contains("Exactly one destination"));
    let mut stream = flow(configuration());
    stream.delivery_stream_type = Some("MSKAsSource".into());
    assert!(cloud.err::<op::CreateDeliveryStream>(stream).await.contains("not offered"));
}

pub(super) fn processing(kind: &str, name: &str, value: &str) -> s::ProcessingConfiguration {
    s::ProcessingConfiguration {
        enabled: Some(true),
        processors: Some(vec![s::Processor {
            r#type: kind.into(),
            parameters: Some(vec![s::ProcessorParameter {
                parameter_name: name.into(),
                parameter_value: value.into(),
            }]),
        }]),
    }
}

#[tokio::test]
async fn who_makes_a_stream_must_be_let_to_pass_its_role() {
    let cloud = Cloud::new().await;
    let create = i::CreateUserRequest { user_name: "ann".into(), ..Default::default() };
    cloud.ok::<iam::CreateUser>(create).await;
    let put = |statements: &str| i::PutUserPolicyRequest {
        user_name: "ann".into(),
        policy_name: "own".into(),
        policy_document: format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#),
    };
    let own = r#"{"Effect":"Allow","Action":"firehose:*","Resource":"*"}"#;
    cloud.ok::<iam::PutUserPolicy>(put(own)).await;
    let key = i::CreateAccessKeyRequest { user_name: Some("ann".into()) };
    let id = cloud.ok::<iam::CreateAccessKey>(key).await.access_key.access_key_id;
    let ann = cloud.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone();
    let mut given = configuration();
    given.processing_configuration = Some(processing("Lambda", "LambdaArn", FUNCTION));
    let refused =
        cloud.call_as::<op::CreateDeliveryStream>(&ann, flow(given.clone())).await.map(drop).unwrap_err();
    assert!(refused.message().contains("iam:PassRole"), "{refused}");
    let both = format!(
        r#"{own},{{"Effect":"Allow","Action":"iam:PassRole","Resource":"{ROLE}","Condition":{{"StringEquals":{{"iam:PassedToService":"firehose.amazonaws.com"}}}}}}"#
    );
    cloud.ok::<iam::PutUserPolicy>(put(&both)).await;
    cloud.call_as::<op::CreateDeliveryStream>(&ann, flow(given)).await.unwrap();
}

#[tokio::test]
async fn tags() {
    let cloud = Cloud::new().await;
    cloud.create(configuration()).await;
    let tag = |key: &str| s::Tag { key: key.into(), value: Some("v".into()) };
    let input =
        s::TagDeliveryStreamInput { delivery_stream_name: "flow".into(), tags: vec![tag("a"), tag("b")] };
    cloud.ok::<op::TagDeliveryStream>(input).await;
    let list = |limit| s::ListTagsForDeliveryStreamInput {
        delivery_stream_name: "flow".into(),
        limit,
        ..Default::default()
    };
    let listed = cloud.ok::<op::ListTagsForDeliveryStream>(list(Some(1))).await;
    assert_eq!((listed.tags.len(), listed.has_more_tags), (1, true));
    let input =
        s::UntagDeliveryStreamInput { delivery_stream_name: "flow".into(), tag_keys: vec!["a".into()] };
    cloud.ok::<op::UntagDeliveryStream>(input).await;
    let listed = cloud.ok::<op::ListTagsForDeliveryStream>(list(None)).await;
    assert_eq!((listed.tags[0].key.as_str(), listed.has_more_tags), ("b", false));
    let many = (0..50).map(|n| tag(&format!("t{n}"))).collect();
    let input = s::TagDeliveryStreamInput { delivery_stream_name: "flow".into(), tags: many };
    assert!(cloud.err::<op::TagDeliveryStream>(input).await.starts_with("LimitExceededException"));
}

#[tokio::test]
async fn a_stream_takes_so_much_a_second() {
    let cloud = Cloud::new().await;
    cloud.create(configuration()).await;
    cloud.platform.metrics.open();
    let record = |size: usize| s::Record { data: vec![b'x'; size].into() };
    let batch = |sizes: &[usize]| s::PutRecordBatchInput {
        delivery_stream_name: "flow".into(),
        records: sizes.iter().copied().map(record).collect(),
    };
    let single =
        |size: usize| s::PutRecordInput { delivery_stream_name: "flow".into(), record: record(size) };
    let large = 1_000_000;
    cloud.ok::<op::PutRecordBatch>(batch(&[large, large, large, large])).await;
    let put = cloud.ok::<op::PutRecordBatch>(batch(&[large, large, 10])).await;
    assert_eq!(put.failed_put_count, 1);
    let codes: Vec<_> = put.request_responses.iter().map(|entry| entry.error_code.as_deref()).collect();
    assert_eq!(codes, [None, Some("ServiceUnavailableException"), None]);
    let with_id = put.request_responses.iter().map(|entry| entry.record_id.is_some());
    assert_eq!(with_id.collect::<Vec<_>>(), [true, false, true]);
    let refused = cloud.call_as::<op::PutRecord>(&root(), single(large)).await.err().unwrap();
    assert_eq!(refused.to_string(), "ServiceUnavailableException: Slow down.");
    assert_eq!((refused.status(), refused.is_retryable()), (Some(503), true));
    let now = cloud.platform.env.now() + std::time::Duration::from_secs(60);
    let metered = cloud.platform.metrics.take(now);
    let sum = |name: &str| {
        let found =
            metered.iter().find(|reading| reading.namespace == "AWS/Firehose" && reading.name == name);
        found.map(|reading| reading.summary.sum)
    };
    assert_eq!((sum("ThrottledRecords"), sum("IncomingRecords")), (Some(2.0), Some(6.0)));
    cloud.advance(1).await;
    cloud.ok::<op::PutRecord>(single(large)).await;
}

#[tokio::test]
async fn log_events_for_a_stream_that_takes_no_more_come_later() {
    let cloud = Cloud::new().await;
    cloud.create(configuration()).await;
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "logs.amazonaws.com"}}]});
    let input = i::CreateRoleRequest {
        role_name: "forwarder".into(),
        assume_role_policy_document: trust.to_string(),
        ..Default::default()
    };
    let role = cloud.ok::<iam::CreateRole>(input).await.role.arn;
    let policy = json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "firehose:PutRecord", "Resource": "*"}]});
    let input = i::PutRolePolicyRequest {
        role_name: "forwarder".into(),
        policy_name: "own".into(),
        policy_document: policy.to_string(),
    };
    cloud.ok::<iam::PutRolePolicy>(input).await;
    let group = g::CreateLogGroupRequest { log_group_name: "app".into(), ..Default::default() };
    cloud.ok::<logs::CreateLogGroup>(group).await;
    let stream = g::CreateLogStreamRequest { log_group_name: "app".into(), log_stream_name: "web".into() };
    cloud.ok::<logs::CreateLogStream>(stream).await;
    let input = g::PutSubscriptionFilterRequest {
        log_group_name: "app".into(),
        filter_name: "forward".into(),
        destination_arn: "arn:aws:firehose:us-east-1:111111111111:deliverystream/flow".into(),
        role_arn: Some(role),
        ..Default::default()
    };
    cloud.ok::<logs::PutSubscriptionFilter>(input).await;
    for size in [1_000_000, 100_000, 10_000, 1000, 100, 10, 1] {
        let record = s::Record { data: vec![b'x'; size].into() };
        let input = s::PutRecordInput { delivery_stream_name: "flow".into(), record };
        while cloud.call_as::<op::PutRecord>(&root(), input.clone()).await.is_ok() {}
    }
    let event = g::InputLogEvent { timestamp: cloud.platform.env.now().millis(), message: "an event".into() };
    let input = g::PutLogEventsRequest {
        log_group_name: "app".into(),
        log_stream_name: "web".into(),
        log_events: vec![event],
        ..Default::default()
    };
    cloud.ok::<logs::PutLogEvents>(input).await;
    cloud.settle().await;
    // What CloudWatch Logs sends is compressed: the test message, and the event.
    let sent = async || {
        let objects = cloud.objects().await;
        objects.iter().flat_map(|(_, body)| body.windows(3)).filter(|bytes| *bytes == b"\x1f\x8b\x08").count()
    };
    for _ in 0..500 {
        if sent().await == 2 {
            return;
        }
        cloud.advance(10).await;
    }
    panic!("the event did not arrive");
}
