use super::*;

async fn fifo(cloud: &Cloud, more: &[(&str, &str)]) -> String {
    let attributes = [&[("FifoQueue", "true")], more].concat();
    cloud.create("q.fifo", &attributes).await.unwrap()
}

#[tokio::test]
async fn what_a_fifo_queue_needs() {
    let cloud = Cloud::new().await;
    let url = fifo(&cloud, &[]).await;
    let request = SendMessageRequest {
        queue_url: url.clone(),
        message_body: "x".into(),
        message_group_id: Some("g".into()),
        message_deduplication_id: Some("d".into()),
        ..Default::default()
    };
    let with = |group: Option<&str>, id: Option<&str>, delay| SendMessageRequest {
        message_group_id: group.map(str::to_owned),
        message_deduplication_id: id.map(str::to_owned),
        delay_seconds: delay,
        ..request.clone()
    };
    let long = "x".repeat(129);
    for (what, input, outcome) in [
        ("all", with(Some("g"), Some("d"), None), "none"),
        ("no delay", with(Some("g"), Some("d2"), Some(0)), "none"),
        ("delay", with(Some("g"), Some("d3"), Some(1)), "InvalidParameterValue"),
        ("no group", with(None, Some("d4"), None), "MissingParameter"),
        ("no id", with(Some("g"), None, None), "InvalidParameterValue"),
        ("empty id", with(Some("g"), Some(""), None), "InvalidParameterValue"),
        ("long id", with(Some("g"), Some(&long), None), "InvalidParameterValue"),
        ("odd id", with(Some("g"), Some("é"), None), "InvalidParameterValue"),
        ("punctuation", with(Some("!~"), Some("(){}"), None), "none"),
    ] {
        assert_eq!(code(cloud.call::<op::SendMessage>(input).await), outcome, "{what}");
    }
    let error = cloud.call::<op::SendMessage>(with(Some("g"), None, None)).await.err().unwrap();
    assert_eq!(
        error.message(),
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    );
}

#[tokio::test]
async fn duplicates_within_five_minutes() {
    let cloud = Cloud::new().await;
    let url = fifo(&cloud, &[]).await;
    let first = cloud.send_fifo(&url, "a", "g", "1").await;
    let other_group = cloud.send_fifo(&url, "b", "h", "1").await;
    assert_eq!(other_group.message_id, first.message_id, "the scope is the queue");
    assert_eq!(other_group.sequence_number, first.sequence_number);
    let number = first.sequence_number.clone().unwrap();
    assert_eq!(number.len(), 20);
    // Deleted or not, it stays remembered.
    let message = cloud.receive(&url, 10).await.remove(0);
    assert_eq!(attribute(&message, "SequenceNumber"), Some(number.as_str()));
    assert_eq!(attribute(&message, "MessageDeduplicationId"), Some("1"));
    cloud.delete(&url, handle(&message)).await.unwrap();
    cloud.advance(299);
    assert_eq!(cloud.send_fifo(&url, "c", "g", "1").await.message_id, first.message_id);
    assert_eq!(cloud.counts(&url).await, (0, 0, 0));
    cloud.advance(1);
    let later = cloud.send_fifo(&url, "d", "g", "1").await;
    assert_ne!(later.message_id, first.message_id);
    assert!(later.sequence_number.unwrap() > number);
    assert_eq!(cloud.bodies(&url, 10).await, ["d"]);
}

#[tokio::test]
async fn deduplication_by_content_and_group() {
    let cloud = Cloud::new().await;
    let high = [
        ("ContentBasedDeduplication", "true"),
        ("DeduplicationScope", "messageGroup"),
        ("FifoThroughputLimit", "perMessageGroupId"),
    ];
    let url = fifo(&cloud, &high).await;
    let send = async |body: &str, group: &str, id: Option<&str>| {
        let input = SendMessageRequest {
            queue_url: url.clone(),
            message_body: body.into(),
            message_group_id: Some(group.into()),
            message_deduplication_id: id.map(str::to_owned),
            ..Default::default()
        };
        cloud.call::<op::SendMessage>(input).await.unwrap().message_id.unwrap()
    };
    let a = send("same", "g", None).await;
    assert_eq!(send("same", "g", None).await, a);
    assert_ne!(send("same", "h", None).await, a, "another group is another scope");
    assert_ne!(send("other", "g", None).await, a);
    assert_ne!(send("same", "g", Some("x")).await, a, "an id given takes the place of the content's");
    assert_eq!(cloud.counts(&url).await, (4, 0, 0));
    let messages = cloud.receive(&url, 1).await;
    // SHA-256 of the body.
    assert_eq!(
        attribute(&messages[0], "MessageDeduplicationId"),
        Some("0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5")
    );
}

#[tokio::test]
async fn a_group_waits_for_its_first() {
    let cloud = Cloud::new().await;
    let url = fifo(&cloud, &[]).await;
    for (body, group) in [("a1", "a"), ("b1", "b"), ("a2", "a"), ("a3", "a"), ("b2", "b")] {
        cloud.send_fifo(&url, body, group, body).await;
    }
    let first = cloud.receive(&url, 1).await;
    assert_eq!(first[0].body.as_deref(), Some("a1"));
    assert_eq!(cloud.bodies(&url, 10).await, ["b1", "b2"], "a is blocked, b gives all it has");
    assert!(cloud.receive(&url, 10).await.is_empty());
    // It failed: it comes again, and before those behind it.
    cloud.visibility(&url, handle(&first[0]), 0).await.unwrap();
    let again = cloud.receive(&url, 2).await;
    let bodies: Vec<_> = again.iter().map(|message| message.body.as_deref().unwrap()).collect();
    assert_eq!(bodies, ["a1", "a2"]);
    cloud.delete(&url, handle(&again[0])).await.unwrap();
    assert!(cloud.receive(&url, 10).await.is_empty(), "a2 is in flight still");
    cloud.delete(&url, handle(&again[1])).await.unwrap();
    assert_eq!(cloud.bodies(&url, 10).await, ["a3"]);
}

