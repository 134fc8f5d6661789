use super::*;
use crate::message::digest::md5;

#[tokio::test]
async fn sent_received_deleted() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let sent = cloud.send(&url, "hello").await;
    assert_eq!(sent.md5_of_message_body.as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
    assert_eq!((sent.md5_of_message_attributes, sent.sequence_number), (None, None));
    assert_eq!(cloud.counts(&url).await, (1, 0, 0));
    cloud.advance(2);
    let received = cloud.receive(&url, 10).await;
    let message = &received[0];
    assert_eq!(message.message_id, sent.message_id);
    assert_eq!(message.md5_of_body, sent.md5_of_message_body);
    for (name, value) in [
        ("SenderId", Some("AIDAEXAMPLE")),
        ("SentTimestamp", Some("1767225600000")),
        ("ApproximateReceiveCount", Some("1")),
        ("ApproximateFirstReceiveTimestamp", Some("1767225602000")),
        ("SequenceNumber", None),
        ("MessageGroupId", None),
        ("MessageDeduplicationId", None),
        ("AWSTraceHeader", None),
        ("DeadLetterQueueSourceArn", None),
    ] {
        assert_eq!(attribute(message, name), value, "{name}");
    }
    assert_eq!(cloud.counts(&url).await, (0, 1, 0));
    cloud.delete(&url, handle(message)).await.unwrap();
    cloud.delete(&url, handle(message)).await.unwrap();
    assert_eq!(cloud.counts(&url).await, (0, 0, 0));
    cloud.advance(31);
    assert!(cloud.receive(&url, 1).await.is_empty());
}

#[tokio::test]
async fn refused_messages() {
    let cloud = Cloud::new().await;
    let url = cloud.create("q", &[("MaximumMessageSize", "1024")]).await.unwrap();
    let long = "x".repeat(1025);
    let just = "x".repeat(1024);
    let text = |value: &str| MessageAttributeValue {
        data_type: "String".into(),
        string_value: Some(value.into()),
        ..Default::default()
    };
    let request = |body: &str| SendMessageRequest {
        queue_url: url.clone(),
        message_body: body.into(),
        ..Default::default()
    };
    for (what, input, outcome) in [
        ("plain", request("x"), "none"),
        ("empty", request(""), "MissingParameter"),
        ("control character", request("a\u{1}"), "InvalidMessageContents"),
        ("not a character", request("\u{ffff}"), "InvalidMessageContents"),
        ("longest", request(&just), "none"),
        ("too long", request(&long), "InvalidParameterValue"),
        (
            "too long with its attributes",
            SendMessageRequest {
                message_attributes: Some([("a", text("v"))].into_iter().collect()),
                ..request(&just)
            },
            "InvalidParameterValue",
        ),
        ("delay", SendMessageRequest { delay_seconds: Some(900), ..request("x") }, "none"),
        (
            "long delay",
            SendMessageRequest { delay_seconds: Some(901), ..request("x") },
            "InvalidParameterValue",
        ),
        (
            "negative delay",
            SendMessageRequest { delay_seconds: Some(-1), ..request("x") },
            "InvalidParameterValue",
        ),
        ("group", SendMessageRequest { message_group_id: Some("g".into()), ..request("x") }, "none"),
        (
            "empty group",
            SendMessageRequest { message_group_id: Some("".into()), ..request("x") },
            "InvalidParameterValue",
        ),
        (
            "group with space",
            SendMessageRequest { message_group_id: Some("a b".into()), ..request("x") },
            "InvalidParameterValue",
        ),
        (
            "dedup id",
            SendMessageRequest { message_deduplication_id: Some("d".into()), ..request("x") },
            "InvalidParameterValue",
        ),
    ] {
        assert_eq!(code(cloud.call::<op::SendMessage>(input).await), outcome, "{what}");
    }
    let error = cloud.call::<op::SendMessage>(request(&long)).await.err().unwrap();
    assert_eq!(
        error.message(),
        "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
    );
}

