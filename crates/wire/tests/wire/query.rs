use expect_test::expect;
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes::{CreateUserResponse, Tag, User};
use haneul_shape::Instant;
use haneul_sqs_wire::operations as sqs;
use haneul_sqs_wire::shapes::{ListQueuesResult, Message, ReceiveMessageResult};
use haneul_wire::Protocol::AwsQuery;

use crate::support::{accept, answer, decode, text};

#[test]
fn lists_and_structures() {
    let body =
        b"Action=CreateUser&Version=2010-05-08&UserName=a%20b+c&Tags.member.10.Key=z&Tags.member.10.Value=&\
        Tags.member.2.Key=k&Tags.member.2.Value=v%2F&AWSAccessKeyId=x\n";
    let input = accept::<iam::CreateUser>(AwsQuery, body);
    // The space is against the pattern of user names.
    assert_eq!(input.err().unwrap().code, "ValidationError");
    let (input, missing) = decode::<iam::CreateUser>(AwsQuery, body).unwrap();
    assert!(missing.is_empty());
    assert_eq!(input.user_name, "a b c");
    let tags: Vec<_> = input.tags.unwrap().into_iter().map(|tag| (tag.key, tag.value)).collect();
    assert_eq!(tags, [("k".into(), "v/".into()), ("z".into(), String::new())]);
}

