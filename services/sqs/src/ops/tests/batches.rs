use super::*;

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry { id: id.into(), message_body: body.into(), ..Default::default() }
}

#[tokio::test]
async fn refused_batches() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let long_id = "a".repeat(81);
    let big = "x".repeat(600_000);
    let ids: Vec<String> = (0..11).map(|i| i.to_string()).collect();
    for (what, entries, outcome) in [
        ("empty", vec![], "EmptyBatchRequest"),
        ("eleven", ids.iter().map(|id| entry(id, "x")).collect(), "TooManyEntriesInBatchRequest"),
        ("same id", vec![entry("a", "x"), entry("b", "x"), entry("a", "y")], "BatchEntryIdsNotDistinct"),
        ("empty id", vec![entry("", "x")], "InvalidBatchEntryId"),
        ("bad id", vec![entry("a.b", "x")], "InvalidBatchEntryId"),
        ("long id", vec![entry(&long_id, "x")], "InvalidBatchEntryId"),
        ("too long", vec![entry("a", &big), entry("b", &big)], "BatchRequestTooLong"),
        ("ten", ids.iter().take(10).map(|id| entry(id, "x")).collect(), "none"),
    ] {
        let input = SendMessageBatchRequest { queue_url: url.clone(), entries };
        assert_eq!(code(cloud.call::<op::SendMessageBatch>(input).await), outcome, "{what}");
    }
    for entries in [vec![], vec![DeleteMessageBatchRequestEntry::default()]] {
        let outcome = if entries.is_empty() { "EmptyBatchRequest" } else { "InvalidBatchEntryId" };
        let input = DeleteMessageBatchRequest { queue_url: url.clone(), entries };
        assert_eq!(code(cloud.call::<op::DeleteMessageBatch>(input).await), outcome);
    }
    let input = ChangeMessageVisibilityBatchRequest { queue_url: url, entries: vec![] };
    let error = cloud.call::<op::ChangeMessageVisibilityBatch>(input).await.err().unwrap();
    assert_eq!(
        error.message(),
        "There should be at least one ChangeMessageVisibilityBatchRequestEntry in the request."
    );
}

#[tokio::test]
async fn some_succeed_and_some_fail() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let late = SendMessageBatchRequestEntry { delay_seconds: Some(901), ..entry("late", "x") };
    let input = SendMessageBatchRequest {
        queue_url: url.clone(),
        entries: vec![
            entry("good", "x"),
            entry("empty", ""),
            late,
            entry("bad", "\u{1}"),
            entry("fine", "y"),
        ],
    };
    let output = cloud.call::<op::SendMessageBatch>(input).await.unwrap();
    let sent: Vec<&str> = output.successful.iter().flatten().map(|entry| entry.id.as_str()).collect();
    assert_eq!(sent, ["good", "fine"]);
    let all_failed = output.failed.unwrap();
    let failed: Vec<String> =
        all_failed.iter().map(|f| format!("{} {} {}", f.id, f.code, f.sender_fault)).collect();
    assert_eq!(
        failed,
        ["empty MissingParameter true", "late InvalidParameterValue true", "bad InvalidMessageContents true"]
    );
    assert_eq!(all_failed[1].message.as_deref(), Some("DelaySeconds must be >= 0 and <= 900."));
    let received = cloud.receive(&url, 10).await;
    assert_eq!(received.len(), 2);

    let change = |id: &str, handle: &str, secs| ChangeMessageVisibilityBatchRequestEntry {
        id: id.into(),
        receipt_handle: handle.into(),
        visibility_timeout: Some(secs),
    };
    let input = ChangeMessageVisibilityBatchRequest {
        queue_url: url.clone(),
        entries: vec![
            change("a", handle(&received[0]), 0),
            change("b", handle(&received[1]), 99_999),
            change("c", "forged", 1),
        ],
    };
    let output = cloud.call::<op::ChangeMessageVisibilityBatch>(input).await.unwrap();
    assert_eq!(output.successful.map(|done| done.len()), Some(1));
    let failed = output.failed.unwrap();
    let failed: Vec<&str> = failed.iter().map(|f| f.code.as_str()).collect();
    assert_eq!(failed, ["InvalidParameterValue", "ReceiptHandleIsInvalid"]);
    assert_eq!(cloud.counts(&url).await, (1, 1, 0));

    let delete = |id: &str, handle: &str| DeleteMessageBatchRequestEntry {
        id: id.into(),
        receipt_handle: handle.into(),
    };
    let input = DeleteMessageBatchRequest {
        queue_url: url.clone(),
        entries: vec![
            delete("a", handle(&received[0])),
            delete("b", handle(&received[1])),
            delete("c", "forged"),
        ],
    };
    let output = cloud.call::<op::DeleteMessageBatch>(input).await.unwrap();
    assert_eq!((output.successful.unwrap().len(), output.failed.unwrap().len()), (2, 1));
    assert_eq!(cloud.counts(&url).await, (0, 0, 0));
}

#[tokio::test]
async fn an_expired_handle_in_a_fifo_batch() {
    let cloud = Cloud::new().await;
    let url = cloud.create("q.fifo", &[("FifoQueue", "true")]).await.unwrap();
    cloud.send_fifo(&url, "x", "g", "1").await;
    let message = cloud.receive(&url, 1).await.remove(0);
    cloud.advance(31);
    let entry = DeleteMessageBatchRequestEntry { id: "a".into(), receipt_handle: handle(&message).into() };
    let input = DeleteMessageBatchRequest { queue_url: url, entries: vec![entry] };
    let failed = cloud.call::<op::DeleteMessageBatch>(input).await.unwrap().failed.unwrap().remove(0);
    assert_eq!(failed.code, "ReceiptHandleIsInvalid");
    assert_eq!(failed.message.as_deref(), Some("The receipt handle has expired"));
    assert!(failed.sender_fault);
}

#[tokio::test]
async fn an_empty_list_of_a_result_is_left_out() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let send = async |body: &str| {
        let input = SendMessageBatchRequest { queue_url: url.clone(), entries: vec![entry("a", body)] };
        let output = cloud.call::<op::SendMessageBatch>(input).await.unwrap();
        (output.successful.is_some(), output.failed.is_some())
    };
    assert_eq!(send("x").await, (true, false));
    assert_eq!(send("").await, (false, true));
    let received = cloud.receive(&url, 1).await;
    let entry = |id: &str, handle: &str| DeleteMessageBatchRequestEntry {
        id: id.into(),
        receipt_handle: handle.into(),
    };
    for (entry, expected) in
        [(entry("a", handle(&received[0])), (true, false)), (entry("a", "forged"), (false, true))]
    {
        let change = ChangeMessageVisibilityBatchRequestEntry {
            id: entry.id.clone(),
            receipt_handle: entry.receipt_handle.clone(),
            visibility_timeout: Some(1),
        };
        let input = ChangeMessageVisibilityBatchRequest { queue_url: url.clone(), entries: vec![change] };
        let output = cloud.call::<op::ChangeMessageVisibilityBatch>(input).await.unwrap();
        assert_eq!((output.successful.is_some(), output.failed.is_some()), expected);
        let input = DeleteMessageBatchRequest { queue_url: url.clone(), entries: vec![entry] };
        let output = cloud.call::<op::DeleteMessageBatch>(input).await.unwrap();
        assert_eq!((output.successful.is_some(), output.failed.is_some()), expected);
    }
}
