//! SQS behind the front door: both of its protocols, and other accounts.

use haneul_harness::cloud::OTHER_ACCOUNT;
use haneul_harness::{Client, Cloud};
use haneul_shape::value::Map;
use haneul_sqs_wire::operations as op;
use haneul_sqs_wire::shapes::*;
use haneul_wire::Protocol;

fn attributes(pairs: &[(&str, &str)]) -> Option<Map<String>> {
    Some(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

async fn create(client: &Client, name: &str, pairs: &[(&str, &str)]) -> String {
    let input =
        CreateQueueRequest { queue_name: name.into(), attributes: attributes(pairs), ..Default::default() };
    client.call::<op::CreateQueue>(input).await.unwrap().queue_url.unwrap()
}

#[tokio::test]
async fn json_and_query_are_the_same_service() {
    let cloud = Cloud::new(11).await;
    for (name, client) in
        [("by-json", Client::clone(&cloud)), ("by-query", cloud.speaking(Protocol::AwsQuery))]
    {
        let url = create(&client, name, &[("VisibilityTimeout", "7"), ("DelaySeconds", "0")]).await;
        assert!(url.ends_with(&format!("/000000000000/{name}")), "{url}");
        let text = |data_type: &str, value: &str| MessageAttributeValue {
            data_type: data_type.into(),
            string_value: Some(value.into()),
            ..Default::default()
        };
        let entry = |id: &str, body: &str| SendMessageBatchRequestEntry {
            id: id.into(),
            message_body: body.into(),
            message_attributes: Some(
                [("a", text("String", "<&>")), ("n", text("Number", "1"))].into_iter().collect(),
            ),
            ..Default::default()
        };
        let input = SendMessageBatchRequest {
            queue_url: url.clone(),
            entries: vec![entry("one", "<body> & \"more\"\n하늘"), entry("two", "")],
        };
        let sent = client.call::<op::SendMessageBatch>(input).await.unwrap();
        let (successful, failed) = (sent.successful.unwrap(), sent.failed.unwrap());
        assert_eq!((successful.len(), failed.len()), (1, 1), "{name}");
        assert_eq!(failed[0].code, "MissingParameter");

        let input = ReceiveMessageRequest {
            queue_url: url.clone(),
            max_number_of_messages: Some(10),
            attribute_names: Some(vec!["All".into()]),
            message_attribute_names: Some(vec!["All".into()]),
            ..Default::default()
        };
        let received = client.call::<op::ReceiveMessage>(input).await.unwrap().messages.unwrap();
        let message = &received[0];
        assert_eq!(message.body.as_deref(), Some("<body> & \"more\"\n하늘"));
        assert_eq!(message.md5_of_message_attributes, successful[0].md5_of_message_attributes);
        assert_eq!(message.message_attributes.as_ref().unwrap().len(), 2);
        assert_eq!(message.attributes.as_ref().unwrap().get("ApproximateReceiveCount").unwrap(), "1");
        let receipt_handle = message.receipt_handle.clone().unwrap();
        let input = DeleteMessageRequest { queue_url: url.clone(), receipt_handle };
        client.call::<op::DeleteMessage>(input).await.unwrap();

        let input = GetQueueAttributesRequest {
            queue_url: url.clone(),
            attribute_names: Some(vec!["VisibilityTimeout".into(), "ApproximateNumberOfMessages".into()]),
        };
        let got = client.call::<op::GetQueueAttributes>(input).await.unwrap().attributes.unwrap();
        assert_eq!(got.get("VisibilityTimeout").unwrap(), "7");
        assert_eq!(got.get("ApproximateNumberOfMessages").unwrap(), "0");
        client.call::<op::DeleteQueue>(DeleteQueueRequest { queue_url: url }).await.unwrap();
    }
}

#[tokio::test]
async fn errors_in_both_protocols() {
    let cloud = Cloud::new(12).await;
    let missing = "http://localhost:4566/000000000000/missing";
    let input = || PurgeQueueRequest { queue_url: missing.into() };
    let failure = cloud.call::<op::PurgeQueue>(input()).await.err().unwrap();
    // SDKs of the query era know errors by that protocol's codes, which the header keeps.
    assert_eq!(failure.status.as_u16(), 400);
    assert_eq!(
        failure.headers.get("x-amzn-query-error").unwrap(),
        "AWS.SimpleQueueService.NonExistentQueue;Sender"
    );
    assert_eq!(failure.code, "AWS.SimpleQueueService.NonExistentQueue");
    let failure = cloud.speaking(Protocol::AwsQuery).call::<op::PurgeQueue>(input()).await.err().unwrap();
    assert_eq!(failure.code, "AWS.SimpleQueueService.NonExistentQueue");
    let url = create(&cloud, "q", &[]).await;
    let input =
        ReceiveMessageRequest { queue_url: url, max_number_of_messages: Some(11), ..Default::default() };
    let failure = cloud.call::<op::ReceiveMessage>(input).await.err().unwrap();
    assert_eq!(
        (failure.code.as_str(), failure.message.as_str()),
        (
            "InvalidParameterValue",
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."
        )
    );
}

#[tokio::test]
async fn other_accounts_need_the_queues_policy() {
    let cloud = Cloud::in_process(13).await;
    let other = cloud.other_account();
    let url = create(&cloud, "shared", &[]).await;
    let send = async |client: &Client| {
        let input =
            SendMessageRequest { queue_url: url.clone(), message_body: "x".into(), ..Default::default() };
        client.call::<op::SendMessage>(input).await.map(drop)
    };
    assert_eq!(send(&other).await.unwrap_err().status.as_u16(), 403);
    let input = AddPermissionRequest {
        queue_url: url.clone(),
        label: "let-in".into(),
        aws_account_ids: vec![format!("{OTHER_ACCOUNT:012}")],
        actions: vec!["SendMessage".into()],
    };
    cloud.call::<op::AddPermission>(input).await.unwrap();
    send(&other).await.unwrap();
    let input = ReceiveMessageRequest { queue_url: url.clone(), ..Default::default() };
    assert_eq!(other.call::<op::ReceiveMessage>(input).await.err().unwrap().status.as_u16(), 403);
    // A policy that allows everything still leaves the owner's actions to the owner.
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]}"#;
    let input = SetQueueAttributesRequest {
        queue_url: url.clone(),
        attributes: attributes(&[("Policy", policy)]).unwrap(),
    };
    cloud.call::<op::SetQueueAttributes>(input).await.unwrap();
    let input = ReceiveMessageRequest { queue_url: url.clone(), ..Default::default() };
    assert_eq!(other.call::<op::ReceiveMessage>(input).await.unwrap().messages.unwrap().len(), 1);
    let input = DeleteQueueRequest { queue_url: url.clone() };
    assert_eq!(other.call::<op::DeleteQueue>(input).await.err().unwrap().status.as_u16(), 403);
    let input = GetQueueUrlRequest {
        queue_name: "shared".into(),
        queue_owner_aws_account_id: Some("000000000000".into()),
    };
    assert_eq!(other.call::<op::GetQueueUrl>(input).await.unwrap().queue_url, Some(url));
}

