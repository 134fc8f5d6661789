use super::*;

#[tokio::test]
async fn defaults_of_a_standard_queue() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let attributes = cloud.attributes(&url).await;
    let mut lines: Vec<String> = attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.sort();
    expect_test::expect![[r#"
        ApproximateNumberOfMessages=0
        ApproximateNumberOfMessagesDelayed=0
        ApproximateNumberOfMessagesNotVisible=0
        CreatedTimestamp=1767225600
        DelaySeconds=0
        LastModifiedTimestamp=1767225600
        MaximumMessageSize=1048576
        MessageRetentionPeriod=345600
        QueueArn=arn:aws:sqs:us-east-1:000000000000:q
        ReceiveMessageWaitTimeSeconds=0
        SqsManagedSseEnabled=true
        VisibilityTimeout=30"#]]
    .assert_eq(&lines.join("\n"));
}

#[tokio::test]
async fn defaults_of_a_fifo_queue() {
    let cloud = Cloud::new().await;
    let url = cloud.create("q.fifo", &[("FifoQueue", "true")]).await.unwrap();
    let attributes = cloud.attributes(&url).await;
    for (name, value) in [
        ("FifoQueue", "true"),
        ("ContentBasedDeduplication", "false"),
        ("DeduplicationScope", "queue"),
        ("FifoThroughputLimit", "perQueue"),
    ] {
        assert_eq!(attributes.get(name).map(String::as_str), Some(value), "{name}");
    }
    let high = [("DeduplicationScope", "messageGroup"), ("FifoThroughputLimit", "perMessageGroupId")];
    cloud.set(&url, &high).await.unwrap();
    assert_eq!(code(cloud.set(&url, &[("DeduplicationScope", "queue")]).await), "InvalidAttributeValue");
    cloud.set(&url, &[("FifoQueue", "true")]).await.unwrap();
    assert_eq!(code(cloud.set(&url, &[("FifoQueue", "false")]).await), "InvalidAttributeValue");
}

#[tokio::test]
async fn attributes_have_to_be_given() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let error = cloud.set(&url, &[]).await.unwrap_err();
    assert_eq!(error.code(), "MissingParameter");
    assert_eq!(error.message(), "The request must contain the parameter Attribute.Name.");
}

#[tokio::test]
async fn only_what_is_asked_for() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let get = async |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let input = GetQueueAttributesRequest { queue_url: url.clone(), attribute_names: Some(names) };
        let attributes = cloud.call::<op::GetQueueAttributes>(input).await?.attributes;
        Result::Ok(attributes.map_or(0, |attributes| attributes.len()))
    };
    assert_eq!(get(&[]).await.unwrap(), 0);
    assert_eq!(get(&["QueueArn", "DelaySeconds"]).await.unwrap(), 2);
    assert_eq!(get(&["Policy", "RedrivePolicy", "KmsMasterKeyId", "FifoQueue"]).await.unwrap(), 0);
    let error: haneul_kit::ApiError = get(&["QueueArn", "Colour"]).await.unwrap_err();
    assert_eq!((error.code(), error.message()), ("InvalidAttributeName", "Unknown Attribute Colour."));
}

#[tokio::test]
async fn a_change_is_all_or_nothing_and_dated() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    cloud.advance(100);
    let bad = cloud.set(&url, &[("DelaySeconds", "7"), ("VisibilityTimeout", "-1")]).await;
    assert_eq!(code(bad), "InvalidAttributeValue");
    assert_eq!(cloud.attributes(&url).await.get("DelaySeconds").unwrap(), "0");
    assert_eq!(cloud.attributes(&url).await.get("LastModifiedTimestamp").unwrap(), "1767225600");
    cloud.set(&url, &[("DelaySeconds", "7")]).await.unwrap();
    assert_eq!(cloud.attributes(&url).await.get("LastModifiedTimestamp").unwrap(), "1767225700");
}

#[tokio::test]
async fn json_is_echoed_byte_for_byte() {
    let cloud = Cloud::new().await;
    cloud.queue("dlq").await;
    let url = cloud.queue("q").await;
    let redrive =
        "{ \"maxReceiveCount\" : \"4\",\n\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dlq\"}";
    let allow = "{\"redrivePermission\" :  \"denyAll\"}";
    cloud.set(&url, &[("RedrivePolicy", redrive), ("RedriveAllowPolicy", allow)]).await.unwrap();
    let attributes = cloud.attributes(&url).await;
    assert_eq!(attributes.get("RedrivePolicy").unwrap(), redrive);
    assert_eq!(attributes.get("RedriveAllowPolicy").unwrap(), allow);
    // Compared, a text and a number are alike.
    cloud
        .create(
            "q",
            &[
                ("RedrivePolicy", &redrive.replace("\"4\"", "4")),
                ("RedriveAllowPolicy", r#"{"redrivePermission":"denyAll"}"#),
            ],
        )
        .await
        .unwrap();
    cloud.set(&url, &[("RedrivePolicy", ""), ("RedriveAllowPolicy", "")]).await.unwrap();
    let attributes = cloud.attributes(&url).await;
    assert!(attributes.get("RedrivePolicy").is_none() && attributes.get("RedriveAllowPolicy").is_none());
}

#[tokio::test]
async fn dead_letter_targets_are_checked() {
    let cloud = Cloud::new().await;
    cloud.queue("dlq").await;
    cloud.create("dlq.fifo", &[("FifoQueue", "true")]).await.unwrap();
    cloud.create("closed", &[("RedriveAllowPolicy", r#"{"redrivePermission":"denyAll"}"#)]).await.unwrap();
    let only =
        r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:q"]}"#;
    cloud.create("only-q", &[("RedriveAllowPolicy", only)]).await.unwrap();
    cloud.queue("q").await;
    cloud.queue("r").await;
    for (source, target, says) in [
        ("q", "us-east-1:000000000000:dlq", ""),
        ("q", "us-east-1:000000000000:none", "Dead letter target does not exist."),
        ("q", "us-east-1:000000000000:dlq.fifo", "same type"),
        ("q", "us-east-1:111111111111:dlq", "owner should be same"),
        ("q", "eu-west-1:000000000000:dlq", "same region"),
        ("q", "us-east-1:000000000000:q", "source queue itself"),
        ("q", "us-east-1:000000000000:closed", "not permitted"),
        ("q", "us-east-1:000000000000:only-q", ""),
        ("r", "us-east-1:000000000000:only-q", "not permitted"),
    ] {
        let policy = format!(r#"{{"deadLetterTargetArn":"arn:aws:sqs:{target}","maxReceiveCount":1}}"#);
        let url = format!("http://x/000000000000/{source}");
        match cloud.set(&url, &[("RedrivePolicy", &policy)]).await {
            Ok(()) => assert_eq!(says, "", "{target}"),
            Err(error) => {
                assert_eq!(error.code(), "InvalidParameterValue");
                assert!(!says.is_empty() && error.message().contains(says), "{target}: {error}");
            }
        }
    }
}
