use expect_test::expect;

use haneul_front::ConnInfo;

use crate::world::{ROOT, USER, World};

fn allow(action: &str, resource: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{action}","Resource":"{resource}","Condition":{condition}}}}}"#
    )
}

async fn send_to(world: &World, queue: &str) -> crate::world::Answer {
    let body = format!(r#"{{"QueueUrl":"http://localhost:4566/000000000000/{queue}","MessageBody":"m"}}"#);
    world.json(USER, "sqs", "AmazonSQS.SendMessage", &body).await
}

#[tokio::test]
async fn a_narrow_policy_lets_nothing_else_through() {
    let world =
        World::with(false, &allow("sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:mine", "{}"));
    assert_eq!(send_to(&world, "mine").await.status, 200);
    // The queue's own policy is enough within the account.
    assert_eq!(send_to(&world, "shared").await.status, 200);

    let answer = send_to(&world, "other").await;
    assert_eq!((answer.status, answer.header("x-amzn-query-error")), (403, "AccessDenied;Sender"));
    expect![[r#"{"__type":"com.amazon.coral.service#AccessDeniedException","message":"User: arn:aws:iam::000000000000:user/ann is not authorized to perform: sqs:sendmessage on resource: arn:aws:sqs:us-east-1:000000000000:other because no identity-based policy allows the sqs:sendmessage action"}"#]].assert_eq(&answer.body);

    let answer = world.json(USER, "dynamodb", "DynamoDB_20120810.ListTables", "{}").await;
    assert_eq!(answer.status, 400);
    expect![[r#"{"__type":"com.amazon.coral.service#AccessDeniedException","message":"User: arn:aws:iam::000000000000:user/ann is not authorized to perform: dynamodb:ListTables on resource: * because no identity-based policy allows the dynamodb:ListTables action"}"#]].assert_eq(&answer.body);

    let answer = world.signed(USER, "lambda", http::Request::get("/2015-03-31/functions"), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "AccessDeniedException"));

    let answer = world.signed(USER, "s3", http::Request::get("/bucket/key"), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "AccessDenied"));
    assert!(
        answer.body.contains(
            r#"User: arn:aws:iam::000000000000:user/ann is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::bucket/key" because no identity-based policy allows the s3:GetObject action"#
        ) || answer.body.contains("&quot;arn:aws:s3:::bucket/key&quot;"),
        "{}",
        answer.body
    );
    // Nothing has to be allowed for this one.
    assert_eq!(world.query(USER, "sts", "Action=GetCallerIdentity&Version=2011-06-15").await.status, 200);
    assert_eq!(world.json(ROOT, "dynamodb", "DynamoDB_20120810.ListTables", "{}").await.status, 200);
}

/// The record has the denial, the client does not learn whether there is a queue.
#[tokio::test]
async fn who_may_not_look_for_a_queue_finds_none() {
    let world =
        World::with(false, &allow("sqs:GetQueueUrl", "arn:aws:sqs:us-east-1:000000000000:mine", "{}"));
    let get = async |queue: &str| {
        let body = format!(r#"{{"QueueName":"{queue}"}}"#);
        world.json(USER, "sqs", "AmazonSQS.GetQueueUrl", &body).await
    };
    assert_eq!(get("mine").await.status, 200);
    let answer = get("other").await;
    assert_eq!(
        (answer.status, answer.header("x-amzn-query-error")),
        (400, "AWS.SimpleQueueService.NonExistentQueue;Sender")
    );
    expect![[r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist or you do not have access to it."}"#]].assert_eq(&answer.body);
    let answer = world.query(USER, "sqs", "Action=GetQueueUrl&QueueName=other").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "AWS.SimpleQueueService.NonExistentQueue"));
    assert_eq!(*world.codes.0.lock(), ["", "AccessDenied", "AccessDenied"]);
}

#[tokio::test]
async fn the_global_keys_are_there() {
    let from = ConnInfo { peer: Some("192.0.2.7".parse().unwrap()), secure: true };
    let cases = [
        (r#"{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#, true),
        (r#"{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}"#, false),
        (r#"{"Bool":{"aws:SecureTransport":"true"}}"#, true),
        (r#"{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}"#, true),
        (r#"{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}"#, false),
        (
            r#"{"StringEquals":{"aws:username":"ann","aws:userid":"AIDAANN","aws:PrincipalType":"User"}}"#,
            true,
        ),
        (r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::000000000000:user/ann"}}"#, true),
        (
            r#"{"StringEquals":{"aws:PrincipalAccount":"000000000000","aws:ResourceAccount":"000000000000"}}"#,
            true,
        ),
        (r#"{"StringLike":{"aws:UserAgent":"test/*"}}"#, true),
        (r#"{"Bool":{"aws:ViaAWSService":"false"}}"#, true),
        (r#"{"Null":{"aws:MultiFactorAuthPresent":"true","aws:SourceIdentity":"true"}}"#, true),
        (r#"{"DateGreaterThan":{"aws:CurrentTime":"2025-12-31T00:00:00Z"}}"#, true),
        (r#"{"DateLessThan":{"aws:CurrentTime":"2025-12-31T00:00:00Z"}}"#, false),
        (r#"{"NumericEquals":{"aws:EpochTime":"1767225600"}}"#, true),
        (r#"{"Bool":{"aws:PrincipalIsAWSService":"false"}}"#, true),
    ];
    for (condition, allowed) in cases {
        let world = World::with(false, &allow("dynamodb:ListTables", "*", condition));
        let (mut parts, ()) = http::Request::post("/")
            .header("host", "localhost")
            .header("user-agent", "test/1")
            .header("x-amz-target", "DynamoDB_20120810.ListTables")
            .body(())
            .unwrap()
            .into_parts();
        let payload = haneul_sigv4::SignPayload::Bytes(b"{}");
        world.signer(USER, "dynamodb").sign(&mut parts, payload).unwrap();
        let answer = world.send_from(http::Request::from_parts(parts, "{}".into()), from).await;
        assert_eq!(answer.status == 200, allowed, "{condition}: {}", answer.body);
    }
}