/// The reconciler runs as in the program: a task moves its messages as time passes.
#[tokio::test]
async fn a_move_task_runs_by_itself() {
    let cloud = Cloud::in_process(14).await;
    let dlq = create(&cloud, "dlq", &[]).await;
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dlq","maxReceiveCount":1}"#;
    create(&cloud, "q", &[("RedrivePolicy", redrive)]).await;
    let destination = create(&cloud, "other", &[]).await;
    for body in ["a", "b", "c"] {
        let input =
            SendMessageRequest { queue_url: dlq.clone(), message_body: body.into(), ..Default::default() };
        cloud.call::<op::SendMessage>(input).await.unwrap();
    }
    let input = StartMessageMoveTaskRequest {
        source_arn: "arn:aws:sqs:us-east-1:000000000000:dlq".into(),
        destination_arn: Some("arn:aws:sqs:us-east-1:000000000000:other".into()),
        max_number_of_messages_per_second: Some(1),
    };
    cloud.call::<op::StartMessageMoveTask>(input).await.unwrap();
    let mut moved = Vec::new();
    for _ in 0..3 {
        cloud.settle().await;
        let input = GetQueueAttributesRequest {
            queue_url: destination.clone(),
            attribute_names: Some(vec!["ApproximateNumberOfMessages".into()]),
        };
        let got = cloud.call::<op::GetQueueAttributes>(input).await.unwrap().attributes.unwrap();
        moved.push(got.get("ApproximateNumberOfMessages").unwrap().clone());
        cloud.env.clock.advance(std::time::Duration::from_secs(1));
    }
    assert_eq!(moved, ["1", "2", "3"]);
}
