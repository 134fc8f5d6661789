use super::*;

const DLQ: &str = "arn:aws:sqs:us-east-1:000000000000:dlq";
const SOURCE: &str = "arn:aws:sqs:us-east-1:000000000000:q";

/// A queue whose messages are moved after `receives` receives.
async fn pair(cloud: &Cloud, receives: u32) -> (String, String) {
    let dlq = cloud.queue("dlq").await;
    let redrive = format!(r#"{{"deadLetterTargetArn":"{DLQ}","maxReceiveCount":{receives}}}"#);
    let url = cloud.create("q", &[("RedrivePolicy", &redrive), ("VisibilityTimeout", "0")]).await.unwrap();
    (url, dlq)
}

async fn fail(cloud: &Cloud, url: &str, bodies: &[&str]) {
    for body in bodies {
        cloud.send(url, body).await;
    }
    while !cloud.receive(url, 10).await.is_empty() {}
}

async fn start(cloud: &Cloud, destination: Option<&str>, rate: Option<i32>) -> Result<String> {
    let input = StartMessageMoveTaskRequest {
        source_arn: DLQ.into(),
        destination_arn: destination.map(str::to_owned),
        max_number_of_messages_per_second: rate,
    };
    cloud.call::<op::StartMessageMoveTask>(input).await.map(|output| output.task_handle.unwrap())
}

async fn tasks(cloud: &Cloud) -> Vec<ListMessageMoveTasksResultEntry> {
    let input = ListMessageMoveTasksRequest { source_arn: DLQ.into(), max_results: Some(10) };
    cloud.call::<op::ListMessageMoveTasks>(input).await.unwrap().results.unwrap()
}

#[tokio::test]
async fn after_so_many_receives() {
    let cloud = Cloud::new().await;
    let (url, dlq) = pair(&cloud, 2).await;
    let sent = cloud.send(&url, "poison").await;
    cloud.advance(5);
    for count in ["1", "2"] {
        let message = cloud.receive(&url, 1).await.remove(0);
        assert_eq!(attribute(&message, "ApproximateReceiveCount"), Some(count));
    }
    assert_eq!(cloud.counts(&dlq).await, (0, 0, 0), "it moves when it would be received once more");
    cloud.send(&url, "good").await;
    assert_eq!(cloud.bodies(&url, 10).await, ["good"]);
    assert_eq!(cloud.counts(&dlq).await, (1, 0, 0));
    let dead = cloud.receive(&dlq, 1).await.remove(0);
    assert_eq!(dead.message_id, sent.message_id);
    assert_eq!(attribute(&dead, "DeadLetterQueueSourceArn"), Some(SOURCE));
    assert_eq!(attribute(&dead, "SentTimestamp"), Some("1767225600000"), "it keeps its age");
    assert_eq!(attribute(&dead, "ApproximateReceiveCount"), Some("3"));
}

#[tokio::test]
async fn a_dead_letter_queue_that_is_gone_takes_nothing() {
    let cloud = Cloud::new().await;
    let (url, dlq) = pair(&cloud, 1).await;
    cloud.send(&url, "x").await;
    cloud.call::<op::DeleteQueue>(DeleteQueueRequest { queue_url: dlq }).await.unwrap();
    for _ in 0..3 {
        assert_eq!(cloud.bodies(&url, 1).await, ["x"]);
    }
}

#[tokio::test]
async fn a_fifo_group_goes_on_without_its_dead_letter() {
    let cloud = Cloud::new().await;
    cloud.create("dlq.fifo", &[("FifoQueue", "true")]).await.unwrap();
    let redrive = format!(r#"{{"deadLetterTargetArn":"{DLQ}.fifo","maxReceiveCount":1}}"#);
    let attributes = [("FifoQueue", "true"), ("RedrivePolicy", &redrive), ("VisibilityTimeout", "0")];
    let url = cloud.create("q.fifo", &attributes).await.unwrap();
    cloud.send_fifo(&url, "bad", "g", "1").await;
    cloud.send_fifo(&url, "good", "g", "2").await;
    assert_eq!(cloud.bodies(&url, 1).await, ["bad"]);
    cloud.advance(3);
    let next = cloud.receive(&url, 1).await;
    assert_eq!(next[0].body.as_deref(), Some("good"));
    let dead = cloud.receive("http://x/000000000000/dlq.fifo", 1).await.remove(0);
    assert_eq!(attribute(&dead, "MessageGroupId"), Some("g"));
    assert_eq!(
        attribute(&dead, "SentTimestamp"),
        Some("1767225603000"),
        "in a FIFO queue its age begins anew"
    );
}

#[tokio::test]
async fn sources_of_a_dead_letter_queue() {
    let cloud = Cloud::new().await;
    let (_, dlq) = pair(&cloud, 1).await;
    let redrive = format!(r#"{{"deadLetterTargetArn":"{DLQ}","maxReceiveCount":1}}"#);
    for name in ["r", "s"] {
        cloud.create(name, &[("RedrivePolicy", &redrive)]).await.unwrap();
    }
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let input = ListDeadLetterSourceQueuesRequest {
            queue_url: dlq.clone(),
            max_results: Some(2),
            next_token: token,
        };
        let output = cloud.call::<op::ListDeadLetterSourceQueues>(input).await.unwrap();
        found.extend(output.queue_urls.iter().map(|url| url.rsplit('/').next().unwrap().to_owned()));
        token = output.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(found, ["q", "r", "s"]);
}

#[tokio::test]
async fn redriven_to_where_they_came_from() {
    let cloud = Cloud::new().await;
    let (url, dlq) = pair(&cloud, 1).await;
    fail(&cloud, &url, &["a", "b"]).await;
    assert_eq!(cloud.counts(&dlq).await, (2, 0, 0));
    cloud.advance(100);
    start(&cloud, None, None).await.unwrap();
    assert_eq!(code(start(&cloud, None, None).await), "InvalidParameterValue", "one task at a time");
    let running = tasks(&cloud).await.remove(0);
    assert_eq!(
        (running.status.as_deref(), running.approximate_number_of_messages_to_move),
        (Some("RUNNING"), Some(2))
    );
    assert!(running.task_handle.is_some());
    cloud.run_tasks().await;
    let done = tasks(&cloud).await.remove(0);
    assert_eq!(done.status.as_deref(), Some("COMPLETED"));
    assert_eq!(done.approximate_number_of_messages_moved, Some(2));
    assert!(done.task_handle.is_none());
    assert_eq!(cloud.counts(&dlq).await, (0, 0, 0));
    let back = cloud.receive(&url, 10).await;
    assert_eq!(back.len(), 2);
    assert_eq!(attribute(&back[0], "ApproximateReceiveCount"), Some("1"), "a new message");
    assert_eq!(attribute(&back[0], "SentTimestamp"), Some("1767225700000"));
    assert_eq!(attribute(&back[0], "DeadLetterQueueSourceArn"), None);
}

#[tokio::test]
async fn redriven_at_a_rate_elsewhere_and_cancelled() {
    let cloud = Cloud::new().await;
    let (url, dlq) = pair(&cloud, 1).await;
    let other = cloud.queue("other").await;
    fail(&cloud, &url, &["a", "b", "c", "d", "e"]).await;
    let handle = start(&cloud, Some("arn:aws:sqs:us-east-1:000000000000:other"), Some(1)).await.unwrap();
    cloud.run_tasks().await;
    assert_eq!(cloud.counts(&other).await.0, 1);
    cloud.advance(2);
    cloud.run_tasks().await;
    assert_eq!(cloud.counts(&other).await.0, 3);
    let cancel = async |handle: &str| {
        cloud
            .call::<op::CancelMessageMoveTask>(CancelMessageMoveTaskRequest { task_handle: handle.into() })
            .await
    };
    assert_eq!(cancel(&handle).await.unwrap().approximate_number_of_messages_moved, Some(3));
    assert_eq!(tasks(&cloud).await[0].status.as_deref(), Some("CANCELLING"));
    cloud.advance(10);
    cloud.run_tasks().await;
    assert_eq!(tasks(&cloud).await[0].status.as_deref(), Some("CANCELLED"));
    assert_eq!((cloud.counts(&other).await.0, cloud.counts(&dlq).await.0), (3, 2));
    assert_eq!(code(cancel(&handle).await), "UnsupportedOperation");
    assert_eq!(code(cancel("x").await), "InvalidParameterValue");
}

#[tokio::test]
async fn refused_move_tasks() {
    let cloud = Cloud::new().await;
    cloud.queue("plain").await;
    cloud.create("other.fifo", &[("FifoQueue", "true")]).await.unwrap();
    pair(&cloud, 1).await;
    let arn = |name: &str| format!("arn:aws:sqs:us-east-1:000000000000:{name}");
    for (source, destination, rate, outcome) in [
        ("q-none", None, None, "ResourceNotFoundException"),
        ("plain", None, None, "InvalidParameterValue"),
        ("dlq", Some("none"), None, "ResourceNotFoundException"),
        ("dlq", Some("dlq"), None, "InvalidParameterValue"),
        ("dlq", Some("other.fifo"), None, "InvalidParameterValue"),
        ("dlq", None, Some(0), "InvalidParameterValue"),
        ("dlq", None, Some(501), "InvalidParameterValue"),
        ("dlq", Some("plain"), Some(500), "none"),
    ] {
        let input = StartMessageMoveTaskRequest {
            source_arn: arn(source),
            destination_arn: destination.map(arn),
            max_number_of_messages_per_second: rate,
        };
        let got = code(cloud.call::<op::StartMessageMoveTask>(input).await);
        assert_eq!(got, outcome, "{source} {destination:?} {rate:?}");
    }
    let input = ListMessageMoveTasksRequest { source_arn: arn("dlq"), max_results: Some(11) };
    assert_eq!(code(cloud.call::<op::ListMessageMoveTasks>(input).await), "InvalidParameterValue");
}

#[tokio::test]
async fn a_message_that_came_from_nowhere_fails_the_task() {
    let cloud = Cloud::new().await;
    let (_, dlq) = pair(&cloud, 1).await;
    cloud.send(&dlq, "sent here").await;
    start(&cloud, None, None).await.unwrap();
    cloud.run_tasks().await;
    let failed = tasks(&cloud).await.remove(0);
    assert_eq!(failed.status.as_deref(), Some("FAILED"));
    assert_eq!(failed.failure_reason.as_deref(), Some("CouldNotDetermineMessageSource"));
    assert_eq!(cloud.bodies(&dlq, 1).await, ["sent here"], "it is still there");
}