#[tokio::test]
async fn attributes_and_their_digests() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let text = |data_type: &str, value: &str| MessageAttributeValue {
        data_type: data_type.into(),
        string_value: Some(value.into()),
        ..Default::default()
    };
    let attributes =
        [("b", text("Number.int", "7")), ("a.x", text("String", "v")), ("a.y", text("String", "w"))];
    let trace = MessageSystemAttributeValue {
        data_type: "String".into(),
        string_value: Some("Root=1-5759e988-bd862e3fe1be46a994272793".into()),
        ..Default::default()
    };
    let input = SendMessageRequest {
        queue_url: url.clone(),
        message_body: "x".into(),
        message_attributes: Some(attributes.into_iter().collect()),
        message_system_attributes: Some([("AWSTraceHeader", trace)].into_iter().collect()),
        ..Default::default()
    };
    let sent = cloud.call::<op::SendMessage>(input).await.unwrap();
    let part = |name: &str, data_type: &str, value: &str| {
        let mut bytes = Vec::new();
        for text in [name, data_type] {
            bytes.extend((text.len() as u32).to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes.push(1);
        bytes.extend((value.len() as u32).to_be_bytes());
        bytes.extend(value.as_bytes());
        bytes
    };
    let (ax, ay, b) = (part("a.x", "String", "v"), part("a.y", "String", "w"), part("b", "Number.int", "7"));
    let of = |parts: &[&[u8]]| Some(hex::encode(md5(&parts.concat())));
    assert_eq!(sent.md5_of_message_attributes, of(&[&ax, &ay, &b]));
    let trace = part("AWSTraceHeader", "String", "Root=1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(sent.md5_of_message_system_attributes, of(&[&trace]));
    // What is returned is what was asked for, and the digest is of that.
    for (names, count, digest) in [
        (&["All"][..], 3, of(&[&ax, &ay, &b])),
        (&["b"], 1, of(&[&b])),
        (&["a.*"], 2, of(&[&ax, &ay])),
        (&["zzz"], 0, None),
        (&[], 0, None),
    ] {
        let input = ReceiveMessageRequest {
            queue_url: url.clone(),
            visibility_timeout: Some(0),
            message_attribute_names: Some(names.iter().map(|name| (*name).to_owned()).collect()),
            attribute_names: Some(vec!["AWSTraceHeader".into()]),
            ..Default::default()
        };
        let mut messages = cloud.call::<op::ReceiveMessage>(input).await.unwrap().messages.unwrap();
        let message = messages.remove(0);
        assert_eq!(message.message_attributes.map_or(0, |map| map.len()), count, "{names:?}");
        assert_eq!(message.md5_of_message_attributes, digest, "{names:?}");
        assert_eq!(message.attributes.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn refused_receives() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let request = ReceiveMessageRequest { queue_url: url, ..Default::default() };
    for (what, input, outcome) in [
        ("plain", request.clone(), "none"),
        (
            "no messages",
            ReceiveMessageRequest { max_number_of_messages: Some(0), ..request.clone() },
            "InvalidParameterValue",
        ),
        (
            "too many",
            ReceiveMessageRequest { max_number_of_messages: Some(11), ..request.clone() },
            "InvalidParameterValue",
        ),
        (
            "long wait",
            ReceiveMessageRequest { wait_time_seconds: Some(21), ..request.clone() },
            "InvalidParameterValue",
        ),
        (
            "negative wait",
            ReceiveMessageRequest { wait_time_seconds: Some(-1), ..request.clone() },
            "InvalidParameterValue",
        ),
        (
            "long timeout",
            ReceiveMessageRequest { visibility_timeout: Some(43_201), ..request.clone() },
            "InvalidParameterValue",
        ),
        (
            "attribute",
            ReceiveMessageRequest { attribute_names: Some(vec!["Nope".into()]), ..request.clone() },
            "InvalidAttributeName",
        ),
        (
            "attribute of queues, which SDKs let through",
            ReceiveMessageRequest {
                attribute_names: Some(vec!["VisibilityTimeout".into()]),
                ..request.clone()
            },
            "none",
        ),
    ] {
        assert_eq!(code(cloud.call::<op::ReceiveMessage>(input).await), outcome, "{what}");
    }
}

#[tokio::test]
async fn visibility() {
    let cloud = Cloud::new().await;
    let url = cloud.create("q", &[("VisibilityTimeout", "10")]).await.unwrap();
    cloud.send(&url, "x").await;
    let first = cloud.receive(&url, 1).await.remove(0);
    cloud.advance(9);
    assert!(cloud.receive(&url, 1).await.is_empty());
    cloud.advance(1);
    let second = cloud.receive(&url, 1).await.remove(0);
    assert_eq!(attribute(&second, "ApproximateReceiveCount"), Some("2"));
    assert_eq!(
        attribute(&second, "ApproximateFirstReceiveTimestamp"),
        attribute(&first, "ApproximateFirstReceiveTimestamp")
    );
    // An older handle is accepted and deletes nothing; it changes nothing either.
    cloud.delete(&url, handle(&first)).await.unwrap();
    assert_eq!(cloud.counts(&url).await, (0, 1, 0));
    assert_eq!(code(cloud.visibility(&url, handle(&first), 5).await), "InvalidParameterValue");
    cloud.visibility(&url, handle(&second), 100).await.unwrap();
    cloud.advance(99);
    assert_eq!(cloud.counts(&url).await, (0, 1, 0));
    cloud.visibility(&url, handle(&second), 0).await.unwrap();
    assert_eq!(cloud.counts(&url).await, (1, 0, 0));
    cloud.visibility(&url, handle(&second), 5).await.unwrap();
    assert_eq!(cloud.counts(&url).await, (1, 0, 0), "accepted, and without effect");
    // Visible again, it can still be deleted by its last handle.
    cloud.delete(&url, handle(&second)).await.unwrap();
    assert_eq!(cloud.counts(&url).await, (0, 0, 0));
    assert_eq!(code(cloud.visibility(&url, handle(&second), 5).await), "InvalidParameterValue");
}

#[tokio::test]
async fn without_a_receipt() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    for (error, parameter) in [
        (cloud.delete(&url, "").await.unwrap_err(), "MessageHandle"),
        (cloud.visibility(&url, "", 1).await.unwrap_err(), "ReceiptHandle"),
    ] {
        assert_eq!(error.code(), "MissingParameter");
        assert_eq!(error.message(), format!("The request must contain the parameter {parameter}."));
    }
}

#[tokio::test]
async fn twelve_hours_in_all() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    cloud.send(&url, "x").await;
    let message = cloud.receive(&url, 1).await.remove(0);
    for (secs, outcome) in
        [(43_200, "none"), (43_201, "InvalidParameterValue"), (-1, "InvalidParameterValue")]
    {
        assert_eq!(code(cloud.visibility(&url, handle(&message), secs).await), outcome, "{secs}");
    }
    cloud.advance(3600);
    let error = cloud.visibility(&url, handle(&message), 43_200).await.unwrap_err();
    assert_eq!(
        error.message(),
        "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is \
         beyond the limit [43200 seconds]"
    );
    cloud.visibility(&url, handle(&message), 39_600).await.unwrap();
}

#[tokio::test]
async fn handles_that_are_none() {
    let cloud = Cloud::new().await;
    let (url, other) = (cloud.queue("q").await, cloud.queue("r").await);
    cloud.send(&url, "x").await;
    let message = cloud.receive(&url, 1).await.remove(0);
    assert_eq!(code(cloud.delete(&url, "forged").await), "ReceiptHandleIsInvalid");
    assert_eq!(code(cloud.delete(&url, "").await), "MissingParameter");
    assert_eq!(code(cloud.delete(&other, handle(&message)).await), "ReceiptHandleIsInvalid");
    assert_eq!(code(cloud.visibility(&url, "forged", 1).await), "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn delays() {
    let cloud = Cloud::new().await;
    let url = cloud.create("q", &[("DelaySeconds", "10")]).await.unwrap();
    cloud.send(&url, "queue's delay").await;
    let own = |secs| SendMessageRequest {
        queue_url: url.clone(),
        message_body: format!("own delay {secs}"),
        delay_seconds: Some(secs),
        ..Default::default()
    };
    cloud.call::<op::SendMessage>(own(0)).await.unwrap();
    cloud.call::<op::SendMessage>(own(20)).await.unwrap();
    assert_eq!(cloud.counts(&url).await, (1, 0, 2));
    assert_eq!(cloud.bodies(&url, 10).await, ["own delay 0"]);
    // A standard queue's new delay is for new messages.
    cloud.set(&url, &[("DelaySeconds", "0")]).await.unwrap();
    assert_eq!(cloud.counts(&url).await, (0, 1, 2));
    cloud.advance(10);
    assert_eq!(cloud.bodies(&url, 10).await, ["queue's delay"]);
    cloud.advance(10);
    assert_eq!(cloud.bodies(&url, 10).await, ["own delay 20"]);
}

#[tokio::test]
async fn retention() {
    let cloud = Cloud::new().await;
    let url = cloud.create("q", &[("MessageRetentionPeriod", "60")]).await.unwrap();
    cloud.send(&url, "a").await;
    cloud.advance(30);
    cloud.send(&url, "b").await;
    let received = cloud.receive(&url, 1).await;
    assert_eq!(received[0].body.as_deref(), Some("a"));
    cloud.advance(30);
    // Received or not, it is gone.
    assert_eq!(cloud.counts(&url).await, (1, 0, 0));
    cloud.set(&url, &[("MessageRetentionPeriod", "1000")]).await.unwrap();
    assert_eq!(cloud.bodies(&url, 10).await, ["b"]);
    cloud.advance(969);
    assert_eq!(cloud.bodies(&url, 10).await, ["b"]);
    cloud.advance(1);
    assert_eq!(cloud.counts(&url).await, (0, 0, 0));
}

#[tokio::test]
async fn many_expire_at_once() {
    let cloud = Cloud::new().await;
    let url = cloud.create("q", &[("MessageRetentionPeriod", "60")]).await.unwrap();
    for _ in 0..20_001 {
        cloud.send(&url, "x").await;
    }
    cloud.advance(60);
    assert_eq!(cloud.counts(&url).await, (0, 0, 0));
}

#[tokio::test]
async fn a_quiet_group_comes_before_a_noisy_one() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let send = async |group: &str, body: String| {
        let input = SendMessageRequest {
            queue_url: url.clone(),
            message_body: body,
            message_group_id: Some(group.into()),
            ..Default::default()
        };
        cloud.call::<op::SendMessage>(input).await.unwrap();
    };
    for i in 0..100 {
        send("noisy", format!("noisy {i}")).await;
    }
    for _ in 0..4 {
        assert_eq!(cloud.receive(&url, 10).await.len(), 10);
    }
    send("quiet", "quiet".into()).await;
    let next = cloud.receive(&url, 2).await;
    assert_eq!(next[0].body.as_deref(), Some("quiet"));
    assert_eq!(attribute(&next[0], "MessageGroupId"), Some("quiet"));
    // The noisy group goes on where there is room, in its order.
    assert_eq!(next[1].body.as_deref(), Some("noisy 40"));
    assert_eq!(cloud.counts(&url).await, (59, 42, 0));
}