#[test]
fn the_answer_of_iam() {
    let user = User {
        path: Some("/".into()),
        user_name: Some("a<b".into()),
        user_id: "AIDA".into(),
        arn: "arn:aws:iam::000000000000:user/a".into(),
        create_date: Instant::from_secs(1_500_000_000),
        tags: Some(vec![Tag { key: "k".into(), value: "v".into() }]),
        ..Default::default()
    };
    expect![[r#"
        200
        content-type: text/xml
        x-amzn-requestid: REQ
        <CreateUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateUserResult><User><Path>/</Path><UserName>a&lt;b</UserName><UserId>AIDA</UserId><Arn>arn:aws:iam::000000000000:user/a</Arn><CreateDate>2017-07-14T02:40:00Z</CreateDate><Tags><member><Key>k</Key><Value>v</Value></member></Tags></User></CreateUserResult><ResponseMetadata><RequestId>REQ</RequestId></ResponseMetadata></CreateUserResponse>"#]]
    .assert_eq(&text(answer::<iam::CreateUser>(AwsQuery, CreateUserResponse { user: Some(user) })));
    expect![[r#"
        200
        content-type: text/xml
        x-amzn-requestid: REQ
        <DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata><RequestId>REQ</RequestId></ResponseMetadata></DeleteUserResponse>"#]]
    .assert_eq(&text(answer::<iam::DeleteUser>(AwsQuery, haneul_shape::Empty)));
}

/// For who asks for JSON by the header Accept.
#[test]
fn the_answer_of_iam_in_json() {
    let user = User {
        user_name: Some("a\"b".into()),
        create_date: Instant::from_secs(1_500_000_000),
        tags: Some(vec![Tag { key: "k".into(), value: "v".into() }]),
        ..Default::default()
    };
    let model = haneul_wire::model(&haneul_iam_wire::SERVICE);
    let json = |name: &str, output: &dyn haneul_shape::Shape| {
        let operation = model.operation(name).unwrap();
        text(haneul_wire::encode_query_response_as_json(model, operation, output, "REQ"))
    };
    expect![[r#"
        200
        content-type: application/json
        x-amzn-requestid: REQ
        {"CreateUserResponse":{"CreateUserResult":{"User":{"Arn":"","CreateDate":1500000000,"PasswordLastUsed":null,"Path":null,"PermissionsBoundary":null,"Tags":[{"Key":"k","Value":"v"}],"UserId":"","UserName":"a\"b"}},"ResponseMetadata":{"RequestId":"REQ"}}}"#]].assert_eq(&json("CreateUser", &CreateUserResponse { user: Some(user) }));
    expect![[r#"
        200
        content-type: application/json
        x-amzn-requestid: REQ
        {"DeleteUserResponse":{"ResponseMetadata":{"RequestId":"REQ"}}}"#]]
    .assert_eq(&json("DeleteUser", &haneul_shape::Empty));
}

/// SDKs from before SQS spoke JSON.
#[test]
fn sqs_in_its_old_protocol() {
    let input = accept::<sqs::CreateQueue>(
        AwsQuery,
        b"Action=CreateQueue&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=3&Tag.1.Key=k&Tag.1.Value=v",
    )
    .unwrap();
    assert_eq!(input.attributes.unwrap().get("DelaySeconds").unwrap(), "3");
    assert_eq!(input.tags.unwrap().get("k").unwrap(), "v");
    let input = accept::<sqs::SendMessageBatch>(
        AwsQuery,
        b"QueueUrl=q&SendMessageBatchRequestEntry.1.Id=i&SendMessageBatchRequestEntry.1.MessageBody=b&\
          SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n&\
          SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String&\
          SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=s",
    )
    .unwrap();
    let attributes = input.entries[0].message_attributes.as_ref().unwrap();
    assert_eq!(attributes.get("n").unwrap().string_value.as_deref(), Some("s"));
    let message = Message {
        message_id: Some("m".into()),
        attributes: Some([("SentTimestamp", String::from("1"))].into_iter().collect()),
        ..Default::default()
    };
    expect![[r#"
        200
        content-type: text/xml
        x-amzn-requestid: REQ
        <?xml version="1.0"?><ReceiveMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><ReceiveMessageResult><Message><MessageId>m</MessageId><Attribute><Name>SentTimestamp</Name><Value>1</Value></Attribute></Message></ReceiveMessageResult><ResponseMetadata><RequestId>REQ</RequestId></ResponseMetadata></ReceiveMessageResponse>"#]]
    .assert_eq(&text(answer::<sqs::ReceiveMessage>(AwsQuery, ReceiveMessageResult { messages: Some(vec![message]) })));
    let output = ListQueuesResult { queue_urls: Some(vec!["a".into(), "b".into()]), ..Default::default() };
    assert!(
        text(answer::<sqs::ListQueues>(AwsQuery, output))
            .contains("<QueueUrl>a</QueueUrl><QueueUrl>b</QueueUrl>")
    );
}

/// As AWS reads a flattened list or map of one.
#[test]
fn without_an_index() {
    let input = accept::<sqs::SetQueueAttributes>(
        AwsQuery,
        b"QueueUrl=q&Attribute.Name=VisibilityTimeout&Attribute.Value=35",
    );
    let attributes: Vec<_> = input.unwrap().attributes.0;
    assert_eq!(attributes, [("VisibilityTimeout".to_owned(), "35".to_owned())]);
    let input =
        accept::<sqs::ReceiveMessage>(AwsQuery, b"QueueUrl=q&AttributeName=All&MessageAttributeName=a");
    let input = input.unwrap();
    assert_eq!(input.attribute_names.unwrap(), ["All"]);
    assert_eq!(input.message_attribute_names.unwrap(), ["a"]);
    let input = accept::<sqs::TagQueue>(AwsQuery, b"QueueUrl=q&Tag.Key=k&Tag.Value=v").unwrap();
    assert_eq!(input.tags.get("k").unwrap(), "v");
    let input = accept::<sqs::UntagQueue>(AwsQuery, b"QueueUrl=q&TagKey=a").unwrap();
    assert_eq!(input.tag_keys, ["a"]);
    let body = b"QueueUrl=q&Label=l&AWSAccountId=111111111111&ActionName=SendMessage";
    let input = accept::<sqs::AddPermission>(AwsQuery, body).unwrap();
    assert_eq!(
        (input.aws_account_ids, input.actions),
        (vec!["111111111111".into()], vec!["SendMessage".into()])
    );
    let body =
        b"QueueUrl=q&DeleteMessageBatchRequestEntry.Id=i&DeleteMessageBatchRequestEntry.ReceiptHandle=r";
    assert_eq!(accept::<sqs::DeleteMessageBatch>(AwsQuery, body).unwrap().entries[0].id, "i");
    let body = b"QueueUrl=q&MessageBody=b&MessageAttribute.Name=n&MessageAttribute.Value.DataType=String&\
        MessageAttribute.Value.StringValue=s";
    let attributes = accept::<sqs::SendMessage>(AwsQuery, body).unwrap().message_attributes.unwrap();
    assert_eq!(attributes.get("n").unwrap().string_value.as_deref(), Some("s"));
    // An empty list, as SDKs write it.
    let input = accept::<sqs::ReceiveMessage>(AwsQuery, b"QueueUrl=q&AttributeName=").unwrap();
    assert!(input.attribute_names.unwrap_or_default().is_empty());
    // What is indexed is indexed throughout.
    for body in ["Tag.1.Key=k&Tag.Key=k", "Tag.Value=v", "Tag.-1.Key=k", "TagKey.a=1", "TagKey.a.b=1"] {
        let error = match body.starts_with("TagKey") {
            true => decode::<sqs::UntagQueue>(AwsQuery, body.as_bytes()).err(),
            false => decode::<sqs::TagQueue>(AwsQuery, body.as_bytes()).err(),
        };
        assert_eq!(error.expect(body).code, "MalformedInput", "{body}");
    }
}

#[test]
fn wrong_values() {
    for body in ["MaxItems=many", "MaxItems.x=1", "MaxItems=%zz", "MaxItems=%ff"] {
        let error = decode::<iam::ListUsers>(AwsQuery, body.as_bytes()).err().unwrap();
        assert_eq!(error.code, "MalformedInput", "{body}");
    }
    let error = decode::<iam::CreateUser>(AwsQuery, b"Tags.member.x.Key=1").err().unwrap();
    assert_eq!(error.code, "MalformedInput");
}