#[tokio::test]
async fn an_expired_handle() {
    let cloud = Cloud::new().await;
    let url = fifo(&cloud, &[]).await;
    cloud.send_fifo(&url, "a", "g", "1").await;
    let message = cloud.receive(&url, 1).await.remove(0);
    cloud.advance(30);
    let error = cloud.delete(&url, handle(&message)).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue");
    assert!(
        error
            .message()
            .ends_with("for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.")
    );
    assert_eq!(code(cloud.visibility(&url, handle(&message), 1).await), "InvalidParameterValue");
    let again = cloud.receive(&url, 1).await.remove(0);
    assert_eq!(code(cloud.delete(&url, handle(&message)).await), "InvalidParameterValue");
    cloud.delete(&url, handle(&again)).await.unwrap();
}

#[tokio::test]
async fn the_same_attempt_gets_the_same_messages() {
    let cloud = Cloud::new().await;
    let url = fifo(&cloud, &[]).await;
    for body in ["a", "b", "c"] {
        cloud.send_fifo(&url, body, body, body).await;
    }
    let receive = async |attempt: &str| {
        let input = ReceiveMessageRequest {
            queue_url: url.clone(),
            max_number_of_messages: Some(2),
            receive_request_attempt_id: Some(attempt.into()),
            attribute_names: Some(vec!["All".into()]),
            ..Default::default()
        };
        cloud.call::<op::ReceiveMessage>(input).await.map(|output| output.messages.unwrap_or_default())
    };
    let first = receive("try").await.unwrap();
    cloud.advance(20);
    let second = receive("try").await.unwrap();
    let ids = |messages: &[Message]| messages.iter().map(|m| m.message_id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&second));
    let handles = |messages: &[Message]| messages.iter().map(|m| handle(m).to_owned()).collect::<Vec<_>>();
    assert_eq!(handles(&first), handles(&second));
    assert_ne!(handle(&first[0]), handle(&first[1]));
    assert_eq!(attribute(&second[0], "ApproximateReceiveCount"), Some("1"));
    cloud.advance(20);
    assert_eq!(cloud.counts(&url).await, (1, 2, 0), "the timeout began anew");
    let other = receive("another").await.unwrap();
    assert_eq!(other.len(), 1);
    // A message of them was dealt with: the attempts are over.
    cloud.delete(&url, handle(&second[0])).await.unwrap();
    cloud.visibility(&url, handle(&other[0]), 10).await.unwrap();
    for attempt in ["try", "another"] {
        let error = receive(attempt).await.err().unwrap();
        assert_eq!(error.code(), "InvalidParameterValue");
        assert_eq!(
            error.message(),
            format!(
                "Value {attempt} for parameter ReceiveRequestAttemptId is invalid. Reason: The \
                 receiveRequestAttemptId is not valid anymore since the receive call is not retryable."
            )
        );
    }
    for attempt in ["", "a b", "é", &"a".repeat(129)] {
        let error = receive(attempt).await.err().unwrap();
        let reason = "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length.";
        assert_eq!(error.code(), "InvalidParameterValue");
        assert_eq!(
            error.message(),
            format!("Value {attempt} for parameter ReceiveRequestAttemptId is invalid. Reason: {reason}")
        );
    }
    assert!(receive(&"!~".repeat(64)).await.is_ok());
    // Until the interval is over, after which it is as any other.
    cloud.advance(300);
    assert_eq!(receive("try").await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_attempt_begins_anew_after_the_timeout() {
    let cloud = Cloud::new().await;
    let url = fifo(&cloud, &[]).await;
    cloud.send_fifo(&url, "a", "g", "1").await;
    let input = ReceiveMessageRequest {
        queue_url: url.clone(),
        receive_request_attempt_id: Some("try".into()),
        attribute_names: Some(vec!["All".into()]),
        ..Default::default()
    };
    for count in ["1", "2"] {
        let received = cloud.call::<op::ReceiveMessage>(input.clone()).await.unwrap().messages.unwrap();
        assert_eq!(attribute(&received[0], "ApproximateReceiveCount"), Some(count));
        cloud.advance(31);
    }
    // A standard queue passes over it.
    let plain = cloud.queue("plain").await;
    assert!(
        cloud.call::<op::ReceiveMessage>(ReceiveMessageRequest { queue_url: plain, ..input }).await.is_ok()
    );
}

#[tokio::test]
async fn a_fifo_delay_holds_for_what_is_there() {
    let cloud = Cloud::new().await;
    let url = fifo(&cloud, &[("DelaySeconds", "10")]).await;
    cloud.send_fifo(&url, "a", "g", "1").await;
    assert_eq!(cloud.counts(&url).await, (0, 0, 1));
    cloud.set(&url, &[("DelaySeconds", "0")]).await.unwrap();
    assert_eq!(cloud.counts(&url).await, (1, 0, 0));
    cloud.set(&url, &[("DelaySeconds", "20")]).await.unwrap();
    assert_eq!(cloud.counts(&url).await, (0, 0, 1));
    assert!(cloud.receive(&url, 1).await.is_empty());
    cloud.advance(20);
    assert_eq!(cloud.bodies(&url, 1).await, ["a"]);
}
